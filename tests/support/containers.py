"""Workbooks and archives as partners make them, in memory; and contracts that take them."""

import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO

import xlsxwriter

from family_exchange.domain.contract import Contract
from support import profiles as a


def taking(*formats: str, encoding: Sequence[str] = ("utf-8",), **changes: object) -> Contract:
    """A contract for one table that is taken in these formats and encodings."""
    return Contract.model_validate(a.contract(file={"formats": formats, "encoding": encoding}, **changes))


@contextmanager
def little(*, seconds: float = 1, memory: int = 16 << 20) -> Iterator[None]:
    """What is done within takes no more than that of a core and of memory, whatever it is given."""
    tracemalloc.start()
    begun = time.process_time()
    try:
        yield
        taken, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < seconds
    assert peak < memory


def archive(members: Mapping[str, bytes | str], *, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return buffer.getvalue()


def repacked(workbook: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The workbook with its parts changed by `change`."""
    with zipfile.ZipFile(BytesIO(workbook)) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    change(parts)
    return archive(parts)


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]], **options: object) -> bytes:
    """A workbook with these sheets of rows; every text stays text."""
    buffer = BytesIO()
    made = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False, **options})
    day = made.add_format({"num_format": "dd/mm/yyyy"})
    for name, rows in sheets:
        sheet = made.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if hasattr(cell, "strftime"):
                    sheet.write_datetime(row, column, cell, day)
                elif isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif cell is not None:
                    sheet.write(row, column, cell)
    made.close()
    return buffer.getvalue()


def drawn(draw: Callable[[xlsxwriter.Workbook, xlsxwriter.worksheet.Worksheet], None]) -> bytes:
    """A workbook with one sheet, made as `draw` says."""
    buffer = BytesIO()
    made = xlsxwriter.Workbook(buffer, {"in_memory": True})
    draw(made, made.add_worksheet("rows"))
    made.close()
    return buffer.getvalue()
