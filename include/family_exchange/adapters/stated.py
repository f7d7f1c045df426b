"""What the register's records state of who people are, kept standardised: each different statement of a key once.

Statements are derived. They are made when their records have been taken (`note`), and all of them again, by themselves,
when the model, the thresholds or the rules are others than those by which the register was matched. Nothing here grows
with the register, but for that.
"""

import inspect
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from family_exchange.adapters import blocks, columns, linkage_file, memory, nobodys, statements
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linkage_rows import DERIVED
from family_exchange.adapters.statements import Table
from family_exchange.domain import clustering, identifiers, likeness, links, matching, person
from family_exchange.domain.matching import Thresholds

if TYPE_CHECKING:
    import duckdb

    from family_exchange.adapters.linkage_model import LinkageModel

STAGE = "match"
"""Whose files are due in `register.due` and whose rule is in `register.run`."""

_COLUMNS = (
    "forename", "surname", "stated_birth", "birth", "born", "sex", "dwelling", "postcode", "uprn", *blocks.NUMBERS,
)  # fmt: skip
_STORED = ("stated", "source_record_id", "key", *_COLUMNS)


def rule(model: "LinkageModel", thresholds: Thresholds) -> str:
    """A digest of all that decides who is who but what was sent, and what people decided.

    The same in every process: sets have no order of their own.
    """
    found = sha256(linkage_file.written(model).encode())
    found.update(repr((thresholds.certain, thresholds.possible)).encode())
    for module in (person, identifiers, statements, blocks, likeness, matching, clustering, links):
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


