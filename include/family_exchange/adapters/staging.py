"""Staged rows: one table a feed, made from its contract; rows travel by columns and by COPY."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING

from psycopg import sql

from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.database import Connection
from family_exchange.domain.contract import Contract

if TYPE_CHECKING:
    import polars as pl

SQL_TYPES = {
    "text": "text",
    "code": "text",
    "date": "date",
    "integer": "integer",
    "decimal": "numeric",
    "boolean": "boolean",
}
"""How each type of a contract is kept."""

CHUNK = 1 << 20
"""Bytes a COPY message carries."""


def create_tables(connection: Connection, contracts: Iterable[Contract]) -> None:
    """Every feed has its table; a second run adds only columns that a newer contract brought."""
    for contract in contracts:
        table = sql.Identifier("staging", contract.feed)
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} (file_id text NOT NULL, row_no integer NOT NULL)").format(table)
        )
        for column in contract.columns:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} {}").format(
                    table, sql.Identifier(column.canonical), sql.SQL(SQL_TYPES[str(column.type)])
                )
            )
        index = f"{contract.feed}_file"
        connection.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} USING brin (file_id)").format(sql.Identifier(index), table)
        )
        # without a summary of the newest rows, every look for a file reads all that came since the last vacuum
        connection.execute(sql.SQL("ALTER INDEX {} SET (autosummarize = on)").format(sql.Identifier("staging", index)))


def put(connection: Connection, feed: str, file_id: str, accepted: Accepted, *, again: bool = False) -> int:
    """The number of rows now staged for the file, in the caller's transaction.

    Columns of the contract that `accepted` lacks stay null. Rows of the file that are staged already are replaced if it
    is staged `again`; without that the caller knows that there are none.
    """
    table = sql.Identifier("staging", feed)
    if again:
        forget(connection, feed, file_id)
    encoded = accepted.each(partial(_csv, file_id))
    first = next(encoded)
    names = sql.SQL(", ").join(map(sql.Identifier, first.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(table, names)
    rows = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in chain([first], encoded):
            rows += part.rows
            for start in range(0, len(part.csv), CHUNK):
                copy.write(part.csv[start : start + CHUNK])
    return rows


def forget(connection: Connection, feed: str, file_id: str) -> int:
    """The number of the file's staged rows that were deleted."""
    return connection.execute(
        sql.SQL("DELETE FROM {} WHERE file_id = %s").format(sql.Identifier("staging", feed)), (file_id,)
    ).rowcount


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Rows as COPY reads them."""

    columns: list[str]
    rows: int
    csv: memoryview = field(repr=False)


def _csv(file_id: str, rows: "pl.DataFrame") -> _Encoded:
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    buffer = BytesIO()
    stamped = rows.select(pl.lit(file_id).alias("file_id"), pl.all())
    stamped.write_csv(buffer, include_header=False)
    return _Encoded(stamped.columns, rows.height, buffer.getbuffer())
