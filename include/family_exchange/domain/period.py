"""The periods that returns are made for: named, half-open stretches of whole calendar months.

Source: CWaC notice line 65 ("every six months"); no notice says where a half-year begins, so the calendar is data.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.return_definition import PeriodRule

MONTHS = 12

_NAME = re.compile(r"(?P<year>\d{4})-(?P<label>[A-Z][A-Z0-9]{0,7})")


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of time that a return tells of."""

    name: str
    """Year in which it begins and its label, e.g. `2026-H1`."""
    starts_on: date
    """First day."""
    ends_before: date
    """First day of the next period."""

    @property
    def last_day(self) -> date:
        """The last day that belongs to it."""
        return self.ends_before - timedelta(days=1)

    def contains(self, day: date) -> bool:
        """True from the first day to the last, both included."""
        return self.starts_on <= day < self.ends_before


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a year is cut into periods.

    Raises:
        ValueError: no start, a start outside the year, two starts in one month or two with one label.
    """

    starts: tuple[tuple[str, int], ...]
    """Label and month of each first day, e.g. `(("H1", 4), ("H2", 10))`."""

    def __post_init__(self) -> None:
        """Refuse a calendar in which a day or a name could mean two periods."""
        labels, months = {label for label, _ in self.starts}, {month for _, month in self.starts}
        if not self.starts or len(labels) < len(self.starts) or len(months) < len(self.starts):
            raise ValueError("a calendar needs periods with different labels and different months")
        if not months <= set(range(1, MONTHS + 1)):
            raise ValueError("a period starts in a month from 1 to 12")

    def period(self, name: str) -> Period:
        """The period called `name`.

        Raises:
            NeedsDecision: this calendar has no such period.
        """
        match = _NAME.fullmatch(name)
        if match is None or match["label"] not in {label for label, _ in self.starts}:
            labels = ", ".join(f"2026-{label}" for label, _ in self.starts)
            raise NeedsDecision(f"there is no such period; write one like {labels}")
        return self._starting(int(match["year"]), match["label"])

    def containing(self, day: date) -> Period:
        """The one period that `day` belongs to."""
        candidates = (self._starting(year, label) for year in (day.year - 1, day.year) for label, _ in self.starts)
        return next(period for period in candidates if period.contains(day))

    def last_closed(self, today: date) -> Period:
        """The newest period whose last day is before `today`."""
        return self.containing(self.containing(today).starts_on - timedelta(days=1))

    def _starting(self, year: int, label: str) -> Period:
        months = sorted(month for _, month in self.starts)
        month = dict(self.starts)[label]
        after = [later for later in months if later > month]
        ends_before = date(year, after[0], 1) if after else date(year + 1, months[0], 1)
        return Period(f"{year:04d}-{label}", date(year, month, 1), ends_before)


HALF_YEARS = Calendar((("H1", 4), ("H2", 10)))
"""1 April to 30 September, 1 October to 31 March: assumed for every council until its profile says otherwise."""


def calendar(rules: Iterable[PeriodRule]) -> Calendar:
    """The calendar that a profile writes as first and last days.

    Raises:
        ValueError: a period does not begin on the first of a month, or does not end where the next begins.
    """
    rules = tuple(rules)
    starts = tuple((rule.code, int(rule.start[:2])) for rule in rules)
    made = Calendar(starts)
    for rule in rules:
        period = made.period(f"2026-{rule.code}")
        last_day = period.last_day
        if not rule.start.endswith("-01") or (last_day.month, last_day.day) != (int(rule.end[:2]), int(rule.end[3:])):
            raise ValueError(f"period {rule.code} must run from the first of a month to the day before the next period")
    return made


def add_months(day: date, months: int) -> date:
    """`day`, so many calendar months later; a month without that day gives its last day."""
    years, month0 = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + years, month0 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
