"""A workbook that we write holds text as text, and nothing that a person or a program did not put there."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from family_exchange.adapters import xlsx
from family_exchange.adapters.xlsx import Column, Sheet

FORMULAS = ["=cmd|' /C calc'!A0", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("http://x")']  # noqa: RUF001 - a full-width sign
NUMBERS = ["0012345678901234567890", "1E5", "2026-04-30", "TRUE", "007"]


def a_book(cells, **options):
    rows = [(cell,) for cell in cells]
    return xlsx.written([Sheet("Rows", (Column("your_ref", 20),), rows, **options)])


def read(book, sheet="Rows"):
    return CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name(sheet).to_python()


def parts(book):
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("text", [*FORMULAS, *NUMBERS])
def test_text_comes_back_as_the_text_it_was(text):
    (cell,) = read(a_book([text]))[1]
    assert cell == text
    assert isinstance(cell, str)


@pytest.mark.parametrize("text", [*FORMULAS, *NUMBERS])
def test_no_cell_is_a_formula_or_a_number_and_editing_it_makes_none(text):
    sheet = parts(a_book([text]))["xl/worksheets/sheet1.xml"]
    assert "<f>" not in sheet
    assert "<v>" not in sheet
    styles = ET.fromstring(parts(a_book([text]))["xl/styles.xml"])
    formats = styles.findall("{*}cellXfs/{*}xf")
    used = {int(style) for style in re.findall(r'<c r="A2" s="([0-9])"', sheet)}
    assert used == {xlsx.Style.TEXT}
    assert formats[xlsx.Style.TEXT].get("numFmtId") == "49"
    assert formats[xlsx.Style.TEXT].get("quotePrefix") == "1"


def test_a_number_is_a_number():
    assert read(a_book([7, None]))[1] == [7.0]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_any_text_makes_a_readable_book(text):
    (cell,) = read(a_book([text, "end"]))[1]
    kept = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    assert cell.replace("\r", "\n") == kept.replace("\r", "\n")


def test_what_looks_like_an_escape_is_left_as_it_is_typed():
    assert "_x005F_x0041_" in parts(a_book(["_x0041_"]))["xl/worksheets/sheet1.xml"]


def test_a_long_text_is_cut_at_what_a_cell_holds():
    assert len(read(a_book(["x" * 40_000]))[1][0]) == xlsx.LONGEST


def test_the_same_rows_give_the_same_bytes():
    assert a_book(["a", "b"]) == a_book(["a", "b"])


def test_nobody_and_no_program_is_named():
    made = parts(a_book(["a"]))
    assert not any(name.startswith("docProps") for name in made)
    assert not re.search(
        r"creator|author|<Application|modified|xlsx?writer|family", "".join(made.values()), re.IGNORECASE
    )
    with zipfile.ZipFile(io.BytesIO(a_book(["a"]))) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_header_stays_in_sight_and_has_a_filter():
    sheet = parts(a_book(["a", "b"]))["xl/worksheets/sheet1.xml"]
    assert 'state="frozen"' in sheet
    assert '<autoFilter ref="A1:A3"/>' in sheet
    assert "'Rows'!$A$1:$A$3" in parts(a_book(["a", "b"]))["xl/workbook.xml"]


def test_lines_above_a_table_move_its_filter_down():
    book = xlsx.written([Sheet("Summary", (Column("a", 9), Column("b", 9)), [("1", "2")], above=(("Title", "words"),))])
    assert read(book, "Summary") == [["Title", "words"], ["a", "b"], ["1", "2"]]
    assert '<autoFilter ref="A2:B3"/>' in parts(book)["xl/worksheets/sheet1.xml"]


def test_every_part_is_well_formed():
    for content in parts(a_book([*FORMULAS, "<&>\"'"])).values():
        ET.fromstring(content)
