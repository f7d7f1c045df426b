"""The tamper-evident log: one hash chain in the database, signed checkpoints outside it.

An event holds kinds, ids, counts and digests; never a name, a date of birth, an identifier or free text that a
partner sent. It is appended in the transaction whose effect it tells of.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
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

from family_exchange.adapters import durable
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
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / CHECKPOINTS).open("a+b") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(max(0, log.seek(0, os.SEEK_END) - 2 * len(signed)))
        end = log.read()
        if not end.endswith(signed):
            log.write(signed if not end or end.endswith(b"\n") else b"\n" + signed)
    return seq, head


def give_up(folder: Path, key: Ed25519PrivateKey, after: int, head: str) -> None:
    """Checkpoints of events beyond `after`, whose hash is `head`, are of a chain that a restore gave up.

    A signed line after them says so: it is for people who looked, and only what our own key signed counts. A second
    run writes nothing.
    """
    signed = json.dumps({"given_up_after": after, "hash": head, "signature": key.sign(_given_up(after, head)).hex()})
    with (folder / CHECKPOINTS).open("a+b") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        seen = log.read()
        if not seen.endswith(line := signed.encode() + b"\n"):
            log.write(line if not seen or seen.endswith(b"\n") else b"\n" + line)
            log.flush()
            os.fsync(log.fileno())


def reached(folder: Path) -> int:
    """The newest event that a checkpoint tells of and that no restore has given up; 0 when there is none."""
    file = folder / CHECKPOINTS
    lines = file.read_text().splitlines() if file.exists() else []
    newest = 0
    for mark in (json.loads(line) for line in lines if line.endswith("}")):
        given_up = "given_up_after" in mark
        newest = min(newest, int(mark["given_up_after"])) if given_up else max(newest, int(mark["seq"]))
    return newest


_HEAD = "SELECT seq, hash FROM audit.head"
_WHOLE = """SELECT (SELECT seq FROM audit.head), (SELECT hash FROM audit.head), seq, kind, actor, event, prev, hash
              FROM audit.event ORDER BY event.seq"""
"""The head with all events in one statement: what is appended while it is read is in neither."""


def verify(
    connection: Connection, folder: Path, public: Ed25519PublicKey, *, given_up_after: int | None = None
) -> Verdict:
    """Recompute every hash, then hold every checkpoint against the chain.

    A chain alone does not see its newest events removed; the checkpoints, which the database cannot reach, do. Those
    of events that a restore gave up count no more once people have said so (`give_up`), or, with `given_up_after`,
    are about to.
    """
    file = folder / CHECKPOINTS
    marks = (
        file.read_text().splitlines() if file.exists() else []
    )  # first: a checkpoint made meanwhile is of newer events
    prev, expected, seen = GENESIS, 1, {0: GENESIS.hex()}
    head = connection.execute(_HEAD).fetchone()  # of a chain without events; with some, it is read beside them
    with connection.cursor(name="audit_verify") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_WHOLE)
        for *beside, seq, kind, actor, event, stored_prev, stored in cursor:
            head = tuple(beside)
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
    if head != (last, prev):
        return Verdict(last, prev.hex(), 0, last, "the head does not agree with the newest event")
    return _held_against(marks, seen, public, Verdict(last, prev.hex(), 0), given_up_after)


def _held_against(
    marks: list[str], seen: dict[int, str], public: Ed25519PublicKey, chain: Verdict, given_up_after: int | None
) -> Verdict:
    """The verdict of a whole chain, once the checkpoints have been heard; `seen` has the hash of every event."""
    agreed, missed = 0, dict[int, None]()
    for line in marks:
        if not line.endswith("}"):  # a writer died in the middle of it; it promised nothing to anybody
            continue
        mark = json.loads(line)
        after = mark.get("given_up_after")
        seq, told = (mark["seq"], _checkpoint(mark)) if after is None else (after, _given_up(after, mark["hash"]))
        try:
            public.verify(bytes.fromhex(mark["signature"]), told)
        except InvalidSignature:
            return replace(chain, checkpoints=agreed, broken_at=int(seq), why="a checkpoint's signature is not ours")
        if after is not None and seen.get(int(after)) == mark["hash"]:
            missed = {each: None for each in missed if each <= int(after)}
        elif seen.get(int(seq)) == mark["hash"]:
            agreed += 1
        else:
            missed[int(seq)] = None
    if given_up_after is not None:
        missed = {each: None for each in missed if each <= given_up_after}
    if missed:
        why = "the chain does not reach a checkpoint"
        return replace(chain, checkpoints=agreed, broken_at=next(iter(missed)), why=why)
    return replace(chain, checkpoints=agreed)


def _checkpoint(mark: Mapping[str, object]) -> bytes:
    return json.dumps({"hash": mark["hash"], "seq": mark["seq"]}, sort_keys=True, separators=(",", ":")).encode()


def _given_up(after: int, head: str) -> bytes:
    return json.dumps({"given_up_after": after, "hash": head}, sort_keys=True, separators=(",", ":")).encode()


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
        made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        durable.write(file, made, mode=0o600)  # half a key would be kept for ever
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
