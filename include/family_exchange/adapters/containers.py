"""What a sealed file holds, as CSV: text in an encoding of the contract, a workbook, or a bundle of tables.

Whatever it came in, everything behind this door sees the text that a partner would have sent: one path, one set of
rules. Only what the contract names is opened; nothing touches a disk. ADR 0019 says which choices were made and why.
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from family_exchange.adapters import archive, encodings, sheets, workbook_parts
from family_exchange.adapters.archive import Member
from family_exchange.domain import manifest
from family_exchange.domain.container import Encoding, Format
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.manifest import MARK, Manifest

MANIFEST = "manifest"
"""The sheet whose cell A1, or the member `manifest.txt` whose only line, is the first line of a bundle."""

LONGEST_LINE = 32_768
"""Bytes in which the first line of a text must end; an even number, as UTF-16 needs."""

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ROWS = re.compile(rb" rows=([0-9]{1,9})(?= |$)")


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a file."""

    table: str | None
    """The contract's name of the table; None for a feed with one table."""
    csv: bytes = field(repr=False)
    """UTF-8 without byte-order mark; lines end in LF or CRLF; the manifest line first, if the file has one."""
    rows: int | None = None
    """How many rows the manifest line of a bundle promises, over all its tables; the line in `csv` is without it."""


def opened(plaintext: bytes, contract: Contract) -> tuple[Part, ...]:
    """The file's tables in the contract's order; one without a name where the contract has no `tables`.

    UTF-8 is passed through as it is: whether it is sound is for who reads the rows to say.

    Raises:
        DataRefused: ENCODING, SCHEMA (a format that the contract does not take, or not its tables), EXPANSION, CORRUPT,
            CONTENT, CSV_SYNTAX or HEADER; what a partner must do is in the message.
    """
    if plaintext.startswith(_OLD_OR_LOCKED):
        raise DataRefused(Reason.SCHEMA, "the file is an old or password-protected workbook; save it as .xlsx or CSV")
    if plaintext.startswith(archive.BEGINS):
        members = archive.members(plaintext)
        if workbook_parts.CONTENT_TYPES in members:
            _must_take(Format.XLSX, contract)
            return _of_workbook(members, contract)
        _must_take(Format.ZIP, contract)
        return _of_bundle(members, contract)
    _must_take(Format.CSV, contract)
    return (Part(None, encodings.as_utf_8(plaintext, contract.file.encoding)),)


def manifest_of(plaintext: bytes) -> Manifest:
    """What the file says of itself, whatever it comes in and whichever contract it belongs to; the rest is not read.

    Raises:
        DataRefused: HEADER or ENCODING, when it says something that cannot be read; and whatever makes `opened` refuse
            an archive or a workbook.
    """
    line = _first_line(plaintext).removeprefix(codecs.BOM_UTF8)
    if not line.startswith(MARK.encode()):
        return Manifest()
    try:
        return manifest.parsed(re.split(rb"[\r\n]", line, maxsplit=1)[0].decode())
    except UnicodeDecodeError:
        raise DataRefused(Reason.ENCODING, "the first line is not UTF-8") from None


def _first_line(plaintext: bytes) -> bytes:
    """The first line, and perhaps what follows it."""
    if not plaintext.startswith(archive.BEGINS):
        head = plaintext[:LONGEST_LINE]
        return encodings.as_utf_8(head, tuple(Encoding)) if encodings.is_marked_utf_16(head) else head
    members = archive.members(plaintext)
    if workbook_parts.CONTENT_TYPES in members:
        book = workbook_parts.workbook(members)
        sheet = book.sheets.get(MANIFEST) or next(iter(book.sheets.values()), None)
        return sheets.first_cell(sheet, book).encode() if sheet else b""
    name = _manifest_name(".txt")
    return next(members[name].chunks(), b"") if name in members else b""


def _must_take(found: Format, contract: Contract) -> None:
    if found not in contract.file.formats:
        taken = " or ".join(contract.file.formats)
        raise DataRefused(Reason.SCHEMA, f"the file is {found}; {contract.feed} {contract.version} is taken as {taken}")


def _of_workbook(members: Mapping[str, Member], contract: Contract) -> tuple[Part, ...]:
    book = workbook_parts.workbook(members)
    if not contract.tables and len(book.sheets) != 1:
        raise DataRefused(Reason.SCHEMA, f"the workbook has {len(book.sheets)} sheets; the contract takes one")
    read = {
        name: sheets.as_csv(sheet, book, delimiter=contract.file.delimiter, date_format=contract.file.date_format)
        for name, sheet in _expected(book.sheets, contract, "").items()
    }
    return _parts(read, contract, "") if contract.tables else (Part(None, next(iter(read.values()))),)


def _of_bundle(members: Mapping[str, Member], contract: Contract) -> tuple[Part, ...]:
    expected = _expected(members, contract, ".csv")
    read = {name: encodings.as_utf_8(member.read(), contract.file.encoding) for name, member in expected.items()}
    return _parts(read, contract, ".csv")


def _expected(found: Mapping[str, Member], contract: Contract, ending: str) -> Mapping[str, Member]:
    """What was found, when it is exactly the contract's tables, with or without a manifest.

    Names that the partner chose are not repeated to anybody: they may hold anything.
    """
    if not contract.tables:
        return found
    tables = {table.name + ending for table in contract.tables}
    missing = sorted(tables - set(found))
    unknown = len(set(found) - tables - {_manifest_name(ending)})
    if missing or unknown:
        what = [f"missing: {', '.join(missing)}"] if missing else []
        what += [f"{unknown} with names that the contract does not have"] if unknown else []
        raise DataRefused(Reason.SCHEMA, f"the tables of {contract.feed} {contract.version}: {'; '.join(what)}")
    return found


def _parts(read: Mapping[str, bytes], contract: Contract, ending: str) -> tuple[Part, ...]:
    """The tables of a bundle, each with what the manifest says of the bundle on top."""
    line = read.get(_manifest_name(ending), b"").strip()
    if b"\n" in line or b"\r" in line or not line.startswith(MARK.encode() if line else b""):
        raise DataRefused(Reason.HEADER, f"the manifest is not one line that begins with {MARK}")
    promised = _ROWS.search(line)
    top = _ROWS.sub(b"", line, count=1) + b"\n" if line else b""
    rows = int(promised[1]) if promised else None
    parts = [(table.name, read[table.name + ending]) for table in contract.tables]
    if any(csv.startswith(MARK.encode()) for _, csv in parts):
        raise DataRefused(Reason.HEADER, "a table has a first line of its own; a bundle has one, in its manifest")
    return tuple(Part(name, top + csv, rows) for name, csv in parts)


def _manifest_name(ending: str) -> str:
    return MANIFEST + (".txt" if ending else "")
