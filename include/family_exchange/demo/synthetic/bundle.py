"""A bundle of tables: the same people in each, under the same references."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from random import Random

from family_exchange.demo.synthetic.agreements import with_rules
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.meaning import Row
from family_exchange.demo.synthetic.people import Household, Person, Population
from family_exchange.demo.synthetic.places import Address
from family_exchange.demo.synthetic.references import References
from family_exchange.demo.synthetic.sheet import Sheet, as_csv, preamble
from family_exchange.demo.synthetic.span import Span
from family_exchange.domain.container import Role
from family_exchange.domain.contract import Contract

Tables = Mapping[str, list[Row]]
"""The rows of each table of a bundle."""

MANIFEST = "manifest.txt"
_EPOCH = (2026, 1, 1, 0, 0, 0)
"""The time of every member: bytes must not tell when they were made."""
_EPISODE_SHARE = 0.3
NUMBER_TYPES = ("NHS Number", "National Insurance Number", "Unique Pupil Number")
"""Types of identifiers that are taken in."""
MERGED_COLUMN = "pers_duplicated_dttm"


class BundleWriter:
    """Writes the tables of one contract."""

    def __init__(self, rng: Random, contract: Contract, population: Population, during: Span) -> None:
        self.contract = contract
        self.during = during
        self._rng = rng
        references = References(rng)
        self.writers = {
            table.name: Writer(
                rng,
                with_rules(contract.of_table(table.name)),
                population,
                during,
                references=references,
                also=self._also,
            )
            for table in contract.tables
        }

    def tables(self) -> tuple[Tables, Sheet]:
        """Good tables, and the sheet of persons with whom each reference means."""
        persons = next(table.name for table in self.contract.tables if table.role is Role.PERSONS)
        sheet = self.writers[persons].sheet()
        homes = {person.number: home for person, home in self.writers[persons].eligible}
        known = [(person, homes[person.number]) for person in sheet.meant.values()]
        made = {table.name: self._rows(table.role, self.writers[table.name], known) for table in self.contract.tables}
        for writer in self.writers.values():
            writer.eligible = known
        return made | {persons: [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows]}, sheet

    def content(self, tables: Tables, *, promised: int | None = None, **more: str) -> bytes:
        """The ZIP of all tables that are there, with what the bundle says of itself."""
        counted = sum(map(len, tables.values()))
        rows = counted if promised is None else promised
        first = preamble(self.contract.feed, self.during, rows, contract=self.contract.version, **more)
        return zipped({MANIFEST: first} | {f"{name}.csv": self.csv(name, rows) for name, rows in tables.items()})

    def csv(self, name: str, rows: list[Row]) -> bytes:
        """One table without a first line."""
        headers = self.contract.of_table(name).headers
        return as_csv(headers, ([row[each] for each in headers] for row in rows), self.contract.file.delimiter)

    def _rows(self, role: Role, writer: Writer, known: list[tuple[Person, Household]]) -> list[Row]:
        if role is Role.PERSONS:
            return []
        seen = writer.nothing_seen()
        several = [
            writer.row_about(person, home, seen)
            for person, home in known
            if role is not Role.EPISODES or self._has_episode(person, home)
        ]
        return [row for row in several if row is not None]

    def _has_episode(self, person: Person, home: Household) -> bool:
        child = not person.is_adult(self.during.as_of)
        return child and (home.verbatim or self._rng.random() < _EPISODE_SHARE)

    def _also(self, person: Person, home: Household) -> Mapping[str, str]:
        known = [
            (of_type, number)
            for of_type, number in zip(NUMBER_TYPES, (person.nhs_number, person.nino, person.upn), strict=True)
            if number
        ]
        of_type, number = self._rng.choice(known)
        return {
            "link_identifier_type": of_type,
            "link_identifier_value": number,
            "addr_address_json": _as_json(home.home_on(self.during.as_of)),
            MERGED_COLUMN: "",
        }


def _as_json(home: Address) -> str:
    """An address as the Standard Safeguarding Dataset writes it."""
    house, _, street = home.line_1.partition(" ")
    parts = {"HOUSE": house, "STREET": street, "TOWN": home.town, "UPRN": home.uprn}
    return json.dumps(parts | ({"BUILDING": home.line_2} if home.line_2 else {}), ensure_ascii=False)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on its members alone."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def opened(content: bytes) -> dict[str, bytes]:
    """The members of a bundle that we made."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tables_of(content: bytes, contract: Contract) -> Tables:
    """The rows of a bundle that we made, by table."""
    members = opened(content)
    return {
        table.name: list(
            csv.DictReader(io.StringIO(members[f"{table.name}.csv"].decode()), delimiter=contract.file.delimiter)
        )
        for table in contract.tables
    }
