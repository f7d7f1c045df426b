"""What a sealed file looks like from outside, before anybody opens it.

gpg skips prose in front of an armoured block, says nothing of a second way in by passphrase, and cannot tell a file
that was cut in its first bytes from one that was never OpenPGP. The first and last bytes tell all three.
Nor does gpg 2.2 see every altered message of the newer kinds that it opens (docs/adr/0022-newer-openpgp-is-refused.md).
Source: RFC 4880, parts 4.2 and 5.1 to 5.3; RFC 9580, parts 5.1, 5.3, 5.13 and 5.16.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from enum import StrEnum

HEAD = 8192
"""Bytes from the start that `look` needs."""
TAIL = 65536
"""Bytes from the end that `look` needs."""

_BEGIN = b"-----BEGIN PGP MESSAGE-----"
_END = b"-----END PGP MESSAGE-----"
_PUBLIC_KEY_SESSION, _PASSPHRASE_SESSION, _MARKER = 1, 3, 10
_SIGNATURE, _ONE_PASS, _PROTECTED, _AUTHENTICATED = 2, 4, 18, 20
_VERSIONS = {_PUBLIC_KEY_SESSION: (2, 3), _PASSPHRASE_SESSION: (4,), _MARKER: (ord("P"),)}
_NEWER = {
    _PUBLIC_KEY_SESSION: (6,),
    _SIGNATURE: (6,),
    _PASSPHRASE_SESSION: (5, 6),
    _ONE_PASS: (6,),
    _PROTECTED: (2,),
    _AUTHENTICATED: (1,),
}


class Shape(StrEnum):
    """How the file is laid out."""

    BINARY = "binary"
    """It starts as an encrypted message."""
    ARMOURED = "armoured"
    """One armoured block and nothing else."""
    SURROUNDED = "surrounded"
    """An armoured block with something before or after it."""
    GARBLED = "garbled"
    """An armoured block that was cut or re-encoded."""
    UNKNOWN = "unknown"
    """Nothing that we know as an encrypted message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The outside of one file."""

    shape: Shape
    by_passphrase: bool = False
    """True when a passphrase opens it, perhaps beside keys."""
    newer: bool = False
    """True when it is made in a way that came after RFC 4880: version 6, or an authenticated mode."""


def look(head: bytes, tail: bytes) -> Envelope:
    """The outside of the file that begins with `head` and ends with `tail`."""
    armoured = _BEGIN in head.replace(b"\0", b"")
    tags, newer = _opening(_unarmoured(head) if armoured else head)
    unarmoured_shape = Shape.BINARY if tags else Shape.UNKNOWN
    shape = _armoured_shape(head, tail) if armoured else unarmoured_shape
    return Envelope(shape, _PASSPHRASE_SESSION in tags, newer)


def _armoured_shape(head: bytes, tail: bytes) -> Shape:
    before, found, _ = head.partition(_BEGIN)
    if not found or before == b"\xef\xbb\xbf":
        return Shape.GARBLED
    if before.strip():
        return Shape.SURROUNDED
    _, ended, after = tail.rpartition(_END)
    if not ended:
        return Shape.GARBLED
    return Shape.SURROUNDED if after.strip() else Shape.ARMOURED


def _unarmoured(head: bytes) -> bytes:
    """The first packets of an armoured block, as far as whole lines go; empty when they are not base64."""
    lines = head.partition(_BEGIN)[2].replace(b"\r", b"").split(b"\n\n", 1)
    body = lines[1] if len(lines) > 1 else b""
    text = b"".join(line.strip() for line in body.split(b"\n") if not line.startswith((b"=", b"-")))
    try:
        return b64decode(text[: len(text) // 4 * 4], validate=True)
    except NotBase64:
        return b""


def _opening(content: bytes) -> tuple[tuple[int, ...], bool]:
    """The packets before the encrypted data that gpg 2.2 reads, by tag; True when a newer kind ends them."""
    tags: list[int] = []
    at = 0
    while at < len(content):
        tag, body, length = _packet(content, at)
        version = content[body] if body < len(content) else None
        if version not in _VERSIONS.get(tag, ()):
            return tuple(tags), version in _NEWER.get(tag, ())
        tags.append(tag)
        at = body + length
    return tuple(tags), False


def _packet(content: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where the body starts, its length) of the packet at `at`; tag 0 when there is none."""
    first = content[at]
    if first & 0xC0 == 0xC0:  # noqa: PLR2004 - the new packet format
        octet = content[at + 1] if at + 1 < len(content) else 0
        if octet < 192:  # noqa: PLR2004 - one octet of length
            return first & 0x3F, at + 2, octet
        if octet < 224:  # noqa: PLR2004 - two octets
            second = content[at + 2] if at + 2 < len(content) else 0
            return first & 0x3F, at + 3, ((octet - 192) << 8) + second + 192
        if octet < 255:  # noqa: PLR2004 - the length of a first part, in one octet
            return first & 0x3F, at + 2, 1 << (octet & 0x1F)
        return first & 0x3F, at + 6, int.from_bytes(content[at + 2 : at + 6])
    if first & 0x80:
        size = (1, 2, 4, 0)[first & 3]
        return first >> 2 & 0xF, at + 1 + size, int.from_bytes(content[at + 1 : at + 1 + size])
    return 0, at, 0
