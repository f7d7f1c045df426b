"""A partner's CSV, read strictly: text in, text out, nothing guessed, nothing repaired.

polars parses; it fills short rows, and its errors quote what was typed. So the shape is proved first, in bulk, and its
own errors never leave this module. A message names rows and columns by number, because a header may hold anything.
Rows are parsed piece by piece: a file of any length takes the memory of its bytes and of a few thousand rows.
"""

import codecs
import csv
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from family_exchange.adapters import shape
from family_exchange.adapters.shape import LONGEST_CELL, Piece
from family_exchange.domain import manifest
from family_exchange.domain.column import Column
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.manifest import MARK, Manifest

if TYPE_CHECKING:
    import polars as pl

ROW_NO = "row_no"
"""1 is the first row after the header."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose shape is proved; its rows are parsed when they are asked for."""

    contract: Contract
    manifest: Manifest
    header: tuple[str, ...]
    """The names in the file, in its order."""
    pieces: tuple[Piece, ...]
    """All rows, in order; one piece without rows when there are none."""
    _text: bytes = field(repr=False)

    @property
    def count(self) -> int:
        """The number of rows."""
        return self.pieces[-1].first_row + self.pieces[-1].rows - 1

    @property
    def rows(self) -> "pl.DataFrame":
        """`row_no`, then the contract's columns in its order, all text; an empty cell is null."""
        import polars as pl  # noqa: PLC0415 - costs a third of a second

        return pl.concat([self.frame(piece) for piece in self.pieces])

    def frame(self, piece: Piece, columns: Sequence[str] | None = None) -> "pl.DataFrame":
        """The rows of one piece as in `rows`, with these of the contract's columns, or all."""
        import polars as pl  # noqa: PLC0415 - costs a third of a second

        wanted = [column for column in self.contract.columns if columns is None or column.name in columns]
        there = [column.name for column in wanted if column.name in self.header]
        parsed = self._parsed(piece, there)
        if (
            piece.plain
            and parsed.columns == [ROW_NO, *(column.name for column in wanted)]
            and not any(column.nothing for column in wanted)
        ):
            return parsed
        cells = (
            _cell(column, plain=piece.plain) if column.name in there else pl.lit(None, pl.String).alias(column.name)
            for column in wanted
        )
        return parsed.lazy().select(ROW_NO, *cells).collect()

    def _parsed(self, piece: Piece, columns: list[str]) -> "pl.DataFrame":
        """The piece under a header: rows that happen to begin like a compressed file would be unpacked."""
        import polars as pl  # noqa: PLC0415 - costs a third of a second

        delimiter = self.contract.file.delimiter
        top = delimiter.join(f'"{name}"' for name in self.header).encode() + b"\n"
        lines = shape.part(self._text, piece.start, piece.end)
        text = b"".join((top, lines, b"" if bytes(lines[-1:]) in {b"", b"\n"} else b"\n"))
        schema = dict.fromkeys(self.header, pl.String)
        try:
            rows = pl.read_csv(text, schema=schema, columns=columns, separator=delimiter)
        except pl.exceptions.PolarsError:
            rows = None
        if rows is None or rows.height != piece.rows:
            raise DataRefused(Reason.CSV_SYNTAX, "the rows cannot be told apart")
        return rows.with_row_index(ROW_NO, offset=piece.first_row)


def read(plaintext: bytes, contract: Contract) -> Table:
    """A file that has exactly the contract's columns, in any order.

    Raises:
        DataRefused: ENCODING (not UTF-8, or a NUL), CSV_SYNTAX (quotes or cells that do not add up), HEADER (a name
            twice, or a first line that cannot be read), SCHEMA (not the contract's columns), CONTENT (no rows, or not
            those that the first line promises).
    """
    _prove_text(plaintext)
    begin = len(_BOM) if plaintext.startswith(_BOM) else 0
    said, top = _first_line(plaintext, begin)
    _must_agree(said, contract)
    delimiter = contract.file.delimiter
    header, start = _header(plaintext, top, delimiter)
    _must_be_the_columns(header, contract)
    end = shape.without_last_newlines(plaintext, start)
    pieces = shape.proved(plaintext, start, end, width=len(header), delimiter=ord(delimiter))
    if not pieces and not contract.may_be_empty:
        raise DataRefused(Reason.CONTENT, "the file has no rows")
    table = Table(contract, said, tuple(header), pieces or (Piece(start, start, 1, 0, plain=True),), plaintext)
    if said.rows not in {None, table.count}:
        raise DataRefused(Reason.CONTENT, f"the first line promises {said.rows} rows; the file has {table.count}")
    return table


