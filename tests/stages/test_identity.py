"""What people decide about who is who, in a council's own database."""

from contextlib import suppress
from datetime import date
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import database, letting_go, links, register
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import match, propose
from family_exchange.stages import register as household
from support.registry import TODAY, a_file, doors_to, person_of, query, same_person, with_staging

UPN = "A950000178301"
WHO = {"by": "Jo Reviewer", "reason": "looked at both files", "today": TODAY}


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def someone(ref, forename="Emma", surname="Ashbarrow", born=date(2015, 3, 4), **changes):
    base = {
        "record_ref": ref,
        "forename": forename,
        "surname": surname,
        "date_of_birth": born,
        "sex": "F",
        "address_line_1": "12 High Street",
        "postcode": "CH1 1AA",
    }
    return base | changes


def a_pupil(ref, *args, **changes):
    absent = {"sessions_possible": 100, "sessions_unauthorised": 30, "sessions_authorised": 0}
    return {"event_ref": "2026-summer", "event_on": date(2026, 7, 20)} | absent | someone(ref, *args, **changes)


def a_child(ref, *args, **changes):
    return someone(ref, *args, **changes)


ELSEWHERE = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}


def brought(url):
    """The register, up to date."""
    match.people(doors_to(url))
    household.families(doors_to(url), today=TODAY)
    propose.families(doors_to(url), today=TODAY)
    return url


def digest(url):
    with database.transaction(url) as connection:
        return register.digest(connection)


def events(url, kind):
    return query(
        url,
        """SELECT actor, convert_from(event, 'UTF8')::jsonb -> 'body' FROM audit.event WHERE kind = %s ORDER BY seq""",
        kind,
    )


def join(url, a, b, **changes):
    return match.join(doors_to(url), person_of(url, a), person_of(url, b), **WHO | changes)


def split(url, ref, *records, **changes):
    return match.split(doors_to(url), person_of(url, ref), records, **WHO | changes)


def undo(url, decision, **changes):
    return match.undo(doors_to(url), decision, **WHO | changes)


@pytest.fixture
def two(council):
    """Two persons, S1 and C1, whom no score joins."""
    a_file(council, "school_attendance", [a_pupil("S1")])
    a_file(council, "childrens_social_care", [a_child("C1", "Oluwaseun", "Brindlecote", date(2011, 1, 9), **ELSEWHERE)])
    return brought(council)


@pytest.fixture
def one(council):
    """One person, S1 and C1, by a certain score."""
    a_file(council, "school_attendance", [a_pupil("S1")])
    a_file(council, "childrens_social_care", [a_child("C1", "Emmma")])
    assert same_person(brought(council), "S1", "C1")
    return council


C1 = "childrens_social_care|childrens-services|C1"


@pytest.mark.requirement("R-038")
def test_a_join_keeps_both_ids_and_its_undoing_gives_each_back(two):
    before, ids = digest(two), [person_of(two, ref) for ref in ("S1", "C1")]
    outcome = join(two, "S1", "C1")
    assert outcome.counts["joined"] == 1
    assert same_person(two, "S1", "C1")
    (stays,), (points,) = ({person_of(two, "S1")}, {*ids} - {person_of(two, "S1")})
    assert query(two, "SELECT merged_into FROM register.person WHERE person_id = %s", points) == [(stays,)]
    assert ("decision",) in query(two, "SELECT how FROM register.person_record")
    assert undo(two, outcome.decision).counts["parted"] == 1
    assert [person_of(two, ref) for ref in ("S1", "C1")] == ids
    assert digest(two) == before


@pytest.mark.requirement("R-038")
def test_a_split_holds_against_every_later_file_until_it_is_undone(one):
    before = digest(one)
    outcome = split(one, "S1", C1)
    assert not same_person(one, "S1", "C1")
    assert query(one, "SELECT count(*) FROM register.possible_match") == [
        (0,)
    ]  # nobody is asked what somebody has said
    a_file(one, "childrens_social_care", [a_child("C1", "Emma", upn=UPN)])
    a_file(one, "school_attendance", [a_pupil("S1", upn=UPN, event_ref="2026-spring")])
    brought(one)
    assert not same_person(one, "S1", "C1")
    later = digest(one)
    assert undo(one, outcome.decision).counts["joined"] == 1
    assert same_person(one, "S1", "C1")
    assert digest(one) not in {before, later}


