"""A workbook becomes the CSV that its maker would have sent, or is refused; python-calamine reads it beside us."""

import csv
from datetime import date, datetime
from io import BytesIO, StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from family_exchange.adapters import containers
from family_exchange.domain.errors import DataRefused
from support import containers as a

HEADER = ["record_ref", "event_on", "role"]
CONTRACT = a.taking("csv", "xlsx")
LINE = "#family-exchange feed=incidents contract=v1 rows=1"


def read(plaintext, contract=CONTRACT):
    (part,) = containers.opened(plaintext, contract)
    return part.csv.decode()


def cells(*values):
    """The rows below the header as CSV has them."""
    return list(csv.reader(StringIO(read(a.workbook(("rows", [HEADER, *values]))))))[1:]


def refused(plaintext, contract=CONTRACT):
    with pytest.raises(DataRefused) as refusal:
        containers.opened(plaintext, contract)
    return str(refusal.value)


def test_a_workbook_is_read_as_the_csv_that_would_have_been_sent():
    made = a.workbook(("rows", [[LINE], HEADER, ["R1", date(2026, 1, 5), "victim"]]))
    assert read(made) == f"{LINE}\nrecord_ref,event_on,role\nR1,2026-01-05,victim\n"


def test_a_date_is_written_as_the_contract_writes_dates():
    contract = CONTRACT.model_copy(update={"file": CONTRACT.file.model_copy(update={"date_format": "%d/%m/%Y"})})
    assert "R1,05/01/2026" in read(a.workbook(("rows", [HEADER, ["R1", date(2026, 1, 5)]])), contract)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0012", "0012"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ('two\nlines, "quoted"', 'two\nlines, "quoted"'),
        ("Zoë \U0001f600", "Zoë \U0001f600"),
        ("_x000D_", "_x000D_"),
        (9434765919, "9434765919"),
        (-3, "-3"),
        (12.5, "12.5"),
        (0.000001, "0.000001"),
        (1 / 3, "0.3333333333333333"),
        (True, "Y"),
        (False, "N"),
        (None, ""),
        (datetime.fromisoformat("2026-01-05 13:45:00"), "2026-01-05 13:45:00"),
        (date(1900, 1, 1), "1900-01-01"),
        (date(1899, 12, 31), "0"),
        (date(1900, 3, 1), "1900-03-01"),
        (date(9999, 12, 31), "9999-12-31"),
    ],
)  # fmt: skip
def test_a_cell_is_its_value_and_not_how_it_is_shown(cell, expected):
    assert cells(["R1", cell, "x"]) == [["R1", expected, "x"]]


@pytest.mark.parametrize(
    ("number_format", "expected"),
    [
        ("dd mmm yyyy", "2026-01-05"),
        ("[$-809]d mmmm yyyy;@", "2026-01-05"),
        ("General", "46027"),
        ('0 "days"', "46027"),
        ("[Red]0", "46027"),
        ("0.00E+00", "46027"),
    ],
)
def test_a_number_is_a_date_only_where_it_is_formatted_as_one(number_format, expected):
    def draw(book, sheet):
        sheet.write_row(0, 0, HEADER)
        sheet.write_number(1, 0, 46027, book.add_format({"num_format": number_format}))

    assert read(a.drawn(draw)).splitlines()[1] == f"{expected},,"


def test_days_counted_from_1904_are_the_same_days():
    made = a.workbook(("rows", [HEADER, ["R1", date(2026, 1, 5), "x"]]), date_1904=True)
    assert "R1,2026-01-05,x" in read(made)


def test_an_empty_row_keeps_its_place_between_others_and_is_gone_at_the_end():
    assert cells(["R1", "", ""], [None, None, None], ["R2", "", ""], ["", "", ""]) == [
        ["R1", "", ""], ["", "", ""], ["R2", "", ""],
    ]  # fmt: skip


