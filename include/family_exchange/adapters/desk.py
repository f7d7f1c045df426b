"""One worker at the ledger of partner files: each method is one transaction that checks the worker's epoch.

A method happens whole or not at all, and writes one audit event for each move in the same transaction. A worker that
was overtaken is told so (`Busy`) and has changed nothing. What leaves here is an error of ours, without any value.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg

from family_exchange.adapters import admission, audit, database, landings, ledger
from family_exchange.adapters.admission import Contents, Refused
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import ACTOR, LOCK, File
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.file import Reason, State
from family_exchange.domain.identity import Identity, Siblings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Fetched:
    """A landing file's bytes, safe."""

    stored: Stored
    """What the vault holds."""
    landed: bytes
    """SHA-256 of the bytes as they landed: other than the vault's when they were not sealed, and we sealed them."""


@contextmanager
def opened(url: str) -> Iterator["Desk"]:
    """A desk for one worker; what it holds is let go when the block ends, however it ends."""
    with database.session(url) as connection:
        yield Desk(connection)


@contextmanager
def kept(kept: database.Kept) -> Iterator["Desk"]:
    """As `opened`, over a connection that stays for the worker's next desk."""
    with kept.session() as connection:
        yield Desk(connection)


class Desk:
    """See `stages.ports.Desk`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def land(self, partner: str, feed: str, entries: "Sequence[Entry]") -> None:
        """The ledger knows every entry of the folder, and which earlier ones are gone."""
        with self._transaction():
            landings.note(self.connection, partner, feed, entries)

    def unsettled(self, feed: str, settle: timedelta) -> timedelta:
        """How long until the last whole-looking file has kept its size and time for `settle`; zero: all have."""
        with database.errors_of_ours():
            return landings.unsettled(self.connection, feed, settle)

    def waiting(self, feed: str, settle: timedelta, patience: timedelta) -> list[str]:
        """Ids of files that need work or an answer; oldest first, partners by turns, so many as one run can bear."""
        with database.errors_of_ours():
            return landings.waiting(self.connection, feed, settle, patience)

    def hold(self, file_id: str) -> bool:
        """True when this worker has the file's lock, until its session ends."""
        with database.errors_of_ours():
            return database.hold(self.connection, LOCK, file_id)

    def read(self, file_id: str) -> File:
        """The file."""
        with database.errors_of_ours():
            return ledger.read(self.connection, file_id)

    def claim(self, file_id: str) -> File:
        """The file under a new epoch, CLAIMED if it was only seen; every earlier worker is fenced off."""
        with self._transaction() as connection:
            epoch = ledger.claim(connection, file_id)
            if epoch is None:
                raise KeyError(file_id)
            if ledger.read(connection, file_id).state is State.SEEN:
                ledger.advance(connection, file_id, epoch, State.CLAIMED, {})
                _still_at_it(connection, file_id)
            return ledger.read(connection, file_id)

    def excuse(self, file: File) -> None:
        """This attempt says nothing against the file."""
        with self._fenced(file) as connection:
            connection.execute(
                "UPDATE exchange.file SET attempt = greatest(attempt - 1, 0) WHERE file_id = %s", (file.file_id,)
            )

    def failed(self, file: File, failure: str) -> int:
        """How often in a row this very failure was met over the file, this time included."""
        with self._fenced(file) as connection:
            row = connection.execute(
                """UPDATE exchange.file
                      SET attempt = greatest(attempt - 1, 0), failure = %(failure)s,
                          failures = CASE WHEN failure = %(failure)s THEN failures + 1 ELSE 1 END
                    WHERE file_id = %(file)s RETURNING failures""",
                {"failure": failure, "file": file.file_id},
            ).fetchone()
            audit.append(connection, "file.failed", ACTOR, {"file": file.file_id, "failure": failure})
        return int(row[0]) if row else 0

    def still_arriving(self, file: File) -> None:
        """What was copied is not whole, and the rest may yet come: if the entry changes, this copy is forgotten."""
        with self._fenced(file) as connection:
            connection.execute(
                "UPDATE exchange.file SET reason = %s, attempt = greatest(attempt - 1, 0) WHERE file_id = %s",
                (Reason.CORRUPT, file.file_id),
            )

    def vaulted(self, file: File, fetched: Fetched) -> File:
        """The file's bytes are in the vault, sealed."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE exchange.file SET ct_sha256 = %s, landed_sha256 = %s WHERE file_id = %s AND epoch = %s",
                (fetched.stored.sha256, fetched.landed, file.file_id, file.epoch),
            )
            body: dict[str, Plain] = {"sha256": fetched.stored.sha256.hex(), "bytes": fetched.stored.size}
            ledger.advance(connection, file.file_id, file.epoch, State.VAULTED, body)
            _still_at_it(connection, file.file_id)
            return ledger.read(connection, file.file_id)

    def same_ciphertext(self, file: File) -> str | None:
        """The accepted file of this partner and feed with the very same bytes."""
        with database.errors_of_ours():
            return admission.same_bytes(self.connection, file)

    def siblings(self, file: File, identity: Identity) -> Siblings:
        """The accepted files that bear on the file's place."""
        with database.errors_of_ours():
            return admission.siblings(self.connection, file, identity)

    def admit(self, file: File, signer: str, identity: Identity, contents: Contents | Refused | None) -> State:
        """The file is where its place and its rows put it: from the seal to the staged rows in one transaction.

        Raises:
            Busy: meanwhile another file was accepted and this one would have to be read after all.
        """
        with self._fenced(file) as connection:
            admission.admit(connection, file, signer, identity, contents)
            return ledger.read(connection, file.file_id).state

    def quarantine(self, file: File, reason: Reason, detail: str | None = None) -> State:
        """The file waits, still sealed, for another one or for two people."""
        with self._transaction() as connection:
            ledger.quarantine(connection, file.file_id, file.epoch, reason, detail)
        return State.QUARANTINED

    def duplicate(self, file: File, of: str) -> State:
        """The file brought nothing new."""
        with self._transaction() as connection:
            ledger.duplicate(connection, file.file_id, file.epoch, of)
        return State.DUPLICATE

    def gone(self, file: File) -> State:
        """The partner took the file back, or put another in its place, before we had it."""
        with self._transaction() as connection:
            landings.gone(connection, file.file_id, file.epoch)
        return State.GONE

    def answered(self, file: File) -> None:
        """The partner has its receipt."""
        with self._fenced(file) as connection:
            connection.execute(
                """UPDATE exchange.file SET receipt_at = clock_timestamp(), answers = answers + 1
                    WHERE file_id = %s""",
                (file.file_id,),
            )
            audit.append(connection, "file.answered", ACTOR, {"file": file.file_id, "answer": file.answers + 1})

    def close(self, file: File) -> None:
        """Nothing more happens to an applied file."""
        with self._transaction() as connection:
            ledger.advance(connection, file.file_id, file.epoch, State.CLOSED, {})

    def cleared(self, file: File) -> None:
        """The landing file is gone."""
        with self._fenced(file) as connection:
            landings.cleared(connection, file.file_id)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self.connection.transaction():
                yield self.connection
        except psycopg.Error as error:
            raise database.reduced(error) from None

    @contextmanager
    def _fenced(self, file: File) -> Iterator[Connection]:
        with self._transaction() as connection:
            ledger.fence(connection, file.file_id, file.epoch)
            yield connection


def _still_at_it(connection: Connection, file_id: str) -> None:
    """A move in the middle of the work starts the count anew; the worker that made it may still die."""
    connection.execute("UPDATE exchange.file SET attempt = 1 WHERE file_id = %s", (file_id,))