def test_a_split_brings_back_what_was_when_it_is_undone(one):
    before = digest(one)
    outcome = split(one, "S1", C1)
    assert digest(one) != before
    undo(one, outcome.decision)
    assert digest(one) == before


def test_source_records_name_their_partners_reference(one):
    (record,) = query(one, "SELECT source_record_id FROM register.source_record WHERE record_ref = 'C1'")
    split(one, "S1", *record)
    assert not same_person(one, "S1", "C1")


@pytest.mark.requirement("R-038")
def test_a_join_holds_against_every_later_file(two):
    join(two, "S1", "C1")
    a_file(two, "school_attendance", [a_pupil("S1", upn=UPN, event_ref="2026-spring")])
    a_file(
        two,
        "childrens_social_care",
        [a_child("C1", "Oluwaseun", "Brindlecote", date(2011, 1, 9), upn="H243278544154", **ELSEWHERE)],
    )
    brought(two)
    assert same_person(two, "S1", "C1")


def test_no_third_person_leads_around_a_split(one):
    split(one, "S1", C1)
    a_file(one, "police_incidents", [police("P1")])
    brought(one)
    assert not same_person(one, "S1", "C1")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"by": " "}, "who decides"),
        ({"by": "Exchange"}, "never by a machine"),
        ({"by": "airflow"}, "never by a machine"),
        ({"reason": " "}, "needs a reason"),
    ],
)
def test_a_machine_or_nobody_decides_nothing(two, changes, says):
    before = digest(two)
    with pytest.raises(NeedsDecision, match=says):
        join(two, "S1", "C1", **changes)
    assert digest(two) == before
    assert query(two, "SELECT count(*) FROM register.identity_decision") == [(0,)]


def test_a_decision_that_contradicts_one_in_force_names_it_and_changes_nothing(one):
    first = split(one, "S1", C1).decision
    before = digest(one)
    with pytest.raises(NeedsDecision, match=f"decision {first} says that they are two people"):
        join(one, "S1", "C1")
    assert digest(one) == before
    undo(one, first)
    assert same_person(one, "S1", "C1")


def test_a_join_is_parted_by_undoing_it_and_not_by_a_split(two):
    first = join(two, "S1", "C1").decision
    with pytest.raises(NeedsDecision, match=f"decision {first} says that they are one person"):
        split(two, "S1", C1)
    undo(two, first)
    with pytest.raises(NeedsDecision, match=f"no decision {first} is in force"):
        undo(two, first)


def test_a_join_on_which_another_rests_is_undone_after_it(two):
    a_file(two, "childrens_social_care", [a_child("C2", "Bartholomew", "Crackenthorpe", date(1980, 5, 6))])
    brought(two)
    before = digest(two)
    first, second = join(two, "S1", "C1").decision, join(two, "C1", "C2").decision
    with pytest.raises(NeedsDecision, match=f"decision {second} rests on it"):
        undo(two, first)
    assert same_person(two, "S1", "C1", "C2")
    undo(two, second)
    undo(two, first)
    assert digest(two) == before


@pytest.mark.parametrize("records", [(), ("nothing|of|ours",), ("S99999999.1",), ("Emma|Ashbarrow",), (C1, "else")])
def test_only_a_persons_own_records_are_split_from_it(one, records):
    with pytest.raises(NeedsDecision, match="not all of these are records") as refused:
        split(one, "S1", *records)
    assert "Ashbarrow" not in str(refused.value)


