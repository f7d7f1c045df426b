"""Pairs of statements that may be of one person: equal identifiers, and scores by Splink on an in-memory DuckDB.

The model (`include/linkage/<version>.json`) is fixed data: nothing is trained here and nothing in it comes from the
register, so that the same statements give the same scores on any day, in any order, in any batch. Fresh statements are
scored against the register's and against each other; of the register's own only those of the people whom these reach.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from family_exchange.adapters import blocks, nobodys, stated
from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.linkage_rows import IDENTITY, identity, register_list, shares
from family_exchange.adapters.nobodys import MOST_SHARERS
from family_exchange.adapters.statements import Table
from family_exchange.domain.clustering import Pair
from family_exchange.domain.errors import ExchangeError
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.person import Identity

if TYPE_CHECKING:
    import duckdb


class LinkageFailed(ExchangeError):
    """The engine stopped; its own words quote values, so only the kind of its error is told."""


@contextmanager
def pool(connection: Connection, model: LinkageModel, thresholds: Thresholds) -> Iterator["Pool"]:
    """What the register's source records state of who people are: what is fresh, ready to be compared with the rest.

    Everything is fresh when the register was matched by another model or other `thresholds`.

    Raises:
        LinkageFailed: the engine stopped.
    """
    with told_by_kind():
        stated.note(connection, model, thresholds)
        fresh = stated.load_fresh(connection, model)
    with _engine() as engine:
        with told_by_kind():
            engine.register("loaded", fresh)
            engine.execute("CREATE TABLE stated AS SELECT * FROM loaded").fetchall()
            for column in NUMBERS:
                own = [number for kind, number in nobodys.known(connection) if kind == column]
                register_list(engine, "nobodys_now", column, own)
                query = f"CREATE TABLE nobodys_{column} AS SELECT {column}, false AS since_now FROM nobodys_now"  # noqa: S608 - our own words
                engine.execute(query).fetchall()
        found = RegisterPool(engine, model, connection)
        with told_by_kind():
            found.arrange()
            found.load_meeting()
        yield found


@contextmanager
def over(standard: Table, model: LinkageModel) -> Iterator["Pool"]:
    """Like `pool`, of standardised statements from anywhere, all of them at once.

    Raises:
        LinkageFailed: the engine stopped.
    """
    with _engine() as engine:
        found = Pool(engine, model)
        with told_by_kind():
            engine.register("stated", standard)
            for column in NUMBERS:
                engine.execute(_NOBODYS.format(column=column, most=MOST_SHARERS)).fetchall()
            found.arrange()
        yield found


@contextmanager
def _engine() -> Iterator["duckdb.DuckDBPyConnection"]:
    import duckdb  # noqa: PLC0415 - costs a third of a second

    with closing(duckdb.connect(":memory:", config=_CONFIGURATION)) as engine:
        yield engine


_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "temp_directory": "",  # nothing of a person spills to a disk
    "autoinstall_known_extensions": False,
    "checkpoint_threshold": "10GB",  # else a table of some sizes stalls for seconds
}
_STATED = ", ".join(
    ("forename", "surname", "forms", "stated_birth", "birth", "born", "sex", "dwelling", "postcode", "uprn", *NUMBERS)
)
_NOBODYS = """
    CREATE TABLE nobodys_{column} AS
    SELECT {column}, count(DISTINCT key) FILTER (WHERE NOT fresh) <= {most} AS since_now
      FROM stated WHERE {column} <> '' GROUP BY 1 HAVING count(DISTINCT key) > {most}
"""
_STATEMENT = f"""
    CREATE OR REPLACE TABLE statement AS
    WITH borne AS (
      SELECT s.* REPLACE (
               {", ".join(f"CASE WHEN {each}.{each} IS NULL THEN s.{each} ELSE '' END AS {each}" for each in NUMBERS)},
               s.fresh {" ".join(f"OR coalesce({each}.since_now, false)" for each in NUMBERS)} AS fresh)
        FROM stated s {" ".join(f"LEFT JOIN nobodys_{each} {each} ON {each}.{each} = s.{each}" for each in NUMBERS)})
    SELECT row_number() OVER (ORDER BY key, {_STATED}) AS id, *
      FROM (SELECT key, nullif(max(person_id), '') AS person, bool_and(fresh) AS fresh, {_STATED}
              FROM borne GROUP BY key, {_STATED})
"""  # noqa: S608 - our own words
"""A number that is nobody's counts as not stated; who bore it until now states something new by that."""
_SCORED = """
    CREATE OR REPLACE TABLE {table} AS
    SELECT s.* EXCLUDE (key, person, fresh, stated_birth, birth), s.forename || ' ' || s.surname AS full_name,
           year(s.stated_birth) AS born_year
      FROM statement s WHERE {condition} ORDER BY s.id
"""


