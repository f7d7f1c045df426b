from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import person
from family_exchange.domain.condition import Ages
from family_exchange.domain.person import Birth, Identity, Placeholders

words = st.text(max_size=40)
days = st.dates(date(1930, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("typed", "standard"),
    [
        ("  o'Neill ", "ONEILL"),
        ("O Neill", "ONEILL"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Neill", "ONEILL"),
        ("Mc Tarnish", "MCTARNISH"),
        ("Smith-Jones", "SMITH JONES"),
        ("Łukasz", "LUKASZ"),
        ("Małgorzata", "MALGORZATA"),
        ("Siân", "SIAN"),
        ("Mrs Ada", "ADA"),
        ("Unknown", ""),
        ("BABY GIRL", ""),
        ("n/a", "N A"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_written_one_way(typed, standard):
    assert person.standard_name(typed) == standard


@given(words)
def test_standardising_a_name_twice_is_standardising_it_once(typed):
    once = person.standard_name(typed)
    assert person.standard_name(once) == once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("12 High St", None, "CH1 1AA"), ("12, High Street", "Hoole", "ch11aa")),
        (("Flat 2", "10 Quay Rd.", "CH1 1AA"), ("Apartment 2, 10 Quay Road", "", "CH1  1AA")),
        (("12 Hihg Street", None, "CH1 1AA"), ("12 High Street", None, "CH1 1AA")),
        (("012 High Street", None, "CH1 1AA"), ("No. 12 High Street", None, "CH1 1AA")),
        (("Rose Cottage", "Hoole", "CH1 1AA"), ("rose cottage", None, "CH1 1AA")),
    ],
)
def test_one_home_has_one_key_however_it_is_written(one, other):
    assert person.dwelling_key(*one) == person.dwelling_key(*other) != ""


@pytest.mark.parametrize(
    "other",
    [
        ("14 High Street", None, "CH1 1AA"),
        ("12 High Street", None, "CH1 1AB"),
        ("12a High Street", None, "CH1 1AA"),
        ("Flat 1, 12 High Street", None, "CH1 1AA"),
        ("12 Mill Lane", None, "CH1 1AA"),
    ],
)
def test_two_homes_have_two_keys(other):
    assert person.dwelling_key("12 High Street", None, "CH1 1AA") != person.dwelling_key(*other)


@pytest.mark.parametrize(
    "nowhere",
    [
        ("12 High Street", None, None),
        ("12 High Street", None, "ZZ99 3VZ"),
        ("No fixed abode", None, "NF1 1NF"),
        ("12 High Street", None, "nopostcode"),
        (None, None, "CH1 1AA"),
        ("", "", ""),
    ],
)
def test_an_unknown_home_has_no_key(nowhere):
    assert person.dwelling_key(*nowhere) == ""


def test_a_saint_is_not_a_street():
    assert person.standard_address("3 St Johns Rd", None) == "3 SAINT JOHNS ROAD"
    assert person.standard_address("3 Church St, St Asaph", None) == "3 CHURCH STREET SAINT ASAPH"


def test_a_temporary_pupil_number_says_nothing_elsewhere():
    assert person.upn("A950000178301") == "A950000178301"
    assert person.upn("W35020011400A") == ""


def test_numbers_that_fail_their_check_are_none():
    assert person.nhs_number("943 476 5919") == "9434765919"
    assert person.nhs_number("9434765918") == ""
    assert person.nino("ab 12 34 56 c") == "AB123456"
    assert person.nino("QQ123456A") == ""
    assert person.uprn(" 00012345 ") == "12345"
    assert person.uprn("none") == ""


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize(
    ("born", "estimated", "unborn", "kind"),
    [
        (date(2010, 5, 4), False, False, Birth.ACTUAL),
        (date(2010, 5, 15), True, False, Birth.ESTIMATED),
        (date(2027, 2, 1), True, True, Birth.EXPECTED),
        (date(2027, 2, 1), False, True, Birth.EXPECTED),
        (date(1900, 1, 1), False, False, Birth.UNKNOWN),
        (None, True, False, Birth.UNKNOWN),
    ],
)
def test_a_day_of_birth_is_actual_estimated_expected_or_unknown(born, estimated, unborn, kind):
    placeholders = frozenset({date(1900, 1, 1)})
    assert person.birth_kind(born, estimated=estimated, unborn=unborn, placeholders=placeholders) is kind


@pytest.mark.requirement("D-20")
def test_a_child_of_a_year_is_not_grown_up_before_it():
    first = person.earliest_birth(2026)
    assert first == date(2008, 1, 1)
    assert person.age_on(first, date(2025, 12, 31)) < person.ADULT_FROM == person.age_on(first, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(2004, 2, 29), date(2022, 2, 28), 17),
        (date(2004, 2, 29), date(2022, 3, 1), 18),
        (date(2008, 11, 22), date(2026, 11, 22), 18),
        (date(2008, 11, 23), date(2026, 11, 22), 17),
        (date(2027, 2, 1), date(2026, 11, 22), 0),
    ],
)
def test_an_age_is_counted_in_birthdays(born, on, age):
    assert person.age_on(born, on) == age


