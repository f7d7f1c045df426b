import csv
import io
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from family_exchange.adapters import profiles, shape, tabular
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason


def a_contract(*names, optional=()):
    return Contract(
        feed="test_feed",
        version="v1",
        title="Test",
        partner_types=["police"],
        purposes=["identify"],
        key=[names[0]],
        retention={"category": "programme", "trigger": names[0]},
        columns=[
            {
                "name": name,
                "canonical": name,
                "type": "text",
                "required": name not in optional,
                "nullable": True,
                "data_class": "reference",
                "sensitivity": "operational",
                "purposes": ["identify"],
                "description": "a column",
            }
            for name in names
        ],
    )


CONTRACT = a_contract("a", "b", "c")


def cells(plaintext, contract=CONTRACT):
    return tabular.read(plaintext, contract).rows.select(contract.headers).rows()


def reason(plaintext, contract=CONTRACT):
    with pytest.raises(DataRefused) as refusal:
        tabular.read(plaintext, contract)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [
        (b"a,b,c\n1,2,3\n", [("1", "2", "3")]),
        (b"a,b,c\n1,2,3", [("1", "2", "3")]),
        (b"a,b,c\n1,2,3\n\n\n", [("1", "2", "3")]),
        (b"\xef\xbb\xbfa,b,c\n1,2,3\n", [("1", "2", "3")]),
        (b"c,a,b\n3,1,2\n", [("1", "2", "3")]),
        (b'"a","b","c"\n"1","2","3"\n', [("1", "2", "3")]),
        (b"a,b,c\r\n1,2,3\r\n4,5,6\r\n", [("1", "2", "3"), ("4", "5", "6")]),
        (b"a,b,c\r1,2,3\r4,5,6\r", [("1", "2", "3"), ("4", "5", "6")]),
        (b"a,b,c\n1,2,3\r\n4,5,6\r7,8,9", [("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9")]),
        (b'a,b,c\n"x,y","he said ""no""","two\nlines"\n', [("x,y", 'he said "no"', "two\nlines")]),
        (b'a,b,c\n"""","",""\n', [('"', None, None)]),
        (b"a,b,c\n  1 , ,\xc2\xa0\n", [("1", None, None)]),
        (b"a,b,c\nNull,NA,None\n", [("Null", "NA", "None")]),
        (b"a,b,c\n007,1e5,TRUE\n", [("007", "1e5", "TRUE")]),
        ("a,b,c\nx\u2028y,x\u0085y,x\x0by\n".encode(), [("x\u2028y", "x\u0085y", "x\x0by")]),
    ],
)
def test_every_cell_is_read_as_it_was_typed(plaintext, expected):
    assert cells(plaintext) == expected


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\uff1dcmd", "'; DROP TABLE person; --", "{{ var.value.x }}",
        "\x1b[2J", "<script>alert(1)</script>", "\u200b", "\uff19\uff14\uff13", "%s %d", "2026-01-01 INFO forged",
    ],
)  # fmt: skip
def test_text_that_would_be_something_elsewhere_stays_data_here(text):
    assert cells(f"a,b,c\n{text},2,3\n".encode()) == [(text, "2", "3")]


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize(
    ("plaintext", "expected"),
    [
        (b"a,b,c\nZo\xeb,2,3\n", Reason.ENCODING),
        ("a,b,c\nZo\xeb,2,3\n".encode("utf-16"), Reason.ENCODING),
        ("a,b,c\nZo\xeb,2,3\n".encode("utf-16-be"), Reason.ENCODING),
        (b"a,b,c\n\x80,2,3\n", Reason.ENCODING),
        (b"a,b,c\n\xc0\xaf,2,3\n", Reason.ENCODING),
        (b"a,b,c\n\xed\xa0\x80,2,3\n", Reason.ENCODING),
        (b"a,b,c\nx\xe2\x82", Reason.ENCODING),
        (b"a,b,c\nx\0y,2,3\n", Reason.ENCODING),
        (b"a,b,c\n1,2\n", Reason.CSV_SYNTAX),
        (b"a,b,c\n1,2,3,4\n", Reason.CSV_SYNTAX),
        (b"a,b,c\n1,2,3\n\n4,5,6\n", Reason.CSV_SYNTAX),
        (b"a,b,c\n1,2\n3,4,5,6\n", Reason.CSV_SYNTAX),
        (b"a,b,c\n1,2,3\n4,5", Reason.CSV_SYNTAX),
        (b'a,b,c\n"1,2,3\n', Reason.CSV_SYNTAX),
        (b'a,b,c\n"1"x,2,3\n', Reason.CSV_SYNTAX),
        (b'a,b,c\n1"x",2,3\n', Reason.CSV_SYNTAX),
        (b'a,b,c\n1, "2",3\n', Reason.CSV_SYNTAX),
        (b'a,b,c\n1,2,3"\n', Reason.CSV_SYNTAX),
        (b"a;b;c\n1;2;3\n", Reason.SCHEMA),
        (b'"a,b,c\n1,2,3\n', Reason.CSV_SYNTAX),
        (b"a,b,c\n" + b"x" * 40_000 + b",2,3\n", Reason.CSV_SYNTAX),
        (b"a" * 40_000 + b"\n1\n", Reason.CSV_SYNTAX),
        (b"a,b,b\n1,2,3\n", Reason.HEADER),
        (b"a,b,c,c\n1,2,3,4\n", Reason.HEADER),
        (b"a,b\n1,2\n", Reason.SCHEMA),
        (b"a,b,c,d\n1,2,3,4\n", Reason.SCHEMA),
        (b"A,b,c\n1,2,3\n", Reason.SCHEMA),
        (b"1,2,3\n4,5,6\n", Reason.SCHEMA),
        (b"", Reason.CONTENT),
        (b"\n\n", Reason.CONTENT),
        (b"\xef\xbb\xbf", Reason.CONTENT),
        (b"a,b,c\n", Reason.CONTENT),
        (b"a,b,c", Reason.CONTENT),
        (b"a,b,c\n\n\n", Reason.CONTENT),
    ],
)
def test_a_file_that_cannot_be_read_for_certain_is_refused(plaintext, expected):
    assert reason(plaintext) == expected


