"""Indicators: what must be shown about one person for a problem to be held met, and by whom it may be told.

Source: the indicators of the published outcomes plans; each is data, with its feed, expression, threshold, window,
role and ages.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.column import DataClass
from family_exchange.domain.condition import Ages, Condition, Operator
from family_exchange.domain.provenance import Key, Model, Provenance, Words

ProblemCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,2}$")]


class Role(StrEnum):
    """Whose record can evidence the problem."""

    ADULT = "adult"
    CHILD = "child"
    ANY = "any"


class Route(StrEnum):
    """How what evidences a problem came to be known."""

    DATA = "data"
    """Partners' files, for whatever reason they came."""
    REFERRAL = "referral"
    """A partner referred the family directly."""
    NOMINATION = "nomination"
    """A professional nominated the family or one of its members."""


class Rows(Model):
    """Which current rows of a feed count."""

    where: tuple[Condition, ...] = ()
    """All must hold for a row to count."""
    window_months: int | None = Field(default=None, ge=1, le=120)
    """A row counts when `window_column` lies in that many months up to and with the day asked for; null: always."""
    ahead_months: int | None = Field(default=None, ge=1, le=120)
    """A row counts when `window_column` lies in that many months after the day asked for; null: always. With
    `window_months`: in either."""
    window_column: Key = "event_on"

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns that are read."""
        columns = {condition.column for condition in self.where}
        if self.window_months is not None or self.ahead_months is not None:
            columns.add(self.window_column)
        return frozenset(columns)


class Sign(Rows):
    """Rows of one feed that tell something of a person which no problem is evidenced by."""

    feed: Key
    where: tuple[Condition, ...] = Field(min_length=1)


class Rate(Model):
    """A figure over a person's latest rows of the feed, compared with a threshold.

    The rows are the person's newest by `event_on`, one per event. A row whose denominator is null or below
    `least_denominator` says nothing and is left out: so few sessions tell nothing about a term.
    """

    numerator: tuple[Key, ...] = Field(min_length=1)
    """Columns that are added up; null counts as nothing recorded."""
    denominator: Key | None = None
    """Null: the numerator itself is compared."""
    op: Literal[Operator.GE, Operator.GT, Operator.LE, Operator.LT]
    threshold: Decimal
    aggregate: Literal["mean", "each", "sum"]
    """`mean`: all numerators over all denominators; `each`: every row by itself; `sum`: all numerators added."""
    last: int = Field(ge=1, le=24)
    """How many of the newest rows count; fewer are taken as they are."""
    least_denominator: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _aggregate_fits_the_denominator(self) -> Self:
        if (self.aggregate == "sum") != (self.denominator is None):
            raise ValueError("`aggregate: sum` goes without a denominator, `mean` and `each` with one")
        return self


class Indicator(Rows, Provenance):
    """What rows of one feed, or a nomination, must show about one person for a problem to be held met."""

    code: Key
    problem: ProblemCode
    label: Words
    kind: Literal["any_row", "count", "rate", "nomination"]
    feed: Key | None = None
    """Null for a nomination, which no feed brings."""
    tells: DataClass | None = None
    """What it tells about somebody beyond the data classes of its columns; a council that does not take that class in
    does not draw the conclusion either."""
    referral: bool = False
    """True when the feed brings direct referrals: somebody's word about a family, not a record made for itself."""
    rate: Rate | None = None
    at_least: int | None = Field(default=None, ge=2, le=100)
    """`kind: count`: how many events of the person must count."""
    nominators: tuple[Key, ...] = ()
    """`kind: nomination`: the professions whose nomination counts; empty: any."""
    role: Role = Role.ANY
    age: Ages = Ages()
    """Age on the day asked for; unknown age fulfils only open ages."""
    valid_from: date | None = None
    valid_to: date | None = None
    """First day on which it is no longer asked for; null: as long as the framework is in force."""

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> Self:
        if (self.kind == "rate") != (self.rate is not None):
            raise ValueError("`rate` goes with `kind: rate`, and only with it")
        if (self.kind == "count") != (self.at_least is not None):
            raise ValueError("`at_least` goes with `kind: count`, and only with it")
        if self.kind in {"any_row", "count"} and not self.where:
            raise ValueError(f"`kind: {self.kind}` needs at least one condition under `where`")
        if (self.kind == "nomination") != (self.feed is None):
            raise ValueError("`kind: nomination` has no `feed`, and every other kind has one")
        if self.kind == "nomination" and (self.where or self.referral or self.ahead_months):
            raise ValueError("`kind: nomination` goes without `where`, `referral` and `ahead_months`")
        if self.kind != "nomination" and self.nominators:
            raise ValueError("`nominators` goes with `kind: nomination`, and only with it")
        return self

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns of its feed that the indicator reads; none for a nomination."""
        if self.feed is None:
            return frozenset()
        columns = set(super().columns)
        if self.rate is not None:
            columns |= {*self.rate.numerator, *([self.rate.denominator] if self.rate.denominator else [])}
        return frozenset(columns)

    @property
    def route(self) -> Route:
        """How what it finds came to be known."""
        if self.feed is None:
            return Route.NOMINATION
        return Route.REFERRAL if self.referral else Route.DATA

    def holds_on(self, day: date) -> bool:
        """True when it is asked for on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


class WithoutFeed(Provenance):
    """An indicator that the framework names and that no feed can evidence yet: unknown, never absent."""

    code: Key
    problem: ProblemCode
    label: Words
    role: Role = Role.ANY
    age: Ages = Ages()


NOT_TAKEN_IN = "the council takes no feed, or not the data, that could evidence it"


def left_out(indicator: Indicator) -> WithoutFeed:
    """What remains of an indicator where the council cannot tell it; it stands as firmly as before."""
    return WithoutFeed(
        code=indicator.code,
        problem=indicator.problem,
        label=indicator.label,
        role=indicator.role,
        age=indicator.age,
        status=indicator.status,
        source=indicator.source,
        quote=indicator.quote,
        note=NOT_TAKEN_IN,
    )
