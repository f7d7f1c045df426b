"""Retention of what the platform itself makes: sealed files in the vault, and our own copies of returns."""

import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from family_exchange.adapters import retention
from family_exchange.adapters.faultpoint import VARIABLE
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import assemble, certificate, deliver, purge
from support.council import of
from support.meanwhile import until_nobody_holds
from support.register import PERIOD, TODAY
from support.sending import a_sealed_return

OFFICER = "protection.officer"


def instant(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def purged(council, today=TODAY):
    plan_id = purge.plan(council.doors, today=today)
    purge.approve(council.doors, plan_id, by=OFFICER)
    counts = purge.destroy(council.doors, plan_id)
    certificate.issue(council.doors, plan_id)
    return counts


def vaulted(council, content=b"sealed", **changes):
    """The id of a file whose sealed bytes are in the vault."""
    stored = council.doors.vault.put(io.BytesIO(content))
    return council.register.file(ct_sha256=stored.sha256, **changes)


def accepted(council, code="nis", *, on):
    """The id of a return that the recipient accepted on that day; our own copy is whole."""
    return_id = a_sealed_return(council, code)
    council.register.run(
        "UPDATE returns.return SET state = 'ACKNOWLEDGED', acknowledged_at = %s WHERE return_id = %s",
        instant(on), return_id,
    )  # fmt: skip
    return return_id


def copies(council):
    """What we still have of returns: rows, and objects in the vault."""
    return council.register.value("SELECT count(*) FROM returns.return_row"), len(list(council.doors.vault.held()))


# --- sealed files ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize(
    ("state", "days"),
    [("CLOSED", 90), ("DUPLICATE", 90), ("SUPERSEDED", 90), ("QUARANTINED", 30), ("REJECTED", 30)],
)
def test_a_sealed_file_goes_when_its_days_are_over(council, state, days):
    vaulted(council, state=state, receipt_at=instant(TODAY - timedelta(days=days)))
    assert purged(council, TODAY - timedelta(days=1))["file"] == 0
    assert purged(council)["file"] == 1
    assert list(council.doors.vault.held()) == []
    assert purge.counts(council.doors, purge.plan(council.doors, today=TODAY))["file"] == 0


@pytest.mark.parametrize("state", ["SEEN", "VAULTED", "AUTHENTIC", "VALID", "APPLIED"])
def test_a_file_under_way_is_never_due(council, state):
    vaulted(council, state=state, receipt_at=instant(date(2020, 1, 1)))
    assert purge.counts(council.doors, purge.plan(council.doors, today=TODAY))["file"] == 0


def test_a_file_that_was_never_answered_has_no_known_date(council):
    vaulted(council, state="QUARANTINED", receipt_at=None)
    assert purge.counts(council.doors, purge.plan(council.doors, today=date(2999, 1, 1)))["file"] == 0


def test_bytes_that_another_file_needs_stay_until_its_own_day(council):
    old, new = instant(TODAY - timedelta(days=90)), instant(TODAY)
    vaulted(council, state="CLOSED", receipt_at=new)
    vaulted(council, state="DUPLICATE", receipt_at=old)
    assert purged(council)["file"] == 1
    assert list(council.doors.vault.held()) == [sha256(b"sealed").digest()]
    assert purged(council, TODAY + timedelta(days=90))["file"] == 1
    assert list(council.doors.vault.held()) == []


@pytest.mark.requirement("D-16")
def test_a_hold_on_a_person_keeps_every_file_that_tells_of_them(council):
    person = council.register.person()
    for content in (b"one", b"two"):
        file_id = vaulted(council, content, receipt_at=instant(date(2020, 1, 1)))
    council.register.record(person, file_id, retain_from=TODAY)
    with council.register.open() as connection:
        retention.place_hold(connection, "person", person, by=OFFICER, reason="an inquiry asks for it")
    assert purged(council)["file"] == 1
    assert list(council.doors.vault.held()) == [sha256(b"two").digest()]


PURGE = """
import sys
from pathlib import Path
from family_exchange.adapters import profiles
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.stages import certificate, purge
council, database, state, own, theirs, plan_id = sys.argv[1:]
nowhere = SftpEndpoint("localhost", 1, "nobody", Path("/dev/null"), "")
settings = CouncilSettings(council, database, Path(state), own, theirs, nowhere, nowhere)
purge.destroy(Doors(profiles.profile(council), settings), plan_id)
"""


@pytest.mark.parametrize(
    "point",
    ["purge.journaled", "purge.file_destroyed", "purge.committed", "purge.batch_done", "purge.source_record_destroyed"],
)
def test_a_purge_that_was_cut_off_is_finished_with_the_same_counts(council, point):
    for content in (b"one", b"two"):
        vaulted(council, content, receipt_at=instant(date(2020, 1, 1)))
    council.register.record(council.register.person(), retain_from=date(2000, 1, 1))
    plan_id = purge.plan(council.doors, today=TODAY)
    purge.approve(council.doors, plan_id, by=OFFICER)
    settings = council.doors.settings
    arguments = [settings.council, settings.database, str(settings.state), settings.own_key, settings.recipient_key]
    run = subprocess.run(
        [sys.executable, "-c", PURGE, *arguments, plan_id],
        env={VARIABLE: point, "PATH": "/usr/bin:/bin", "PYTHONPATH": "include"},
        check=False,
    )
    assert run.returncode == -9
    with council.register.open() as connection:
        until_nobody_holds(connection)
    counts = purge.destroy(council.doors, plan_id)
    assert (counts["file"], counts["source_record"], counts["people"]) == (2, 1, 1)
    assert purge.destroy(council.doors, plan_id) == counts
    assert list(council.doors.vault.held()) == []
    assert certificate.issue(council.doors, plan_id)
    journal = council.doors.journal
    assert [len(journal.destroyed(kind)[0]) for kind in ("file", "source_record")] == [2, 1]
    assert len(journal.objects_gone()) == 2
    assert journal.unfinished() == []


