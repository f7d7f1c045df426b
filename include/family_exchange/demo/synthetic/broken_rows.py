"""For each rule of a suite a row that breaks it, and no other where that can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, product
from random import Random

from family_exchange.demo.synthetic import numbers, pattern, span
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.meaning import Agreed, Row, repeats
from family_exchange.domain.column import Column, ColumnType
from family_exchange.domain.findings import AGE, WITHHELD
from family_exchange.domain.identifiers import Kind
from family_exchange.domain.suite import (
    AS_OF,
    GIVEN,
    LATEST_BIRTH,
    PERMANENT,
    VALID,
    VALUE,
    Expectation,
    ExpectationType,
    kind,
)

_BASES = 12
"""A rule is tried on so many rows before the one that breaks the fewest others is taken."""
_COMBINATIONS = 400
_STRANGE = ("not agreed", "?", "-", "none of these", "ÄÖ", "(see file)", "0", "x" * 60)
_NO_VALUE: Mapping[ColumnType, tuple[str, ...]] = {
    ColumnType.DATE: ("2026-02-30", "31/12/2025", "12-31-2025", "last spring"),
    ColumnType.INTEGER: ("12.5", "-3", "several", "1,204"),
    ColumnType.DECIMAL: ("12,50", "£12.50", "-3.00", "a lot"),
    ColumnType.BOOLEAN: ("maybe", "true", "1"),
}
_NO_IDENTIFIER = ("QQ12", "unknown", "0000000000")
_A_DAY = timedelta(days=1)
_TOO_LOW, _TOO_HIGH = date(1850, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One row that breaks rules on purpose."""

    row: Row = field(repr=False)
    rule: str
    """The rule that it is there for."""
    breaks: frozenset[str]
    """Every rule that it breaks, this one among them."""


def broken_rows(writer: Writer, rng: Random) -> tuple[list[BrokenRow], list[str]]:
    """Rows that between them break every rule that a row can break, and the rules that none could be found for.

    A rule against repeats has two rows. A rule cannot be broken when another layer refuses the file first, or when a
    cell that broke it would mean nothing: a number below zero, for one.
    """
    breaker = _Breaker(writer, rng)
    made: list[BrokenRow] = []
    missing: list[str] = []
    for rule in writer.agreed.suite.row_rules:
        found = breaker.break_rule(rule)
        made += found
        missing += [] if found else [rule.meta.rule]
    gate = writer.agreed.contract.age_gate
    if gate.min is not None or gate.max is not None:
        found = breaker.outside_ages()
        made += found
        missing += [] if found else [AGE]
    if writer.agreed.secret:
        found = breaker.tell_a_secret()
        made += found
        missing += [] if found else [WITHHELD]
    return made, missing


