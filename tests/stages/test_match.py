from datetime import date

import pytest

from family_exchange.adapters import database, letting_go, register
from family_exchange.domain.errors import TryLater
from family_exchange.stages import match
from support.registry import a_file, doors_to, person_of, query, same_person, with_staging

BORN = date(2015, 3, 4)
NHS, OTHER_NHS = "9434765919", "9876543210"
UPN, OTHER_UPN = "A950000178301", "H243278544154"


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def someone(ref, forename="Emma", surname="Ashbarrow", born=BORN, **changes):
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
    return {"event_ref": "2026-summer", "event_on": date(2026, 7, 20)} | someone(ref, *args, **changes)


def digest(url):
    with database.transaction(url) as connection:
        return register.digest(connection)


def how(url, ref):
    rows = query(
        url,
        """SELECT p.how, p.weight FROM register.person_record p JOIN register.source_record r USING (source_record_id)
            WHERE r.record_ref = %s ORDER BY r.source_record_id""",
        ref,
    )
    return [(way, weight is not None) for way, weight in rows]


def possible(url, *refs):
    wanted = tuple(sorted(person_of(url, ref) for ref in refs))
    return wanted in query(url, "SELECT person_a, person_b FROM register.possible_match")


@pytest.mark.requirement("R-038")
def test_the_same_reference_is_the_same_person_whatever_else_changed(council):
    a_file(council, "school_attendance", [a_pupil("S1"), a_pupil("S1", event_ref="2026-spring")])
    match.people(doors_to(council))
    a_file(council, "school_attendance", [a_pupil("S1", surname="Brindlecote", event_ref="2026-autumn")])
    assert match.people(doors_to(council))["persons"] == 0
    assert how(council, "S1") == [("new", False), ("reference", False), ("reference", False)]
    assert same_person(council, "S1")


@pytest.mark.requirement("R-038")
def test_an_equal_number_joins_what_no_score_would(council):
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    married = someone("C1", surname="Brindlecote", upn=UPN, address_line_1="3 Mill Lane", postcode="CH4 4AB")
    a_file(council, "childrens_social_care", [married])
    match.people(doors_to(council))
    assert same_person(council, "S1", "C1")
    assert how(council, "S1") == [("identifier", False)] or how(council, "C1") == [("identifier", False)]


@pytest.mark.requirement("R-038")
def test_a_certain_score_joins_and_keeps_its_weight(council):
    a_file(council, "school_attendance", [a_pupil("S1")])
    match.people(doors_to(council))
    a_file(council, "childrens_social_care", [someone("C1", forename="Emmma", address_line_1="12, High St.")])
    match.people(doors_to(council))
    assert same_person(council, "S1", "C1")
    assert how(council, "C1") == [("score", True)]


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize(
    ("why", "first", "second"),
    [
        ("twins", {"forename": "Ella"}, {"forename": "Emma"}),
        ("twins whose names are a letter apart", {"forename": "Anna"}, {"forename": "Anne"}),
        ("siblings close in age", {"forename": "Ella", "born": date(2014, 4, 20)}, {"forename": "Emma"}),
        ("mother and daughter of one name", {"born": date(1985, 3, 4)}, {}),
        ("two NHS numbers", {"nhs_number": NHS}, {"nhs_number": OTHER_NHS}),
        ("two pupil numbers", {"upn": UPN}, {"upn": OTHER_UPN}),
    ],
)
def test_no_score_joins(council, why, first, second):
    a_file(council, "childrens_social_care", [someone("C1", **first), someone("C2", **second)])
    match.people(doors_to(council))
    assert not same_person(council, "C1", "C2"), why
    assert not possible(council, "C1", "C2")


def test_twins_of_several_feeds_are_each_one_person(council):
    twins = ("Ella", "Emma")
    a_file(council, "school_attendance", [a_pupil(f"S{number}", name) for number, name in enumerate(twins)])
    a_file(council, "childrens_social_care", [someone(f"C{number}", name) for number, name in enumerate(twins)])
    match.people(doors_to(council))
    assert same_person(council, "S0", "C0")
    assert same_person(council, "S1", "C1")
    assert not same_person(council, "S0", "S1")


