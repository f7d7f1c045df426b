"""Headline problems: what evidences them, what stays unknown, and when a family is proposed.

Distinct problems count, never indicators. Nothing here is a decision: a proposal is decision support for a named
person, who decides. Source: Financial framework for the expanded programme (dependent child, adult elsewhere).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from family_exchange.domain.condition import Condition, Operator, Scalar
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework, Indicator, Rate
from family_exchange.domain.framework import Role as Whose
from family_exchange.domain.person import age_on, derived_id, of_age

DEPENDENT_UNTIL = 16
"""A child in the home is dependent until this birthday,"""
DEPENDENT_IN_EDUCATION_UNTIL = 19
"""and until this one while in education."""
MONTHS = 12


class Standing(StrEnum):
    """How a problem stands in a family."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    """Nothing evidences it, and something that could did not come."""


@dataclass(frozen=True, slots=True)
class Row:
    """One current source record, as the evaluator reads it."""

    source_record: str
    person: str
    feed: str
    event_ref: str
    as_of: date
    values: Mapping[str, Scalar | None] = field(repr=False)
    """Canonical column → value."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A member of a family on the day asked for."""

    person: str
    role: Role
    resident: bool
    born: date | None = field(default=None, repr=False)
    in_education: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a problem is held to be met."""

    problem: str
    indicator: str
    person: str
    source_record: str
    as_of: date


def fulfils(condition: Condition, values: Mapping[str, Scalar | None]) -> bool:
    """True when the row's value compares as the condition says; a missing value fulfils only `absent`."""
    value = values.get(condition.column)
    if condition.op in {Operator.PRESENT, Operator.ABSENT}:
        return (value is None) == (condition.op is Operator.ABSENT)
    if value is None:
        return False
    if isinstance(condition.value, tuple):
        return value in condition.value
    return _compares(condition.op, value, condition.value)


def _compares(op: Operator, value: object, bound: object) -> bool:
    if op is Operator.EQ:
        return value == bound
    if isinstance(value, date) and isinstance(bound, date):
        return _ordered(op, (value > bound) - (value < bound))
    one, other = Decimal(str(value)), Decimal(str(bound))
    return _ordered(op, (one > other) - (one < other))


def _ordered(op: Operator, sign: int) -> bool:
    return {
        Operator.GE: sign >= 0, Operator.GT: sign > 0, Operator.LE: sign <= 0, Operator.LT: sign < 0,
    }[op]  # fmt: skip


def evidence(framework: Framework, family: Iterable[Subject], rows: Iterable[Row], *, on: date) -> tuple[Evidence, ...]:
    """What evidences the framework's problems in one family on that day; each source record once an indicator.

    Ordered by problem, indicator, person and record.
    """
    by_person: dict[str, list[Row]] = {}
    for row in rows:
        by_person.setdefault(row.person, []).append(row)
    found = {
        Evidence(indicator.problem, indicator.code, subject.person, row.source_record, row.as_of)
        for subject in family
        for indicator in framework.indicators
        if _concerns(indicator, subject, on=on)
        for row in _shown(indicator, by_person.get(subject.person, ()), on=on)
    }
    return tuple(sorted(found, key=lambda one: (one.problem, one.indicator, one.person, one.source_record)))


def _concerns(indicator: Indicator, subject: Subject, *, on: date) -> bool:
    whose = indicator.role in {Whose.ANY, Whose(subject.role)}
    return whose and of_age(subject.born, indicator.age, on)


def _shown(indicator: Indicator, rows: Iterable[Row], *, on: date) -> Sequence[Row]:
    """The rows of one person that make the indicator hold; empty: it does not."""
    counted = [row for row in rows if row.feed == indicator.feed and _counts(indicator, row, on=on)]
    return counted if indicator.rate is None else _rated(indicator.rate, counted)


def _counts(indicator: Indicator, row: Row, *, on: date) -> bool:
    if not all(fulfils(condition, row.values) for condition in indicator.where):
        return False
    if indicator.window_months is None:
        return True
    day = row.values.get(indicator.window_column)
    return isinstance(day, date) and window_start(on, indicator.window_months) < day <= on