class _Breaker:
    """Tries changes on good rows and keeps the one that does what is wanted with the least beside it."""

    def __init__(self, writer: Writer, rng: Random) -> None:
        self._writer = writer
        self._agreed: Agreed = writer.agreed
        self._rng = rng
        self._as_of = writer.during.as_of

    def break_rule(self, rule: Expectation) -> list[BrokenRow]:
        if rule.type in {ExpectationType.UNIQUE, ExpectationType.UNIQUE_TOGETHER}:
            return self._repeated(rule)
        return self._best(rule.meta.rule, lambda row: self._changes(rule, row))

    def outside_ages(self) -> list[BrokenRow]:
        """A row about somebody who is a year too young or too old."""
        gate = self._agreed.contract.age_gate
        column = self._agreed.contract.column("date_of_birth").name
        years = [gate.min - 0.5] if gate.min else []
        years += [gate.max + 1.5] if gate.max is not None else []
        days = [self._writer.written_day(span.years_before(self._as_of, each)) for each in years]
        return self._best(AGE, lambda _: ({column: day} for day in days))

    def tell_a_secret(self) -> list[BrokenRow]:
        """A row that marks as withheld what it sends."""
        flags = dict.fromkeys(self._agreed.secret.values(), "Y")
        return self._best(WITHHELD, lambda _: iter([flags]))

    def _best(self, rule: str, changes: Callable[[Row], Iterator[Row]]) -> list[BrokenRow]:
        best: BrokenRow | None = None
        for _ in range(_BASES):
            base = self._writer.row()
            for change in changes(base):
                tried = self._alone(base | change, rule, {*change})
                if rule in tried.breaks and (best is None or len(tried.breaks) < len(best.breaks)):
                    best = tried
            if best is not None and len(best.breaks) == 1:
                break
        return [best] if best else []

    def _alone(self, row: Row, rule: str, changed: set[str]) -> BrokenRow:
        """The changed row; where that makes it better, without what else is then wrong with it."""
        breaks = self._agreed.broken(row, self._as_of)
        for header, column in self._agreed.headers.items():
            if len(breaks) > 1 and header not in changed and header not in self._agreed.never_empty and row[header]:
                emptied = row | {column.name: ""}
                fewer = self._agreed.broken(emptied, self._as_of)
                if rule in fewer and len(fewer) < len(breaks):
                    row, breaks = emptied, fewer
        return BrokenRow(row, rule, breaks)

    def _repeated(self, rule: Expectation) -> list[BrokenRow]:
        """Two rows with one key; the second is about somebody else where the key leaves that open."""
        first, second = self._writer.row(), self._writer.row()
        second |= {name: first[name] for name in rule.kwargs.columns}
        if self._agreed.broken(second, self._as_of):
            second = dict(first)
        pair = [first, second]
        breaks = frozenset(code for code, columns in self._agreed.unique if repeats(pair, columns))
        return [BrokenRow(row, rule.meta.rule, breaks) for row in pair]

    def _changes(self, rule: Expectation, row: Row) -> Iterator[Row]:
        asked = rule.kwargs
        if rule.type is ExpectationType.NOT_BEFORE:
            yield from self._out_of_order(asked.column_a or "", asked.column_b or "", row)
            return
        if rule.type is ExpectationType.PAIR:
            yield from self._side_by_side(asked.column_a or "", asked.column_b or "", row)
            return
        named = asked.column or ""
        if named in self._agreed.suite.meta.derived:
            yield from self._together(self._agreed.suite.meta.derived[named])
            return
        for header, column in self._agreed.headers.items():
            if named in {header, header + VALUE, header + VALID, header + PERMANENT}:
                yield from ({header: text} for text in self._texts(rule, column, named, row))

    def _together(self, parts: Sequence[str]) -> Iterator[Row]:
        """Codes and flags of several columns, each with each; of many, each with itself first."""
        headers = [part.removesuffix(VALUE) for part in parts]
        choices = [self._choices(self._agreed.headers[header]) for header in headers]
        for alike in ("Y", "N"):
            yield {header: alike for header, each in zip(headers, choices, strict=True) if alike in each}
        for texts in islice(product(*choices), _COMBINATIONS):
            yield {header: text for header, text in zip(headers, texts, strict=True) if text}

    def _side_by_side(self, first: str, second: str, row: Row) -> Iterator[Row]:
        """Each code or flag of the one, or nothing, beside each of the other; where only filling counts, as it is."""
        headers = [name.removesuffix(VALUE).removesuffix(GIVEN) for name in (first, second)]
        choices = [
            {*self._choices(self._agreed.headers[header]), row[header]} | ({""} if name.endswith(GIVEN) else set())
            for name, header in zip((first, second), headers, strict=True)
        ]
        for texts in product(*map(sorted, choices)):
            yield dict(zip(headers, texts, strict=True))

    def _choices(self, column: Column) -> tuple[str, ...]:
        """What may stand in a column of codes or flags; empty text leaves any other column as it is."""
        return column.codes or (("Y", "N") if column.type is ColumnType.BOOLEAN else ("",))

    def _texts(self, rule: Expectation, column: Column, named: str, row: Row) -> Iterator[str]:
        asked, text = rule.kwargs, row[column.name]
        match rule.type:
            case ExpectationType.NOT_NULL:
                yield ""
            case ExpectationType.IN_SET if named.endswith(VALID):
                yield from self._without_meaning(column, text)
            case ExpectationType.IN_SET if named.endswith(PERMANENT):
                yield numbers.temporary_upn(f"{self._rng.randrange(10**11):011d}", self._rng.choice("ABCDEFGH"))
            case ExpectationType.IN_SET | ExpectationType.MATCH:
                yield from (*_STRANGE, "Y", "N", text.swapcase(), text + "?")
            case ExpectationType.NOT_MATCH:
                yield from (pattern.text(asked.regex or "", self._rng) for _ in range(_BASES))
            case ExpectationType.LENGTH:
                yield from self._wrong_lengths(asked.min_value, asked.max_value, text)
            case ExpectationType.BETWEEN:
                yield from (
                    self._written(column, each) for each in self._out_of_range(asked.min_value, asked.max_value)
                )

    def _without_meaning(self, column: Column, text: str) -> Iterator[str]:
        if kind(column) is None:
            yield from _NO_VALUE.get(column.type, ())
            return
        if any(sign.isdigit() for sign in text) and kind(column) not in {Kind.NINO, Kind.POSTCODE, Kind.UPRN}:
            yield numbers.misread(text)
        yield from (*_NO_IDENTIFIER, text + "?")

    def _wrong_lengths(self, least: object, most: object, text: str) -> Iterator[str]:
        for bound, change in ((most, 1), (least, -1)):
            if isinstance(bound, int):
                yield (text or "x").ljust(bound + change, "x")[: bound + change]
                yield "x" * (bound + change)
                yield "7" * (bound + change)

    def _out_of_range(self, least: object, most: object) -> Iterator[date | Decimal]:
        for bound, step, far in ((least, -1, _TOO_LOW), (most, 1, _TOO_HIGH)):
            if isinstance(bound, date):
                yield bound + step * _A_DAY
                yield far
            elif isinstance(bound, int | float):
                yield Decimal(str(bound)) + step
                yield Decimal(str(bound)) + step * Decimal("0.01")

    def _out_of_order(self, later: str, earlier: str, row: Row) -> Iterator[Row]:
        """The later day put before the earlier one, or the earlier one after the later; a sum by each of its parts."""
        cells = self._agreed.cells(row, self._as_of)
        derived = self._agreed.suite.meta.derived
        for moved, other, step in ((later, earlier, -1), (earlier, later, 1)):
            limit = cells.get(other)
            for name in derived.get(moved, (moved,)):
                header = name.removesuffix(VALUE)
                if name in {AS_OF, LATEST_BIRTH} or header not in self._agreed.headers or limit is None:
                    continue
                beyond = limit + step * _A_DAY if isinstance(limit, date) else Decimal(str(limit)) + step
                for value in (beyond, _far(beyond, step)):
                    yield {header: self._written(self._agreed.headers[header], value)}

    def _written(self, column: Column, value: date | Decimal) -> str:
        if isinstance(value, date):
            return self._writer.written_day(value)
        return str(int(value)) if column.type is ColumnType.INTEGER else f"{value:.2f}"


def _far(value: date | Decimal, step: int) -> date | Decimal:
    """Well beyond: more than a year further, or fifty."""
    return value + step * 400 * _A_DAY if isinstance(value, date) else value + step * 50