def test_a_record_that_may_be_either_twin_waits_for_a_person(council):
    a_file(council, "school_attendance", [a_pupil("S1", "Ella"), a_pupil("S2", "Emma")])
    a_file(council, "police_incidents", [a_pupil("P1", "Elma")])
    match.people(doors_to(council))
    assert not same_person(council, "P1", "S1")
    assert not same_person(council, "P1", "S2")
    assert possible(council, "P1", "S1")
    assert possible(council, "P1", "S2")


def test_what_is_possible_is_shown_and_not_joined(council):
    a_file(council, "school_attendance", [a_pupil("S1")])
    a_file(council, "police_incidents", [a_pupil("P1", born=None)])
    assert match.people(doors_to(council))["possible_matches"] == 1
    assert not same_person(council, "P1", "S1")
    assert possible(council, "P1", "S1")


def test_an_equal_number_of_twins_is_shown_and_not_joined(council):
    a_file(council, "childrens_social_care", [someone("C1", "Ella", nhs_number=NHS), someone("C2", nhs_number=NHS)])
    match.people(doors_to(council))
    assert not same_person(council, "C1", "C2")
    assert possible(council, "C1", "C2")


@pytest.mark.requirement("R-038")
def test_two_persons_found_to_be_one_keep_both_ids(council):
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    match.people(doors_to(council))
    elsewhere = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB", "surname": "Brindlecote"}
    a_file(council, "housing_tenancies", [someone("H1", household_ref="T1", **elsewhere)])
    match.people(doors_to(council))
    older, younger = person_of(council, "S1"), person_of(council, "H1")
    assert older != younger
    a_file(council, "childrens_social_care", [someone("C1", upn=UPN, **elsewhere)])
    assert match.people(doors_to(council))["joined"] == 1
    assert {person_of(council, ref) for ref in ("S1", "H1", "C1")} == {older}
    assert query(council, "SELECT merged_into FROM register.person WHERE person_id = %s", younger) == [(older,)]
    assert query(council, "SELECT merged_into FROM register.person WHERE person_id = %s", older) == [(None,)]


def test_what_waited_for_a_person_follows_a_join(council):
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    match.people(doors_to(council))
    elsewhere = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB", "surname": "Brindlecote"}
    a_file(council, "housing_tenancies", [someone("H1", household_ref="T1", **elsewhere)])
    a_file(council, "police_incidents", [a_pupil("P1", born=None, **elsewhere)])
    match.people(doors_to(council))
    assert possible(council, "P1", "H1")
    a_file(council, "childrens_social_care", [someone("C1", upn=UPN, **elsewhere)])
    match.people(doors_to(council))
    assert same_person(council, "S1", "H1")
    assert possible(council, "P1", "S1")
    assert query(council, "SELECT count(*) FROM register.possible_match") == [(1,)]


def may_be_either_twin(council):
    """The person of `S1` and `P1`, who are one as far as is known: the twin of whom P1 may be has not come yet."""
    a_file(council, "school_attendance", [a_pupil("S1", "Carla")])
    a_file(council, "police_incidents", [a_pupil("P1", "Calra")])
    match.people(doors_to(council))
    assert same_person(council, "S1", "P1")
    return person_of(council, "S1")


@pytest.mark.requirement("R-038")
def test_a_join_that_turns_out_to_be_doubtful_is_undone_and_shown(council):
    one = may_be_either_twin(council)
    a_file(council, "housing_tenancies", [someone("H1", "Clara", household_ref="T1")])
    assert match.people(doors_to(council))["parted"] == 1
    assert len({person_of(council, ref) for ref in ("S1", "P1", "H1")}) == 3
    assert one == person_of(council, "P1")  # the id was made from P1, and means P1 for good
    assert possible(council, "P1", "S1")
    assert possible(council, "P1", "H1")
    assert how(council, "S1") == how(council, "P1") == [("new", False)]


def test_an_id_that_pointed_to_another_is_its_own_again(council):
    elsewhere = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB", "surname": "Brindlecote"}
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    a_file(council, "housing_tenancies", [someone("H1", household_ref="T1", **elsewhere)])
    match.people(doors_to(council))
    ids = [person_of(council, ref) for ref in ("S1", "H1")]
    a_file(council, "childrens_social_care", [someone("C1", upn=UPN, **elsewhere)])
    assert match.people(doors_to(council))["joined"] == 1
    assert same_person(council, "S1", "H1")
    a_file(council, "childrens_social_care", [someone("C2", upn=OTHER_UPN, **elsewhere)])
    assert match.people(doors_to(council))["parted"] == 1
    assert ids == [person_of(council, ref) for ref in ("S1", "H1")]
    assert same_person(council, "S1", "C1")
    assert query(council, "SELECT count(*) FROM register.person WHERE merged_into IS NOT NULL") == [(0,)]


