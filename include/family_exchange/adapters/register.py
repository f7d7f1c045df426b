"""The register's source records, taken over from staging as sent and never edited; what a proposal rests on; a digest.

Persons are in `adapters.persons`, families in `adapters.families`, evidence in `adapters.evidence`, proposals and
decisions in `adapters.proposals`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from family_exchange.adapters import audit, letting_go, memory, source_records, stated, stays_gone
from family_exchange.adapters.database import Connection
from family_exchange.domain.contract import Contract
from family_exchange.domain.retention import Kind

ACTOR = "exchange"
"""Who brings the register up to date when no person does."""

LOCK = 42
"""Namespace of the advisory lock that lets one writer at a time into a council's register."""

_ASKED_BY = (
    "source_record_id", "file_id", "partner", "feed", "record_ref", "event_ref", "household_ref", "relationship",
    "as_of", "event_on", "recorded_at", "superseded_at",
)  # fmt: skip
"""The columns of source records by which others look for them."""

_SHOWN = {
    "person": "(SELECT * FROM register.person p WHERE EXISTS (SELECT FROM register.person_record r"
    " WHERE r.person_id = p.person_id))",
} | {
    name: f"register.{name}"
    for name in (
        "source_record",
        "source_sighting",
        "person_record",
        "fact",
        "possible_match",
        "family",
        "family_member",
        "evidence",
        "proposal",
        "decision",
        "family_status",
        "family_worker",
        "plan_scope",
        "suggestion",
    )
}
"""What the register shows, by name. An id of a person of whom no record is left leads elsewhere and says no more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took over from staging."""

    files: tuple[str, ...]
    records: int
    """Rows that say something new."""
    again: int
    """Rows that say what their partner had said of the same key before."""
    superseded: int
    """Records, old or new, that a newer one of the same key now stands before."""


def take(connection: Connection, contract: Callable[[str, str], Contract]) -> Taken:
    """The rows of every applied file that the register has not taken are in it, in the caller's transaction.

    A row that says something new is a source record, with the partner's own values: identity columns in columns, every
    other one in `facts`. A row that says word for word what stands of its key is a sighting of that record. Of the
    records of one key the one said last, by as-of date, then by file and row, is current; an older file that comes late
    changes nothing of that. Whoever is said again is due. A second run takes nothing. What was destroyed before a
    restore, and comes back with its file, is gone again at once, and weighs in nothing.
    """
    waiting = connection.execute(
        """SELECT feed, coalesce(contract, 'v1'), array_agg(file_id ORDER BY file_id)
             FROM exchange.file WHERE state IN ('APPLIED','CLOSED') AND registered_at IS NULL
            GROUP BY 1, 2 ORDER BY 1, 2"""
    ).fetchall()
    files: list[str] = []
    records = again = superseded = 0
    connection.execute("SET LOCAL work_mem = '128MB'")  # what is sorted and hashed here is so in memory
    for feed, version, file_ids in waiting:
        written = source_records.write(connection, contract(feed, version), file_ids)
        records, again = records + written.records, again + written.again
        superseded += written.superseded
        files += file_ids
    if files:
        # else the planner looks at every row for each new one
        connection.execute(f"ANALYZE memory.source_record ({', '.join(_ASKED_BY)})".encode())
        connection.execute(
            "UPDATE exchange.file SET registered_at = clock_timestamp() WHERE file_id = ANY(%s)", (files,)
        )
        memory.make_due(connection, stated.STAGE, files)
        body: dict[str, audit.Plain] = {
            "files": sorted(files), "records": records, "again": again, "superseded": superseded
        }  # fmt: skip
        audit.append(connection, "register.records", ACTOR, body)
        _let_go_again(connection, files)
    return Taken(tuple(sorted(files)), records, again, superseded)


def _let_go_again(connection: Connection, files: Sequence[str]) -> None:
    gone = stays_gone.of_files(connection, files)
    if gone.records:
        letting_go.source_records(connection, gone.records)
    for file_id in gone.staged:
        letting_go.staged_file(connection, file_id)
    if gone.records or gone.staged:
        body: dict[str, audit.Plain] = {
            Kind.SOURCE_RECORD: len(gone.records), Kind.STAGED_FILE: len(gone.staged)
        }  # fmt: skip
        audit.append(connection, "purge.destroyed_again", ACTOR, body)


def digest(connection: Connection) -> str:
    """SHA-256 over everything that the register shows, whatever the order and the moment it was recorded.

    Equal digests, equal registers, byte for byte. After `memory.as_known`: of what was known then.
    """
    parts = []
    for table, shown in sorted(_SHOWN.items()):
        row = connection.execute(
            f"""SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''),
                                     'UTF8')), 'hex')
                  FROM (SELECT (to_jsonb(t) - 'recorded_at')::text AS line FROM {shown} t) lines""".encode()  # noqa: S608 - our own words
        ).fetchone()
        assert row is not None  # noqa: S101 - an aggregate always gives a row
        parts.append(f"{table}={row[0]}")
    row = connection.execute("SELECT encode(sha256(convert_to(%s, 'UTF8')), 'hex')", ("\n".join(parts),)).fetchone()
    assert row is not None  # noqa: S101 - as above
    return str(row[0])
