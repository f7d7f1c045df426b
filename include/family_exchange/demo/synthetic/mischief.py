"""A file of each kind of misbehaviour for any feed, made from a good one."""

import csv
import io
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from family_exchange.demo.synthetic.broken_rows import broken_rows
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.meaning import Agreed, Row
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.demo.synthetic.sheet import as_csv, preamble
from family_exchange.domain.column import ColumnType, DataClass

OLD_CODE_PAGE = "cp850"
"""In it ü is a byte that is neither UTF-8 nor windows-1252."""
ODD = "Müller"
FORMULAS = ("=cmd|' /C calc'!A0", '=HYPERLINK("https://x.example","Tap")', "+Bell", "@SUM(A1:A9)", "-Long")
NAMES = (
    "Null", "None", "NaN", "TRUE", "O'Brien", "O\u2019Brien", "Zoë", unicodedata.normalize("NFD", "Zoë"), "Nguyễn Phạm",
    "Smith, Jr", 'Ann "Nan"', "李", "Æthelred", "D'Souza-Łukasik", "Robert'); DROP TABLE pupils;--", "{{ ds }}",
)  # fmt: skip
SHRUNK_EVERY = 20
OTHER = "another-council"
_MOST, _RARE = 0.7, 0.35
"""Of the rows so many must stay, and at most so many may have had the code before."""


