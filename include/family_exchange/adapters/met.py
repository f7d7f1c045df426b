"""What is stored of what records state, looked up: whom fresh statements meet, and what is stated of some people.

Nothing here is written. What is found is as `statements.standard` has it, with `stated`; whose it is, `held` knows.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from family_exchange.adapters import blocks, columns, database, statements
from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import Table

if TYPE_CHECKING:
    from family_exchange.adapters.linkage_model import LinkageModel

COLUMNS = (
    "forename", "surname", "stated_birth", "birth", "born", "sex", "dwelling", "postcode", "uprn", *blocks.NUMBERS,
)  # fmt: skip
"""What is kept of a statement's words."""


def meeting(connection: Connection, model: "LinkageModel", wanted: Table) -> Table:
    """The known statements that share a block with a fresh one, some of them more than once; all, when it is less work.

    `wanted` has the one column `blocks`, an array of numbers as text for each fresh statement.
    """
    if wanted.num_rows * _WORTH_ALL > size(connection):
        return loaded(connection, model, "memory.statement s")
    connection.execute("SELECT gin_clean_pending_list('memory.statement_blocks')")  # a run that died may have left one
    if wanted.num_rows < WORTH_TWO or _touched(connection):
        return _met(connection, model, wanted)
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    half = wanted.num_rows // 2
    with database.beside(connection) as other, ThreadPoolExecutor(1) as thread:
        others = thread.submit(_met, other, model, wanted.slice(half))
        return pa.concat_tables([_met(connection, model, wanted.slice(0, half)), others.result()])


_WORTH_ALL = 16
"""To look up whom a statement meets costs as much as reading that many statements one after the other."""
WORTH_TWO = 2_000
"""To look up whom so many statements meet is work for two of the server's processes."""


def _met(connection: Connection, model: "LinkageModel", wanted: Table) -> Table:
    _wanted(connection, "blocks", "bigint[]", wanted)
    return loaded(connection, model, "wanted w JOIN memory.statement s ON s.blocks && w.blocks")


def _touched(connection: Connection) -> bool:
    """True when this transaction has changed statements, which nobody else sees yet."""
    row = connection.execute(
        """SELECT pg_stat_get_xact_tuples_inserted(t) + pg_stat_get_xact_tuples_updated(t)
                + pg_stat_get_xact_tuples_deleted(t) > 0 FROM (SELECT 'memory.statement'::regclass) AS s(t)"""
    ).fetchone()
    return row is None or bool(row[0])


def size(connection: Connection) -> float:
    """How many statements there are, roughly."""
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'memory.statement'::regclass").fetchone()
    return float(row[0]) if row else 0.0


def of_keys(connection: Connection, model: "LinkageModel", keys: Iterable[str]) -> Table:
    """Every statement of these record keys."""
    _wanted(connection, "key", "text", _column("key", keys))
    return loaded(connection, model, "wanted w JOIN memory.statement s USING (key)")


def of_persons(connection: Connection, model: "LinkageModel", persons: Iterable[str]) -> Table:
    """Every statement of which a record is one of these persons'."""
    _wanted(connection, "person_id", "text", _column("person_id", persons))
    theirs = """(SELECT source_record_id FROM wanted w JOIN memory.person_record USING (person_id)
                  WHERE upper_inf(recorded)) w"""
    return loaded(connection, model, f"{theirs} JOIN memory.statement s USING (source_record_id)")


def held(connection: Connection, keys: Iterable[str], persons: Iterable[str]) -> dict[str, str | None]:
    """The record keys asked for and those of the persons asked for, with the person that each is held to be."""
    _wanted(connection, "person_id", "text", _column("person_id", persons))
    theirs = connection.execute(
        """SELECT DISTINCT s.key FROM wanted w JOIN memory.person_record p USING (person_id)
             JOIN memory.statement s USING (source_record_id) WHERE upper_inf(p.recorded)"""
    ).fetchall()
    _wanted(connection, "key", "text", _column("key", {*keys, *(str(key) for (key,) in theirs)}))
    rows = connection.execute(
        """SELECT s.key, max(p.person_id) FROM wanted w JOIN memory.statement s USING (key)
             LEFT JOIN memory.person_record p ON p.source_record_id = s.source_record_id AND upper_inf(p.recorded)
            GROUP BY 1 ORDER BY 1"""
    )
    return {str(key): None if one is None else str(one) for key, one in rows}


_LOAD = f"""
    COPY (SELECT s.stated, s.key, '' AS person_id, {{fresh}} AS fresh, {", ".join(f"s.{name}" for name in COLUMNS)}
            FROM {{source}}) TO STDOUT (FORMAT csv, HEADER)
"""  # noqa: S608 - our own words


def loaded(connection: Connection, model: "LinkageModel", source: str, *, fresh: bool = False) -> Table:
    """The statements `s` of the source, as `statements.standard` has them; whose they are is asked elsewhere."""
    query = _LOAD.format(source=source, fresh=str(fresh).lower())
    return statements.with_forms(
        columns.copied(connection, query, days=["stated_birth", "born"], booleans=["fresh"]), model.names
    )


def _column(name: str, values: Iterable[str]) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    return pa.table({name: pa.array(sorted(set(values)), pa.string())})


def _wanted(connection: Connection, column: str, kind: str, values: Table) -> None:
    connection.execute("DROP TABLE IF EXISTS wanted")
    connection.execute(f"CREATE TEMP TABLE wanted ({column} {kind}) ON COMMIT DROP".encode())
    columns.copy_in(connection, f"wanted ({column})", values)
    connection.execute("ANALYZE wanted")
