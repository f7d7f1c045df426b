"""The ledger of partner files: what was seen, where each file is, and what became of it.

Every move goes through `exchange.advance` in the database: fenced by the epoch, legal moves only, one audit event in
the same transaction.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from psycopg.rows import class_row, kwargs_row

from family_exchange.adapters import findings as finding_rows
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.findings import Digests
from family_exchange.domain.file import Reason, State, Verdict
from family_exchange.domain.findings import Findings

ACTOR = "exchange"
"""Who moves a file when no person does."""

LOCK = 41
"""Namespace of the advisory locks that keep two workers off one file."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as the ledger knows it."""

    file_id: str
    partner: str
    feed: str
    name_bytes: bytes = field(repr=False)
    size: int
    modified_at: int
    state: State
    reason: Reason | None
    epoch: int
    ct_sha256: bytes | None
    signer: str | None
    contract: str | None
    as_of: date | None
    verdict: Verdict | None
    rows_read: int | None
    rows_loaded: int | None
    rows_with_finding: int | None
    rows_refused: int | None
    columns_dropped: int | None
    duplicate_of: str | None
    seen_at: datetime
    receipt_at: datetime | None
    landing_removed_at: datetime | None
    sig_id: str | None = None
    signed_at: datetime | None = None
    coverage_from: date | None = None
    coverage_to: date | None = None
    area: str | None = None
    sequence: int | None = None
    changed_at: datetime | None = None
    attempt: int = 0
    """Claims since it last moved or was excused: how often a worker died over it."""
    history: bool = False
    conflicts_with: str | None = None
    superseded_by: str | None = None
    waived: frozenset[Reason] = frozenset()
    """The reasons that two people set aside when they released it."""
    workbook_sha256: bytes | None = None
    detail: str | None = None
    """The refusal's own sentence: rows, columns and rules, never a value."""
    landed_sha256: bytes | None = None
    """Of the bytes as they landed; other than `ct_sha256` when they were not sealed, and we sealed them."""
    answers: int = 0
    """Receipts written so far; a file that was released has another."""


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """One finding as a receipt tells it."""

    row_no: int | None
    column_name: str | None
    rule: str
    severity: str
    table_name: str | None = None
    ref_hmac: bytes | None = field(default=None, repr=False)


_COLUMNS = """file_id, partner, feed, name_bytes, size, modified_at, state, reason, epoch, ct_sha256, signer, contract,
    as_of, verdict, rows_read, rows_loaded, rows_with_finding, rows_refused, columns_dropped, duplicate_of, seen_at,
    receipt_at, landing_removed_at, sig_id, signed_at, coverage_from, coverage_to, area, sequence, changed_at, attempt,
    history, conflicts_with, superseded_by, waived, workbook_sha256, detail,
    landed_sha256, answers"""


def _file(**columns: object) -> File:
    columns["state"] = State(str(columns["state"]))
    columns["reason"] = Reason(str(columns["reason"])) if columns["reason"] else None
    columns["verdict"] = Verdict(str(columns["verdict"])) if columns["verdict"] else None
    columns["waived"] = frozenset(map(Reason, str(columns["waived"] or "").split()))
    return File(**columns)  # type: ignore[arg-type]  # the query names exactly the fields


_row = kwargs_row(_file)


def read(connection: Connection, file_id: str) -> File:
    """The file.

    Raises:
        KeyError: the ledger has no such id.
    """
    with connection.cursor(row_factory=_row) as cursor:
        file = cursor.execute(
            f"SELECT {_COLUMNS} FROM exchange.file WHERE file_id = %s",  # noqa: S608 - our own column list
            (file_id,),
        ).fetchone()
    if file is None:
        raise KeyError(file_id)
    return file


def files(connection: Connection, feed: str | None = None) -> list[File]:
    """Every file, oldest first."""
    with connection.cursor(row_factory=_row) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM exchange.file WHERE %s::text IS NULL OR feed = %s ORDER BY file_id",  # noqa: S608 - our own words
            (feed, feed),
        ).fetchall()


