"""A restored ledger brought up to what the journal says happened after its moment: destruction, files, returns, keys.

Each function works in the caller's transaction or session, on a council that is closed, and changes nothing the second
time. Ids are never used twice: numbers go on beyond all that the journal has seen.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from family_exchange.adapters import audit, database, destruction, keys, letting_go, programme, returns, unclaimed
from family_exchange.adapters.database import Connection
from family_exchange.adapters.journal import Journal, Line, What
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.vault import Vault
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import UNFINISHED
from family_exchange.domain.key import Revocation
from family_exchange.domain.retention import Kind

ACTOR = "exchange"
BATCH = 1000
BEYOND = 1000
"""So many numbers are left out: files that were seen and never taken have had some, and their receipts bear them."""

NAME = b"restored.pgp"
"""What a file is called whose partner's own name went with its line of the ledger."""


def destroy_again(connection: Connection, journal: Journal, vault: Vault) -> Counter[str]:
    """How many things went again, by kind; nothing of what the journal lists is left, but for what is claimed anew."""
    gone: Counter[str] = Counter()
    for kind, query in _THERE.items():
        ids, _ = journal.destroyed(kind)
        for some in (ids[at : at + BATCH] for at in range(0, len(ids), BATCH)):
            with connection.transaction():
                if kind is Kind.SOURCE_RECORD:
                    programme.turn(connection)
                left = [str(each) for (each,) in connection.execute(query.encode(), (some,))]
                if left:
                    _destroy(connection, vault, kind, left)
                    gone[str(kind)] += len(left)
    for digest in sorted(filter(vault.holds, journal.objects_gone())):
        with connection.transaction():
            gone[str(Kind.OBJECT)] += destruction.unclaimed_object(connection, vault, digest.hex()).objects
    if gone.total():
        with connection.transaction():
            audit.append(connection, "purge.destroyed_again", ACTOR, dict(gone))
    return +gone


def left_over(connection: Connection, journal: Journal, vault: Vault) -> int:
    """How much of what the journal says was destroyed is there."""
    left = sum(there(connection, vault, kind, journal.destroyed(kind)[0]) for kind in _THERE)
    gone = filter(vault.holds, journal.objects_gone())
    return left + sum(not unclaimed.is_claimed(connection, each) for each in gone)


def there(connection: Connection, vault: Vault, kind: Kind, ids: Sequence[str]) -> int:
    """How many of these things are there."""
    if kind is Kind.OBJECT:
        return sum(vault.holds(bytes.fromhex(each)) for each in ids)
    return len(connection.execute(_THERE[kind].encode(), (list(ids),)).fetchall())


def files(connection: Connection, journal: Journal, vault: Vault, *, numbered: int = 0) -> tuple[list[str], list[str]]:
    """Ids of the files that intake takes up again from the vault, and of those whose sealed bytes are gone as well.

    The latter are lost with their rows, if those were not destroyed too: their partners send them again. A line that
    the ledger lost is there again under its own id, as if it had just been seen; so is one whose landing file went
    after that moment. `numbered` is the last number of the ledger that was lost, if it can still be read: files that
    were never taken have receipts, too.
    """
    destroyed = {*journal.destroyed(Kind.FILE)[0]}
    newest = {str(line["file"]): line for line in journal.lines(What.TAKEN)}
    again, lost = [], []
    for file_id, line in sorted(newest.items()):
        row = connection.execute(
            """SELECT ct_sha256 IS NOT NULL OR state NOT IN ('SEEN', 'CLAIMED', 'GONE'), partner = %s AND feed = %s
                 FROM exchange.file WHERE file_id = %s""",
            (line["partner"], line["feed"], file_id),
        ).fetchone()
        if row and row[0]:
            continue
        if row and not row[1]:
            raise NeedsDecision(f"file {file_id} of the journal is another one than the ledger's; somebody must look")
        if file_id in destroyed or not vault.whole(bytes.fromhex(str(line["sha256"]))):
            lost.append(file_id)
            continue
        _take_up(connection, file_id, line)
        again.append(file_id)
    _number_on(connection, newest, numbered)
    return again, lost


