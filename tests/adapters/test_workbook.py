"""The workbook that a partner gets: what each sheet shows, and that it stays small and readable."""

import io
import re
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

from python_calamine import CalamineWorkbook

from family_exchange.adapters import workbook
from family_exchange.domain.answer import About, Book, ChangeLine, Counts, RowLine, RuleLine
from family_exchange.domain.file import Reason, Verdict
from family_exchange.domain.findings import Severity
from family_exchange.domain.resend import Changes, Earlier, Resent

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
FIX = "Give role in every row."
ABOUT = About(
    feed="police_incidents", name="our file.csv", council="halton", file_id="F00000007", partner="police",
    contract="v1", received_at=NOW, as_of=date(2026, 10, 31), coverage_from=date(2026, 4, 1), area="E08000036",
    sequence=7, verdict=Verdict.PARTLY_ACCEPTED, counts=Counts(12_345, 12_000, 45, 300, 2),
)  # fmt: skip
RULE = RuleLine("PI-031", Severity.ERROR, None, "role", 300, FIX)
LINE = RowLine(None, 4, ("0012345678901234567890", "P4"), "role", "PI-031", Severity.ERROR, FIX, loaded=False)
BOOK = Book(ABOUT, (RULE,), ("incident_ref", "person_ref"), (LINE,), 0)
EARLIER = Earlier("F00000003", "first try.csv", NOW, Verdict.REFUSED, None)


def made(book):
    return workbook.written(book)


def sheet(book, name):
    return CalamineWorkbook.from_filelike(io.BytesIO(made(book))).get_sheet_by_name(name).to_python()


def summary(book):
    return {line[0]: line[1] for line in sheet(book, "Summary")}


def xml(book, number=2):
    with zipfile.ZipFile(io.BytesIO(made(book))) as archive:
        return archive.read(f"xl/worksheets/sheet{number}.xml").decode()


def widths(book, number=2):
    return [float(width) for width in re.findall(r'<col [^>]*width="([0-9.]+)"', xml(book, number))]


def test_the_summary_says_which_file_what_became_of_it_and_what_to_do():
    shown = summary(BOOK)
    assert shown["File"] == "our file.csv"
    assert shown["Feed"] == "police_incidents v1"
    assert shown["Received"] == "2026-11-20 09:30 UTC"
    assert shown["Covers"] == "2026-04-01 to …"
    assert (shown["Area"], shown["Number of the file"]) == ("E08000036", "7")
    assert shown["Verdict"] == "partly accepted"
    assert "send the whole file again" in shown["What to do next"]
    assert (shown["Rows read"], shown["Rows refused"]) == ("12,345", "300")


def test_the_summary_leaves_out_what_is_not_known():
    shown = summary(replace(BOOK, about=About("police_incidents", "a.csv")))
    assert not {"Council", "Received", "Covers", "Area", "Verdict", "Rows read"} & set(shown)


def test_a_reason_comes_with_its_detail():
    about = replace(ABOUT, reason=Reason.CONTENT, detail="the first line promises 5 rows; the file has 4")
    assert summary(replace(BOOK, about=about))["Reason"].startswith("CONTENT the first line promises")


def test_each_rule_stands_in_the_summary_with_its_count():
    assert sheet(BOOK, "Summary")[-2:] == [
        ["Rule", "What to do", "Severity", "Column", "Rows"],
        ["PI-031", FIX, "error", "role", 300.0],
    ]


def test_a_row_stands_with_its_number_its_reference_and_what_to_do():
    assert sheet(BOOK, "Rows") == [
        [
            "Row",
            "incident_ref",
            "person_ref",
            "Column",
            "Rule",
            "Severity",
            "What is wrong and what to do",
            "Row loaded",
        ],
        [4.0, "0012345678901234567890", "P4", "role", "PI-031", "error", FIX, "no"],
    ]


def test_a_finding_of_the_whole_file_has_neither_number_nor_reference():
    line = replace(LINE, row_no=None, reference=(), loaded=True)
    assert sheet(replace(BOOK, rows=(line,)), "Rows")[1][:3] == ["", "", ""]


def test_a_bundle_shows_the_table_of_each_row():
    bundle = replace(BOOK, bundle=True, rules=(replace(RULE, table="person"),), rows=(replace(LINE, table="person"),))
    assert sheet(bundle, "Rows")[1][1] == "person"
    assert sheet(bundle, "Summary")[-1][3] == "person"


def test_columns_fit_what_stands_in_them():
    row, incident, person, *_, fix, loaded = widths(BOOK)
    assert incident >= len("0012345678901234567890")
    assert person >= len("person_ref")
    assert fix >= len(FIX)
    assert min(row, loaded) >= len("Row")
    long = replace(BOOK, rows=(replace(LINE, reference=("x" * 400, "P")),))
    assert widths(long)[1] < 60


def test_the_headings_of_the_rows_stay_in_sight_and_have_a_filter():
    assert 'state="frozen"' in xml(BOOK)
    assert '<autoFilter ref="A1:H2"/>' in xml(BOOK)
    assert 'state="frozen"' not in xml(BOOK, 1)


def test_what_was_left_out_is_counted():
    assert "More findings" not in summary(BOOK)
    assert summary(replace(BOOK, more=1_234))["More findings"].startswith("1,234 more")


def test_a_resend_has_a_sheet_of_changes():
    assert "Changes" not in CalamineWorkbook.from_filelike(io.BytesIO(made(BOOK))).sheet_names
    line = ChangeLine("still wrong", None, 4, ("I4", "P4"), "role", "PI-031", FIX)
    resent = replace(BOOK, resent=Resent(EARLIER, Changes((), (), ())), changes=(line,))
    assert sheet(resent, "Changes")[1] == ["still wrong", 4.0, "I4", "P4", "role", "PI-031", FIX, "this file"]
    assert summary(resent)["Compared with"].startswith("first try.csv (file F00000003)")


def test_a_reason_that_is_gone_is_said_without_a_sheet_of_changes():
    resent = replace(BOOK, resent=Resent(EARLIER, None, Reason.SCHEMA))
    assert summary(resent)["Since then"].startswith("SCHEMA")
    assert "Changes" not in CalamineWorkbook.from_filelike(io.BytesIO(made(resent))).sheet_names


def test_the_same_book_gives_the_same_bytes():
    assert made(BOOK) == made(BOOK)


def test_many_findings_take_little_memory_and_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "there is no such folder"))
    lines = 20_000
    book = replace(BOOK, rows=(replace(LINE, row_no=number, reference=(f"I{number}", "P")) for number in range(lines)))
    tracemalloc.start()
    content = made(book)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content) + 12_000_000
    assert len(content) < 60 * lines
