"""A return can be made again as it was known, and two versions be held against each other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
import pytest

from family_exchange.adapters import database, destruction, letting_go, proposals, purge_plans
from family_exchange.adapters import register as registry
from family_exchange.adapters.purge_plans import Plan
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.retention import Item, Kind
from family_exchange.stages import assemble, facts, rebuild
from support import meanwhile
from support.register import IN_PERIOD, PERIOD, TODAY
from support.returns import someone

BY = "programme.lead"
BORN = date(2015, 1, 1)


@pytest.fixture
def sent(council):
    """A council with an assembled return of two people, and what has happened since: much."""
    mother, child = someone(council), someone(council, date_of_birth=BORN)
    council.register.supported(mother, child)
    assemble.draft(council.doors, "nis", PERIOD)
    return council, mother, child


def again(council, version=None):
    return rebuild.again(council.doors, "nis", PERIOD, version=version)


@pytest.mark.requirement("R-052")
def test_a_return_is_rebuilt_byte_for_byte_whatever_became_known_since(sent):
    council, mother, child = sent
    council.register.record(child, surname="Newname", date_of_birth=BORN, as_of=date(2026, 11, 1))
    council.register.flag(mother, "objection_all")
    facts.rectify(council.doors, mother, attribute="birth", slot="", value="1991-01-01", by=BY, reason="a passport",
                  valid_from=TODAY, today=TODAY)  # fmt: skip
    other = someone(council)
    council.register.supported(other)
    found = again(council)
    assert (found.same, found.rows, found.differing.changed) == (True, 2, 0)
    old, new, changes = rebuild.diff(council.doors, "nis", PERIOD)
    assert (old, new) == (f"nis-{PERIOD}-v1", "now")
    assert {(one.person, one.what, one.fields) for one in changes} == {
        (mother, "removed", ()),
        (child, "changed", ("surname",)),
        (other, "added", ()),
    }


def test_a_flag_is_rebuilt_as_it_stood(council):
    person, stays = someone(council), someone(council)
    council.register.supported(person, stays)
    number = council.register.flag(person, "restriction")
    assemble.draft(council.doors, "nis", PERIOD)
    council.register.run("UPDATE rights.flag SET status = 'lifted' WHERE flag_id = %s", number)
    assert (again(council).same, again(council).rows) == (True, 1)
    assert [one.what for one in rebuild.diff(council.doors, "nis", PERIOD)[2]] == ["added"]


@pytest.mark.requirement("R-052")
def test_a_flag_that_was_on_its_way_is_in_the_return_and_in_what_is_rebuilt(council, monkeypatch):
    monkeypatch.setattr(database, "MOMENT_SECONDS", 60)  # on a machine that stalls
    person, stays = someone(council), someone(council)
    council.register.supported(person, stays)
    with ThreadPoolExecutor() as pool, council.register.open() as slow, council.register.open() as watching:
        slow.execute("SELECT FROM rights.epoch FOR SHARE")  # between the flag's own stamp and its end
        flagged = pool.submit(council.register.flag, person, "objection_all")
        meanwhile.until_somebody_waits(watching)
        drafted = pool.submit(assemble.draft, council.doors, "nis", PERIOD)
        meanwhile.until_somebody_waits(watching, sessions=2)
        slow.rollback()
        flagged.result()
        drafted.result()
    assert (again(council).same, again(council).rows) == (True, 1)


def test_a_destroyed_record_makes_a_rebuilt_return_differ_and_says_so(sent):
    council, _, child = sent
    records = council.register.run("SELECT source_record_id FROM register.person_record WHERE person_id = %s", child)
    with council.register.open() as connection:
        letting_go.source_records(connection, [record for (record,) in records])
    found = again(council)
    assert not found.same
    assert (found.rows, found.differing.destroyed, found.differing.missing) == (1, 1, 0)


@pytest.mark.parametrize("finished", [False, True])
def test_what_a_plan_has_destroyed_is_counted_before_the_plan_is_through(sent, finished):
    council, _, child = sent
    record = council.register.value("SELECT source_record_id FROM register.person_record WHERE person_id = %s", child)
    item = Item(Kind.SOURCE_RECORD, record, "crime_asb", TODAY)
    with council.register.open() as connection:
        purge_plans.store(connection, Plan("P-1", TODAY, "PLANNED", 1, purge_plans.digest([item]), None), [item])
        purge_plans.approve(connection, "P-1", by=BY)
        letting_go.source_records(connection, [record])
        purge_plans.note_outcomes(connection, "P-1", Kind.SOURCE_RECORD, {record: "destroyed"})
        if finished:
            purge_plans.finish(connection, "P-1")
    found = again(council)
    assert (found.same, found.records_destroyed) == (False, 1)


def test_of_a_destroyed_return_only_the_digest_can_be_compared(sent):
    council, *_ = sent
    council.register.run("DELETE FROM returns.return_row")
    council.register.run("UPDATE returns.return SET destroyed_at = clock_timestamp()")
    found = again(council)
    assert (found.same, found.differing) == (True, None)
    with pytest.raises(NeedsDecision, match="destroyed"):
        rebuild.diff(council.doors, "nis", PERIOD)


def test_two_versions_are_told_apart_by_names_of_fields(sent):
    council, _, child = sent
    assemble.void(council.doors, f"nis-{PERIOD}-v1", by=BY, reason=assemble.Why.ROWS_WRONG)
    council.register.record(
        child, surname="Secretname", date_of_birth=BORN, postcode="ZZ99 9ZZ", as_of=date(2026, 11, 1)
    )
    assemble.draft(council.doors, "nis", PERIOD)
    old, new, changes = rebuild.diff(council.doors, "nis", PERIOD, older=1, newer=2)
    assert (old, new) == (f"nis-{PERIOD}-v1", f"nis-{PERIOD}-v2")
    assert [(one.person, one.fields) for one in changes] == [(child, ("postcode", "surname"))]
    assert "Secretname" not in repr(changes)
    assert again(council, version=1).same
    assert again(council, version=2).same


def test_nothing_is_kept_of_a_rebuilt_return(sent):
    council, *_ = sent
    before = council.register.run("SELECT * FROM returns.return_row ORDER BY 1, 2")
    again(council)
    rebuild.diff(council.doors, "nis", PERIOD)
    assert council.register.run("SELECT * FROM returns.return_row ORDER BY 1, 2") == before


def test_what_was_never_made_is_not_rebuilt(council):
    with pytest.raises(NeedsDecision, match="no nis return"):
        again(council)


def test_a_return_is_not_assembled_while_the_register_is_written(council):
    """Half of a transaction may carry a stamp from before the cut and be seen only after it."""
    council.register.supported(someone(council))
    with psycopg.connect(council.register.url) as writer:
        assert database.lock(writer, registry.LOCK, "register")
        with pytest.raises(TryLater):
            assemble.draft(council.doors, "nis", PERIOD)
        with pytest.raises(TryLater):
            assemble.draft(council.doors, "fpd", PERIOD)
    assert assemble.draft(council.doors, "nis", PERIOD)


def test_a_return_is_not_assembled_in_the_middle_of_a_decision(council):
    proposal = council.register.proposal(council.register.family(someone(council)))
    with psycopg.connect(council.register.url) as writer:
        answer = proposals.Answer("accepted", BY, "assessed", IN_PERIOD, IN_PERIOD)
        proposals.decide(writer, [proposal], answer)
        with pytest.raises(TryLater):
            assemble.draft(council.doors, "nis", PERIOD)
    assemble.draft(council.doors, "nis", PERIOD)
    found = again(council)
    assert (found.same, found.rows) == (True, 1)


def test_a_return_that_is_destroyed_while_it_is_looked_at_is_told_as_it_was_sent(sent, monkeypatch):
    council, *_ = sent

    def destroyed():
        with council.register.open() as connection:
            destruction.own_return(connection, council.doors.vault, f"nis-{PERIOD}-v1")

    meanwhile.happens(monkeypatch, destroyed, before="FROM returns.return_row")
    found = again(council)
    assert (found.same, found.rows, found.differing.added) == (True, 2, 0)
    assert again(council).differing is None, "the next one who looks is told that the rows are gone"


def test_two_versions_of_which_one_is_destroyed_meanwhile_differ_as_they_did(sent, monkeypatch):
    council, *_ = sent
    assemble.void(council.doors, f"nis-{PERIOD}-v1", by=BY, reason=assemble.Why.ROWS_WRONG)
    assemble.draft(council.doors, "nis", PERIOD)

    def destroyed():
        with council.register.open() as connection:
            destruction.own_return(connection, council.doors.vault, f"nis-{PERIOD}-v1")

    meanwhile.happens(monkeypatch, destroyed, before="FROM returns.return_row")
    assert rebuild.diff(council.doors, "nis", PERIOD, older=1, newer=2)[2] == []
    with pytest.raises(NeedsDecision, match="are destroyed"):
        rebuild.diff(council.doors, "nis", PERIOD, older=1, newer=2)
