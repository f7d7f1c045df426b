"""A ZIP that means harm is refused before it is unpacked. No case may take long or much memory."""

import io
import stat
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.adapters import archive
from family_exchange.domain.errors import DataRefused
from support import containers as a

GOOD = a.archive({"a.csv": "a,b\n1,2\n", "b.csv": "c\n" + "row\n" * 100})


def unpacked(plaintext):
    return [member.read() for member in archive.members(plaintext).values()]


def refused(plaintext):
    with pytest.raises(DataRefused) as refusal:
        unpacked(plaintext)
    return refusal.value.reason


def zeros(size):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made, made.open("a.csv", "w") as member:
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


def test_members_are_read_from_memory_whether_deflated_or_stored():
    for packed in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        members = archive.members(a.archive({"a.csv": "a,b\n", "b.csv": ""}, packed=packed))
        assert {name: member.read() for name, member in members.items()} == {"a.csv": b"a,b\n", "b.csv": b""}


@pytest.mark.parametrize("size", [1 << 30, 64 << 20])
def test_a_bomb_is_refused_at_once_and_takes_no_memory(size):
    bomb = zeros(size)
    with a.little():
        assert refused(bomb) == "EXPANSION"


def test_a_bomb_that_lies_about_its_size_is_refused_after_as_many_bytes_as_it_admits():
    bomb = bytearray(zeros(16 << 20))
    directory = bomb.rfind(b"PK\x01\x02")
    struct.pack_into("<I", bomb, directory + 24, 100)
    lying = bytes(bomb)
    with a.little():
        assert refused(lying) == "CORRUPT"


def test_too_many_members_are_refused_before_the_directory_is_read():
    many = a.archive({f"{number}.csv": "" for number in range(archive.MOST_MEMBERS + 1)})
    assert refused(many) == "EXPANSION"
    assert len(archive.members(a.archive({f"{n}.csv": "" for n in range(archive.MOST_MEMBERS)}))) == 256


def test_a_link_an_encrypted_member_and_an_unusual_packing_are_refused():
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(link, "/etc/passwd")
    assert refused(buffer.getvalue()) == "SCHEMA"
    encrypted = bytearray(GOOD)
    encrypted[encrypted.find(b"PK\x01\x02") + 8] |= 1
    assert refused(bytes(encrypted)) == "SCHEMA"
    assert refused(a.archive({"a.csv": "x" * 100}, packed=zipfile.ZIP_LZMA)) == "SCHEMA"


def test_two_members_of_one_name_are_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("a.csv", "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("a.csv", "two")
    assert refused(buffer.getvalue()) == "SCHEMA"


def test_members_that_share_bytes_are_refused():
    overlapping = bytearray(GOOD)
    second = overlapping.rfind(b"PK\x01\x02")
    struct.pack_into("<I", overlapping, second + 42, 0)
    assert refused(bytes(overlapping)) == "CORRUPT"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(GOOD[:-30], id="cut short"),
        pytest.param(b"PK\x03\x04", id="only a beginning"),
        pytest.param(GOOD[:40] + bytes([GOOD[40] ^ 0xFF]) + GOOD[41:], id="a byte changed"),
        pytest.param(b"x" + GOOD, id="something before it"),
    ],
)
def test_an_archive_that_is_not_whole_is_corrupt(broken):
    assert refused(broken) == "CORRUPT"


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8), st.integers(0, len(GOOD)))
def test_no_change_of_bytes_gives_other_content_or_another_error(changes, length):
    changed = bytearray(GOOD)
    for place, byte in changes:
        changed[place] = byte
    try:
        content = unpacked(bytes(changed[:length]))
    except DataRefused:
        return
    assert set(content) <= {b"a,b\n1,2\n", b"c\n" + b"row\n" * 100}


def test_a_second_directory_of_another_kind_cannot_make_the_first_one_longer():
    many = a.archive({f"{number}.csv": "" for number in range(5000)})
    end = many.rindex(b"PK\x05\x06")
    start, size = struct.unpack_from("<I", many, end + 16)[0], struct.unpack_from("<I", many, end + 12)[0]
    longer = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 5000, 5000, size, start)
    where = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    modest = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 46, start, 0)
    lying = many[:end] + longer + where + modest
    with zipfile.ZipFile(io.BytesIO(lying)) as believed:
        assert len(believed.infolist()) == 5000, "the library believes the longer one"
    assert refused(lying) == "EXPANSION"


def test_a_directory_of_the_other_kind_that_says_nothing_else_is_taken():
    end = GOOD.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack_from("<HII", GOOD, end + 10)
    longer = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    where = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    assert unpacked(GOOD[:end] + longer + where + GOOD[end:]) == unpacked(GOOD)