def window_start(on: date, months: int) -> date:
    """The day before the first of a window of that many months up to and with `on`; short months give their last."""
    years, month0 = divmod(on.month - 1 - months, MONTHS)
    year, month = on.year + years, month0 + 1
    first_of_next = date(year + month // MONTHS, month % MONTHS + 1, 1)
    return date(year, month, min(on.day, (first_of_next - date.resolution).day))


def _rated(rate: Rate, rows: Iterable[Row]) -> Sequence[Row]:
    """The newest rows, one an event, when their figure passes the threshold; else none."""
    newest: dict[str, Row] = {}
    for row in sorted(rows, key=_age_of_row, reverse=True):
        if _says_something(rate, row):
            newest.setdefault(row.event_ref, row)
    used = list(newest.values())[: rate.last]
    if not used:
        return ()
    parts = [(sum((_number(row, name) for name in rate.numerator), Decimal()), _below(rate, row)) for row in used]
    if rate.aggregate == "each":
        holds = all(_passes(rate, over, under) for over, under in parts)
    elif rate.aggregate == "mean":
        holds = _passes(rate, sum((over for over, _ in parts), Decimal()), sum((u for _, u in parts), Decimal()))
    else:
        holds = _passes(rate, sum((over for over, _ in parts), Decimal()), Decimal(1))
    return used if holds else ()


def _age_of_row(row: Row) -> tuple[date, date, str]:
    day = row.values.get("event_on")
    return (day if isinstance(day, date) else date.min, row.as_of, row.source_record)


def _says_something(rate: Rate, row: Row) -> bool:
    return rate.denominator is None or _number(row, rate.denominator) >= rate.least_denominator


def _below(rate: Rate, row: Row) -> Decimal:
    return Decimal(1) if rate.denominator is None else _number(row, rate.denominator)


def _number(row: Row, column: str) -> Decimal:
    value = row.values.get(column)
    return Decimal() if value is None else Decimal(str(value))


def _passes(rate: Rate, over: Decimal, under: Decimal) -> bool:
    bound = rate.threshold * under
    return _ordered(rate.op, (over > bound) - (over < bound))


# --- from evidence to a proposal -------------------------------------------------------------------------------


def dependent_child(subject: Subject, *, on: date) -> bool:
    """True for a child in the home who is 0 to 15, or 16 to 18 and in education; an unborn child is none yet."""
    if not subject.resident or subject.born is None or subject.born > on:
        return False
    age = age_on(subject.born, on)
    return age < DEPENDENT_UNTIL or (age < DEPENDENT_IN_EDUCATION_UNTIL and subject.in_education)


def counted(found: Iterable[tuple[str, str]], family: Iterable[Subject]) -> frozenset[str]:
    """The distinct problems that count, of `(problem, person)`.

    An adult who does not live with the family accounts for at most one problem, and for one that nobody else
    evidences where that is possible: as many problems as the rule allows.
    """
    elsewhere = {one.person for one in family if one.role is Role.ADULT and not one.resident}
    own: set[str] = set()
    offered: dict[str, set[str]] = {}
    for problem, person in found:
        if person in elsewhere:
            offered.setdefault(person, set()).add(problem)
        else:
            own.add(problem)
    given: dict[str, str] = {}

    def give(person: str, tried: set[str]) -> bool:
        for problem in sorted(offered[person] - own - tried):
            tried.add(problem)
            if problem not in given or give(given[problem], tried):
                given[problem] = person
                return True
        return False

    for person in sorted(offered):
        give(person, set())
    return frozenset(own | set(given))


def standings(framework: Framework, met: Collection[str], told: Collection[str]) -> dict[str, Standing]:
    """How each problem stands, in the framework's order; `told` holds the indicators that the feeds could show.

    A problem is absent only when everything that could evidence it came and shows nothing.
    """
    without = {each.problem for each in framework.without_feed}
    found: dict[str, Standing] = {}
    for code in framework.problem_codes:
        indicators = framework.indicators_of(code)
        complete = code not in without and all(each.code in told for each in indicators) and bool(indicators)
        found[code] = Standing.MET if code in met else Standing.NOT_MET if complete else Standing.UNKNOWN
    return found


def proposes(framework: Framework, problems: Collection[str], family: Iterable[Subject], *, on: date) -> bool:
    """True when a family with these distinct problems is proposed: enough of them, and a child to support."""
    if len(set(problems)) < framework.min_problems:
        return False
    return not framework.dependent_child or any(dependent_child(subject, on=on) for subject in family)


def proposal_id(family: str, rule: str, problems: Iterable[str]) -> str:
    """The id of a proposal: the same family, rule and problems are the same proposal."""
    return derived_id("Q", family, rule, *sorted(problems))


def decision_id(proposal: str) -> str:
    """The id of the one decision on a proposal."""
    return derived_id("D", proposal)