@given(st.binary(max_size=40), st.text("a\u00e9\u20ac\U0001f600", max_size=12))
def test_what_is_utf8_is_told_across_the_parts_in_which_it_is_proved(ending, start):
    plaintext = b"a\n" + start.encode() + ending.replace(b"\0", b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular, "_CHUNK", 3)
        try:
            tabular._prove_text(plaintext)
        except DataRefused:
            with pytest.raises(UnicodeDecodeError):
                plaintext.decode()
        else:
            assert plaintext.decode()


def test_an_optional_column_may_be_left_out():
    assert cells(b"a\n1\n", a_contract("a", "b", optional=("b",))) == [("1", None)]


def test_the_contract_says_what_stands_between_two_cells():
    contract = CONTRACT.model_copy(update={"file": CONTRACT.file.model_copy(update={"delimiter": ";"})})
    assert cells(b'a;b;c\n1,5;"2;2";3\n', contract) == [("1,5", "2;2", "3")]
    assert reason(b"a,b,c\n1,2,3\n", contract) == Reason.SCHEMA


@pytest.mark.parametrize(("row", "bad"), [(1, b"1,2"), (3, b"1,2"), (3, b"1,2,3,4"), (3, b"1")])
def test_a_row_of_the_wrong_width_is_named(row, bad):
    rows = [b"1,2,3"] * 5
    rows[row - 1] = bad
    with pytest.raises(DataRefused, match=f"row {row} does not have 3 cells"):
        tabular.read(b"a,b,c\n" + b"\n".join(rows), CONTRACT)


def test_a_refusal_shows_nothing_that_was_typed():
    for plaintext in (
        b"a,b,Testperson\n1,2,3\n",
        b"a,Testperson,Testperson\n1,2,3\n",
        b'a,b,c\n"Testperson,2,3\n',
        b"a,b,c\nTestperson,2\n",
        b"#family-exchange feed=Testperson\na,b,c\n1,2,3\n",
        b"#family-exchange Testperson\na,b,c\n1,2,3\n",
        b"#family-exchange as_of=Testperson\na,b,c\n1,2,3\n",
        b"a,b,c\nTestperson\xff,2,3\n",
    ):
        with pytest.raises(DataRefused) as refusal:
            tabular.read(plaintext, CONTRACT)
        assert "Testperson" not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    assert "Testperson" not in repr(tabular.read(b"a,b,c\nTestperson,2,3\n", CONTRACT))


