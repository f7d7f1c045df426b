"""What validation found in one file, and what follows for its rows and for the file.

Findings are kept by rule, not by row: a file of a million rows breaks a few dozen rules at most, and the row numbers of
each are one plain sequence that can be stored in bulk. Row numbers, columns and rules only; never a value. In a bundle
rows are counted within each table.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import chain

from family_exchange.domain.file import Verdict

AGE = "AGE"
"""The rule of every contract's age gate."""

WITHHELD = "WITHHELD"
"""The rule of every contract with columns that a flag withholds: they were sent nevertheless, and are not kept."""

KEEP_EMPTY = "You marked the address as withheld and sent one; it was not kept. Send it empty: nobody here may know it."
"""What to do about `WITHHELD`."""

PERSON, MERGED, UNUSED = "PERSON", "MERGED", "UNUSED"
"""The rules between the tables of a bundle: a row of nobody, of a merged duplicate, of a kind that is not taken in."""

MESSAGES = {
    PERSON: "Send the person of this row in the table of persons too, in order; or leave the row out.",
    MERGED: "Nothing to mend: the person was merged into another record, so this row is left out.",
    UNUSED: "Leave this row out, or mend it: the number is of a kind not taken in, or it or the address is wrong.",
}
"""`rule → what to do` for those rules."""


class Severity(StrEnum):
    """What a broken rule does to a row."""

    ERROR = "error"
    """The row stays out."""
    WARNING = "warning"
    """The row stays; an identifier that cannot be right is left out of it."""
    HOLD = "hold"
    """The file as a whole waits until two people have looked at it."""
    NOTE = "note"
    """The row stays, and only the council is told: the partner would learn what others know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken in one place."""

    row_no: int | None
    """1 is the first row after the header; None: the file as a whole."""
    column: str | None
    """The name in the file's header; None: no single column."""
    rule: str
    severity: Severity
    table: str | None = None
    """The table of a bundle, in which the row is counted; None: the file has one table."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule and every row that broke it."""

    rule: str
    column: str | None
    severity: Severity
    rows: Sequence[int]
    """Ascending, without repeats; empty when the file, or its table, as a whole broke the rule."""
    table: str | None = None
    """The table of a bundle, in which the rows are counted; None: the file has one table."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found in one file, by rule in the suite's order; a rule that nothing broke is not here."""

    rows_read: int
    broken: tuple[Broken, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        """One finding for each rule and row: the file's own first, then table by table and row by row.

        They are made as they are asked for: a file that is wrong throughout has millions.
        """
        tables = {table: place for place, table in enumerate(dict.fromkeys(found.table for found in self.broken))}
        by_rule = (_numbered(found, tables[found.table], order) for order, found in enumerate(self.broken))
        for _, row_no, found in merge(*by_rule, key=lambda item: item[0]):
            yield Finding(row_no, found.column, found.rule, found.severity, found.table)

    def __len__(self) -> int:
        """The number of findings, as `iter` would give them."""
        return sum(len(found.rows) or 1 for found in self.broken)

    def and_more(self, broken: Sequence[Broken]) -> "Findings":
        """These findings, and after them those of other rules."""
        return Findings(self.rows_read, (*self.broken, *broken))

    def told(self) -> "Findings":
        """What the partner is told of."""
        return Findings(self.rows_read, tuple(found for found in self.broken if found.severity is not Severity.NOTE))

    @property
    def holds(self) -> bool:
        """True when two people have to look at the file."""
        return any(found.severity is Severity.HOLD for found in self.broken)

    @property
    def refuses_all(self) -> bool:
        """True when an error concerns the file as a whole."""
        return any(found.severity is Severity.ERROR and not found.rows for found in self.broken)

    @property
    def refused_rows(self) -> frozenset[int]:
        """The rows of a file with one table that stay out because of an error of their own."""
        return self._rows(Severity.ERROR).get(None, frozenset())

    @property
    def rows_refused(self) -> int:
        """How many rows stay out."""
        return self.rows_read if self.refuses_all else sum(map(len, self._rows(Severity.ERROR).values()))

    @property
    def rows_with_finding(self) -> int:
        """How many rows are loaded although a warning concerns them."""
        if self.refuses_all:
            return 0
        refused = self._rows(Severity.ERROR)
        warned = self._rows(Severity.WARNING).items()
        return sum(len(rows - refused.get(table, frozenset())) for table, rows in warned)

    @property
    def rows_loaded(self) -> int:
        """How many rows are loaded without any finding."""
        return self.rows_read - self.rows_refused - self.rows_with_finding

    def by_rule(self) -> Counter[str]:
        """How often each rule was broken; a file-wide finding counts once."""
        counts: Counter[str] = Counter()
        for found in self.broken:
            counts[found.rule] += len(found.rows) or 1
        return counts

    def verdict(self) -> Verdict:
        """The platform's word on the whole file: refused when no row of it can be loaded."""
        refused = self.rows_refused
        if refused == self.rows_read:
            return Verdict.REFUSED
        if refused:
            return Verdict.PARTLY_ACCEPTED
        return Verdict.ACCEPTED_WITH_FINDINGS if self.told().broken else Verdict.ACCEPTED

    def _rows(self, severity: Severity) -> dict[str | None, frozenset[int]]:
        """`table → its rows` that broke a rule of this severity."""
        by_table: dict[str | None, list[Sequence[int]]] = {}
        for found in self.broken:
            if found.severity is severity:
                by_table.setdefault(found.table, []).append(found.rows)
        return {table: frozenset(chain.from_iterable(rows)) for table, rows in by_table.items()}


def row_key(table: str | None, row_no: int | None) -> int | tuple[str, int] | None:
    """What tells one row of a file from every other: its number, in a bundle with its table; None: no row."""
    return row_no if table is None or row_no is None else (table, row_no)


def _numbered(found: Broken, table: int, order: int) -> Iterator[tuple[tuple[int, int, int], int | None, Broken]]:
    """Every row of one rule behind its place among all findings."""
    if not found.rows:
        yield (-1, 0, order), None, found
    for row_no in found.rows:
        yield (table, row_no, order), row_no, found
