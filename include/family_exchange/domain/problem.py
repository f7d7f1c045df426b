"""Headline problems: which source records and nominations evidence them in one family on one day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from family_exchange.domain.condition import OF_A_DAY, Condition, Operator, Scalar
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Rate, Rows, Sign
from family_exchange.domain.indicator import Role as Whose
from family_exchange.domain.person import of_age

MONTHS = 12


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
class Nomination:
    """A professional's word that an indicator holds of a family or of one of its members."""

    number: int
    indicator: str
    nominated_on: date
    profession: str
    person: str | None
    """None: of the family as a whole."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A member of a family on the day asked for."""

    person: str
    role: Role
    resident: bool
    born: date | None = field(default=None, repr=False)
    kept: bool = False
    """True of a young person of whom something shows education, training, or being out of work at home."""
    expecting: bool = field(default=False, repr=False)
    """True of somebody of whom something shows that they expect a child."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a problem is held to be met: a source record of a person, or a nomination."""

    problem: str
    indicator: str
    person: str | None
    """None: a nomination of the family as a whole."""
    source_record: str | None
    as_of: date
    nomination: int | None = None

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What evidence is ordered by."""
        return (self.problem, self.indicator, self.person or "", self.source_record or "", self.nomination or 0)


def fulfils(condition: Condition, values: Mapping[str, Scalar | None], *, on: date | None = None) -> bool:
    """True when the row's value compares as the condition says; a missing value fulfils only `absent` and `open`.

    Raises:
        ValueError: the condition asks how a date lies to a day, and no day is given.
    """
    value = values.get(condition.column)
    if condition.op in OF_A_DAY:
        return _lies(condition.op, value, on)
    if condition.op in {Operator.PRESENT, Operator.ABSENT}:
        return (value is None) == (condition.op is Operator.ABSENT)
    if value is None:
        return False
    if isinstance(condition.value, tuple):
        return value in condition.value
    return _compares(condition.op, value, condition.value)


def _lies(op: Operator, value: object, on: date | None) -> bool:
    if on is None:
        raise ValueError(f"`{op}` needs a day to compare with")
    ahead = isinstance(value, date) and value > on
    if op is Operator.OPEN:
        return value is None or ahead
    return ahead if op is Operator.AHEAD else isinstance(value, date) and not ahead


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


def evidence(
    framework: Framework,
    family: Iterable[Subject],
    rows: Iterable[Row],
    nominations: Iterable[Nomination] = (),
    *,
    on: date,
) -> tuple[Evidence, ...]:
    """What evidences the framework's problems in one family on that day; each source record once an indicator.

    `nominations` are those of this family and of its members. Ordered by problem, indicator, person and record.
    """
    by_person: dict[str, list[Row]] = {}
    for row in rows:
        by_person.setdefault(row.person, []).append(row)
    said = [*nominations]
    found: set[Evidence] = set()
    for indicator in framework.indicators:
        if not indicator.holds_on(on):
            continue
        whose = {subject.person: subject for subject in family if _concerns(indicator, subject, on=on)}
        for person in whose:
            shown = _shown(indicator, by_person.get(person, ()), on=on)
            found |= {Evidence(indicator.problem, indicator.code, person, r.source_record, r.as_of) for r in shown}
        found |= {
            Evidence(indicator.problem, indicator.code, each.person, None, each.nominated_on, each.number)
            for each in said
            if _nominated(indicator, each, on=on) and (each.person is None or each.person in whose)
        }
    return tuple(sorted(found, key=lambda one: one.key))


def _concerns(indicator: Indicator, subject: Subject, *, on: date) -> bool:
    whose = indicator.role in {Whose.ANY, Whose(subject.role)}
    return whose and of_age(subject.born, indicator.age, on)


def _nominated(indicator: Indicator, said: Nomination, *, on: date) -> bool:
    if indicator.feed is not None or indicator.code != said.indicator or said.nominated_on > on:
        return False
    if indicator.nominators and said.profession not in indicator.nominators:
        return False
    return indicator.window_months is None or window_start(on, indicator.window_months) < said.nominated_on


def _shown(indicator: Indicator, rows: Iterable[Row], *, on: date) -> Sequence[Row]:
    """The rows of one person that make the indicator hold; empty: it does not."""
    counted = [row for row in rows if row.feed == indicator.feed and _counts(indicator, row, on=on)]
    if indicator.rate is not None:
        return _rated(indicator.rate, counted)
    if indicator.at_least is not None:
        newest = _newest(counted)
        return newest if len(newest) >= indicator.at_least else ()
    return counted


def shows(sign: Sign, rows: Iterable[Row], *, on: date) -> bool:
    """True when a row of one person's is such a sign."""
    return any(row.feed == sign.feed and _counts(sign, row, on=on) for row in rows)


def _counts(asked: Rows, row: Row, *, on: date) -> bool:
    if not all(fulfils(condition, row.values, on=on) for condition in asked.where):
        return False
    if asked.window_months is None and asked.ahead_months is None:
        return True
    day = row.values.get(asked.window_column)
    if not isinstance(day, date):
        return False
    behind = asked.window_months is not None and window_start(on, asked.window_months) < day <= on
    return behind or (asked.ahead_months is not None and on < day <= window_start(on, -asked.ahead_months))


def window_start(on: date, months: int) -> date:
    """The day before the first of a window of that many months up to and with `on`; short months give their last.

    With fewer than none, the last day of a window after `on`.
    """
    years, month0 = divmod(on.month - 1 - months, MONTHS)
    year, month = on.year + years, month0 + 1
    first_of_next = date(year + month // MONTHS, month % MONTHS + 1, 1)
    return date(year, month, min(on.day, (first_of_next - date.resolution).day))


def _rated(rate: Rate, rows: Iterable[Row]) -> Sequence[Row]:
    """The newest rows, one an event, when their figure passes the threshold; else none."""
    used = _newest(row for row in rows if _says_something(rate, row))[: rate.last]
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


def _newest(rows: Iterable[Row]) -> list[Row]:
    """The newest row of each event, newest first."""
    newest: dict[str, Row] = {}
    for row in sorted(rows, key=_age_of_row, reverse=True):
        newest.setdefault(row.event_ref, row)
    return list(newest.values())


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
