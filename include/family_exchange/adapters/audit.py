"""The tamper-evident log: one hash chain in the database, signed checkpoints outside it.

An event holds kinds, ids, counts and digests; never a name, a date of birth, an identifier or free text that a
partner sent. It is appended in the transaction whose effect it tells of.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from psycopg import sql

from family_exchange.adapters.database import Connection

HEAD = sql.Identifier("audit", "head")
"""The table that every event changes; `database.one_moment` locks it where an event is appended."""
GENESIS = sha256(b"family-exchange").digest()
"""The hash before the first event."""

CHECKPOINTS = "checkpoints.log"
SIGNING_KEY = "audit_signing_key.pem"

Plain = str | int | bool | None | list[str]
"""What an event's body may hold."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found."""

    events: int
    """Events read."""
    head: str
    """Hash of the last event, hexadecimal."""
    checkpoints: int
    """Signed checkpoints that agree with the chain."""
    broken_at: int | None = None
    """First sequence number that does not hold; None: the chain is whole."""
    why: str = ""

    @property
    def whole(self) -> bool:
        """True when nothing was changed, removed, added or reordered."""
        return self.broken_at is None


def append(connection: Connection, kind: str, actor: str, body: Mapping[str, Plain]) -> int:
    """The sequence number of the new event, in the caller's transaction."""
    row = connection.execute("SELECT audit.append(%s, %s, %s::jsonb)", (kind, actor, json.dumps(dict(body)))).fetchone()
    assert row is not None  # noqa: S101 - the function always returns a row
    return int(row[0])


def checkpoint(connection: Connection, folder: Path, key: Ed25519PrivateKey) -> tuple[int, str]:
    """Append the signed head of the chain to the checkpoint file; `(seq, hash)`.

    A second run at the same head writes nothing.
    """
    row = connection.execute("SELECT seq, encode(hash, 'hex') FROM audit.head").fetchone()
    assert row is not None  # noqa: S101 - the migration made the only row
    seq, head = int(row[0]), str(row[1])
    body = json.dumps({"hash": head, "seq": seq}, sort_keys=True, separators=(",", ":"))
    signed = json.dumps({"seq": seq, "hash": head, "signature": key.sign(body.encode()).hex()}).encode() + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CHECKPOINTS).open("a+b") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(max(0, log.seek(0, os.SEEK_END) - 2 * len(signed)))
        end = log.read()
        if not end.endswith(signed):
            log.write(signed if not end or end.endswith(b"\n") else b"\n" + signed)
    return seq, head


def verify(connection: Connection, folder: Path, public: Ed25519PublicKey) -> Verdict:
    """Recompute every hash, then hold every checkpoint against the chain.

    A chain alone does not see its newest events removed; the checkpoints, which the database cannot reach, do.
    """
    file = folder / CHECKPOINTS
    marks = (
        file.read_text().splitlines() if file.exists() else []
    )  # first: a checkpoint made meanwhile is of newer events
    prev, expected, seen = GENESIS, 1, {0: GENESIS.hex()}
    with connection.cursor(name="audit_verify") as cursor:
        cursor.itersize = 10_000
        cursor.execute("SELECT seq, kind, actor, event, prev, hash FROM audit.event ORDER BY seq")
        for seq, kind, actor, event, stored_prev, stored in cursor:
            body = json.loads(bytes(event))
            honest = (
                seq == expected
                and bytes(stored_prev) == prev
                and sha256(b"\x00" + bytes(event)).digest() == bytes(stored)
                and (body["seq"], body["kind"], body["actor"], body["prev"]) == (seq, kind, actor, prev.hex())
            )
            if not honest:
                return Verdict(expected - 1, prev.hex(), 0, expected, "an event was changed, removed or added")
            prev, expected = bytes(stored), expected + 1
            seen[seq] = prev.hex()
    last = expected - 1
    row = connection.execute("SELECT seq, hash FROM audit.head").fetchone()
    if row is None or int(row[0]) != last or bytes(row[1]) != prev:
        return Verdict(last, prev.hex(), 0, last, "the head does not agree with the newest event")
    agreed = 0
    for line in marks:
        if not line.endswith("}"):  # a writer died in the middle of it; it promised nothing to anybody
            continue
        mark = json.loads(line)
        body_text = json.dumps({"hash": mark["hash"], "seq": mark["seq"]}, sort_keys=True, separators=(",", ":"))
        try:
            public.verify(bytes.fromhex(mark["signature"]), body_text.encode())
        except InvalidSignature:
            return Verdict(last, prev.hex(), agreed, int(mark["seq"]), "a checkpoint's signature is not ours")
        if seen.get(int(mark["seq"])) != mark["hash"]:
            return Verdict(last, prev.hex(), agreed, int(mark["seq"]), "the chain does not reach a checkpoint")
        agreed += 1
    return Verdict(last, prev.hex(), agreed)


def newest(connection: Connection, *, about: str | None = None, last: int = 50) -> list[dict[str, object]]:
    """The newest events, oldest first; with `about`, only those whose body names that id."""
    rows = connection.execute(
        """SELECT event FROM audit.event
            WHERE %(about)s::text IS NULL OR EXISTS (
                  SELECT 1 FROM jsonb_each_text(convert_from(event, 'UTF8')::jsonb -> 'body') b
                   WHERE b.value = %(about)s)
            ORDER BY seq DESC LIMIT %(last)s""",
        {"about": about, "last": last},
    ).fetchall()
    return [json.loads(bytes(event)) for (event,) in reversed(rows)]


def make_signing_key(folder: Path) -> Ed25519PrivateKey:
    """The council's checkpoint key, made once with mode 0600; a second run reads it."""
    file = folder / SIGNING_KEY
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return signing_key(folder)


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The council's checkpoint key.

    Raises:
        TypeError: the file holds a key of another kind.
    """
    key = load_pem_private_key((folder / SIGNING_KEY).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the audit signing key is not Ed25519")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, hexadecimal, for receipts and certificates."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
