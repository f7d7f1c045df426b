"""Working days in England: Mondays to Fridays that are not bank holidays.

Source: Banking and Financial Dealings Act 1971, Schedule 1, and the customary substitute days. Holidays that are
proclaimed for one year only are not known here; days of grace are there for them.
"""

from calendar import MONDAY, SATURDAY
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count, islice

_DAY = timedelta(days=1)


def is_working_day(day: date) -> bool:
    """True on a Monday to Friday that is no bank holiday."""
    return day.weekday() < SATURDAY and day not in bank_holidays(day.year)


def working_day(first: date, number: int) -> date:
    """The `number`-th working day (1 or more) on or after `first`."""
    days = (first + timedelta(days=step) for step in count())
    return next(islice((day for day in days if is_working_day(day)), number - 1, None))


def bank_holidays(year: int) -> frozenset[date]:
    """The eight bank holidays of England and Wales in `year`, substitute days instead of those on a weekend."""
    easter = easter_sunday(year)
    movable = {
        easter - 2 * _DAY,
        easter + _DAY,
        _first_monday(date(year, 5, 1)),
        _first_monday(date(year, 5, 25)),  # the last Monday of May
        _first_monday(date(year, 8, 25)),  # the last Monday of August
    }
    return frozenset(movable | set(_substituted(date(year, 1, 1))) | set(_substituted(date(year, 12, 25), 2)))


def easter_sunday(year: int) -> date:
    """Easter Sunday of a year in the Gregorian calendar (the method of Meeus, Jones and Butcher)."""
    golden, (century, short) = year % 19, divmod(year, 100)
    leap_centuries, rest = divmod(century, 4)
    moon = (19 * golden + century - leap_centuries - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    leap_years, left = divmod(short, 4)
    weekday = (32 + 2 * rest + 2 * leap_years - moon - left) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _first_monday(day: date) -> date:
    return day + timedelta(days=(MONDAY - day.weekday()) % 7)


def _substituted(first: date, number: int = 1) -> Iterator[date]:
    """`number` holidays from `first` on; each that falls on a weekend moves to the next day that is free."""
    days = [first + timedelta(days=step) for step in range(number)]
    taken = {day for day in days if day.weekday() < SATURDAY}
    for day in days:
        moved = day
        while moved.weekday() >= SATURDAY or (moved != day and moved in taken):
            moved += _DAY
        taken.add(moved)
        yield moved
