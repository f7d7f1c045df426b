"""Where somebody lived after a rectification, and how one is written."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import facts
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.facts import Lived, Rectified
from family_exchange.domain.home import Stay

TODAY = date(2026, 11, 22)
JAN, JUN, DEC = date(2026, 1, 1), date(2026, 6, 1), date(2026, 12, 1)


def stay(home, from_on, to_on=None):
    return Stay("P1", home, from_on, from_on, to_on)


def test_without_a_rectification_partners_word_stands():
    assert facts.lived([stay("a", JAN, JUN), stay("b", JUN)], []) == [Lived("a", JAN, JUN), Lived("b", JUN, None)]


def test_a_rectified_home_is_the_only_one_from_its_day_on():
    found = facts.lived([stay("a", JAN), stay("b", DEC)], [Rectified(1, "c", JUN, only=False)])
    assert found == [Lived("a", JAN, JUN), Lived("c", JUN, None, 1)]


def test_a_rectified_home_that_partners_know_is_theirs_before_and_rectified_after():
    found = facts.lived([stay("a", JAN)], [Rectified(1, "a", JUN, only=False)])
    assert found == [Lived("a", JAN, JUN), Lived("a", JUN, None, 1)]


def test_one_home_of_two_is_put_right_alone_and_ends_when_it_ended():
    found = facts.lived([stay("a", JAN, DEC), stay("b", JAN)], [Rectified(1, "a", JUN, only=True)])
    assert found == [Lived("a", JAN, JUN), Lived("a", JUN, DEC, 1), Lived("b", JAN, None)]


days = st.dates(date(2020, 1, 1), date(2026, 1, 1))
homes = st.sampled_from("abc")
stays = st.dictionaries(homes, st.tuples(days, st.one_of(st.none(), days))).map(
    lambda each: [stay(home, a, b) for home, (a, b) in each.items() if b is None or a < b]
)
rectified = st.lists(st.tuples(homes, days, st.booleans())).map(
    lambda each: [Rectified(number, home, day, only=only) for number, (home, day, only) in enumerate(each)]
)


@given(stays, rectified)
def test_nobody_has_two_entries_of_one_home_at_a_time(lived_in, put_right):
    found = facts.lived(lived_in, put_right)
    for one, other in pairwise(found):
        assert one.to_on is None or one.from_on < one.to_on
        if one.home == other.home:
            assert one.to_on is not None
            assert one.to_on <= other.from_on


@pytest.mark.parametrize(
    ("attribute", "slot", "typed", "expected"),
    [
        ("name", "", '{"forename": "Ada", "surname": " Ashbarrow "}', {"forename": "Ada", "surname": "Ashbarrow"}),
        ("address", "", '{"address_line_1": "1 Road", "postcode": "CH1 1AA", "town": ""}',
         {"address_line_1": "1 Road", "postcode": "CH1 1AA"}),
        ("sex", "", "F", {"sex": "F"}),
        ("birth", "", "2015-03-04", {"day": "2015-03-04"}),
        ("birth", "expected", "2027-03-04", {"day": "2027-03-04"}),
        ("identifier", "nhs_number", "943 476 5919", {"number": "9434765919"}),
        ("identifier", "crn", "x123456", {"number": "X123456"}),
        ("relationship", "childrens_social_care|a|F1", "mother", {"relationship": "mother"}),
    ],
)  # fmt: skip
def test_a_value_is_taken_as_a_fact_has_it(attribute, slot, typed, expected):
    assert facts.rectified(attribute, slot, typed, today=TODAY)[2] == expected


@pytest.mark.parametrize(
    ("attribute", "slot", "typed"),
    [
        ("shoe_size", "", "Typedword"),
        ("name", "x", '{"surname": "Typedword"}'),
        ("name", "", "Typedword"),
        ("name", "", '{"forename": "Typedword"}'),
        ("name", "", '{"surname": "Typedword", "Typedword": "x"}'),
        ("name", "", '{"surname": 7}'),
        ("address", "", '{"address_line_1": "Typedword"}'),
        ("birth", "", "Typedword"),
        ("birth", "Typedword", "2015-03-04"),
        ("birth", "expected", "2015-03-04"),
        ("birth", "", "1850-01-01"),
        ("sex", "", "Typedword"),
        ("identifier", "", "Typedword"),
        ("identifier", "pnc_id", "Typedword"),
        ("relationship", "", "Typedword"),
    ],
)
def test_what_is_none_is_refused_without_quoting_it(attribute, slot, typed):
    with pytest.raises(NeedsDecision) as refused:
        facts.rectified(attribute, slot, typed, today=TODAY)
    assert "Typedword" not in str(refused.value)
