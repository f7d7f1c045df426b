import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.file import ENDS, MOVES, State, may_move, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        (b"weekly.csv.pgp", True),
        ("Zo\u00eb 2026-10-31.csv.pgp".encode(), True),
        (b"\xff\xfe odd.pgp", False),  # not UTF-8
        (b"a\nb.pgp", False),
        ("abc\u202egpp.exe".encode(), False),  # reads backwards
        (b"../../x.pgp", False),
        (b"..\\x.pgp", False),
        (b"--output=x", False),
        (b" leading.pgp", False),
        (b"trailing.pgp ", False),
    ],
)
def test_an_agreed_name_is_plain(name, plain):
    assert plain_name(name) is plain


@given(st.binary(max_size=255))
def test_a_plain_name_names_nothing_outside_its_folder(name):
    if plain_name(name):
        assert b"/" not in name
        assert not name.startswith(b"-")


def test_nothing_leaves_an_end_but_what_two_people_decide():
    assert {before for before, _ in MOVES if before in ENDS} == {State.QUARANTINED}
    assert not may_move(State.CLOSED, State.CLAIMED)