def manifest_of(plaintext: bytes) -> Manifest:
    """What the file's first line says, without reading the rest; nothing when there is no such line.

    Raises:
        DataRefused: HEADER or ENCODING, when there is one that cannot be read.
    """
    return _first_line(plaintext[:LONGEST_CELL].removeprefix(_BOM), 0)[0]


def content_digest(key: bytes, plaintext: bytes) -> bytes:
    """HMAC-SHA256 of what a file says: without a byte-order mark, with one kind of line ending and none at the end."""
    digest = hmac.new(key, digestmod=sha256)
    start, end = (len(_BOM) if plaintext.startswith(_BOM) else 0), shape.without_last_newlines(plaintext)
    while start < end:
        stop = shape.block_end(plaintext, start, end)
        digest.update(shape.one_newline(plaintext[start:stop]))
        start = stop
    return digest.digest()


def _prove_text(plaintext: bytes) -> None:
    """Valid UTF-8 without NUL."""
    if b"\0" in plaintext:
        raise DataRefused(Reason.ENCODING, "the file holds a NUL; is it UTF-16?")
    if plaintext.isascii():
        return
    decoder, within = codecs.getincrementaldecoder("utf-8")(), False
    try:
        for start in range(0, len(plaintext), _CHUNK):
            part = plaintext[start : start + _CHUNK]
            if within or not part.isascii():
                decoder.decode(part)
                within = bool(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise DataRefused(Reason.ENCODING, "the file is not UTF-8") from None


def _first_line(text: bytes, begin: int) -> tuple[Manifest, int]:
    """What the first line says, and where the header begins."""
    if not text.startswith(MARK.encode(), begin):
        return Manifest(), begin
    end, following = _line_end(text, begin)
    try:
        return manifest.parsed(text[begin:end].decode()), following
    except UnicodeDecodeError:
        raise DataRefused(Reason.ENCODING, "the first line is not UTF-8") from None


def _line_end(text: bytes, start: int) -> tuple[int, int]:
    """Where the line ends, and where the next one begins."""
    feed = text.find(b"\n", start)
    end = len(text) if feed < 0 else feed
    back = text.find(b"\r", start, end)
    if back < 0:
        return end, end + 1
    return back, back + 1 + (back + 1 == feed)


def _must_agree(said: Manifest, contract: Contract) -> None:
    if said.feed not in {None, contract.feed}:
        raise DataRefused(Reason.CONTENT, f"the first line does not say feed {contract.feed}")
    if said.contract not in {None, contract.version}:
        raise DataRefused(Reason.CONTENT, f"the first line does not say contract {contract.version}")


def _header(text: bytes, start: int, delimiter: str) -> tuple[list[str], int]:
    """The names in the header, and where the rows begin."""
    end, following = _line_end(text, start)
    if end <= start:
        raise DataRefused(Reason.CONTENT, "the header row is empty")
    if end - start > LONGEST_CELL:
        raise DataRefused(Reason.CSV_SYNTAX, f"the header row is longer than {LONGEST_CELL} bytes")
    try:
        names = next(csv.reader([text[start:end].decode()], delimiter=delimiter, strict=True))
    except csv.Error:
        raise DataRefused(Reason.CSV_SYNTAX, "the quotes of the header row do not add up") from None
    return [name.strip() for name in names], following


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


def _cell(column: Column, *, plain: bool) -> "pl.Expr":
    """The cell without blanks around it; nothing but blanks, or a text that means nothing, is nothing."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    cell = pl.col(column.name)
    if not plain:
        stripped = cell.str.strip_chars()
        cell = pl.when(stripped != "").then(stripped)
    if column.nothing:
        meaningless = cell.str.to_lowercase().is_in([text.strip().lower() for text in column.nothing])
        cell = pl.when(~meaningless).then(cell)
    return cell.alias(column.name)
