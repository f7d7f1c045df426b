"""An Office Open XML workbook, written row by row into memory: text stays text, and nothing else is in it.

The libraries that write such files either keep every cell as an object or put the rows into a temporary file, and the
rows hold partners' references. So we write the few parts that a plain table needs (ECMA-376, part 1, clause 18); see
docs/adr/0026. No author, no date and no program is named: the same rows give the same bytes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from io import BytesIO
from itertools import islice
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

LONGEST = 32_767
"""Characters that a cell may hold."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile("[ -%'-;=?-~]*")
"""What needs no care in XML; most texts of a workbook."""
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_AT_ONCE = 2_000
"""Rows that are written in one piece."""

Cell = str | int | None
Row = tuple[Cell, ...]


class Style(IntEnum):
    """How a cell looks; the number is its place in the styles of the workbook."""

    NUMBER = 0
    TEXT = 1
    """A number or a formula that somebody types into it later stays text as well."""
    LONG = 2
    """Text over several lines."""
    HEADING = 3
    TITLE = 4


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    width: float
    """In characters."""
    long: bool = False
    """True for text that is broken into lines."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: lines of text, then a table."""

    name: str
    columns: tuple[Column, ...]
    rows: Iterable[Row] = field(repr=False)
    above: tuple[Row, ...] = ()
    """Lines of a label and its text over the table. Without them the table's headings stay in sight."""


def written(sheets: Iterable[Sheet]) -> bytes:
    """The workbook with these sheets, in order; each table has a filter, and text cells are never formulas."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        extents = [_put_sheet(archive, number, sheet) for number, sheet in enumerate(sheets, start=1)]
        for name, content in _frame(extents):
            _put(archive, name, [content])
    return buffer.getvalue()


def _put_sheet(archive: ZipFile, number: int, sheet: Sheet) -> tuple[str, str]:
    """The sheet's name, and the range of its table as a formula names it."""
    top = len(sheet.above) + 1
    last = top

    def parts() -> Iterator[str]:
        nonlocal last
        yield _sheet_head(sheet)
        for row_no, row in enumerate(sheet.above, start=1):
            yield _row(row_no, row, _places((Style.TITLE, Style.LONG)))
        headings = _places(Style.HEADING for _ in sheet.columns)
        yield _row(top, tuple(column.heading for column in sheet.columns), headings)
        places = _places(Style.LONG if column.long else Style.TEXT for column in sheet.columns)
        rows = enumerate(sheet.rows, start=top + 1)
        while piece := list(islice(rows, _AT_ONCE)):
            last = piece[-1][0]
            yield "".join(_row(row_no, row, places) for row_no, row in piece)
        yield f'</sheetData><autoFilter ref="A{top}:{_letter(len(sheet.columns))}{last}"/>{_SHEET_END}'

    _put(archive, f"xl/worksheets/sheet{number}.xml", parts())
    return sheet.name, f"'{sheet.name}'!$A${top}:${_letter(len(sheet.columns))}${last}"


def _put(archive: ZipFile, name: str, parts: Iterable[str]) -> None:
    info = ZipInfo(name, _EPOCH)
    info.compress_type = ZIP_DEFLATED
    info.create_system = 3  # the same bytes on every system
    with archive.open(info, "w") as file:
        file.write(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n')
        for part in parts:
            file.write(part.encode())


@dataclass(frozen=True, slots=True)
class _Place:
    """One column of cells: what stands before the row's number, and between that and the content."""

    start: str
    before_text: str
    before_number: str


def _places(styles: Iterable[Style]) -> tuple[_Place, ...]:
    return tuple(
        _Place(
            start=f'<c r="{_letter(place)}',
            before_text=f'" s="{style:d}" t="inlineStr"><is><t xml:space="preserve">',
            before_number=f'" s="{Style.NUMBER:d}"><v>',
        )
        for place, style in enumerate(styles, start=1)
    )


def _row(row_no: int, row: Row, places: tuple[_Place, ...]) -> str:
    cells = [f'<row r="{row_no}">']
    for place, cell in zip(places, row, strict=False):  # a line over the table may be shorter than the table
        if isinstance(cell, str):
            cells.append(f"{place.start}{row_no}{place.before_text}{_text(cell)}</t></is></c>")
        elif cell is not None:
            cells.append(f"{place.start}{row_no}{place.before_number}{cell}</v></c>")
    cells.append("</row>")
    return "".join(cells)


def _text(text: str) -> str:
    """As XML carries it: what XML cannot hold is a replacement character, and nothing is taken for an escape."""
    if _PLAIN.fullmatch(text) and "_x" not in text and len(text) <= LONGEST:
        return text
    kept = _LOOKS_ESCAPED.sub("_x005F_", _NOT_IN_XML.sub("\ufffd", text[:LONGEST]))
    return escape(kept, {"\r": "_x000D_"})


def _letter(place: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place - 1]


def _sheet_head(sheet: Sheet) -> str:
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{column.width}" customWidth="1"/>'
        for place, column in enumerate(sheet.columns, start=1)
    )
    pane = "" if sheet.above else '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData>'
    )


def _frame(extents: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Every part but the sheets."""
    numbers = range(1, len(extents) + 1)
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><bookViews><workbookView/></bookViews><sheets>'
        + "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            for number, (name, _) in zip(numbers, extents, strict=True)
        )
        + "</sheets><definedNames>"
        + "".join(
            f'<definedName name="{_FILTER}" localSheetId="{place}" hidden="1">{escape(extent)}</definedName>'
            for place, (_, extent) in enumerate(extents)
        )
        + "</definedNames></workbook>",
    )
    sheets = [(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*sheets, ("rIdStyles", "styles", "styles.xml")])
    yield "_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")])
    yield "xl/styles.xml", _STYLES
    yield (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{_TYPE}package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="/xl/{part}.xml" ContentType="{_TYPE}officedocument.spreadsheetml.{kind}+xml"/>'
            for part, kind in (
                ("workbook", "sheet.main"),
                ("styles", "styles"),
                *((f"worksheets/sheet{number}", "worksheet") for number in numbers),
            )
        )
        + "</Types>",
    )


def _relations(related: list[tuple[str, str, str]]) -> str:
    each = "".join(f'<Relationship Id="{name}" Type="{_RELATED}/{kind}" Target="{to}"/>' for name, kind, to in related)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-"
_SHEET_END = (
    '<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/>'
    '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
)
_FILTER = "_xlnm._FilterDatabase"
"""The name under which spreadsheet programs keep a sheet's filter."""
_TOP = '<alignment vertical="top"/>'
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="3"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><color rgb="FFFFFFFF"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FF1F3B57"/><bgColor indexed="64"/></patternFill></fill>'
    "</fills>"
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5">'
    f'<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1">{_TOP}</xf>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1" '
    f'applyAlignment="1">{_TOP}</xf>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1" '
    'applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
    '<xf numFmtId="49" fontId="2" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" '
    f'applyAlignment="1">{_TOP}</xf>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
