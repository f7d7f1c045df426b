"""What people decided about who is who, and whom no machine takes apart: kept by record keys, never by persons' ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from family_exchange.adapters.database import Connection
from family_exchange.adapters.record_keys import KEYS, parts
from family_exchange.adapters.statements import KEY
from family_exchange.domain import links
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.links import Kind, Link, Links

_STATED = """r.forename, r.surname, r.date_of_birth, r.facts ->> 'pers_dob_estimated', r.date_of_birth > r.as_of, r.sex,
    r.address_line_1, r.address_line_2, r.postcode, r.uprn, r.nhs_number, r.nino, r.upn"""
"""What a record states of who its person is."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with who made it, and who took it back."""

    link: Link
    decided_by: str
    reason: str
    decided_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawal: str | None = None


def decisions(connection: Connection, *, withdrawn: bool = False) -> list[Decision]:
    """The decisions in force, by number; with `withdrawn` also those that were taken back."""
    rows = connection.execute(
        """SELECT decision_no, kind, side_a, side_b, decided_by, reason, decided_at,
                  withdrawn_by, withdrawn_at, withdrawal
             FROM register.identity_decision WHERE %s OR withdrawn_at IS NULL ORDER BY decision_no""",
        (withdrawn,),
    )
    return [
        Decision(Link(int(number), Kind(kind), frozenset(a), frozenset(b)), *rest) for number, kind, a, b, *rest in rows
    ]


def in_force(connection: Connection) -> Links:
    """The decisions in force."""
    return Links(decision.link for decision in decisions(connection))


