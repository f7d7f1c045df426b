"""Numbers that too many people bear to be anybody's."""

from psycopg import sql

from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.database import Connection

MOST_SHARERS = 20
"""A number that more record keys bear is nobody's: a clerk types it where a field must not be empty."""


def note(connection: Connection) -> int:
    """Numbers that too many bear by now are noted; how many statements, stored or new, have something new to say by it.

    Whoever bore such a number until now does. Needs the temporary tables of `stated.note`, whose new statements are
    not stored yet.
    """
    return sum(_note(connection, column) for column in NUMBERS)


def _note(connection: Connection, column: str) -> int:
    parts = {"column": sql.Identifier(column), "kind": sql.Literal(column), "most": sql.Literal(MOST_SHARERS)}
    done = connection.execute(
        sql.SQL(
            """WITH borne AS (
                 SELECT {column} AS number, key, stated FROM new_statement WHERE {column} <> ''),
               bearer AS (
                 SELECT number, key, stated FROM borne
                 UNION ALL
                 SELECT b.number, s.key, s.stated FROM (SELECT DISTINCT number FROM borne) b
                   JOIN memory.statement s ON s.{column} = b.number AND s.{column} <> ''),
               crowded AS (
                 SELECT b.number, count(DISTINCT b.key) FILTER (WHERE f.stated IS NULL) <= {most} AS since_now
                   FROM bearer b LEFT JOIN fresh_statement f ON f.stated = b.stated
                  WHERE NOT EXISTS (SELECT FROM memory.nobodys_number k WHERE (k.kind, k.number) = ({kind}, b.number))
                  GROUP BY 1 HAVING count(DISTINCT b.key) > {most}),
               noted AS (
                 INSERT INTO memory.nobodys_number (kind, number) SELECT {kind}, number FROM crowded)
               INSERT INTO fresh_statement
               SELECT b.stated FROM crowded c JOIN bearer b USING (number) WHERE c.since_now ON CONFLICT DO NOTHING"""
        ).format(**parts)
    )
    return done.rowcount


def known(connection: Connection) -> list[tuple[str, str]]:
    """Kind and number of every number that is nobody's."""
    rows = connection.execute("SELECT kind, number FROM memory.nobodys_number ORDER BY 1, 2")
    return [(str(kind), str(number)) for kind, number in rows]


def forget(connection: Connection) -> None:
    """Of a number that no statement bears any more nothing is kept."""
    for column in NUMBERS:
        connection.execute(
            f"""DELETE FROM memory.nobodys_number n WHERE n.kind = '{column}' AND NOT EXISTS (
                  SELECT FROM memory.statement s WHERE s.{column} = n.number AND s.{column} <> '')""".encode()  # noqa: S608 - our own words
        )
