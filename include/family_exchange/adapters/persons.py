"""The register's persons: which source records are whose, who was joined into whom, and who may be one person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import KEY
from family_exchange.domain.clustering import Edge, How


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose the undecided records of one key are."""

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


def seniority(connection: Connection, persons: Iterable[str]) -> dict[str, str]:
    """Person → their earliest source record: of two, the one whose record came first is the older."""
    rows = connection.execute(
        "SELECT person_id, min(source_record_id) FROM register.person_record WHERE person_id = ANY(%s) GROUP BY 1",
        (sorted(set(persons)),),
    )
    return {str(person): str(first) for person, first in rows}


def join(connection: Connection, merged: Mapping[str, str]) -> int:
    """The number of persons who now point to another; their records are that other's, their ids stay."""
    if not merged:
        return 0
    losers, survivors = zip(*sorted(merged.items()), strict=True)
    pairs = (list(losers), list(survivors))
    joined = "unnest(%s::text[], %s::text[]) AS j(loser, survivor)"
    connection.execute(
        f"UPDATE register.person p SET merged_into = j.survivor FROM {joined} "  # noqa: S608 - our own words
        "WHERE p.person_id = j.loser OR p.merged_into = j.loser",
        pairs,
    )
    connection.execute(
        f"UPDATE register.person_record p SET person_id = j.survivor FROM {joined} WHERE p.person_id = j.loser",  # noqa: S608
        pairs,
    )
    connection.execute(
        f"""WITH j AS (SELECT * FROM {joined}),
              gone AS (DELETE FROM register.possible_match m
                        WHERE EXISTS (SELECT FROM j WHERE j.loser IN (m.person_a, m.person_b))
                       RETURNING m.person_a, m.person_b, m.probability),
              led AS (SELECT coalesce(a.survivor, person_a) AS one, coalesce(b.survivor, person_b) AS other, probability
                        FROM gone LEFT JOIN j a ON a.loser = person_a LEFT JOIN j b ON b.loser = person_b)
            INSERT INTO register.possible_match (person_a, person_b, probability)
            SELECT least(one, other), greatest(one, other), max(probability) FROM led WHERE one <> other GROUP BY 1, 2
            ON CONFLICT (person_a, person_b) DO UPDATE
               SET probability = greatest(possible_match.probability, excluded.probability)""",  # noqa: S608
        pairs,
    )
    return len(losers)


def assign(connection: Connection, assignments: Iterable[Assignment]) -> dict[str, int]:
    """Every undecided record of the given keys has its person; how many by each way.

    The first record of a key carries the reason, the others follow it by reference.
    """
    connection.execute("CREATE TEMP TABLE assigned (key text, person_id text, how text, weight numeric) ON COMMIT DROP")
    with connection.cursor() as cursor, cursor.copy("COPY assigned FROM STDIN") as copy:
        for each in assignments:
            copy.write_row((each.key, each.person, each.how, each.weight))
    connection.execute("ANALYZE assigned")
    connection.execute(
        """UPDATE assigned a SET person_id = p.merged_into FROM register.person p
            WHERE p.person_id = a.person_id AND p.merged_into IS NOT NULL"""
    )
    connection.execute(
        """INSERT INTO register.person (person_id) SELECT DISTINCT person_id FROM assigned ORDER BY 1
           ON CONFLICT (person_id) DO NOTHING"""
    )
    rows = connection.execute(
        f"""WITH ordered AS (
              SELECT r.source_record_id, a.person_id, a.how, a.weight,
                     row_number() OVER (PARTITION BY a.key ORDER BY r.source_record_id) = 1 AS leads
                FROM register.source_record r JOIN assigned a ON a.key = {KEY}
               WHERE NOT EXISTS (SELECT FROM register.person_record p WHERE p.source_record_id = r.source_record_id)),
            added AS (
              INSERT INTO register.person_record (source_record_id, person_id, how, weight)
              SELECT source_record_id, person_id, CASE WHEN leads THEN how ELSE 'reference' END,
                     CASE WHEN leads THEN weight END FROM ordered
              RETURNING how)
            SELECT how, count(*) FROM added GROUP BY 1"""  # noqa: S608 - our own words
    ).fetchall()
    return {str(how): int(number) for how, number in rows}


def note_possible(connection: Connection, edges: Iterable[Edge], person_of: Mapping[str, str]) -> int:
    """The number of pairs of persons that somebody must look at and that nobody had been shown before."""
    best: dict[tuple[str, str], float] = {}
    for edge in edges:
        a, b = sorted((person_of[edge.a], person_of[edge.b]))
        if a != b:
            best[a, b] = max(best.get((a, b), 0.0), edge.probability)
    rows = [(a, b, probability) for (a, b), probability in sorted(best.items())]
    if not rows:
        return 0
    persons_a, persons_b, probabilities = map(list, zip(*rows, strict=True))
    found = connection.execute(
        """INSERT INTO register.possible_match (person_a, person_b, probability)
           SELECT * FROM unnest(%s::text[], %s::text[], %s::numeric[])
           ON CONFLICT (person_a, person_b) DO UPDATE SET probability = excluded.probability
               WHERE possible_match.probability < excluded.probability
           RETURNING (xmax = 0)""",
        (persons_a, persons_b, probabilities),
    ).fetchall()
    return sum(bool(added) for (added,) in found)
