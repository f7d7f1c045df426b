"""Retention of what intake keeps beside a file's sealed bytes: workbook, findings, notes, names, counts, leftovers."""

import io
import json
import os
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import psycopg
import pytest

from family_exchange.adapters import arrivals, decisions, resends, retention, shapes
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.release import Action, Ground
from family_exchange.stages import certificate, purge
from support.purging import OFFICER, approved
from support.register import TODAY

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
BOOK = b"a sealed workbook"


def purged(council, today=TODAY):
    """What went, with its certificate."""
    plan_id = approved(council, today)
    counts = purge.destroy(council.doors, plan_id)
    certificate.issue(council.doors, plan_id)
    return counts


def stored(council, content, *, days_ago=0):
    """The digest of an object of the vault that was put there so many days ago."""
    digest = council.doors.vault.put(io.BytesIO(content)).sha256
    then = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC).timestamp() - days_ago * 86400
    os.utime(council.doors.vault.path(digest), (then, then))
    return digest


def answered(council, content=b"sealed", *, state="CLOSED", book=BOOK, **changes):
    """The id of a file that was answered long ago, with all that intake keeps of it."""
    values = {
        "ct_sha256": stored(council, content), "workbook_sha256": stored(council, book) if book else None,
        "receipt_at": LONG_AGO, "landing_removed_at": LONG_AGO, "name_bytes": b"kezia_canary.csv.pgp",
        "signed_at": LONG_AGO, "contract": "v1", **changes,
    }  # fmt: skip
    file_id = council.register.file(state=state, **values)
    council.register.run(
        """INSERT INTO exchange.finding (file_id, finding_no, row_no, column_name, rule, severity, ref_hmac)
           VALUES (%s, 1, 7, 'Postcode', 'R-1', 'error', '\\x01')""",
        file_id,
    )
    council.register.run(
        """INSERT INTO exchange.file_decision (file_id, epoch, action, decided_by, reason, note)
           VALUES (%s, 1, 'release', 'anna', 'partner_confirmed', 'Kezia Canary moved')""",
        file_id,
    )
    return file_id


def shape(council, file_id, rows):
    council.register.run("INSERT INTO exchange.file_shape VALUES (%s, '', '', %s), (%s, 'Sex', 'F', 1)",
                         file_id, rows, file_id)  # fmt: skip


def kept(council, table, where="true"):
    return council.register.value(f"SELECT count(*) FROM exchange.{table} WHERE {where}")


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize("state", ["CLOSED", "QUARANTINED", "REJECTED"])
def test_all_that_tells_of_a_files_rows_goes_with_its_sealed_bytes(council, state):
    answered(council, state=state)
    assert purged(council)["file"] == 1
    assert list(council.doors.vault.held()) == []
    assert kept(council, "finding") == 0
    assert kept(council, "file", "name_bytes <> ''") == 0
    assert council.register.run("SELECT decided_by, reason, note FROM exchange.file_decision") == [
        ("anna", "partner_confirmed", None)
    ]


