"""Pairs of statements that may be of one person: equal identifiers, and scores by Splink on an in-memory DuckDB.

The model (`include/linkage/<version>.json`) is fixed data: nothing is trained here and nothing in it comes from the
register, so that the same statements give the same scores on any day, in any order, in any batch. Fresh statements are
scored against the register's and against each other; of the register's own only those of the people whom these reach.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from family_exchange.adapters import blocks, linkage_spark, linkage_sql, linkage_tables, met, nobodys, stated
from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.linkage_rows import IDENTITY, identity, known_names, register_list
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

    Everything is fresh when the register was matched by another model or other `thresholds`. What is new is stored
    while it is compared, and has been when the block ends.

    Raises:
        LinkageFailed: the engine stopped.
    """
    with _engine() as engine:
        with told_by_kind():
            noted = stated.note(connection, engine, model, thresholds)
            engine.register("stated", noted.fresh)
            known = nobodys.known(connection)
            for column in NUMBERS:
                own = [number for kind, number in known if kind == column]
                register_list(engine, "nobodys_now", column, own)
                query = f"CREATE TABLE nobodys_{column} AS SELECT {column}, false AS since_now FROM nobodys_now"  # noqa: S608 - our own words
                engine.execute(query).fetchall()
            others = met.meeting(connection, model, _sought(engine, model, noted.fresh))
        with ThreadPoolExecutor(1) as beside:
            storing = beside.submit(stated.store, connection, noted.new)
            found = RegisterPool(engine, model, connection, storing, [noted.fresh])
            with told_by_kind():
                found.add(others)
                found.arrange()
            yield found
            storing.result()


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
                engine.execute(linkage_tables.NOBODYS.format(column=column, most=MOST_SHARERS)).fetchall()
            found.arrange()
        yield found


@contextmanager
def _engine() -> Iterator["duckdb.DuckDBPyConnection"]:
    import duckdb  # noqa: PLC0415 - costs a third of a second

    with closing(duckdb.connect(":memory:", config=linkage_tables.CONFIGURATION)) as engine:
        yield engine


def _sought(engine: "duckdb.DuckDBPyConnection", model: LinkageModel, fresh: Table) -> Table:
    """By which blocks each fresh statement finds others: one column of arrays, as text."""
    ways, crowded = blocks.of(model), _crowded(engine)
    both_ways = blocks.sought(ways) == blocks.stored(ways)
    if both_ways and not crowded and not fresh["blocks"].null_count:
        return fresh.select(["blocks"])
    anew = linkage_tables.sought_anew(crowded) if both_ways else "true"
    parts = {"anew": anew, "numbers": blocks.as_text(blocks.sought(ways)), "borne": linkage_tables.borne(crowded)}
    return engine.sql(linkage_tables.SOUGHT.format(**parts)).to_arrow_table()


def _crowded(engine: "duckdb.DuckDBPyConnection") -> list[str]:
    """The columns in which some number is nobody's."""
    return [str(column) for (column,) in engine.execute(linkage_tables.CROWDED).fetchall()]