# --- our own copies of returns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "years"),
    [
        pytest.param("halton", 7, marks=pytest.mark.requirement("R-107")),
        pytest.param("wakefield", 5, marks=pytest.mark.requirement("R-108")),
    ],
)
def test_a_research_copy_is_destroyed_its_years_after_it_was_accepted(council, name, years):
    one = of(council, name)
    accepted(one, on=date(2019, 3, 31))
    due = date(2019 + years, 3, 31)
    assert purged(one, due - timedelta(days=1))["return"] == 0
    assert purged(one, due)["return"] == 1
    assert copies(one) == (0, 0)
    found = one.register.run("SELECT state, destroyed_at IS NULL, content_sha256 IS NULL FROM returns.return")
    assert found == [("ACKNOWLEDGED", False, False)]


@pytest.mark.requirement("R-106")
def test_research_copies_wait_for_the_end_of_the_programme(council):
    one = of(council, "herefordshire")
    accepted(one, on=date(2016, 3, 31))
    assert purged(one, date(2100, 1, 1))["return"] == 0
    unknown = {found.category: found.unknown for found in purge.outlook(one.doors, today=TODAY)}
    assert unknown["nis_return"] == 1
    with one.register.open() as connection:
        retention.record_event(connection, "programme_end", happened_on=date(2020, 3, 31), by=OFFICER)
    assert purged(one, date(2026, 3, 30))["return"] == 0
    assert purged(one, date(2026, 3, 31))["return"] == 1
    assert copies(one) == (0, 0)


@pytest.mark.requirement("R-109")
def test_every_research_copy_goes_when_the_project_is_concluded(council):
    one = of(council, "bolton")
    accepted(one, on=date(2026, 10, 1))
    assert purged(one)["return"] == 0
    with one.register.open() as connection:
        retention.record_event(connection, "research_project_concluded", happened_on=TODAY, by=OFFICER)
    assert purged(one)["return"] == 1
    assert copies(one) == (0, 0)
    body = json.loads(one.register.run("SELECT body FROM rights.certificate ORDER BY issued_at DESC LIMIT 1")[0][0])
    assert {"store": "returns.return_row", "before": 1, "after": 0, "kept": 0} in body["stores"]
    assert {"store": "vault", "before": 1, "after": 0, "kept": 0} in body["stores"]
    assert [rule["trigger"] for rule in body["rules"]] == ["research_project_concluded"]


def test_a_return_under_way_is_never_due(council):
    one = of(council, "bolton")
    a_sealed_return(one)
    with one.register.open() as connection:
        retention.record_event(connection, "research_project_concluded", happened_on=TODAY, by=OFFICER)
    assert purged(one)["return"] == 0


def test_a_voided_return_counts_from_the_day_it_was_made(council):
    return_id = assemble.draft(council.doors, "nis", PERIOD)
    council.register.run(
        "UPDATE returns.return SET state = 'VOID', recorded_at = %s WHERE return_id = %s",
        instant(date(2020, 11, 22)), return_id,
    )  # fmt: skip
    assert purged(council)["return"] == 1


@pytest.mark.requirement("D-16")
@pytest.mark.parametrize("scope", ["return", "person"])
def test_a_hold_keeps_a_return(council, scope):
    return_id = accepted(council, on=date(2019, 3, 31))
    person = council.register.value("SELECT person_id FROM returns.return_row WHERE row_no = 1")
    with council.register.open() as connection:
        scope_id = {"return": return_id, "person": person}[scope]
        retention.place_hold(connection, scope, scope_id, by=OFFICER, reason="an inquiry asks for it")
    assert purged(council)["return"] == 0
    assert copies(council) == (2, 1)


def test_a_destroyed_return_is_neither_made_nor_sent_again(council):
    return_id = accepted(council, on=date(2019, 3, 31))
    purged(council)
    assert assemble.draft(council.doors, "nis", PERIOD) == return_id
    assert str(deliver.send(council.doors, return_id)) == "ACKNOWLEDGED"
    assert copies(council) == (0, 0)


def test_a_vault_that_does_not_let_go_gives_no_certificate(council):
    file_id = vaulted(council, receipt_at=instant(date(2020, 1, 1)))
    plan_id = purge.plan(council.doors, today=TODAY)
    purge.approve(council.doors, plan_id, by=OFFICER)
    purge.destroy(council.doors, plan_id)
    council.doors.vault.put(io.BytesIO(b"sealed"))  # as a backup restored over it would
    with pytest.raises(NeedsDecision, match="left something in vault"):
        certificate.issue(council.doors, plan_id)
    assert (
        council.register.value("SELECT vault_destroyed_at IS NULL FROM exchange.file WHERE file_id = %s", file_id)
        is False
    )
