from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.domain.period import HALF_YEARS
from family_exchange.domain.return_rules import KNOWN, Asked, Flag, Row, Severity, check, excluding

PERIOD = HALF_YEARS.period("2026-H1")
NIS = profiles.return_definition("nis")
GOOD = {
    "la_code": "896",
    "la_person_ref": "P1",
    "family_ref": "H1",
    "forenames": "Ashley",
    "surname": "Testperson",
    "date_of_birth": "1990-05-04",
    "sex": "F",
    "postcode": "ZZ99 3AA",
    "date_screened": "2026-05-01",
    "p1": "Y",
    "p2": "Y",
    "p3": "N",
    "group": "I",
    "support_start": "2026-05-15",
    "support_end": None,
    "upn": None,
    "nino": None,
    "nhs_number": "9434765919",
    "pnc_id": None,
}
CHILD = GOOD | {"la_person_ref": "P0", "date_of_birth": "2015-01-01"}


def found(*contents, definition=NIS, **asked):
    rows = [Row(number, content) for number, content in enumerate(contents, 1)]
    asked = {
        "definition": definition,
        "disclosed": tuple(GOOD),
        "period": PERIOD,
        "min_problems": 2,
    } | asked
    return [(each.rule, each.row_no, each.field) for each in check(rows, Asked(**asked))]


def test_a_good_return_has_no_finding():
    assert found(GOOD, CHILD) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"family_ref": None}, ("E01", "family_ref")),
        ({"date_of_birth": "2026-10-01"}, ("E04", "date_of_birth")),
        ({"date_of_birth": "1915-09-30"}, ("E04", "date_of_birth")),
        ({"nhs_number": "9434765918"}, ("E05", "nhs_number")),
        ({"nino": "QQ123456C"}, ("E05", "nino")),
        ({"p2": "N"}, ("E06", "group")),
        ({"support_start": None}, ("E06", "support_start")),
        ({"group": "C"}, ("E07", "support_start")),
        ({"support_end": "2026-05-14"}, ("E08", "support_end")),
        ({"date_screened": "2026-05-16"}, ("E09", "date_screened")),
        ({"upn": "H801200001001"}, ("Q01", "upn")),
        ({"postcode": "XXXX"}, ("Q04", "postcode")),
        ({"postcode": "nopostcode"}, ("Q04", "postcode")),
        ({"postcode": None}, ("Q04", "postcode")),
        ({"date_of_birth": "1900-01-01"}, ("Q05", "date_of_birth")),
    ],
)
def test_a_row_at_fault_is_named_with_its_field(changes, expected):
    rule, name = expected
    assert (rule, 1, name) in found(GOOD | changes, CHILD)


@pytest.mark.parametrize(
    ("changes", "never"),
    [
        ({"date_of_birth": "1916-09-30"}, "E04"),  # 110 on the last day
        ({"date_of_birth": "1900-01-01"}, "E04"),  # a filler says nothing of an age
        ({"date_of_birth": None}, "E04"),
        ({"group": "C", "support_start": None, "p1": "N"}, "E06"),
        ({"support_end": "2026-05-15"}, "E08"),
        ({"date_screened": "2026-05-15"}, "E09"),
        ({"date_of_birth": "2010-01-01", "nino": None}, "Q02"),
        ({"date_of_birth": "2010-01-01", "upn": "H801200001001"}, "Q01"),
    ],
)
def test_the_edge_of_a_rule_is_not_over_it(changes, never):
    assert never not in {rule for rule, *_ in found(GOOD | changes, CHILD)}


def test_a_child_with_a_national_insurance_number_is_asked_about():
    assert ("Q02", 2, "nino") in found(GOOD, CHILD | {"nino": "AB123456C"})


def test_a_person_twice_is_an_error_and_in_two_families_another():
    assert ("E02", 3, "la_person_ref") in found(GOOD, CHILD, GOOD)
    assert ("E03", 3, "family_ref") in found(GOOD, CHILD, GOOD | {"family_ref": "H2"})
    assert "E03" not in {rule for rule, *_ in found(GOOD, CHILD, GOOD)}


def test_a_family_without_a_child_is_asked_about_once():
    other = GOOD | {"la_person_ref": "P2"}
    assert [each for each in found(GOOD, other) if each[0] == "Q03"] == [("Q03", 1, "family_ref")]


def test_a_member_of_unknown_age_may_be_the_child():
    assert found(GOOD, CHILD | {"date_of_birth": None}) == []


@pytest.mark.requirement("R-093")
def test_a_flagged_person_in_a_row_is_an_error():
    assert found(GOOD, CHILD, flagged_rows=frozenset({2})) == [("E10", 2, None)]


@pytest.mark.requirement("R-053")
def test_a_field_that_the_notice_does_not_disclose_is_an_error():
    disclosed = tuple(name for name in GOOD if name != "nhs_number")
    assert found(GOOD, CHILD, disclosed=disclosed) == [("E11", None, "nhs_number")]


def test_a_check_of_a_field_that_is_not_sent_is_left_out():
    short = {name: GOOD[name] for name in ("la_code", "la_person_ref", "family_ref", "group")}
    assert found(short, disclosed=tuple(short)) == []


@pytest.mark.parametrize("code", ["nis", "fpd"])
def test_every_check_of_a_return_is_one_that_can_be_made(code):
    assert {each.code for each in profiles.return_definition(code).checks} <= set(KNOWN)


def test_severity_follows_the_code():
    rows = [Row(1, GOOD | {"postcode": "XXXX", "group": "C"}), Row(2, CHILD)]
    kinds = {each.rule: each.severity for each in check(rows, Asked(NIS, tuple(GOOD), PERIOD, 2))}
    assert kinds == {"E07": Severity.ERROR, "Q04": Severity.QUERY}


@pytest.mark.requirement("R-068")
def test_an_objection_to_research_keeps_out_of_the_study_and_not_out_of_progress_data():
    assert Flag.OBJECTION_RESEARCH in excluding("nis")
    assert Flag.OBJECTION_RESEARCH not in excluding("fpd")
    for code in ("nis", "fpd", "any_later_return"):
        assert {Flag.RESTRICTION, Flag.OBJECTION_ALL} <= set(excluding(code))
    assert Flag.OBJECTION_RESEARCH in excluding("any_later_return")


contents = st.fixed_dictionaries(
    dict.fromkeys(GOOD, st.none())
    | {
        "la_person_ref": st.sampled_from(["P1", "P2", "P3"]),
        "family_ref": st.sampled_from(["H1", "H2"]),
        "date_of_birth": st.none() | st.dates(date(1899, 1, 1), date(2027, 1, 1)).map(date.isoformat),
        "postcode": st.none() | st.text(max_size=8),
        "group": st.sampled_from(["I", "C", None]),
        "nino": st.none() | st.text(max_size=9),
        "support_start": st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)).map(date.isoformat),
    }
)


@given(rows=st.lists(contents, max_size=6))
def test_checking_never_fails_and_never_tells_a_value(rows):
    for rule, row_no, name in found(*rows):
        assert rule in KNOWN
        assert row_no is None or 1 <= row_no <= len(rows)
        assert name is None or name in GOOD


@given(rows=st.lists(contents, max_size=6))
def test_the_same_rows_give_the_same_findings(rows):
    assert found(*rows) == found(*rows)


def test_a_row_does_not_show_its_content():
    assert "Testperson" not in repr(Row(1, GOOD))