SAID = "#family-exchange feed=test_feed contract=v1 as_of=2026-10-31 coverage_from=2026-04-01 coverage_to=2026-10-31"


@pytest.mark.requirement("D-11")
def test_the_first_line_says_what_the_file_is():
    said = tabular.read(f"{SAID} rows=1\na,b,c\n1,2,3\n".encode(), CONTRACT).manifest
    assert (said.feed, said.contract, said.rows) == ("test_feed", "v1", 1)
    assert (said.as_of, said.coverage_from) == (date(2026, 10, 31), date(2026, 4, 1))
    assert said.coverage_to == date(2026, 10, 31)


@pytest.mark.requirement("D-11")
def test_a_file_without_a_first_line_says_nothing():
    said = tabular.read(b"a,b,c\n1,2,3\n", CONTRACT).manifest
    assert (said.feed, said.as_of, said.coverage_from, said.coverage_to, said.rows) == (None,) * 5


@pytest.mark.requirement("D-11")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{SAID} rows=2", Reason.CONTENT),
        (f"{SAID} rows=0", Reason.CONTENT),
        (SAID.replace("test_feed", "other_feed"), Reason.CONTENT),
        (SAID.replace("v1", "v2"), Reason.CONTENT),
        (SAID.replace("coverage_to=2026", "coverage_to=2025"), Reason.CONTENT),
        (f"{SAID} rows=two", Reason.HEADER),
        (f"{SAID} rows=-1", Reason.HEADER),
        (f"{SAID} feed=test_feed", Reason.HEADER),
        (f"{SAID} colour=red", Reason.HEADER),
        (f"{SAID} rows", Reason.HEADER),
        (f"{SAID} rows=", Reason.HEADER),
        (SAID.replace("2026-10-31", "31/10/2026"), Reason.HEADER),
        (SAID.replace("2026-10-31", "2026-02-30"), Reason.HEADER),
        (SAID.replace("2026-10-31", "\uff12026-10-31"), Reason.HEADER),
    ],
)
def test_a_first_line_that_does_not_hold_is_refused(line, expected):
    assert reason(f"{line}\na,b,c\n1,2,3\n".encode()) == expected


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_first_line_can_be_read_alone(start):
    assert tabular.manifest_of(f"{start}{SAID} rows=9\r\nanything".encode()).rows == 9
    assert tabular.manifest_of(b"a,b,c\n").feed is None


@pytest.mark.parametrize("magic", [b"x\x01", b"x\x5e", b"(\xc2\xb5/", b"PK\x03\x04", b"BZh9"])
def test_rows_that_begin_like_a_compressed_file_are_not_unpacked(magic):
    assert cells(b"a,b,c\n" + magic + b",2,3\n") == [(magic.decode(), "2", "3")]


def as_csv(rows, **dialect):
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    return text.getvalue().encode()