@dataclass(frozen=True, slots=True)
class Pool:
    """Distinct statements of who somebody is, standardised, in one DuckDB that dies with the block."""

    connection: "duckdb.DuckDBPyConnection"
    model: LinkageModel

    def arrange(self) -> None:
        """Make of `stated` what is compared: each distinct statement once, in an order that depends on nothing else."""
        self.connection.execute(_STATEMENT).fetchall()
        names = self.connection.execute("SELECT DISTINCT forename, surname FROM statement").fetchall()
        for column, found in shares(self.model, names).items():
            self.connection.register(f"{column}_share", found)
        for table, condition in (("fresh_statement", "fresh"), ("known_statement", "NOT fresh")):
            self.connection.execute(_SCORED.format(table=table, condition=condition)).fetchall()

    def pairs(self, threshold: float) -> list[Pair]:
        """Fresh statements beside others: every pair with an equal number, and every pair that scores `threshold`.

        Each pair once, of two record keys, in an order that depends on the statements alone.
        """
        with told_by_kind():
            if not self._any("fresh_statement"):
                return []
        scored = self.scored(threshold)
        with told_by_kind():
            return self._paired(scored, self._same_numbers("l.fresh OR r.fresh"))

    def scored(self, threshold: float) -> Table:
        """Fresh statements, of which there must be one, beside others: numbers `a < b`, `probability`, `weight`."""
        with told_by_kind():
            return self._scores(
                threshold, "fresh_statement", "known_statement" if self._any("known_statement") else None
            )

    def pairs_among(self, persons: Iterable[str], threshold: float) -> list[Pair]:
        """Like `pairs`, of what the register knew already of these persons."""
        with told_by_kind():
            register_list(self.connection, "wanted", "person", sorted(set(persons)))
            among = "NOT s.fresh AND s.person IN (SELECT person FROM wanted)"
            self.connection.execute(_SCORED.format(table="rescored_statement", condition=among)).fetchall()
            if not self._any("rescored_statement"):
                return []
            scored = self._scores(threshold, "rescored_statement")
            both = "l.id IN (SELECT id FROM rescored_statement) AND r.id IN (SELECT id FROM rescored_statement)"
            return self._paired(scored, self._same_numbers(both))

    def fresh(self) -> frozenset[str]:
        """The record keys that state something new, whether or not it resembles what anybody else states."""
        with told_by_kind():
            rows = self.connection.execute("SELECT DISTINCT key FROM statement WHERE fresh").fetchall()
        return frozenset(str(key) for (key,) in rows)

    def held(self, keys: Iterable[str], persons: Iterable[str]) -> dict[str, str | None]:
        """The record keys asked for and those of the persons asked for, with the person that each is held to be."""
        with told_by_kind():
            register_list(self.connection, "wanted_key", "key", sorted(set(keys)))
            register_list(self.connection, "wanted", "person", sorted(set(persons)))
            rows = self.connection.execute(
                """SELECT DISTINCT key, person FROM statement
                    WHERE key IN (SELECT key FROM wanted_key) OR person IN (SELECT person FROM wanted) ORDER BY key"""
            ).fetchall()
        return {str(key): None if person is None else str(person) for key, person in rows}

    def statements(self, keys: Iterable[str]) -> dict[str, list[Identity]]:
        """Everything stated under each record key."""
        with told_by_kind():
            register_list(self.connection, "wanted", "key", sorted(set(keys)))
            rows = self.connection.execute(
                f"SELECT {IDENTITY} FROM statement s JOIN wanted w ON w.key = s.key ORDER BY s.id"  # noqa: S608 - our own words
            ).fetchall()
        found: dict[str, list[Identity]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(identity(row))
        return found

    def _paired(self, scored: Table, same_numbers: Iterable[tuple[int, int]]) -> list[Pair]:
        rows = list(zip(*(column.to_pylist() for column in scored.columns), strict=True))
        seen = {(a, b) for a, b, _, _ in rows}
        alike = [(a, b, None, None) for a, b in same_numbers if (a, b) not in seen]
        found = sorted([*rows, *alike], key=lambda row: row[:2]) if alike else rows
        people = self._people({number for a, b, _, _ in found for number in (a, b)})
        return [Pair(people[a], people[b], probability, weight) for a, b, probability, weight in found]

    def _people(self, numbers: Iterable[int]) -> dict[int, Identity]:
        register_list(self.connection, "wanted", "id", sorted(numbers))
        rows = self.connection.execute(
            f"SELECT s.id, {IDENTITY} FROM statement s JOIN wanted w ON w.id = s.id"  # noqa: S608 - our own words
        ).fetchall()
        return {int(number): identity(row) for number, *row in rows}

    def _same_numbers(self, which: str) -> list[tuple[int, int]]:
        """Pairs of statements `l` and `r`, of two keys, that bear an equal number."""
        found: set[tuple[int, int]] = set()
        for column in NUMBERS:
            found |= {
                (int(a), int(b))
                for a, b in self.connection.execute(
                    f"""SELECT l.id, r.id FROM statement l JOIN statement r USING ({column})
                         WHERE {column} <> '' AND l.id < r.id AND l.key <> r.key AND ({which})"""  # noqa: S608 - our own words
                ).fetchall()
            }
        return sorted(found)

    def _scores(self, threshold: float, table: str, beside: str | None = None) -> Table:
        """`a < b`, `probability` and `weight`, of two keys, in order: within `table`, and between it and `beside`."""
        from splink import DuckDBAPI, Linker  # noqa: PLC0415 - costs a second

        engine = DuckDBAPI(connection=self.connection)
        rows = engine.register(table, dataset_display_name=table)
        linker = Linker([rows], dict(self.model.splink), log_level=None, validate_settings=False)
        for column in self.model.by_share:
            linker.table_management.register_term_frequency_lookup(engine.register(f"{column}_share"), column)
        predict = linker.inference
        found = [predict.predict_within(rows, threshold_match_probability=threshold, warning_mode="never")]
        if beside is not None:
            others = engine.register(beside, dataset_display_name=beside)
            found.append(
                predict.predict_between(others, rows, threshold_match_probability=threshold, warning_mode="never")
            )
        pairs = " UNION ALL ".join(
            f"""SELECT least(id_l, id_r) AS a, greatest(id_l, id_r) AS b,
                       round(match_probability, 6)::DOUBLE AS probability, round(match_weight, 3)::DOUBLE AS weight
                  FROM {each.physical_name} p JOIN statement a ON a.id = p.id_l JOIN statement b ON b.id = p.id_r
                 WHERE a.key <> b.key"""  # noqa: S608 - Splink's table names
            for each in found
        )
        return self.connection.sql(f"{pairs} ORDER BY 1, 2").to_arrow_table()

    def _any(self, table: str) -> bool:
        return bool(self.connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())  # noqa: S608 - our own table


@dataclass(frozen=True, slots=True)
class RegisterPool(Pool):
    """Of the register's statements those that were asked for; what is not here yet is fetched when it is needed."""

    council: Connection

    def load_meeting(self) -> None:
        """Fetch what the fresh statements have to be compared with."""
        ways = blocks.sought(blocks.of(self.model))
        query = f"SELECT '{{' || array_to_string({ways}, ',') || '}}' AS blocks FROM fresh_statement"  # noqa: S608 - our own words
        wanted = self.connection.sql(query).to_arrow_table()
        self._add(stated.load_meeting(self.council, self.model, wanted))

    def pairs_among(self, persons: Iterable[str], threshold: float) -> list[Pair]:
        """As above; what these persons' records state is fetched."""
        wanted = sorted(set(persons))
        with told_by_kind():
            self._add(stated.load_of_persons(self.council, self.model, wanted))
        return Pool.pairs_among(self, wanted, threshold)

    def held(self, keys: Iterable[str], persons: Iterable[str]) -> dict[str, str | None]:
        """As above; the register is asked."""
        return stated.held(self.council, keys, persons)

    def statements(self, keys: Iterable[str]) -> dict[str, list[Identity]]:
        """As above; what is stated under these keys is fetched."""
        wanted = sorted(set(keys))
        with told_by_kind():
            self._add(stated.load_of_keys(self.council, self.model, wanted))
        return Pool.statements(self, wanted)

    def _add(self, found: Table) -> None:
        self.connection.register("loaded", found)
        query = "INSERT INTO stated BY NAME SELECT * FROM loaded WHERE stated NOT IN (SELECT stated FROM stated)"
        (added,) = self.connection.execute(query).fetchall()
        if added[0]:
            self.arrange()


@contextmanager
def told_by_kind() -> Iterator[None]:
    """Errors of the engines without their words."""
    import duckdb  # noqa: PLC0415 - costs a third of a second
    from pyarrow import ArrowException  # noqa: PLC0415 - costs half a second
    from splink.internals.exceptions import SplinkException  # noqa: PLC0415 - costs a second

    try:
        yield
    except (ArrowException, duckdb.Error, SplinkException) as error:
        raise LinkageFailed(f"the linkage engine stopped: {type(error).__name__}") from None
