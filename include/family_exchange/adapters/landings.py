"""What lies in the partners' landing folders, as the ledger knows it: which entries are whole, waiting, or gone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice, zip_longest

from family_exchange.adapters import audit, ledger
from family_exchange.adapters.database import Connection, lock
from family_exchange.adapters.ledger import ACTOR, LOCK
from family_exchange.adapters.sftp import Entry
from family_exchange.domain.file import State, looks_unfinished

FOLDER_LOCK = 46
"""Namespace of the lock that keeps two looks at one folder from making two rows of one entry."""

SET_ASIDE = b".fx-"
"""How the names begin that we ourselves give to entries which we are about to remove."""

MOST_AT_ONCE = 200
"""Files that one run takes up; the next run finds the others."""

MOST_NEW = 1000
"""Entries of one folder that one look adds to the ledger; the next look adds others."""

Listed = tuple[bytes, int, int]
"""Name, size and time of an entry."""


def note(connection: Connection, partner: str, feed: str, entries: Sequence[Entry]) -> None:
    """Every entry of the folder is a row; a row whose entry vanished, or was written on, before we had it is GONE.

    A growing file is one row whose size and time move; a name that is used again is another row. Of a flood of entries
    the `MOST_NEW` oldest become rows. A second run with the same listing changes nothing of what the first one noted.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (FOLDER_LOCK, f"{partner}/{feed}"))
    listed: set[Listed] = {
        (entry.name, entry.size, entry.modified_at) for entry in entries if not entry.name.startswith(SET_ASIDE)
    }
    rows = connection.execute(
        """SELECT file_id, name_bytes, size, modified_at, state, reason IS NOT NULL, ct_sha256 IS NULL
             FROM exchange.file
            WHERE partner = %s AND feed = %s AND landing_removed_at IS NULL ORDER BY file_id""",
        (partner, feed),
    ).fetchall()
    known = {(bytes(name), int(size), int(modified)) for _, name, size, modified, *_ in rows}
    fresh = {entry[0]: entry for entry in listed - known}
    for file_id, name, size, modified, state, in_doubt, only_there in rows:
        if (bytes(name), int(size), int(modified)) in listed:
            continue
        if state == State.SEEN and bytes(name) in fresh:
            _grew(connection, str(file_id), fresh.pop(bytes(name)))
        elif (state in {State.SEEN, State.CLAIMED} and only_there) or (state == State.VAULTED and in_doubt):
            _vanished(connection, str(file_id))
    for entry in sorted(fresh.values(), key=lambda each: (each[2], each[0]))[:MOST_NEW]:
        _first_seen(connection, partner, feed, entry)


def unsettled(connection: Connection, feed: str, settle: timedelta) -> timedelta:
    """How long until the last file under a final name has kept its size and time for `settle`; zero: all have."""
    rows = connection.execute(
        """SELECT name_bytes, size, changed_at + %s - clock_timestamp() FROM exchange.file
            WHERE feed = %s AND state = 'SEEN' AND changed_at + %s > clock_timestamp()""",
        (settle, feed, settle),
    )
    return max((left for name, size, left in rows if not looks_unfinished(bytes(name), size)), default=timedelta())


def waiting(connection: Connection, feed: str, settle: timedelta, patience: timedelta) -> list[str]:
    """Ids of the feed's files that need work or an answer: oldest first, the partners by turns, at most `MOST_AT_ONCE`.

    A file that was only seen waits until it has kept still for `settle`; one that cannot be whole, for `patience`: then
    its partner is told.
    """
    rows = connection.execute(
        """SELECT file_id, partner, name_bytes, size, state, changed_at + %(settle)s <= clock_timestamp(),
                  changed_at + %(patience)s <= clock_timestamp()
             FROM exchange.file
            WHERE feed = %(feed)s
              AND (state IN ('SEEN','CLAIMED','VAULTED','AUTHENTIC','VALID','APPLIED')
                   OR (receipt_at IS NULL AND state <> 'GONE')
                   OR (landing_removed_at IS NULL AND ct_sha256 IS NOT NULL))
            ORDER BY file_id""",
        {"feed": feed, "settle": settle, "patience": patience},
    )
    by_partner: dict[str, list[str]] = {}
    for file_id, partner, name, size, state, settled, forgotten in rows:
        if state != State.SEEN or (forgotten if looks_unfinished(bytes(name), size) else settled):
            by_partner.setdefault(str(partner), []).append(str(file_id))
    return list(islice(_by_turns(by_partner.values()), MOST_AT_ONCE))


def gone(connection: Connection, file_id: str, epoch: int) -> None:
    """The file ends as GONE: there is nothing of it to keep."""
    ledger.advance(connection, file_id, epoch, State.GONE, {})
    connection.execute(
        "UPDATE exchange.file SET landing_removed_at = clock_timestamp(), reason = NULL WHERE file_id = %s", (file_id,)
    )


def cleared(connection: Connection, file_id: str) -> None:
    """The landing file was removed, or another one took its place."""
    connection.execute("UPDATE exchange.file SET landing_removed_at = clock_timestamp() WHERE file_id = %s", (file_id,))
    audit.append(connection, "file.landing_cleared", ACTOR, {"file": file_id})


def _first_seen(connection: Connection, partner: str, feed: str, entry: Listed) -> None:
    row = connection.execute(
        """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at) VALUES (%s, %s, %s, %s, %s)
           RETURNING file_id""",
        (partner, feed, *entry),
    ).fetchone()
    assert row is not None  # noqa: S101 - INSERT … RETURNING gives a row
    audit.append(
        connection, "file.seen", ACTOR, {"file": str(row[0]), "partner": partner, "feed": feed, "bytes": entry[1]}
    )


def _grew(connection: Connection, file_id: str, entry: Listed) -> None:
    connection.execute(
        """UPDATE exchange.file SET size = %s, modified_at = %s, changed_at = clock_timestamp()
            WHERE file_id = %s AND state = 'SEEN'""",
        (entry[1], entry[2], file_id),
    )


def _vanished(connection: Connection, file_id: str) -> None:
    """GONE, unless a worker is at the file just now: it finds out by itself."""
    if not lock(connection, LOCK, file_id):
        return
    epoch = ledger.claim(connection, file_id)
    if epoch is not None and ledger.read(connection, file_id).state in {State.SEEN, State.CLAIMED, State.VAULTED}:
        gone(connection, file_id, epoch)


def _by_turns(lists: Iterable[list[str]]) -> Iterator[str]:
    """The first of each list, then the second of each, and so on."""
    return (each for turn in zip_longest(*lists) for each in turn if each is not None)
