"""A framework of headline problems: which problems there are, and what a feed must show for one to be held met.

Distinct problems count, never indicators. A problem that no feed can evidence is unknown, not absent.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.column import DataClass
from family_exchange.domain.condition import Ages, Condition, Operator
from family_exchange.domain.provenance import Key, Model, Provenance, Status, Words, wrong

ProblemCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,2}$")]
FrameworkCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{2,15}$")]


class Role(StrEnum):
    """Whose record can evidence the problem."""

    ADULT = "adult"
    CHILD = "child"
    ANY = "any"


class Rate(Model):
    """A figure over a person's latest rows of the feed, compared with a threshold.

    The rows are the person's newest by `event_on`, one per event. A row whose denominator is null or below
    `least_denominator` says nothing and is left out.
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


class Indicator(Provenance):
    """What rows of one feed must show about one person for a problem to be held met."""

    code: Key
    problem: ProblemCode
    label: Words
    feed: Key
    tells: DataClass | None = None
    """What it tells about somebody beyond the data classes of its columns; a council that does not take that class in
    does not draw the conclusion either."""
    kind: Literal["any_row", "rate"]
    where: tuple[Condition, ...] = ()
    """All must hold for a row to count."""
    rate: Rate | None = None
    window_months: int | None = Field(default=None, ge=1, le=120)
    """A row counts when `window_column` lies in that many months up to the day asked for; null: always."""
    window_column: Key = "event_on"
    role: Role = Role.ANY
    age: Ages = Ages()
    """Age on the day asked for; unknown age fulfils only open ages."""

    @model_validator(mode="after")
    def _kind_has_what_it_needs(self) -> Self:
        if (self.kind == "rate") != (self.rate is not None):
            raise ValueError("`rate` goes with `kind: rate`, and only with it")
        if self.kind == "any_row" and not self.where:
            raise ValueError("`kind: any_row` needs at least one condition under `where`")
        return self

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns that the indicator reads."""
        columns = {condition.column for condition in self.where}
        if self.rate is not None:
            columns |= {*self.rate.numerator, *([self.rate.denominator] if self.rate.denominator else [])}
        if self.window_months is not None:
            columns.add(self.window_column)
        return frozenset(columns)


class WithoutFeed(Provenance):
    """An indicator that the framework names and that no feed can evidence yet: unknown, never absent."""

    code: Key
    problem: ProblemCode
    label: Words
    role: Role = Role.ANY
    age: Ages = Ages()


NOT_TAKEN_IN = "the council takes no feed, or not the data, that could evidence it"


class Problem(Provenance):
    """One headline problem."""

    code: ProblemCode
    label: Words


class Overrides(Model):
    """What one council's profile changes: an indicator of the same code is replaced, a new one is added."""

    indicators: tuple[Indicator, ...] = ()
    without_feed: tuple[WithoutFeed, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Problems in the council's own words; their codes are the framework's."""


class Framework(Model):
    """The problems of one programme edition, the indicators that evidence them, and when it was in force."""

    code: FrameworkCode
    version: int = Field(ge=1)
    """The rule version; it grows with every change of an indicator."""
    title: Words
    valid_from: date
    valid_to: date | None = None
    """First day on which it is no longer in force; null: still is."""
    min_problems: int = Field(ge=1)
    """Distinct problems that the edition itself asks for; a council's profile says what holds there."""
    dependent_child: bool = True
    """True when a family needs a dependent child to count."""
    problems: tuple[Problem, ...] = Field(min_length=1)
    indicators: tuple[Indicator, ...] = ()
    without_feed: tuple[WithoutFeed, ...] = ()

    @model_validator(mode="after")
    def _codes_are_unique(self) -> Self:
        _refuse_repeats("problems", self.problem_codes, set())
        fed = {indicator.code for indicator in self.indicators}
        _refuse_repeats("indicators", [each.code for each in self.indicators], set())
        _refuse_repeats("without_feed", [each.code for each in self.without_feed], fed)
        return self

    @model_validator(mode="after")
    def _problems_are_known_and_explained(self) -> Self:
        lists: tuple[tuple[str, tuple[Indicator | WithoutFeed, ...]], ...] = (
            ("indicators", self.indicators),
            ("without_feed", self.without_feed),
        )
        for key, several in lists:
            for index, each in enumerate(several):
                if each.problem not in self.problem_codes:
                    known = ", ".join(self.problem_codes)
                    raise wrong(f"{key}[{index}].problem", f"expected one of {known}; {each.problem} is none")
        named = {each.problem for _, several in lists for each in several}
        if silent := sorted(set(self.problem_codes) - named):
            raise wrong("without_feed", f"expected to read what would evidence {', '.join(silent)}")
        return self

    @model_validator(mode="after")
    def _numbers_make_sense(self) -> Self:
        if self.min_problems > len(self.problems):
            raise wrong("min_problems", f"expected at most {len(self.problems)}, for there are no more problems")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise wrong("valid_to", "expected a day after `valid_from`")
        return self

    @property
    def rule(self) -> str:
        """Code and rule version, e.g. `TFP2015/1`, as evidence rows carry it."""
        return f"{self.code}/{self.version}"

    @property
    def problem_codes(self) -> tuple[str, ...]:
        """The problems' codes in the framework's own order."""
        return tuple(problem.code for problem in self.problems)

    def indicators_of(self, problem: str) -> tuple[Indicator, ...]:
        """The indicators that can evidence `problem`; empty: no feed can, so it is unknown."""
        return tuple(indicator for indicator in self.indicators if indicator.problem == problem)

    def with_overrides(self, overrides: Overrides) -> "Framework":
        """The framework as one council applies it; what the override does not name stays.

        Raises:
            ValueError: an override names a problem that the framework has not.
        """
        now_fed = {indicator.code for indicator in overrides.indicators}
        now_unfed = {each.code for each in overrides.without_feed}
        labels = {problem.code: problem for problem in overrides.problems}
        if unknown := sorted(set(labels) - set(self.problem_codes)):
            raise ValueError(f"overrides name problems that the framework has not: {', '.join(unknown)}")
        changed = {
            "problems": [labels.get(problem.code, problem) for problem in self.problems],
            "indicators": [
                *(each for each in self.indicators if each.code not in now_fed | now_unfed),
                *overrides.indicators,
            ],
            "without_feed": [
                *(each for each in self.without_feed if each.code not in now_fed | now_unfed),
                *overrides.without_feed,
            ],
        }
        return self._with(changed)

    def limited_to(self, can_be_told: Callable[[Indicator], bool]) -> "Framework":
        """The framework with only the indicators that can be told; the others stand under `without_feed`."""
        left_out = [
            WithoutFeed(
                code=each.code,
                problem=each.problem,
                label=each.label,
                role=each.role,
                age=each.age,
                status=Status.INTERPRETED,
                note=NOT_TAKEN_IN,
            )
            for each in self.indicators
            if not can_be_told(each)
        ]
        return self._with(
            {
                "indicators": [each for each in self.indicators if can_be_told(each)],
                "without_feed": [*self.without_feed, *left_out],
            }
        )

    def _with(self, changed: Mapping[str, object]) -> "Framework":
        kept = {name: getattr(self, name) for name in type(self).model_fields if name not in changed}
        return Framework.model_validate({**kept, **changed})


def _refuse_repeats(key: str, codes: Sequence[str], taken: set[str]) -> None:
    for index, code in enumerate(codes):
        if code in taken or code in codes[:index]:
            raise wrong(f"{key}[{index}].code", f"expected each code once; {code} repeats")
