"""What a sealed file looks like from outside; real files are looked at in tests/adapters/test_openpgp.py."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.envelope import Envelope, Shape, look

KEY = b"\x84\x05\x03KEYS"
KEY_NEW = b"\xc1\x05\x03KEYS"
KEY_LONG = b"\x85\x01\x00\x03" + bytes(255)
KEY_NEW_LONG = b"\xc1\xc0\x08\x03" + bytes(199)
KEY_NEW_FIVE = b"\xc1\xff\x00\x00\x00\x05\x03KEYS"
PASSPHRASE = b"\x8c\x03\x04\x09\x00"
MARKER = b"\xca\x03PGP"
DATA = b"\xd2\x20\x01" + bytes(31)

ARMOUR = b"-----BEGIN PGP MESSAGE-----\n\nhAUDS0VZUw==\n=abcd\n-----END PGP MESSAGE-----\n"


@pytest.mark.parametrize("content", [KEY, KEY_NEW, KEY_LONG, KEY_NEW_LONG, KEY_NEW_FIVE, MARKER + KEY])
def test_session_packets_in_any_form_make_a_message(content):
    assert look(content + DATA, b"") == Envelope(Shape.BINARY)


@pytest.mark.parametrize("start", range(224, 255))
def test_the_version_of_data_that_comes_in_parts_is_not_looked_for_among_its_ciphertext(start):
    in_parts = bytes([0xD2, start, 1, 7, 7, 7, 2]) + bytes(31)
    assert look(KEY + in_parts, b"") == Envelope(Shape.BINARY)
    assert look(KEY + bytes([0xD2, start, 2]) + bytes(31), b"") == Envelope(Shape.BINARY, newer=True)


@pytest.mark.parametrize("content", [PASSPHRASE, KEY + PASSPHRASE, PASSPHRASE + KEY, KEY_NEW_LONG + PASSPHRASE])
def test_a_way_in_by_passphrase_is_seen_wherever_it_stands(content):
    assert look(content + DATA, b"") == Envelope(Shape.BINARY, by_passphrase=True)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x84", b"\x84\x05", b"\xc1\xff", b"\xc1\xc0", b"\x99\x01\x0d\x04", b"a,b\n", DATA],
)
def test_anything_else_is_unknown(content):
    assert look(content, content) == Envelope(Shape.UNKNOWN)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (b"\xc1\x05\x06KEYS", Shape.UNKNOWN),
        (b"\xc3\x05\x06KEYS", Shape.UNKNOWN),
        (b"\xc4\x05\x06KEYS", Shape.UNKNOWN),
        (KEY + b"\xd2\x20\x02" + bytes(31), Shape.BINARY),
        (KEY + KEY_NEW + b"\xd4\x20\x01" + bytes(31), Shape.BINARY),
    ],
)
def test_what_came_after_our_gpg_is_seen_from_outside(content, shape):
    assert look(content, content) == Envelope(shape, newer=True)
    block = ARMOUR.replace(b"hAUDS0VZUw==", b64encode(content))
    assert look(block, block) == Envelope(Shape.ARMOURED, newer=True)


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        (ARMOUR, Shape.ARMOURED),
        (ARMOUR.replace(b"\n", b"\r\n"), Shape.ARMOURED),
        (b"\n\n" + ARMOUR + b"\n\n", Shape.ARMOURED),
        (b"Hello\n" + ARMOUR, Shape.SURROUNDED),
        (ARMOUR + b"Bye", Shape.SURROUNDED),
        (ARMOUR[:50], Shape.GARBLED),
        (b"\xef\xbb\xbf" + ARMOUR, Shape.GARBLED),
        (ARMOUR.decode().encode("utf-16"), Shape.GARBLED),
    ],
)
def test_an_armoured_block_must_stand_alone_and_whole(content, shape):
    assert look(content, content).shape is shape


def test_a_passphrase_is_seen_through_the_armour():
    block = ARMOUR.replace(b"hAUDS0VZUw==", b"jAMECQA=")
    assert look(block, block) == Envelope(Shape.ARMOURED, by_passphrase=True)


def test_an_armour_that_is_not_base64_is_left_to_gpg():
    block = ARMOUR.replace(b"hAUDS0VZUw==", b"hAUD!!VZUw==")
    assert look(block, block) == Envelope(Shape.ARMOURED)


@given(head=st.binary(max_size=80), armour=st.booleans())
def test_any_bytes_can_be_looked_at(head, armour):
    content = ARMOUR[:28] + head if armour else head
    assert isinstance(look(content, content), Envelope)
