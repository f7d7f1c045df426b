"""What a partner is told of one file: facts of the file, rules, rows and columns; never a value of a cell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from family_exchange.domain.advice import next_step
from family_exchange.domain.file import Reason, State, Verdict
from family_exchange.domain.findings import Finding, Severity
from family_exchange.domain.resend import Resent


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one file, and columns of its contract."""

    read: int
    loaded: int
    """Without any finding."""
    with_finding: int
    """Loaded although a warning concerns them."""
    refused: int
    columns_dropped: int
    """Columns that the council's notice does not allow; they were not looked at."""


@dataclass(frozen=True, slots=True)
class About:
    """One file as its partner knows it, and what became of it; None: not known, or not yet."""

    feed: str
    name: str = field(repr=False)
    """The partner's own name of the file."""
    council: str | None = None
    file_id: str | None = None
    partner: str | None = None
    contract: str | None = None
    """Version."""
    received_at: datetime | None = None
    size: int | None = None
    """Bytes, sealed."""
    sha256: str | None = None
    """Of the sealed bytes."""
    signer: str | None = None
    """Fingerprint of the signer's primary key."""
    signed_at: datetime | None = None
    as_of: date | None = None
    coverage_from: date | None = None
    coverage_to: date | None = None
    area: str | None = None
    sequence: int | None = None
    state: State | None = None
    verdict: Verdict | None = None
    reason: Reason | None = None
    detail: str | None = None
    """What exactly is wrong with the file as a whole."""
    duplicate_of: str | None = None
    superseded_by: str | None = None
    conflicts_with: str | None = None
    history: bool = False
    """Newer news had been taken before it."""
    counts: Counts | None = None

    @property
    def what_to_do(self) -> str:
        """The next step of the partner."""
        return next_step(self.state, self.verdict, self.reason)


def with_outcome(findings: Iterable[Finding], *, taken: bool) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether its row was taken; `taken`: the file's rows count at all.

    The findings come row by row, those of the file as a whole first.
    """
    for (_, row_no), group in groupby(findings, key=lambda each: (each.table, each.row_no)):
        of_row = list(group)
        errors = any(each.severity is Severity.ERROR for each in of_row)
        taken = taken and not (errors and row_no is None)
        yield from ((each, taken and not errors) for each in of_row)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that was broken."""

    rule: str
    severity: Severity
    table: str | None
    column: str | None
    count: int
    """Rows; 1 for the file as a whole."""
    fix: str


@dataclass(frozen=True, slots=True)
class RowLine:
    """One finding, as the partner can look it up in its own system."""

    table: str | None
    row_no: int | None
    """1 is the first row after the header; None: the file as a whole."""
    reference: tuple[str, ...] = field(repr=False)
    """The partner's own reference of the row, under `Book.reference`; empty when unknown."""
    column: str | None
    rule: str
    severity: Severity
    fix: str
    loaded: bool
    """True when the row was taken."""


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One finding beside those of the earlier file."""

    what: str
    """`fixed`, `still wrong` or `new`."""
    table: str | None
    row_no: int | None
    """In the earlier file for what is fixed, otherwise in this one."""
    reference: tuple[str, ...] = field(repr=False)
    column: str | None
    rule: str
    fix: str


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that a workbook shows."""

    about: About
    rules: tuple[RuleLine, ...]
    reference: tuple[str, ...]
    """Headings over the parts of a row's reference."""
    rows: Iterable[RowLine] = field(repr=False)
    more: int
    """Findings beyond `rows`; the receipt names them too."""
    bundle: bool = False
    """True when rows are counted within several tables."""
    resent: Resent | None = None
    changes: Iterable[ChangeLine] = field(default=(), repr=False)
