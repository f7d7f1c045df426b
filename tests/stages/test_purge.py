"""Retention on the register: what a plan lists, what is destroyed, and what the certificate says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from family_exchange.adapters import database, programme, staging
from family_exchange.adapters import register as registry
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import certificate, purge
from support.council import of
from support.meanwhile import until_somebody_waits
from support.purging import OFFICER, SIX_YEARS_AGO, count, items, planned, purged
from support.register import AS_IF_SENT, TODAY

# --- what is due -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "trigger", "years"),
    [
        pytest.param("adult_social_care", "retain_from", 6, marks=pytest.mark.requirement("R-099")),
        pytest.param("looked_after_children", "date_of_birth", 75, marks=pytest.mark.requirement("R-100")),
        pytest.param("special_educational_needs", "date_of_birth", 31, marks=pytest.mark.requirement("R-101")),
        pytest.param("children_other", "date_of_birth", 25, marks=pytest.mark.requirement("R-102")),
        pytest.param("vulnerable_adults", "retain_from", 30, marks=pytest.mark.requirement("R-103")),
        pytest.param("mental_health", "retain_from", 20, marks=pytest.mark.requirement("R-104")),
    ],
)
def test_a_category_is_kept_for_its_years_and_destroyed_after_them(council, category, trigger, years):
    started = date(TODAY.year - years, TODAY.month, TODAY.day)
    record = council.register.record(
        council.register.person(), category=category, **{"retain_from": TODAY, "date_of_birth": TODAY, trigger: started}
    )
    assert items(council, planned(council, TODAY - timedelta(days=1))) == []
    assert items(council, planned(council)) == [("source_record", record, category, TODAY)]
    assert purged(council)["source_record"] == 1
    assert count(council, "register.source_record") == 0


@pytest.mark.requirement("R-103")
def test_a_range_waits_for_a_person_between_its_ends(council):
    council.register.record(council.register.person(), category="vulnerable_adults", retain_from=date(2016, 11, 22))
    assert items(council, planned(council)) == []
    (body,) = council.register.audited("purge.planned")
    assert (body["review"], body["items"]) == (1, 0)


@pytest.mark.requirement("R-098")
def test_an_unknown_date_is_never_due_and_is_counted(council):
    council.register.record(council.register.person(), retain_from=None)
    council.register.record(council.register.person(), category="children_other", date_of_birth=None)
    assert items(council, planned(council, date(2999, 1, 1))) == []
    unknown = {one.category: one.unknown for one in purge.outlook(council.doors, today=date(2999, 1, 1)) if one.unknown}
    assert unknown == {"crime_asb": 1, "children_other": 1}


@pytest.mark.requirement("R-105")
def test_each_record_keeps_its_own_date_and_the_person_stays_until_the_last_goes(council):
    register, person = council.register, council.register.person()
    born = date(TODAY.year - 31, TODAY.month, TODAY.day)
    register.record(person, category="special_educational_needs", date_of_birth=born)
    register.record(person, category="looked_after_children", date_of_birth=born)
    assert purged(council)["people"] == 0
    assert count(council, "register.person") == 1
    assert purged(council, date(born.year + 75, born.month, born.day))["people"] == 1
    assert count(council, "register.person") == 0


# --- the way of a plan -------------------------------------------------------------------------------------------


def test_planning_twice_is_one_plan(old):
    plan_id = planned(old)
    assert plan_id.startswith("P-2026-11-22-")
    assert planned(old) == plan_id
    assert purge.counts(old.doors, plan_id) == {
        "return": 0,
        "file": 0,
        "object": 0,
        "staged_file": 0,
        "source_record": 1,
    }
    assert count(old, "rights.purge_plan") == 1
    assert len(old.register.audited("purge.planned")) == 1


def test_another_list_is_another_plan(old):
    first = planned(old)
    old.register.record(old.register.person(), retain_from=SIX_YEARS_AGO)
    assert planned(old) != first


def test_nothing_is_destroyed_without_a_named_person(old):
    plan_id = planned(old)
    with pytest.raises(NeedsDecision, match="approval of a named person"):
        purge.destroy(old.doors, plan_id)
    with pytest.raises(NeedsDecision, match="not carried out"):
        certificate.issue(old.doors, plan_id)
    purge.approve(old.doors, plan_id, by=OFFICER)
    purge.approve(old.doors, plan_id, by="somebody.else")
    (body,) = old.register.audited("purge.approved")
    assert body["digest"] == old.register.value("SELECT encode(digest, 'hex') FROM rights.purge_plan")
    assert old.register.value("SELECT approved_by FROM rights.purge_plan") == OFFICER


@pytest.mark.parametrize("approved", [False, True])
def test_an_altered_list_voids_the_approval(old, approved):
    plan_id = planned(old)
    if approved:
        purge.approve(old.doors, plan_id, by=OFFICER)
    old.register.run(
        """INSERT INTO rights.purge_item (plan_id, kind, item_id, category, due_on)
           VALUES (%s, 'source_record', %s, %s, %s)""",
        plan_id, old.register.record(old.register.person()), "crime_asb", TODAY,
    )  # fmt: skip
    with pytest.raises(NeedsDecision, match="was changed since it was planned"):
        (purge.destroy if approved else lambda doors, plan: purge.approve(doors, plan, by=OFFICER))(old.doors, plan_id)
    assert count(old, "register.source_record") == 3


def test_an_unknown_plan_is_for_a_person(council):
    for ask in (purge.counts, purge.destroy, certificate.issue):
        with pytest.raises(NeedsDecision, match="no purge plan of that id"):
            ask(council.doors, "P-0")


def test_one_purge_at_a_time(old, monkeypatch):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    monkeypatch.setattr(database, "MOMENT_SECONDS", 0.1)
    with database.session(old.doors.database) as other:
        assert database.hold(other, purge.LOCK, "purge")
        with pytest.raises(TryLater, match="another purge"):
            purge.destroy(old.doors, plan_id)


def test_a_purge_takes_the_turn_of_one_whose_end_the_server_has_not_noticed_yet(old, monkeypatch):
    monkeypatch.setattr(database, "MOMENT_SECONDS", 60)  # on a machine that stalls
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    with ThreadPoolExecutor() as pool, database.session(old.doors.database) as other:
        assert database.hold(other, purge.LOCK, "purge")
        next_one = pool.submit(purge.destroy, old.doors, plan_id)
        with old.register.open() as watching:
            until_somebody_waits(watching)
        other.close()
        assert next_one.result()["source_record"] == 1


def test_nothing_of_the_register_goes_while_somebody_reads_or_writes_it(old, monkeypatch):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    before = count(old, "memory.source_record")
    with monkeypatch.context() as soon, old.register.open() as connection:
        soon.setattr(programme, "TURN_SECONDS", 0.1)
        assert database.lock_shared(connection, registry.LOCK, "register")  # as a return that is assembled
        with pytest.raises(TryLater):
            purge.destroy(old.doors, plan_id)
        assert count(old, "memory.source_record") == before
    assert purge.destroy(old.doors, plan_id)["source_record"] == 1


# --- destroying --------------------------------------------------------------------------------------------------


def test_a_record_takes_along_what_rests_on_it_alone(old):
    assert purged(old) == {
        "source_record": 1, "file": 0, "staged_file": 0, "return": 0, "object": 0,
        "held": 0, "not_due": 0, "gone": 0, "people": 1, "families": 1,
    }  # fmt: skip
    left = {
        table: count(old, f"register.{table}")
        for table in ("source_record", "person", "person_record", "possible_match", "family", "family_member",
                      "evidence", "proposal", "decision")
    }  # fmt: skip
    assert left == {
        "source_record": 1, "person": 1, "person_record": 1, "possible_match": 0, "family": 0, "family_member": 0,
        "evidence": 0, "proposal": 0, "decision": 0,
    }  # fmt: skip


def test_a_family_stays_while_a_member_does(old):
    stays = old.register.person()
    old.register.record(stays, retain_from=TODAY)
    family = old.register.value("SELECT family_id FROM register.family")
    old.register.member(family, stays)
    assert purged(old)["families"] == 0
    assert old.register.run("SELECT person_id FROM register.family_member") == [(stays,)]
    assert count(old, "register.decision") == 1


def test_people_decided_to_be_one_go_when_the_last_record_of_any_goes(council):
    register = council.register
    survivor = register.person()
    register.person(merged_into=survivor)
    register.record(survivor, retain_from=SIX_YEARS_AGO)
    last = register.record(survivor, retain_from=TODAY)
    assert purged(council)["people"] == 0
    assert purged(council, date(2032, 11, 22))["people"] == 2
    assert (last, count(council, "register.person")) == (last, 0)


def test_more_than_one_batch_goes(council, monkeypatch):
    monkeypatch.setattr(purge, "BATCH", 2)
    people = [council.register.person() for _ in range(5)]
    for person in people:
        council.register.record(person, retain_from=SIX_YEARS_AGO)
    assert purged(council)["source_record"] == 5
    assert len(council.register.audited("purge.destroyed")) == 3


def test_a_second_run_gives_the_same_counts_and_writes_nothing(old):
    counts = purged(old)
    plan_id = old.register.value("SELECT plan_id FROM rights.purge_plan")
    before = count(old, "audit.event")
    assert purge.destroy(old.doors, plan_id) == counts
    purge.approve(old.doors, plan_id, by=OFFICER)
    assert count(old, "audit.event") == before


def test_what_is_no_longer_due_stays(old):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    old.register.run(AS_IF_SENT)
    old.register.run("UPDATE memory.source_record SET retain_from = %s WHERE retain_from = %s", TODAY, SIX_YEARS_AGO)
    assert purge.destroy(old.doors, plan_id)["not_due"] == 1
    assert count(old, "register.source_record") == 2


def test_what_another_plan_destroyed_is_gone(old):
    first = planned(old)
    purge.approve(old.doors, first, by=OFFICER)
    purged(old, TODAY + timedelta(days=1))
    assert purge.destroy(old.doors, first)["gone"] == 1


# --- staged rows -------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize(("registered", "left"), [(True, 0), (False, 1)])
def test_staged_rows_go_once_the_register_has_them(council, registered, left):
    one = of(council, council.doors.profile.council)
    with one.register.open() as connection:
        staging.create_tables(connection, [one.doors.contract("police_incidents")])
    changes = {} if registered else {"registered_at": None}
    file_id = one.register.file(applied_at=TODAY - timedelta(days=30), staging_cleared_at=None, **changes)
    one.register.run("INSERT INTO staging.police_incidents (file_id, row_no, surname) VALUES (%s, 1, 'X')", file_id)
    assert purged(one, TODAY - timedelta(days=1))["staged_file"] == 0
    assert purged(one)["staged_file"] == 1 - left
    assert count(one, "staging.police_incidents") == left
    assert items(one, planned(one)) == []
