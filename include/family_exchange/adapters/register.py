"""The register's source records, taken over from staging as sent and never edited; what a proposal rests on; a digest.

Persons are in `adapters.persons`, families in `adapters.families`, evidence in `adapters.evidence`, proposals and
decisions in `adapters.proposals`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from psycopg import sql

from family_exchange.adapters import audit, memory, stated
from family_exchange.adapters.conditions import staged
from family_exchange.adapters.database import Connection
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.domain.contract import Contract

ACTOR = "exchange"
"""Who brings the register up to date when no person does."""

LOCK = 42
"""Namespace of the advisory lock that lets one writer at a time into a council's register."""

_SHOWN = {
    "person": "(SELECT * FROM register.person p WHERE EXISTS (SELECT FROM register.person_record r"
    " WHERE r.person_id = p.person_id))",
} | {
    name: f"register.{name}"
    for name in (
        "source_record",
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

_OWN_COLUMNS = tuple(sorted(IDENTITY_COLUMNS - {"record_ref", "event_ref"}))


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took over from staging."""

    files: tuple[str, ...]
    records: int
    superseded: int
    """Records, old or new, that a newer one of the same key now stands before."""


def take(connection: Connection, contract: Callable[[str, str], Contract]) -> Taken:
    """The rows of every applied file that the register has not taken are source records, in the caller's transaction.

    A row keeps the partner's own values: identity columns in columns, every other one in `facts`. Of the rows of one
    key the newest by as-of date, then by file, is current; an older file that comes late changes nothing of that. A
    second run takes nothing.
    """
    waiting = connection.execute(
        """SELECT feed, coalesce(contract, 'v1'), array_agg(file_id ORDER BY file_id)
             FROM exchange.file WHERE state IN ('APPLIED','CLOSED') AND registered_at IS NULL
            GROUP BY 1, 2 ORDER BY 1, 2"""
    ).fetchall()
    files: list[str] = []
    records = superseded = 0
    connection.execute("SET LOCAL work_mem = '128MB'")  # what is sorted here is sorted in memory
    for feed, version, file_ids in waiting:
        records += _insert(connection, contract(feed, version), file_ids)
        files += file_ids
    if files:
        connection.execute("ANALYZE memory.source_record")  # else the planner looks at every row for each new one
        for feed, version, file_ids in waiting:
            superseded += _supersede(connection, contract(feed, version), file_ids)
        connection.execute(
            "UPDATE exchange.file SET registered_at = clock_timestamp() WHERE file_id = ANY(%s)", (files,)
        )
        memory.make_due(connection, stated.STAGE, files)
        body: dict[str, audit.Plain] = {"files": sorted(files), "records": records, "superseded": superseded}
        audit.append(connection, "register.records", ACTOR, body)
    return Taken(tuple(sorted(files)), records, superseded)


def _insert(connection: Connection, contract: Contract, files: Sequence[str]) -> int:
    here = set(contract.canonicals)
    own = [name for name in _OWN_COLUMNS if name in here]
    category, retain_from = _retention(contract)
    event_ref = sql.SQL("coalesce(s.event_ref, '')") if "event_ref" in here else sql.SQL("''")
    query = sql.SQL(
        """INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref, event_ref,
                                               as_of, facts, category, retain_from {comma} {own})
           SELECT 'S' || substr(f.file_id, 2) || '.' || s.row_no, f.file_id, s.row_no, f.partner, f.feed, s.record_ref,
                  {event_ref}, coalesce(f.as_of, f.seen_at::date),
                  jsonb_strip_nulls({facts}), {category}, {retain_from} {comma} {stated}
             FROM {staging} s JOIN exchange.file f USING (file_id)
            WHERE f.file_id = ANY(%(files)s)
           ON CONFLICT (source_record_id) DO NOTHING"""
    ).format(
        comma=sql.SQL("," if own else ""),
        own=sql.SQL(", ").join(map(sql.Identifier, own)),
        stated=sql.SQL(", ").join(sql.Identifier("s", name) for name in own),
        event_ref=event_ref,
        facts=_facts(here),
        category=category,
        retain_from=retain_from,
        staging=sql.Identifier("staging", contract.feed),
    )
    return connection.execute(query, {"files": list(files)}).rowcount


def _facts(here: Collection[str]) -> sql.Composable:
    """What is in no column of a source record, as an object; naming them costs less than dropping the rest."""
    others = sorted(set(here) - IDENTITY_COLUMNS)
    if not others:
        return sql.SQL("'{}'::jsonb")
    named = sql.SQL(", ").join(sql.Identifier("s", name) for name in others)
    return sql.SQL("(SELECT to_jsonb(other) FROM (SELECT {}) other)").format(named)


def _retention(contract: Contract) -> tuple[sql.Composable, sql.Composable]:
    """The row's retention category, and the day that starts its clock, as SQL over staging."""
    rule = contract.retention
    categories: list[sql.Composable] = [sql.SQL("CASE")]
    triggers: list[sql.Composable] = [sql.SQL("CASE")]
    for choice in rule.category_by:
        fits = staged(choice.when, contract)
        trigger = sql.Identifier("s", choice.trigger or rule.trigger)
        categories.append(sql.SQL("WHEN {} THEN {}").format(fits, sql.Literal(choice.category)))
        triggers.append(sql.SQL("WHEN {} THEN {}").format(fits, trigger))
    if not rule.category_by:
        return sql.Literal(rule.category), sql.Identifier("s", rule.trigger)
    categories.append(sql.SQL("ELSE {} END").format(sql.Literal(rule.category)))
    triggers.append(sql.SQL("ELSE {} END").format(sql.Identifier("s", rule.trigger)))
    return sql.SQL(" ").join(categories), sql.SQL(" ").join(triggers)


def _supersede(connection: Connection, contract: Contract, files: Sequence[str]) -> int:
    """The number of records that are current no more; ties of one file go to its last row."""
    key = sorted({"record_ref", "event_ref", *contract.key} & IDENTITY_COLUMNS)
    query = sql.SQL(
        """WITH touched AS (
             SELECT DISTINCT partner, record_ref FROM memory.source_record WHERE file_id = ANY(%(files)s)),
           ranked AS (
             SELECT r.source_record_id, r.superseded_at IS NULL AS current,
                    row_number() OVER (PARTITION BY r.partner, {key}
                                       ORDER BY r.as_of DESC, r.file_id DESC, r.row_no DESC) = 1 AS newest
               FROM memory.source_record r JOIN touched USING (partner, record_ref) WHERE r.feed = %(feed)s)
           UPDATE memory.source_record r SET superseded_at = CASE WHEN NOT ranked.newest THEN clock_timestamp() END
             FROM ranked WHERE r.source_record_id = ranked.source_record_id AND ranked.current <> ranked.newest
           RETURNING r.superseded_at IS NULL"""
    ).format(key=sql.SQL(", ").join(sql.Identifier("r", name) for name in key))
    changed = connection.execute(query, {"files": list(files), "feed": contract.feed}).fetchall()
    return sum(not current for (current,) in changed)


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
