"""What a suite says of one row, worked out row by row in plain Python.

The platform works it out by columns, and Great Expectations judges. That a made file is as good or as bad as it claims
is thereby shown by two readings of the same suite that share no code.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial

from family_exchange.demo.synthetic import span
from family_exchange.domain import identifiers
from family_exchange.domain.column import Column, ColumnType
from family_exchange.domain.contract import Contract
from family_exchange.domain.findings import AGE, WITHHELD
from family_exchange.domain.identifiers import NORMAL, Kind
from family_exchange.domain.suite import (
    AS_OF,
    GIVEN,
    LATEST_BIRTH,
    PERMANENT,
    VALID,
    VALUE,
    Arguments,
    Expectation,
    ExpectationType,
    Suite,
    has_value,
    kind,
)

Row = dict[str, str]
"""A row's cells by header; empty text where there is nothing."""
Cells = Mapping[str, object]
"""Every column that a rule may read, of one row; None where there is nothing."""

_EXPECTED_WITHIN = timedelta(days=300)
_INTEGER = r"[0-9]{1,9}"
_DECIMAL = r"[0-9]{1,9}(?:\.[0-9]{1,2})?"
_FLAGS = {"Y": True, "N": False}
_UNIQUE = frozenset({ExpectationType.UNIQUE, ExpectationType.UNIQUE_TOGETHER})


