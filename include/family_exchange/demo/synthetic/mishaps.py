"""Files that misbehave: rows that break the contract, columns that nobody agreed on, content that was sent before."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from family_exchange.demo.synthetic import numbers
from family_exchange.demo.synthetic.sheet import Sheet, as_csv, preamble
from family_exchange.demo.synthetic.span import Span

Row = dict[str, str]
Slip = Callable[[Row], Row]


class Misbehaviour(StrEnum):
    """What is wrong with a file, or odd about it; sealing, signing and cutting is done by whoever drops it."""

    UNSIGNED = "unsigned"
    """Sealed, but nobody signed it."""
    WRONG_COLUMNS = "wrong_columns"
    BAD_ROWS = "bad_rows"
    SENT_TWICE = "sent_twice"
    """The same content as a good file, under another name."""
    CUT_SHORT = "cut_short"
    """The transfer broke off: the sealed bytes end too early."""
    WRONG_ENCODING = "wrong_encoding"
    """Written in the code page of an old computer."""
    OPEN_QUOTE = "open_quote"
    """A quote is opened and never closed."""
    RAGGED_ROW = "ragged_row"
    """One row lacks a cell."""
    EMPTY = "empty"
    """Nothing at all."""
    HEADER_ONLY = "header_only"
    WRONG_ROW_COUNT = "wrong_row_count"
    """The first line promises more rows than there are."""
    OTHER_COUNCIL = "other_council"
    """The first line names another council."""
    SHRUNK = "shrunk"
    """One row in twenty of what the good file has."""
    DRIFTED_CODE = "drifted_code"
    """A column that had several codes has the same one in every row."""
    EMPTIED_COLUMN = "emptied_column"
    """A column that was filled is empty in every row."""
    NEXT_SEQUENCE = "next_sequence"
    """Nothing is wrong: the partner's file number 2, which the two that follow are compared with."""
    OLDER_SEQUENCE = "older_sequence"
    """File number 1 of the same day, sent after number 2."""
    SAME_SEQUENCE = "same_sequence"
    """Number 2 again, with other rows."""
    FORMULAS = "formulas"
    """Nothing is wrong: names that a spreadsheet would take for formulas."""
    ODD_NAMES = "odd_names"
    """Nothing is wrong: names that careless programs lose."""
    MISSING_TABLE = "missing_table"
    """A bundle without one of its tables."""


IN_THE_DEMO = (
    Misbehaviour.UNSIGNED,
    Misbehaviour.WRONG_COLUMNS,
    Misbehaviour.BAD_ROWS,
    Misbehaviour.SENT_TWICE,
    Misbehaviour.CUT_SHORT,
)
"""What the partners of the demo do, once each."""


def _set(**changes: str) -> Slip:
    return lambda row: row | changes


def _shifted(column: str) -> Slip:
    """A name stands where a date should: the columns of one line slipped."""
    return lambda row: row | {column: row["forename"]}


def _british_date(column: str) -> Slip:
    """Day, month, year with slashes: never guessed at, so refused."""
    return lambda row: row | {column: "/".join(reversed((row[column] or "2001-02-03").split("-")))}


def _misread(column: str, instead_of_none: str) -> Slip:
    return lambda row: row | {column: numbers.misread(row[column] or instead_of_none)}


BAD_HOUSING_ROWS: tuple[Slip, ...] = (
    _set(date_of_birth="2011-02-30"),
    _shifted("date_of_birth"),
    _british_date("tenancy_start"),
    _set(surname=""),
    _set(relationship="lodger"),
    _set(sex="X"),
    _set(nino="QQ123456C"),
    _set(nino="BG12345"),
    _set(arrears_amount="12,50"),
    _set(tenant_ref=""),
    lambda row: row | {"tenancy_start": "2026-05-01", "tenancy_end": "2019-04-30"},
    _set(postcode="M1 1CA"),
    _set(date_of_birth="2031-01-01"),
    _set(notice_seeking_possession="maybe"),
)
BAD_POLICE_ROWS: tuple[Slip, ...] = (
    _set(incident_date="2026-06-31"),
    _shifted("date_of_birth"),
    _british_date("date_of_birth"),
    _set(surname=""),
    _set(role="bystander"),
    _set(sex="X"),
    _misread("pnc_id", numbers.pnc_id(2014, 1234567)),
    _set(outcome="let off"),
    _set(da_flag="?"),
    _set(person_ref=""),
    _set(incident_date="2031-01-01"),
    _set(postcode="M1 1CA"),
    _set(date_of_birth="2031-01-01"),
    _set(incident_type="burglary"),
)


def with_bad_rows(sheet: Sheet, slips: Sequence[Slip], *, favourites: Sequence[tuple[str, ...]]) -> Sheet:
    """The sheet with one row more for each slip, evenly spread, and one that stands twice at the end.

    Each is a copy of a good row under a reference of its own, so that the good rows all stay good; every other one
    copies a row of the `favourites`, if there are any.
    """
    rows = list(sheet.rows)
    for number, slip in enumerate(slips, start=1):
        place = number * len(rows) // (len(slips) + 1)
        source = favourites[number % len(favourites)] if favourites and number % 2 == 0 else rows[place]
        rows.insert(place + 1, tuple(slip(_copy(sheet, source, number)).values()))
    rows += [tuple(_copy(sheet, rows[0], 0).values())] * 2
    return Sheet(sheet.feed, sheet.header, rows, dict(sheet.meant))


def with_wrong_columns(sheet: Sheet, during: Span, *, extra: str) -> bytes:
    """The file under headers that the contract does not know, without its last column but with an `extra` one."""
    renamed: Mapping[str, str] = {"date_of_birth": "DOB", "forename": "First name", "surname": "Last name"}
    header = [renamed.get(name, name) for name in sheet.header[:-1]] + [extra]
    rows = [(*row[:-1], "none") for row in sheet.rows]
    return preamble(sheet.feed, during, len(rows)) + as_csv(header, rows)


def _copy(sheet: Sheet, source: Sequence[str], number: int) -> Row:
    """The row under a reference of its own, so that it is no repeat."""
    row = dict(zip(sheet.header, source, strict=True))
    return row | {key: f"{row[key]}-B{number:02d}" for key in ("incident_ref", "tenant_ref") if key in row}
