from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.period import HALF_YEARS, Calendar, Period, add_months, calendar
from family_exchange.domain.return_definition import PeriodRule

days = st.dates(date(1990, 1, 1), date(2100, 12, 31))
calendars = st.sets(st.integers(1, 12), min_size=1).map(
    lambda months: Calendar(tuple((f"P{number}", month) for number, month in enumerate(sorted(months), 1)))
)


@pytest.mark.requirement("R-049")
@pytest.mark.parametrize(
    ("name", "starts_on", "ends_before", "last_day"),
    [
        ("2026-H1", date(2026, 4, 1), date(2026, 10, 1), date(2026, 9, 30)),
        ("2026-H2", date(2026, 10, 1), date(2027, 4, 1), date(2027, 3, 31)),
    ],
)
def test_a_name_gives_a_half_year(name, starts_on, ends_before, last_day):
    period = HALF_YEARS.period(name)
    assert period == Period(name, starts_on, ends_before)
    assert period.last_day == last_day


@pytest.mark.parametrize("name", ["2026", "2026-H3", "H1", "2026-h1", "26-H1", "2026-H1 ", ""])
def test_another_name_is_for_a_person_to_correct(name):
    with pytest.raises(NeedsDecision, match="2026-H1, 2026-H2"):
        HALF_YEARS.period(name)


@pytest.mark.parametrize(
    ("today", "closed"),
    [
        (date(2026, 11, 22), "2026-H1"),
        (date(2026, 10, 1), "2026-H1"),
        (date(2026, 9, 30), "2025-H2"),
        (date(2027, 1, 1), "2026-H1"),
        (date(2027, 4, 1), "2026-H2"),
    ],
)
def test_the_last_closed_period_ended_before_today(today, closed):
    assert HALF_YEARS.last_closed(today).name == closed


@pytest.mark.requirement("R-049")
def test_a_year_of_days_closes_exactly_two_periods():
    year = (date(2026, 4, 1) + timedelta(days=number) for number in range(365))
    assert {HALF_YEARS.last_closed(day).name for day in year} == {"2025-H2", "2026-H1"}


@pytest.mark.parametrize("starts", [(), (("H1", 4), ("H1", 10)), (("H1", 4), ("H2", 4)), (("H1", 0),), (("H1", 13),)])
def test_a_calendar_that_cannot_be_read_two_ways_is_refused(starts):
    with pytest.raises(ValueError, match="period"):
        Calendar(starts)


def rules(*triples):
    return [PeriodRule(code=code, start=start, end=end) for code, start, end in triples]


def test_a_calendar_is_read_from_first_and_last_days():
    assert calendar(rules(("H1", "04-01", "09-30"), ("H2", "10-01", "03-31"))) == HALF_YEARS
    assert calendar(rules(("Y1", "04-01", "03-31"))).period("2026-Y1").last_day == date(2027, 3, 31)


@pytest.mark.parametrize(
    "wrong",
    [
        (("H1", "04-01", "08-31"), ("H2", "10-01", "03-31")),  # September belongs to nobody
        (("H1", "04-01", "10-31"), ("H2", "10-01", "03-31")),  # October belongs to both
        (("H1", "04-02", "09-30"), ("H2", "10-01", "04-01")),
    ],
)
def test_a_calendar_with_a_gap_or_an_overlap_is_refused(wrong):
    with pytest.raises(ValueError, match="the day before the next period"):
        calendar(rules(*wrong))


@given(calendar=calendars, day=days)
def test_every_day_belongs_to_exactly_one_period(calendar, day):
    names = [f"{year}-{label}" for year in (day.year - 1, day.year, day.year + 1) for label, _ in calendar.starts]
    holding = [name for name in names if calendar.period(name).contains(day)]
    assert holding == [calendar.containing(day).name]


@given(calendar=calendars, day=days)
def test_a_period_is_half_open_and_the_next_begins_where_it_ends(calendar, day):
    period = calendar.containing(day)
    assert period.contains(period.starts_on)
    assert period.contains(period.last_day)
    assert not period.contains(period.ends_before)
    assert calendar.containing(period.ends_before).starts_on == period.ends_before


@given(calendar=calendars, day=days)
def test_a_name_leads_back_to_its_period(calendar, day):
    period = calendar.containing(day)
    assert calendar.period(period.name) == period


@given(calendar=calendars, today=days)
def test_the_last_closed_period_is_closed_and_none_after_it_is(calendar, today):
    closed = calendar.last_closed(today)
    assert closed.ends_before <= today
    assert calendar.containing(closed.ends_before).ends_before > today


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 12, 1), 6, date(2026, 6, 1)),
    ],
)
def test_months_are_calendar_months(day, months, later):
    assert add_months(day, months) == later