def claim(connection: Connection, file_id: str) -> int | None:
    """The new epoch, which fences every earlier worker; None for a file that the ledger does not have."""
    row = connection.execute("SELECT exchange.claim(%s)", (file_id,)).fetchone()
    return int(row[0]) if row and row[0] is not None else None


def fence(connection: Connection, file_id: str, epoch: int) -> None:
    """The caller's transaction holds the file's row, and no later worker has claimed it.

    Raises:
        psycopg.Error: FX001, another worker has; the transaction ends without effect.
    """
    connection.execute("SELECT exchange.fence(%s, %s)", (file_id, epoch))


def advance(connection: Connection, file_id: str, epoch: int, to: State, body: Mapping[str, Plain]) -> None:
    """The file is in state `to`, with its audit event, in the caller's transaction."""
    connection.execute(
        "SELECT exchange.advance(%s, %s, %s, %s, %s::jsonb)", (file_id, epoch, to, ACTOR, json.dumps(dict(body)))
    )


def quarantine(connection: Connection, file_id: str, epoch: int, reason: Reason, detail: str | None = None) -> None:
    """The file waits, still sealed, for its partner to send another or for two people here to decide."""
    connection.execute(
        "UPDATE exchange.file SET reason = %s, detail = %s, verdict = coalesce(verdict, 'refused') WHERE file_id = %s",
        (reason, detail, file_id),
    )
    advance(connection, file_id, epoch, State.QUARANTINED, {"reason": reason})


def duplicate(connection: Connection, file_id: str, epoch: int, original: str) -> None:
    """The file brought nothing new."""
    connection.execute("UPDATE exchange.file SET duplicate_of = %s WHERE file_id = %s", (original, file_id))
    advance(connection, file_id, epoch, State.DUPLICATE, {"of": original})


def put_shape(connection: Connection, file_id: str, shape: Iterable[tuple[str, str, int]]) -> None:
    """What the file is made of is stored: (column, code, rows); what an earlier attempt stored is replaced."""
    connection.execute("DELETE FROM exchange.file_shape WHERE file_id = %s", (file_id,))
    with connection.cursor() as cursor, cursor.copy("COPY exchange.file_shape FROM STDIN") as copy:
        for column, code, rows in shape:
            copy.write_row((file_id, column, code, rows))


def put_findings(connection: Connection, file_id: str, found: Findings, references: Digests | None = None) -> None:
    """Every finding of the file is stored, in bulk; what an earlier attempt stored is replaced.

    `references` has the keyed digest of the partner's own reference of each row with a finding.
    """
    connection.execute("DELETE FROM exchange.finding WHERE file_id = %s", (file_id,))
    statement = f"COPY exchange.finding ({', '.join(finding_rows.COLUMNS)}) FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(finding_rows.csv(file_id, found, references))


def findings(connection: Connection, file_id: str) -> list[StoredFinding]:
    """Everything that validation found in the file, in order."""
    with connection.cursor(row_factory=class_row(StoredFinding)) as cursor:
        return cursor.execute(
            """SELECT row_no, column_name, rule, severity, table_name, ref_hmac FROM exchange.finding
                WHERE file_id = %s ORDER BY finding_no""",
            (file_id,),
        ).fetchall()


def totals(connection: Connection, file_ids: Iterable[str]) -> dict[str, int]:
    """Counts over the given files: `files`, `applied`, `rows_loaded`, `rows_with_finding`, `rows_refused`."""
    row = connection.execute(
        """SELECT count(*), count(*) FILTER (WHERE state IN ('APPLIED','CLOSED')),
                  coalesce(sum(rows_loaded), 0), coalesce(sum(rows_with_finding), 0), coalesce(sum(rows_refused), 0)
             FROM exchange.file WHERE file_id = ANY(%s)""",
        (list(file_ids),),
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    names = ("files", "applied", "rows_loaded", "rows_with_finding", "rows_refused")
    return dict(zip(names, map(int, row), strict=True))
