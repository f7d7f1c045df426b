"""When a partner's files are expected, and who chases them: the part of a profile that the watch reads."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.provenance import Key, Model, Provenance, Words, wrong


class Every(StrEnum):
    """How often a feed comes."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TERM = "term"
    QUARTER = "quarter"
    """From January, April, July and October."""
    HALF_YEAR = "half_year"
    """From April and October, as the programme counts."""


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EACH_DAY, WORKING_DAYS = "each day", "working days"
_NTH_DAY = re.compile(r"(working )?day ([1-9]|[12][0-9]|3[01])")
_BY = {
    Every.DAY: f"`{EACH_DAY}` or `{WORKING_DAYS}`",
    Every.WEEK: "a weekday, e.g. `monday`",
}


class FeedCalendar(Provenance):
    """When the files of one feed of one partner are expected, and who chases them."""

    every: Every
    by: Words
    """`each day` or `working days`; a weekday; or `day 5` or `working day 5` after the period that the file is for."""
    hour: int = Field(ge=0, le=23)
    """London time."""
    grace_days: int = Field(default=0, ge=0, le=31)
    """Whole days after which a file that has not come is overdue."""
    active: bool
    """False while nothing comes: agreed but not connected, or paused. Nobody is warned of an inactive feed."""
    contact: Key
    """The mailbox of the person here who chases the file."""

    @model_validator(mode="after")
    def _by_fits_every(self) -> Self:
        if self.every is Every.DAY:
            fits = self.by in {EACH_DAY, WORKING_DAYS}
        elif self.every is Every.WEEK:
            fits = self.by in WEEKDAYS
        else:
            fits = _NTH_DAY.fullmatch(self.by) is not None
        if not fits:
            raise wrong("by", f"expected {_BY.get(self.every, '`day 5` or `working day 5`, after the period')}")
        return self

    @property
    def nth_day(self) -> tuple[int, bool]:
        """Which day after the period, and whether working days are counted; for months and longer periods."""
        found = _NTH_DAY.fullmatch(self.by)
        assert found is not None  # noqa: S101 - the validator saw it
        return int(found[2]), found[1] is not None


class Mailbox(Provenance):
    """Where the platform writes to people of the council."""

    role: Words
    email: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=254)
    ]


class Term(Model):
    """One school term, both days included."""

    name: Words
    starts: date
    ends: date

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("`ends` must be after `starts`")
        return self


class SchoolTerms(Provenance):
    """The terms of the area's schools, one after the other."""

    value: tuple[Term, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        for index in range(1, len(self.value)):
            if self.value[index].starts <= self.value[index - 1].ends:
                raise wrong(f"value[{index}].starts", "expected a day after the end of the term before")
        return self
