"""The cells of a sheet as the CSV that its maker would have sent: from here on there is one path.

What stands in a cell is taken, not how it is shown. What is not a plain value stops the file, with row and column as
the sheet numbers them: formulas (a stored result may be stale), errors, merged cells, hidden rows and columns, and
numbers of more than 15 digits, which spreadsheets round. ADR 0019.
"""

import csv
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, TextIOWrapper

from family_exchange.adapters import archive, markup
from family_exchange.adapters.archive import Member
from family_exchange.adapters.workbook_parts import Workbook, unescaped
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.manifest import MARK

MOST_ROWS, MOST_COLUMNS = 1_048_576, 1_024
"""Rows are Excel's own limit; no contract has nearly as many columns."""
LONGEST_TEXT = 32_767
"""Characters of a cell; Excel's own limit."""
ROUNDED = 10**15
"""From here on a spreadsheet does not hold every whole number."""

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_DATE_1900, _DATE_1904 = date(1899, 12, 30), date(1904, 1, 1)
_LEAP_DAY_THAT_NEVER_WAS = 60
"""1900-02-29 in spreadsheets; days before it are counted from one day later."""
_LAST_DAY = 2_958_465
_SECONDS = 86_400
_TRUE = {"1": "Y", "0": "N"}


def as_csv(sheet: Member, book: Workbook, *, delimiter: str, date_format: str) -> bytes:
    """The sheet's rows in UTF-8: its header row, with the manifest line above it if there is one, and all below.

    Rows keep their place: an empty one between others stays, those at the end are gone.

    Raises:
        DataRefused: CONTENT (a cell that is no plain value), SCHEMA (hidden or merged cells, too many columns),
            CSV_SYNTAX (a cell beyond the header), EXPANSION, CORRUPT.
    """
    reading = _Reading(book, delimiter, date_format)
    markup.read(sheet.chunks(), start=reading.start, end=reading.end, text=reading.text)
    return reading.written()


def first_cell(sheet: Member, book: Workbook) -> str:
    """The text of cell A1, or nothing; the rows below are not read."""
    reading = _Reading(book, ",", "%Y-%m-%d")

    def end(name: str) -> None:
        reading.end(name)
        if markup.local(name) == "c":
            raise _Enough

    try:
        markup.read(sheet.chunks(), start=reading.start, end=end, text=reading.text)
    except _Enough:
        return reading.cells[0] if reading.place == (1, 1) else ""
    return ""


class _Enough(Exception):
    """The cell that was asked for has been read."""


