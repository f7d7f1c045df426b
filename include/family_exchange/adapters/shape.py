"""The shape of a CSV, proved in bulk before anything parses it: cells, rows, quotes; and where it may be cut.

A file is looked at in blocks and never copied as a whole. A piece begins and ends with a row, so that each can be
parsed alone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_CELL = 32_768
"""Bytes; a longer cell is an unclosed quote or something that does not belong into a table."""

BLOCK = 1 << 20
"""Bytes looked at at once."""

PIECE = 2 << 20
"""Bytes of a piece, or a block more."""

_NEWLINE, _RETURN, _QUOTE, _SPACE = b'\n\r" '
_BLANK_LEADS = (0xC2, 0xE1, 0xE2, 0xE3)
"""First bytes, in UTF-8, of every blank beyond ASCII."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole rows."""

    start: int
    end: int
    """Bytes of the file, of which the first is in the piece and the last is not."""
    first_row: int
    """1 is the first row after the header."""
    rows: int
    plain: bool
    """True when no cell of it is quoted or has blanks around it."""


def one_newline(text: bytes) -> bytes:
    """The text with every kind of line ending as one newline."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def part(text: bytes, start: int, end: int) -> bytes | memoryview:
    """This part of the text with every line ending as one newline; not copied when it is so already."""
    return one_newline(text[start:end]) if text.find(b"\r", start, end) >= 0 else memoryview(text)[start:end]


def without_last_newlines(text: bytes, begin: int = 0) -> int:
    """Where the text ends when newlines at its end do not count."""
    end = len(text)
    while end > begin:
        start = max(begin, end - BLOCK)
        if kept := len(text[start:end].rstrip(b"\r\n")):
            return start + kept
        end = start
    return begin


def block_end(text: bytes, start: int, end: int) -> int:
    """Where the block that begins at `start` ends: never within a line ending of two bytes."""
    stop = min(start + BLOCK, end)
    return stop + 1 if text[stop - 1 : stop + 1] == b"\r\n" and stop < end else stop


def proved(text: bytes, begin: int, end: int, *, width: int, delimiter: int) -> tuple[Piece, ...]:
    """The rows from `begin` to `end`, each of which has exactly `width` cells with quotes as RFC 4180 writes them.

    Raises:
        DataRefused: CSV_SYNTAX, with the row in which, or after which, it stops to add up.
    """
    proof = _Proof(width, delimiter)
    pieces: list[Piece] = []
    start, plain, position, before = begin, True, begin, b"\n"
    while position < end:
        stop = block_end(text, position, end)
        raw = text[position:stop]
        block = one_newline(raw) + (b"\n" if stop == end else b"")
        row_end, block_is_plain = proof.take(before + block + (one_newline(text[stop : stop + 1]) or b"\n"))
        plain &= block_is_plain
        if stop == end or (row_end and stop - start >= PIECE):
            cut = end if stop == end else position + _raw_length(raw, block, row_end)
            first = pieces[-1].first_row + pieces[-1].rows if pieces else 1
            pieces.append(Piece(start, cut, first, proof.cells // width - first + 1, plain))
            start, plain = cut, block_is_plain
        position, before = stop, block[-1:]
    if proof.inside:
        raise DataRefused(Reason.CSV_SYNTAX, "a quote is opened and never closed")
    return tuple(pieces)


class _Proof:
    """What is known of the blocks so far."""

    def __init__(self, width: int, delimiter: int) -> None:
        self.width = width
        self.delimiter = delimiter
        self.cells = 0
        self.inside = False
        self._bytes = 0
        self._last = -1

    def take(self, text: bytes) -> tuple[int, bool]:
        """Where the last row in this block ends (0: none does), and whether its cells are plain.

        `text` is the block with the byte before it and the byte after it.
        """
        import numpy as np  # noqa: PLC0415 - costs a tenth of a second

        data = np.frombuffer(text, np.uint8)
        part = data[1:-1]
        separating = (data == self.delimiter) | (data == _NEWLINE)
        row = self.cells // self.width + 1
        quoted = self.inside or b'"' in text
        plain = not quoted and not _has_blanks(data, separating)
        separating = separating[1:-1]
        if quoted:
            quotes = part == _QUOTE
            within = np.logical_xor.accumulate(quotes) ^ self.inside
            self._prove_quotes(data, np.flatnonzero(quotes), within, row)
            separating &= ~within
            self.inside = bool(within[-1])
        at = np.flatnonzero(separating)
        ends = self._prove_cells(part[at])
        if len(at):
            lengths = np.diff(at, prepend=self._last - self._bytes)
            if int(lengths.max()) > LONGEST_CELL:
                raise DataRefused(
                    Reason.CSV_SYNTAX, f"a cell is longer than {LONGEST_CELL} bytes, in row {row} or later"
                )
            self._last = int(at[-1]) + self._bytes
        self.cells += len(at)
        self._bytes += len(part)
        return (int(at[ends[-1]]) + 1 if len(ends) else 0), plain

    def _prove_quotes(
        self, data: "NDArray[np.uint8]", at: "NDArray[np.int64]", within: "NDArray[np.bool_]", row: int
    ) -> None:
        """A quote opens at the start of a cell and closes at its end; inside, it stands doubled."""
        import numpy as np  # noqa: PLC0415 - costs a tenth of a second

        beside = data[np.where(within[at], at, at + 2)]  # `data` begins one byte before the block
        if not np.isin(beside, (self.delimiter, _NEWLINE, _QUOTE)).all():
            raise DataRefused(Reason.CSV_SYNTAX, f"a quote stands inside a cell, in row {row} or later")

    def _prove_cells(self, separators: "NDArray[np.uint8]") -> "NDArray[np.int64]":
        """Which of the separators end a row; each row ends where it must: `width - 1` delimiters, then a newline."""
        import numpy as np  # noqa: PLC0415 - costs a tenth of a second

        width, before = self.width, self.cells
        ends = np.flatnonzero(separators == _NEWLINE)
        expected = np.arange((width - 1 - before) % width, len(separators), width)
        shared = min(len(ends), len(expected))
        same = ends[:shared] == expected[:shared]
        if len(ends) != len(expected) or not same.all():
            row = before // width + (shared if same.all() else int(np.argmin(same))) + 1
            raise DataRefused(Reason.CSV_SYNTAX, f"row {row} does not have {width} cells")
        return ends


def _has_blanks(data: "NDArray[np.uint8]", separating: "NDArray[np.bool_]") -> bool:
    """True when a cell may begin or end with a blank."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    blank = (data <= _SPACE) & ~separating
    if (blank[1:] & separating[:-1]).any() or (blank[:-1] & separating[1:]).any():
        return True
    return bool(np.isin(data[data >= min(_BLANK_LEADS)], _BLANK_LEADS).any())


def _raw_length(raw: bytes, block: bytes, length: int) -> int:
    """How many bytes of `raw` became the first `length` bytes of `block`, the last of which is a newline."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second

    if len(raw) == len(block) and b"\r" not in raw:
        return length
    data = np.frombuffer(raw, np.uint8)
    ends = data == _NEWLINE
    ends |= (data == _RETURN) & ~np.append(ends[1:], values=False)
    return int(np.flatnonzero(ends)[block.count(b"\n", 0, length) - 1]) + 1
