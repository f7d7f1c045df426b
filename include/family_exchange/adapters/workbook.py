"""The workbook that a partner gets when something was found: what to do, row by row, by the partner's own references.

Sheets: `Summary`, `Rows` and, after a resend, `Changes`. It names the row's own reference and no other cell of it.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import chain, islice

from family_exchange.adapters import xlsx
from family_exchange.adapters.xlsx import Column, Sheet
from family_exchange.domain.answer import About, Book, ChangeLine, RowLine
from family_exchange.domain.resend import Resent

_LOOKED_AT = 1_000
"""Rows whose references decide how wide their columns are."""

_NARROW, _WIDE = 12, 44
"""Least and most characters of a column with references."""


def written(book: Book) -> bytes:
    """The workbook, as XLSX; the same book gives the same bytes."""
    sheets = [_summary(book), _rows(book)]
    if book.resent and book.resent.changes:
        sheets.append(_changes(book))
    return xlsx.written(sheets)


def compared(resent: Resent) -> Iterator[tuple[str, str]]:
    """What the earlier file has to do with this one, as `(label, words)`."""
    earlier, changes = resent.earlier, resent.changes
    yield "Compared with", f"{earlier.name} (file {earlier.file_id}), received {_said(earlier.received_at)}"
    if resent.reason_gone:
        yield "Since then", f"{resent.reason_gone}, for which the earlier file was not taken, no longer applies."
    if changes:
        counts = f"{len(changes.fixed)} fixed, {len(changes.still)} still wrong, {len(changes.new)} new"
        yield "Findings since then", counts


def _summary(book: Book) -> Sheet:
    above = (*_facts(book), *_outlook(book))
    return Sheet(
        "Summary",
        (
            Column("Rule", 24),
            Column("What to do", 88, long=True),
            Column("Severity", 10),
            *_table(book),
            Column("Column", 26),
            Column("Rows", 10),
        ),
        (
            (line.rule, line.fix, line.severity, *_of_table(book, line.table), line.column, line.count)
            for line in book.rules
        ),
        above=(*above, (None,)),
    )


def _facts(book: Book) -> Iterator[tuple[str, str]]:
    about = book.about
    stated: tuple[tuple[str, object], ...] = (
        ("File", about.name),
        ("File number", about.file_id),
        ("Council", about.council),
        ("Partner", about.partner),
        ("Feed", " ".join(filter(None, (about.feed, about.contract)))),
        ("Received", about.received_at),
        ("As of", about.as_of),
        ("Covers", _coverage(about)),
        ("Area", about.area),
        ("Number of the file", about.sequence),
        ("Verdict", str(about.verdict or "").replace("_", " ")),
        ("Reason", " ".join(filter(None, (about.reason, about.detail)))),
        ("What to do next", about.what_to_do),
    )
    for label, fact in stated:
        if fact not in {None, ""}:
            yield label, _said(fact)


def _outlook(book: Book) -> Iterator[tuple[str, str]]:
    if counts := book.about.counts:
        yield "Rows read", f"{counts.read:,}"
        yield "Rows loaded", f"{counts.loaded:,}"
        yield "Loaded with a finding", f"{counts.with_finding:,}"
        yield "Rows refused", f"{counts.refused:,}"
        yield "Columns not taken", f"{counts.columns_dropped:,}"
    if book.resent:
        yield from compared(book.resent)
    if book.more:
        yield "More findings", f"{book.more:,} more are in the receipt (JSON); this workbook lists the first ones."


def _rows(book: Book) -> Sheet:
    first, rows = _peeked(book.rows)
    return Sheet(
        "Rows",
        (
            Column("Row", 9),
            *_table(book),
            *_references(book.reference, (line.reference for line in first)),
            Column("Column", 24),
            Column("Rule", 10),
            Column("Severity", 10),
            Column("What is wrong and what to do", 80, long=True),
            Column("Row loaded", 12),
        ),
        (
            (
                line.row_no,
                *_of_table(book, line.table),
                *_padded(line.reference, book.reference),
                line.column,
                line.rule,
                line.severity,
                line.fix,
                "yes" if line.loaded else "no",
            )
            for line in rows
        ),
    )


def _changes(book: Book) -> Sheet:
    lines: list[ChangeLine] = list(book.changes)
    return Sheet(
        "Changes",
        (
            Column("Since the earlier file", 22),
            Column("Row", 9),
            *_table(book),
            *_references(book.reference, (line.reference for line in lines[:_LOOKED_AT])),
            Column("Column", 24),
            Column("Rule", 10),
            Column("What to do", 80, long=True),
            Column("Row of which file", 18),
        ),
        (
            (
                line.what,
                line.row_no,
                *_of_table(book, line.table),
                *_padded(line.reference, book.reference),
                line.column,
                line.rule,
                line.fix,
                "the earlier file" if line.what == "fixed" else "this file",
            )
            for line in lines
        ),
    )


def _table(book: Book) -> tuple[Column, ...]:
    """The column that tells the tables of a bundle apart; none for a file with one table."""
    return (Column("Table", 20),) if book.bundle else ()


def _of_table(book: Book, table: str | None) -> tuple[str | None, ...]:
    return (table,) if book.bundle else ()


def _peeked(rows: Iterable[RowLine]) -> tuple[list[RowLine], Iterator[RowLine]]:
    """The first rows, and all of them."""
    every = iter(rows)
    first = list(islice(every, _LOOKED_AT))
    return first, chain(first, every)


def _references(headings: tuple[str, ...], seen: Iterable[tuple[str, ...]]) -> Iterator[Column]:
    """A column for each part of the reference, as wide as what stands in it."""
    widest = [len(heading) for heading in headings]
    for reference in seen:
        widest = [max(width, len(part)) for width, part in zip(widest, _padded(reference, headings), strict=True)]
    for heading, width in zip(headings, widest, strict=True):
        yield Column(heading, min(max(width + 2, _NARROW), _WIDE))


def _padded(reference: tuple[str, ...], headings: tuple[str, ...]) -> tuple[str, ...]:
    return reference or ("",) * len(headings)


def _coverage(about: About) -> str | None:
    if about.coverage_from is None and about.coverage_to is None:
        return None
    return f"{_said(about.coverage_from or '…')} to {_said(about.coverage_to or '…')}"


def _said(fact: object) -> str:
    if isinstance(fact, datetime):
        return f"{fact:%Y-%m-%d %H:%M} UTC"
    return fact.isoformat() if isinstance(fact, date) else str(fact)
