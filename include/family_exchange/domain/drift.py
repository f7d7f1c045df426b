"""Whether a file is made of something else than the files that its partner sent before: a rule across periods.

Only counts are compared: rows, cells that are filled, codes of the contract. What is said of a file is about the file
as a whole, and holds it until two people have looked; no row of it is wrong by itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from family_exchange.domain.findings import Broken, Severity
from family_exchange.domain.provenance import Key, Model, Provenance, Words

Counts = tuple[tuple[str, str, int], ...]
"""(column, code, rows): both empty for the rows read; a column and `""` for its cells that are not empty."""

SHRANK, GREW, EMPTIED, CODE_GONE, CODE_NEW, CODES_MOVED = (f"SHAPE-00{number}" for number in range(1, 7))

MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        SHRANK: "The file has far fewer rows than your earlier ones. If the extract was cut, send it whole.",
        GREW: "The file has far more rows than your earlier ones. If it holds more than was agreed, send what was.",
        EMPTIED: "This column was filled in your earlier files. If the extract lost it, send the file again.",
        CODE_GONE: "A code that was frequent in this column is gone. If the export lost it, send the file again.",
        CODE_NEW: "A code that was never in this column is frequent now. If it is wrong, send the file again.",
        CODES_MOVED: "The codes of this column are spread as never before. If they are wrong, send the file again.",
    }
)
"""`rule → what the partner should do`."""

Share = Annotated[float, Field(ge=0, le=1)]


class Limits(Model):
    """How much a file may differ; shares are of all rows, or of a column's filled cells."""

    history: int = Field(ge=1)
    """Earlier files that a new one is held against."""
    at_least: int = Field(ge=1)
    """With fewer of them nothing is said."""
    min_rows: int = Field(ge=1)
    """Below that many rows, or filled cells, chance alone moves shares."""
    comparable: float = Field(ge=1)
    """Of two files whose period is known, the longer may cover this many times the days of the shorter."""
    shrunk_below: Share
    """Share of the usual number of rows."""
    grown_above: float = Field(gt=1)
    """Times the usual number of rows."""
    filled: Share
    """A column that had this share of its cells filled must not be empty."""
    frequent: Share
    """A code with this share is frequent."""
    distance: Share
    """Share of the cells that would need another code."""
    leave_out: frozenset[Words] = frozenset()
    """Columns whose codes change with every period, by their headers."""


class FeedLimits(Model):
    """What is otherwise for one feed; None: as for every feed."""

    history: int | None = Field(default=None, ge=1)
    at_least: int | None = Field(default=None, ge=1)
    min_rows: int | None = Field(default=None, ge=1)
    comparable: float | None = Field(default=None, ge=1)
    shrunk_below: Share | None = None
    grown_above: float | None = Field(default=None, gt=1)
    filled: Share | None = None
    frequent: Share | None = None
    distance: Share | None = None
    leave_out: frozenset[Words] | None = None
    note: Words
    """Why."""


class Drift(Model):
    """The limits for every feed, as a file states them."""

    every_feed: Limits
    feeds: Mapping[Key, FeedLimits] = Field(default_factory=dict)
    provenance: Provenance

    def limits(self, feed: str) -> Limits:
        """The limits of that feed."""
        own = self.feeds.get(feed)
        changed = own.model_dump(exclude_none=True, exclude={"note"}) if own else {}
        return self.every_feed.model_copy(update=changed)


