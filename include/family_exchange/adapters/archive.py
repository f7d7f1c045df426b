"""A ZIP in memory, opened as if its maker meant harm: everything is bounded before anything is inflated.

The standard library reads the directory; inflating is done here, because a library believes what the directory says of
sizes. Nothing is ever written to a disk.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO

from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

BEGINS = b"PK\x03\x04"
MOST_MEMBERS = 256
LARGEST = 512 << 20
"""Bytes that all members together may expand to; as much as a file without an archive may have."""
STEEPEST = 200
"""How many times its size a member may expand to, beyond the first megabyte. Spreadsheets reach about 50."""

_FREE = 1 << 20
_CHUNK = 1 << 20
_END = b"PK\x05\x06"
_END_SIZE, _LONGEST_COMMENT, _LARGEST_DIRECTORY = 22, 65_535, 1 << 17
_LARGE_END, _LARGE_END_SIZE = b"PK\x06\x06", 56 + 20
"""How archives beyond 4 GiB end, a record and where it is, before the end that every archive has."""
_LOCAL_SIZE = 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive, still packed."""

    name: str
    size: int
    """Bytes when unpacked, as the directory says; `chunks` holds it to that."""
    _stored: bool
    _crc: int
    _packed: memoryview = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """The member's bytes, piece by piece.

        Raises:
            DataRefused: CORRUPT; not as many bytes as the directory says, or not those.
        """
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        given = crc = 0
        for piece in self._pieces() if self._stored else self._inflated(inflater):
            given += len(piece)
            if given > self.size:
                break
            crc = zlib.crc32(piece, crc)
            yield piece
        whole = self._stored or (inflater.eof and not inflater.unused_data)
        if given != self.size or crc != self._crc or not whole:
            raise DataRefused(Reason.CORRUPT, "a member of the archive is not what the archive says of it")

    def read(self) -> bytes:
        """All of it; `chunks` says what can go wrong."""
        return b"".join(self.chunks())

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self._packed), _CHUNK):
            yield bytes(self._packed[start : start + _CHUNK])

    def _inflated(self, inflater: "zlib._Decompress") -> Iterator[bytes]:
        try:
            for piece in self._pieces():
                waiting = piece
                while waiting and not inflater.eof:
                    yield inflater.decompress(waiting, _CHUNK)
                    waiting = inflater.unconsumed_tail
        except zlib.error:
            raise DataRefused(Reason.CORRUPT, "a member of the archive cannot be unpacked") from None


def members(plaintext: bytes) -> Mapping[str, Member]:
    """`name → member`, in the archive's order; none is unpacked yet.

    Raises:
        DataRefused: CORRUPT (no whole archive), EXPANSION (too many members, or they expand too far), SCHEMA (a member
            that is encrypted, a link, packed in an unusual way, or named twice).
    """
    _must_be_small(plaintext)
    try:
        with zipfile.ZipFile(BytesIO(plaintext)) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError, OSError):
        raise DataRefused(Reason.CORRUPT, "the archive's directory cannot be read") from None
    _must_not_expand_far(listed)
    found: dict[str, Member] = {}
    end = 0
    for info in sorted(listed, key=lambda each: each.header_offset):
        _must_be_plain(info, twice=info.orig_filename in found)
        start = _start(plaintext, info.header_offset)
        if info.header_offset < end or start + info.compress_size > len(plaintext):
            raise DataRefused(Reason.CORRUPT, "the members of the archive overlap, or it is cut short")
        end = start + info.compress_size
        packed = memoryview(plaintext)[start:end]
        stored = info.compress_type == zipfile.ZIP_STORED
        found[info.orig_filename] = Member(info.orig_filename, info.file_size, stored, info.CRC, packed)
    return found


def _must_be_small(plaintext: bytes) -> None:
    """The archive says itself that it is small, before its directory is read."""
    end = plaintext.rfind(_END, max(0, len(plaintext) - _LONGEST_COMMENT - _END_SIZE))
    if end < 0 or len(plaintext) < end + _END_SIZE or not plaintext.startswith(BEGINS):
        raise DataRefused(Reason.CORRUPT, "the archive has no directory, or does not begin like one")
    said = [(plaintext[end + 10 : end + 12], plaintext[end + 12 : end + 16])]
    large = plaintext[max(0, end - _LARGE_END_SIZE) : end]
    if large.startswith(_LARGE_END):  # a library that finds it believes it, whatever the smaller one says
        said.append((large[32:40], large[40:48]))
    numbers = [(int.from_bytes(count, "little"), int.from_bytes(size, "little")) for count, size in said]
    if any(count > MOST_MEMBERS or size > _LARGEST_DIRECTORY for count, size in numbers):
        raise DataRefused(Reason.EXPANSION, f"the archive has more than {MOST_MEMBERS} members")


def _must_be_plain(info: zipfile.ZipInfo, *, twice: bool) -> None:
    if twice:
        raise DataRefused(Reason.SCHEMA, "two members of the archive have the same name")
    if info.flag_bits & _ENCRYPTED:
        raise DataRefused(Reason.SCHEMA, "a member of the archive is encrypted; the seal around it is enough")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataRefused(Reason.SCHEMA, "a member of the archive is packed in an unusual way; use deflate")
    if stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG} and not info.is_dir():
        raise DataRefused(Reason.SCHEMA, "a member of the archive is a link or a device")


def _must_not_expand_far(listed: list[zipfile.ZipInfo]) -> None:
    if sum(info.file_size for info in listed) > LARGEST:
        raise DataRefused(Reason.EXPANSION, f"the archive expands to more than {LARGEST >> 20} MiB")
    if any(info.file_size > _FREE + STEEPEST * info.compress_size for info in listed):
        raise DataRefused(Reason.EXPANSION, f"a member of the archive expands to more than {STEEPEST} times its size")


def _start(plaintext: bytes, header: int) -> int:
    """Where the bytes of the member begin whose local header stands at `header`."""
    local = plaintext[header : header + _LOCAL_SIZE]
    if len(local) < _LOCAL_SIZE or not local.startswith(BEGINS):
        raise DataRefused(Reason.CORRUPT, "a member of the archive is not where its directory says")
    return header + _LOCAL_SIZE + sum(int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
