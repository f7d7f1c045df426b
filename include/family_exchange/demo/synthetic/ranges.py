"""Days and numbers of one row that keep every order and range of a suite, lowest first."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from math import ceil, floor
from random import Random

from family_exchange.demo.synthetic import span
from family_exchange.demo.synthetic.meaning import Agreed, ordinal
from family_exchange.demo.synthetic.span import Span
from family_exchange.domain.column import Column, ColumnType
from family_exchange.domain.suite import AS_OF, LATEST_BIRTH, VALUE, ExpectationType

ORDERED = frozenset({ColumnType.DATE, ColumnType.INTEGER, ColumnType.DECIMAL})
_YEARS_BACK = 3
_EXPECTED_WITHIN = 300
_EVERYDAY_MOST = 200
"""Numbers without a narrower range stay within so much of their lowest."""

Bounds = tuple[Decimal, Decimal]


class Ranges:
    """Where the days and numbers of a table may lie, and in which order."""

    def __init__(self, agreed: Agreed, during: Span) -> None:
        self._during = during
        self._fixed = {
            AS_OF: ordinal(during.as_of),
            LATEST_BIRTH: ordinal(during.as_of + timedelta(days=_EXPECTED_WITHIN)),
        }
        self._parts = {made: tuple(parts) for made, parts in agreed.suite.meta.derived.items()}
        self._columns = {column.name + VALUE: column for column in agreed.contract.columns if column.type in ORDERED}
        self._bounds = {name: self._own(agreed, name, column) for name, column in self._columns.items()}
        self._pairs = tuple(
            (each.kwargs.column_a or "", each.kwargs.column_b or "")
            for each in agreed.suite.row_rules
            if each.type is ExpectationType.NOT_BEFORE
        )

    def begun(self, header: str, filled: Iterable[Column]) -> bool:
        """False for a day that ends what never began: the day that it may not lie before is not known."""
        column = self._columns.get(header + VALUE)
        if column is None or column.type is not ColumnType.DATE or not column.nullable:
            return True
        there = {each.name + VALUE for each in filled}
        begins = [
            self._columns[earlier]
            for later, earlier in self._pairs
            if later == header + VALUE and earlier in self._columns
        ]
        return all(each.name + VALUE in there or each.canonical == "date_of_birth" for each in begins)

    def values(self, rng: Random, filled: Iterable[str], known: Mapping[str, date]) -> dict[str, date | Decimal]:
        """A day or a number for each header of `filled`; those of `known` are as they are.

        Where the rules leave no room, the value lies at the edge: the row is then for the suite to refuse.
        """
        fixed = self._fixed | {name + VALUE: ordinal(day) for name, day in known.items()}
        open_ones = [name + VALUE for name in filled if name + VALUE in self._columns and name + VALUE not in fixed]
        pairs = [pair for pair in self._simple_pairs() if set(pair) <= {*fixed, *open_ones}]
        bounds = self._narrowed(open_ones, pairs, fixed)
        chosen = dict(fixed)
        for name in _lowest_first(open_ones, pairs):
            low, high = bounds[name]
            below = [chosen[earlier] for later, earlier in pairs if later == name and earlier in chosen]
            low = max([low, *below, *self._sums_below(name, chosen)])
            chosen[name] = self._between(rng, name, low, max(low, high))
        return {
            name.removesuffix(VALUE): date.fromordinal(int(value))
            if self._columns[name].type is ColumnType.DATE
            else value
            for name, value in chosen.items()
            if name in self._columns
        }

    def _own(self, agreed: Agreed, name: str, column: Column) -> Bounds:
        """The everyday range of a column within the range that its rules allow."""
        if column.type is ColumnType.DATE:
            event = column.canonical == "event_on"
            first = self._during.coverage_from if event else span.years_before(self._during.as_of, _YEARS_BACK)
            low, high = ordinal(first), ordinal(self._during.as_of)
        else:
            low, high = Decimal(0), Decimal(_EVERYDAY_MOST)
        for asked in agreed.rules(name, ExpectationType.BETWEEN):
            if asked.min_value is not None and low < ordinal(asked.min_value):
                low = ordinal(asked.min_value)
                high = max(high, low + (0 if column.type is ColumnType.DATE else _EVERYDAY_MOST))
            if asked.max_value is not None:
                high = min(high, ordinal(asked.max_value))
                low = min(low, high)
        return low, high

    def _simple_pairs(self) -> Iterable[tuple[str, str]]:
        """The orders, a sum taken apart: what is above a sum is above each of its parts."""
        for later, earlier in self._pairs:
            for above in self._parts.get(later, (later,)):
                for below in self._parts.get(earlier, (earlier,)):
                    yield above, below

    def _narrowed(
        self, names: list[str], pairs: list[tuple[str, str]], fixed: Mapping[str, Decimal]
    ) -> dict[str, Bounds]:
        """The ranges after each column made room for those that must lie above and below it."""
        bounds = {name: self._bounds[name] for name in names} | {name: (day, day) for name, day in fixed.items()}
        share = {part: len(parts) for parts in self._parts.values() for part in parts}
        for _ in pairs:
            for later, earlier in pairs:
                (low_a, high_a), (low_b, high_b) = bounds[later], bounds[earlier]
                if later not in fixed and high_a < low_b:
                    bounds[later] = (low_b, low_b + _YEARS_BACK * 365)
                elif earlier not in fixed:
                    most = high_a / share.get(earlier, 1) if earlier in share else high_a
                    bounds[earlier] = (min(low_b, most), min(high_b, most))
                if later not in fixed:
                    low_a, high_a = bounds[later]
                    bounds[later] = (max(low_a, bounds[earlier][0]), max(high_a, bounds[earlier][0]))
        return bounds

    def _sums_below(self, name: str, chosen: Mapping[str, Decimal]) -> Iterable[Decimal]:
        for later, earlier in self._pairs:
            parts = self._parts.get(earlier, ())
            if later == name and parts and chosen.keys() >= {*parts}:
                yield sum((chosen[part] for part in parts), Decimal(0))

    def _between(self, rng: Random, name: str, low: Decimal, high: Decimal) -> Decimal:
        if self._columns[name].type is ColumnType.DECIMAL:
            cents = rng.randint(ceil(low * 100), max(ceil(low * 100), floor(high * 100)))
            return Decimal(cents) / 100
        return Decimal(rng.randint(ceil(low), max(ceil(low), floor(high))))


def _lowest_first(names: list[str], pairs: list[tuple[str, str]]) -> Iterable[str]:
    """The names so that each comes after all that must not lie above it; a circle keeps its own order."""
    left = list(names)
    while left:
        ready = [name for name in left if not any(later == name and earlier in left for later, earlier in pairs)]
        yield from ready or left
        left = [name for name in left if name not in ready] if ready else []
