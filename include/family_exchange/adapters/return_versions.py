"""Two versions of a return held against each other, person by person: ids and names of fields, never a value."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from family_exchange.adapters.database import Connection


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one person between two versions."""

    person: str
    what: str
    """`added`, `removed` or `changed`."""
    family: str
    """In the later version, or in the earlier when the person is not in the later."""
    fields: tuple[str, ...]
    """The names of the fields that differ, sorted; empty unless changed."""


@dataclass(frozen=True, slots=True)
class Differing:
    """How many people a rebuilt return tells otherwise, by the reason."""

    added: int = 0
    """Rebuilt, and not in what was sent."""
    missing: int = 0
    """Sent, and not rebuilt although the register knows them."""
    destroyed: int = 0
    """Sent, and not rebuilt because nothing is left of them."""
    changed: int = 0
    """In both, with other content."""


def keep_rows(connection: Connection, table: str, return_id: str) -> None:
    """The temporary table of that name holds the return's rows."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))
    connection.execute(
        sql.SQL(
            """CREATE TEMP TABLE {} ON COMMIT DROP AS
               SELECT person_id, family_id, content FROM returns.return_row WHERE return_id = %s"""
        ).format(sql.Identifier(table)),
        (return_id,),
    )


def keep_made(connection: Connection, table: str) -> None:
    """The temporary table of that name holds the rows that `return_rows.make` made, but for those kept out."""
    connection.execute(
        sql.SQL(
            """CREATE TEMP TABLE {} ON COMMIT DROP AS
               SELECT person_id, family_id, content FROM made_row WHERE NOT kept_out"""
        ).format(sql.Identifier(table))
    )


_BOTH = """
  SELECT coalesce(n.person_id, o.person_id) AS person_id, coalesce(n.family_id, o.family_id) AS family_id,
         CASE WHEN o.person_id IS NULL THEN 'added' WHEN n.person_id IS NULL THEN 'removed' ELSE 'changed' END AS what,
         CASE WHEN o.person_id = n.person_id THEN ARRAY(
           SELECT key FROM jsonb_object_keys(o.content || n.content) key
            WHERE o.content -> key IS DISTINCT FROM n.content -> key ORDER BY key) ELSE '{{}}' END AS fields
    FROM {old} o FULL JOIN {new} n USING (person_id)
   WHERE o.person_id IS NULL OR n.person_id IS NULL OR o.content <> n.content
"""


def changes(connection: Connection, old: str, new: str) -> Iterator[Change]:
    """What differs between the two temporary tables, by family and person."""
    query = sql.SQL('SELECT * FROM ({}) b ORDER BY family_id COLLATE "C", person_id COLLATE "C"').format(
        sql.SQL(_BOTH).format(old=sql.Identifier(old), new=sql.Identifier(new))
    )
    for person, family, what, fields in connection.execute(query).fetchall():
        yield Change(person, what, family, tuple(fields))


def differing(connection: Connection, old: str, new: str) -> Differing:
    """How many people differ between what was sent, `old`, and what was rebuilt, `new`."""
    query = sql.SQL(
        """SELECT count(*) FILTER (WHERE what = 'added'), count(*) FILTER (WHERE what = 'removed' AND known),
                  count(*) FILTER (WHERE what = 'removed' AND NOT known), count(*) FILTER (WHERE what = 'changed')
             FROM (SELECT what, EXISTS (SELECT FROM memory.person p WHERE p.person_id = b.person_id) AS known
                     FROM ({}) b) counted"""
    ).format(sql.SQL(_BOTH).format(old=sql.Identifier(old), new=sql.Identifier(new)))
    row = connection.execute(query).fetchone()
    return Differing(*map(int, row)) if row else Differing()


def records_destroyed(connection: Connection, since: datetime) -> int:
    """How many source records were destroyed by plans since that moment, also by one that is not through yet."""
    row = connection.execute(
        """SELECT count(*) FROM rights.purge_item i JOIN rights.purge_plan p USING (plan_id)
            WHERE i.kind = 'source_record' AND i.outcome = 'destroyed'
              AND coalesce(p.destroyed_at, 'infinity') > %s""",
        (since,),
    ).fetchone()
    return int(row[0]) if row else 0
