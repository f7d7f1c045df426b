"""A partner's CSV, read strictly: text in, text out, nothing guessed, nothing repaired.

polars parses; it fills short rows, and its errors quote what was typed. So the shape is proved first, in bulk, and its
own errors never leave this module. A message names rows and columns by number, because a header may hold anything.
"""

import codecs
import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from family_exchange.domain import manifest
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.manifest import MARK, Manifest

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

ROW_NO = "row_no"
"""1 is the first row after the header."""

LONGEST_CELL = 32_768
"""Bytes; a longer cell is an unclosed quote or something that does not belong into a table."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 4 << 20
_NEWLINE, _QUOTE = b'\n"'


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows as text, and what its first line says of them."""

    rows: "pl.DataFrame" = field(repr=False)
    """`row_no`, then the contract's columns in its order, all text; an empty cell is null."""
    manifest: Manifest


def read(plaintext: bytes, contract: Contract) -> Table:
    """The rows of a file that has exactly the contract's columns, in any order.

    Raises:
        DataRefused: ENCODING (not UTF-8, or a NUL), CSV_SYNTAX (quotes or cells that do not add up), HEADER (a name
            twice, or a first line that cannot be read), SCHEMA (not the contract's columns), CONTENT (no rows, or not
            those that the first line promises).
    """
    text = _text(plaintext)
    said, top = _first_line(text)
    _must_agree(said, contract)
    delimiter = contract.file.delimiter
    header, start = _header(text, top, delimiter)
    _must_be_the_columns(header, contract)
    if start >= len(text):
        raise DataRefused(Reason.CONTENT, "the file has no rows")
    count = _proved_rows(text, start, len(header), ord(delimiter))
    if said.rows is not None and said.rows != count:
        raise DataRefused(Reason.CONTENT, f"the first line promises {said.rows} rows; the file has {count}")
    return Table(_parsed(text, header, contract, count, skip=1 if top else 0), said)


def manifest_of(plaintext: bytes) -> Manifest:
    """What the file's first line says, without reading the rest; nothing when there is no such line.

    Raises:
        DataRefused: HEADER or ENCODING, when there is one that cannot be read.
    """
    return _first_line(plaintext[:LONGEST_CELL].removeprefix(_BOM))[0]


def _text(plaintext: bytes) -> bytes:
    """Valid UTF-8 without byte-order mark and NUL; each line ends in one newline, and none at the end is blank."""
    text = plaintext.removeprefix(_BOM)
    if b"\0" in text:
        raise DataRefused(Reason.ENCODING, "the file holds a NUL; is it UTF-16?")
    if not text.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for start in range(0, len(text), _CHUNK):
                decoder.decode(text[start : start + _CHUNK])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise DataRefused(Reason.ENCODING, "the file is not UTF-8") from None
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not text.endswith(b"\n") or text.endswith(b"\n\n"):
        text = text.rstrip(b"\n") + b"\n"
    return text


def _first_line(text: bytes) -> tuple[Manifest, int]:
    """What the first line says, and where the header begins."""
    if not text.startswith(MARK.encode()):
        return Manifest(), 0
    end = _line_end(text, 0)
    try:
        return manifest.parsed(text[:end].decode().rstrip("\r")), end + 1
    except UnicodeDecodeError:
        raise DataRefused(Reason.ENCODING, "the first line is not UTF-8") from None


def _line_end(text: bytes, start: int) -> int:
    end = text.find(b"\n", start)
    return len(text) if end < 0 else end


def _must_agree(said: Manifest, contract: Contract) -> None:
    if said.feed not in {None, contract.feed}:
        raise DataRefused(Reason.CONTENT, f"the first line does not say feed {contract.feed}")
    if said.contract not in {None, contract.version}:
        raise DataRefused(Reason.CONTENT, f"the first line does not say contract {contract.version}")


def _header(text: bytes, start: int, delimiter: str) -> tuple[list[str], int]:
    """The names in the header, and where the rows begin."""
    end = _line_end(text, start)
    if end <= start:
        raise DataRefused(Reason.CONTENT, "the header row is empty")
    if end - start > LONGEST_CELL:
        raise DataRefused(Reason.CSV_SYNTAX, f"the header row is longer than {LONGEST_CELL} bytes")
    try:
        names = next(csv.reader([text[start:end].decode()], delimiter=delimiter, strict=True))
    except csv.Error:
        raise DataRefused(Reason.CSV_SYNTAX, "the quotes of the header row do not add up") from None
    return [name.strip() for name in names], end + 1