class _Reading:
    """One sheet while it is read; cells come in order of row and column."""

    def __init__(self, book: Workbook, delimiter: str, date_format: str) -> None:
        self._book, self._date_format = book, date_format
        self._buffer = BytesIO()
        self._out = TextIOWrapper(self._buffer, "utf-8", newline="")
        self._csv = csv.writer(self._out, delimiter=delimiter, lineterminator="\n")
        self._local: dict[str, str] = {}
        self._row, self._column = 0, 0
        self.cells: list[str] = []
        self._kind, self._style = "n", 0
        self._parts: list[str] = []
        self._in_cell = self._taking = False
        self._width = self._empty_rows = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match self._local.setdefault(name, markup.local(name)):
            case "c":
                self._begin_cell(attributes)
            case "v" | "t" if self._in_cell:
                self._taking = True
            case "f" if self._in_cell:
                raise self._wrong("holds a formula; send the values")
            case "row":
                self._begin_row(attributes)
            case "col" if _yes(attributes, "hidden"):
                raise DataRefused(Reason.SCHEMA, "a column of the sheet is hidden; show it, or take it out")
            case "mergeCell":
                raise DataRefused(Reason.SCHEMA, "cells of the sheet are merged; give each row and column its own")
            case "rPh":
                self._in_cell = False

    def text(self, piece: str) -> None:
        if self._taking:
            self._parts.append(piece)

    def end(self, name: str) -> None:
        match self._local[name]:
            case "v" | "t":
                self._taking = False
            case "rPh":
                self._in_cell = True
            case "c":
                self.cells.append(self._value("".join(self._parts)) if self._parts else "")
                self._in_cell = False
            case "row":
                self._end_row()

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of the last cell."""
        return self._row, self._column

    def written(self) -> bytes:
        """The CSV; to be asked once, at the end."""
        self._out.flush()
        return self._buffer.getvalue()

    def _begin_row(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r", str(self._row + 1))
        row = int(place) if place.isascii() and place.isdigit() and len(place) < len(str(MOST_ROWS)) + 1 else 0
        if not self._row < row <= MOST_ROWS:
            raise DataRefused(Reason.CORRUPT, "the rows of the sheet are not in order")
        if _yes(attributes, "hidden"):
            raise DataRefused(Reason.SCHEMA, f"row {row} of the sheet is hidden; show it, or take it out")
        if self._width:
            self._empty_rows += row - self._row - 1
        self._row, self._column = row, 0
        self.cells = []

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        column = self._column + 1
        if "r" in attributes:
            place = _PLACE.fullmatch(attributes["r"])
            column = _column_number(place[1]) if place and int(place[2]) == self._row else 0
        if column <= self._column:
            raise DataRefused(Reason.CORRUPT, "the cells of the sheet are not in order")
        if column > MOST_COLUMNS:
            raise DataRefused(Reason.SCHEMA, f"row {self._row} of the sheet has more than {MOST_COLUMNS} columns")
        self.cells += [""] * (column - self._column - 1)
        self._column = column
        self._kind = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self._style = int(style) if style.isascii() and style.isdigit() else 0
        self._parts.clear()
        self._in_cell = True

    def _end_row(self) -> None:
        while self.cells and not self.cells[-1]:
            self.cells.pop()
        if not self.cells:
            self._empty_rows += bool(self._width)
        elif self._row == 1 and self.cells[0].startswith(MARK) and len(self.cells) == 1:
            self._out.write(" ".join(self.cells[0].split()) + "\n")
        else:
            self._width = self._width or len(self.cells)
            if len(self.cells) > self._width:
                raise DataRefused(Reason.CSV_SYNTAX, f"row {self._row} of the sheet has cells beyond the header")
            for _ in range(self._empty_rows):
                self._write(())
            self._empty_rows = 0
            self._write(self.cells)

    def _write(self, cells: Sequence[str]) -> None:
        self._csv.writerow((*cells, *[""] * (self._width - len(cells))))
        if self._buffer.tell() > archive.LARGEST:
            raise DataRefused(Reason.EXPANSION, f"the sheet comes to more than {archive.LARGEST >> 20} MiB")

    def _value(self, text: str) -> str:
        match self._kind:
            case "s":
                return self._shared(text)
            case "inlineStr" | "str":
                return self._plain(unescaped(text))
            case "b" if text in _TRUE:
                return _TRUE[text]
            case "d":
                return self._day(text)
            case "n":
                return self._number(text)
        raise self._wrong("holds an error or something that is no value")

    def _shared(self, text: str) -> str:
        place = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(archive.LARGEST)) else -1
        if not 0 <= place < len(self._book.texts):
            raise DataRefused(Reason.CORRUPT, "a cell of the sheet points to a text that is not there")
        return self._plain(self._book.texts[place])

    def _plain(self, text: str) -> str:
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text if sign > "\ud7ff"):
            raise DataRefused(Reason.ENCODING, f"{self._here()} holds a sign that is no text")
        if len(text) > LONGEST_TEXT:
            raise DataRefused(Reason.CSV_SYNTAX, f"{self._here()} holds more than {LONGEST_TEXT} characters")
        return text

    def _day(self, text: str) -> str:
        try:
            moment = datetime.fromisoformat(text.removesuffix("Z"))
        except ValueError:
            raise self._wrong("holds a date that cannot be read") from None
        return self._written_day(moment)

    def _number(self, text: str) -> str:
        try:
            value = float(text)
        except ValueError:
            raise self._wrong("holds a number that cannot be read") from None
        if not abs(value) < ROUNDED:
            raise self._wrong("holds a number of more than 15 digits, which a spreadsheet rounds; send it as text")
        if self._style in self._book.date_styles and 1 <= value <= _LAST_DAY:
            return self._written_serial(value)
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"

    def _written_serial(self, value: float) -> str:
        days = int(value)
        if self._book.from_1904:
            first = _DATE_1904
        elif days == _LEAP_DAY_THAT_NEVER_WAS:
            return "1900-02-29"
        else:
            first = _DATE_1900 + timedelta(days=days < _LEAP_DAY_THAT_NEVER_WAS)
        try:
            day = first + timedelta(days=days)
        except OverflowError:
            raise self._wrong("holds a date that cannot be read") from None
        midnight = datetime.combine(day, datetime.min.time())
        return self._written_day(midnight + timedelta(seconds=round((value - days) * _SECONDS)))

    def _written_day(self, moment: datetime) -> str:
        """The day as the contract writes it; with its time where it has one, so that a rule of dates refuses it."""
        form = self._date_format if moment.time() == datetime.min.time() else f"{self._date_format} %H:%M:%S"
        return moment.strftime(form)

    def _here(self) -> str:
        return f"row {self._row}, column {self._column} of the sheet"

    def _wrong(self, what: str) -> DataRefused:
        return DataRefused(Reason.CONTENT, f"{self._here()} {what}")


def _yes(attributes: dict[str, str], name: str) -> bool:
    return attributes.get(name, "0") in {"1", "true"}


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
