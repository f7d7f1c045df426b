"""Two persons side by side, before somebody decides whether they are one."""

from datetime import date

import pytest

from family_exchange.adapters import database, linkage, linkage_model
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.resemblance import Kind, Standing
from family_exchange.stages import match, review
from support import meanwhile
from support.registry import a_file, doors_to, person_of, query, with_staging

UPN, OTHER_UPN = "A950000178301", "H243278544154"


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def someone(ref, forename="Emma", **changes):
    base = {
        "record_ref": ref,
        "forename": forename,
        "surname": "Ashbarrow",
        "date_of_birth": date(2015, 3, 4),
        "sex": "F",
        "address_line_1": "12 High Street",
        "postcode": "CH1 1AA",
    }
    return base | changes


def a_pupil(ref, *args, **changes):
    return {"event_ref": "2026-summer", "event_on": date(2026, 7, 20)} | someone(ref, *args, **changes)


@pytest.fixture
def two(council):
    """S1 and P1: one of them has no day of birth."""
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    a_file(council, "police_incidents", [a_pupil("P1", date_of_birth=None)])
    match.people(doors_to(council))
    return council


def shown(url, a="S1", b="P1", **changes):
    asked = {"by": "Jo Reviewer", "purpose": "identify"} | changes
    return review.side_by_side(doors_to(url), person_of(url, a), person_of(url, b), **asked)


def reads(url):
    return query(
        url,
        """SELECT actor, convert_from(event, 'UTF8')::jsonb -> 'body' ->> 'person' FROM audit.event
            WHERE kind = 'register.read' ORDER BY seq""",
    )


@pytest.mark.requirement("R-038")
def test_a_possible_match_is_listed_with_the_kinds_that_agree_and_nobodys_name(two):
    (found,) = review.waiting(doors_to(two))
    assert {found.a, found.b} == {person_of(two, "S1"), person_of(two, "P1")}
    assert found.standings == {
        Kind.NAME: Standing.AGREES,
        Kind.BIRTH: Standing.UNKNOWN,
        Kind.ADDRESS: Standing.AGREES,
        Kind.SEX: Standing.AGREES,
        Kind.NUMBERS: Standing.UNKNOWN,
    }
    assert 0.5 < found.probability < 1
    assert "shbarrow" not in repr(found).lower()


@pytest.mark.requirement("R-038")
def test_the_weights_of_the_comparisons_are_splinks_and_add_up_to_its_match_weight(two):
    matching = doors_to(two).profile.matching
    model = linkage_model.of(matching)
    thresholds = Thresholds(certain=matching.certain, possible=matching.possible)
    found = shown(two).weighed
    assert found.prior + sum(each.bits for each in found.comparisons) == pytest.approx(found.weight, abs=1e-6)
    with database.transaction(two) as connection, linkage.pool(connection, model, thresholds) as pool:
        (pair,) = pool.pairs_among([person_of(two, "S1"), person_of(two, "P1")], 0.01)
    assert found.weight == pytest.approx(pair.weight, abs=1e-3)
    assert found.probability == pytest.approx(pair.probability, abs=1e-6)
    standings = {each.name: each.standing for each in found.comparisons}
    assert standings["name"] == standings["address"] == standings["sex"] == Standing.AGREES
    assert standings["birthday"] == Standing.UNKNOWN


def test_both_sides_are_shown_as_their_records_state_them(two):
    values = shown(two).values
    assert values["name"] == (("Emma Ashbarrow",), ("Emma Ashbarrow",))
    assert values["birthday"] == (("2015-03-04",), ())
    assert values["address"] == (("12 High Street CH1 1AA",),) * 2


def test_what_the_purpose_does_not_allow_is_told_as_agreeing_or_not_only(two):
    profile = doors_to(two).profile
    kept = tuple(each for each in profile.data_classes if each.data_class not in {"name", "upn"})
    doors = doors_to(two, profile=profile.model_copy(update={"data_classes": kept}))
    found = review.side_by_side(doors, person_of(two, "S1"), person_of(two, "P1"), by="Jo Reviewer", purpose="identify")
    assert found.values["name"] is found.values["upn"] is None
    assert found.values["birthday"] is not None
    assert next(each for each in found.weighed.comparisons if each.name == "name").standing is Standing.AGREES


def test_whoever_looks_is_in_the_audit_with_each_of_the_two(two):
    shown(two)
    assert {*reads(two)} == {("Jo Reviewer", person_of(two, ref)) for ref in ("S1", "P1")}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"by": ""}, "say who"),
        ({"by": "machine"}, "never by a machine"),
        ({"purpose": "curiosity"}, "purposes are"),
        ({"b": "S1"}, "one person"),
    ],
)
def test_nobody_looks_without_a_name_and_a_purpose(two, changes, says):
    with pytest.raises(NeedsDecision, match=says):
        shown(two, **changes)
    assert reads(two) == []


def test_why_no_machine_joins_two_people_is_told(council):
    a_file(council, "school_attendance", [a_pupil("S1", "Ella"), a_pupil("S2", "Emma")])
    match.people(doors_to(council))
    assert "forename" in shown(council, "S1", "S2").weighed.forbids


def test_two_who_were_decided_to_be_two_are_shown_with_the_decision(council):
    a_file(council, "school_attendance", [a_pupil("S1")])
    a_file(council, "police_incidents", [a_pupil("P1")])
    match.people(doors_to(council))
    who = {"by": "Jo Reviewer", "reason": "cousins", "today": date(2026, 11, 22)}
    (record,) = query(council, "SELECT source_record_id FROM register.source_record WHERE record_ref = 'P1'")
    made = match.split(doors_to(council), person_of(council, "S1"), record, **who)
    assert shown(council).decisions == (made.decision,)
    (told,) = review.decisions(doors_to(council))
    assert told.decision.link.number == made.decision
    assert {*told.persons_a, *told.persons_b} == {person_of(council, ref) for ref in ("S1", "P1")}
    match.undo(doors_to(council), made.decision, **who)
    assert review.decisions(doors_to(council)) == []
    (undone,) = review.decisions(doors_to(council), withdrawn=True)
    assert (undone.decision.withdrawn_by, undone.decision.withdrawal) == ("Jo Reviewer", "cousins")


def joined_meanwhile(url, monkeypatch):
    who = {"by": "Jo Reviewer", "reason": "the same child", "today": date(2026, 11, 22)}
    a, b = person_of(url, "S1"), person_of(url, "P1")
    meanwhile.happens(monkeypatch, lambda: match.join(doors_to(url), a, b, **who), before="AS forename")
    return a, b


def test_a_list_of_possible_matches_is_of_one_moment_whoever_decides_meanwhile(two, monkeypatch):
    before = review.waiting(doors_to(two))
    joined_meanwhile(two, monkeypatch)
    assert review.waiting(doors_to(two)) == before
    assert review.waiting(doors_to(two)) == []


def test_whoever_looks_at_two_whom_another_joins_just_now_looks_again(two, monkeypatch):
    shown(two)
    a, b = joined_meanwhile(two, monkeypatch)
    looks = {"by": "Jo Reviewer", "purpose": "identify"}
    with pytest.raises(TryLater, match="look again"):
        review.side_by_side(doors_to(two), a, b, **looks)
    with pytest.raises(NeedsDecision, match="both ids mean one person"):
        review.side_by_side(doors_to(two), a, b, **looks)
