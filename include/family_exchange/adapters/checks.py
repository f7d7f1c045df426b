"""Which rows break which rule: piece by piece, and then for what only the whole file shows.

A piece gives the numbers of the rows that break a rule, and a number for each key that must be unique. Where two such
numbers are equal, and only there, the keys themselves are read again and compared: no row is ever accused by a hash.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from family_exchange.adapters import rules
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain.suite import Expectation, ExpectationType, Suite

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Piece:
    """What the rows of one piece break."""

    rows: int
    columns: frozenset[str]
    broken: Mapping[str, "NDArray[np.uint32]"]
    """`rule → row numbers`, ascending, of rules that look at one row; without those that nothing broke."""
    keys: Mapping[str, tuple["NDArray[np.uint32]", "NDArray[np.uint64]"]] = field(repr=False)
    """`rule → row numbers, and the number of each one's key`, of rules that compare rows."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What the whole file breaks."""

    rows_read: int
    rows: "Mapping[str, array[int]]"
    """`rule → row numbers`, ascending, without those rules that nothing broke."""
    of_the_table: Mapping[str, int]
    """How often each rule of the table is broken; for the number of rows, that number itself."""


def piece(frame: "pl.DataFrame", suite: Suite, more: Mapping[str, "pl.Expr"]) -> Piece:
    """What the rows of `frame` break; `more` are further rules, each true where it is broken.

    `frame` has `row_no` and the columns that the rules read (`cells.with_values`).
    """
    single = {rule.meta.rule: rules.broken(rule) for rule in suite.row_rules if rule.type not in rules.ACROSS_ROWS}
    single |= {rule: expression.alias(rule) for rule, expression in more.items()}
    across = {rule.meta.rule: rules.key(rule) for rule in suite.row_rules if rule.type in rules.ACROSS_ROWS}
    found = frame.lazy().select(ROW_NO, *single.values(), *across.values()).collect()
    row_no = found[ROW_NO]
    return Piece(
        frame.height,
        frozenset(frame.columns),
        {name: row_no.filter(found[name]).to_numpy() for name in single if found[name].any()},
        {name: _keyed(row_no, found[name]) for name in across},
    )


def broken(
    pieces: Iterable[Piece], suite: Suite, keys_of: Callable[[Expectation, "NDArray[np.uint32]"], "pl.DataFrame"]
) -> Broken:
    """What the pieces, which come in order, break together.

    `keys_of` gives, for a rule and some row numbers, these rows with the columns that the rule compares.
    """
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    rows, columns = 0, frozenset[str]()
    singles: dict[str, list[NDArray[np.uint32]]] = {}
    keys: dict[str, list[tuple[NDArray[np.uint32], NDArray[np.uint64]]]] = {}
    for one in pieces:
        rows, columns = rows + one.rows, one.columns
        for code, numbers in one.broken.items():
            singles.setdefault(code, []).append(numbers)
        for code, both in one.keys.items():
            keys.setdefault(code, []).append(both)
    found = {code: np.concatenate(parts) for code, parts in singles.items()}
    for rule in suite.row_rules:
        if parts := keys.pop(rule.meta.rule, []):
            repeated = _repeated(*map(np.concatenate, zip(*parts, strict=True)))
            if len(repeated):
                found[rule.meta.rule] = keys_of(rule, repeated).filter(rules.broken(rule))[ROW_NO].to_numpy()
    named = {rule: _numbers(these) for rule, these in found.items() if len(these)}
    return Broken(rows, named, _of_the_table(rows, columns, suite))


def _keyed(row_no: "pl.Series", keys: "pl.Series") -> "tuple[NDArray[np.uint32], NDArray[np.uint64]]":
    """The rows that have a key, and its number."""
    if keys.null_count():
        there = keys.is_not_null()
        row_no, keys = row_no.filter(there), keys.filter(there)
    return row_no.to_numpy(), keys.to_numpy()


def _repeated(row_no: "NDArray[np.uint32]", keys: "NDArray[np.uint64]") -> "NDArray[np.uint32]":
    """The rows whose number another row has too."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    ordered = np.sort(keys)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return row_no[np.isin(keys, twice)] if len(twice) else row_no[:0]


def _numbers(rows: "NDArray[np.uint32]") -> "array[int]":
    return array("i", rows.astype("i").tobytes())


def _of_the_table(rows: int, columns: frozenset[str], suite: Suite) -> dict[str, int]:
    return {
        rule.meta.rule: rows
        if rule.type is ExpectationType.ROW_COUNT
        else len({*(rule.kwargs.column_set or ())} - columns)
        for rule in suite.table_rules
    }
