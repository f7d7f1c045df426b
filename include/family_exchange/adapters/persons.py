"""The register's persons: which source records are whose, who was joined into whom, and who may be one person."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from family_exchange.adapters import memory, stated
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.adapters.record_keys import KEYS, parts
from family_exchange.adapters.statements import KEY
from family_exchange.domain.clustering import Edge, How
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.person import SEPARATOR, person_id
from family_exchange.domain.settling import Known

_DECIDED_ABOUT = """
    SELECT person_id FROM rights.flag
    UNION SELECT scope_id FROM rights.hold WHERE scope_kind = 'person' AND released_at IS NULL
"""
"""Whom a named person has decided something about."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose the records of one key are."""

    key: str
    person: str
    how: How | None
    """None: as it was."""
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Assigned:
    """What assigning changed."""

    by_how: Mapping[str, int]
    """Records that had no person before, by the reason why they have one now."""
    persons: frozenset[str]
    """Those who have other records than before."""


def undecided_keys(connection: Connection) -> dict[str, str | None]:
    """Record key → the person of its earlier records; None when it has none. Keys without undecided records lack."""
    files = stated.due(connection)
    waiting = "" if files is None else "r.file_id = ANY(%(files)s) AND"
    rows = connection.execute(
        f"""WITH waiting AS MATERIALIZED (
              SELECT DISTINCT feed, partner, record_ref FROM memory.source_record r
               WHERE {waiting} NOT EXISTS (SELECT FROM memory.person_record p
                                            WHERE p.source_record_id = r.source_record_id AND upper_inf(p.recorded)))
            SELECT {KEY} AS key, max(p.person_id)
              FROM waiting JOIN memory.source_record r USING (feed, partner, record_ref)
              LEFT JOIN memory.person_record p ON p.source_record_id = r.source_record_id AND upper_inf(p.recorded)
             GROUP BY 1 ORDER BY 1""".encode(),  # noqa: S608 - our own words
        {"files": files},
    )
    return {str(key): None if person is None else str(person) for key, person in rows}


def now(connection: Connection, person: str) -> str:
    """The person whom an id means now: itself, or the one that it turned out to be.

    Raises:
        NeedsDecision: the register knows no such id.
    """
    rows = connection.execute(
        """WITH RECURSIVE led AS (
             SELECT person_id, merged_into FROM register.person WHERE person_id = %s
             UNION
             SELECT p.person_id, p.merged_into FROM led JOIN register.person p ON p.person_id = led.merged_into)
           SELECT person_id FROM led WHERE merged_into IS NULL""",
        (person,),
    ).fetchall()
    if not rows:
        raise NeedsDecision("the register knows no person of that id; `match list` shows ids")
    return str(rows[0][0])


def keys(connection: Connection, person: str) -> frozenset[str]:
    """The record keys that are this person now."""
    rows = connection.execute(
        f"""SELECT DISTINCT {KEY} FROM memory.person_record p JOIN memory.source_record r USING (source_record_id)
             WHERE p.person_id = %s AND upper_inf(p.recorded)""",  # noqa: S608 - our own words
        (person,),
    )
    return frozenset(str(key) for (key,) in rows)


def keys_of_records(connection: Connection, records: Collection[str]) -> frozenset[str]:
    """The record keys of source records, or record keys themselves; empty when one of them is nothing that we have."""
    rows = connection.execute(
        f"SELECT source_record_id, {KEY} FROM memory.source_record r WHERE source_record_id = ANY(%s)",  # noqa: S608 - as above
        (list(records),),
    ).fetchall()
    own = {str(record): str(key) for record, key in rows}
    whole = (record for record in records if record.count(SEPARATOR) > 1)
    held = holders(connection, whole)
    if not all(record in own or record in held for record in records):
        return frozenset()
    return frozenset(own.get(record, record) for record in records)