def _must_be_the_columns(header: list[str], contract: Contract) -> None:
    for number, name in enumerate(header, start=1):
        if (first := header.index(name) + 1) != number:
            raise DataRefused(Reason.HEADER, f"columns {first} and {number} have the same name")
    missing = [column.name for column in contract.columns if column.required and column.name not in header]
    unknown = [str(number) for number, name in enumerate(header, start=1) if name not in contract.headers]
    if missing or unknown:
        what = [f"missing: {', '.join(missing)}"] if missing else []
        what += [f"not in the contract: number {', '.join(unknown)}"] if unknown else []
        layout = f"columns of {contract.feed} {contract.version}"
        raise DataRefused(Reason.SCHEMA, f"{layout} {'; '.join(what)}")


def _proved_rows(text: bytes, begin: int, width: int, delimiter: int) -> int:
    """The number of rows from `begin`, each of which has exactly `width` cells with quotes as RFC 4180 writes them."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    data = np.frombuffer(text, np.uint8, offset=begin)
    quoted = text.find(b'"', begin) >= 0
    separators, last, inside = 0, -1, False
    for start in range(0, len(data), _CHUNK):
        part = data[start : start + _CHUNK]
        separating = (part == delimiter) | (part == _NEWLINE)
        if quoted:
            within = np.logical_xor.accumulate(part == _QUOTE) ^ inside
            _prove_quotes(data, start, np.flatnonzero(part == _QUOTE), within, delimiter, separators // width + 1)
            separating &= ~within
            inside = bool(within[-1])
        at = np.flatnonzero(separating)
        _prove_cells(part[at], separators, width)
        _prove_lengths(at + start, last, separators // width + 1)
        separators += len(at)
        last = int(at[-1]) + start if len(at) else last
    if inside:
        raise DataRefused(Reason.CSV_SYNTAX, "a quote is opened and never closed")
    return separators // width


def _prove_quotes(
    data: "NDArray[np.uint8]",
    start: int,
    at: "NDArray[np.int64]",
    within: "NDArray[np.bool_]",
    delimiter: int,
    row: int,
) -> None:
    """A quote opens at the start of a cell and closes at its end; inside, it stands doubled."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    neighbour = np.where(within[at], at - 1, at + 1) + start
    edge = (neighbour < 0) | (neighbour >= len(data))
    beside = np.where(edge, _NEWLINE, data[np.clip(neighbour, 0, len(data) - 1)])
    if not np.isin(beside, (delimiter, _NEWLINE, _QUOTE)).all():
        raise DataRefused(Reason.CSV_SYNTAX, f"a quote stands inside a cell, in row {row} or later")


def _prove_cells(separators: "NDArray[np.uint8]", before: int, width: int) -> None:
    """Each row ends where it must: `width - 1` delimiters, then a newline."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    ends = np.flatnonzero(separators == _NEWLINE)
    expected = np.arange((width - 1 - before) % width, len(separators), width)
    shared = min(len(ends), len(expected))
    same = ends[:shared] == expected[:shared]
    if len(ends) != len(expected) or not same.all():
        row = before // width + (shared if same.all() else int(np.argmin(same))) + 1
        raise DataRefused(Reason.CSV_SYNTAX, f"row {row} does not have {width} cells")


def _prove_lengths(at: "NDArray[np.int64]", last: int, row: int) -> None:
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    if len(at) and int(np.diff(at, prepend=last).max()) > LONGEST_CELL:
        raise DataRefused(Reason.CSV_SYNTAX, f"a cell is longer than {LONGEST_CELL} bytes, in row {row} or later")


def _parsed(text: bytes, header: list[str], contract: Contract, count: int, *, skip: int) -> "pl.DataFrame":
    """The rows under the header, which stands after `skip` lines.

    polars is given what stands above the rows too: rows that happen to begin like a compressed file would be unpacked.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    schema = dict.fromkeys(header, pl.String)
    try:
        rows = pl.read_csv(text, schema=schema, separator=contract.file.delimiter, skip_lines=skip)
    except pl.exceptions.PolarsError:
        rows = None
    if rows is None or rows.height != count:
        raise DataRefused(Reason.CSV_SYNTAX, "the rows cannot be told apart")
    absent = [pl.lit(None, pl.String).alias(name) for name in contract.headers if name not in schema]
    trimmed = rows.lazy().with_columns(*absent).select(_trimmed(pl.col(name)) for name in contract.headers)
    return trimmed.collect().with_row_index(ROW_NO, offset=1)


def _trimmed(cell: "pl.Expr") -> "pl.Expr":
    """Without blanks around it; nothing but blanks is nothing."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    stripped = cell.str.strip_chars()
    return pl.when(stripped != "").then(stripped)
