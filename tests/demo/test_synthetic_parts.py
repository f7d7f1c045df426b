"""The parts that a synthetic council is made of: numbers, names, spans, clerks, and the large file."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.demo.synthetic import bulk_police, names, numbers, places, span
from family_exchange.demo.synthetic.clerk import PERFECT, Clerk
from family_exchange.demo.synthetic.people import Household, Likeness, Person, Role
from family_exchange.demo.synthetic.police import HABITS
from family_exchange.domain import identifiers

seeds = st.integers(0, 10**9)


def a_person(**changes):
    traits = {
        "number": 1, "family": 1, "role": Role.MOTHER, "likeness": Likeness.NONE, "forename": "Katherine",
        "surname": "Żurawicka-Ashbarrow", "former_surname": "", "born": date(1990, 3, 4), "sex": "F",
        "nhs_number": "9990000018", "nino": "XA000000A", "upn": "", "school": None, "ethnicity": "WBRI",
    }  # fmt: skip
    return Person(**traits | changes)


def a_home(person, **changes):
    address = places.Address("3 Heron Road", "", "Copperbeck", "FX1 1AA", "990000000001")
    traits = {
        "number": 1, "members": (person,), "guests": (), "home": address, "former_home": None,
        "since": date(2020, 1, 1), "moved_on": None, "left_on": None,
    }  # fmt: skip
    return Household(**traits | changes)


# --- numbers ---------------------------------------------------------------------------------------------------


@given(seed=seeds, count=st.integers(0, 300))
def test_numbers_are_valid_different_and_as_many_as_asked(seed, count):
    for made, check in (
        (numbers.nhs_numbers(Random(seed), count), identifiers.nhs_number),
        (numbers.ninos(Random(seed), count), identifiers.nino),
    ):
        assert len(set(made)) == len(made) == count
        assert all(check(number) == number for number in made)


def test_the_test_range_of_nhs_numbers_has_an_end():
    with pytest.raises(numbers.NotEnoughNumbers, match="too small"):
        numbers.nhs_numbers(Random(1), 950_000)


@pytest.mark.parametrize(("nine", "check"), [("943476591", 9), ("987654321", 0), ("999000000", None)])
def test_an_nhs_check_digit_is_as_published(nine, check):
    assert numbers.nhs_check(nine) == check


@given(school=st.integers(0, 300), year=st.integers(1999, 2030))
def test_a_pupil_number_is_valid_and_given_once(school, year):
    given_out = numbers.PupilNumbers("123")
    first, second = given_out.next(school, year), given_out.next(school, year)
    assert first != second
    assert identifiers.upn(first) == first
    assert identifiers.upn(second) == second


def test_a_school_cannot_take_more_than_a_thousand_pupils_in_a_year():
    given_out = numbers.PupilNumbers("123")
    for _ in range(1000):
        given_out.next(1, 2020)
    with pytest.raises(numbers.NotEnoughNumbers):
        given_out.next(1, 2020)


@given(eleven=st.from_regex(r"[0-9]{11}", fullmatch=True), last=st.sampled_from("ABCDEFGH"))
def test_a_temporary_pupil_number_is_known_as_one(eleven, last):
    assert identifiers.temporary_upn(numbers.temporary_upn(eleven, last))


@given(year=st.integers(1950, 2026), serial=st.integers(0, 9_999_999))
def test_a_pnc_id_is_valid(year, serial):
    made = numbers.pnc_id(year, serial)
    assert identifiers.pnc(made, this_year=2026) == made


@given(seed=seeds)
def test_a_misread_number_does_not_check(seed):
    (nhs,) = numbers.nhs_numbers(Random(seed), 1)
    assert identifiers.nhs_number(numbers.misread(nhs)) is None
    upn = numbers.PupilNumbers("123").next(seed % 300, 2015)
    assert identifiers.upn(numbers.misread(upn)) is None
    assert identifiers.pnc(numbers.misread(numbers.pnc_id(2001, seed % 9_999_999)), this_year=2026) is None


# --- names and places ------------------------------------------------------------------------------------------


def test_the_lists_are_long_enough_and_do_not_repeat():
    forenames = {name for origin in names.ORIGINS for name in (*origin.girls, *origin.boys)}
    surnames = [name for origin in names.ORIGINS for name in origin.surnames]
    assert len(forenames) >= 140
    assert len(surnames) == len(set(surnames)) >= 170


def test_a_nickname_is_of_a_forename_that_somebody_has():
    forenames = {name for origin in names.ORIGINS for name in (*origin.girls, *origin.boys)}
    assert set(names.NICKNAMES) <= forenames
    assert all(name not in others for name, others in names.NICKNAMES.items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Łukasz", "Lukasz"),
        ("Siân", "Sian"),
        ("Żurawicki", "Zurawicki"),
        ("Șerban", "Serban"),
        ("O'Dunmore", "O'Dunmore"),
    ],
)
def test_plain_letters_have_no_accents(name, expected):
    assert names.plain(name) == expected


@given(seed=seeds)
def test_every_name_can_be_written_in_plain_letters(seed):
    rng = Random(seed)
    origin = names.origin(rng)
    assert names.plain(names.surname(rng, origin)).isascii()
    assert names.plain(names.forename(rng, origin, rng.choice("FM"))).isascii()


@pytest.mark.parametrize("area", places.AREAS)
def test_every_invented_postcode_is_well_formed(area):
    homes = places.Homes(Random(1), area, 1)
    made = [homes.next() for _ in range(20_000)]
    assert all(identifiers.postcode(home.postcode) == home.postcode for home in made)
    assert len({home.uprn for home in made}) == len(made)
    assert len({(home.line_1, home.line_2, home.postcode) for home in made}) > len(made) * 0.99


def test_a_room_has_the_property_number_of_its_house():
    house = places.Homes(Random(1), places.AREAS[0], 1).next()
    assert places.room(house, 1).uprn == places.room(house, 2).uprn == house.uprn
    assert places.room(house, 1).line_1 != places.room(house, 2).line_1


# --- spans -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "as_of", "coverage_from", "terms"),
    [
        (date(2026, 11, 22), date(2026, 10, 31), date(2026, 4, 1), ("2025-autumn", "2026-spring", "2026-summer")),
        (date(2026, 10, 1), date(2026, 9, 30), date(2026, 4, 1), ("2025-autumn", "2026-spring", "2026-summer")),
        (date(2026, 9, 30), date(2026, 8, 31), date(2025, 10, 1), ("2025-autumn", "2026-spring", "2026-summer")),
        (date(2027, 1, 15), date(2026, 12, 31), date(2026, 4, 1), ("2026-spring", "2026-summer", "2026-autumn")),
        (date(2027, 3, 31), date(2027, 2, 28), date(2026, 4, 1), ("2026-spring", "2026-summer", "2026-autumn")),
        (date(2027, 4, 1), date(2027, 3, 31), date(2026, 10, 1), ("2026-summer", "2026-autumn", "2027-spring")),
    ],
)
def test_a_delivery_covers_the_half_year_that_closed_and_what_came_since(today, as_of, coverage_from, terms):
    during = span.span(today)
    assert (during.as_of, during.coverage_from) == (as_of, coverage_from)
    assert tuple(term.code for term in during.terms) == terms


@given(st.dates(date(2015, 1, 1), date(2035, 12, 31)))
def test_a_delivery_is_of_the_past_and_never_empty(today):
    during = span.span(today)
    assert during.coverage_from < during.as_of < today
    assert len(during.terms) == 3
    assert all(term.ends <= during.as_of for term in during.terms)


@pytest.mark.parametrize(
    ("born", "year"), [(date(2021, 8, 31), 0), (date(2021, 9, 1), -1), (date(2010, 1, 1), 11), (date(2009, 9, 1), 11)]
)
def test_a_school_year_turns_on_the_first_of_september(born, year):
    assert span.school_year_of(born, 2025) == year


# --- clerks ----------------------------------------------------------------------------------------------------


def test_a_perfect_clerk_writes_what_is_true():
    person = a_person()
    written = Clerk(Random(1), PERFECT).write(person, a_home(person), date(2026, 5, 1))
    assert (written.forename, written.surname, written.born, written.sex) == (
        "Katherine", "Żurawicka-Ashbarrow", "1990-03-04", "F",
    )  # fmt: skip
    assert written.address == ("3 Heron Road", "", "Copperbeck", "FX1 1AA")


@given(seed=seeds)
def test_a_clerk_never_mistypes_those_who_are_looked_for(seed):
    person = a_person(surname="Zzcanary")
    always = HABITS.__class__(**dict.fromkeys(HABITS.__dataclass_fields__, 1.0))
    written = Clerk(Random(seed), always).write(person, a_home(person, verbatim=True), date(2026, 5, 1))
    assert (written.forename, written.surname, written.born) == ("Katherine", "Zzcanary", "1990-03-04")


def test_a_move_changes_the_address_and_nothing_else():
    person = a_person()
    former = places.Address("9 Loom Lane", "", "Copperbeck", "FX1 1AB", "990000000009")
    home = a_home(person, former_home=former, moved_on=date(2026, 6, 1))
    clerk = Clerk(Random(1), PERFECT)
    before = clerk.write(person, home, date(2026, 5, 31))
    after = clerk.move(before, home, date(2026, 6, 1))
    assert before.postcode == "FX1 1AB"
    assert after.postcode == "FX1 1AA"
    assert (after.forename, after.surname, after.born) == (before.forename, before.surname, before.born)


@given(seed=seeds, born=st.dates(date(1930, 1, 1), date(2026, 5, 1)))
def test_a_birthday_is_a_day_that_exists_and_not_in_the_future(seed, born):
    person = a_person(born=born)
    written = Clerk(Random(seed), HABITS).write(person, a_home(person), date(2026, 5, 1))
    assert not written.born or date.fromisoformat(written.born) <= max(date(2026, 5, 1), born)


@given(seed=seeds)
def test_a_slip_leaves_most_of_a_name(seed):
    person = a_person(forename="Rosalind", surname="Kestwick")
    clumsy = HABITS.__class__(**dict.fromkeys(HABITS.__dataclass_fields__, 0.0) | {"typing": 1.0})
    written = Clerk(Random(seed), clumsy).write(person, a_home(person), date(2026, 5, 1))
    assert written.surname[0] == "K"
    assert abs(len(written.surname) - len("Kestwick")) <= 1


# --- the large file --------------------------------------------------------------------------------------------


def test_the_large_file_is_the_same_each_time_and_agrees_with_its_contract():
    content = bulk_police(2_000, seed=4)
    assert content == bulk_police(2_000, seed=4)
    assert content != bulk_police(2_000, seed=5)
    first, header, *lines = content.decode().splitlines()
    assert first.endswith("rows=2000")
    assert tuple(header.split(",")) == profiles.contract("police_incidents").headers
    assert len(lines) == len({line.partition(",")[0] for line in lines}) == 2_000


@pytest.mark.parametrize("rows", [0, 1])
def test_a_large_file_may_be_small(rows):
    assert bulk_police(rows).count(b"\n") == rows + 2
