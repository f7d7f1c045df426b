"""Who of a file's people is known from other feeds: one query over the rows that count, staged or registered.

The rows that are asked for lie in a temporary table for the length of that query, in the council's own database.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from family_exchange.adapters.database import Connection
from family_exchange.domain.contract import Contract, KnownBy, Whose

if TYPE_CHECKING:
    import polars as pl

CHUNK = 1 << 20
"""Bytes a COPY message carries."""

_FOLDED = frozenset({"forename", "surname", "postcode"})
"""Columns that are compared without case and outer blanks."""


def unknown(
    connection: Connection, contract: Contract, partner: str, accepted: "Iterable[pl.DataFrame]"
) -> tuple[int, ...]:
    """Numbers of the rows, ascending, whose person no other feed names; of those that tell enough to be looked for.

    `accepted` holds `row_no` and canonical columns, typed. Empty when the contract asks for nothing, or when nothing of
    the feeds that it names ever came: then nobody can be known.
    """
    if (agreed := contract.known_by) is None:
        return ()
    with connection.transaction():
        groups = _put(connection, agreed, accepted)
        if not groups:
            return ()
        found = connection.execute(
            sql.SQL(
                """WITH source AS MATERIALIZED ({sources})
                   SELECT row_no FROM asked WHERE ({enough}) AND EXISTS (SELECT FROM source)
                   EXCEPT ({known})
                   ORDER BY row_no"""
            ).format(
                sources=_sources(connection, contract, agreed),
                enough=sql.SQL(" OR ").join(_all_there(group) for group in groups),
                known=sql.SQL(" UNION ALL ").join(_same(group) for group in groups),
            ),
            {"feed": contract.feed, "feeds": list(agreed.feeds), "partner": partner},
        ).fetchall()
        connection.execute("DROP TABLE asked")
    return tuple(int(row_no) for (row_no,) in found)


def _columns(agreed: KnownBy) -> tuple[str, ...]:
    """Every column by which people are looked for, once."""
    return tuple(sorted({column for group in agreed.by for column in group}))


def _put(connection: Connection, agreed: KnownBy, accepted: "Iterable[pl.DataFrame]") -> Sequence[tuple[str, ...]]:
    """The groups of columns that the council takes in; their cells are in the table `asked`."""
    names: list[str] = []
    for number, frame in enumerate(accepted):
        if number == 0:
            names = [name for name in _columns(agreed) if name in frame.columns]
            wanted = sql.SQL("").join(sql.SQL(", {} {}").format(sql.Identifier(name), _type(name)) for name in names)
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE asked (row_no integer{}) ON COMMIT DROP").format(wanted))
        _copy(connection, frame.select("row_no", *names))
    return [group for group in agreed.by if {*group} <= {*names}]


def _copy(connection: Connection, frame: "pl.DataFrame") -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    view = memoryview(frame.write_csv(include_header=False).encode())
    statement = sql.SQL("COPY asked ({}) FROM STDIN (FORMAT csv)").format(columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(view), CHUNK):
            copy.write(view[start : start + CHUNK])


def _sources(connection: Connection, contract: Contract, agreed: KnownBy) -> sql.Composed:
    """The people of every row that counts in the feeds that are asked, registered or still staged."""
    own = sql.SQL(" AND partner = %(partner)s" if agreed.whose is Whose.PARTNER else "")
    wanted = _columns(agreed)
    registered = sql.SQL(
        """SELECT {columns} FROM register.source_record r
            WHERE r.feed <> %(feed)s AND (cardinality(%(feeds)s::text[]) = 0 OR r.feed = ANY(%(feeds)s)){own}"""
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier("r", name) for name in wanted),
        own=own,
    )
    parts = [registered]
    for feed, there in _staged(connection):
        if feed == contract.feed or (agreed.feeds and feed not in agreed.feeds):
            continue
        cells = (
            sql.Identifier("s", name) if name in there else sql.SQL("NULL::{}").format(_type(name)) for name in wanted
        )
        parts.append(
            sql.SQL(
                """SELECT {columns} FROM {table} s JOIN exchange.file f USING (file_id)
                    WHERE f.state IN ('APPLIED','CLOSED'){own}"""
            ).format(
                columns=sql.SQL(", ").join(cells),
                table=sql.Identifier("staging", feed),
                own=own,
            )
        )
    return sql.SQL(" UNION ALL ").join(parts)


def _staged(connection: Connection) -> Iterator[tuple[str, set[str]]]:
    """Each feed with a staging table, and the table's columns."""
    for feed, columns in connection.execute(
        """SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
            WHERE table_schema = 'staging' GROUP BY table_name ORDER BY table_name"""
    ).fetchall():
        yield str(feed), {*columns}


def _type(column: str) -> sql.SQL:
    return sql.SQL("date") if column == "date_of_birth" else sql.SQL("text")


def _all_there(group: tuple[str, ...]) -> sql.Composed:
    """The row has every column of the group."""
    cells = sql.SQL(", ").join(map(sql.Identifier, group))
    return sql.SQL("num_nulls({}) = 0").format(cells)


def _same(group: tuple[str, ...]) -> sql.Composed:
    """Numbers of the rows that some source row agrees with in every column of the group."""
    return sql.SQL("SELECT a.row_no FROM asked a JOIN source s ON {}").format(
        sql.SQL(" AND ").join(_equal(column) for column in group)
    )


def _equal(column: str) -> sql.Composed:
    form = sql.SQL("lower(btrim({}))") if column in _FOLDED else sql.SQL("{}")
    return sql.SQL("{} = {}").format(form.format(sql.Identifier("a", column)), form.format(sql.Identifier("s", column)))
