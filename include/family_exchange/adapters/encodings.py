"""A partner's bytes as UTF-8, in an encoding that the contract allows; told by the bytes, never guessed.

The rule (ADR 0019): a byte-order mark says what follows it. Without one the bytes are UTF-8 if they are valid UTF-8.
Only bytes that are not may be windows-1252, and only where the contract lists it. Everything is decoded strictly.
"""

import codecs
import re
from collections.abc import Collection, Iterable
from functools import cache
from itertools import islice

from family_exchange.domain.container import Encoding
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

_CHUNK = 4 << 20
_ENOUGH = 10_000
"""Runs of signs beyond ASCII after which a text is known to be spoilt throughout."""
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")

_TYPOGRAPHY = "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2020\u2021\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
"""Dashes, quotes, daggers, dots, the euro and the trade mark."""
_ALSO_WRITTEN = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2022\u2026\u203a\u00a0\u00ad\u00b4\u00bb")
"""Signs that may stand behind a letter in text that is right: quotes, dashes, blanks, an accent used as apostrophe."""


def as_utf_8(data: bytes, allowed: Collection[Encoding]) -> bytes:
    """The text of `data` in UTF-8 without byte-order mark; the same object when it is that already.

    Where only UTF-8 is allowed, whether it is valid is left to who reads the rows.

    Raises:
        DataRefused: ENCODING; not in an allowed encoding, or UTF-8 that was once read as windows-1252.
    """
    if is_marked_utf_16(data):
        return _from_utf_16(data, allowed)
    if b"\0" in data:
        raise DataRefused(Reason.ENCODING, "the file holds a NUL; is it UTF-16 without a byte-order mark?")
    text = data.removeprefix(codecs.BOM_UTF8)
    if text.isascii():
        return text
    if Encoding.WINDOWS_1252 in allowed and not _is_utf_8(text):
        if len(text) != len(data):
            raise DataRefused(Reason.ENCODING, "the file begins like UTF-8 and is not")
        return _decoded(text, "windows-1252").encode()
    if _read_wrongly(text):
        raise DataRefused(
            Reason.ENCODING, "letters beyond A to Z were spoilt when the file was made: UTF-8 read as windows-1252"
        )
    return text


def is_marked_utf_16(data: bytes) -> bool:
    """True when the bytes begin with the byte-order mark of UTF-16."""
    return data[:2] in _UTF_16


def _from_utf_16(data: bytes, allowed: Collection[Encoding]) -> bytes:
    if Encoding.UTF_16 not in allowed:
        raise DataRefused(Reason.ENCODING, "the file is UTF-16; the contract does not take that")
    text = _decoded(data[2:], _UTF_16[data[:2]])
    if "\0" in text:
        raise DataRefused(Reason.ENCODING, "the file holds a NUL")
    return text.encode()


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise DataRefused(Reason.ENCODING, f"the file is not valid {codec}") from None


def _is_utf_8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read_wrongly(text: bytes) -> bool:
    """True when all of the text's signs beyond ASCII came of reading UTF-8 as windows-1252, such as Ã« for ë.

    Text that is right never looks like that: one sign that is right is enough to say no, and among those that are not
    there must be one that no language writes.
    """
    wrong, surely = _patterns()
    certain = False
    for run in islice(_BEYOND_ASCII.finditer(text), _ENOUGH):
        if not wrong.fullmatch(run[0]):
            return False
        certain = certain or surely.search(run[0]) is not None
    return certain


@cache
def _patterns() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """What each letter or sign becomes when it is read wrongly; and those of them that no language writes."""
    spoilt: dict[str, bool] = {}
    for sign in (*map(chr, range(0xA0, 0x180)), *_TYPOGRAPHY):
        try:
            seen = sign.encode().decode("windows-1252")
        except UnicodeDecodeError:
            continue
        spoilt[seen] = len(seen) > len("Ã«") or (seen[0] in "ÂÃ" and seen[1] not in _ALSO_WRITTEN)
    return _any_of(spoilt, b"(?:%b)+"), _any_of((seen for seen, sure in spoilt.items() if sure), b"(?:%b)")


def _any_of(texts: Iterable[str], form: bytes) -> re.Pattern[bytes]:
    return re.compile(form % b"|".join(re.escape(text.encode()) for text in texts))