@dataclass(frozen=True, slots=True)
class Pool:
    """Distinct statements of who somebody is, standardised, in one DuckDB that dies with the block."""

    connection: "duckdb.DuckDBPyConnection"
    model: LinkageModel

    def arrange(self) -> None:
        """Make of `stated` what is compared: each distinct statement once, in an order that depends on nothing else."""
        for column, share in (("forename", self.model.share_of_forename), ("surname", self.model.share_of_surname)):
            names = self.connection.execute(f"SELECT DISTINCT {column} FROM stated").fetchall()  # noqa: S608 - our own words
            self.connection.register(f"{column}_known", known_names(column, (name for (name,) in names), share))
        borne = linkage_tables.borne(_crowded(self.connection))
        self.connection.execute(linkage_tables.STATEMENT.format(borne=borne)).fetchall()

    def pairs(self, threshold: float) -> list[Pair]:
        """Fresh statements beside others: every pair with an equal number, and every pair that scores `threshold`.

        Each pair once, of two record keys, in an order that depends on the statements alone.
        """
        scored = self.scored(threshold)
        with told_by_kind():
            return self._paired(scored, self._same_numbers("l.fresh OR r.fresh"))

    def scored(self, threshold: float) -> Table:
        """Fresh statements beside others, of two keys, in order: numbers `a < b`, `probability`, `weight`."""
        return self._scores(threshold, fresh="fresh", which="true")

    def pairs_among(self, persons: Iterable[str], threshold: float) -> list[Pair]:
        """Like `pairs`, of what the register knew already of these persons."""
        return self._pairs_of("person", persons, threshold)

    def _pairs_of(self, column: str, wanted: Iterable[str], threshold: float) -> list[Pair]:
        """Like `pairs`, of what was known already of these persons, or record keys, as `column` says."""
        whose = f"{{0}}.{column} IN (SELECT {column} FROM wanted) AND NOT {{0}}.fresh"  # noqa: S608 - our own words
        with told_by_kind():
            register_list(self.connection, "wanted", column, sorted(set(wanted)))
            scored = self._scores(threshold, fresh="true", which=whose.format("statement"))
            return self._paired(scored, self._same_numbers(f"{whose.format('l')} AND {whose.format('r')}"))

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

    def _paired(self, scored: Table, same_numbers: Collection[tuple[int, int]]) -> list[Pair]:
        rows = list(zip(*(column.to_numpy().tolist() for column in scored.columns), strict=True))
        if same_numbers:
            seen = {(a, b) for a, b, _, _ in rows}
            rows = sorted([*rows, *((a, b, None, None) for a, b in same_numbers if (a, b) not in seen)], key=_of_two)
        people = self._people({number for row in rows for number in row[:2]})
        return [Pair(people[a], people[b], probability, weight) for a, b, probability, weight in rows]

    def _people(self, numbers: Collection[int]) -> dict[int, Identity]:
        register_list(self.connection, "wanted_id", "id", sorted(numbers))
        query = f"SELECT s.id, {IDENTITY} FROM statement s WHERE s.id IN (SELECT id FROM wanted_id)"  # noqa: S608 - our own words
        return {number: identity(row) for number, *row in self.connection.execute(query).fetchall()}

    def _same_numbers(self, which: str) -> list[tuple[int, int]]:
        """Pairs of statements `l` and `r`, of two keys, that bear an equal number."""
        each = " UNION ".join(
            f"""SELECT l.id AS a, r.id AS b FROM statement l JOIN statement r USING ({column})
                 WHERE {column} <> '' AND l.id < r.id AND l.key <> r.key AND ({which})"""  # noqa: S608 - our own words
            for column in NUMBERS
        )
        return [(int(a), int(b)) for a, b in self.connection.execute(f"{each} ORDER BY 1, 2").fetchall()]

    def _scores(self, threshold: float, *, fresh: str, which: str) -> Table:
        """As `scored`, of the statements for which `which` holds, taking those for fresh for which `fresh` does."""
        with told_by_kind():
            self.connection.execute(linkage_tables.COMPARED.format(fresh=fresh, which=which)).fetchall()
            score = self._by_spark if linkage_spark.is_chosen() else self._by_duckdb
            return self.connection.sql(linkage_tables.OF_TWO_KEYS.format(scored=score(threshold))).to_arrow_table()

    def _by_duckdb(self, threshold: float) -> str:
        """The name of a table of the scored pairs of `compared`, in Splink's words and in no order."""
        columns = self.connection.execute("DESCRIBE compared").fetchall()
        schema = ", ".join(f"{name} {kind}" for name, kind, *_ in columns)
        sql = linkage_sql.scoring(self.model, schema).at(threshold)
        self.connection.execute(sql.blocked).fetchall()
        self.connection.execute(sql.scored).fetchall()
        return "scored"

    def _by_spark(self, threshold: float) -> str:
        """As `_by_duckdb`."""
        for view in linkage_tables.FOR_SPARK:
            self.connection.execute(view).fetchall()
        ((known,),) = self.connection.execute("SELECT count(*) FROM known_statement").fetchall()
        beside = "known_statement" if known else None
        return linkage_spark.predicted(self.connection, self.model, threshold, "fresh_statement", beside)


def _of_two(row: tuple[int, int, float | None, float | None]) -> tuple[int, int]:
    return row[:2]


@dataclass(frozen=True, slots=True)
class RegisterPool(Pool):
    """Of the register's statements those that were asked for; what is not here yet is fetched when it is needed."""

    register: Connection
    storing: "Future[None]"
    """What is new is being stored; nobody else may use the connection before that is done."""
    here: "list[Table]"
    """Whatever is stated of those who are compared, in the parts in which it came."""

    @property
    def council(self) -> Connection:
        """The council's database, in which what is new is stored."""
        self.storing.result()
        return self.register

    def pairs_among(self, persons: Iterable[str], threshold: float) -> list[Pair]:
        """As above; what these persons' records state is fetched."""
        with told_by_kind():
            theirs = met.of_persons(self.council, self.model, persons)
            self._fetch(theirs)
        return self._pairs_of("key", theirs["key"].to_pylist(), threshold)

    def held(self, keys: Iterable[str], persons: Iterable[str]) -> dict[str, str | None]:
        """As above; the register is asked."""
        return met.held(self.council, keys, persons)

    def statements(self, keys: Iterable[str]) -> dict[str, list[Identity]]:
        """As above; what is stated under these keys is fetched."""
        wanted = sorted(set(keys))
        with told_by_kind():
            self._fetch(met.of_keys(self.council, self.model, wanted))
        return Pool.statements(self, wanted)

    def add(self, found: Table) -> bool:
        """These statements are there too; True when one of them was not."""
        import pyarrow as pa  # noqa: PLC0415 - costs half a second

        first = self.here[0]
        self.connection.register("loaded", found)
        added = self.connection.sql(linkage_tables.ADDED).to_arrow_table()
        shared = [name for name in first.column_names if name in added.column_names]
        schema = pa.schema([first.schema.field(name) for name in shared])
        self.here.append(added.select(shared).cast(schema))
        self.connection.register("stated", pa.concat_tables(self.here, promote_options="default"))
        return bool(added.num_rows)

    def _fetch(self, found: Table) -> None:
        if self.add(found):
            self.arrange()


@contextmanager
def told_by_kind() -> Iterator[None]:
    """Errors of the engines without their words."""
    try:
        yield
    except _their_errors() as error:
        raise LinkageFailed(f"the linkage engine stopped: {type(error).__name__}") from None


def _their_errors() -> tuple[type[Exception], ...]:
    """Asked for when something has gone wrong: to import Splink costs a second."""
    import duckdb  # noqa: PLC0415 - as above
    from pyarrow import ArrowException  # noqa: PLC0415 - as above
    from splink.internals.exceptions import SplinkException  # noqa: PLC0415 - as above

    return ArrowException, duckdb.Error, SplinkException, *linkage_spark.errors()