def test_one_reference_is_one_person_and_is_not_split(two):
    with pytest.raises(NeedsDecision, match="all the records"):
        split(two, "C1", C1)
    with pytest.raises(NeedsDecision, match="one person already"):
        join(two, "C1", "C1")
    with pytest.raises(NeedsDecision, match="knows no person") as refused:
        match.join(doors_to(two), "Emma Ashbarrow", person_of(two, "C1"), **WHO)
    assert "Emma" not in str(refused.value)


def test_who_decided_and_who_took_it_back_is_in_the_audit_and_nobodys_name(two):
    decision = join(two, "S1", "C1").decision
    undo(two, decision, by="Sam Second", reason="the school was wrong")
    ((by, said),) = events(two, "register.identity_decided")
    ((undone_by, undone),) = events(two, "register.identity_undone")
    assert (by, undone_by) == ("Jo Reviewer", "Sam Second")
    assert (said["decision"], said["decided"], said["joined"]) == (decision, "must_link", 1)
    assert (undone["decision"], undone["parted"]) == (decision, 1)
    ids = {person_of(two, ref) for ref in ("S1", "C1")}
    assert {said["person"], said["other"]} == {undone["person"], undone["other"]} == ids
    text = query(two, "SELECT string_agg(convert_from(event, 'UTF8'), '') FROM audit.event")[0][0]
    assert "Ashbarrow" not in text
    assert "looked at" not in text
    assert "|C1" not in text


def test_a_decision_stands_when_families_and_proposals_cannot_follow_yet(two):
    without = doors_to(two, profile=doors_to(two).profile.model_copy(update={"frameworks": ()}))
    outcome = match.join(without, person_of(two, "S1"), person_of(two, "C1"), **WHO)
    assert not outcome.followed
    assert same_person(two, "S1", "C1")
    assert query(two, "SELECT count(*) > 0 FROM register.due WHERE stage = 'propose'") == [(True,)]
    assert nothing_is_due(brought(two))


def nothing_is_due(url):
    return query(url, "SELECT count(*) FROM register.due") == [(0,)]


def test_one_writer_at_a_time(two):
    with database.transaction(two) as connection:
        assert database.lock(connection, register.LOCK, "register")
        with pytest.raises(TryLater):
            join(two, "S1", "C1")


# --- people of whom something is destroyed, flagged or held ---------------------------------------------------------


def destroy(url, ref):
    records = query(url, "SELECT source_record_id FROM register.source_record WHERE record_ref = %s", ref)
    with database.transaction(url) as connection:
        letting_go.source_records(connection, [record for (record,) in records])


def bridged(council):
    """One person, S1 and H1, whom only C1 joined; C1 is destroyed."""
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    a_file(council, "housing_tenancies", [someone("H1", surname="Brindlecote", household_ref="T1", **ELSEWHERE)])
    a_file(council, "childrens_social_care", [a_child("C1", surname="Brindlecote", upn=UPN, **ELSEWHERE)])
    assert same_person(brought(council), "S1", "H1", "C1")
    destroy(council, "C1")
    return council


H1 = "housing_tenancies|housing|H1"


def test_a_person_whose_reasons_are_destroyed_is_split_and_made_whole_again(council):
    bridged(council)
    brought(council)
    before = digest(council)
    decision = split(council, "S1", H1).decision
    assert not same_person(council, "S1", "H1")
    undo(council, decision)
    assert same_person(council, "S1", "H1")
    assert digest(council) == before


def test_a_join_survives_the_destruction_of_some_of_its_records_and_is_undone_after_it(two):
    a_file(two, "housing_tenancies", [someone("H1", household_ref="T1")])
    brought(two)
    assert same_person(two, "S1", "H1")
    decision = join(two, "S1", "C1").decision
    destroy(two, "H1")
    a_file(two, "school_attendance", [a_pupil("S1", event_ref="2026-spring", forename="Emmeline")])
    brought(two)
    assert same_person(two, "S1", "C1")
    undo(two, decision)
    assert not same_person(two, "S1", "C1")


