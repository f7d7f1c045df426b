from dataclasses import replace
from datetime import date

import pytest

from family_exchange.adapters import database, persons
from family_exchange.adapters import register as registry
from family_exchange.adapters.persons import Assignment
from family_exchange.domain.clustering import How
from family_exchange.domain.errors import TryLater
from family_exchange.domain.person import record_key
from family_exchange.stages import match, register
from support.registry import AS_OF, TODAY, a_file, doors_to, person_of, query, with_staging

MOTHER, FATHER, CHILD, OTHER = date(1990, 5, 5), date(1988, 6, 6), date(2015, 3, 4), date(1979, 1, 9)
HOME = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}
ELSEWHERE = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def someone(ref, forename, born, surname="Ashbarrow", home=None, **changes):
    base = {"record_ref": ref, "forename": forename, "surname": surname, "date_of_birth": born}
    return base | (HOME if home is None else home) | changes


def known_to_social_care(ref, *args, household="F1", relationship="child", **changes):
    return someone(ref, *args, **changes) | {"household_ref": household, "relationship": relationship}


def bring_up(url, *, today=TODAY, doors=None):
    doors = doors or doors_to(url)
    match.people(doors)
    return register.families(doors, today=today)


def families(url, *, on=TODAY):
    """The families as sets of partner references, with who lives elsewhere."""
    rows = query(
        url,
        """SELECT m.family_id, r.record_ref, m.resident FROM register.family_member m
             JOIN register.person_record p USING (person_id) JOIN register.source_record r USING (source_record_id)
            WHERE m.from_on <= %s AND (m.to_on IS NULL OR m.to_on > %s)""",
        on,
        on,
    )
    found = {}
    for family, ref, resident in rows:
        found.setdefault(family, set()).add(ref if resident else f"({ref})")
    return sorted((sorted(members) for members in found.values()), key=lambda each: each)


def memberships(url, ref):
    return query(
        url,
        "SELECT from_on, to_on, role, resident FROM register.family_member WHERE person_id = %s ORDER BY 1",
        person_of(url, ref),
    )


def digest(url):
    with database.transaction(url) as connection:
        return registry.digest(connection)


@pytest.mark.requirement("R-024")
def test_people_of_one_address_are_a_family_whichever_partner_knows_them(council):
    a_file(council, "school_attendance", [someone("S1", "Ada", CHILD, event_ref="t", event_on=date(2026, 7, 20))])
    a_file(council, "police_incidents", [someone("P1", "Grace", MOTHER, "Brindlecote", event_ref="i")])
    a_file(
        council,
        "childrens_social_care",
        [someone("C1", "Alan", FATHER, home={"address_line_1": "12 HIGH ST.", "postcode": "CH11AA"})],
    )
    bring_up(council)
    assert families(council) == [["C1", "P1", "S1"]]
    assert {role for *_, role, _ in memberships(council, "S1")} == {"child"}
    assert {role for *_, role, _ in memberships(council, "P1")} == {"adult"}


def test_an_address_and_its_uprn_are_one_home(council):
    a_file(
        council,
        "housing_tenancies",
        [someone("H1", "Grace", MOTHER, household_ref="T1", uprn="100", tenancy_start=date(2020, 1, 1))],
    )
    a_file(council, "childrens_social_care", [someone("C1", "Ada", CHILD, "Brindlecote", home={"uprn": "0100"})])
    a_file(council, "police_incidents", [someone("P1", "Alan", FATHER, "Brindlecote", event_ref="i")])
    bring_up(council)
    assert families(council) == [["C1", "H1", "P1"]]
    assert query(council, "SELECT basis FROM register.family") == [("uprn",)]


@pytest.mark.requirement("R-032")
def test_a_shared_house_of_strangers_is_not_a_family(council):
    lodgers = [
        someone(f"P{number}", name, OTHER, surname, event_ref="i")
        for number, (name, surname) in enumerate((("Alan", "Ashbarrow"), ("Max", "Brindlecote"), ("Ivo", "Kestwick")))
    ]
    a_file(council, "police_incidents", lodgers)
    assert bring_up(council)["families"] == 0


TWO_FAMILIES = (
    ("S1", "Ada", CHILD, "Ashbarrow"), ("S2", "Grace", MOTHER, "Ashbarrow"),
    ("S3", "Ivo", date(2016, 2, 2), "Kestwick"), ("S4", "Vera", OTHER, "Kestwick"),
)  # fmt: skip


def two_families_at(home):
    return [
        known_to_social_care(ref, name, born, surname, home=home, household=surname, relationship="other")
        for ref, name, born, surname in TWO_FAMILIES
    ]


@pytest.mark.requirement("R-032")
@pytest.mark.parametrize(
    "home",
    [
        {"address_line_1": "Quayside Hostel", "address_line_2": "5 Quay Street", "postcode": "CH1 2AB"},
        {"address_line_1": "5 Quay Street", "postcode": "CH1 2AB", "uprn": "100012345"},
    ],
)
def test_two_families_in_a_hostel_are_two(council, home):
    shared = matching_by(council, shared_uprns=frozenset({"100012345"}))
    a_file(council, "childrens_social_care", two_families_at(home))
    bring_up(council, doors=shared)
    assert families(council) == [["S1", "S2"], ["S3", "S4"]]


