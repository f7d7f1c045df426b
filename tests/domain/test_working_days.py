from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.working_days import bank_holidays, easter_sunday, is_working_day, working_day

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(1961, (4, 2)), (2000, (4, 23)), (2008, (3, 23)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25))],
)
def test_easter_is_where_the_church_puts_it(year, sunday):
    assert easter_sunday(year) == date(year, *sunday)


@pytest.mark.parametrize(
    ("year", "published"),
    [
        (2026, {(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28)}),
        (2027, {(1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28)}),
        (2028, {(1, 3), (4, 14), (4, 17), (5, 1), (5, 29), (8, 28), (12, 25), (12, 26)}),
    ],
)
def test_bank_holidays_are_those_that_the_government_publishes(year, published):
    assert bank_holidays(year) == {date(year, *each) for each in published}


@given(year=st.integers(1990, 2090))
def test_every_year_has_eight_bank_holidays_and_none_is_on_a_weekend(year):
    assert len(bank_holidays(year)) == 8
    assert all(day.weekday() < 5 for day in bank_holidays(year))


@given(first=days, number=st.integers(1, 25))
def test_the_nth_working_day_has_so_many_working_days_up_to_it(first, number):
    found = working_day(first, number)
    assert sum(is_working_day(first + timedelta(days=step)) for step in range((found - first).days + 1)) == number
    assert is_working_day(found)


def test_a_weekend_and_easter_monday_are_no_working_days():
    assert working_day(date(2026, 4, 3), 1) == date(2026, 4, 7)