def test_a_split_survives_the_destruction_of_some_of_its_records(one):
    a_file(one, "housing_tenancies", [someone("H1", household_ref="T1")])
    brought(one)
    assert same_person(one, "S1", "H1", "C1")
    split(one, "S1", C1)
    destroy(one, "H1")
    a_file(one, "childrens_social_care", [a_child("C1", "Emma", upn=UPN)])
    a_file(one, "school_attendance", [a_pupil("S1", upn=UPN, event_ref="2026-spring")])
    brought(one)
    assert not same_person(one, "S1", "C1")


def test_of_a_reference_without_records_no_decision_and_nothing_kept_says_anything(two):
    a_file(two, "housing_tenancies", [someone("H1", household_ref="T1")])
    brought(two)
    join(two, "S1", "C1")
    destroy(two, "H1")
    told = query(two, "SELECT side_a || side_b FROM register.identity_decision")
    assert told
    assert "|H1" not in str(told)
    destroy(two, "C1")
    assert query(two, "SELECT count(*) FROM register.identity_decision") == [(0,)]
    assert "|C1" not in str(query(two, "SELECT keys FROM register.kept_person"))


def flag(url, ref, kind="restriction"):
    with database.transaction(url) as connection:
        connection.execute(
            """INSERT INTO rights.flag (person_id, kind, status, recorded_by, reason)
               VALUES (%s, %s, 'upheld', 'Rights Officer', 'asked for it')""",
            (person_of(url, ref), kind),
        )


def flagged(url):
    return {person for (person,) in query(url, "SELECT person_id FROM rights.flag")}


def test_a_flag_from_before_a_join_stays_with_whom_it_was_put_on(two):
    flag(two, "C1")
    decision = join(two, "S1", "C1").decision
    outcome = undo(two, decision)
    assert flagged(two) == {person_of(two, "C1")}
    assert outcome.counts["carried"] == 0


def test_a_flag_on_a_wrongly_joined_person_is_on_both_when_they_are_parted(two):
    decision = join(two, "S1", "C1").decision
    flag(two, "C1")
    assert undo(two, decision).counts["carried"] == 1
    assert flagged(two) == {person_of(two, "C1"), person_of(two, "S1")}


def test_a_split_takes_a_flagged_person_apart_and_undoing_it_makes_them_whole(one):
    flag(one, "S1", "objection_research")
    before = digest(one)
    decision = split(one, "S1", C1).decision
    assert flagged(one) == {person_of(one, "C1"), person_of(one, "S1")}
    undo(one, decision)
    assert digest(one) == before


def test_a_decision_about_others_takes_no_flagged_person_apart(council):
    a_file(council, "school_attendance", [a_pupil("S1", "Carla")])
    a_file(council, "police_incidents", [police("P1", "Calra")])
    assert same_person(brought(council), "S1", "P1")
    flag(council, "S1", "objection_research")
    a_file(council, "housing_tenancies", [someone("H1", "Clara", household_ref="T1")])
    a_file(council, "childrens_social_care", [a_child("C1", "Oluwaseun", "Brindlecote", date(2011, 1, 9), **ELSEWHERE)])
    brought(council)
    assert possible(council, "H1", "P1")
    join(council, "H1", "C1")
    assert same_person(council, "S1", "P1")


def possible(url, *refs):
    wanted = tuple(sorted(person_of(url, ref) for ref in refs))
    return wanted in query(url, "SELECT person_a, person_b FROM register.possible_match")


def test_a_number_that_everybody_comes_to_bear_joins_nobody_any_more(council):
    def sharer(number):
        return a_pupil(f"S{number}", "Emma", f"Family{number:02}", upn=UPN, address_line_1=f"{number} High Street")

    a_file(council, "school_attendance", [sharer(1)])
    a_file(council, "childrens_social_care", [a_child("C1", surname="Brindlecote", upn=UPN, **ELSEWHERE)])
    assert same_person(brought(council), "S1", "C1")
    a_file(council, "school_attendance", [sharer(number) for number in range(2, 22)])
    brought(council)
    assert not same_person(council, "S1", "C1")


# --- any sequence ---------------------------------------------------------------------------------------------------

