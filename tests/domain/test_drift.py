"""Held against its own history, in counts only: what holds a file, what does not, and the laws behind it."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.domain import drift
from family_exchange.domain.drift import Shape
from family_exchange.domain.findings import Severity

LIMITS = profiles.drift().limits("police_incidents")


def shape(rows, *, filled=1.0, codes=None, days=None):
    """`filled` of the rows have a postcode; `codes` are shares of an outcome that every row has."""
    codes = codes or {"charged": 0.6, "warned": 0.4, "cautioned": 0.0}
    counts = [("", "", rows), ("postcode", "", round(rows * filled)), ("outcome", "", rows)]
    counts += [("outcome", code, round(rows * share)) for code, share in codes.items()]
    last = date(2026, 10, 31)
    return Shape(tuple(counts), last - timedelta(days=days - 1) if days else None, last if days else None)


def rules(new, *earlier, limits=LIMITS):
    return {sign.rule for sign in drift.signs(new, earlier, limits)}


USUAL = (shape(1000), shape(1100), shape(900))


@pytest.mark.parametrize(
    ("rows", "held"),
    [
        (50, {drift.SHRANK}),  # 95 rows in a hundred are gone
        (199, {drift.SHRANK}),
        (200, set()),
        (700, set()),  # thirty in a hundred
        (1000, set()),
        (10_000, set()),
        (10_001, {drift.GREW}),
    ],
)
def test_a_file_is_held_by_its_rows_beside_the_usual_number(rows, held):
    assert rules(shape(rows), *USUAL) == held


@pytest.mark.parametrize("number", [0, 1])
def test_too_few_earlier_files_say_nothing(number):
    assert rules(shape(1), *USUAL[:number]) == set()
    assert rules(shape(1), *USUAL[:2]) == {drift.SHRANK}


def test_a_small_feed_does_not_flap():
    small = (shape(40), shape(30), shape(49))
    assert rules(shape(1), *small) == set()
    assert rules(shape(49), shape(1), shape(2)) == set()
    assert rules(shape(50), shape(1), shape(2)) == {drift.GREW}


def test_rows_are_counted_by_day_where_both_files_say_their_days():
    months = (shape(3000, days=30), shape(3100, days=31))
    assert rules(shape(700, days=11), *months) == set()
    assert rules(shape(700), *months) == set()
    assert rules(shape(150, days=11), *months) == {drift.SHRANK}
    assert rules(shape(450, days=30), *months) == {drift.SHRANK}


def test_a_period_of_quite_another_length_is_no_measure():
    years = (shape(36_500, days=365), shape(36_000, days=365))
    assert rules(shape(100, days=30), *years) == set()
    assert rules(shape(100, days=365), *years) == {drift.SHRANK}


@pytest.mark.parametrize(
    ("filled_before", "filled_now", "held"),
    [(1.0, 0, {drift.EMPTIED}), (0.2, 0, {drift.EMPTIED}), (0.19, 0, set()), (1.0, 0.01, set()), (0, 0, set())],
)
def test_a_column_that_was_filled_must_not_be_empty(filled_before, filled_now, held):
    assert rules(shape(1000, filled=filled_now), *(shape(1000, filled=filled_before),) * 3) == held


def test_a_column_that_was_empty_once_may_be_empty_again():
    assert rules(shape(1000, filled=0), shape(1000), shape(1000), shape(1000, filled=0)) == set()


def test_a_column_of_a_few_rows_may_be_empty():
    usual = (shape(60), shape(60))
    assert rules(shape(49, filled=0), *usual) == set()
    assert rules(shape(50, filled=0), *usual) == {drift.EMPTIED}


@pytest.mark.parametrize(
    ("codes", "held"),
    [
        ({"charged": 0.6, "warned": 0.4}, set()),
        ({"charged": 0.9, "warned": 0.1}, set()),
        ({"charged": 1.0}, {drift.CODE_GONE}),
        ({"charged": 0.7, "cautioned": 0.3}, {drift.CODE_GONE, drift.CODE_NEW}),
        ({"charged": 0.31, "warned": 0.4, "cautioned": 0.29}, set()),
        ({"charged": 0.05, "warned": 0.95}, {drift.CODES_MOVED}),
    ],
)
def test_codes_may_move_but_not_turn_over(codes, held):
    all_codes = {"charged": 0.0, "warned": 0.0, "cautioned": 0.0} | codes
    assert rules(shape(1000, codes=all_codes), *USUAL) == held


def test_codes_of_seasons_are_like_one_of_the_earlier_files():
    autumn, spring = {"autumn": 1.0, "spring": 0.0}, {"autumn": 0.0, "spring": 1.0}
    assert rules(shape(1000, codes=spring), *(shape(1000, codes=each) for each in (autumn, autumn, spring))) == set()
    assert rules(shape(1000, codes=spring), *(shape(1000, codes=autumn),) * 2) == {drift.CODE_GONE, drift.CODE_NEW}


def test_a_feed_may_leave_out_columns_and_set_its_own_limits():
    own = profiles.drift().limits("school_exclusions")
    assert own.shrunk_below < LIMITS.shrunk_below
    assert own.history == LIMITS.history
    turned = LIMITS.model_copy(update={"leave_out": frozenset({"outcome"})})
    assert rules(shape(1000, codes={"charged": 1.0}), *USUAL, limits=turned) == set()


def test_a_sign_says_what_was_usual_and_a_finding_only_the_rule():
    (sign,) = drift.signs(shape(50), USUAL, LIMITS)
    assert (sign.now, sign.usual) == (50, 1000)
    (found,) = drift.broken([sign, sign])
    assert (found.rule, found.column, found.severity, tuple(found.rows)) == (drift.SHRANK, None, Severity.HOLD, ())
    assert found.rule in drift.MESSAGES


shapes = st.builds(
    lambda rows, filled, charged, warned, days: shape(
        rows, filled=filled, codes={"charged": charged / 2, "warned": warned / 2, "cautioned": 0.0}, days=days
    ),
    st.integers(0, 5000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.none() | st.integers(1, 90),
)
histories = st.lists(shapes, min_size=2, max_size=6)


@given(shapes, st.integers(2, 6))
def test_the_same_shape_never_holds(one, times):
    assert drift.signs(one, [one] * times, LIMITS) == ()


@given(shapes, histories, st.randoms(use_true_random=False))
def test_the_order_of_the_earlier_files_changes_nothing(new, earlier, chance):
    shuffled = list(earlier)
    chance.shuffle(shuffled)
    assert drift.signs(new, shuffled, LIMITS) == drift.signs(new, earlier, LIMITS)


@given(histories, st.integers(0, 5000), st.integers(0, 5000))
def test_who_sends_less_is_held_for_less_and_who_sends_more_for_more(earlier, few, many):
    assume(few < many)
    if drift.SHRANK in rules(shape(many), *earlier):
        assert drift.SHRANK in rules(shape(few), *earlier)
    if drift.GREW in rules(shape(few), *earlier):
        assert drift.GREW in rules(shape(many), *earlier)