def note(
    connection: Connection, engine: "duckdb.DuckDBPyConnection", model: "LinkageModel", thresholds: Thresholds
) -> Table:
    """The fresh statements, as `statements.standard` has them, with `stated`; `store` keeps what is new of them.

    New are the statements of the files that are due which are not stored yet: they are in the temporary table
    `new_statement`. A statement is fresh when none of its records has a person yet, when a number in it has just
    become nobody's, or when the rule is another; the fresh ones are in `fresh_statement (stated)`.
    """
    again, files = outdated(connection, model, thresholds), due(connection)
    if again:
        connection.execute("DELETE FROM memory.statement")
        connection.execute("DELETE FROM memory.nobodys_number")
        files = None
    connection.execute("DROP TABLE IF EXISTS new_statement, fresh_statement")
    connection.execute("CREATE TEMP TABLE new_statement (LIKE memory.statement, fresh boolean) ON COMMIT DROP")
    connection.execute("CREATE TEMP TABLE fresh_statement (stated uuid PRIMARY KEY) ON COMMIT DROP")
    new = _new(connection, engine, _fetched(connection, files), model, again=again)
    connection.execute("INSERT INTO fresh_statement SELECT stated FROM new_statement WHERE fresh")
    older = nobodys.note(connection)
    connection.execute("ANALYZE fresh_statement")
    memory.take_due(connection, STAGE)
    connection.execute(
        """INSERT INTO register.run (stage, last_on, rule) VALUES (%s, current_date, %s)
           ON CONFLICT (stage) DO UPDATE SET (last_on, rule, recorded_at) = (current_date, excluded.rule, now())
               WHERE run.rule <> excluded.rule""",
        (STAGE, rule(model, thresholds)),
    )
    if not older:
        return new
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    known = _loaded(connection, model, "fresh_statement w JOIN memory.statement s USING (stated)")
    return pa.concat_tables([new, known.select(new.column_names).cast(new.schema)])


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
    COPY (SELECT DISTINCT ON (n.stated) n.*, p.source_record_id IS NULL AS fresh,
                 coalesce(p.person_id, '') AS person_id
            FROM (SELECT *, {_STATED} FROM ({_RAW} {{which}}) raw) n
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


def _new(
    connection: Connection, engine: "duckdb.DuckDBPyConnection", raw: Table, model: "LinkageModel", *, again: bool
) -> Table:
    """What is stated and not stored, as it is compared; in `new_statement` as it will be stored."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    standard = statements.standard(raw, model.names, model.placeholders)
    for column in ("stated", "source_record_id"):
        standard = standard.append_column(column, raw[column])
    if again:
        everything = pa.repeat(pa.scalar(True), raw.num_rows)  # noqa: FBT003 - a value
        standard = standard.set_column(standard.schema.get_field_index("fresh"), "fresh", everything)
    names, ways = ", ".join(_STORED), blocks.stored(blocks.of(model))
    engine.register("standard", standard)
    made = engine.sql(
        f"""SELECT fresh, {names}, '{{' || array_to_string({ways}, ',') || '}}' AS blocks
              FROM (SELECT *, {DERIVED} FROM standard)"""  # noqa: S608 - our own words
    ).to_arrow_table()
    columns.copy_in(connection, f"new_statement (fresh, {names}, blocks)", made)
    return standard.filter(standard["fresh"]).drop_columns(["source_record_id"])


def store(connection: Connection) -> None:
    """What is new is stored, in the caller's transaction."""
    names = ", ".join((*_STORED, "blocks"))
    done = connection.execute(
        f"INSERT INTO memory.statement ({names}) SELECT {names} FROM new_statement ORDER BY key, stated".encode()  # noqa: S608 - our own words
    )
    if done.rowcount * _WORTH_COUNTING > _size(connection):
        connection.execute("ANALYZE memory.statement")


def load_meeting(connection: Connection, model: "LinkageModel", wanted: Table) -> Table:
    """The known statements that share a block with a fresh one, some of them more than once; all, when it is less work.

    `wanted` has the one column `blocks`, an array of numbers as text for each fresh statement.
    """
    if wanted.num_rows * _WORTH_ALL > _size(connection):
        return _loaded(connection, model, "memory.statement s", _KNOWN)
    _wanted(connection, "blocks", "bigint[]", wanted)
    found = "wanted w JOIN memory.statement s ON s.blocks && w.blocks"
    return _loaded(connection, model, found, _KNOWN, _WHOSE_IS_EACH)


_WORTH_ALL = 16
"""To look up whom a statement meets costs as much as reading that many statements one after the other."""


def _size(connection: Connection) -> float:
    """How many statements there are, roughly."""
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'memory.statement'::regclass").fetchone()
    return float(row[0]) if row else 0.0


def load_of_keys(connection: Connection, model: "LinkageModel", keys: Iterable[str]) -> Table:
    """Every statement of these record keys."""
    _wanted(connection, "key", "text", _column("key", keys))
    return _loaded(connection, model, "wanted w JOIN memory.statement s USING (key)")


def load_of_persons(connection: Connection, model: "LinkageModel", persons: Iterable[str]) -> Table:
    """Every statement of which a record is one of these persons'."""
    _wanted(connection, "person_id", "text", _column("person_id", persons))
    theirs = """(SELECT source_record_id FROM wanted w JOIN memory.person_record USING (person_id)
                  WHERE upper_inf(recorded)) w"""
    return _loaded(connection, model, f"{theirs} JOIN memory.statement s USING (source_record_id)")


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


_LOAD = f"""
    COPY (SELECT s.stated, s.key, coalesce(p.person_id, '') AS person_id, f.stated IS NOT NULL AS fresh,
                 {", ".join(f"s.{name}" for name in _COLUMNS)}
            FROM {{source}} {{whose}} LEFT JOIN fresh_statement f ON f.stated = s.stated {{which}})
      TO STDOUT (FORMAT csv, HEADER)
"""  # noqa: S608 - our own words
_WHOSE = """
    LEFT JOIN memory.person_record p ON p.source_record_id = s.source_record_id AND upper_inf(p.recorded)
"""
_WHOSE_IS_EACH = """
    LEFT JOIN LATERAL (SELECT p.person_id FROM memory.person_record p
                        WHERE p.source_record_id = s.source_record_id AND upper_inf(p.recorded) LIMIT 1) p ON true
"""
"""One by one, by the index: the planner believes that millions are met, and would read the whole register for them."""
_KNOWN = "WHERE f.stated IS NULL"


def _loaded(connection: Connection, model: "LinkageModel", source: str, which: str = "", whose: str = _WHOSE) -> Table:
    query = _LOAD.format(source=source, which=which, whose=whose)
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
