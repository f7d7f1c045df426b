"""The parts of an XLSX workbook beside its cells: which sheets it has, its texts, and which numbers are dates.

A workbook is let in only when it is nothing but cells (ADR 0019): no macros, links, pictures, comments, hidden sheets.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from family_exchange.adapters import markup
from family_exchange.adapters.archive import Member
from family_exchange.adapters.markup import local
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

CONTENT_TYPES = "[Content_Types].xml"
"""The member that tells a workbook from any other archive."""

_WORKBOOK, _TEXTS, _STYLES = "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"
_KNOWN = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/[a-z]+\.xml|docMetadata/LabelInfo\.xml"
    r"|customXml/(?:_rels/)?(?:item|itemProps)[0-9]+\.xml(?:\.rels)?"
    r"|xl/(?:workbook|styles|sharedStrings|metadata|calcChain)\.xml|xl/_rels/workbook\.xml\.rels|xl/theme/theme[0-9]+\.xml"
    r"|xl/worksheets/(?:_rels/)?sheet[0-9]*\.xml(?:\.rels)?|xl/tables/table[0-9]+\.xml|xl/printerSettings/\w+\.bin"
)
"""Everything that a workbook of cells may consist of."""

_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)})
"""The built-in number formats that show a day or a time (ECMA-376, part 1, 18.8.30)."""
_NOT_A_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
"""What in a number format is shown as it stands, or is a colour or a condition."""
_DATE_CODE = re.compile(r"[dmyhs]", re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook of cells."""

    sheets: Mapping[str, Member] = field(repr=False)
    """`name → its cells`, in the order of the tabs."""
    texts: tuple[str, ...] = field(repr=False)
    """What cells of the type `s` point to."""
    date_styles: frozenset[int]
    """The styles whose numbers are days or times."""
    from_1904: bool
    """Days are counted from 1904, as old Macs did."""


def workbook(members: Mapping[str, Member]) -> Workbook:
    """The workbook that the archive holds.

    Raises:
        DataRefused: SCHEMA (it is more than cells, or a sheet is hidden), CORRUPT (a part is missing or not sound).
    """
    if any(not _KNOWN.fullmatch(name) for name in members):
        raise DataRefused(
            Reason.SCHEMA,
            "the workbook holds more than cells: macros, links, pictures, comments or the like; save the values alone",
        )
    for name in members:
        if name.endswith(".rels") or name == CONTENT_TYPES:
            _must_stay_inside(members[name])
    targets = _targets(_part(members, "xl/_rels/workbook.xml.rels"))
    named, from_1904 = _sheets(_part(members, _WORKBOOK))
    sheets = {name: _part(members, targets.get(target, "")) for name, target in named.items()}
    return Workbook(
        sheets,
        _texts(members[_TEXTS]) if _TEXTS in members else (),
        _date_styles(members[_STYLES]) if _STYLES in members else frozenset(),
        from_1904,
    )


def unescaped(text: str) -> str:
    """The text of a cell, in which signs that XML cannot hold stand as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _part(members: Mapping[str, Member], name: str) -> Member:
    if name not in members:
        raise DataRefused(Reason.CORRUPT, "a part of the workbook is missing")
    return members[name]


def _must_stay_inside(member: Member) -> None:
    def start(_: str, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External":
            raise DataRefused(Reason.SCHEMA, "the workbook has links to something outside it; remove them")
        if "macro" in attributes.get("ContentType", "").lower():
            raise DataRefused(Reason.SCHEMA, "the workbook may hold macros; save it as .xlsx")

    markup.read(member.chunks(), start=start)


def _targets(member: Member) -> dict[str, str]:
    """`relation → member`."""
    found: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if local(name) == "Relationship":
            found[attributes.get("Id", "")] = posixpath.join("/xl", attributes.get("Target", "")).lstrip("/")

    markup.read(member.chunks(), start=start)
    return found


def _sheets(member: Member) -> tuple[dict[str, str], bool]:
    """`sheet → relation`, and whether days are counted from 1904."""
    found: dict[str, str] = {}
    epoch = "0"

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal epoch
        if local(name) == "workbookPr":
            epoch = attributes.get("date1904", "0")
        if local(name) != "sheet":
            return
        if attributes.get("state", "visible") != "visible":
            raise DataRefused(Reason.SCHEMA, "a sheet of the workbook is hidden; remove it, or show what it holds")
        title = attributes.get("name", "")
        if title in found:
            raise DataRefused(Reason.CORRUPT, "two sheets of the workbook have the same name")
        found[title] = next((value for key, value in attributes.items() if local(key) == "id"), "")

    markup.read(member.chunks(), start=start)
    return found, epoch in {"1", "true"}


def _texts(member: Member) -> tuple[str, ...]:
    found: list[str] = []
    parts: list[str] = []
    where: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        where.append(local(name))

    def text(piece: str) -> None:
        if where[-1:] == ["t"] and "rPh" not in where:
            parts.append(piece)

    def end(name: str) -> None:
        where.pop()
        if local(name) == "si":
            found.append(unescaped("".join(parts)))
            parts.clear()

    markup.read(member.chunks(), start=start, end=end, text=text)
    return tuple(found)


def _date_styles(member: Member) -> frozenset[int]:
    formats = dict.fromkeys(_DATE_FORMATS, True)
    styles: list[int] = []
    within = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal within
        match local(name):
            case "cellXfs" | "cellStyleXfs" | "dxfs" as part:
                within = part
            case "numFmt" if within != "dxfs":
                formats[_number(attributes.get("numFmtId"))] = _shows_a_date(attributes.get("formatCode", ""))
            case "xf" if within == "cellXfs":
                styles.append(_number(attributes.get("numFmtId")))

    markup.read(member.chunks(), start=start)
    return frozenset(style for style, code in enumerate(styles) if formats.get(code))


def _shows_a_date(code: str) -> bool:
    """True for number formats such as `dd/mm/yyyy` or `[h]:mm`; false for `0.00 "days"` or `[Red]0`."""
    return _DATE_CODE.search(_NOT_A_CODE.sub("", code.partition(";")[0])) is not None and "General" not in code


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0
