"""What the register's records state of who people are, kept standardised: each different statement of a key once.

Statements are derived. They are made when their records have been taken (`note`), and all of them again, by themselves,
when the model, the thresholds or the rules are others than those by which the register was matched. Nothing here grows
with the register, but for that.
"""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from typing import TYPE_CHECKING

from family_exchange.adapters import blocks, columns, linkage_file, memory, met, nobodys, statements
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linkage_rows import DERIVED
from family_exchange.adapters.statements import Table
from family_exchange.domain import clustering, identifiers, likeness, links, matching, person, settling
from family_exchange.domain.matching import Thresholds

if TYPE_CHECKING:
    import duckdb

    from family_exchange.adapters.linkage_model import LinkageModel

STAGE = "match"
"""Whose files are due in `register.due` and whose rule is in `register.run`."""

_STORED = ("stated", "source_record_id", "key", *met.COLUMNS)


def rule(model: "LinkageModel", thresholds: Thresholds) -> str:
    """A digest of all that decides who is who but what was sent, and what people decided.

    The same in every process: sets have no order of their own.
    """
    found = sha256(linkage_file.written(model).encode())
    found.update(metadata.version("duckdb").encode())  # whose digests blocks are
    found.update(repr((thresholds.certain, thresholds.possible)).encode())
    for module in (person, identifiers, statements, blocks, likeness, matching, clustering, settling, links):
        found.update(inspect.getsource(module).encode())
    return found.hexdigest()


def outdated(connection: Connection, model: "LinkageModel", thresholds: Thresholds) -> bool:
    """True when the register was matched by another rule: then everything is to be weighed again."""
    row = connection.execute("SELECT rule FROM register.run WHERE stage = %s", (STAGE,)).fetchone()
    return row is not None and row[0] != rule(model, thresholds)


def due(connection: Connection) -> list[str] | None:
    """The files whose records have not been weighed; None: the register was never matched, and all may be such."""
    if connection.execute("SELECT FROM register.run WHERE stage = %s", (STAGE,)).fetchone() is None:
        return None
    rows = connection.execute("SELECT subject FROM register.due WHERE stage = %s ORDER BY 1", (STAGE,))
    return [str(file) for (file,) in rows]


@dataclass(frozen=True, slots=True)
class Noted:
    """What the register has to weigh now."""

    fresh: Table
    """The fresh statements, as `statements.standard` has them, with `stated` and, where it is known, `blocks`."""
    new: Table
    """What `store` is to keep."""


def note(
    connection: Connection, engine: "duckdb.DuckDBPyConnection", model: "LinkageModel", thresholds: Thresholds
) -> Noted:
    """What is fresh and what is new; only numbers of nobody are written, and that these files were weighed.

    New are the statements of the files that are due which are not stored yet. A statement is fresh when none of its
    records has a person yet, when a number in it has just become nobody's, or when the rule is another.
    """
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    again, files = outdated(connection, model, thresholds), due(connection)
    if again:
        connection.execute("DELETE FROM memory.statement")
        connection.execute("DELETE FROM memory.nobodys_number")
        files = None
    new = _new(engine, _fetched(connection, files), model, again=again)
    memory.take_due(connection, STAGE)
    connection.execute(
        """INSERT INTO register.run (stage, last_on, rule) VALUES (%s, current_date, %s)
           ON CONFLICT (stage) DO UPDATE SET (last_on, rule, recorded_at) = (current_date, excluded.rule, now())
               WHERE run.rule <> excluded.rule""",
        (STAGE, rule(model, thresholds)),
    )
    unsettled = nobodys.note(connection, new)
    fresh = new.drop_columns(["source_record_id"])
    if not unsettled:
        return Noted(fresh.filter(fresh["fresh"]), new)
    too = pc.is_in(new["stated"], pa.array(unsettled, pa.string()))
    fresh = fresh.set_column(fresh.schema.get_field_index("fresh"), "fresh", pc.or_(new["fresh"], too))
    older = met.loaded(connection, model, "unsettled w JOIN memory.statement s USING (stated)", fresh=True)
    older = older.append_column("blocks", pa.nulls(older.num_rows, pa.string()))
    return Noted(
        pa.concat_tables([fresh.filter(fresh["fresh"]), older.select(fresh.column_names).cast(fresh.schema)]), new
    )


