"""What a partner typed, wherever it typed it, is in no refusal, receipt, log, audit event, ledger line or message."""

import json
import logging
from datetime import date
from io import BytesIO

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from family_exchange.adapters import database, profiles
from family_exchange.domain.file import State
from family_exchange.stages import check
from support import containers, periods, safeguarding
from support.periods import FEED, area, police, tenant

__all__ = ["area", "police", "tenant"]

WORD = "Qwyzzlefax"
"""Nobody's name."""
BUNDLE = "childrens_social_care"
TABLE = periods.table(FEED, 3)
HEADER, FIRST, *OTHERS = TABLE.splitlines()


def said(**words):
    return periods.content(FEED, TABLE, **words)


def lines(*changed):
    return "\n".join(changed).encode()


TEXTS = {
    "a column": lines(f"{HEADER},{WORD}", f"{FIRST},x"),
    "a column twice": lines(f"{HEADER},{WORD},{WORD}", f"{FIRST},x,y"),
    "the quotes of a header": lines(f'{HEADER},"{WORD}', FIRST),
    "no header": lines(WORD, WORD),
    "a word of the first line": said(**{WORD: "1"}),
    "the feed": f"#family-exchange feed={WORD}\n{TABLE}".encode(),
    "the contract": f"#family-exchange contract={WORD}\n{TABLE}".encode(),
    "the council": said(council=WORD),
    "the day": said(as_of=WORD),
    "the number": said(sequence=WORD),
    "the rows": f"#family-exchange rows={WORD}\n{TABLE}".encode(),
    "the area": said(area=f"{WORD}!"),
    "a quote that never ends": lines(HEADER, FIRST, f'"{WORD}'),
    "a quote within a cell": lines(HEADER, f'{WORD}"{FIRST}'),
    "a short row": lines(HEADER, FIRST, WORD),
    "bytes that are no text": lines(HEADER, FIRST) + b"\n" + WORD.encode() + b"\xff",
    "a NUL": lines(HEADER, FIRST) + b"\n" + WORD.encode() + b"\0",
    "every cell": lines(HEADER, FIRST, ",".join(WORD for _ in HEADER.split(","))),
    "what looks like a formula": lines(HEADER, ",".join(f"={WORD}()" for _ in HEADER.split(","))),
    "another message": b"-----BEGIN PGP MESSAGE-----\n" + WORD.encode(),
}


def drawn(draw, name="ssd_person"):
    """A bundle as a workbook, in which `draw` wrote the table of persons."""
    buffer = BytesIO()
    made = xlsxwriter.Workbook(buffer, {"in_memory": True})
    for table in safeguarding.contract().tables:
        sheet = made.add_worksheet(name if table.name == "ssd_person" else table.name)
        sheet.write_row(0, 0, safeguarding.contract().of_table(table.name).headers)
        if table.name == "ssd_person":
            draw(made, sheet)
    made.close()
    return buffer.getvalue()


def with_part(name, content):
    return containers.repacked(drawn(lambda *_: None), lambda parts: parts.update({name: content}))


def cell_of(kind):
    def change(parts):
        sheet = next(name for name in sorted(parts) if name.startswith("xl/worksheets/sheet"))
        cell = f'<row r="2"><c r="A2" t="{kind}"><v>{WORD}</v></c></row></sheetData>'.encode()
        parts[sheet] = parts[sheet].replace(b"</sheetData>", cell)

    return containers.repacked(drawn(lambda *_: None), change)


