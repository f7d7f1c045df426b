"""The ledger of returns: their versions, states, sign-offs and findings, and the gate before one becomes visible.

Every move goes through `returns.advance` in the database: fenced by the epoch, legal moves only, one audit event in
the same transaction. The rows themselves are `adapters.return_rows`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from family_exchange.adapters import database
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.domain import ids
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.return_file import Receipt
from family_exchange.domain.return_rules import Finding, Severity

ACTOR = "exchange"
"""Who moves a return when no person does."""

LOCK = 45
"""Namespace of the advisory locks that keep two workers off one return."""


@dataclass(frozen=True, slots=True)
class Return:
    """One version of one period's submission, as the ledger knows it."""

    return_id: str
    code: str
    period: str
    version: int
    state: State
    epoch: int
    """The newest attempt; it fences every earlier one."""
    fields: tuple[str, ...]
    rights_epoch: int
    """Objections and restrictions recorded up to here are respected."""
    rows: int | None
    content_sha256: bytes | None
    """Of the plain CSV."""
    ct_sha256: bytes | None
    """Of the sealed bytes."""
    size: int | None
    final_name: str | None
    intent_epoch: int | None
    """The attempt whose rename may have taken effect."""
    intent_age: timedelta | None
    """How long ago that was."""
    destroyed_at: datetime | None
    as_known_at: datetime
    """The moment whose knowledge the rows hold: the register stood still in it."""


_COLUMNS = """return_id, code, period, version, state, epoch, fields, rights_epoch, rows, content_sha256, ct_sha256,
    size, final_name, intent_epoch, clock_timestamp() - intent_at, destroyed_at,
    as_known_at"""


def _row(_: object) -> Callable[[Sequence[Any]], Return]:
    """How a row of `_COLUMNS` becomes a return."""

    def made(row: Sequence[Any]) -> Return:
        return_id, code, period, version, state, epoch, fields, *rest = row
        return Return(return_id, code, period, version, State(state), epoch, tuple(fields), *rest)

    return made


@contextmanager
def held(url: str, return_id: str) -> Iterator[None]:
    """While the block runs, no other worker works at this return; the lock dies with the worker's session.

    Raises:
        TryLater: another worker is at it.
    """
    with database.session(url) as guard:
        if not database.hold_soon(guard, LOCK, return_id):
            raise TryLater(f"another worker is at return {return_id}")
        yield


def read(connection: Connection, return_id: str, *, alone: bool = False) -> Return:
    """The return; `alone`: nobody else moves it, signs it off or gives it up until this transaction ends.

    Raises:
        NeedsDecision: there is none of this id.
    """
    query = f"SELECT {_COLUMNS} FROM returns.return WHERE return_id = %s"  # noqa: S608 - our own column list
    with connection.cursor(row_factory=_row) as cursor:
        found = cursor.execute(f"{query} FOR UPDATE" if alone else query, (return_id,)).fetchone()
    if found is None:
        raise NeedsDecision(f"there is no return {ids.said(return_id)}; `return list` shows them")
    return found


def newest(connection: Connection, code: str, period: str) -> Return | None:
    """The latest version for this period, whatever its state."""
    with connection.cursor(row_factory=_row) as cursor:
        return cursor.execute(
            f"""SELECT {_COLUMNS} FROM returns.return WHERE code = %s AND period = %s
                 ORDER BY version DESC LIMIT 1""",  # noqa: S608 - our own column list
            (code, period),
        ).fetchone()


def version(connection: Connection, code: str, period: str, number: int | None) -> Return:
    """That version of the period's return; without a number the latest.

    Raises:
        NeedsDecision: there is none.
    """
    found = newest(connection, code, period) if number is None else None
    if number is not None:
        return read(connection, f"{code}-{period}-v{number}")
    if found is None:
        raise NeedsDecision(f"there is no {code} return for {period}")
    return found


def every(connection: Connection) -> list[Return]:
    """Every version of every return, by period, code and version."""
    with connection.cursor(row_factory=_row) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM returns.return ORDER BY period, code, version"  # noqa: S608 - our own column list
        ).fetchall()