@dataclass(frozen=True, slots=True)
class Good:
    """A good file as rows again, and what its partner and the platform agreed on."""

    agreed: Agreed
    rows: Sequence[Row] = field(repr=False)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns in file order."""
        return self.agreed.contract.headers

    def without_findings(self, writer: Writer) -> "Good":
        """The rows that break no rule."""
        found = self.agreed.findings(self.rows, writer.during.as_of)
        return Good(self.agreed, [row for number, row in enumerate(self.rows, start=1) if number not in found])


def rows_of(content: bytes, delimiter: str = ",") -> list[Row]:
    """The rows of a good CSV by header, without its first line."""
    _, _, table = content.decode().partition("\n")
    return list(csv.DictReader(io.StringIO(table), delimiter=delimiter))


def misbehaving(
    good: Good, writer: Writer, rng: Random, *, in_motion: Collection[str] = ()
) -> Iterator[tuple[Misbehaviour, bytes]]:
    """Each kind that this feed can show, with its content in the clear, in the order in which to send them.

    `in_motion` are headers of columns whose codes change with every period, so that nobody is surprised by it.
    """
    maker = _Maker(good.without_findings(writer), writer, rng, in_motion)
    for kind, make in maker.kinds.items():
        content = make()
        if content is not None:
            yield kind, content


class _Maker:
    """Makes one file after another from the same good rows."""

    def __init__(self, good: Good, writer: Writer, rng: Random, in_motion: Collection[str]) -> None:
        self._in_motion = in_motion
        self._agreed = good.agreed
        self._rows = good.rows
        self._writer = writer
        self._rng = rng
        self.kinds: Mapping[Misbehaviour, Callable[[], bytes | None]] = {
            Misbehaviour.SENT_TWICE: lambda: self._file(self._rows),
            Misbehaviour.NEXT_SEQUENCE: lambda: self._file(self._rows[:-1], sequence="2"),
            Misbehaviour.OLDER_SEQUENCE: lambda: self._file(self._rows[:-2], sequence="1"),
            Misbehaviour.SAME_SEQUENCE: lambda: self._file(self._rows[:-3], sequence="2"),
            Misbehaviour.FORMULAS: lambda: self._with_names(FORMULAS),
            Misbehaviour.ODD_NAMES: lambda: self._with_names(NAMES),
            Misbehaviour.UNSIGNED: lambda: self._file(self._rows[::2]),
            Misbehaviour.CUT_SHORT: lambda: self._file(self._rows[1::2]),
            Misbehaviour.WRONG_COLUMNS: self._wrong_columns,
            Misbehaviour.BAD_ROWS: self._bad_rows,
            Misbehaviour.WRONG_ENCODING: self._wrong_encoding,
            Misbehaviour.OPEN_QUOTE: self._open_quote,
            Misbehaviour.RAGGED_ROW: self._ragged,
            Misbehaviour.EMPTY: lambda: b"",
            Misbehaviour.HEADER_ONLY: lambda: self._file([]),
            Misbehaviour.WRONG_ROW_COUNT: lambda: self._file(self._rows, promised=len(self._rows) + 1),
            Misbehaviour.OTHER_COUNCIL: lambda: self._file(self._rows, council=OTHER),
            Misbehaviour.SHRUNK: lambda: self._file(self._rows[::SHRUNK_EVERY]),
            Misbehaviour.DRIFTED_CODE: self._drifted,
            Misbehaviour.EMPTIED_COLUMN: self._emptied,
        }

    def _file(self, rows: Sequence[Row], *, promised: int | None = None, **more: str) -> bytes:
        contract = self._agreed.contract
        count = len(rows) if promised is None else promised
        first = preamble(contract.feed, self._writer.during, count, contract=contract.version, **more)
        return first + as_csv(
            contract.headers, ([row[name] for name in contract.headers] for row in rows), self._delimiter
        )

    @property
    def _delimiter(self) -> str:
        return self._agreed.contract.file.delimiter

    def _wrong_columns(self) -> bytes:
        """A header renamed, the last column left out, and one more that nobody agreed on."""
        first, _, rest = self._file(self._rows).partition(b"\n")
        header, _, rows = rest.decode().partition("\n")
        names = header.split(self._delimiter)
        changed = self._delimiter.join(["Your ref", *names[1:-1], "remarks"])
        return first + b"\n" + f"{changed}\n{rows}".encode()

    def _bad_rows(self) -> bytes:
        """The good rows with one among them for each rule that a row can break."""
        rows = list(self._rows)
        for number, bad in enumerate(broken_rows(self._writer, self._rng)[0], start=1):
            rows.insert(number * (len(rows) // (number + 1)) % (len(rows) + 1), bad.row)
        return self._file(rows)

    def _wrong_encoding(self) -> bytes:
        text = next(each.name for each in self._agreed.contract.columns if each.type is ColumnType.TEXT)
        content = self._file([row | {text: ODD} for row in self._rows])
        return content.decode().encode(OLD_CODE_PAGE, errors="replace")

    def _open_quote(self) -> bytes:
        """A quote before the first cell of a row in the middle."""
        lines = self._file(self._rows).decode().split("\n")
        lines[len(lines) // 2] = '"' + lines[len(lines) // 2].replace('"', "")
        return "\n".join(lines).encode()

    def _ragged(self) -> bytes:
        """The last row without its last cell."""
        content = self._file(self._rows)
        head, _, last = content[:-1].rpartition(b"\n")
        cells = next(csv.reader([last.decode()], delimiter=self._delimiter))[:-1]
        return (
            head + b"\n" + self._delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells).encode() + b"\n"
        )

    def _drifted(self) -> bytes | None:
        """Every row with one code in a column that had several, a rare one that no rule is against."""
        for column in self._agreed.contract.columns:
            used = [row[column.name] for row in self._rows if row[column.name]]
            if column.name in self._in_motion or len(used) < _MOST * len(self._rows):
                continue
            for code in sorted(column.codes, key=used.count):
                good = self._good([row | {column.name: code} for row in self._rows])
                if used.count(code) < _RARE * len(used) and len(good) >= _MOST * len(self._rows):
                    return self._file(good)
        return None

    def _emptied(self) -> bytes | None:
        """The column that is filled most often of those that may be empty, without any value."""
        may = [name for name in self._agreed.contract.headers if name not in self._agreed.never_empty]
        if not may:
            return None
        fullest = max(may, key=lambda name: sum(bool(row[name]) for row in self._rows))
        return self._file(self._good([row | {fullest: ""} for row in self._rows]))

    def _good(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Those of the rows that break no rule: what is odd shows in the file as a whole only."""
        return [row for row in rows if not self._agreed.broken(row, self._writer.during.as_of)]

    def _with_names(self, names: Sequence[str]) -> bytes | None:
        """The good rows, some of whose people have these names."""
        fitting = [name for name in names if self._takes(name)]
        if not fitting:
            return None
        return self._file([self._named(row, fitting[n % len(fitting)]) for n, row in enumerate(self._rows)])

    def _takes(self, name: str) -> bool:
        as_of = self._writer.during.as_of
        tried = self._named(self._rows[0], name)
        return tried != self._rows[0] and not self._agreed.broken(tried, as_of)

    def _named(self, row: Row, name: str) -> Row:
        """The row with every part of the person's name changed; as it is where the contract has no names."""
        columns = [each for each in self._agreed.contract.columns if each.data_class is DataClass.NAME]
        return row | {each.name: name for each in columns if each.type is ColumnType.TEXT and not each.pattern}
