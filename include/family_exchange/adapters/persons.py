"""The register's persons: which source records are whose, who was joined into whom, and who may be one person."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from family_exchange.adapters import memory
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.adapters.statements import KEY
from family_exchange.domain.clustering import Edge, How, Known
from family_exchange.domain.person import person_id

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
    how: How
    weight: float | None


def undecided_keys(connection: Connection) -> dict[str, str | None]:
    """Record key → the person of its earlier records; None when it has none. Keys without undecided records lack."""
    rows = connection.execute(
        f"""SELECT {KEY} AS key, max(p.person_id)
              FROM register.source_record r LEFT JOIN register.person_record p USING (source_record_id)
             GROUP BY 1 HAVING bool_or(p.person_id IS NULL) ORDER BY 1"""  # noqa: S608 - our own words
    )
    return {str(key): None if person is None else str(person) for key, person in rows}


def remembered(connection: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Of record keys that have no person: those of which an id is in use, with the person whose it is now."""
    ids = {person_id([key]): key for key in keys}
    rows = connection.execute(
        "SELECT person_id, coalesce(merged_into, person_id) FROM register.person WHERE person_id = ANY(%s)",
        (list(ids),),
    )
    return {ids[str(own)]: str(person) for own, person in rows}


def reached(connection: Connection, persons: Iterable[str]) -> frozenset[str]:
    """The persons, and whoever may be one person with any of them, by whatever chain of possible matches."""
    rows = connection.execute(
        """WITH RECURSIVE reached(person_id) AS (
             SELECT unnest(%s::text[])
             UNION
             SELECT other.person_id FROM reached n, LATERAL (
               SELECT person_b AS person_id FROM register.possible_match WHERE person_a = n.person_id
               UNION ALL
               SELECT person_a FROM register.possible_match WHERE person_b = n.person_id) other)
           SELECT person_id FROM reached""",
        (sorted(set(persons)),),
    )
    return frozenset(str(person) for (person,) in rows)


def pinned(connection: Connection, persons: Collection[str]) -> frozenset[str]:
    """Those of the persons whom no machine takes apart: a named person has flagged one, or holds one's records."""
    rows = connection.execute(
        f"WITH RECURSIVE {linked(_DECIDED_ABOUT)} SELECT person_id FROM linked WHERE person_id = ANY(%s)",  # noqa: S608 - our own words
        (sorted(persons),),
    )
    return frozenset(str(person) for (person,) in rows)


def known(connection: Connection, keys: Iterable[str], persons: Collection[str]) -> list[Known]:
    """The ids in use that mean one of the keys; `persons` are whose the keys are until now.

    An id is of the key that it was made from, or of its oldest record's when that key is destroyed.
    """
    of = {person_id([key]): key for key in keys}
    rows = connection.execute(
        f"""SELECT DISTINCT ON (n.person_id) n.person_id, n.merged_into IS NOT NULL, r.source_record_id, {KEY}
              FROM register.person n LEFT JOIN register.person_record p USING (person_id)
              LEFT JOIN register.source_record r USING (source_record_id)
             WHERE n.person_id = ANY(%s) ORDER BY n.person_id, r.source_record_id""",  # noqa: S608 - our own words
        (sorted({*of, *persons}),),
    )
    return [
        Known(str(person), str(of.get(person, oldest)), bool(merged), str(since or ""))
        for person, merged, since, oldest in rows
    ]


def point(connection: Connection, points_to: Mapping[str, str | None]) -> int:
    """The number of persons who turned out to be another; ids stay, and one that is its own person again says so.

    What pointed to a person who is another now points to that other too.
    """
    if not points_to:
        return 0
    connection.execute("CREATE TEMP TABLE pointed (person_id text, points_to text) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY pointed FROM STDIN") as copy:
        for row in sorted(points_to.items()):
            copy.write_row(row)
    connection.execute(
        """INSERT INTO pointed SELECT p.person_id, t.points_to
             FROM register.person p JOIN pointed t ON t.person_id = p.merged_into
            WHERE t.points_to IS NOT NULL AND p.person_id NOT IN (SELECT person_id FROM pointed)"""
    )
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


def assign(connection: Connection, assignments: Iterable[Assignment]) -> dict[str, int]:
    """Every record of the given keys has its person; how many had none, by each way.

    The first record of a key carries the reason, the others follow it by reference.
    """
    connection.execute("CREATE TEMP TABLE assigned (key text, person_id text, how text, weight numeric) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY assigned FROM STDIN") as copy:
        for each in assignments:
            copy.write_row((each.key, each.person, each.how, each.weight))
    connection.execute("ANALYZE assigned")
    connection.execute(
        f"""CREATE TEMP TABLE moved ON COMMIT DROP AS
            SELECT p.source_record_id, a.person_id, CASE p.how WHEN 'reference' THEN p.how ELSE a.how END AS how,
                   CASE p.how WHEN 'reference' THEN NULL ELSE a.weight END AS weight
              FROM assigned a JOIN register.source_record r ON a.key = {KEY}
              JOIN register.person_record p USING (source_record_id)
             WHERE p.person_id <> a.person_id"""  # noqa: S608 - our own words
    )
    memory.reconcile(
        connection,
        memory.PERSON_RECORD,
        "moved",
        within=sql.SQL("t.source_record_id IN (SELECT source_record_id FROM moved)"),
    )
    connection.execute("DROP TABLE moved")
    rows = connection.execute(
        f"""WITH ordered AS (
              SELECT r.source_record_id, a.person_id, a.how, a.weight, p.person_id IS NULL AS undecided,
                     row_number() OVER (PARTITION BY a.key ORDER BY r.source_record_id) = 1
                       AND NOT bool_or(p.person_id IS NOT NULL) OVER (PARTITION BY a.key) AS leads
                FROM register.source_record r JOIN assigned a ON a.key = {KEY}
                LEFT JOIN register.person_record p USING (source_record_id)),
            added AS (
              INSERT INTO memory.person_record (source_record_id, person_id, how, weight)
              SELECT source_record_id, person_id, CASE WHEN leads THEN how ELSE 'reference' END,
                     CASE WHEN leads THEN weight END FROM ordered WHERE undecided
              RETURNING how)
            SELECT how, count(*) FROM added GROUP BY 1"""  # noqa: S608 - our own words
    ).fetchall()
    connection.execute("DROP TABLE assigned")
    return {str(how): int(number) for how, number in rows}


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
