import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.return_file import (
    Outcome,
    Receipt,
    attempt_of,
    final_name,
    plain,
    receipt,
    receipt_name,
    temporary_name,
)

DIGEST = bytes(range(32))
NAME = "a-council_nis_2026-H1_v1_000102030405.csv.pgp"
STATED = {
    "name": NAME,
    "sha256": DIGEST.hex(),
    "size": 812,
    "received_at": "2026-11-22T10:00:00+00:00",
    "outcome": "accepted",
}


def test_a_name_says_whose_what_when_which_and_carries_the_digest():
    assert final_name("a-council", "nis", "2026-H1", 1, sealed_sha256=DIGEST) == NAME
    assert receipt_name(NAME) == f"{NAME}.json.pgp"


def test_the_file_is_utf8_with_line_feeds_and_empty_cells_for_the_unknown():
    rows = [{"a": "Zoë", "b": None}, {"a": 'say "hi", she said', "b": "2026-05-01"}]
    assert plain(["a", "b"], rows) == 'a,b\nZoë,\n"say ""hi"", she said",2026-05-01\n'.encode()


def test_a_return_without_rows_is_a_header():
    assert plain(["a", "b"], []) == b"a,b\n"


def test_a_lone_carriage_return_is_kept_in_its_cell():
    assert plain(["a", "b"], [{"a": "1\r2", "b": "3"}]) == b'a,b\n"1\r2",3\n'


def test_a_row_that_lacks_a_field_is_a_bug():
    with pytest.raises(KeyError):
        plain(["a", "b"], [{"a": "1"}])


cells = st.dictionaries(st.sampled_from("abc"), st.text(st.characters(codec="utf-8")), min_size=3, max_size=3)


@given(rows=st.lists(cells))
def test_what_is_written_reads_back_and_is_written_the_same_again(rows):
    text = plain("abc", rows)
    back = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert [dict(row) for row in back] == [{name: row[name] for name in "abc"} for row in rows]
    assert plain("abc", back) == text


@given(epoch=st.integers(0, 10**9))
def test_an_attempt_is_known_by_its_temporary_name(epoch):
    name = temporary_name(NAME, epoch)
    assert name.startswith(".")
    assert attempt_of(name.encode(), NAME) == epoch


@pytest.mark.parametrize(
    "entry",
    [NAME.encode(), b".other.1.part", f".{NAME}.part".encode(), f".{NAME}.x.part".encode(), f".{NAME}.1".encode()],
)
def test_another_name_is_no_attempt_of_ours(entry):
    assert attempt_of(entry, NAME) is None


def test_a_receipt_says_what_was_received():
    found = receipt(json.dumps(STATED | {"more": 1}).encode())
    assert found == Receipt(NAME, DIGEST.hex(), 812, datetime(2026, 11, 22, 10, tzinfo=UTC), Outcome.ACCEPTED)
    assert found.tells_of(NAME, DIGEST)
    assert not found.tells_of(NAME, bytes(32))
    assert not found.tells_of("another", DIGEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "abc"},
        {"sha256": None},
        {"outcome": "perhaps"},
        {"size": "many"},
        {"received_at": "yesterday"},
        {"name": 1},
    ],
)
def test_a_receipt_of_another_form_is_for_a_person(changes):
    with pytest.raises(NeedsDecision, match="ask the recipient"):
        receipt(json.dumps(STATED | changes).encode())


@pytest.mark.parametrize("text", [b"", b"not json", b"[]", b"{}", b"\xff"])
def test_no_receipt_at_all_is_for_a_person(text):
    with pytest.raises(NeedsDecision):
        receipt(text)