def put(
    connection: Connection, kind: Kind, side_a: Collection[str], side_b: Collection[str], *, by: str, reason: str
) -> int:
    """The number of the new decision."""
    row = connection.execute(
        """INSERT INTO register.identity_decision (kind, side_a, side_b, decided_by, reason)
           VALUES (%s, %s, %s, %s, %s) RETURNING decision_no""",
        (kind, sorted(side_a), sorted(side_b), by, reason),
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING always gives a row
    return int(row[0])


def withdraw(connection: Connection, number: int, *, by: str, reason: str) -> None:
    """The decision is in force no more.

    Raises:
        NeedsDecision: there is none of that number, or it was taken back before.
    """
    found = connection.execute(
        """UPDATE register.identity_decision SET withdrawn_by = %s, withdrawn_at = clock_timestamp(), withdrawal = %s
            WHERE decision_no = %s AND withdrawn_at IS NULL""",
        (by, reason, number),
    ).rowcount
    if not found:
        raise NeedsDecision(f"no decision {number} is in force; `match list --decisions` shows those that are")


def keep(connection: Connection, groups: Iterable[Collection[str]]) -> None:
    """No machine takes the keys of one group apart from now on; what is kept already is not noted again."""
    for group in groups:
        connection.execute(
            """INSERT INTO register.kept_person (keys) SELECT %(keys)s::text[]
                WHERE cardinality(%(keys)s::text[]) > 1
                  AND NOT EXISTS (SELECT FROM register.kept_person WHERE keys @> %(keys)s::text[])""",
            {"keys": sorted(group)},
        )


def kept(connection: Connection, keys: Iterable[str]) -> list[frozenset[str]]:
    """The groups of keys that no machine takes apart, of which one of these keys is in."""
    rows = connection.execute(
        "SELECT keys FROM register.kept_person WHERE keys && %s::text[] ORDER BY kept_no", (sorted(keys),)
    )
    return [frozenset(group) for (group,) in rows]


def keep_without(connection: Connection, records: Collection[str]) -> frozenset[str]:
    """People stay one of whom these records, which are about to be destroyed, state something that no other one does.

    What only a decision of a person holds together is left to that decision. The keys of the records, for `forget`.
    """
    rows = connection.execute(
        f"""WITH gone AS (
              SELECT p.person_id, r.feed, r.partner, r.record_ref, row({_STATED})::text AS stated
                FROM memory.source_record r JOIN memory.person_record p USING (source_record_id)
               WHERE r.source_record_id = ANY(%(records)s) AND upper_inf(p.recorded)),
            poorer AS (
              SELECT DISTINCT person_id FROM gone g WHERE NOT EXISTS (
                SELECT FROM memory.source_record r
                 WHERE (r.feed, r.partner, r.record_ref) = (g.feed, g.partner, g.record_ref)
                   AND row({_STATED})::text = g.stated
                   AND r.source_record_id NOT IN (SELECT unnest(%(records)s::text[]))))
            SELECT array_agg(DISTINCT {KEY}) FROM poorer JOIN memory.person_record p USING (person_id)
              JOIN memory.source_record r USING (source_record_id)
             WHERE upper_inf(p.recorded) AND r.source_record_id NOT IN (SELECT unnest(%(records)s::text[]))
             GROUP BY person_id HAVING count(DISTINCT {KEY}) > 1""".encode(),  # noqa: S608 - our own words
        {"records": list(records)},
    ).fetchall()
    if rows:
        decided = in_force(connection)
        keep(connection, (group for (keys,) in rows for group in links.groups(keys, decided)))
    of_records = connection.execute(
        f"SELECT DISTINCT {KEY} FROM memory.source_record r WHERE source_record_id = ANY(%s)",  # noqa: S608 - as above
        (list(records),),
    )
    return frozenset(str(key) for (key,) in of_records)


def forget(connection: Connection, keys: Collection[str]) -> None:
    """Of those of these keys that no record bears any more nothing is kept here: they name a partner's references.

    A decision of which one side is gone says nothing more and goes too; the audit still tells that there was one.
    """
    rows = connection.execute(
        f"SELECT DISTINCT {KEY} FROM {KEYS} JOIN memory.source_record r USING (feed, partner, record_ref)",  # noqa: S608 - our own words
        parts(keys),
    )
    lost = {"lost": sorted({*keys} - {str(key) for (key,) in rows})}
    if not lost["lost"]:
        return
    connection.execute(
        "DELETE FROM register.identity_decision WHERE side_a <@ %(lost)s::text[] OR side_b <@ %(lost)s::text[]", lost
    )
    connection.execute(
        """UPDATE register.identity_decision
              SET side_a = ARRAY(SELECT key FROM unnest(side_a) key WHERE key <> ALL(%(lost)s::text[])),
                  side_b = ARRAY(SELECT key FROM unnest(side_b) key WHERE key <> ALL(%(lost)s::text[]))
            WHERE side_a && %(lost)s::text[] OR side_b && %(lost)s::text[]""",
        lost,
    )
    left = "ARRAY(SELECT key FROM unnest(keys) key WHERE key <> ALL(%(lost)s::text[]))"
    connection.execute(
        f"DELETE FROM register.kept_person WHERE keys && %(lost)s::text[] AND cardinality({left}) < 2".encode(),  # noqa: S608 - as above
        lost,
    )
    connection.execute(
        f"UPDATE register.kept_person SET keys = {left} WHERE keys && %(lost)s::text[]".encode(),  # noqa: S608 - as above
        lost,
    )


_IN_FORCE = """
    SELECT 'flag' AS put, kind, flag_id AS number, person_id, recorded_at FROM rights.flag
     WHERE status IN ('received', 'upheld')
    UNION ALL
    SELECT 'hold', 'hold', hold_id, scope_id, placed_at
      FROM rights.hold WHERE scope_kind = 'person' AND released_at IS NULL
"""


def carry(connection: Connection, persons: Collection[str], *, by: str, decision: int) -> int:
    """The number of flags and holds that these persons have now too, since they were put on somebody who was them.

    Whoever puts a flag on a person means all the records that the person has then. When somebody parts the person
    later, nobody can tell whom it was about: it stays on each part. A second call adds nothing.
    """
    rows = connection.execute(
        f"""WITH RECURSIVE placed AS ({_IN_FORCE}),
            meant AS (
              SELECT put, kind, number, recorded_at, person_id FROM placed
              UNION
              SELECT m.put, m.kind, m.number, m.recorded_at, t.points_to
                FROM meant m JOIN memory.person_pointer t USING (person_id) WHERE t.recorded @> m.recorded_at),
            on_it AS (
              SELECT kind, person_id FROM placed
              UNION
              SELECT o.kind, t.points_to
                FROM on_it o JOIN memory.person_pointer t USING (person_id) WHERE upper_inf(t.recorded))
            SELECT DISTINCT ON (m.put, m.kind, now.person_id) m.put, m.number, now.person_id
              FROM meant m
              JOIN memory.person_record was ON was.person_id = m.person_id AND was.recorded @> m.recorded_at
              JOIN memory.person_record now ON now.source_record_id = was.source_record_id AND upper_inf(now.recorded)
             WHERE now.person_id = ANY(%s)
               AND NOT EXISTS (SELECT FROM on_it o WHERE (o.kind, o.person_id) = (m.kind, now.person_id))
             ORDER BY m.put, m.kind, now.person_id, m.number""".encode(),  # noqa: S608 - our own words
        (sorted(persons),),
    ).fetchall()
    for put, number, person in rows:
        why = f"as {put} {number}, of which decision {decision} leaves open whom it means"
        if put == "flag":
            connection.execute(
                """INSERT INTO rights.flag (person_id, kind, status, recorded_by, reason)
                   SELECT %s, kind, status, %s, %s FROM rights.flag WHERE flag_id = %s""",
                (person, by, why, number),
            )
        else:
            connection.execute(
                "INSERT INTO rights.hold (scope_kind, scope_id, placed_by, reason) VALUES ('person', %s, %s, %s)",
                (person, by, why),
            )
    return len(rows)