BUNDLES = {
    "a member": containers.archive({f"{WORD}.csv": "a,b\n"}),
    "a member's folder": containers.archive({f"../{WORD}/x.csv": "a,b\n"}),
    "a table's column": containers.archive(
        {f"{table}.csv": f"{WORD},b\n" for table in safeguarding.tables()} | {"manifest.txt": safeguarding.MANIFEST}
    ),
    "the manifest": safeguarding.bundle(safeguarding.tables(), manifest=f"#family-exchange {WORD}"),
    "more in the manifest": safeguarding.bundle(safeguarding.tables(), manifest=f"{safeguarding.MANIFEST}\n{WORD}"),
    "every cell of a table": safeguarding.bundle(
        safeguarding.tables(person=[dict.fromkeys(safeguarding.contract().of_table("ssd_person").headers, WORD)])
    ),
    "a sheet": drawn(lambda *_: None, name=WORD),
    "a formula": drawn(lambda _, sheet: sheet.write_formula(1, 0, f'="{WORD}"', value=WORD)),
    "a link": drawn(lambda _, sheet: sheet.write_url(1, 0, f"https://{WORD}.example.org/")),
    "a comment": drawn(lambda _, sheet: sheet.write_comment(1, 0, WORD)),
    "merged cells": drawn(lambda _, sheet: sheet.merge_range("A2:B2", WORD)),
    "a part that no workbook has": with_part(f"xl/{WORD}.xml", f"<{WORD}/>"),
    "broken XML": with_part("xl/sharedStrings.xml", f"<sst><si><t>{WORD}</sst>"),
    "an entity": with_part("xl/sharedStrings.xml", f'<!DOCTYPE x [<!ENTITY a "{WORD}">]><sst>&a;</sst>'),
    **{f"a cell of type {kind}": cell_of(kind) for kind in ("n", "d", "b", "s", "e", WORD)},
}


def checked(plaintext, feed):
    profile = profiles.profile(profiles.demo_council())
    return check.file(plaintext, feed, profile=profile, name="file.csv", signed_on=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("feed", "plaintext"),
    [(feed, each) for feed, files in ((FEED, TEXTS), (BUNDLE, BUNDLES)) for each in files.values()],
    ids=[*TEXTS, *BUNDLES],
)
def test_no_receipt_repeats_what_was_typed(feed, plaintext, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    found = checked(plaintext, feed)
    assert found.about.reason or found.validated.findings.broken, "each of these is wrong in some way"
    assert WORD not in json.dumps(found.receipt)
    assert WORD not in caplog.text
    assert WORD not in "".join(capfd.readouterr())


def test_a_workbook_repeats_the_partners_own_references_and_nothing_else():
    book = CalamineWorkbook.from_filelike(BytesIO(checked(TEXTS["every cell"], FEED).workbook))
    cells = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    assert WORD not in json.dumps(cells["Summary"], default=str)
    headings, *rows = cells["Rows"]
    repeated = {headings[place] for row in rows for place, cell in enumerate(row) if WORD in str(cell)}
    assert repeated == {"incident_ref", "person_ref"}


def everything(url):
    """Every text of every room but staging, as a person with the database before them would see it."""
    with database.transaction(url) as connection:
        tables = connection.execute(
            """SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
                WHERE table_schema IN ('exchange','register','returns','rights') AND table_type = 'BASE TABLE'"""
        ).fetchall()
        texts = [
            (table, str(text))
            for (table,) in tables
            for (text,) in connection.execute(f"SELECT t::text FROM {table} t").fetchall()
        ]
        events = connection.execute("SELECT convert_from(event, 'UTF8') FROM audit.event").fetchall()
    return [*texts, *(("audit.event", str(event)) for (event,) in events)]


def test_the_platform_keeps_and_says_nothing_of_it_either(tenant, police, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    came = [
        periods.sent(tenant, police, FEED, f"{number}.csv.pgp", TEXTS[which])
        for number, which in enumerate(["a column", "a word of the first line", "a short row", "every cell"])
    ]
    assert [file.state for file in came] == [State.QUARANTINED] * 3 + [State.CLOSED]
    assert came[-1].rows_refused == 1
    assert all(WORD not in json.dumps(periods.receipt(tenant, police, file)) for file in came)
    assert [table for table, text in everything(tenant.doors.database) if WORD in text] == []
    assert WORD not in caplog.text
    assert WORD not in "".join(capfd.readouterr())
