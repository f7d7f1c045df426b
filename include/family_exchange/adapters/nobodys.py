"""Numbers that too many people bear to be anybody's."""

from psycopg import sql

from family_exchange.adapters import columns
from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import Table

MOST_SHARERS = 20
"""A number that more record keys bear is nobody's: a clerk types it where a field must not be empty."""


def note(connection: Connection, new: Table) -> list[str]:
    """Numbers that too many bear by now are noted; which statements, stored or new, have something new to say by it.

    Whoever bore such a number until now does. `new` are the statements that are about to be stored. Those told are in
    the temporary table `unsettled (stated)` as well.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - costs half a second

    connection.execute("DROP TABLE IF EXISTS unsettled")
    connection.execute("CREATE TEMP TABLE unsettled (stated uuid PRIMARY KEY) ON COMMIT DROP")
    for column in NUMBERS:
        borne = new.select([column, "key", "stated", "fresh"]).filter(pc.not_equal(new[column], ""))
        if borne.num_rows:
            _note(connection, column, borne)
    rows = connection.execute("SELECT stated::text FROM unsettled ORDER BY 1")
    return [str(stated) for (stated,) in rows]


def _note(connection: Connection, column: str, borne: Table) -> None:
    connection.execute("DROP TABLE IF EXISTS borne")
    connection.execute("CREATE TEMP TABLE borne (number text, key text, stated uuid, fresh boolean) ON COMMIT DROP")
    columns.copy_in(connection, "borne (number, key, stated, fresh)", borne)
    parts = {"column": sql.Identifier(column), "kind": sql.Literal(column), "most": sql.Literal(MOST_SHARERS)}
    connection.execute(
        sql.SQL(
            """WITH bearer AS (
                 SELECT number, key, stated, fresh FROM borne
                 UNION ALL
                 SELECT b.number, s.key, s.stated, false FROM (SELECT DISTINCT number FROM borne) b
                   JOIN memory.statement s ON s.{column} = b.number AND s.{column} <> ''),
               crowded AS (
                 SELECT b.number,
                        count(DISTINCT b.key) FILTER (WHERE NOT b.fresh AND u.stated IS NULL) <= {most} AS since_now
                   FROM bearer b LEFT JOIN unsettled u USING (stated)
                  WHERE NOT EXISTS (SELECT FROM memory.nobodys_number k WHERE (k.kind, k.number) = ({kind}, b.number))
                  GROUP BY 1 HAVING count(DISTINCT b.key) > {most}),
               noted AS (
                 INSERT INTO memory.nobodys_number (kind, number) SELECT {kind}, number FROM crowded)
               INSERT INTO unsettled
               SELECT b.stated FROM crowded c JOIN bearer b USING (number) WHERE c.since_now AND NOT b.fresh
                   ON CONFLICT DO NOTHING"""
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