@pytest.mark.requirement("R-032")
def test_two_families_in_one_ordinary_house_are_one_household(council):
    a_file(council, "childrens_social_care", two_families_at(HOME))
    bring_up(council)
    assert families(council) == [["S1", "S2", "S3", "S4"]]


def test_a_postcode_that_stands_for_none_makes_no_home_and_the_profile_says_which(council):
    at_the_office = [
        {"address_line_1": f"12 {street}", "postcode": "CH1 2NP"} for street in ("High Street", "Hill Road")
    ]
    rows = [*two_families_at(at_the_office[0])[:2], *two_families_at(at_the_office[1])[2:]]
    a_file(council, "childrens_social_care", rows)
    bring_up(council)
    assert families(council) == [["S1", "S2", "S3", "S4"]]
    bring_up(council, doors=matching_by(council, default_postcodes=frozenset({"CH1 2NP"})))
    assert families(council) == []


def matching_by(url, **changes):
    """Doors of a council whose profile says this of matching."""
    its = doors_to(url)
    matching = its.profile.matching.model_copy(update=changes)
    return replace(its, profile=its.profile.model_copy(update={"matching": matching}))


@pytest.mark.requirement("R-032")
def test_a_parent_elsewhere_belongs_to_the_family_and_to_the_one_he_lives_with(council):
    a_file(
        council,
        "childrens_social_care",
        [
            known_to_social_care("C1", "Ada", CHILD),
            known_to_social_care("C2", "Grace", MOTHER, relationship="mother"),
            known_to_social_care("C3", "Alan", FATHER, relationship="father", home=ELSEWHERE),
            known_to_social_care("C4", "Ivo", date(2020, 1, 1), "Kestwick", home=ELSEWHERE, household="F2"),
        ],
    )
    bring_up(council)
    assert families(council) == [["(C3)", "C1", "C2"], ["C3", "C4"]]


@pytest.mark.requirement("R-032")
def test_a_child_of_two_households_belongs_to_both(council):
    for day in (date(2026, 3, 31), AS_OF):
        a_file(
            council,
            "childrens_social_care",
            [someone("C1", "Ada", CHILD), someone("C2", "Grace", MOTHER)],
            as_of=day,
        )
        a_file(
            council,
            "school_attendance",
            [
                someone("S1", "Ada", CHILD, home=ELSEWHERE, event_ref=f"t{day}", event_on=day),
                someone("S2", "Ben", date(2016, 2, 2), home=ELSEWHERE, event_ref=f"t{day}", event_on=day),
            ],
            as_of=day,
        )
    bring_up(council)
    assert person_of(council, "S1") == person_of(council, "C1")
    assert [sorted({*family} & {"C1", "S1", "C2", "S2"}) for family in families(council)] == [
        ["C1", "C2", "S1"],
        ["C1", "S1", "S2"],
    ]


@pytest.mark.requirement("R-032")
def test_a_looked_after_child_belongs_to_the_family_of_birth_and_to_the_carers(council):
    a_file(
        council,
        "childrens_social_care",
        [
            known_to_social_care("C1", "Ada", CHILD, home=ELSEWHERE, clea_start_date=date(2025, 1, 1)),
            known_to_social_care("C2", "Grace", MOTHER, relationship="mother"),
        ],
    )
    a_file(council, "housing_tenancies", [someone("H1", "Vera", OTHER, "Kestwick", home=ELSEWHERE, household_ref="T1")])
    bring_up(council)
    assert families(council) == [["(C1)", "C2"], ["C1", "H1"]]


@pytest.mark.requirement("R-032")
def test_a_household_without_an_address_is_a_family_by_its_reference(council):
    a_file(
        council,
        "childrens_social_care",
        [
            known_to_social_care("C1", "Ada", CHILD, home={}),
            known_to_social_care("C2", "Grace", MOTHER, relationship="mother", home={}),
        ],
    )
    bring_up(council)
    assert families(council) == [["C1", "C2"]]
    assert query(council, "SELECT basis FROM register.family") == [("household",)]


@pytest.mark.requirement("R-032")
def test_a_family_that_moved_left_its_old_home_when_it_was_seen_in_the_new_one(council):
    a_file(
        council,
        "childrens_social_care",
        [someone("C1", "Ada", CHILD), someone("C2", "Grace", MOTHER)],
        as_of=date(2026, 3, 31),
    )
    bring_up(council)
    a_file(
        council,
        "childrens_social_care",
        [someone("C1", "Ada", CHILD, home=ELSEWHERE), someone("C2", "Grace", MOTHER, home=ELSEWHERE)],
    )
    bring_up(council)
    assert memberships(council, "C1") == [
        (date(2026, 3, 31), AS_OF, "child", True),
        (AS_OF, None, "child", True),
    ]
    assert families(council) == [["C1", "C2"]]


