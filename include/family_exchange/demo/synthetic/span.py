"""The days a set of files speaks of: as of which day, over which months, in which school terms."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

_TERM_ENDS = (("spring", 3, 27), ("summer", 7, 22), ("autumn", 12, 18))
_TERMS = 3
_SUMMER_HALF = range(4, 10)
_SCHOOL_YEAR_STARTS = 9


@dataclass(frozen=True, slots=True)
class Term:
    """One school term."""

    code: str
    ends: date


@dataclass(frozen=True, slots=True)
class Span:
    """What the good files of one delivery cover."""

    today: date
    as_of: date
    """The last day of the month before today."""
    coverage_from: date
    """The first day of the half-year that closed last."""
    terms: tuple[Term, ...]
    """The last three terms that ended by `as_of`, earliest first."""

    @property
    def school_year(self) -> int:
        """The calendar year in which the school year of the last term began."""
        last = self.terms[-1].ends
        return last.year if last.month >= _SCHOOL_YEAR_STARTS else last.year - 1


def span(today: date) -> Span:
    """The span of the files that partners would have sent by `today`."""
    as_of = today.replace(day=1) - timedelta(days=1)
    ended = [
        Term(f"{year}-{name}", date(year, month, day))
        for year in range(as_of.year - 2, as_of.year + 1)
        for name, month, day in _TERM_ENDS
        if date(year, month, day) <= as_of
    ]
    return Span(today, as_of, _last_half_year(today), tuple(ended[-_TERMS:]))


def between(rng: Random, first: date, last: date) -> date:
    """Some day from `first` to `last`, both included."""
    return first + timedelta(days=rng.randrange((last - first).days + 1))


def years_before(day: date, years: float) -> date:
    """The day about `years` before `day`."""
    return day - timedelta(days=round(years * 365.25))


def age(born: date, day: date) -> int:
    """Whole years lived on `day`."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def school_year_of(born: date, school_year: int) -> int:
    """National-curriculum year in the school year that began in `school_year`; 0 is reception, 11 the last."""
    return age(born, date(school_year, 8, 31)) - 4


def _last_half_year(today: date) -> date:
    if today.month in _SUMMER_HALF:
        return date(today.year - 1, 10, 1)
    return date(today.year if today.month > max(_SUMMER_HALF) else today.year - 1, 4, 1)