def test_nothing_of_it_goes_before_its_day(council):
    answered(council, receipt_at=datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    assert purged(council)["file"] == 0
    assert len(list(council.doors.vault.held())) == 2
    assert (kept(council, "finding"), kept(council, "file_decision", "note IS NOT NULL")) == (1, 1)


@pytest.mark.requirement("D-16")
def test_a_hold_keeps_all_of_it(council):
    file_id = answered(council)
    with council.register.open() as connection:
        retention.place_hold(connection, "file", file_id, by=OFFICER, reason="an inquiry asks for it")
    assert purged(council)["file"] == 0
    assert len(list(council.doors.vault.held())) == 2
    assert (kept(council, "finding"), kept(council, "file_decision", "note IS NOT NULL")) == (1, 1)


def test_the_name_of_what_still_lies_in_the_drop_zone_stays_so_that_it_is_known_again(council):
    answered(council, landing_removed_at=None)
    purged(council)
    assert kept(council, "file", "name_bytes <> ''") == 1


def test_the_certificate_counts_every_store(council):
    answered(council)
    purged(council)
    body = json.loads(council.register.value("SELECT body FROM rights.certificate"))
    stores = {store["store"]: (store["before"], store["after"], store["kept"]) for store in body["stores"]}
    assert stores["vault"] == (2, 0, 0)
    assert stores["exchange.finding"] == stores["exchange.file_decision"] == stores["exchange.file"] == (1, 0, 0)


@pytest.mark.parametrize(
    ("store", "back"),
    [
        ("vault", None),
        ("exchange.finding", "INSERT INTO exchange.finding SELECT file_id, 1, 1, 'x', 'R', 'e' FROM exchange.file"),
        ("exchange.file_decision", "UPDATE exchange.file_decision SET note = 'x'"),
        ("exchange.file", "UPDATE exchange.file SET name_bytes = 'x'"),
    ],
)  # fmt: skip
def test_what_came_back_gives_no_certificate(council, store, back):
    answered(council)
    plan_id = approved(council)
    purge.destroy(council.doors, plan_id)
    council.register.run(back) if back else stored(council, BOOK)
    with pytest.raises(NeedsDecision, match=f"left something in {store};"):
        certificate.issue(council.doors, plan_id)


def test_a_workbook_that_another_file_has_too_stays_with_it(council):
    answered(council)
    answered(council, b"other", receipt_at=datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    assert purged(council)["file"] == 1
    assert set(council.doors.vault.held()) == {sha256(BOOK).digest(), sha256(b"other").digest()}


def test_a_file_that_was_taken_back_goes_with_what_had_been_copied_of_it(council):
    answered(council, state="GONE", receipt_at=None, book=None)
    assert purged(council, date(2020, 1, 30))["file"] == 0
    assert purged(council, date(2020, 1, 31))["file"] == 1
    assert list(council.doors.vault.held()) == []


def test_nobody_is_asked_about_a_file_that_was_destroyed(council):
    file_id = answered(council, state="QUARANTINED", reason="CONFLICT", epoch=1, seen_at=LONG_AGO)
    with council.register.open() as connection:
        assert [each.file.file_id for each in decisions.in_quarantine(connection)] == [file_id]
        assert arrivals.held(connection, seen_before=datetime.now(UTC))
    purged(council)
    with council.register.open() as connection:
        assert decisions.in_quarantine(connection) == []
        assert arrivals.held(connection, seen_before=datetime.now(UTC)) == []
        for action, ground in (
            (Action.RELEASE, Ground.PARTNER_CONFIRMED), (Action.REJECT, Ground.PARTNER_WITHDREW),
        ):  # fmt: skip
            with pytest.raises(NeedsDecision, match="destroyed"):
                decisions.decide(connection, file_id, action, by="ben", ground=ground)


def test_a_destroyed_file_is_not_compared_with_the_one_that_mends_it(council):
    file_id = answered(council)
    with council.register.open() as connection:
        assert len(resends.marks(connection, file_id)) == 1
    purged(council)
    with council.register.open() as connection:
        assert resends.marks(connection, file_id) is None, "not: nothing was wrong with it"


def test_the_counts_of_a_feeds_newest_files_outlive_their_bytes_and_no_others_do(council):
    for number in range(8):
        file_id = answered(
            council, str(number).encode(), book=None, signed_at=LONG_AGO + timedelta(days=number), partner="police"
        )
        shape(council, file_id, 100)
    small = answered(council, b"small", book=None, partner="schools")
    shape(council, small, 3)
    refused = answered(council, b"refused", book=None, partner="police", state="QUARANTINED")
    shape(council, refused, 100)
    assert purged(council)["file"] == 10
    with council.register.open() as connection:
        left = connection.execute(
            "SELECT substr(signed_at::text, 1, 10) FROM exchange.file JOIN exchange.file_shape USING (file_id) "
            "WHERE code = '' ORDER BY 1"
        ).fetchall()
        assert shapes.forget(connection, file_id) == 0
    assert [day for (day,) in left] == [f"2020-01-0{number}" for number in range(3, 9)]


# --- objects that no line of the ledger knows --------------------------------------------------------------------


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize(("days", "gone"), [(29, 0), (30, 1)])
def test_what_a_crash_left_in_the_vault_goes_after_the_days_of_a_refused_file(council, days, gone):
    digest = stored(council, b"left behind", days_ago=days)
    known = answered(council, receipt_at=datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    assert purged(council)["object"] == gone
    assert council.doors.vault.holds(digest) == (not gone)
    assert council.register.value("SELECT vault_destroyed_at FROM exchange.file WHERE file_id = %s", known) is None
    assert len(list(council.doors.vault.held())) == 3 - gone


def test_it_is_in_the_plan_that_a_person_approves_and_in_the_certificate(council):
    digest = stored(council, b"left behind", days_ago=30)
    plan_id = approved(council)
    assert purge.counts(council.doors, plan_id)["object"] == 1
    assert council.register.value("SELECT item_id FROM rights.purge_item") == digest.hex()
    purge.destroy(council.doors, plan_id)
    certificate.issue(council.doors, plan_id)
    body = json.loads(council.register.value("SELECT body FROM rights.certificate"))
    assert {"store": "vault, unclaimed", "before": 1, "after": 0, "kept": 0} in body["stores"]


def test_what_the_ledger_claimed_meanwhile_stays(council):
    digest = stored(council, b"left behind", days_ago=30)
    plan_id = approved(council)
    council.register.file(ct_sha256=digest, state="VAULTED", receipt_at=None)
    counts = purge.destroy(council.doors, plan_id)
    assert (counts["object"], counts["not_due"]) == (0, 1)
    assert certificate.issue(council.doors, plan_id)
    assert council.doors.vault.holds(digest)


def test_what_was_put_again_meanwhile_stays(council):
    digest = stored(council, b"left behind", days_ago=30)
    plan_id = approved(council)
    stored(council, b"left behind")
    assert purge.destroy(council.doors, plan_id)["not_due"] == 1
    assert council.doors.vault.holds(digest)


@pytest.mark.requirement("D-16")
@pytest.mark.parametrize("scope", ["person", "file", "category", "council"])
def test_while_anything_of_partners_is_on_hold_it_stays(council, scope):
    digest = stored(council, b"left behind", days_ago=30)
    person = council.register.person()
    record = council.register.record(person, retain_from=TODAY)
    file_id = council.register.value("SELECT file_id FROM register.source_record WHERE source_record_id = %s", record)
    plan_id = approved(council)
    with council.register.open() as connection:
        scope_id = {"category": "quarantined_file", "person": person, "file": file_id}.get(scope, "all")
        retention.place_hold(connection, scope, scope_id, by=OFFICER, reason="an inquiry asks for it")
    assert purge.destroy(council.doors, plan_id)["held"] == 1
    assert council.doors.vault.holds(digest)
    assert certificate.issue(council.doors, plan_id)
    assert purge.counts(council.doors, purge.plan(council.doors, today=TODAY))["object"] == 0


# --- while people decide -----------------------------------------------------------------------------------------


def at_once(council):
    """A connection that waits for nobody."""
    connection = psycopg.connect(council.doors.database)
    connection.execute("SET lock_timeout = '50ms'")
    return connection


def test_nobody_decides_about_a_file_that_is_being_destroyed(council):
    file_id = answered(council, state="QUARANTINED", reason="CONFLICT")
    release = {"by": "ben", "ground": Ground.PARTNER_CONFIRMED}
    with council.register.open() as purging, at_once(council) as other:
        purging.execute("UPDATE exchange.file SET vault_destroyed_at = clock_timestamp()")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            decisions.decide(other, file_id, Action.RELEASE, **release)
    with council.register.open() as connection, pytest.raises(NeedsDecision, match="destroyed"):
        decisions.decide(connection, file_id, Action.RELEASE, **release)


def test_nobody_moves_a_file_between_the_judging_and_the_destroying(council):
    file_id = answered(council, state="QUARANTINED", reason="CONFLICT")
    rule = council.doors.profile.retention_rule("quarantined_file")
    with council.register.open() as purging, at_once(council) as other:
        assert retention.outcomes(purging, rule, [file_id], today=TODAY) == {file_id: "destroyed"}
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("UPDATE exchange.file SET state = 'CLAIMED'")
    council.register.run("UPDATE exchange.file SET state = 'CLAIMED'")
    with council.register.open() as purging:
        assert retention.outcomes(purging, rule, [file_id], today=TODAY) == {file_id: "gone"}
