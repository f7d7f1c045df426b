"""The workbook of a validated file: every finding by the partner's own row number and reference.

It alone names a partner's reference of a row, and is sealed to the partner before it is anywhere.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from family_exchange.adapters import expectations
from family_exchange.adapters import workbook as workbooks
from family_exchange.domain.advice import CONTACT
from family_exchange.domain.answer import About, Book, ChangeLine, RowLine, RuleLine, with_outcome
from family_exchange.domain.contract import Contract
from family_exchange.domain.file import ACCEPTED
from family_exchange.domain.findings import Findings, row_key
from family_exchange.domain.resend import Changes, Resent
from family_exchange.stages.validate import Validated

MOST_ROWS = 200_000
"""Findings that a workbook lists; the receipt lists all of them."""

Shown = Mapping[int | tuple[str, int] | None, tuple[str, ...]]
"""A row's key `→` what stands under `Book.reference`."""


def workbook(known: About, checked: Validated, contract: Contract, since: Resent | None = None) -> bytes | None:
    """The workbook of a validated file, as XLSX; None when nothing was found in it and nothing changed.

    Besides rows, columns and rules it holds the partner's own references of those rows: seal it before it is anywhere.
    """
    changed = since is not None and since.changes is not None and bool(since.changes.fixed)
    return workbooks.written(book(known, checked, contract, since)) if checked.findings.broken or changed else None


def book(known: About, checked: Validated, contract: Contract, since: Resent | None = None) -> Book:
    """What the workbook shows."""
    said = expectations.messages(contract.feed, contract.version)
    found = checked.findings
    references = checked.references
    bundled = bool(contract.tables)
    headings = ("your reference",) if bundled else tuple(contract.column(key).name for key in contract.key)
    shown: Shown = {row: (" / ".join(filter(None, parts)),) if bundled else parts for row, parts in references.items()}
    return Book(
        about=known,
        rules=tuple(_rule_lines(found, said)),
        reference=headings,
        rows=_row_lines(found, said, shown, taken=known.state in {None, *ACCEPTED}),
        more=max(len(found) - MOST_ROWS, 0),
        bundle=bundled,
        resent=since,
        changes=_change_lines(since.changes, said, shown) if since and since.changes else (),
    )


def _rule_lines(found: Findings, said: Mapping[str, str]) -> Iterator[RuleLine]:
    """One line for each broken rule, in the suite's order."""
    for each in found.broken:
        yield RuleLine(
            each.rule, each.severity, each.table, each.column, len(each.rows) or 1, said.get(each.rule, CONTACT)
        )


def _row_lines(found: Findings, said: Mapping[str, str], shown: Shown, *, taken: bool) -> Iterator[RowLine]:
    """One line for each finding; `taken`: the file's rows count at all."""
    for each, loaded in islice(with_outcome(found, taken=taken), MOST_ROWS):
        reference = shown.get(row_key(each.table, each.row_no), ())
        yield RowLine(
            each.table,
            each.row_no,
            reference,
            each.column,
            each.rule,
            each.severity,
            said.get(each.rule, CONTACT),
            loaded,
        )


def _change_lines(changed: Changes, said: Mapping[str, str], shown: Shown) -> Iterator[ChangeLine]:
    """What is still wrong, what is new, and what is fixed; a fixed one has its row number in the earlier file only."""
    for what, group in (("still wrong", changed.still), ("new", changed.new), ("fixed", changed.fixed)):
        for mark in group:
            reference = () if what == "fixed" else shown.get(row_key(mark.table, mark.row_no), ())
            yield ChangeLine(
                what, mark.table, mark.row_no, reference, mark.column, mark.rule, said.get(mark.rule, CONTACT)
            )
