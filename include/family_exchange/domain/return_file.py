"""What leaves the council: the bytes of a return's file, its name, and the receipt that comes back.

The same rows give the same bytes on any machine: UTF-8, comma, line feed, ISO dates, an empty cell for the unknown.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from family_exchange.domain.errors import NeedsDecision

NAME_DIGITS = 12
"""Hexadecimal digits of the sealed bytes' SHA-256 that a name carries: the name is the idempotency key."""
SHA256_DIGITS = 64

_QUOTED = re.compile(r'[",\r\n]')


class Outcome(StrEnum):
    """What the recipient did with a file."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the recipient says it received."""

    name: str
    sha256: str
    """Hexadecimal, of the sealed bytes."""
    size: int
    """Bytes."""
    received_at: datetime
    outcome: Outcome

    def tells_of(self, name: str, sealed_sha256: bytes) -> bool:
        """True when it is about exactly these bytes under exactly this name."""
        return (self.name, self.sha256) == (name, sealed_sha256.hex())


def plain(fields: Sequence[str], rows: Iterable[Mapping[str, str | None]]) -> bytes:
    """The file before it is sealed: a header of `fields`, then one line a row.

    A row holds exactly these fields; a cell without a value is empty.
    """
    lines = [",".join(map(_cell, fields))]
    lines += [",".join(_cell(row[field]) for field in fields) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def final_name(council: str, code: str, period: str, version: int, *, sealed_sha256: bytes) -> str:
    """The one name under which these sealed bytes are ever delivered."""
    return f"{council}_{code}_{period}_v{version}_{sealed_sha256.hex()[:NAME_DIGITS]}.csv.pgp"


def receipt_name(name: str) -> str:
    """The name of the receipt for the file of that final name."""
    return f"{name}.json.pgp"


def temporary_name(name: str, epoch: int) -> str:
    """The name that one attempt uploads under; recipients leave names that begin with a dot alone."""
    return f".{name}.{epoch}.part"


def attempt_of(entry: bytes, name: str) -> int | None:
    """The attempt whose temporary file an entry of the inbox is; None: it is not one of ours for this name."""
    head, tail = f".{name}.".encode(), b".part"
    number = entry.removeprefix(head).removesuffix(tail)
    ours = entry.startswith(head) and entry.endswith(tail) and number.isascii() and number.isdigit()
    return int(number) if ours else None


def receipt(text: bytes) -> Receipt:
    """The receipt that the text states; keys that we do not know are left out.

    Raises:
        NeedsDecision: it does not state one.
    """
    try:
        stated = json.loads(text)
        found = Receipt(
            name=_text(stated["name"]),
            sha256=_text(stated["sha256"]).lower(),
            size=int(stated["size"]),
            received_at=datetime.fromisoformat(_text(stated["received_at"])),
            outcome=Outcome(stated["outcome"]),
        )
    except (ValueError, KeyError, TypeError):
        raise NeedsDecision("the recipient's receipt does not follow the agreed form; ask the recipient") from None
    if len(found.sha256) != SHA256_DIGITS:
        raise NeedsDecision("the recipient's receipt names no SHA-256; ask the recipient")
    return found


def _cell(value: str | None) -> str:
    """The cell, quoted where it must be; a lone carriage return too, which the standard writer leaves bare."""
    text = value or ""
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value