def create(
    connection: Connection, code: str, period: str, version: int, *, fields: Sequence[str], at: datetime
) -> Return:
    """A new version in DRAFT; objections recorded from now on will be seen by its release gate."""
    return_id = f"{code}-{period}-v{version}"
    connection.execute(
        """INSERT INTO returns.return (return_id, code, period, version, fields, as_known_at, rights_epoch)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (return_id, code, period, version, list(fields), at, rights_epoch(connection)),
    )
    return read(connection, return_id)


def claim(connection: Connection, return_id: str) -> int:
    """The new epoch, which fences every earlier worker.

    Raises:
        NeedsDecision: the return has come to an end.
    """
    row = connection.execute("SELECT returns.claim(%s)", (return_id,)).fetchone()
    if row is None or row[0] is None:
        raise NeedsDecision(f"return {return_id} has come to an end; nothing more happens to it")
    return int(row[0])


def advance(
    connection: Connection,
    return_id: str,
    epoch: int,
    to: State,
    body: Mapping[str, Plain],
    *,
    actor: str = ACTOR,
) -> None:
    """The return is in state `to`, with its audit event, in the caller's transaction.

    Raises:
        psycopg.Error: a later attempt holds the return (FX001), or the move is not legal (FX002).
    """
    connection.execute(
        "SELECT returns.advance(%s, %s, %s, %s, %s::jsonb)", (return_id, epoch, to, actor, json.dumps(dict(body)))
    )


def rights_epoch(connection: Connection) -> int:
    """The number of the newest change to anybody's rights; nobody changes one until this transaction ends."""
    row = connection.execute("SELECT epoch FROM rights.epoch FOR SHARE").fetchone()
    assert row is not None  # noqa: S101 - the migration made the only row
    return int(row[0])


def note_content(connection: Connection, return_id: str, *, rows: int, sha256: bytes) -> None:
    """The return's rows are complete; `sha256` is that of their CSV."""
    connection.execute(
        "UPDATE returns.return SET rows = %s, content_sha256 = %s WHERE return_id = %s", (rows, sha256, return_id)
    )


def note_seal(connection: Connection, return_id: str, *, sha256: bytes, size: int, final_name: str) -> None:
    """The return has one sealed form, and a name for ever."""
    connection.execute(
        """UPDATE returns.return SET ct_sha256 = %s, size = %s, final_name = %s, sealed_at = clock_timestamp()
            WHERE return_id = %s""",
        (sha256, size, final_name, return_id),
    )


def note_intent(connection: Connection, return_id: str, *, epoch: int, rights_epoch: int) -> None:
    """From now on the final name may be visible, even if nobody lives to say so."""
    connection.execute(
        """UPDATE returns.return SET intent_epoch = %s, intent_at = clock_timestamp(), rights_epoch = %s
            WHERE return_id = %s""",
        (epoch, rights_epoch, return_id),
    )


def note_sent(connection: Connection, return_id: str) -> None:
    """The rename took effect."""
    connection.execute(
        "UPDATE returns.return SET sent_at = clock_timestamp() WHERE return_id = %s AND sent_at IS NULL", (return_id,)
    )


def note_delivered(connection: Connection, return_id: str) -> None:
    """The bytes were read back, or receipted."""
    connection.execute(
        """UPDATE returns.return SET sent_at = coalesce(sent_at, clock_timestamp()), delivered_at = clock_timestamp()
            WHERE return_id = %s""",
        (return_id,),
    )


def note_receipt(connection: Connection, return_id: str, receipt: Receipt) -> None:
    """What the recipient says it received, and when we took that in."""
    kept = {
        "name": receipt.name,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "received_at": receipt.received_at.isoformat(),
        "outcome": receipt.outcome,
    }
    connection.execute(
        "UPDATE returns.return SET receipt = %s::jsonb, acknowledged_at = clock_timestamp() WHERE return_id = %s",
        (json.dumps(kept), return_id),
    )


def sign(connection: Connection, return_id: str, *, by: str, content_sha256: bytes) -> bool:
    """True when this person's signature is new; a second one of the same person never counts."""
    return bool(
        connection.execute(
            """INSERT INTO returns.sign_off (return_id, signed_by, content_sha256) VALUES (%s, %s, %s)
               ON CONFLICT (return_id, signed_by) DO NOTHING""",
            (return_id, by, content_sha256),
        ).rowcount
    )


def signers(connection: Connection, return_id: str) -> tuple[str, ...]:
    """Who signed exactly this return's content, first signature first."""
    rows = connection.execute(
        """SELECT s.signed_by FROM returns.sign_off s JOIN returns.return r USING (return_id, content_sha256)
            WHERE return_id = %s ORDER BY s.signed_at, s.signed_by""",
        (return_id,),
    )
    return tuple(str(name) for (name,) in rows)


def keep_findings(connection: Connection, return_id: str, findings: Iterable[Finding]) -> None:
    """The return's findings are exactly these; a second run with the same leaves the same rows."""
    connection.execute("DELETE FROM returns.return_finding WHERE return_id = %s", (return_id,))
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY returns.return_finding (return_id, finding_no, row_no, field, rule, severity) FROM STDIN"
        ) as copy,
    ):
        for number, finding in enumerate(findings, 1):
            copy.write_row((return_id, number, finding.row_no, finding.field, finding.rule, finding.severity))


def findings(connection: Connection, return_id: str) -> tuple[Finding, ...]:
    """What the newest check found, in order."""
    rows = connection.execute(
        "SELECT row_no, field, rule, severity FROM returns.return_finding WHERE return_id = %s ORDER BY finding_no",
        (return_id,),
    )
    return tuple(Finding(row_no, field, rule, Severity(severity)) for row_no, field, rule, severity in rows)