@pytest.mark.requirement("R-032")
def test_a_tenancy_tells_when_it_began_and_when_it_ended(council):
    tenancy = {"household_ref": "T1", "uprn": "100", "tenancy_start": date(2019, 4, 1), "event_on": date(2026, 5, 31)}
    a_file(
        council,
        "housing_tenancies",
        [someone("H1", "Grace", MOTHER, **tenancy), someone("H2", "Ada", CHILD, **tenancy)],
    )
    bring_up(council)
    assert memberships(council, "H1") == [(date(2019, 4, 1), date(2026, 6, 1), "adult", True)]
    assert families(council) == []


def test_a_family_keeps_its_id_when_a_uprn_comes_and_when_somebody_joins(council):
    a_file(council, "childrens_social_care", [someone("C1", "Ada", CHILD), someone("C2", "Grace", MOTHER)])
    bring_up(council)
    (before,) = query(council, "SELECT family_id FROM register.family")
    a_file(
        council,
        "housing_tenancies",
        [someone("A0", "Alan", FATHER, household_ref="T1", uprn="100", tenancy_start=date(2019, 1, 1))],
    )
    assert bring_up(council)["families"] == 0
    assert query(council, "SELECT family_id FROM register.family") == [before]
    assert families(council) == [["A0", "C1", "C2"]]


def test_a_rerun_changes_not_one_byte(council):
    a_file(council, "childrens_social_care", [known_to_social_care("C1", "Ada", CHILD), someone("C2", "Grace", MOTHER)])
    bring_up(council)
    before, events = digest(council), query(council, "SELECT count(*) FROM audit.event")
    assert set(register.families(doors_to(council), today=TODAY).values()) == {0}
    assert digest(council) == before
    assert query(council, "SELECT count(*) FROM audit.event") == events


def test_a_birthday_changes_a_role_and_nothing_else(council):
    a_file(council, "childrens_social_care", [someone("C1", "Ada", date(2008, 12, 1)), someone("C2", "Grace", MOTHER)])
    bring_up(council)
    assert register.families(doors_to(council), today=date(2026, 12, 1)) == {
        "families": 0,
        "members": 1,
        "members_left": 0,
    }
    assert memberships(council, "C1")[0][2] == "adult"


def test_a_correction_by_most_records_decides_the_day_of_birth(council):
    terms = [someone("S1", "Ada", CHILD, event_ref=term) for term in ("a", "b")]
    a_file(council, "school_attendance", [*terms, someone("S1", "Ada", date(2005, 3, 4), event_ref="c")])
    bring_up(council)
    assert [role for *_, role, _ in memberships(council, "S1")] == ["child"]


def test_a_family_keeps_its_id_when_its_first_member_turns_out_to_be_another_person(council):
    a_file(council, "police_incidents", [someone("P1", "Grace", MOTHER, home=ELSEWHERE, event_ref="i")])
    match.people(doors_to(council))
    family = [someone("C1", "Ada", CHILD), someone("C2", "Alan", FATHER)]
    a_file(council, "childrens_social_care", family)
    bring_up(council)
    (before,) = query(council, "SELECT family_id FROM register.family")
    first, ref = min((person_of(council, ref), ref) for ref in ("C1", "C2"))
    other = person_of(council, "P1")
    key = record_key("childrens_social_care", "childrens-services", ref)
    with database.transaction(council) as connection:
        assert persons.point(connection, {first: other}) == 1
        persons.assign(connection, [Assignment(key, other, How.SCORE, 20.0)])
    register.families(doors_to(council), today=TODAY)
    (after,) = query(council, "SELECT DISTINCT family_id FROM register.family_member")
    assert after == before


def test_a_family_keeps_its_id_when_its_first_member_is_parted_from_it(council):
    upn, home = "A950000178301", ELSEWHERE | {"household_ref": "T1"}
    tenants = [
        someone("H1", "Ada", CHILD, "Kestwick", home=home, tenancy_start=date(2020, 1, 1)),
        someone("H2", "Grace", MOTHER, "Kestwick", home=home, tenancy_start=date(2021, 1, 1)),
    ]
    a_file(council, "housing_tenancies", tenants)
    a_file(council, "childrens_social_care", [someone("C1", "Ada", CHILD, "Kestwick", home={}, upn=upn)])
    bring_up(council)
    (before,) = query(council, "SELECT family_id FROM register.family")
    first = person_of(council, "C1")
    assert person_of(council, "H1") == first
    rival = someone("C2", "Ada", CHILD, "Kestwick", home={}, upn="H243278544154")
    a_file(council, "childrens_social_care", [rival])
    bring_up(council)
    assert person_of(council, "C1") == first != person_of(council, "H1")
    assert query(council, "SELECT DISTINCT family_id FROM register.family_member WHERE person_id = %s",
                 person_of(council, "H1")) == [before]  # fmt: skip
    before = digest(council)
    bring_up(council)
    assert digest(council) == before


def test_one_writer_at_a_time(council):
    with database.transaction(council) as connection:
        assert database.lock(connection, registry.LOCK, "register")
        with pytest.raises(TryLater):
            register.families(doors_to(council), today=TODAY)