def with_formula(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.write_formula(1, 1, "=1+1", None, 2)


def with_error(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.write_formula(2, 2, "=NA()", None, "#N/A")


def with_long_number(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.write_number(1, 0, 10**15)


def with_merged_cells(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.merge_range(1, 0, 1, 1, "x")


def with_hidden_row(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ["R1"])
    sheet.set_row(1, None, None, {"hidden": True})


def with_hidden_column(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.set_column(1, 1, None, None, {"hidden": True})


def with_hidden_sheet(book, sheet):
    sheet.write_row(0, 0, HEADER)
    book.add_worksheet("more").hide()


def with_a_cell_beyond(book, sheet):
    sheet.write_row(0, 0, HEADER)
    sheet.write_string(1, 3, "x")


def with_link(book, sheet):
    sheet.write_url(0, 0, "https://example.org")


def with_comment(book, sheet):
    sheet.write_comment(0, 0, "somebody said something")


def with_two_sheets(book, sheet):
    book.add_worksheet("more")


def with_chart(book, sheet):
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=rows!$A$1:$A$2"})
    sheet.insert_chart(0, 0, chart)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (with_formula, "CONTENT: row 2, column 2 of the sheet holds a formula"),
        (with_error, "CONTENT: row 3, column 3 of the sheet holds"),
        (with_long_number, "CONTENT: row 2, column 1 of the sheet holds a number of more than 15 digits"),
        (with_merged_cells, "SCHEMA: cells of the sheet are merged"),
        (with_hidden_row, "SCHEMA: row 2 of the sheet is hidden"),
        (with_hidden_column, "SCHEMA: a column of the sheet is hidden"),
        (with_hidden_sheet, "SCHEMA: a sheet of the workbook is hidden"),
        (with_a_cell_beyond, "CSV_SYNTAX: row 2 of the sheet has cells beyond the header"),
        (with_link, "SCHEMA: the workbook has links"),
        (with_comment, "SCHEMA: the workbook holds more than cells"),
        (with_two_sheets, "SCHEMA: the workbook has 2 sheets"),
        (with_chart, "SCHEMA: the workbook holds more than cells"),
    ],
)
def test_what_is_more_than_plain_values_is_refused_where_it_stands(draw, expected):
    assert refused(a.drawn(draw)).startswith(expected)


@pytest.mark.requirement("R-031")
def test_a_workbook_with_a_picture_is_refused():
    def with_picture(parts):
        parts["xl/media/image1.png"] = b"\x89PNG"

    assert "pictures" in refused(a.repacked(a.workbook(("rows", [HEADER])), with_picture))


def changed(part, old, new):
    def change(parts):
        assert old in parts[part]
        parts[part] = parts[part].replace(old, new)

    return a.repacked(a.workbook(("rows", [HEADER, ["R1", 5, "x"]])), change)


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("part", "old", "new", "expected"),
    [
        (SHEET, b'r="A2"', b'r="B1"', "CORRUPT"),
        (SHEET, b'r="A2"', b'r="ZZZ2"', "SCHEMA"),
        (SHEET, b'<row r="2"', b'<row r="9999999"', "CORRUPT"),
        (SHEET, b'<row r="2"', b'<row r="1"', "CORRUPT"),
        (SHEET, b"<v>3</v>", b"<v>99</v>", "CORRUPT"),
        (SHEET, b"<v>5</v>", b"<v>five</v>", "CONTENT"),
        (SHEET, b"<v>5</v>", b"<v>1e999</v>", "CONTENT"),
        (SHEET, b"<v>5</v>", b"<v>nan</v>", "CONTENT"),
        (SHEET, b"<sheetData>", b"<sheetData", "CORRUPT"),
        (SHEET, b"<worksheet", b'<!DOCTYPE x [<!ENTITY e "e">]><worksheet', "CORRUPT"),
        ("xl/sharedStrings.xml", b"R1", b"_x0000_", "ENCODING"),
        ("xl/sharedStrings.xml", b"R1", b"_xD800_", "ENCODING"),
        ("xl/sharedStrings.xml", b"R1", b"x" * 40_000, "CSV_SYNTAX"),
        ("xl/workbook.xml", b'r:id="rId1"', b'r:id="rId9"', "CORRUPT"),
        ("xl/_rels/workbook.xml.rels", b"worksheets/sheet1.xml", b"../../etc/passwd", "CORRUPT"),
        ("[Content_Types].xml", b"sheet.main+xml", b"sheet.macroEnabled.main+xml", "SCHEMA"),
    ],
)
def test_a_workbook_that_no_spreadsheet_program_writes_is_refused(part, old, new, expected):
    assert refused(changed(part, old, new)).startswith(f"{expected}:")


def test_two_cells_far_apart_cost_nothing():
    made = a.drawn(lambda _, sheet: (sheet.write(0, 0, "a"), sheet.write(1_048_575, 16_383, "z")))
    with a.little():
        assert refused(made).startswith("SCHEMA")


def test_one_text_that_stands_in_every_cell_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("family_exchange.adapters.archive.LARGEST", 1 << 20)
    rows = [HEADER, *(["x" * 1000] * 3 for _ in range(500))]
    assert refused(a.workbook(("rows", rows))).startswith("EXPANSION")


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
CELLS = st.one_of(TEXTS, st.integers(-(10**14), 10**14), st.dates(date(1901, 1, 1), date(2100, 1, 1)), st.booleans())


def as_text(value):
    """What a cell is in CSV, by what another reader makes of it."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, float):
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXTS.filter(bool), CELLS, CELLS), min_size=1, max_size=8))
def test_another_reader_of_workbooks_finds_the_same_in_every_cell(rows):
    made = a.workbook(("rows", [HEADER, *rows]))
    other = CalamineWorkbook.from_filelike(BytesIO(made)).get_sheet_by_index(0).to_python()
    ours = list(csv.reader(StringIO(read(made), newline="")))
    assert ours == [[as_text(value) for value in row] for row in other]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_change_of_bytes_is_anything_but_a_csv_or_a_refusal(data):
    made = a.workbook(("rows", [HEADER, ["R1", date(2026, 1, 5), 5.5]]))

    def change(parts):
        name = data.draw(st.sampled_from(sorted(parts)))
        place = data.draw(st.integers(0, len(parts[name]) - 1))
        parts[name] = parts[name][:place] + data.draw(st.binary(max_size=3)) + parts[name][place + 1 :]

    try:
        assert isinstance(read(a.repacked(made, change)), str)
    except DataRefused as refusal:
        assert refusal.reason  # noqa: PT017 - anything else would fail the test


def test_tags_within_tags_within_tags_are_refused_before_they_fill_the_memory():
    def deepen(parts):
        sheet = parts["xl/worksheets/sheet1.xml"]
        parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<sheetData>", b"<sheetData>" + b"<a>" * 300_000)

    plaintext = a.repacked(a.workbook(("S", [["a"], ["1"]])), deepen)
    with a.little(seconds=5), pytest.raises(DataRefused) as refusal:
        containers.opened(plaintext, a.taking("csv", "xlsx"))
    assert refusal.value.reason == "CORRUPT"
    assert "nested" in str(refusal.value)
