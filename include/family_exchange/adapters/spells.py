"""Spells in the register's memory: read for some families, and brought to what somebody says now.

A spell that changes is closed and its like added, so that the memory keeps what was held before.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from psycopg import sql
from psycopg.types.range import DateRange

from family_exchange.adapters import memory
from family_exchange.adapters.database import Connection
from family_exchange.adapters.memory import Kept, Reconciled
from family_exchange.domain.spells import Spell

Key = tuple[str, ...]
"""A family, and what keeps several spells of one table apart in it."""
Told = tuple[Any, ...]
"""The other columns of a spell."""


def apart(table: Kept) -> Key:
    """The columns that name a row of the table with spells, without its time."""
    return tuple(name for name in table.key if name != "valid")


def of(connection: Connection, table: Kept, families: Collection[str]) -> dict[Key, tuple[Spell[Told], ...]]:
    """What is held now of these families, by key, oldest first; the families stay locked for this transaction.

    The lock keeps two people who write of one family at once one after the other.
    """
    connection.execute(
        "SELECT FROM memory.family WHERE family_id = ANY(%s) ORDER BY family_id FOR NO KEY UPDATE", (sorted(families),)
    )
    key = apart(table)
    rows = connection.execute(
        sql.SQL(
            """SELECT {columns}, lower(valid), upper(valid) FROM {table}
                WHERE upper_inf(recorded) AND family_id = ANY(%s) ORDER BY {key}, valid"""
        ).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, (*key, *table.rest))),
            key=sql.SQL(", ").join(map(sql.Identifier, key)),
            table=sql.Identifier("memory", table.name),
        ),
        (sorted(families),),
    )
    found: dict[Key, tuple[Spell[Told], ...]] = {}
    for row in rows:
        name, told, (from_on, until) = row[: len(key)], row[len(key) : -2], row[-2:]
        found[name] = (*found.get(name, ()), Spell(told, from_on, until))
    return found


def put(connection: Connection, table: Kept, believed: Mapping[Key, tuple[Spell[Told], ...]]) -> Reconciled:
    """What is held of each key is this; of other keys, and of other families, nothing changes."""
    if not believed:
        return Reconciled(0, 0)
    columns = (*apart(table), "valid", *table.rest)
    connection.execute("DROP TABLE IF EXISTS believed_spell, believed_key")
    for name, wanted in (("believed_spell", columns), ("believed_key", apart(table))):
        connection.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE false").format(
                sql.Identifier(name),
                sql.SQL(", ").join(map(sql.Identifier, wanted)),
                sql.Identifier("memory", table.name),
            )
        )
    _fill(connection, "believed_spell", (row for key, spells in believed.items() for row in _rows(key, spells)))
    _fill(connection, "believed_key", iter(believed))
    same = sql.SQL(" AND ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(name)) for name in apart(table))
    within = sql.SQL("EXISTS (SELECT FROM believed_key k WHERE {})").format(same)
    return memory.reconcile(connection, table, "believed_spell", within=within)


def _rows(key: Key, spells: tuple[Spell[Told], ...]) -> Iterator[Told]:
    return ((*key, DateRange(one.from_on, one.until), *one.what) for one in spells)


def _fill(connection: Connection, table: str, rows: Iterator[Told]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy,
    ):
        for row in rows:
            copy.write_row(row)
