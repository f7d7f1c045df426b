"""A bundle of each kind of misbehaviour, made from a good one."""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from family_exchange.demo.synthetic.broken_rows import broken_rows
from family_exchange.demo.synthetic.bundle import MANIFEST, MERGED_COLUMN, BundleWriter, Tables, opened, zipped
from family_exchange.demo.synthetic.mischief import FORMULAS, NAMES, ODD, OLD_CODE_PAGE, OTHER, SHRUNK_EVERY
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.domain.column import DataClass
from family_exchange.domain.container import Role
from family_exchange.domain.contract import PERSON as WHO


def misbehaving(tables: Tables, writer: BundleWriter, rng: Random) -> Iterator[tuple[Misbehaviour, bytes]]:
    """Each kind that a bundle can show, with its content in the clear."""
    maker = _Maker(tables, writer, rng)
    for kind, make in maker.kinds.items():
        yield kind, make()


class _Maker:
    """Makes one bundle after another from the same good tables."""

    def __init__(self, tables: Tables, writer: BundleWriter, rng: Random) -> None:
        self._tables = tables
        self._writer = writer
        self._rng = rng
        self._persons = next(each.name for each in writer.contract.tables if each.role is Role.PERSONS)
        self._last = writer.contract.tables[-1].name
        content = writer.content
        self.kinds: Mapping[Misbehaviour, Callable[[], bytes]] = {
            Misbehaviour.SENT_TWICE: lambda: content(tables),
            Misbehaviour.NEXT_SEQUENCE: lambda: content(self._some(slice(None, -1)), sequence="2"),
            Misbehaviour.OLDER_SEQUENCE: lambda: content(self._some(slice(None, -2)), sequence="1"),
            Misbehaviour.SAME_SEQUENCE: lambda: content(self._some(slice(None, -3)), sequence="2"),
            Misbehaviour.FORMULAS: lambda: self._with_names(FORMULAS),
            Misbehaviour.ODD_NAMES: lambda: self._with_names(NAMES),
            Misbehaviour.UNSIGNED: lambda: content(self._some(slice(None, None, 2))),
            Misbehaviour.CUT_SHORT: lambda: content(self._some(slice(1, None, 2))),
            Misbehaviour.MISSING_TABLE: lambda: content({name: tables[name] for name in tables if name != self._last}),
            Misbehaviour.WRONG_COLUMNS: self._wrong_columns,
            Misbehaviour.BAD_ROWS: self._bad_rows,
            Misbehaviour.WRONG_ENCODING: self._wrong_encoding,
            Misbehaviour.OPEN_QUOTE: lambda: self._changed(lambda csv: csv + b'"'),
            Misbehaviour.RAGGED_ROW: lambda: self._changed(lambda csv: csv.rstrip(b"\n").rpartition(b",")[0] + b"\n"),
            Misbehaviour.EMPTY: lambda: b"",
            Misbehaviour.HEADER_ONLY: lambda: content(self._some(slice(0))),
            Misbehaviour.WRONG_ROW_COUNT: lambda: content(tables, promised=sum(map(len, tables.values())) + 1),
            Misbehaviour.OTHER_COUNCIL: lambda: content(tables, council=OTHER),
            Misbehaviour.SHRUNK: lambda: content(self._some(slice(None, None, SHRUNK_EVERY))),
        }

    def _who(self, table: str) -> str:
        return self._writer.contract.of_table(table).column(WHO).name

    def _some(self, which: slice) -> Tables:
        """The bundle of some of its persons, with what belongs to them."""
        who = self._who(self._persons)
        known = {row[who] for row in self._tables[self._persons][which]}
        return {name: [row for row in rows if row[self._who(name)] in known] for name, rows in self._tables.items()}

    def _changed(self, change: Callable[[bytes], bytes]) -> bytes:
        """The bundle with the table of persons changed as text."""
        members = opened(self._writer.content(self._tables))
        name = f"{self._persons}.csv"
        members[MANIFEST] = (
            b" ".join(word for word in members[MANIFEST].split() if not word.startswith(b"rows=")) + b"\n"
        )
        return zipped(members | {name: change(members[name])})

    def _wrong_columns(self) -> bytes:
        return self._changed(lambda csv: b"Your ref" + csv[csv.index(b",") :])

    def _wrong_encoding(self) -> bytes:
        column = next(
            each.name for each in self._writer.contract.of_table(self._persons).columns if each.canonical == "surname"
        )
        rows = [row | {column: ODD} for row in self._tables[self._persons]]
        csv = self._writer.csv(self._persons, rows).decode().encode(OLD_CODE_PAGE, errors="replace")
        return self._changed(lambda _: csv)

    def _with_names(self, names: tuple[str, ...]) -> bytes:
        contract = self._writer.contract.of_table(self._persons)
        columns = [each.name for each in contract.columns if each.data_class is DataClass.NAME]
        rows = [
            row | dict.fromkeys(columns, names[number % len(names)])
            for number, row in enumerate(self._tables[self._persons])
        ]
        return self._writer.content({**self._tables, self._persons: rows})

    def _bad_rows(self) -> bytes:
        """Rows that break each rule of each table, and three that break what holds between tables."""
        tables = {
            name: rows + [bad.row for bad in broken_rows(self._writer.writers[name], self._rng)[0]]
            for name, rows in self._tables.items()
        }
        for each in self._writer.contract.tables:
            if each.role is Role.IDENTIFIERS:
                unused = self._writer.writers[each.name].row()
                tables[each.name].append(unused | {"link_identifier_type": "Case Number"})
                nobody = self._writer.writers[each.name].row()
                tables[each.name].append(nobody | {self._who(each.name): "NOBODY-1"})
        tables[self._persons].append(self._writer.writers[self._persons].row() | {MERGED_COLUMN: "2026-01-05 09:30"})
        return self._writer.content(tables)
