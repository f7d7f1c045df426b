"""What a backup holds and how long it is kept; which one a moment is restored from; whether the log has gaps.

Names of PostgreSQL's log: docs/backup.md. Everything here is ids, counts, digests and moments.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from family_exchange.domain.errors import NeedsDecision

KEPT = timedelta(days=28)
"""How long a backup is kept: what was destroyed lies sealed in backups for so long, and no longer."""

PIECE = re.compile(r"[0-9A-F]{24}")
"""The name of one piece of the log: timeline, and two halves of its number."""


@dataclass(frozen=True, slots=True)
class Base:
    """A copy of a whole database server, from which the log leads on."""

    base: str
    """Its id: the moment it was begun."""
    began_at: datetime
    ended_at: datetime
    """From here on it can be restored to any moment."""
    version: int
    """PostgreSQL's major version."""
    server: str
    """PostgreSQL's own number of the server."""
    piece_bytes: int
    """Bytes of one piece of its log."""
    first_piece: str
    """The piece of the log from which it is read on."""
    sha256: str
    size: int
    """Bytes, sealed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a council's backup."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup of one council."""

    backup: str
    council: str
    taken_at: datetime
    base: Base | None
    """The newest copy of the database server; None: the database is not in this backup."""
    parts: tuple[Part, ...]
    objects: int
    """Sealed files of the vault."""
    vault: str
    """SHA-256 over the digests of all of them, in order."""
    events: int
    """Of the audit chain."""
    head: str
    key: str
    """Our public key, by which this page and the checkpoints are signed; hexadecimal."""


def text(page: Base | Manifest) -> bytes:
    """The page as it is signed: the same page always gives the same bytes."""
    return json.dumps(asdict(page), default=_plain, sort_keys=True, separators=(",", ":")).encode()


def base(stated: bytes) -> Base:
    """The page of a copy of a server.

    Raises:
        NeedsDecision: it is none.
    """
    return _base(_stated(stated))


def manifest(stated: bytes) -> Manifest:
    """The page of a council's backup.

    Raises:
        NeedsDecision: it is none.
    """
    data = _stated(stated)
    try:
        return Manifest(
            backup=str(data["backup"]),
            council=str(data["council"]),
            taken_at=datetime.fromisoformat(str(data["taken_at"])),
            base=_base(data["base"]) if data["base"] else None,
            parts=tuple(Part(str(each["name"]), str(each["sha256"]), int(each["size"])) for each in data["parts"]),
            objects=int(data["objects"]),
            vault=str(data["vault"]),
            events=int(data["events"]),
            head=str(data["head"]),
            key=str(data["key"]),
        )
    except (KeyError, TypeError, ValueError):
        raise NeedsDecision("a backup's manifest does not follow its form; use another backup") from None


def reaching(bases: Iterable[Base], moment: datetime | None) -> Base:
    """The newest copy of a server from which that moment can be reached; None: the newest of all.

    Raises:
        NeedsDecision: there is none.
    """
    able = [each for each in bases if moment is None or each.ended_at <= moment]
    if not able:
        raise NeedsDecision("no backup of the database server was complete by then; `backup list` shows what there is")
    return max(able, key=lambda each: each.ended_at)


def whole_is_due(newest: datetime | None, *, key_since: datetime, hour: int, now: datetime) -> bool:
    """True when the server must be copied: none was, or not since `hour` o'clock last came, or since the key did.

    `newest` is the moment at which the newest copy was begun; all in the time zone of `now`.
    """
    tonight = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    last = tonight if tonight <= now else tonight - timedelta(days=1)
    return newest is None or newest < max(key_since, last)


def over(taken: Sequence[datetime], now: datetime) -> frozenset[datetime]:
    """The backups that are kept no longer, by their moments; the newest one always stays."""
    return frozenset(each for each in taken if each < now - KEPT) - {max(taken, default=now)}


def gaps(names: Iterable[str], first: str, piece_bytes: int) -> tuple[str, ...]:
    """The pieces of the log that are missing between `first` and the newest one of its timeline, in order."""
    there = {name for name in names if PIECE.fullmatch(name) and name[:8] == first[:8]}
    last = max(there, default="")
    return tuple(name for name in _from(first, last, piece_bytes) if name not in there)


def _from(first: str, last: str, piece_bytes: int) -> Iterator[str]:
    halves = (1 << 32) // piece_bytes
    number = int(first[8:16], 16) * halves + int(first[16:], 16)
    while (name := f"{first[:8]}{number // halves:08X}{number % halves:08X}") <= last:
        yield name
        number += 1


def _base(data: dict[str, Any]) -> Base:
    try:
        return Base(
            base=str(data["base"]),
            began_at=datetime.fromisoformat(str(data["began_at"])),
            ended_at=datetime.fromisoformat(str(data["ended_at"])),
            version=int(data["version"]),
            server=str(data["server"]),
            piece_bytes=int(data["piece_bytes"]),
            first_piece=str(data["first_piece"]),
            sha256=str(data["sha256"]),
            size=int(data["size"]),
        )
    except (KeyError, TypeError, ValueError):
        raise NeedsDecision("the page of a copy of the server does not follow its form; use another") from None


def _stated(stated: bytes) -> dict[str, Any]:
    try:
        data = json.loads(stated)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise NeedsDecision("a page of a backup cannot be read; use another backup")
    return data


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError("a moment expected")
