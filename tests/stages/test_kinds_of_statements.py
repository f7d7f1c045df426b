"""What people's records are like in life, each kind by the real engine: joined, shown to a person, or left apart."""

import pyarrow as pa
import pytest

from family_exchange.adapters import linkage_model, profiles, statements
from family_exchange.adapters.statements import SEPARATOR
from family_exchange.stages import modelling
from support.people_matching import THRESHOLDS, standard

HOME = ("12 High Street", "", "CH1 1AA")
ELSEWHERE = ("3 Mill Lane", "", "CH4 4AB")
HOSTEL = ("Station Hostel", "Room 4", "CH1 1AA")
NOWHERE = ("No fixed abode", "", "ZZ99 3VZ")
OFFICE = ("1 Civic Way", "", "CH1 2HS")
EMMA = {"forename": "Emma", "surname": "Ashbarrow", "born": "2015-03-04", "sex": "F", "home": HOME}
NHS, UPN = "9434765919", "A950000178301"
MODEL = linkage_model.model()


def raw(*people):
    """One record for each, of sources in turn."""
    sources = ("school_attendance|schools", "childrens_social_care|childrens-services", "police_incidents|police")
    rows = []
    for number, one in enumerate(people):
        known = EMMA | one
        source = known.get("source", number % len(sources))
        row = dict.fromkeys(statements.RAW, "") | {"key": f"{sources[source]}|R{number}", "fresh": True}
        row |= {name: known[name] for name in row if name in known}
        child_in = [known["child_in"]] if "child_in" in known else []
        born = SEPARATOR.join((known["born"], known.get("estimated", "false"), known.get("ahead", "f"), *child_in))
        rows.append(row | {"birth": born, "address": SEPARATOR.join(known["home"])})
    return pa.Table.from_pylist(rows)


def outcome(*people, model=MODEL):
    """What is made of two records."""
    table = raw(*people)
    found = modelling.find(standard(table, model), model, THRESHOLDS)
    pair = tuple(sorted(table["key"].to_pylist()))
    return "joined" if pair in found.joined else "possible" if pair in found.possible else "apart"


def test_two_partners_records_of_one_child_are_joined():
    assert outcome({}, {}) == "joined"


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize(
    "other",
    [
        {"estimated": "true", "sex": "U"},
        {"estimated": "true", "forename": "Emmma"},
        {"born": "", "child_in": "2034"},
        {"born": "", "child_in": "2026", "sex": "U"},
        {"ahead": "t"},
        {"born": ""},
        {"born": "1900-01-01"},
        {"born": "1970-01-01"},
    ],
)
def test_a_day_of_birth_that_is_none_is_not_alike_with_an_actual_one(other):
    assert outcome({}, other) == "possible"


@pytest.mark.requirement("D-20")
@pytest.mark.parametrize("other", [{"estimated": "true", "born": "2014-03-15"}, {"born": "", "child_in": "2026"}])
def test_an_age_that_no_parent_has_tells_who_bears_a_name_at_home_unless_there_are_two(other):
    assert outcome({}, other) == "joined"
    assert outcome({}, other | {"home": ELSEWHERE}) == "apart"
    table = raw({}, other, {"born": "1985-03-04"})
    assert len(modelling.find(standard(table, MODEL), MODEL, THRESHOLDS).joined) == (0 if other["born"] == "" else 1)


@pytest.mark.parametrize(
    "other",
    [
        {"born": "2015-04-03"},
        {"born": "2015-03-05"},
        {"forename": "Ashbarrow", "surname": "Emma"},
        {"forename": "EMMA", "surname": "Ashbarow"},
        {"forename": "Emmma"},
        {"sex": "U"},
        {"home": ("12, High St", "", "ch11aa")},
    ],
)
def test_slips_of_the_finger_and_columns_turned_are_joined(other):
    assert outcome({}, other) == "joined"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"surname": "Brindlecote"}, {"surname": "Ashbarrow"}),
        ({"surname": "Plumley-Hart"}, {"surname": "Hart"}),
        ({"surname": "Plumley-Hart"}, {"surname": "Hart Plumley"}),
        ({"surname": "O'Dunmore"}, {"surname": "O Dunmore"}),
    ],
)
def test_somebody_who_married_or_has_a_double_name_is_joined_at_home(one, other):
    assert outcome(one, other) == "joined"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"forename": "Mohammed", "sex": "M"}, {"forename": "Muhammad", "sex": "M"}),
        ({"forename": "Oleksandr", "sex": "M"}, {"forename": "Alexander", "sex": "M"}),
        ({"forename": "Łukasz", "surname": "Dąbrowiecki"}, {"forename": "Lukasz", "surname": "Dabrowiecki"}),
        ({"forename": "Živilė"}, {"forename": "Zivile"}),
        ({"forename": "Siân"}, {"forename": "Sian"}),
    ],
)  # fmt: skip
def test_a_name_of_another_alphabet_is_one_name(one, other):
    assert outcome(one, other) == "joined"


@pytest.mark.parametrize("home", [HOSTEL, NOWHERE])
def test_a_place_that_many_share_and_a_default_postcode_say_nothing_of_who_somebody_is(home):
    renamed = {"surname": "Brindlecote", "home": home}
    assert outcome({"home": home}, renamed) != "joined"
    assert outcome({}, renamed | {"home": HOME}) == "joined"
    assert outcome({"home": home}, {"home": home}) == "joined"  # name and birthday are enough, anywhere


def test_the_councils_own_postcode_says_nothing_once_its_profile_names_it():
    profile = profiles.profile("bolton").matching
    own = linkage_model.of(profile.model_copy(update={"default_postcodes": frozenset({OFFICE[2]})}))
    renamed = {"surname": "Brindlecote", "home": OFFICE}
    assert outcome({"home": OFFICE}, renamed) == "joined"
    assert outcome({"home": OFFICE}, renamed, model=own) != "joined"


def test_a_number_in_another_ones_column_is_no_number_of_anybody():
    stranger = {"forename": "Zofia", "surname": "Kowalewicz", "home": ELSEWHERE, "born": "1990-07-08"}
    assert outcome({"upn": NHS}, stranger | {"upn": NHS}) == "apart"
    assert outcome({"nhs_number": UPN}, stranger | {"upn": UPN}) == "apart"
    assert outcome({"upn": UPN}, stranger | {"upn": UPN}) == "possible"


def test_an_equal_justice_number_joins_somebody_under_another_name_and_address():
    alias = {"surname": "Brindlecote", "home": ELSEWHERE, "born": "2015-04-03"}
    assert outcome({"pnc": "2001/0171310W"}, alias | {"pnc": "2001/0171310W"}) == "joined"
    assert outcome({"pnc": "2001/0171310W"}, alias | {"pnc": "2003/0062845E"}) != "joined"
    assert outcome({"pnc": "2001/0171310W"}, {"pnc": "2003/0062845E"}) == "joined"


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize(
    "other",
    [
        {"forename": "Ella"},
        {"forename": "Ella", "born": "2016-01-20"},
        {"born": "1985-03-04"},
        {"forename": "Ella", "upn": UPN},
        {"born": "1985-03-04", "upn": UPN},
        {"forename": "E", "upn": UPN},
        {"born": "", "upn": UPN},
    ],
)
def test_twins_siblings_and_namesakes_are_apart_even_with_a_borrowed_number(other):
    assert outcome({"upn": UPN}, other) != "joined"
    assert outcome({"upn": UPN}, {"upn": UPN}) == "joined"
