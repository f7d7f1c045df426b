"""The register's memory: what we hold to be true is added, and closed when we hold it no more; nothing is changed.

Every reader sees what is known now, through the views of the room `register`. To see what was known at an earlier
moment, the same queries run in a transaction in which `as_known` has been called.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql

from family_exchange.adapters.database import Connection


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of the room `memory` with a column `recorded`."""

    name: str
    key: tuple[str, ...]
    """Columns that are never null and name one row among those that we hold to be true."""
    rest: tuple[str, ...] = ()
    """The other columns; a row with the same key and another rest replaces the one that was held."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many rows a call added and closed; a row that changed is both."""

    added: int
    closed: int


PERSON_POINTER = Kept("person_pointer", ("person_id",), ("points_to",))
PERSON_RECORD = Kept("person_record", ("source_record_id",), ("person_id", "how", "weight"))
FAMILY_MEMBER = Kept("family_member", ("family_id", "person_id", "from_on"), ("to_on", "role", "resident"))
EVIDENCE = Kept(
    "evidence",
    ("evidence_id",),
    ("family_id", "person_id", "source_record_id", "nomination_no", "problem", "indicator", "framework", "as_of"),
)
FACT = Kept(
    "fact",
    ("person_id", "attribute", "slot", "valid"),
    ("value", "data_class", "source_record_id", "rectification_no"),
)


def reconcile(
    connection: Connection, table: Kept, believed: str, *, within: sql.Composable | None = None
) -> Reconciled:
    """What we hold to be true within the scope is what the temporary table `believed` says, with the same columns.

    `within` is a condition on the alias `t`; without one the whole table is meant. A row that is in `believed` stays as
    it is; what is not there is closed; what is new is added. Both happen at the moment of the call.
    """
    same = sql.SQL(" AND ").join(sql.SQL("t.{0} = b.{0}").format(sql.Identifier(name)) for name in table.key)
    alike: sql.Composable = sql.SQL("true")
    if table.rest:
        alike = sql.SQL("({}) IS NOT DISTINCT FROM ({})").format(
            sql.SQL(", ").join(sql.Identifier("t", name) for name in table.rest),
            sql.SQL(", ").join(sql.Identifier("b", name) for name in table.rest),
        )
    parts = {
        "table": sql.Identifier("memory", table.name),
        "believed": sql.Identifier(believed),
        "same": same,
        "alike": alike,
        "within": within or sql.SQL("true"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, (*table.key, *table.rest))),
        "key": sql.SQL(", ").join(map(sql.Identifier, table.key)),
    }
    closed = connection.execute(
        sql.SQL(
            """UPDATE {table} t SET recorded = tstzrange(lower(t.recorded), clock_timestamp())
                WHERE upper_inf(t.recorded) AND {within}
                  AND NOT EXISTS (SELECT FROM {believed} b WHERE {same} AND {alike})"""
        ).format(**parts)
    ).rowcount
    added = connection.execute(
        sql.SQL(
            """INSERT INTO {table} ({columns}) SELECT {columns} FROM {believed} b
                WHERE NOT EXISTS (SELECT FROM {table} t WHERE upper_inf(t.recorded) AND {same} AND {alike})
                ORDER BY {key}"""
        ).format(**parts)
    ).rowcount
    return Reconciled(added, closed)


def as_known(connection: Connection, at: datetime | None) -> None:
    """For the rest of this transaction the room `register` shows what was known at that moment; None: what is now."""
    connection.execute(
        "SELECT set_config('family_exchange.as_known', %s, true)", (at.isoformat() if at is not None else "",)
    )


EVERYTHING = "*"

STAGES = ("facts", "families", "propose")
"""The stages after matching, in their order."""


def touch(connection: Connection, persons: Iterable[str]) -> None:
    """Something about these persons has changed: every stage after matching has to look at them again."""
    changed = sorted(set(persons))
    for stage in STAGES:
        make_due(connection, stage, changed)


def make_due(connection: Connection, stage: str, subjects: Iterable[str]) -> None:
    """The stage has to bring these up to date, whoever runs it next; `EVERYTHING` is everything."""
    connection.execute(
        "INSERT INTO register.due (stage, subject) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (stage, sorted(set(subjects))),
    )


def take_due(connection: Connection, stage: str) -> frozenset[str]:
    """What is due for the stage; it is not due any more when the caller's transaction commits."""
    rows = connection.execute("DELETE FROM register.due WHERE stage = %s RETURNING subject", (stage,))
    return frozenset(str(subject) for (subject,) in rows)


def whole(connection: Connection, stage: str, due: Collection[str], *, today: date, rule: str = "") -> bool:
    """True when the stage has everything to do: it is asked for, or this is its first run of the day or by the rule.

    Days and rules change what is true of families whom nothing else has touched.
    """
    row = connection.execute(
        "SELECT 1 FROM register.run WHERE (stage, last_on, rule) = (%s, %s, %s)", (stage, today, rule)
    ).fetchone()
    return EVERYTHING in due or row is None


def note_whole(connection: Connection, stage: str, *, today: date, rule: str = "") -> None:
    """The stage has done everything there was on that day, by that rule."""
    connection.execute(
        """INSERT INTO register.run (stage, last_on, rule) VALUES (%s, %s, %s)
           ON CONFLICT (stage) DO UPDATE SET last_on = excluded.last_on, rule = excluded.rule,
                                             recorded_at = clock_timestamp()""",
        (stage, today, rule),
    )
