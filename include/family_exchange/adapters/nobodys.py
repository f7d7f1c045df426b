"""Numbers that too many people bear to be anybody's."""

from psycopg import sql

from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.database import Connection

MOST_SHARERS = 20
"""A number that more record keys bear is nobody's: a clerk types it where a field must not be empty."""


def note(connection: Connection) -> None:
    """Numbers that too many bear by now are noted, and who bore one until now states something new by that.

    Needs the temporary tables of `stated.note`.
    """
    for column in NUMBERS:
        _note(connection, column)


def _note(connection: Connection, column: str) -> None:
    parts = {"column": sql.Identifier(column), "kind": sql.Literal(column), "most": sql.Literal(MOST_SHARERS)}
    connection.execute(
        sql.SQL(
            """WITH borne AS (
                 SELECT DISTINCT s.{column} AS number FROM new_statement n JOIN memory.statement s USING (stated)
                  WHERE s.{column} <> ''),
               crowded AS (
                 SELECT b.number, count(DISTINCT s.key) FILTER (WHERE f.stated IS NULL) <= {most} AS since_now
                   FROM borne b JOIN memory.statement s ON s.{column} = b.number AND s.{column} <> ''
                   LEFT JOIN fresh_statement f ON f.stated = s.stated
                  WHERE NOT EXISTS (SELECT FROM memory.nobodys_number k WHERE (k.kind, k.number) = ({kind}, b.number))
                  GROUP BY 1 HAVING count(DISTINCT s.key) > {most}),
               noted AS (
                 INSERT INTO memory.nobodys_number (kind, number) SELECT {kind}, number FROM crowded)
               INSERT INTO fresh_statement
               SELECT s.stated FROM crowded c JOIN memory.statement s ON s.{column} = c.number AND s.{column} <> ''
                WHERE c.since_now ON CONFLICT DO NOTHING"""
        ).format(**parts)
    )


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
