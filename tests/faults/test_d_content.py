"""Group D: what may stand in a sealed file, through the whole intake: the exact reason, and nothing of it staged.

The reader's own tests hold each rule to many more inputs (tests/adapters/test_tabular.py, test_containers.py).
"""

import logging
import re

import pytest

from family_exchange.adapters import database
from family_exchange.domain.file import Reason, State
from support import faults

MANY = b"".join(b",x%d" % number for number in range(10_000))
PLACE = "1 Example Street"
NAME = "Testperson-A"


def swapped(old, new):
    """A change of the good file's bytes."""
    return lambda content: content.replace(as_bytes(old), as_bytes(new), 1)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def header(change):
    def changed(content):
        lines = content.split(b"\n")
        lines[1] = change(lines[1])
        return b"\n".join(lines)

    return changed


def cells(change):
    """A change of every line from the header on."""

    def changed(content):
        first, *lines = content.decode().rstrip("\n").split("\n")
        return "\n".join([first, *(change(line, number) for number, line in enumerate(lines)), ""]).encode()

    return changed


def said(key, value):
    return lambda content: re.sub(rb"%s=[^ \n]*" % key.encode(), f"{key}={value}".encode(), content, count=1)


def only_the_top(content):
    return b"\n".join(re.sub(rb" rows=\d+", b"", content).split(b"\n")[:2]) + b"\n"


def without_the_column(content):
    return cells(lambda line, _: line.replace(",pnc_id", "") if "pnc_id" in line else line.rpartition(",")[0])(content)


REFUSED = {
    "D02 a name twice": (header(swapped("surname", "forename")), Reason.HEADER),
    "D03 UTF-16": (lambda content: content.decode().encode("utf-16"), Reason.ENCODING),
    "D03 windows-1252": (swapped("Zoë", b"Zo\xeb"), Reason.ENCODING),
    "D03 half a character": (swapped(NAME, b"Test\x80"), Reason.ENCODING),
    "D03 a character the long way": (swapped(NAME, b"Test\xc0\xaf"), Reason.ENCODING),
    "D03 half a pair": (swapped(NAME, b"Test\xed\xa0\x80"), Reason.ENCODING),
    "D04 a NUL": (swapped(NAME, b"Test\0person"), Reason.ENCODING),
    "D06 a cell without an end": (swapped(PLACE, "x" * 131_073), Reason.CSV_SYNTAX),
    "D06 a line of ten megabytes": (swapped(PLACE, "x" * 10_000_000), Reason.CSV_SYNTAX),
    "D06 ten thousand columns": (header(lambda line: line + MANY), Reason.CSV_SYNTAX),
    "D06 a row that is too long": (swapped(PLACE, f"{PLACE},"), Reason.CSV_SYNTAX),
    "D06 a row that is too short": (swapped(f"{PLACE},", PLACE), Reason.CSV_SYNTAX),
    "D06 a quote that is never closed": (swapped(PLACE, f'"{PLACE}'), Reason.CSV_SYNTAX),
    "D09 a header and no rows": (only_the_top, Reason.CONTENT),
    "D09 nothing at all": (lambda _: b"", Reason.CONTENT),
    "D09 fewer rows than it says": (said("rows", "99"), Reason.CONTENT),
    "D11 a column too many": (cells(lambda line, number: line + (",diagnosis" if not number else ",x")), Reason.SCHEMA),
    "D11 a column too few": (without_the_column, Reason.SCHEMA),
    "D11 no header": (lambda content: content.split(b"\n", 2)[0] + b"\n" + content.split(b"\n", 2)[2], Reason.HEADER),
    "D18 another council's": (swapped(" feed=", " council=halton feed="), Reason.CONTENT),
    "D18 another feed's": (said("feed", "school_attendance"), Reason.CONTENT),
    "B04 a way upwards as the feed": (said("feed", "a/../../b"), Reason.CONTENT),
    "B04 a way upwards as the area": (swapped(" feed=", " area=../../x feed="), Reason.HEADER),
    "a version that is not agreed": (said("contract", "v99"), Reason.SCHEMA),
    "a word that nobody knows": (swapped(" feed=", " colour=red feed="), Reason.HEADER),
}
TAKEN = {
    "D03 a byte-order mark": (lambda content: b"\xef\xbb\xbf" + content, "Ada"),
    "D03 a name that only looks spoilt": (swapped("Zoë", "ZoÃ«"), "ZoÃ«"),
    "D04 lines that end in two": (lambda content: content.replace(b"\n", b"\r\n"), "Ada"),
    "D04 other line separators in a cell": (swapped(PLACE, "1\u2028Example\u0085Street"), "Ada"),
    "D08 a formula": (swapped("Ada", "=cmd|' /C calc'!A0"), "=cmd|' /C calc'!A0"),
    "D08 a formula in full width": (swapped("Ada", "\uff1d1+1"), "\uff1d1+1"),
    "D08 an at sign": (swapped("Ada", "@SUM(1)"), "@SUM(1)"),
    "D09 lines without rows at its end": (lambda content: content + b"\n\n", "Ada"),
    "D09 no end of its last line": (lambda content: content.rstrip(b"\n"), "Ada"),
    "D11 columns in another order": (
        cells(lambda line, _: line if '"' in line else ",".join([*line.split(",")[1:], line.split(",")[0]])),
        None,
    ),
    "D13 a surname that others read as nothing": (lambda content: content, "Testperson"),
    "D16 a statement": (swapped("Ada", "'; DROP TABLE exchange.file; --"), "'; DROP TABLE exchange.file; --"),
    "D16 a template": (swapped("Ada", "{{ var.value.secret }}"), "{{ var.value.secret }}"),
    "D16 markup": (swapped("Ada", "<script>alert(1)</script>"), "<script>alert(1)</script>"),
}
LOOK_ALIKE_LOG = "\n2026-11-22 INFO every file was accepted"