@dataclass(frozen=True, slots=True)
class Shape:
    """What one file is made of."""

    counts: Counts
    coverage_from: date | None = None
    coverage_to: date | None = None

    @property
    def days(self) -> int | None:
        """Days that the file covers, both ends included; None: it does not say."""
        if self.coverage_from is None or self.coverage_to is None:
            return None
        return max((self.coverage_to - self.coverage_from).days + 1, 1)

    @property
    def rows(self) -> int:
        """Rows read."""
        return next((rows for column, code, rows in self.counts if not column and not code), 0)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing in which a file is unlike its earlier ones."""

    rule: str
    column: str | None
    code: str | None
    """A code of the contract."""
    now: float
    usual: float
    """Rows for the first two rules, for as many days as the file covers; shares for the others."""


def signs(new: Shape, earlier: Iterable[Shape], limits: Limits) -> tuple[Sign, ...]:
    """In what `new` is unlike the earlier files, in whatever order these come; empty: in nothing, or they are too few.

    Earlier files that cover a much longer or shorter time are left aside; with the others, numbers of rows are compared
    by day when both sides say their days.
    """
    known = [each for each in earlier if _comparable(new, each, limits)]
    if len(known) < limits.at_least:
        return ()
    return (*_of_rows(new, known, limits), *_of_columns(new, known, limits))


def broken(found: Sequence[Sign]) -> tuple[Broken, ...]:
    """The signs as findings about the file as a whole, each rule once for a column."""
    places = dict.fromkeys((sign.rule, sign.column) for sign in found)
    return tuple(Broken(rule, column, Severity.HOLD, ()) for rule, column in places)


def _comparable(new: Shape, old: Shape, limits: Limits) -> bool:
    if new.days is None or old.days is None:
        return True
    return max(new.days, old.days) <= limits.comparable * min(new.days, old.days)


def _of_rows(new: Shape, known: Sequence[Shape], limits: Limits) -> Iterator[Sign]:
    usual = median(old.rows * (new.days / old.days if new.days and old.days else 1) for old in known)
    if usual >= limits.min_rows and new.rows < limits.shrunk_below * usual:
        yield Sign(SHRANK, None, None, new.rows, usual)
    if new.rows >= limits.min_rows and new.rows > limits.grown_above * usual:
        yield Sign(GREW, None, None, new.rows, usual)


def _of_columns(new: Shape, known: Sequence[Shape], limits: Limits) -> Iterator[Sign]:
    now, before = _tables(new), [_tables(old) for old in known]
    for column in sorted(now):
        if all(column in tables for tables in before):
            yield from _of_filled(column, now, before, limits)
            if column not in limits.leave_out:
                yield from _of_codes(column, now[column], [tables[column] for tables in before], limits)


Table = Mapping[str, int]
"""`code → rows` of one column; `""` for its filled cells."""


def _tables(shape: Shape) -> dict[str, dict[str, int]]:
    """The counts by column; under `""` stand the rows."""
    tables: dict[str, dict[str, int]] = {}
    for column, code, rows in shape.counts:
        tables.setdefault(column, {})[code] = rows
    return tables


def _of_filled(
    column: str, now: Mapping[str, Table], before: Sequence[Mapping[str, Table]], limits: Limits
) -> Iterator[Sign]:
    """A column without any value that every earlier file had, and most of them in many rows."""
    rows = now.get("", {}).get("", 0)
    if not column or rows < limits.min_rows or now[column].get("", 0):
        return
    filled = [_share(tables[column].get("", 0), tables.get("", {}).get("", 0)) for tables in before]
    if min(filled) > 0 and (usual := median(filled)) >= limits.filled:
        yield Sign(EMPTIED, column, None, 0, usual)


def _of_codes(column: str, now: Table, before: Sequence[Table], limits: Limits) -> Iterator[Sign]:
    """Codes by their share of the filled cells; a file with too few of those says nothing about codes."""
    shares = _shares(now)
    earlier = [_shares(table) for table in before if table.get("", 0) >= limits.min_rows]
    if not shares or now.get("", 0) < limits.min_rows or len(earlier) < limits.at_least:
        return
    moved = False
    for code in sorted({*shares, *(code for old in earlier for code in old)}):
        had = [old.get(code, 0.0) for old in earlier]
        share, usual = shares.get(code, 0.0), median(had)
        if not share and min(had) > 0 and usual >= limits.frequent:
            moved = True
            yield Sign(CODE_GONE, column, code, share, usual)
        if share >= limits.frequent and not any(had):
            moved = True
            yield Sign(CODE_NEW, column, code, share, usual)
    nearest = min(_distance(shares, old) for old in earlier)
    if not moved and nearest >= limits.distance:
        yield Sign(CODES_MOVED, column, None, nearest, 0.0)


def _shares(table: Table) -> dict[str, float]:
    """`code → its share of the filled cells`; empty for a column without codes or without values."""
    return {code: _share(rows, table.get("", 0)) for code, rows in table.items() if code and table.get("", 0)}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _distance(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The share of cells that must change so that one becomes the other."""
    codes = sorted({*one, *other})  # in one order, so that the sum is the same whoever asks
    return sum(abs(one.get(code, 0.0) - other.get(code, 0.0)) for code in codes) / 2
