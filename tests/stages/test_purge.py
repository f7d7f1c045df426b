"""Retention on the register: what a plan lists, what is destroyed, and what the certificate says."""

import json
from datetime import date, timedelta

import pytest

from family_exchange.adapters import audit, retention, staging
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import purge
from support.council import of
from support.register import TODAY

OFFICER = "protection.officer"
SIX_YEARS_AGO = date(2020, 11, 22)


def planned(council, today=TODAY):
    return purge.plan(council.doors, today=today)


def purged(council, today=TODAY):
    plan_id = planned(council, today)
    purge.approve(council.doors, plan_id, by=OFFICER)
    return purge.destroy(council.doors, plan_id)


def items(council, plan_id):
    return council.register.run(
        "SELECT kind, item_id, category, due_on FROM rights.purge_item WHERE plan_id = %s ORDER BY kind, item_id",
        plan_id,
    )


def count(council, table):
    return council.register.value(f"SELECT count(*) FROM {table}")


def hold(council, scope, scope_id):
    with council.register.open() as connection:
        return retention.place_hold(connection, scope, scope_id, by=OFFICER, reason="an inquiry asks for it")


@pytest.fixture
def old(council):
    """A council with one person whose only record is due, in a family with evidence, a proposal and a decision."""
    register = council.register
    person, other = register.person(), register.person()
    record = register.record(person, retain_from=SIX_YEARS_AGO)
    register.record(other, retain_from=TODAY)
    family = register.supported(person)
    register.evidence(family, person, record)
    register.run(
        "INSERT INTO register.possible_match (person_a, person_b, probability) VALUES (%s, %s, 0.7)", person, other
    )
    return council


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
    assert purge.counts(old.doors, plan_id) == {"return": 0, "file": 0, "staged_file": 0, "source_record": 1}
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
        purge.certify(old.doors, plan_id)
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
    for ask in (purge.counts, purge.destroy, purge.certify):
        with pytest.raises(NeedsDecision, match="no purge plan P-0"):
            ask(council.doors, "P-0")


def test_one_purge_at_a_time(old):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    with old.register.open() as connection:
        connection.execute("SELECT pg_advisory_lock(%s, hashtext('purge'))", (purge.LOCK,))
        with pytest.raises(TryLater, match="another purge"):
            purge.destroy(old.doors, plan_id)


# --- destroying --------------------------------------------------------------------------------------------------


def test_a_record_takes_along_what_rests_on_it_alone(old):
    assert purged(old) == {
        "source_record": 1, "file": 0, "staged_file": 0, "return": 0,
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
    old.register.run("UPDATE register.source_record SET retain_from = %s WHERE retain_from = %s", TODAY, SIX_YEARS_AGO)
    assert purge.destroy(old.doors, plan_id)["not_due"] == 1
    assert count(old, "register.source_record") == 2


def test_what_another_plan_destroyed_is_gone(old):
    first = planned(old)
    purge.approve(old.doors, first, by=OFFICER)
    purged(old, TODAY + timedelta(days=1))
    assert purge.destroy(old.doors, first)["gone"] == 1


# --- holds -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("D-16")
@pytest.mark.parametrize("scope", ["person", "file", "category", "council"])
def test_a_hold_blocks_its_scope_until_it_is_released(old, scope):
    ids = old.register.run(
        """SELECT pr.person_id, s.file_id, s.category FROM register.source_record s
             JOIN register.person_record pr USING (source_record_id) WHERE s.retain_from = %s""", SIX_YEARS_AGO
    )[0]  # fmt: skip
    number = hold(old, scope, dict(zip(("person", "file", "category"), ids, strict=True)).get(scope, "all"))
    assert items(old, planned(old)) == []
    assert sum(one.held for one in purge.outlook(old.doors, today=TODAY)) == 1
    with old.register.open() as connection:
        assert retention.release_hold(connection, number, by=OFFICER)
        assert not retention.release_hold(connection, number, by=OFFICER)
    assert len(items(old, planned(old))) == 1
    kinds = [kind for (kind,) in old.register.run("SELECT kind FROM audit.event WHERE kind LIKE 'retention.%%'")]
    assert kinds == ["retention.hold_placed", "retention.hold_released"]


@pytest.mark.requirement("D-16")
def test_a_hold_placed_after_the_approval_wins(old):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    hold(old, "person", old.register.value("SELECT person_id FROM register.family_member"))
    assert purge.destroy(old.doors, plan_id) | {"held": 1, "source_record": 0} == purge.destroy(old.doors, plan_id)
    assert count(old, "register.source_record") == 2
    assert purge.certify(old.doors, plan_id)


def test_a_hold_on_a_merged_person_covers_every_record(old):
    survivor = old.register.value("SELECT person_id FROM register.family_member")
    hold(old, "person", old.register.person(merged_into=survivor))
    assert items(old, planned(old)) == []


def test_a_hold_on_somebody_else_blocks_nothing(old):
    hold(old, "person", old.register.person())
    assert len(items(old, planned(old))) == 1


def test_a_hold_has_a_known_scope(old):
    with pytest.raises(NeedsDecision, match="person, file, return, category, council"):
        hold(old, "street", "x")


# --- the certificate ---------------------------------------------------------------------------------------------


def test_a_certificate_counts_and_is_signed(old):
    purged(old)
    plan_id = old.register.value("SELECT plan_id FROM rights.purge_plan")
    certificate_id = purge.certify(old.doors, plan_id)
    assert purge.certify(old.doors, plan_id) == certificate_id == f"C-{plan_id}"
    body, signature = old.register.run("SELECT body, signature FROM rights.certificate")[0]
    old.doors.signing_key.public_key().verify(signature, body)
    said = json.loads(body)
    assert said["approved_by"] == OFFICER
    assert said["plan_digest"] == old.register.value("SELECT encode(digest, 'hex') FROM rights.purge_plan")
    assert {"store": "register.source_record", "before": 1, "after": 0, "kept": 0} in said["stores"]
    assert [(rule["category"], rule["years"]) for rule in said["rules"]] == [("crime_asb", 6)]
    assert said["key"] == audit.public_hex(old.doors.signing_key)
    assert body == json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def test_a_certificate_is_not_given_for_what_is_still_there(old):
    purged(old)
    plan_id = old.register.value("SELECT plan_id FROM rights.purge_plan")
    (_, item_id, *_) = items(old, plan_id)[0]
    old.register.record(old.register.person(), source_record_id=item_id)
    with pytest.raises(NeedsDecision, match=r"left something in register\.source_record"):
        purge.certify(old.doors, plan_id)


def test_no_value_of_a_person_stands_in_the_audit_or_the_certificate(council):
    council.register.record(council.register.person(), surname="Secretname", retain_from=SIX_YEARS_AGO)
    purged(council)
    purge.certify(council.doors, council.register.value("SELECT plan_id FROM rights.purge_plan"))
    told = council.register.run("SELECT convert_from(event, 'UTF8') FROM audit.event")
    told += council.register.run("SELECT convert_from(body, 'UTF8') FROM rights.certificate")
    assert not any("Secretname" in text for (text,) in told)


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