def holders(connection: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """Record key → the person of its records; a key without any is missing."""
    rows = connection.execute(
        f"""SELECT DISTINCT {KEY}, p.person_id
              FROM {KEYS} JOIN memory.source_record r USING (feed, partner, record_ref)
              JOIN memory.person_record p USING (source_record_id) WHERE upper_inf(p.recorded)""",  # noqa: S608 - as above
        parts(wanted),
    )
    return {str(key): str(person) for key, person in rows}


def returned(connection: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """Of record keys that have no person: those of which an id is in use, with the person whose it is now.

    Their records were destroyed, and their partner has sent them again.
    """
    ids = {person_id([key]): key for key in wanted}
    rows = connection.execute("SELECT person_id FROM register.person WHERE person_id = ANY(%s)", (list(ids),))
    return {ids[str(own)]: now(connection, str(own)) for (own,) in rows.fetchall()}


def reached(connection: Connection, persons: Iterable[str], beside: Iterable[Collection[str]] = ()) -> frozenset[str]:
    """The persons, and whoever may be one person with any of them, by whatever chain of possible matches.

    The persons of each group in `beside` are as close as if they were possible matches.
    """
    close = sorted({(min(group), other) for group in beside if group for other in group if other != min(group)})
    rows = connection.execute(
        """WITH RECURSIVE close(a, b) AS MATERIALIZED (SELECT * FROM unnest(%(a)s::text[], %(b)s::text[])),
           reached(person_id) AS (
             SELECT unnest(%(persons)s::text[])
             UNION
             SELECT other.person_id FROM reached n, LATERAL (
               SELECT person_b AS person_id FROM register.possible_match WHERE person_a = n.person_id
               UNION ALL SELECT person_a FROM register.possible_match WHERE person_b = n.person_id
               UNION ALL SELECT b FROM close WHERE a = n.person_id
               UNION ALL SELECT a FROM close WHERE b = n.person_id) other)
           SELECT person_id FROM reached""",
        {"persons": sorted(set(persons)), "a": [a for a, _ in close], "b": [b for _, b in close]},
    )
    return frozenset(str(person) for (person,) in rows)


def pinned(connection: Connection, persons: Collection[str]) -> frozenset[str]:
    """Those of the persons whom no machine takes apart: a named person has flagged one, or holds one's records."""
    rows = connection.execute(
        f"WITH RECURSIVE {linked(_DECIDED_ABOUT)} SELECT person_id FROM linked WHERE person_id = ANY(%s)",  # noqa: S608 - our own words
        (sorted(persons),),
    )
    return frozenset(str(person) for (person,) in rows)


def known(connection: Connection, of_keys: Iterable[str]) -> list[Known]:
    """The ids in use that mean one of the keys.

    An id is of the key that it was made from; when nothing is left of that, of the first other key that it was given.
    """
    own = {person_id([key]): key for key in of_keys}
    rows = connection.execute(
        f"""WITH ever AS (
              SELECT DISTINCT p.person_id FROM {KEYS} JOIN memory.source_record r USING (feed, partner, record_ref)
                JOIN memory.person_record p USING (source_record_id)
              UNION SELECT unnest(%s::text[]))
            SELECT n.person_id, n.recorded_at, array_agg({KEY} ORDER BY lower(p.recorded), r.source_record_id)
                     FILTER (WHERE r.source_record_id IS NOT NULL)
              FROM ever JOIN memory.person n USING (person_id) LEFT JOIN memory.person_record p USING (person_id)
              LEFT JOIN memory.source_record r USING (source_record_id) GROUP BY 1, 2 ORDER BY 1""",  # noqa: S608 - our own words
        (*parts(own.values()), list(own)),
    )
    found = []
    for person, since, given in rows:
        made_from = (key for key in given or () if person_id([key]) == person)
        means = own.get(person) or next(made_from, None) or next(iter(given or ()), None)
        if means is not None and person_id([means]) in own:
            found.append(Known(str(person), str(means), since.isoformat()))
    return found


def point(connection: Connection, points_to: Mapping[str, str | None]) -> int:
    """The number of persons who turned out to be another; ids stay, and one that is its own person again says so."""
    connection.execute("CREATE TEMP TABLE pointed (person_id text, points_to text) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY pointed FROM STDIN") as copy:
        for pointer in sorted(points_to.items()):
            copy.write_row(pointer)
    row = connection.execute(
        """SELECT count(*) FROM pointed t JOIN register.person p USING (person_id)
            WHERE p.merged_into IS NULL AND t.points_to IS NOT NULL"""
    ).fetchone()
    connection.execute("CREATE TEMP TABLE believed_pointer ON COMMIT DROP AS SELECT * FROM pointed")
    connection.execute("DELETE FROM believed_pointer WHERE points_to IS NULL")
    memory.reconcile(
        connection,
        memory.PERSON_POINTER,
        "believed_pointer",
        within=sql.SQL("t.person_id IN (SELECT person_id FROM pointed)"),
    )
    connection.execute("DROP TABLE pointed, believed_pointer")
    return int(row[0]) if row else 0


def begin(connection: Connection, persons: Iterable[str]) -> int:
    """The number of persons of these that the register had not."""
    return connection.execute(
        """INSERT INTO memory.person (person_id) SELECT unnest(%s::text[]) ORDER BY 1
           ON CONFLICT (person_id) DO NOTHING""",
        (sorted(set(persons)),),
    ).rowcount


def assign(connection: Connection, assignments: Iterable[Assignment]) -> Assigned:
    """Every record of the given keys has its person.

    The first record of a key carries the reason, the others follow it by reference. Where no reason is given, the one
    stays by which the record came to this person.
    """
    connection.execute(
        """CREATE TEMP TABLE assigned (feed text, partner text, record_ref text, person_id text, how text,
                                       weight numeric) ON COMMIT DROP"""
    )
    with connection.cursor() as cursor, cursor.copy("COPY assigned FROM STDIN") as copy:
        for each in assignments:
            copy.write_row((*each.key.split(SEPARATOR, 2), each.person, each.how, each.weight))
    connection.execute("ANALYZE assigned")
    connection.execute(
        """CREATE TEMP TABLE believed_record ON COMMIT DROP AS
           WITH ordered AS (
             SELECT r.source_record_id, a.person_id, a.how, a.weight, row_number() OVER (
                      PARTITION BY r.feed, r.partner, r.record_ref ORDER BY r.source_record_id) = 1 AS leads
               FROM assigned a JOIN memory.source_record r USING (feed, partner, record_ref))
           SELECT o.source_record_id, o.person_id, CASE WHEN leads THEN coalesce(o.how, was.how) END AS how,
                  CASE WHEN leads THEN CASE WHEN o.how IS NULL THEN was.weight ELSE o.weight END END AS weight
             FROM ordered o LEFT JOIN LATERAL (
                  SELECT p.how, p.weight FROM memory.person_record p
                   WHERE o.leads AND o.how IS NULL AND p.how <> 'decision'
                     AND (p.source_record_id, p.person_id) = (o.source_record_id, o.person_id)
                   ORDER BY lower(p.recorded) DESC LIMIT 1) was ON true"""
    )
    connection.execute("UPDATE believed_record SET how = 'reference' WHERE how IS NULL")
    changed = connection.execute(
        """SELECT b.how, p.person_id, b.person_id, count(*) FROM believed_record b
             LEFT JOIN memory.person_record p ON p.source_record_id = b.source_record_id AND upper_inf(p.recorded)
            WHERE p.person_id IS DISTINCT FROM b.person_id GROUP BY 1, 2, 3"""
    ).fetchall()
    memory.reconcile(
        connection,
        memory.PERSON_RECORD,
        "believed_record",
        within=sql.SQL("t.source_record_id IN (SELECT source_record_id FROM believed_record)"),
    )
    connection.execute("DROP TABLE assigned, believed_record")
    by_how: Counter[str] = Counter()
    for how, was, _, number in changed:
        if was is None:
            by_how[str(how)] += int(number)
    touched = frozenset(str(person) for _, was, is_now, _ in changed for person in (was, is_now) if person is not None)
    return Assigned(dict(by_how), touched)


def note_possible(
    connection: Connection, edges: Iterable[Edge], person_of: Mapping[str, str], among: Collection[str]
) -> int:
    """The number of pairs of persons that somebody must look at and that nobody had been shown before.

    `person_of` leads from an edge's unit to its person. Of the persons `among`, all pairs are in `edges`: what the
    register shows of them beyond that is shown no more.
    """
    best: dict[tuple[str, str], float] = {}
    for edge in edges:
        a, b = sorted((person_of[edge.a], person_of[edge.b]))
        if a != b:
            best[a, b] = max(best.get((a, b), 0.0), edge.probability)
    ordered = sorted(best.items())
    shown = ([a for (a, _), _ in ordered], [b for (_, b), _ in ordered], [probability for _, probability in ordered])
    connection.execute(
        """DELETE FROM register.possible_match m
            WHERE (m.person_a = ANY(%(among)s) OR m.person_b = ANY(%(among)s))
              AND NOT EXISTS (SELECT FROM unnest(%(a)s::text[], %(b)s::text[]) AS t(a, b)
                               WHERE (t.a, t.b) = (m.person_a, m.person_b))""",
        {"among": sorted(among), "a": shown[0], "b": shown[1]},
    )
    found = connection.execute(
        """INSERT INTO register.possible_match (person_a, person_b, probability)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::numeric[])
           ON CONFLICT (person_a, person_b) DO UPDATE SET probability = excluded.probability
               WHERE possible_match.probability <> excluded.probability
           RETURNING (xmax = 0)""",
        shown,
    ).fetchall()
    return sum(bool(added) for (added,) in found)