@dataclass(frozen=True)
class Agreed:
    """What one partner and the platform agreed on for one table: its layout and its rules."""

    contract: Contract
    suite: Suite

    @cached_property
    def headers(self) -> dict[str, Column]:
        """The columns by header."""
        return {column.name: column for column in self.contract.columns}

    @cached_property
    def unique(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """`rule, columns` of the rules that forbid repeats."""
        return tuple((each.meta.rule, each.kwargs.columns) for each in self.suite.row_rules if each.type in _UNIQUE)

    @cached_property
    def never_empty(self) -> frozenset[str]:
        """The headers whose cells must hold something."""
        key = {self.contract.column(canonical).name for canonical in self.contract.key}
        ruled = {each.kwargs.column for each in self.suite.row_rules if each.type is ExpectationType.NOT_NULL}
        return frozenset(key | {each.name for each in self.contract.columns if not each.nullable or each.name in ruled})

    @cached_property
    def secret(self) -> dict[str, str]:
        """`header → the header of the flag` that withholds it."""
        return {
            each.name: self.contract.column(each.withheld_by).name for each in self.contract.columns if each.withheld_by
        }

    def rules(self, column: str, *types: ExpectationType) -> list[Arguments]:
        """What the rules of these types ask of a column, made columns by their own names."""
        return [each.kwargs for each in self.suite.row_rules if each.type in types and each.kwargs.column == column]

    def fits(self, header: str, text: str) -> bool:
        """True when no rule about the text of this column is against `text`."""
        cells = {header: text}
        return not any(_RULES[each.type](cells, each.kwargs) for each in self._about_text.get(header, ()))

    def broken(self, row: Row, as_of: date) -> frozenset[str]:
        """The rules that the row breaks by itself, the contract's own among them; repeats are for `unique`."""
        cells = self.cells(row, as_of)
        found = {each.meta.rule for each in self._by_row if _RULES[each.type](cells, each.kwargs)}
        found |= {AGE} if self._outside_ages(cells, as_of) else set()
        told = any(cells.get(header) and cells.get(flag + VALUE) is True for header, flag in self.secret.items())
        return frozenset(found | ({WITHHELD} if told else set()))

    def cells(self, row: Row, as_of: date) -> Cells:
        """The row as the rules see it."""
        texts = {name: self._said(name, row[name]) for name in row}
        cells: dict[str, object] = {name: text or None for name, text in texts.items()}
        for name, column in self.headers.items():
            if name in row and has_value(column):
                text = texts[name]
                value = meaning(column, text, self.contract, as_of) if text else None
                cells[name + VALUE] = value
                cells[name + VALID] = not text or value is not None
                if kind(column) is Kind.UPN:
                    cells[name + PERMANENT] = not identifiers.temporary_upn(text)
            if name in row:
                cells[name + GIVEN] = bool(texts[name])
                if column.codes:
                    cells[name + VALUE] = texts[name] if texts[name] in column.codes else None
        cells[AS_OF], cells[LATEST_BIRTH] = as_of, as_of + _EXPECTED_WITHIN
        for made, parts in self.suite.meta.derived.items():
            values = [cells.get(part) for part in parts]
            cells[made] = None if None in values else _sum(values)
        return cells

    def findings(self, rows: Sequence[Row], as_of: date) -> dict[int, frozenset[str]]:
        """`row number → rules`, for the rows that break any, repeats included; 1 is the first row."""
        found = {number: set(self.broken(row, as_of)) for number, row in enumerate(rows, start=1)}
        for rule, columns in self.unique:
            for place in repeats(rows, columns):
                found[place + 1].add(rule)
        return {number: frozenset(rules) for number, rules in found.items() if rules}

    def _said(self, header: str, text: str) -> str:
        """The text of a cell, without blanks around it; empty where the contract says that it says nothing."""
        said = text.strip()
        nothing = self.headers[header].nothing if header in self.headers else ()
        return "" if said.casefold() in {word.casefold() for word in nothing} else said

    @cached_property
    def _by_row(self) -> tuple[Expectation, ...]:
        return tuple(each for each in self.suite.row_rules if each.type in _RULES)

    @cached_property
    def _about_text(self) -> dict[str, list[Expectation]]:
        found: dict[str, list[Expectation]] = {}
        for each in self._by_row:
            if each.kwargs.column in self.headers:
                found.setdefault(each.kwargs.column or "", []).append(each)
        return found

    def _outside_ages(self, cells: Cells, as_of: date) -> bool:
        gate = self.contract.age_gate
        if "date_of_birth" not in self.contract.canonicals:
            return False
        born = cells.get(self.contract.column("date_of_birth").name + VALUE)
        if not isinstance(born, date):
            return False
        age = span.age(born, as_of)
        return (gate.min is not None and age < gate.min) or (gate.max is not None and age > gate.max)


def meaning(column: Column, text: str, contract: Contract, as_of: date) -> object:
    """What the text of one cell means; None where it means nothing."""
    if which := kind(column):
        rule: Callable[[str], str | None] = (
            NORMAL[which] if which in NORMAL else partial(identifiers.pnc, this_year=as_of.year)
        )
        return rule(text)
    match column.type:
        case ColumnType.DATE:
            return _day(text, contract.file.date_format)
        case ColumnType.INTEGER:
            return int(text) if re.fullmatch(_INTEGER, text) else None
        case ColumnType.DECIMAL:
            return Decimal(text) if re.fullmatch(_DECIMAL, text) else None
        case ColumnType.BOOLEAN:
            return _FLAGS.get(text)
    return text


def repeats(rows: Sequence[Row], columns: Iterable[str]) -> set[int]:
    """The places of the rows that share all of `columns` with another row; a missing one is like no other."""
    seen: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(rows):
        key = tuple(row[name].strip() for name in columns)
        if all(key):
            seen.setdefault(key, []).append(place)
    return {place for places in seen.values() if len(places) > 1 for place in places}


def _day(text: str, form: str) -> date | None:
    try:
        day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        return None
    return day if day.strftime(form) == text else None


def _sum(values: Sequence[object]) -> object:
    """Texts one after the other; numbers added; of flags how many are set."""
    if all(isinstance(value, str) for value in values):
        return "".join(map(str, values))
    return sum((_number(value) for value in values), Decimal(0))


def _number(value: object) -> Decimal:
    return Decimal(int(value)) if isinstance(value, bool) else Decimal(str(value))


def _missing(cells: Cells, asked: Arguments) -> bool:
    return cells.get(asked.column or "") is None


def _not_in_set(cells: Cells, asked: Arguments) -> bool:
    cell = cells.get(asked.column or "")
    return cell is not None and cell not in (asked.value_set or ())


def _no_match(cells: Cells, asked: Arguments) -> bool:
    cell = cells.get(asked.column or "")
    return cell is not None and not re.search(asked.regex or "", str(cell))


def _match(cells: Cells, asked: Arguments) -> bool:
    cell = cells.get(asked.column or "")
    return cell is not None and bool(re.search(asked.regex or "", str(cell)))


def _length(cells: Cells, asked: Arguments) -> bool:
    cell = cells.get(asked.column or "")
    return cell is not None and _outside(len(str(cell)), asked)


def _range(cells: Cells, asked: Arguments) -> bool:
    cell = cells.get(asked.column or "")
    return cell is not None and _outside(cell, asked)


def _before(cells: Cells, asked: Arguments) -> bool:
    later, earlier = cells.get(asked.column_a or ""), cells.get(asked.column_b or "")
    return later is not None and earlier is not None and ordinal(later) < ordinal(earlier)


def _not_paired(cells: Cells, asked: Arguments) -> bool:
    pair = (cells.get(asked.column_a or ""), cells.get(asked.column_b or ""))
    return None not in pair and pair not in (asked.value_pairs_set or ())


def _outside(value: object, asked: Arguments) -> bool:
    low, high = asked.min_value, asked.max_value
    below = low is not None and ordinal(value) < ordinal(low)
    return below or (high is not None and ordinal(value) > ordinal(high))


def ordinal(value: object) -> Decimal:
    """Days and numbers on one scale each, so that they can be compared."""
    return Decimal(value.toordinal()) if isinstance(value, date) else _number(value)


_RULES: Mapping[ExpectationType, Callable[[Cells, Arguments], bool]] = {
    ExpectationType.NOT_NULL: _missing,
    ExpectationType.IN_SET: _not_in_set,
    ExpectationType.MATCH: _no_match,
    ExpectationType.NOT_MATCH: _match,
    ExpectationType.LENGTH: _length,
    ExpectationType.BETWEEN: _range,
    ExpectationType.NOT_BEFORE: _before,
    ExpectationType.PAIR: _not_paired,
}
"""True in a row that breaks the rule; repeats are not seen in one row."""
