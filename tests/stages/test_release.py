"""Two people release a file in quarantine, or reject it: what they set aside, and what nobody can."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database, decisions, settings
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo.keys import encrypt_only
from family_exchange.domain.errors import Busy, NeedsDecision
from family_exchange.domain.file import Reason, State
from family_exchange.domain.release import Action, Ground
from family_exchange.stages import decide as deciding
from support import periods
from support.periods import FEED, area, police, send, tenant

__all__ = ["area", "police", "send", "tenant"]

ANNA, BEN, CY = "anna", "ben", "cy"


@pytest.fixture
def decide(tenant):
    def decide(file, action, by, *, ground=None, epoch=None, note=None):
        ground = ground or (Ground.PARTNER_CONFIRMED if action is Action.RELEASE else Ground.PARTNER_WITHDREW)
        with database.transaction(tenant.doors.database) as connection:
            return decisions.decide(connection, file.file_id, action, by=by, ground=ground, note=note, epoch=epoch)

    return decide


@pytest.fixture
def released(tenant, decide):
    """The file after two people released it, and intake ran again."""

    def released(file, **how):
        assert decide(file, Action.RELEASE, ANNA) is None
        assert decide(file, Action.RELEASE, BEN) is Action.RELEASE
        return periods.again(tenant, file, **how)

    return released


@pytest.fixture
def held(send):
    periods.usual(send)
    file = send(periods.table(FEED, 5, first=1000))
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.CONTENT)
    return file


def test_a_held_file_that_two_people_release_counts_and_its_partner_hears_of_it(tenant, police, held, released):
    with DropZone(police.endpoint) as zone:
        assert not zone.list(f"/{FEED}"), "the landing file is gone: it comes out of the vault"
    file = released(held)
    assert (file.state, file.reason, file.waived) == (State.CLOSED, None, {Reason.CONTENT})
    assert periods.staged(tenant.doors, file) == file.rows_loaded == 5
    assert periods.receipt(tenant, police, file)["state"] == "QUARANTINED"
    second = periods.receipt(tenant, police, file, answer=2)
    assert (second["state"], second["rows"]["loaded"]) == ("CLOSED", 5)
    ((actor, moved),) = [event for event in periods.events(tenant.doors, file, "file.claimed") if event[0] == BEN]
    assert (moved["decided_by"], moved["waived"], moved["rules"]) == ([ANNA, BEN], ["CONTENT"], ["SHAPE-001"])
    assert actor == BEN


def test_what_was_released_begins_a_new_measure(send, held, released):
    assert released(held).state is State.CLOSED
    assert send(periods.table(FEED, 100, first=2000)).state is State.CLOSED
    assert send(periods.table(FEED, 6, first=3000)).state is State.QUARANTINED


def test_a_file_that_two_people_reject_ends_and_its_partner_hears_of_it(tenant, police, held, decide):
    assert decide(held, Action.REJECT, ANNA) is None
    assert decide(held, Action.REJECT, BEN) is Action.REJECT
    file = periods.again(tenant, held)
    assert (file.state, file.answers) == (State.REJECTED, 2)
    assert periods.staged(tenant.doors, file) == 0
    assert periods.receipt(tenant, police, file, answer=2)["state"] == "REJECTED"
    with pytest.raises(NeedsDecision, match="is REJECTED"):
        decide(file, Action.RELEASE, CY)


def test_one_person_decides_nothing_alone_however_the_name_is_written(tenant, held, decide):
    decide(held, Action.RELEASE, ANNA)
    for again in (ANNA, " Anna", "ANNA "):
        with pytest.raises(NeedsDecision, match="different person"):
            decide(held, Action.RELEASE, again)
    assert held.file_id not in {file.file_id for file in periods.run(tenant.doors, FEED)}
    assert decide(held, Action.RELEASE, BEN) is Action.RELEASE


def test_a_third_decides_between_two_who_disagree(tenant, held, decide):
    assert decide(held, Action.RELEASE, ANNA) is None
    assert decide(held, Action.REJECT, BEN) is None
    assert decide(held, Action.REJECT, CY) is Action.REJECT
    said = periods.events(tenant.doors, held, "file.decided")
    assert [(actor, body["action"]) for actor, body in said] == [(ANNA, "release"), (BEN, "reject"), (CY, "reject")]


def test_a_voice_about_an_earlier_quarantine_does_not_count(tenant, police, area, decide):
    bare = periods.content(FEED, periods.table(FEED, 3), area=area)
    unsigned = encrypt_only(police.openpgp, bare, recipient=tenant.doors.settings.own_key)
    first = periods.left(tenant, police, FEED, f"{area}-unsigned.pgp", unsigned)
    assert first.reason is Reason.UNSIGNED
    decide(first, Action.RELEASE, ANNA)
    decide(first, Action.RELEASE, BEN)
    second = periods.again(tenant, first)
    assert (second.state, second.reason, second.waived) == (State.QUARANTINED, Reason.UNSIGNED, frozenset())
    with pytest.raises(NeedsDecision, match="worked on since"):
        decide(second, Action.REJECT, ANNA, epoch=first.epoch)
    assert decide(second, Action.REJECT, ANNA, epoch=second.epoch) is None
    assert decide(second, Action.REJECT, BEN) is Action.REJECT


def test_nobody_decides_about_a_file_at_which_a_worker_is(tenant, held, decide):
    with database.session(tenant.doors.database) as connection:
        assert database.hold(connection, decisions.LOCK, held.file_id)
        with pytest.raises(Busy, match="another worker"):
            decide(held, Action.RELEASE, ANNA)
    assert decide(held, Action.RELEASE, ANNA) is None


def test_a_file_that_is_not_in_quarantine_waits_for_nobody(tenant, send, decide):
    file = send(periods.table(FEED, 3))
    with pytest.raises(NeedsDecision, match="waits for nobody"):
        decide(file, Action.REJECT, ANNA)
    with pytest.raises(NeedsDecision, match="no file"), database.transaction(tenant.doors.database) as connection:
        decisions.decide(connection, "F999", Action.REJECT, by=ANNA, ground=Ground.REPLACED)


def test_what_somebody_types_stays_in_one_table(tenant, held, decide, caplog):
    decide(held, Action.RELEASE, ANNA, note="Zebedee rang and said it is right")
    with database.transaction(tenant.doors.database) as connection:
        (kept,) = connection.execute(
            "SELECT note FROM exchange.file_decision WHERE file_id = %s", (held.file_id,)
        ).fetchone()
        told = connection.execute(
            "SELECT count(*) FROM audit.event WHERE convert_from(event, 'UTF8') LIKE '%%Zebedee%%'"
        ).fetchone()
    assert kept.startswith("Zebedee")
    assert told == (0,)
    assert "Zebedee" not in caplog.text


def test_an_odd_name_and_then_an_old_file_are_two_things_to_set_aside(tenant, released, area):
    schools, feed = tenant.partners["schools"], "school_attendance"
    old = periods.sealed(tenant, schools, periods.content(feed, periods.table(feed, 3), area=area))
    newer = periods.content(feed, periods.table(feed, 3, first=4), area=area)
    assert periods.sent(tenant, schools, feed, "newer.pgp", newer).state is State.CLOSED
    with database.transaction(tenant.doors.database) as connection:  # the test does not wait for the next second
        connection.execute(
            "UPDATE exchange.file SET signed_at = signed_at + interval '2 minutes' WHERE area = %s", (area,)
        )
    file = periods.left(tenant, schools, feed, "-odd.pgp", old)
    assert file.reason is Reason.NAME
    file = released(file)
    assert file.reason is Reason.STALE
    file = released(file)
    assert (file.state, file.waived) == (State.CLOSED, {Reason.NAME, Reason.STALE})


def test_a_contradiction_is_let_in_without_its_number(tenant, send, released):
    assert send(periods.table(FEED, 3), sequence=7001).state is State.CLOSED
    file = send(periods.table(FEED, 4), sequence=7001)
    assert file.reason is Reason.CONFLICT
    file = released(file)
    assert (file.state, file.sequence) == (State.CLOSED, None)


def test_an_old_file_that_also_contradicts_is_asked_about_twice(tenant, police, send, released, area):
    old = periods.content(FEED, periods.table(FEED, 3), area=area, sequence=7002)
    year_old = datetime.now(UTC) + timedelta(days=400)
    file = periods.left(tenant, police, FEED, f"{area}.pgp", periods.sealed(tenant, police, old), at=year_old)
    assert file.reason is Reason.STALE, "the signature itself is too old"
    assert send(periods.table(FEED, 4), sequence=7002).state is State.CLOSED
    file = released(file, at=year_old)
    assert file.reason is Reason.CONFLICT
    assert released(file, at=year_old).state is State.CLOSED


def test_a_release_lets_nobody_in_whose_seal_is_not_in_order(tenant, police, area, released):
    foreign = tenant.partners["schools"]
    file = periods.sent(tenant, police, FEED, f"{area}.pgp", periods.content(FEED, periods.table(FEED, 3)))
    assert file.state is State.CLOSED, "the twin, whose seal is in order"
    forged = periods.sealed(tenant, foreign, periods.content(FEED, periods.table(FEED, 3), area=area))
    file = periods.left(tenant, police, FEED, f"{area}-forged.pgp", forged)
    assert file.reason is Reason.SIGNER_NOT_PARTNER
    assert released(file).reason is Reason.SIGNER_NOT_PARTNER
    assert periods.staged(tenant.doors, file) == 0


def test_people_are_told_counts_and_rules_until_two_agree(tenant, held):
    doors = tenant.doors
    (case,) = deciding.cases(doors, [held.file_id])
    assert case in deciding.cases(doors)
    assert case == f"{held.file_id}/{held.epoch}"
    told = deciding.words(doors, case)
    assert "SHAPE-001: 5 rows, usually 100 rows" in told
    assert "said" not in told
    voice = {"ground": Ground.EXPECTED_CHANGE}
    assert deciding.record(doors, case, Action.RELEASE, by=ANNA, **voice) is State.QUARANTINED
    assert "anna said: release (expected_change)" in deciding.words(doors, case)
    assert deciding.record(doors, case, Action.RELEASE, by=ANNA, **voice) is State.QUARANTINED, "a second run"
    assert deciding.record(doors, case, Action.RELEASE, by=BEN, **voice) is State.CLAIMED
    assert deciding.words(doors, case) is None
    assert deciding.cases(doors, [held.file_id]) == []
    assert deciding.record(doors, case, Action.RELEASE, by=BEN, **voice) is State.CLAIMED, "a second run"
    with pytest.raises(NeedsDecision, match="waits for nobody"):
        deciding.record(doors, case, Action.RELEASE, by=CY, **voice)


def test_nobody_is_asked_about_a_file_that_a_release_could_only_look_at_again(tenant, police, area):
    bare = periods.content(FEED, periods.table(FEED, 3), area=area)
    unsigned = encrypt_only(police.openpgp, bare, recipient=tenant.doors.settings.own_key)
    file = periods.left(tenant, police, FEED, f"{area}.pgp", unsigned)
    assert file.reason is Reason.UNSIGNED
    assert deciding.cases(tenant.doors, [file.file_id]) == []
    assert deciding.words(tenant.doors, f"{file.file_id}/{file.epoch}").startswith(f"File **{file.file_id}**")


def asked(tenant, *words):
    """What the command line answers: its JSON, or the words with which it stopped."""
    environment = settings.as_environment(tenant.doors.settings)
    council = ["--council", tenant.doors.profile.council, "--json"]
    done = CliRunner().invoke(cli.application("files"), [*words, *council], env=dict(environment))
    return json.loads(done.stdout) if done.exit_code == 0 else str(done.exception or done.output)


def test_two_people_release_a_file_on_the_command_line(tenant, held):
    (row,) = [one for one in asked(tenant, "files", "list", "--held") if one["file"] == held.file_id]
    assert (row["reason"], row["rules"], row["a release"]) == ("CONTENT", "SHAPE-001", "sets CONTENT aside")
    (sign,) = asked(tenant, "files", "show", held.file_id)["unlike_earlier_files"]
    assert (sign["rule"], sign["now"], sign["usual"]) == ("SHAPE-001", 5, 100)
    assert row["case"] == f"{held.file_id}/{held.epoch}"
    release = ["files", "release", row["case"], "--reason", "expected_change"]
    for another, told in ((f"{held.file_id}/{held.epoch - 1}", "worked on since"), (f"{held.file_id}/x", "a slash")):
        assert told in asked(tenant, *release[:2], another, *release[3:], "--by", ANNA)
    assert asked(tenant, *release, "--by", ANNA, "--note", "the feed was cut in two")["done"] is None
    assert "different person" in asked(tenant, *release, "--by", "Anna")
    assert "no ground to release" in asked(tenant, *release[:3], "--reason", "not_trusted", "--by", BEN)
    (row,) = [one for one in asked(tenant, "files", "list", "--held") if one["file"] == held.file_id]
    assert row["said so far"] == "release by anna (expected_change)"
    release[2] = held.file_id  # whichever quarantine it is in
    assert asked(tenant, *release, "--by", BEN)["done"] == "release"
    assert periods.again(tenant, held).state is State.CLOSED