some_cells = st.text(st.characters(exclude_characters="\r\0\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=8)
some_rows = st.lists(st.tuples(some_cells, some_cells, st.text("ab", min_size=1)), min_size=1, max_size=12)


@given(some_rows, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"]))
def test_what_a_csv_writer_wrote_is_read_back(rows, quoting, ending):
    written = as_csv([("a", "b", "c"), *rows], quoting=quoting, lineterminator=ending)
    assert cells(written) == [tuple(cell.strip() or None for cell in row) for row in rows]


@given(some_rows)
def test_the_order_of_columns_makes_no_difference(rows):
    turned = as_csv([("c", "a", "b"), *((c, a, b) for a, b, c in rows)])
    assert cells(turned) == cells(as_csv([("a", "b", "c"), *rows]))


def rows_or_reason(plaintext):
    try:
        return cells(plaintext)
    except DataRefused as refusal:
        return Reason(refusal.reason)


anything = st.one_of(st.binary(max_size=80), st.text('a,b"\n\r\uff11', max_size=60).map(str.encode))


@given(anything)
@example(b'""')
@example(b'1,2,3\n"')
@example(b'","')
@example(b'1,2,"3"\n"4""",5,6')
def test_anything_is_either_read_as_the_standard_reader_does_or_refused(body):
    plaintext = b"a,b,c\n" + body
    found = rows_or_reason(plaintext)
    if isinstance(found, Reason):
        return
    lines = io.StringIO(body.decode().rstrip("\r\n"), newline=None)
    expected = list(csv.reader(lines, strict=True))
    assert found == [tuple(cell.strip() or None for cell in row) for row in expected]


@given(st.binary(max_size=120))
def test_no_bytes_at_all_make_it_fail_otherwise(plaintext):
    assert rows_or_reason(plaintext)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("block", "piece"), [(1, 1), (2, 9), (7, 1), (64, 100), (64, 100_000)])
def test_a_shape_is_proved_across_the_blocks_and_pieces_in_which_it_is_read(monkeypatch, ending, block, piece):
    rows = [("x" * n, '"' * (n % 3), f"{n},\n \u00a0") for n in range(60)]
    written = as_csv([("a", "b", "c"), *rows, ("", "", "e"), (" y\u2007", "\u00e9", "")], lineterminator=ending)
    whole = cells(written)
    monkeypatch.setattr(shape, "BLOCK", block)
    monkeypatch.setattr(shape, "PIECE", piece)
    assert cells(written) == whole
    assert len(tabular.read(written, CONTRACT).pieces) > (20 if piece < 10 else 0)
    with pytest.raises(DataRefused, match="row 63 does not have 3 cells"):
        cells(written + b"1,2\n")
    with pytest.raises(DataRefused, match="never closed"):
        cells(written + b'1,2,"3\n')


@given(some_rows, st.sampled_from([(csv.QUOTE_ALL, "\r"), (csv.QUOTE_MINIMAL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")]))
def test_a_file_in_pieces_is_the_file(rows, form):
    written = as_csv([("a", "b", "c"), *rows], quoting=form[0], lineterminator=form[1])
    whole = tabular.read(written, CONTRACT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "BLOCK", 5)
        patch.setattr(shape, "PIECE", 11)
        in_pieces = tabular.read(written, CONTRACT)
    assert in_pieces.rows.equals(whole.rows)
    assert in_pieces.count == len(rows)


def test_rows_of_one_empty_cell_are_rows_wherever_a_piece_ends(monkeypatch):
    monkeypatch.setattr(shape, "BLOCK", 2)
    monkeypatch.setattr(shape, "PIECE", 2)
    assert cells(b"a\n\n\n1\n\n\n2\n\n", a_contract("a")) == [(None,), (None,), ("1",), (None,), (None,), ("2",)]


def test_a_text_that_means_nothing_is_an_empty_cell():
    columns = [column.model_copy(update={"nothing": ("-1", "NoPostcode")}) for column in CONTRACT.columns[:2]]
    contract = CONTRACT.model_copy(update={"columns": (*columns, CONTRACT.columns[2])})
    assert cells(b'a,b,c\n-1,"nopostcode ",-1\n', contract) == [(None, None, "-1")]


def test_a_table_that_may_be_empty_has_no_rows():
    class MayBeEmpty(Contract):
        @property
        def may_be_empty(self):
            return True

    found = tabular.read(b"a,b,c\n", MayBeEmpty(**CONTRACT.model_dump()))
    assert (found.count, found.rows.height, found.rows.columns) == (0, 0, ["row_no", "a", "b", "c"])


@pytest.mark.parametrize("same", [b"a\n1\n", b"a\r\n1", b"\xef\xbb\xbfa\r1\r\r", b"a\r\n1\r\n\r\n"])
def test_the_same_content_has_one_digest_however_its_lines_end(monkeypatch, same):
    assert tabular.content_digest(b"k", same) == tabular.content_digest(b"k", b"a\n1")
    assert tabular.content_digest(b"k", same) != tabular.content_digest(b"k", b"a\n2")
    assert tabular.content_digest(b"k", same) != tabular.content_digest(b"l", same)
    whole = tabular.content_digest(b"k", same)
    monkeypatch.setattr(shape, "BLOCK", 2)
    assert tabular.content_digest(b"k", same) == whole


def test_every_feed_has_its_columns_in_the_contract_s_order():
    for feed in profiles.feeds():
        contract = profiles.contract(feed)
        header = ",".join(reversed(contract.headers))
        row = ",".join(["x"] * len(contract.headers))
        rows = tabular.read(f"{header}\n{row}\n".encode(), contract).rows
        assert rows.columns == ["row_no", *contract.headers]
