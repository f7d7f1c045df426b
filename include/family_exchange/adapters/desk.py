"""One worker at the ledger of partner files: each method is one transaction that checks the worker's epoch.

A method happens whole or not at all, and writes one audit event for each move in the same transaction. A worker that
was overtaken is told so (`Busy`) and has changed nothing. What leaves here is an error of ours, without any value.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import psycopg

from family_exchange.adapters import audit, database, landings, ledger, staging
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import ACTOR, LOCK, File
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.errors import Busy
from family_exchange.domain.file import Reason, State, Verdict
from family_exchange.domain.findings import Findings
from family_exchange.domain.identity import Identity, Place, Placed, Sibling, Siblings, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

FEED_LOCK = 43
"""Namespace of the lock that lets one file of a partner's feed after the other find its place."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a validated file holds, and what was found in it."""

    contract: str
    """Version."""
    as_of: date | None
    coverage_from: date | None
    coverage_to: date | None
    area: str | None
    columns_dropped: int
    findings: Findings
    accepted: "Iterable[pl.DataFrame]" = field(repr=False)
    """Typed rows to stage."""
    held: bool = False
    """Two people have to look at it before its rows count."""
    shape: tuple[tuple[str, str, int], ...] = ()
    """(column, code, rows): what the file is made of, in counts."""
    workbook_sha256: bytes | None = None

    @property
    def counts(self) -> dict[str, Plain]:
        """What is told of the rows."""
        return {
            "rows_read": self.findings.rows_read,
            "rows_loaded": self.findings.rows_loaded,
            "rows_with_finding": self.findings.rows_with_finding,
            "rows_refused": self.findings.rows_refused,
            "columns_dropped": self.columns_dropped,
        }


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
        with self._transaction():
            return landings.unsettled(self.connection, feed, settle)

    def waiting(self, feed: str, settle: timedelta, patience: timedelta) -> list[str]:
        """Ids of files that need work or an answer; oldest first, partners by turns, so many as one run can bear."""
        with self._transaction():
            return landings.waiting(self.connection, feed, settle, patience)

    def hold(self, file_id: str) -> bool:
        """True when this worker has the file's lock, until its session ends."""
        with self._transaction():
            return database.hold(self.connection, LOCK, file_id)

    def read(self, file_id: str) -> File:
        """The file."""
        with self._transaction():
            return ledger.read(self.connection, file_id)

    def claim(self, file_id: str) -> File:
        """The file under a new epoch, CLAIMED if it was only seen; every earlier worker is fenced off."""
        with self._transaction() as connection:
            epoch = ledger.claim(connection, file_id)
            if epoch is None:
                raise KeyError(file_id)
            if ledger.read(connection, file_id).state is State.SEEN:
                ledger.advance(connection, file_id, epoch, State.CLAIMED, {})
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
            return ledger.read(connection, file.file_id)

    def same_ciphertext(self, file: File) -> str | None:
        """The accepted file of this partner and feed with the very same bytes."""
        with self._transaction():
            return self._accepted(file, "ct_sha256", file.ct_sha256)

    def siblings(self, file: File, identity: Identity) -> Siblings:
        """The accepted files that bear on the file's place."""
        with self._transaction():
            return self._siblings(file, identity)

    def admit(self, file: File, signer: str, identity: Identity, contents: Contents | None) -> State:
        """The file is where its place and its rows put it: from the seal to the staged rows in one transaction.

        Raises:
            Busy: meanwhile another file was accepted and this one would have to be read after all.
        """
        with self._transaction() as connection:
            ledger.fence(connection, file.file_id, file.epoch)
            connection.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (FEED_LOCK, f"{file.partner}/{file.feed}")
            )
            placed = place(identity, self._siblings(file, identity), waived=_let_in(file))
            self._note_seal(file, signer, identity, placed)
            ledger.advance(connection, file.file_id, file.epoch, State.AUTHENTIC, {"signer": signer})
            if placed.place in {Place.NEWS, Place.HISTORY}:
                if contents is None:
                    raise Busy(f"file {file.file_id} has to be read after all")
                self._apply(file, contents)
            else:
                self._end(file, placed)
            return ledger.read(connection, file.file_id).state

    def quarantine(self, file: File, reason: Reason) -> State:
        """The file waits, still sealed, for another one or for two people."""
        with self._transaction() as connection:
            ledger.quarantine(connection, file.file_id, file.epoch, reason)
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

    def _siblings(self, file: File, identity: Identity) -> Siblings:
        newest = self.connection.execute(
            """SELECT max(signed_at), max(as_of) FROM exchange.file
                WHERE partner = %s AND feed = %s AND state IN ('APPLIED','CLOSED')""",
            (file.partner, file.feed),
        ).fetchone()
        assert newest is not None  # noqa: S101 - an aggregate always gives a row
        day = self.connection.execute(
            """SELECT file_id, signed_at, sequence FROM exchange.file
                WHERE partner = %s AND feed = %s AND state IN ('APPLIED','CLOSED') AND as_of = %s
                ORDER BY signed_at DESC LIMIT 1""",
            (file.partner, file.feed, identity.as_of),
        ).fetchone()
        return Siblings(
            same_content=self._accepted(file, "content_hmac", identity.content),
            same_signature=self._accepted(file, "sig_id", identity.signature),
            same_sequence=self._accepted(file, "sequence", identity.sequence),
            newest_signed_at=newest[0],
            newest_as_of=newest[1],
            same_day=Sibling(*day) if day else None,
        )

    def _accepted(self, file: File, column: str, value: bytes | str | int | None) -> str | None:
        row = self.connection.execute(
            f"""SELECT file_id FROM exchange.file
                 WHERE partner = %s AND feed = %s AND {column} = %s AND file_id <> %s
                   AND state IN ('APPLIED','CLOSED')""",  # noqa: S608 - our own column names
            (file.partner, file.feed, value, file.file_id),
        ).fetchone()
        return str(row[0]) if row else None

    def _note_seal(self, file: File, signer: str, identity: Identity, placed: Placed) -> None:
        """What two people let in against another file keeps neither its number nor its signature's id."""
        self.connection.execute(
            """UPDATE exchange.file
                  SET signer = %(signer)s, sig_id = %(signature)s, signed_at = %(signed_at)s,
                      content_hmac = %(content)s, as_of = %(as_of)s, sequence = %(sequence)s, history = %(history)s
                WHERE file_id = %(file)s""",
            {
                "signer": signer,
                "signature": identity.signature if file.waived is not Reason.CONFLICT else None,
                "signed_at": identity.signed_at,
                "content": identity.content,
                "as_of": identity.as_of,
                "sequence": identity.sequence if file.waived is not Reason.CONFLICT else None,
                "history": placed.place is Place.HISTORY,
                "file": file.file_id,
            },
        )

    def _end(self, file: File, placed: Placed) -> None:
        """The file's place alone decides: nothing of it is staged."""
        connection, file_id, epoch = self.connection, file.file_id, file.epoch
        match placed.place:
            case Place.DUPLICATE:
                ledger.duplicate(connection, file_id, epoch, str(placed.other))
            case Place.SUPERSEDED:
                connection.execute(
                    "UPDATE exchange.file SET superseded_by = %s WHERE file_id = %s", (placed.other, file_id)
                )
                ledger.advance(connection, file_id, epoch, State.SUPERSEDED, {"by": str(placed.other)})
            case Place.CONFLICT:
                connection.execute(
                    "UPDATE exchange.file SET conflicts_with = %s WHERE file_id = %s", (placed.other, file_id)
                )
                ledger.quarantine(connection, file_id, epoch, Reason.CONFLICT)
            case _:
                ledger.quarantine(connection, file_id, epoch, Reason.STALE)

    def _apply(self, file: File, contents: Contents) -> None:
        """Findings, counts and rows of one validated file, and its moves to VALID and APPLIED."""
        connection, file_id, epoch = self.connection, file.file_id, file.epoch
        verdict = contents.findings.verdict()
        self._note_contents(file, contents, verdict)
        ledger.put_findings(connection, file_id, contents.findings)
        if verdict is Verdict.REFUSED or contents.held:
            ledger.quarantine(connection, file_id, epoch, Reason.CONTENT)
            return
        ledger.advance(connection, file_id, epoch, State.VALID, {"verdict": verdict, **contents.counts})
        ledger.put_shape(connection, file_id, contents.shape)
        staged = staging.put(connection, file.feed, file_id, contents.accepted)
        connection.execute("UPDATE exchange.file SET applied_at = clock_timestamp() WHERE file_id = %s", (file_id,))
        ledger.advance(connection, file_id, epoch, State.APPLIED, {"rows": staged})

    def _note_contents(self, file: File, contents: Contents, verdict: Verdict) -> None:
        self.connection.execute(
            """UPDATE exchange.file
                  SET contract = %(contract)s, as_of = %(as_of)s, coverage_from = %(coverage_from)s,
                      coverage_to = %(coverage_to)s, area = %(area)s, verdict = %(verdict)s, reason = NULL,
                      rows_read = %(rows_read)s, rows_loaded = %(rows_loaded)s,
                      rows_with_finding = %(rows_with_finding)s, rows_refused = %(rows_refused)s,
                      columns_dropped = %(columns_dropped)s, workbook_sha256 = %(workbook)s
                WHERE file_id = %(file_id)s""",
            {
                "contract": contents.contract,
                "as_of": contents.as_of,
                "coverage_from": contents.coverage_from,
                "coverage_to": contents.coverage_to,
                "area": contents.area,
                "verdict": verdict,
                "workbook": contents.workbook_sha256,
                "file_id": file.file_id,
                **contents.counts,
            },
        )


def _let_in(file: File) -> bool:
    """True when two people set aside that the file is old or contradicts another."""
    return file.waived in {Reason.STALE, Reason.CONFLICT}