def test_a_machine_takes_nobody_apart_of_whom_somebody_decided(council):
    one = may_be_either_twin(council)
    with database.transaction(council) as connection:
        connection.execute(
            """INSERT INTO rights.flag (person_id, kind, status, recorded_by, reason)
               VALUES (%s, 'restriction', 'upheld', 'Jane Doe', 'asked')""",
            (one,),
        )
    a_file(council, "housing_tenancies", [someone("H1", "Clara", household_ref="T1")])
    assert match.people(doors_to(council))["parted"] == 0
    assert person_of(council, "S1") == person_of(council, "P1") == one
    assert possible(council, "P1", "H1")


def test_a_person_whose_joining_record_is_destroyed_stays_one(council):
    a_file(council, "school_attendance", [a_pupil("S1", upn=UPN)])
    elsewhere = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB", "surname": "Brindlecote"}
    a_file(council, "housing_tenancies", [someone("H1", household_ref="T1", **elsewhere)])
    a_file(council, "childrens_social_care", [someone("C1", upn=UPN, **elsewhere)])
    match.people(doors_to(council))
    one = person_of(council, "C1")
    assert same_person(council, "S1", "H1", "C1")
    records = query(council, "SELECT source_record_id FROM register.source_record WHERE record_ref = 'C1'")
    with database.transaction(council) as connection:
        letting_go.source_records(connection, [record for (record,) in records])
    a_file(council, "police_incidents", [a_pupil("P1"), a_pupil("P2", **elsewhere)])
    match.people(doors_to(council))
    assert {person_of(council, ref) for ref in ("S1", "H1", "P1", "P2")} == {one}
    a_file(council, "childrens_social_care", [someone("C1", None, None)])
    match.people(doors_to(council))
    assert person_of(council, "C1") == one


@pytest.mark.requirement("R-038")
def test_a_rerun_changes_not_one_byte(council):
    a_file(council, "school_attendance", [a_pupil("S1"), a_pupil("S2", "Ella")])
    a_file(council, "police_incidents", [a_pupil("P1", "Elma"), a_pupil("P2")])
    doors = doors_to(council)
    match.people(doors)
    before, events = digest(council), query(council, "SELECT count(*) FROM audit.event")
    assert set(match.people(doors).values()) == {0}
    assert digest(council) == before
    assert query(council, "SELECT count(*) FROM audit.event") == events


def test_people_who_come_one_file_at_a_time_are_the_same_as_those_who_come_at_once(server, council):
    files = [
        ("school_attendance", [a_pupil("S1", upn=UPN), a_pupil("S2", "Ella")]),
        ("childrens_social_care", [someone("C1", "Emmma"), someone("C2", "Ella", born=date(2015, 4, 3))]),
        ("police_incidents", [a_pupil("P1", "Ella"), a_pupil("P2", born=None)]),
    ]
    other = server.create_database("at_once", "at_once")
    try:
        database.migrate(other)
        with_staging(other)
        for feed, rows in files:
            a_file(council, feed, rows)
            match.people(doors_to(council))
            a_file(other, feed, rows)
        match.people(doors_to(other))
        refs = ("S1", "S2", "C1", "C2", "P1", "P2")
        groups = [{frozenset(r for r in refs if same_person(url, r, ref)) for ref in refs} for url in (council, other)]
        assert groups[0] == groups[1]
    finally:
        server.drop_database("at_once", "at_once")


def test_the_audit_tells_files_and_counts_and_nobodys_name(council):
    file_id = a_file(council, "school_attendance", [a_pupil("S1")])
    match.people(doors_to(council))
    events = query(council, "SELECT kind, convert_from(event, 'UTF8') FROM audit.event ORDER BY seq")
    assert [kind for kind, _ in events] == ["register.records", "register.persons"]
    assert file_id in events[0][1]
    assert "shbarrow" not in "".join(text for _, text in events)


def test_one_writer_at_a_time(council):
    with database.transaction(council) as connection:
        assert database.lock(connection, register.LOCK, "register")
        with pytest.raises(TryLater):
            match.people(doors_to(council))
