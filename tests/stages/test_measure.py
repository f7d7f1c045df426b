"""What is measured, on a real ledger: right at once, whatever happened before, and without anybody's word in it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from family_exchange.adapters import audit, backup_place, closing, database, outbox
from family_exchange.domain.backup import Manifest
from family_exchange.domain.message import Message, Topic
from family_exchange.domain.metrics import INCIDENTS, METRICS, exposition
from family_exchange.stages import measure, purge, watch
from support.calendars import london
from support.council import COUNCIL
from support.sending import a_sealed_return
from support.watched import every_partner_can_send

AT = london(2026, 12, 9, 13)
"""The police file of November is overdue since an hour."""
FED = {"partner": "police", "feed": "police_incidents"}


@pytest.fixture(autouse=True)
def keys(council):
    """Every partner has been able to send since 20 November, and for a long while."""
    every_partner_can_send(council)


def a_file(council, **columns):
    usual = {"state": "CLOSED", "verdict": "accepted", "name_bytes": b"Qwyzzlefax.csv.gpg", "size": 1, "modified_at": 1}
    said = usual | {"as_of": date(2026, 11, 30), "seen_at": AT - timedelta(hours=2)} | FED | columns
    with database.transaction(council.doors.database) as connection:
        connection.execute(
            f"INSERT INTO exchange.file ({', '.join(said)}) VALUES ({', '.join(['%s'] * len(said))})",
            list(said.values()),
        )


def value(council, name, *, part="", at=AT, **labels):
    """The one value of the metric with these labels; None when nothing is told."""
    found = [
        one.value
        for one in measure.council(council.doors, at=at)
        if one.metric == f"family_exchange_{name}" and one.part == part and labels.items() <= dict(one.labels).items()
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


def test_a_new_council_tells_of_every_metric_but_those_of_what_it_never_had(council):
    told = {one.metric for one in measure.council(council.doors, at=AT)}
    assert set(METRICS) - told == {
        "family_exchange_backup_age_seconds",
        "family_exchange_backup_whole",
        "family_exchange_audit_verified_seconds",
        "family_exchange_audit_chain_whole",
    }


def test_files_are_told_by_state_and_age_and_an_agreed_feed_says_nought(council):
    a_file(council, receipt_at=AT)
    a_file(council, state="SEEN", verdict=None, seen_at=AT - timedelta(hours=30))
    assert value(council, "files", **FED, state="CLOSED") == 1
    assert value(council, "files", **FED, state="GONE") == 0
    assert value(council, "file_oldest_seconds", **FED) == 30 * 3600
    assert value(council, "file_oldest_seconds", partner="schools", feed="school_attendance") == 0


def test_a_judged_file_without_a_receipt_is_owed_one_and_a_file_at_work_is_not(council):
    a_file(council, state="VAULTED", verdict=None)
    assert value(council, "receipt_owed_seconds", **FED) == 0
    a_file(council, state="QUARANTINED", reason="SCHEMA", verdict=None)
    assert value(council, "receipt_owed_seconds", **FED) == 2 * 3600


def test_the_time_to_a_receipt_is_counted_between_bounds(council):
    for seconds in (40, 90, 4000):
        a_file(council, receipt_at=AT - timedelta(hours=2) + timedelta(seconds=seconds))
    feed = "police_incidents"
    assert value(council, "receipt_seconds", part="_bucket", feed=feed, le="60") == 1
    assert value(council, "receipt_seconds", part="_bucket", feed=feed, le="3600") == 2
    assert value(council, "receipt_seconds", part="_bucket", feed=feed, le="+Inf") == 3
    assert value(council, "receipt_seconds", part="_sum", feed=feed) == 4130
    assert value(council, "receipt_seconds", part="_count", feed=feed) == 3


def test_rows_are_told_by_what_became_of_them(council):
    a_file(council, rows_loaded=5, rows_with_finding=2, rows_refused=1)
    a_file(council, rows_loaded=7, rows_with_finding=0, rows_refused=4)
    outcomes = {
        outcome: value(council, "rows_total", **FED, outcome=outcome)
        for outcome in ("loaded", "loaded_with_finding", "refused")
    }
    assert outcomes == {"loaded": 12, "loaded_with_finding": 2, "refused": 5}


@pytest.mark.parametrize("reason", INCIDENTS)
def test_an_incident_in_quarantine_is_told_until_it_is_rejected(council, reason):
    assert value(council, "files_quarantined", **FED, reason=reason) == 0
    a_file(council, state="QUARANTINED", reason=reason, verdict=None)
    assert value(council, "files_quarantined", **FED, reason=reason) == 1
    with database.transaction(council.doors.database) as connection:
        connection.execute("UPDATE exchange.file SET state = 'REJECTED'")
    assert value(council, "files_quarantined", **FED, reason=reason) == 0


def test_a_late_file_is_told_by_the_calendar_as_the_watch_tells_it(council):
    found = watch.survey(council.doors, at=AT)
    for state in watch.State:
        word = state.replace(" ", "_")
        theirs = [each for each in found.in_state(state) if each.partner.slug == "police"]
        assert value(council, "feed_expected", **FED, state=word) == len(theirs)
    assert value(council, "feed_expected", **FED, state="overdue") == 1
    next_one = min(
        each.standing.expected.deadline
        for each in found.feeds
        if each.partner.slug == "police" and each.standing.expected.deadline > AT
    )
    assert value(council, "feed_deadline_seconds", **FED) == (next_one - AT).total_seconds()


def test_a_feed_that_is_not_active_is_told_as_such_and_expects_nothing(council):
    paused = {"partner": "probation", "feed": "probation_supervision"}
    assert value(council, "feed_active", **FED) == 1
    assert value(council, "feed_active", **paused) == 0
    assert value(council, "feed_expected", **paused, state="overdue") is None


def test_what_waits_for_two_people_is_told_with_its_age_and_not_of_a_paused_feed(council):
    held = {"state": "QUARANTINED", "reason": "CONFLICT", "verdict": None}
    a_file(council, **held)
    a_file(council, **held, partner="probation", feed="probation_supervision", seen_at=AT - timedelta(days=90))
    assert value(council, "decisions_pending", kind="file") == 1
    assert value(council, "decision_oldest_seconds", kind="file") == 2 * 3600


def test_a_key_that_waits_for_its_second_person_is_told_with_its_age_and_not_of_who_sends_nothing(council):
    assert value(council, "decisions_pending", kind="key") == 0
    with database.transaction(council.doors.database) as connection:
        for fingerprint, partner, days in (("NEW", "police", 8), ("OTHER", "probation", 90)):
            connection.execute(
                """INSERT INTO exchange.partner_key (fingerprint, partner, valid_from, valid_to, added_by)
                   VALUES (%s, %s, %s, %s, 'one')""",
                (fingerprint, partner, AT - timedelta(days=days), AT + timedelta(days=800)),
            )
    assert value(council, "decisions_pending", kind="key") == 1
    assert value(council, "decision_oldest_seconds", kind="key") == 8 * 86_400


def test_a_key_is_counted_down_by_its_owners_newest(council):
    with database.transaction(council.doors.database) as connection:
        connection.execute("UPDATE exchange.partner_key SET valid_to = %s WHERE partner = 'police'", (AT,))
    assert value(council, "key_days", owner="police", use="openpgp") == 0
    with database.transaction(council.doors.database) as connection:
        connection.execute(
            """INSERT INTO exchange.partner_key (fingerprint, partner, valid_from, valid_to, added_by, approved_by)
               VALUES ('NEWER', 'police', %s, %s, 'one', 'another')""",
            (AT - timedelta(days=1), AT + timedelta(days=300)),
        )
    assert value(council, "key_days", owner="police", use="openpgp") == 300


@pytest.mark.requirement("R-049")
def test_a_return_is_told_by_state_and_counted_down_to_its_day(council):
    assert value(council, "returns", code="nis", state="SEALED") == 0
    return_id = a_sealed_return(council)
    assert value(council, "returns", code="nis", state="SEALED") == 1
    with database.transaction(council.doors.database) as connection:
        period = connection.execute("SELECT period FROM returns.return WHERE return_id = %s", (return_id,)).fetchone()
    assert period == ("2026-H1",)
    assert value(council, "return_due_days", code="nis", at=london(2026, 11, 1, 9)) == 10, (
        "30 working days of October on"
    )
    assert value(council, "return_due_days", code="nis", at=london(2026, 11, 12, 9)) == -1


def test_what_was_over_before_the_council_began_is_nobodys_debt(council):
    with database.transaction(council.doors.database) as connection:
        audit.append(connection, "test.began", "test", {})
    assert value(council, "return_due_days", code="fpd", at=london(2026, 11, 1, 9)) > 150


def test_an_event_under_no_checkpoint_has_an_age_and_the_next_look_of_the_watch_ends_it(council):
    assert value(council, "audit_unsigned_seconds") == 0
    with database.transaction(council.doors.database) as connection:
        audit.append(connection, "test.happened", "test", {})
        later = database.clock(connection) + timedelta(hours=3)
    assert value(council, "audit_unsigned_seconds", at=later) >= 3 * 3600
    watch.look(council.doors, at=AT)
    assert value(council, "audit_unsigned_seconds", at=later) == 0
    assert value(council, "audit_verified_seconds", at=AT + timedelta(minutes=5)) == 300
    assert value(council, "audit_chain_whole") == 1


def test_a_chain_that_the_watch_found_broken_is_told(council):
    with database.transaction(council.doors.database) as connection:
        audit.append(connection, "test.happened", "test", {})
        connection.execute("ALTER TABLE audit.event DISABLE TRIGGER USER")
        connection.execute("UPDATE audit.event SET actor = 'somebody else'")
    watch.look(council.doors, at=AT)
    assert value(council, "audit_chain_whole") == 0


def test_what_is_due_and_not_destroyed_is_told_with_its_age(old):
    purge.plan(old.doors, today=AT.date())
    told = [one for one in measure.council(old.doors, at=AT) if one.metric.endswith("purge_backlog_items")]
    assert sum(one.value for one in told) == 1
    assert {dict(one.labels)["category"] for one in told} == {rule.category for rule in old.doors.profile.retention}
    assert value(old, "purge_backlog_days") > 0
    assert value(old, "decisions_pending", kind="purge") == 1


def test_a_letter_that_waits_is_told_with_its_age(council):
    with database.transaction(council.doors.database) as connection:
        said = Message("c/a/b", Topic.WAITING, "a@example.org", "a subject", ("a line.",))
        outbox.write(connection, [said], at=AT - timedelta(hours=5))
    assert value(council, "messages_waiting") == 1
    assert value(council, "message_oldest_seconds") == 5 * 3600


def test_the_newest_backup_has_an_age_and_without_one_nothing_is_told(council):
    state = council.doors.settings.state
    assert value(council, "backup_age_seconds") is None
    only_files = Manifest("B1", COUNCIL, AT - timedelta(hours=7), None, (), 0, "", 0, "", "")
    backup_place.note_last(state, only_files)
    assert value(council, "backup_age_seconds", store="files") == 7 * 3600
    assert value(council, "backup_age_seconds", store="database") is None
    (state / "backups" / "last.json").write_text("{")
    assert value(council, "backup_age_seconds") is None


def test_whether_the_newest_backup_is_whole_is_told_once_somebody_looked(council):
    state = council.doors.settings.state
    assert value(council, "backup_whole") is None
    backup_place.note_looked(state, AT, ["vault"])
    assert value(council, "backup_whole") == 0
    backup_place.note_looked(state, AT, [])
    assert value(council, "backup_whole") == 1
    (state / backup_place.LOOKED).write_text("{")
    assert value(council, "backup_whole") is None


def test_the_disk_of_the_place_of_backups_is_told_once_there_is_one(council, tmp_path):
    state = council.doors.settings.state
    assert value(council, "free_ratio", place="backups") is None
    backup_place.say(state, tmp_path, "F" * 40)
    assert 0 < value(council, "free_ratio", place="backups") < 1
    (state / backup_place.SAID).write_text("{")
    assert value(council, "free_ratio", place="backups") is None
    assert value(council, "free_ratio", place="state") is not None


def test_disks_are_told_and_those_of_the_settings_by_number(council, tmp_path):
    further = replace(council.doors.settings, disks=(tmp_path, tmp_path / "away"))
    doors = replace(council.doors, settings=further)
    places = {dict(one.labels)["place"] for one in measure.council(doors, at=AT) if "free_" in one.metric}
    assert places == {"state", "temp", "disk_1"}
    assert 0 < value(council, "free_ratio", place="state") < 1


def test_a_closed_council_tells_that_it_is_and_asks_its_database_nothing(council):
    assert value(council, "closed") == 0
    closing.close(council.doors.settings.state, closing.Closed(AT, "somebody", "leak"))
    nowhere = replace(council.doors.settings, database="postgresql://nobody@127.0.0.1:9/nothing")
    told = measure.council(replace(council.doors, settings=nowhere), at=AT)
    assert {one.metric.removeprefix("family_exchange_") for one in told} == {
        "closed", "free_bytes", "free_ratio", "observed_timestamp_seconds",
    }  # fmt: skip


def test_no_series_comes_or_goes_with_what_it_tells_of(council):
    def series():
        agreed = {partner.slug for partner in council.doors.profile.partners} | {None}
        told = measure.council(council.doors, at=AT)
        return {(one.series, one.labels) for one in told if dict(one.labels).get("partner") in agreed}

    before = series()
    a_file(council, state="SEEN", verdict=None)
    a_file(council, state="QUARANTINED", reason="RESEARCH_WALL", verdict=None)
    a_sealed_return(council)
    assert series() == before


def test_no_name_of_a_file_and_no_word_of_anybody_is_in_a_reading(council):
    a_file(council)
    a_file(council, state="QUARANTINED", reason="CONFLICT", verdict=None, detail="row 3, column surname: Qwyzzlefax")
    text = exposition(measure.council(council.doors, at=AT))
    assert "Qwyzzlefax" not in text
    assert "police_incidents" in text


def test_measuring_leaves_no_trace(council):
    a_file(council)
    before = sorted(council.doors.settings.state.rglob("*"))
    measure.council(council.doors, at=AT)
    assert sorted(council.doors.settings.state.rglob("*")) == before
    with database.transaction(council.doors.database) as connection:
        assert connection.execute("SELECT count(*) FROM audit.event").fetchone() == (0,)