acts = st.lists(
    st.tuples(st.sampled_from(["join", "split", "undo"]), st.integers(0, 99), st.integers(0, 99)),
    min_size=2,
    max_size=4,
)
"""What somebody tries: on which of the persons, or which of the decisions, by number."""


@pytest.fixture
def street(council):
    """Two families of one street, with what evidences problems, in records of four partners."""
    twins = [("Ella", date(2015, 3, 4)), ("Emma", date(2015, 3, 4))]
    a_file(council, "school_attendance", [a_pupil(f"S{n}", name, born=born) for n, (name, born) in enumerate(twins)])
    a_file(
        council,
        "childrens_social_care",
        [
            a_child("C1", "Emmma", household_ref="F1", relationship="child", cine_start_date=date(2026, 5, 1)),
            a_child("C2", "Ella", born=date(2015, 4, 3), household_ref="F1", relationship="child"),
            a_child(
                "C3", "Iris", "Brindlecote", date(2012, 2, 2), household_ref="F2", relationship="child", **ELSEWHERE
            ),
            a_child(
                "C4", "Rose", "Brindlecote", date(1984, 2, 2), household_ref="F2", relationship="mother", **ELSEWHERE
            ),
        ],
    )
    a_file(council, "police_incidents", [police("P1", "Elma"), police("P2", "Iris", "Brindlecote", date(2012, 2, 2))])
    a_file(
        council,
        "housing_tenancies",
        [someone("H1", "Roza", "Brindlecote", date(1984, 2, 2), household_ref="T1", **ELSEWHERE)],
    )
    return brought(council)


_incidents = count(1)


def police(ref, *args, **changes):
    return {"event_ref": f"I{next(_incidents)}", "event_on": date(2026, 8, 1)} | someone(ref, *args, **changes)


@pytest.mark.requirement("R-038")
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tried=acts)
@example(tried=[("join", 0, 3), ("split", 1, 0), ("join", 2, 4), ("undo", 0, 0), ("split", 3, 1)])
@example(tried=[("split", 1, 1), ("split", 1, 0), ("undo", 0, 0), ("join", 5, 1)])
def test_whatever_is_joined_split_and_undone_all_undone_is_the_start_byte_for_byte(street, tried):
    start = digest(street)
    assert query(street, "SELECT count(*) > 0 FROM register.evidence") == [(True,)]
    for act in tried:
        attempt(street, *act)
        holds(street)
    while open_decisions := in_force(street):
        undo(street, open_decisions[-1].number)
    assert digest(street) == start


def in_force(url):
    with database.transaction(url) as connection:
        return links.in_force(connection).all


def persons(url):
    found = {}
    for person, feed, partner, ref in query(
        url,
        """SELECT DISTINCT person_id, feed, partner, record_ref FROM register.person_record
             JOIN register.source_record USING (source_record_id) ORDER BY 1, 2, 3, 4""",
    ):
        found.setdefault(person, []).append(f"{feed}|{partner}|{ref}")
    return sorted(found.items(), key=lambda item: item[1])


def attempt(url, what, one, other):
    """A join, a split or an undoing of whatever there is; refused where it contradicts what somebody has said."""
    known = persons(url)
    with suppress(NeedsDecision):
        if what == "join":
            match.join(doors_to(url), known[one % len(known)][0], known[other % len(known)][0], **WHO)
        elif what == "split":
            person, keys = max(known, key=lambda item: (len(item[1]), item[0])) if one % 2 else known[one % len(known)]
            match.split(doors_to(url), person, keys[: 1 + other % len(keys)], **WHO)
        elif made := in_force(url):
            match.undo(doors_to(url), made[one % len(made)].number, **WHO)


def holds(url):
    """Everything in force is so."""
    person_of_key = {key: person for person, keys in persons(url) for key in keys}
    for link in in_force(url):
        a, b = ({person_of_key[key] for key in side} for side in (link.side_a, link.side_b))
        if link.kind == "must_link":
            assert len(a | b) == 1
        else:
            assert a.isdisjoint(b)
