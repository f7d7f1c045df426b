"""A framework of headline problems: which problems there are, and what a feed must show for one to be held met.

Distinct problems count, never indicators. A problem that no feed can evidence is unknown, not absent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from family_exchange.domain.indicator import Indicator, ProblemCode, Route, Sign, WithoutFeed, left_out
from family_exchange.domain.provenance import Model, Provenance, Status, Words, wrong

FrameworkCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{2,15}$")]


class DependentChild(Provenance):
    """Which child in the home a family must have to count."""

    until: int = Field(default=16, ge=1, le=25)
    """Dependent until this birthday,"""
    kept_until: int = Field(default=19, ge=1, le=25)
    """and until this one while something under `kept_by` says so."""
    kept_by: tuple[Sign, ...] = ()
    """Rows that show education, training, or being out of work at home."""


class ExpectantParent(Provenance):
    """Who counts as expecting a child, where a family may count by that."""

    shown_by: tuple[Sign, ...] = ()
    """Rows that show it; a child of the family who is not born yet shows it too."""


class Caps(Model):
    """For how many problems one member may account."""

    adult_elsewhere: int | None = Field(default=1, ge=1)
    """An adult who does not live with the family; null: for as many as there are."""


_USUAL = DependentChild(status=Status.INTERPRETED, note="the financial framework's definition of a dependent child")


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
    dependent_child: DependentChild | None = _USUAL
    """What makes a child dependent; null: a family counts without one."""
    expectant_parent: ExpectantParent | None = None
    """What shows that somebody expects a child, by which a family counts as well; null: that makes no family count."""
    caps: Caps = Caps()
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

    @property
    def feeds(self) -> frozenset[str]:
        """The feeds that the indicators read."""
        return frozenset(each.feed for each in self.indicators if each.feed is not None)

    @property
    def signs(self) -> Iterator[Sign]:
        """What shows a child to be dependent, and somebody to expect one."""
        if self.dependent_child is not None:
            yield from self.dependent_child.kept_by
        if self.expectant_parent is not None:
            yield from self.expectant_parent.shown_by

    def indicator(self, code: str) -> Indicator | None:
        """The indicator of that code; None when there is none."""
        return next((each for each in self.indicators if each.code == code), None)

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

    def limited_to(self, can_be_told: Callable[[Indicator | Sign], bool]) -> "Framework":
        """The framework with only the indicators that can be told; the others stand under `without_feed`.

        Nobody's referral is awaited: where none are taken, nothing is unknown for it.
        """
        told = [each for each in self.indicators if can_be_told(each)]
        untold = [each for each in self.indicators if each not in told and each.route is Route.DATA]
        changed: dict[str, object] = {
            "indicators": told,
            "without_feed": [*self.without_feed, *map(left_out, untold)],
        }
        if self.dependent_child is not None:
            kept_by = tuple(sign for sign in self.dependent_child.kept_by if can_be_told(sign))
            changed["dependent_child"] = self.dependent_child.model_copy(update={"kept_by": kept_by})
        if self.expectant_parent is not None:
            shown_by = tuple(sign for sign in self.expectant_parent.shown_by if can_be_told(sign))
            changed["expectant_parent"] = self.expectant_parent.model_copy(update={"shown_by": shown_by})
        return self._with(changed)

    def _with(self, changed: Mapping[str, object]) -> "Framework":
        kept = {name: getattr(self, name) for name in type(self).model_fields if name not in changed}
        return Framework.model_validate({**kept, **changed})


def _refuse_repeats(key: str, codes: Sequence[str], taken: set[str]) -> None:
    for index, code in enumerate(codes):
        if code in taken or code in codes[:index]:
            raise wrong(f"{key}[{index}].code", f"expected each code once; {code} repeats")