@given(born=days, on=days)
def test_nobody_grows_younger(born, on):
    assert person.age_on(born, on) <= person.age_on(born, on + timedelta(days=1))


def test_an_unknown_age_fits_only_where_every_age_does():
    on = date(2026, 11, 22)
    assert person.of_age(None, Ages(), on)
    assert not person.of_age(None, Ages(min=4), on)
    assert person.of_age(date(2010, 11, 22), Ages(min=16, max=18), on)
    assert not person.of_age(date(2010, 11, 23), Ages(min=16, max=18), on)


def test_ids_depend_on_the_keys_and_on_nothing_else():
    keys = [person.record_key("police_incidents", "police", ref) for ref in ("P2", "P1")]
    assert person.person_id(keys) == person.person_id(reversed(keys)) == person.person_id([min(keys)])
    assert person.person_id(keys).startswith("P")
    assert len(person.person_id(keys)) == 17
    assert person.is_record_key(keys[0])
    assert not person.is_record_key(person.person_id(keys))
    assert Identity(keys[0]).source == "police_incidents|police"


@pytest.mark.requirement("R-080")
def test_an_identity_shown_by_accident_shows_its_reference_only():
    shown = repr(
        Identity("f|p|1", "ADA", "ASHBARROW", date(2010, 5, 4), Birth.ACTUAL, "F", "CH1 1AA|12|H", "1", "2", "3", "4")
    )
    assert "ADA" not in shown
    assert "2010" not in shown
    assert shown == "Identity(key='f|p|1')"


PLACEHOLDERS = Placeholders(
    postcodes=frozenset({"CH1 2HS"}), shared_places=frozenset({"HOSTEL", "REFUGE", "SCHOOL", "BED AND BREAKFAST"})
)


@pytest.mark.parametrize("text", ["ZZ99 3VZ", "NF1 1NF", "XXX XXX", "XXXX", "ch1 2hs", "00000", "unknown", ""])
def test_a_postcode_that_stands_for_none_is_none(text):
    assert person.standard_postcode(text, PLACEHOLDERS) == ""
    assert person.standard_postcode("CH1 2HT", PLACEHOLDERS) == "CH1 2HT"


@pytest.mark.parametrize(
    ("line_1", "line_2", "shared"),
    [
        ("Room 4, Station Hostel", "High Street", True),
        ("The Women's Refuge", None, True),
        ("St Osric's School", "Mill Lane", True),
        ("Sea View Bed and Breakfast", "", True),
        ("12 School Lane", "", False),
        ("4 Refuge St", "", False),
        ("Flat 3", "12 High Street", False),
        ("Hostelry Cottage", "", False),
        (None, None, False),
    ],
)
def test_a_place_that_many_share_is_told_from_a_street_called_after_one(line_1, line_2, shared):
    assert person.is_shared_place(line_1, line_2, PLACEHOLDERS) is shared


NUMBERS = {"nhs_number": "9434765919", "nino": "AB123456C", "upn": "H243278544154", "uprn": "100023336956"}
RULES = {"nhs_number": person.nhs_number, "nino": person.nino, "upn": person.upn}


@pytest.mark.parametrize(("kind", "other"), [(a, b) for a in RULES for b in NUMBERS if a != b])
def test_a_number_typed_into_another_ones_column_is_refused_there(kind, other):
    assert RULES[kind](NUMBERS[other]) == ""
    assert RULES[kind](NUMBERS[kind]) != ""
