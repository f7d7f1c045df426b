"""One table of a partner's file: checked piece by piece, and read again for what is accepted.

Nothing is kept for the whole table but its bytes, row numbers, and a number for each key that must be unique.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

from family_exchange.adapters import cells, checks, expectations
from family_exchange.adapters.accepted import Accepted, side_by_side
from family_exchange.adapters.shape import Piece
from family_exchange.adapters.tabular import ROW_NO, Table
from family_exchange.domain.contract import Contract
from family_exchange.domain.findings import AGE, WITHHELD, Broken, Findings, Severity
from family_exchange.domain.suite import Expectation, Suite

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Shape = tuple[tuple[str, str, int], ...]
"""(column, code, rows): `""` and `""` for the rows read; a column and `""` for its cells that are not empty."""


class References(Mapping[int, tuple[str, ...]]):
    """`row number → the partner's own words for the row`; read from the plaintext when they are first asked for."""

    def __init__(self, read: Callable[[], dict[int, tuple[str, ...]]]) -> None:
        self._read = read

    @cached_property
    def _rows(self) -> dict[int, tuple[str, ...]]:
        return self._read()

    def __getitem__(self, row_no: int) -> tuple[str, ...]:
        """The text of the key columns, in the contract's order; an empty cell is an empty text."""
        return self._rows[row_no]

    def __iter__(self) -> Iterator[int]:
        """The row numbers, ascending."""
        return iter(self._rows)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._rows)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A readable table, the rules for it, and the columns of it that a council does not take in."""

    table: Table
    dropped: frozenset[str]
    """Headers; they are not even parsed."""
    as_of: date | None
    _known: "dict[Piece, pl.DataFrame]" = field(default_factory=dict, repr=False, compare=False)
    """The rows of a file of one piece: to read so few again takes longer than to keep them."""

    @property
    def contract(self) -> Contract:
        """The layout of the table."""
        return self.table.contract

    @property
    def suite(self) -> Suite:
        """The rules that read only what is taken in."""
        return expectations.load_suite(self.contract.feed, self.contract.suite).without(self.dropped, self.contract)

    def checked(self) -> tuple[Findings, Shape]:
        """Every finding in the table, and what it is made of in counts.

        Raises:
            DataRefused: CSV_SYNTAX, the rows cannot be told apart after all.
        """
        suite, shape = self.suite, Counter[tuple[str, str]]()

        def check(piece: Piece) -> tuple[checks.Piece, dict[tuple[str, str], int]]:
            frame = self._frame(piece, suite)
            if len(self.table.pieces) == 1:
                self._known[piece] = frame
            return checks.piece(frame, suite, self._own_rules(frame.columns)), cells.counts(frame, self.contract)

        def noted() -> Iterator[checks.Piece]:
            for piece, counts in side_by_side(check, self.table.pieces):
                shape.update(counts)
                yield piece

        broken = checks.broken(noted(), suite, lambda rule, rows: self._keys(rule, rows, suite))
        found = expectations.judged(broken, suite)
        if outside := broken.rows.get(AGE):
            found = found.and_more([Broken(AGE, self.contract.column("date_of_birth").name, Severity.ERROR, outside)])
        if (sent := broken.rows.get(WITHHELD)) and (flag := self.contract.withholding):
            found = found.and_more([Broken(WITHHELD, flag.name, Severity.WARNING, sent)])
        return found, tuple((column, code, rows) for (column, code), rows in sorted(shape.items()))

    def accepted(self, found: Findings) -> Accepted:
        """The rows that no error keeps out, without the identifiers that a rule takes out of them."""
        dropping = {each.meta.rule for each in self.suite.expectations if each.meta.action}
        emptying: dict[str, list[Broken]] = {}
        for each in found.broken:
            if each.column and each.rule in dropping:
                emptying.setdefault(each.column, []).append(each)
        errors = [each for each in found.broken if each.severity is Severity.ERROR]
        pieces = self.table.pieces[:1] if found.refuses_all else self.table.pieces

        refused = self._mask(errors, everything=found.refuses_all)
        emptied = {column: self._mask(those) for column, those in emptying.items()}

        def typed(piece: Piece) -> "pl.DataFrame":
            rows = _slice(piece)
            known = self._known.get(piece)
            return cells.accepted(
                cells.typed(self.table.frame(piece, self._kept), self.contract, self.as_of)
                if known is None
                else known.lazy(),
                self.contract,
                taken=self._kept,
                refused=refused[rows],
                emptied={column: mask[rows] for column, mask in emptied.items()},
            )

        return Accepted([partial(typed, piece) for piece in pieces])

    def references(self, found: Findings) -> References:
        """The key columns of every row with a finding, as they stand in the file."""
        columns = {column.canonical: column.name for column in self.contract.columns}
        headers = [columns[key] for key in self.contract.key]

        def read() -> dict[int, tuple[str, ...]]:
            broken = [each for each in found.broken if each.rows]
            if not broken:
                return {}
            frame = self._rows(self._mask(broken), headers)
            filled = frame.select(ROW_NO, *headers).fill_null("")
            return {row_no: tuple(texts) for row_no, *texts in filled.iter_rows()}

        return References(read)

    def _own_rules(self, columns: Sequence[str]) -> dict[str, "pl.Expr"]:
        """The rules that are the contract's own, not its suite's."""
        rules = {
            AGE: cells.outside_ages(columns, self.contract),
            WITHHELD: cells.sent_though_withheld(columns, self.contract),
        }
        return {rule: broken for rule, broken in rules.items() if broken is not None}

    @property
    def _kept(self) -> list[str]:
        return [column.name for column in self.contract.columns if column.name not in self.dropped]

    def _frame(self, piece: Piece, suite: Suite) -> "pl.DataFrame":
        rows = self.table.frame(piece, self._kept)
        return cells.with_values(rows, self.contract, suite, as_of=self.as_of)

    def _keys(self, rule: Expectation, rows: "NDArray[np.uint32]", suite: Suite) -> "pl.DataFrame":
        """These rows, with the columns that the rule compares."""
        import numpy as np  # noqa: PLC0415 - costs a tenth of a second

        mask = np.zeros(self.table.count, bool)
        mask[rows - 1] = True
        names = rule.kwargs.columns
        frame = self._rows(mask, cells.sources(names, self.contract, suite.meta.derived))
        return cells.with_values(frame, self.contract, suite, as_of=self.as_of)

    def _rows(self, mask: "NDArray[np.bool_]", columns: Sequence[str]) -> "pl.DataFrame":
        """The rows for which the mask is true, with these columns; pieces without such a row are not parsed again."""
        import polars as pl  # noqa: PLC0415 - costs a third of a second

        def some(piece: Piece) -> "pl.DataFrame":
            return self.table.frame(piece, columns).filter(pl.Series(mask[_slice(piece)]))

        return pl.concat(side_by_side(some, [piece for piece in self.table.pieces if mask[_slice(piece)].any()]))

    def _mask(self, broken: Sequence[Broken], *, everything: bool = False) -> "NDArray[np.bool_]":
        """For each row of the table, whether it is among these."""
        import numpy as np  # noqa: PLC0415 - costs a tenth of a second

        mask = np.full(self.table.count, everything)
        for each in broken:
            mask[np.asarray(each.rows, np.int64) - 1] = True
        return mask


def _slice(piece: Piece) -> slice:
    """Its rows in a sequence of all rows."""
    return slice(piece.first_row - 1, piece.first_row - 1 + piece.rows)