def at_work(connection: Connection, vault: Vault) -> list[str]:
    """Ids of the files in the middle of intake whose bytes are whole, those that were just taken up among them.

    What of them was destroyed since comes back with them: they are taken in before that is destroyed again.
    """
    rows = connection.execute(
        "SELECT file_id, ct_sha256 FROM exchange.file WHERE state = ANY(%s) AND ct_sha256 IS NOT NULL ORDER BY 1",
        (sorted(UNFINISHED),),
    ).fetchall()
    return [str(file_id) for file_id, digest in rows if vault.whole(bytes(digest))]


def unregistered(connection: Connection) -> bool:
    """True when the register has not taken every file that was taken in."""
    row = connection.execute(
        """SELECT EXISTS (SELECT FROM exchange.file WHERE state IN ('APPLIED','CLOSED') AND registered_at IS NULL)"""
    ).fetchone()
    return bool(row and row[0])


def sent(connection: Connection, journal: Journal, fields: dict[str, tuple[str, ...]]) -> list[str]:
    """Ids of returns that may have been sent and that the ledger cannot account for: their number is used up, VOID.

    The bytes that were sent are theirs for ever; the next version is assembled, signed off and sent like any other.
    """
    given_up = []
    lines = [(line, str(line["return"]), bytes.fromhex(str(line["sha256"]))) for line in journal.lines(What.SENDING)]
    sent_as = {(return_id, digest) for _, return_id, digest in lines}
    for line, return_id, digest in lines:
        row = connection.execute(
            "SELECT state, ct_sha256 FROM returns.return WHERE return_id = %s", (return_id,)
        ).fetchone()
        if row and row[1] is not None and bytes(row[1]) == digest:
            continue
        if row and row[1] is not None and (return_id, bytes(row[1])) in sent_as:
            continue  # under one name both may be at the recipient: `unaccounted` says so, and people ask there
        code, period, version = _parts(return_id)
        if row is None:
            at = database.clock(connection)
            returns.create(connection, code, period, version, fields=fields.get(code, ()), at=at)
        if row is None or State(str(row[0])) is not State.VOID:
            epoch = returns.claim(connection, return_id)
            returns.advance(connection, return_id, epoch, State.VOID, {"sha256": digest.hex(), "restored": True})
        connection.execute(
            "UPDATE returns.return SET ct_sha256 = %s, final_name = %s WHERE return_id = %s",
            (digest, line["name"], return_id),
        )
        given_up.append(return_id)
    return given_up


def keys_in_ring(connection: Connection, ring: OpenPGP) -> int:
    """How many partners' keys the ring lacked: it came out of a backup that may be older than the moment.

    Without them a good file would be refused as somebody else's.
    """
    there, lacking = ring.held(), 0
    for fingerprint, material in connection.execute(
        """SELECT fingerprint, material FROM exchange.partner_key
            WHERE kind = 'openpgp' AND material IS NOT NULL AND approved_by IS NOT NULL ORDER BY fingerprint"""
    ).fetchall():
        if fingerprint not in there:
            ring.import_key(str(material).encode())
            lacking += 1
    return lacking


def revoke_again(connection: Connection, journal: Journal, at: datetime) -> int:
    """How many partners' keys are revoked again, of those that had been revoked and that the ledger holds for good."""
    held = {key.fingerprint: key for key in keys.held(connection)}
    again = 0
    for line in journal.lines(What.REVOKED):
        key = held.get(str(line["fingerprint"]))
        if key is not None and key.revoked_at is None:
            reason = Revocation(str(line["reason"]))
            held[key.fingerprint] = keys.revoke(connection, key.fingerprint, by=str(line["by"]), reason=reason, at=at)
            again += 1
    return again


