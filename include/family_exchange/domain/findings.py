"""What validation found in one file, and what follows for its rows and for the file.

Findings are kept by rule, not by row: a file of a million rows breaks a few dozen rules at most, and the row numbers of
each are one plain sequence that can be stored in bulk. Row numbers, columns and rules only; never a value.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from family_exchange.domain.file import Verdict

AGE = "AGE"
"""The rule of every contract's age gate; the others are the suite's."""


class Severity(StrEnum):
    """What a broken rule does to a row."""

    ERROR = "error"
    """The row stays out."""
    WARNING = "warning"
    """The row stays; an identifier that cannot be right is left out of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken in one place."""

    row_no: int | None
    """1 is the first row after the header; None: the file as a whole."""
    column: str | None
    """The name in the file's header; None: no single column."""
    rule: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule and every row that broke it."""

    rule: str
    column: str | None
    severity: Severity
    rows: Sequence[int]
    """Ascending, without repeats; empty when the file as a whole broke the rule."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found in one file, by rule in the suite's order; a rule that nothing broke is not here."""

    rows_read: int
    broken: tuple[Broken, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        """One finding for each rule and row: the file's own first, then row by row, then in the suite's order."""
        numbered = (
            (row_no or 0, order, row_no, found)
            for order, found in enumerate(self.broken)
            for row_no in (found.rows or (None,))
        )
        for _, _, row_no, found in sorted(numbered, key=lambda item: item[:2]):
            yield Finding(row_no, found.column, found.rule, found.severity)

    def __len__(self) -> int:
        """The number of findings, as `iter` would give them."""
        return sum(len(found.rows) or 1 for found in self.broken)

    @property
    def refuses_all(self) -> bool:
        """True when an error concerns the file as a whole."""
        return any(found.severity is Severity.ERROR and not found.rows for found in self.broken)

    @property
    def refused_rows(self) -> frozenset[int]:
        """The rows that stay out because of an error of their own."""
        return frozenset(chain.from_iterable(self._rows(Severity.ERROR)))

    @property
    def rows_refused(self) -> int:
        """How many rows stay out."""
        return self.rows_read if self.refuses_all else len(self.refused_rows)

    @property
    def rows_with_finding(self) -> int:
        """How many rows are loaded although a warning concerns them."""
        if self.refuses_all:
            return 0
        return len(frozenset(chain.from_iterable(self._rows(Severity.WARNING))) - self.refused_rows)

    @property
    def rows_loaded(self) -> int:
        """How many rows are loaded without any finding."""
        return self.rows_read - self.rows_refused - self.rows_with_finding

    def by_rule(self) -> Counter[str]:
        """How often each rule was broken; a file-wide finding counts once."""
        return Counter({found.rule: len(found.rows) or 1 for found in self.broken})

    def verdict(self) -> Verdict:
        """The platform's word on the whole file: refused when no row of it can be loaded."""
        refused = self.rows_refused
        if refused == self.rows_read:
            return Verdict.REFUSED
        if refused:
            return Verdict.PARTLY_ACCEPTED
        return Verdict.ACCEPTED_WITH_FINDINGS if self.broken else Verdict.ACCEPTED

    def _rows(self, severity: Severity) -> Iterator[Sequence[int]]:
        return (found.rows for found in self.broken if found.severity is severity)