@pytest.fixture(autouse=True)
def at_rest(tenant):
    yield
    faults.assert_at_rest(tenant)


def taken(tenant, change, name):
    faults.put(tenant, name, faults.sealed(tenant, change(faults.content())))
    (file,) = faults.run(tenant)
    return file


def staged(tenant, file):
    """Every row of the file as text, a column's name to its cell."""
    with database.transaction(tenant.doors.database) as connection:
        rows = connection.execute(
            f"SELECT to_jsonb(row) FROM staging.{faults.FEED} AS row WHERE file_id = %s", (file.file_id,)
        )
        return [row[0] for row in rows]


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_for_certain_is_refused_with_its_reason(tenant, kind):
    change, reason = REFUSED[kind]
    file = taken(tenant, change, "refused.pgp")
    assert (file.state, file.reason) == (State.QUARANTINED, reason)
    assert staged(tenant, file) == []
    told = faults.receipt_of(tenant, file)
    assert (told["verdict"], told["reason"]) == ("refused", reason)
    assert faults.CANARY.decode() not in str(told)


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_only_unusual_is_data(tenant, kind):
    change, forename = TAKEN[kind]
    file = taken(tenant, change, "unusual.pgp")
    assert (file.state, file.reason) == (State.CLOSED, None)
    rows = staged(tenant, file)
    assert len(rows) == file.rows_loaded > 10
    if forename:
        assert forename in {row["forename"] for row in rows}


def test_surnames_that_others_read_as_nothing_survive(tenant):
    file = taken(tenant, lambda content: content, "null.pgp")
    assert {"Null", "NA"} <= {row["surname"] for row in staged(tenant, file)}


@pytest.mark.parametrize(
    "typed",
    ["9.43477E+09", "31/02/2020", "68-01-01", "02/28/1990", "45000", "2090-01-01", "1850-01-01", "\uff11984-02-29"],
)
def test_a_date_of_birth_is_refused_or_left_out_and_never_guessed(tenant, typed):
    file = taken(tenant, swapped("1984-02-29", typed), "dates.pgp")
    assert file.state is State.CLOSED
    assert file.rows_with_finding + file.rows_refused >= 1
    first = [row for row in staged(tenant, file) if row["event_ref"] == "INC-001"]
    assert all(row["date_of_birth"] is None for row in first)


def test_columns_that_changed_places_are_found(tenant):
    def change(content):
        return header(lambda line: line.replace(b"pnc_id", b"#").replace(b"sex", b"pnc_id").replace(b"#", b"sex"))(
            content
        )

    file = taken(tenant, change, "places.pgp")
    assert file.rows_with_finding + file.rows_refused > 5
    assert not any(row["sex"] not in {None, "M", "F", "U"} for row in staged(tenant, file))


def test_text_that_looks_like_a_log_is_in_no_log(tenant, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    forged = f'"Ada{LOOK_ALIKE_LOG}"'
    file = taken(tenant, swapped("Ada", forged), "forged.pgp")
    wrong = taken(tenant, lambda content: swapped("INC-001", forged)(content) + b"x\n", "forged-and-wrong.pgp")
    assert (wrong.state, wrong.reason) == (State.QUARANTINED, Reason.CSV_SYNTAX)
    assert any("INFO every file" in str(row["forename"]) for row in staged(tenant, file)) or file.rows_refused
    told = capfd.readouterr()
    assert "every file was accepted" not in caplog.text + told.out + told.err
    assert faults.CANARY.decode() not in caplog.text


def test_the_same_rows_sealed_again_are_a_duplicate_and_in_another_order_a_file_of_their_own(tenant):
    content = faults.content()
    shuffled = content.split(b"\n")
    shuffled[2], shuffled[3] = shuffled[3], shuffled[2]
    ends = []
    for number, each in enumerate((content, content, b"\n".join(shuffled))):
        faults.put(tenant, f"again-{number}.pgp", faults.sealed(tenant, each))
        ends += [(file.state, file.reason) for file in faults.run(tenant)]
    assert ends == [(State.CLOSED, None), (State.DUPLICATE, None), (State.QUARANTINED, Reason.CONFLICT)]