def unaccounted(connection: Connection, journal: Journal) -> list[str]:
    """Ids of returns that the journal says were sent, and of which the ledger does not have these bytes."""
    sent = {(str(line["return"]), bytes.fromhex(str(line["sha256"]))) for line in journal.lines(What.SENDING)}
    known = {  # after the journal: what is sent meanwhile was sealed before
        (str(return_id), bytes(digest))
        for return_id, digest in connection.execute(
            "SELECT return_id, ct_sha256 FROM returns.return WHERE ct_sha256 IS NOT NULL"
        )
    }
    return sorted({return_id for return_id, _ in sent - known})


def records_of_nothing(connection: Connection) -> int:
    """How many records the register has of files that the ledger does not have as applied."""
    row = connection.execute(
        """SELECT count(*) FROM memory.source_record s
            WHERE NOT EXISTS (SELECT 1 FROM exchange.file f
                               WHERE f.file_id = s.file_id AND f.registered_at IS NOT NULL)"""
    ).fetchone()
    return int(row[0]) if row else 0


def _destroy(connection: Connection, vault: Vault, kind: Kind, ids: Sequence[str]) -> None:
    match kind:
        case Kind.SOURCE_RECORD:
            letting_go.source_records(connection, ids)
        case Kind.STAGED_FILE:
            for each in ids:
                letting_go.staged_file(connection, each)
        case Kind.FILE:
            for each in ids:
                destruction.sealed_file(connection, vault, each)
        case _:
            for each in ids:
                destruction.own_return(connection, vault, each)


_THERE = {
    Kind.RETURN: "SELECT return_id FROM returns.return WHERE return_id = ANY(%s) AND destroyed_at IS NULL",
    Kind.FILE: "SELECT file_id FROM exchange.file WHERE file_id = ANY(%s) AND vault_destroyed_at IS NULL",
    Kind.STAGED_FILE: """SELECT file_id FROM exchange.file
                          WHERE file_id = ANY(%s) AND staging_cleared_at IS NULL AND registered_at IS NOT NULL""",
    Kind.SOURCE_RECORD: "SELECT source_record_id FROM memory.source_record WHERE source_record_id = ANY(%s)",
}
"""What is still there of each kind. Staged rows that the register has not taken yet are no copy: they wait for it."""


def _take_up(connection: Connection, file_id: str, line: Line) -> None:
    digests = (bytes.fromhex(str(line["sha256"])), bytes.fromhex(str(line["landed"])))
    connection.execute(
        """INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at, seen_at, changed_at,
                                      ct_sha256, landed_sha256)
           VALUES (%(file)s, %(partner)s, %(feed)s, %(name)s, %(size)s, %(modified_at)s, %(seen_at)s, %(seen_at)s,
                   %(sealed)s, %(landed)s)
           ON CONFLICT (file_id) DO UPDATE SET ct_sha256 = excluded.ct_sha256, landed_sha256 = excluded.landed_sha256,
                   state = CASE file.state WHEN 'GONE' THEN 'SEEN' ELSE file.state END""",
        {**line, "name": NAME, "sealed": digests[0], "landed": digests[1]},
    )
    audit.append(connection, "file.taken_up_again", ACTOR, {"file": file_id, "sha256": digests[0].hex()})


def _number_on(connection: Connection, known: Iterable[str], numbered: int) -> None:
    highest = max((int(file_id.removeprefix("F")) for file_id in known), default=0)
    highest = max(highest, numbered)
    connection.execute(
        "SELECT setval('exchange.file_number', greatest(%s, (SELECT last_value FROM exchange.file_number)) + %s)",
        (highest, BEYOND),
    )


def _parts(return_id: str) -> tuple[str, str, int]:
    """Code, period and version of a return's id."""
    rest, _, version = return_id.rpartition("-v")
    code, _, period = rest.partition("-")
    return code, period, int(version)