_WORTH_COUNTING = 10
"""One statement in so many is new: the planner should know of them."""
_JUSTICE = ", ".join(f"coalesce(r.facts ->> '{column}', '') AS {name}" for name, column in statements.JUSTICE.items())
_RAW = f"""
    SELECT r.source_record_id, r.feed, r.partner, r.record_ref, {statements.KEY} AS key,
           coalesce(r.forename, '') AS forename, coalesce(r.surname, '') AS surname, coalesce(r.sex, '') AS sex,
           coalesce(r.uprn, '') AS uprn, coalesce(r.nhs_number, '') AS nhs_number, coalesce(r.nino, '') AS nino,
           coalesce(r.upn, '') AS upn, {_JUSTICE},
           concat_ws(E'\\x1f', coalesce(to_char(r.date_of_birth, 'YYYY-MM-DD'), ''),
                     coalesce(r.facts ->> '{statements.BIRTH_ESTIMATED}', 'false'),
                     coalesce(r.date_of_birth > r.as_of, false),
                     CASE WHEN r.date_of_birth IS NULL AND r.relationship = 'child' THEN to_char(r.as_of, 'YYYY') END)
             AS birth,
           concat_ws(E'\\x1f', coalesce(r.address_line_1, ''), coalesce(r.address_line_2, ''),
                     coalesce(r.postcode, '')) AS address
      FROM memory.source_record r
"""  # noqa: S608 - our own words
_STATED = f"""
    md5(concat_ws(E'\\x1e', key, forename, surname, sex, uprn, nhs_number, nino, upn, birth, address,
        {", ".join(statements.JUSTICE)}))::uuid AS stated
"""
_COPY = f"""
    COPY (WITH n AS MATERIALIZED (SELECT *, {_STATED} FROM ({_RAW} {{which}}) raw)
          SELECT DISTINCT ON (n.stated) n.*, p.source_record_id IS NULL AS fresh,
                 coalesce(p.person_id, '') AS person_id
            FROM n
            LEFT JOIN memory.person_record p ON p.source_record_id = n.source_record_id AND upper_inf(p.recorded)
           WHERE NOT EXISTS (SELECT FROM memory.statement s WHERE s.stated = n.stated)
           ORDER BY n.stated, p.source_record_id IS NULL, n.source_record_id) TO STDOUT (FORMAT csv, HEADER)
"""  # noqa: S608 - our own words
_OF_FILES = "WHERE r.file_id IN (SELECT subject FROM register.due WHERE stage = 'match')"


def raw(connection: Connection) -> Table:
    """Everything that the register's records state, as sent; nobody is held to be anyone yet."""
    query = f"COPY (SELECT raw.*, true AS fresh, '' AS person_id FROM ({_RAW}) raw) TO STDOUT (FORMAT csv, HEADER)"  # noqa: S608 - our own words
    return columns.copied(connection, query, days=["stated_birth", "born"], booleans=["fresh"])


def _fetched(connection: Connection, files: list[str] | None) -> Table:
    """What is stated as sent and not stored; `source_record_id` is one record that states it, a decided one if any."""
    return columns.copied(connection, _COPY.format(which="" if files is None else _OF_FILES), booleans=["fresh"])


def _new(engine: "duckdb.DuckDBPyConnection", raw: Table, model: "LinkageModel", *, again: bool) -> Table:
    """What is stated and not stored, as it is compared, with its record and its `blocks`, an array as text."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    standard = statements.standard(raw, model.names, model.placeholders)
    for column in ("stated", "source_record_id"):
        standard = standard.append_column(column, raw[column])
    if again:
        everything = pa.repeat(pa.scalar(True), raw.num_rows)  # noqa: FBT003 - a value
        standard = standard.set_column(standard.schema.get_field_index("fresh"), "fresh", everything)
    parts = pa.Table.from_batches(standard.to_batches(max_chunksize=_A_THREADS_WORTH), standard.schema)
    engine.register("standard", parts)
    names, ways = ", ".join(standard.column_names), blocks.stored(blocks.of(model))
    query = f"SELECT {names}, {blocks.as_text(ways)} AS blocks FROM (SELECT *, {DERIVED} FROM standard)"  # noqa: S608 - our own words
    return engine.sql(query).to_arrow_table()


_A_THREADS_WORTH = 2_000


def store(connection: Connection, new: Table) -> None:
    """What is new is stored, in the caller's transaction, and found by its blocks without a search through a list.

    The index takes new entries as they come into a list, and all of that into itself at once: half the work.
    """
    names = ", ".join((*_STORED, "blocks"))
    connection.execute("DROP TABLE IF EXISTS new_statement")
    connection.execute("CREATE TEMP TABLE new_statement (LIKE memory.statement) ON COMMIT DROP")
    columns.copy_in(connection, f"new_statement ({names})", new.select([*_STORED, "blocks"]))  # no COPY past its policy
    connection.execute(
        f"INSERT INTO memory.statement ({names}) SELECT {names} FROM new_statement ORDER BY key, stated".encode()  # noqa: S608 - our own words
    )
    connection.execute("SELECT gin_clean_pending_list('memory.statement_blocks')")
    if new.num_rows * _WORTH_COUNTING > met.size(connection):
        connection.execute("ANALYZE memory.statement")


def hand_over(connection: Connection, records: Iterable[str]) -> None:
    """A statement that stands in one of these records, which are about to be destroyed, stands in another that has it.

    What no other record states goes with its record.
    """
    connection.execute(
        f"""WITH going AS (SELECT unnest(%(records)s::text[]) AS source_record_id),
            orphaned AS (
              SELECT s.stated, r.feed, r.partner, r.record_ref
                FROM going JOIN memory.statement s USING (source_record_id)
                JOIN memory.source_record r USING (source_record_id)),
            others AS (
              SELECT DISTINCT ON (o.stated) o.stated, n.source_record_id
                FROM orphaned o JOIN LATERAL (
                     SELECT *, {_STATED} FROM ({_RAW}
                      WHERE (r.feed, r.partner, r.record_ref) = (o.feed, o.partner, o.record_ref)) raw) n
                  ON n.stated = o.stated
                LEFT JOIN memory.person_record p ON p.source_record_id = n.source_record_id AND upper_inf(p.recorded)
               WHERE n.source_record_id NOT IN (SELECT source_record_id FROM going)
               ORDER BY o.stated, p.source_record_id IS NULL, n.source_record_id)
            UPDATE memory.statement s SET source_record_id = o.source_record_id FROM others o
             WHERE s.stated = o.stated""".encode(),  # noqa: S608 - our own words
        {"records": list(records)},
    )
