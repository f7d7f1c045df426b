"""Text in agreed encodings, and what is refused before anything is opened. Cases D03, D04, D06 and D20."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import containers, tabular
from family_exchange.domain.container import Encoding
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.manifest import Manifest
from support import containers as a
from support import safeguarding

ALL = tuple(Encoding)
NAMES = "record_ref,event_on,role\nR1,2026-01-05,victim\n"
ACCENTED = NAMES.replace("R1", "Zoë")


def csv(plaintext, *encodings):
    (part,) = containers.opened(plaintext, a.taking("csv", encoding=encodings or ("utf-8",)))
    return part.csv


def refused(plaintext, contract=None):
    with pytest.raises(DataRefused) as refusal:
        containers.opened(plaintext, contract or a.taking("csv"))
    return refusal.value


def test_a_csv_in_utf_8_is_passed_through_without_a_copy():
    plaintext = ACCENTED.encode()
    (part,) = containers.opened(plaintext, a.taking("csv"))
    assert part.csv is plaintext
    assert part.table is None


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        (codecs.BOM_UTF8 + ACCENTED.encode(), ["utf-8"]),
        (codecs.BOM_UTF16_LE + ACCENTED.encode("utf-16-le"), ALL),
        (codecs.BOM_UTF16_BE + ACCENTED.encode("utf-16-be"), ["utf-8", "utf-16"]),
        (ACCENTED.encode("windows-1252"), ALL),
        (ACCENTED.encode(), ALL),
    ],
)
def test_text_in_an_allowed_encoding_is_the_same_text(written, allowed):
    assert csv(written, *allowed).decode() == ACCENTED


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        pytest.param(codecs.BOM_UTF16_LE + ACCENTED.encode("utf-16-le"), ["utf-8"], id="utf-16 that is not agreed"),
        pytest.param(ACCENTED.encode("utf-16-le"), ALL, id="utf-16 without its mark"),
        pytest.param(codecs.BOM_UTF16_LE + b"\x00\xd8a\x00", ALL, id="half a surrogate pair"),
        pytest.param(codecs.BOM_UTF32_LE + ACCENTED.encode("utf-32-le"), ALL, id="utf-32"),
        pytest.param(NAMES.encode() + b"\x81\xeb", ALL, id="a byte that windows-1252 does not have"),
        pytest.param(codecs.BOM_UTF8 + b"Zo\xeb\n", ALL, id="a mark of utf-8 before what is not"),
        pytest.param(b"a,b\nx\0y,z\n", ALL, id="a NUL"),
        pytest.param(ACCENTED.encode().decode("windows-1252").encode(), ALL, id="utf-8 read as windows-1252"),
        pytest.param(
            "it\u2019s".encode().decode("windows-1252").encode(), ["utf-8"], id="a quote read as windows-1252"
        ),
    ],
)
def test_what_is_not_in_an_allowed_encoding_is_refused_and_never_guessed(written, allowed):
    assert refused(written, a.taking("csv", encoding=allowed)).reason == "ENCODING"


@pytest.mark.parametrize("written", [b"Zo\xeb\n", b"\xa9\n", b"\xc0\xaf\n", b"\xed\xa0\x80\n", b"\xf4\x90\x80\x80\n"])
def test_where_only_utf_8_is_agreed_whoever_reads_the_rows_refuses_everything_else(written):
    contract = a.taking("csv")
    (part,) = containers.opened(NAMES.encode() + written, contract)
    with pytest.raises(DataRefused, match=r"^ENCODING"):
        tabular.read(part.csv, contract)


@pytest.mark.parametrize("name", ["JOÃO", "CONCEIÇÃO ÂGE", "RENÉ\u2019S", "Zoë Ã«", "IRMÃ\u2019S", "« MACAPÃ »", "£5"])
def test_names_that_only_look_spoilt_are_left_as_they_are(name):
    assert csv(name.encode()).decode() == name


@given(st.text(st.characters(codec="windows-1252", exclude_characters="\0"), min_size=1))
def test_text_written_in_windows_1252_comes_back_wherever_its_bytes_are_not_utf_8(text):
    written = text.encode("windows-1252")
    try:
        written.decode()
    except UnicodeDecodeError:
        assert csv(written, *ALL).decode() == text


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_rows_are_the_same_whatever_ends_a_line_and_other_separators_stay_in_their_cell(ending):
    contract = a.taking("csv")
    text = 'record_ref,event_on,role\n"a\u2028b\x85c",2026-01-05,victim\n"two\nlines",2026-01-05,victim\n'
    (part,) = containers.opened(text.replace("\n", ending).encode(), contract)
    refs = tabular.read(part.csv, contract).rows["record_ref"].to_list()
    assert refs == ["a\u2028b\x85c", "two\nlines"]


@pytest.mark.parametrize("plaintext", [a.archive({"rows.csv": NAMES}), a.workbook(("rows", [["record_ref"]]))])
def test_a_format_that_the_contract_does_not_take_is_refused(plaintext):
    refusal = refused(plaintext)
    assert refusal.reason == "SCHEMA"
    assert "taken as csv" in str(refusal)


def test_an_old_or_locked_workbook_is_refused_with_what_to_do():
    assert "save it as .xlsx" in str(refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), a.taking("csv", "xlsx")))


@pytest.mark.parametrize("written", [ALL[0], ALL[1], ALL[2]])
def test_what_a_file_says_of_itself_is_read_before_its_contract_is_known(written):
    line = "#family-exchange feed=incidents contract=v1 rows=1\n"
    codec = "utf-16" if written is Encoding.UTF_16 else str(written)
    assert containers.manifest_of((line + ACCENTED).encode(codec)).contract == "v1"


def test_a_file_that_says_nothing_of_itself_has_an_empty_manifest():
    assert containers.manifest_of(NAMES.encode()) == Manifest()
    assert containers.manifest_of(b"") == Manifest()


def test_what_a_bundle_or_a_workbook_says_of_itself_is_read_too():
    rows = safeguarding.tables(person=[safeguarding.person("P1")])
    for plaintext in (safeguarding.bundle(rows), safeguarding.workbook(rows)):
        assert containers.manifest_of(plaintext).contract == "v2"
    assert containers.manifest_of(a.workbook(("x", [["#family-exchange feed=f"], ["a"]]))).feed == "f"
    assert containers.manifest_of(a.workbook(("x", [["a"]]))) == Manifest()


@pytest.mark.parametrize("start", [b"", b"PK\x03\x04", codecs.BOM_UTF16_LE, b"#family-exchange ", b"\xef\xbb\xbf"])
@given(st.binary(max_size=300))
def test_any_bytes_are_parts_or_a_refusal(start, rest):
    for contract in (a.taking("csv", "xlsx", encoding=ALL), safeguarding.contract()):
        try:
            assert all(isinstance(part.csv, bytes) for part in containers.opened(start + rest, contract))
            containers.manifest_of(start + rest)
        except DataRefused as refusal:
            assert refusal.reason  # noqa: PT017 - anything else would fail the test
