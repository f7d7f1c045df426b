from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from family_exchange.domain.period import MONTHS, add_months
from family_exchange.domain.profile import OWN_CATEGORIES
from family_exchange.domain.retention import (
    Kind,
    Standing,
    due_on,
    kind_of,
    latest_review,
    latest_start,
    needs_event,
    review_on,
    standing,
)
from family_exchange.domain.retention_rule import RetentionRule

days = st.dates(date(1990, 1, 1), date(2060, 12, 31))


def a_rule(**changes):
    values = {
        "category": "adult_social_care",
        "years": 6,
        "trigger": "record_date",
        "trigger_status": "assumed",
        "trigger_note": "a rule of the tests",
        "status": "assumed",
        "note": "a rule of the tests",
    } | changes
    return RetentionRule(**values)


def an_event_rule(**changes):
    return a_rule(trigger="event", event="research_project_concluded", years=None, **changes)


periods = st.one_of(
    st.builds(lambda years: a_rule(years=years), st.integers(0, 75)),
    st.builds(lambda days: a_rule(years=None, days=days), st.integers(0, 400)),
    st.builds(lambda years, more: a_rule(years=years, max_years=years + more), st.integers(0, 40), st.integers(1, 40)),
    st.builds(lambda action: a_rule(action=action), st.sampled_from(["review", "anonymise"])),
    st.builds(an_event_rule),
)


@pytest.mark.parametrize(
    ("rule", "started", "due"),
    [
        (a_rule(), date(2020, 11, 22), date(2026, 11, 22)),
        (a_rule(years=5), date(2024, 2, 29), date(2029, 2, 28)),
        (a_rule(years=None, days=30), date(2026, 12, 15), date(2027, 1, 14)),
        (a_rule(years=10, max_years=30), date(2010, 1, 1), date(2040, 1, 1)),
        (an_event_rule(), date(2025, 3, 31), date(2025, 3, 31)),
        (a_rule(action="review"), date(1990, 1, 1), None),
        (a_rule(), None, None),
    ],
)
def test_a_period_is_counted_from_its_trigger(rule, started, due):
    assert due_on(rule, started) == due


@pytest.mark.requirement("R-098")
def test_an_unknown_trigger_date_is_never_due():
    assert standing(a_rule(years=0), None, today=date(2999, 1, 1)) is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2019, 12, 31), Standing.KEPT),
        (date(2020, 1, 1), Standing.REVIEW),
        (date(2039, 12, 31), Standing.REVIEW),
        (date(2040, 1, 1), Standing.DUE),
    ],
)
@pytest.mark.requirement("R-103")
def test_a_range_is_reviewed_at_its_shorter_end_and_forced_at_its_longer(today, expected):
    rule = a_rule(years=10, max_years=30)
    assert standing(rule, date(2010, 1, 1), today=today) is expected
    assert review_on(rule, date(2010, 1, 1)) == date(2020, 1, 1)


def test_a_rule_for_review_destroys_nothing_by_itself():
    assert standing(a_rule(action="review"), date(1990, 1, 1), today=date(2026, 1, 1)) is Standing.REVIEW


def test_only_an_event_rule_waits_for_an_event():
    assert needs_event(an_event_rule())
    assert not needs_event(a_rule())


@given(rule=periods, started=days, today=days)
def test_nothing_is_due_before_its_day(rule, started, today):
    due = due_on(rule, started)
    assert (standing(rule, started, today=today) is Standing.DUE) == (due is not None and due <= today)


@given(years=st.integers(1, 75), started=days)
def test_a_whole_number_of_years_is_kept_in_full(years, started):
    day_before = add_months(started, MONTHS * years) - timedelta(days=1)
    assert standing(a_rule(years=years), started, today=day_before) is Standing.KEPT


@given(rule=periods, started=days, today=days)
def test_a_held_thing_is_never_due(rule, started, today):
    assert standing(rule, started, today=today, held=True) is not Standing.DUE


@given(rule=periods, earlier=days, later=days)
def test_what_came_first_goes_first(rule, earlier, later):
    earlier, later = sorted([earlier, later])
    first, second = due_on(rule, earlier), due_on(rule, later)
    assert first is None or first <= second


@given(rule=periods, started=days, today=days, later=days)
def test_what_is_due_stays_due(rule, started, today, later):
    today, later = sorted([today, later])
    if standing(rule, started, today=today) is Standing.DUE:
        assert standing(rule, started, today=later) is Standing.DUE


@example(rule=a_rule(years=1), started=date(2024, 2, 29), today=date(2025, 2, 28))
@given(rule=periods, started=days, today=days)
def test_choosing_by_the_latest_start_is_choosing_by_the_due_day(rule, started, today):
    latest = latest_start(rule, today=today)
    assert (latest is not None and started <= latest) == (standing(rule, started, today=today) is Standing.DUE)


@given(rule=periods, started=days, today=days)
def test_choosing_by_the_latest_review_is_choosing_by_the_review_day(rule, started, today):
    latest, review = latest_review(rule, today=today), review_on(rule, started)
    assert (latest is not None and started <= latest) == (review is not None and review <= today)


@pytest.mark.parametrize("category", sorted(OWN_CATEGORIES))
def test_what_the_platform_makes_is_not_a_source_record(category):
    assert kind_of(category) is not Kind.SOURCE_RECORD


def test_any_other_category_is_of_source_records():
    assert kind_of("adult_social_care") is Kind.SOURCE_RECORD


def test_a_period_longer_than_the_calendar_is_never_due():
    assert latest_start(a_rule(years=150), today=date(100, 1, 1)) is None
