"""The door to one council's PostgreSQL: connections, transactions, migrations; errors without anybody's values."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from family_exchange.domain.errors import Busy, ExchangeError, NoRoom, TryLater

Connection = psycopg.Connection[TupleRow]

FENCED = "FX001"
DISK_FULL = "53100"
LOCK_SECONDS = 120
"""How long a session waits for what another has locked: a worker that hangs must not hold up the others for ever."""
UNIQUE_VIOLATION = "23505"
"""Two workers at one thing: the loser tries again and then sees the winner's row."""

_LINE: Mapping[str, Any] = {
    "application_name": "family-exchange",
    "connect_timeout": 15,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server whose machine went away without a word is noticed within a minute; the last number is in milliseconds."""

_PASSING = ("08", "40", "53", "55P03", "57014", "57P0", "58")
"""SQLSTATEs that say nothing against the work: connection, rollback, resources, locks, cancelled, shutdown, disk."""


@contextmanager
def transaction(url: str, *, patience: float | None = None) -> Iterator[Connection]:
    """One connection and one transaction: committed when the block ends, rolled back when it raises.

    Others' locks are waited for `patience` seconds, or as long as it takes.

    Raises:
        TryLater: the server is away, busy or shutting down, or another worker holds the row.
        DatabaseRefused: any other database error, reduced to its code and the constraint's name, because the
            server's own text quotes values.
    """
    try:
        with psycopg.connect(url, **_LINE) as connection:
            if patience is not None:
                wait_at_most(connection, patience)
            yield connection
    except psycopg.Error as error:
        raise reduced(error) from None


@contextmanager
def beside(connection: Connection) -> Iterator[Connection]:
    """Another connection of the same user to the same database, for reading while this one works; it commits nothing.

    It sees what has been committed and waits for no lock longer than a moment: `connection` may hold it.
    """
    info = connection.info
    other = psycopg.connect(info.dsn, password=info.password, options=f"-c lock_timeout={MOMENT_SECONDS}s")
    try:
        yield other
    finally:
        other.close()


MOMENT_SECONDS = 5


def wait_at_most(connection: Connection, seconds: float | None) -> None:
    """Others' locks are waited for so long until this transaction ends; None: as long as its session does.

    A SET looks at nothing, so that a moment may still be chosen after it.
    """
    how_long = sql.SQL("DEFAULT") if seconds is None else sql.Literal(f"{seconds}s")
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(how_long))


@contextmanager
def one_moment(
    url: str, *, locked: sql.Identifier | None = None, patience: float | None = None
) -> Iterator[Connection]:
    """As `transaction`, and every statement of it sees what was committed when the first one began.

    For answers that take several statements. What another worker changes meanwhile must not be changed here: that is
    TryLater. A table that is written here, and that every worker writes, is `locked` before that moment instead.
    """
    with transaction(url, patience=patience) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if locked is not None:  # LOCK waits without having looked at anything yet
            connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(locked))
        yield connection


@contextmanager
def session(url: str) -> Iterator[Connection]:
    """One connection for work of several transactions (`with connection.transaction():`); errors as above.

    What such work locks with `hold` is let go when the session ends, however it ends: the lock dies with the worker.
    """
    try:
        with _for_sessions(url) as connection:
            try:
                yield connection
            finally:  # the server notices a closed connection a little later; whoever comes next must not meet the lock
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock_all()")
    except psycopg.Error as error:
        raise reduced(error) from None


class Kept:
    """One connection for one worker's sessions, one after the other: made when it is needed, and anew when it broke."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url  # asked for each session: a council may be closed between two of them
        self._connection: Connection | None = None

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """As `session` above: what it held is let go at its end, only the connection stays."""
        url = self._url()
        try:
            if self._connection is None:
                self._connection = _for_sessions(url)
            try:
                yield self._connection
            finally:
                self._let_go(self._connection)
        except psycopg.Error as error:
            raise reduced(error) from None

    def close(self) -> None:
        """The connection is gone; a later session makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _let_go(self, connection: Connection) -> None:
        try:
            connection.execute("SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            self.close()


def _for_sessions(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, options=f"-c lock_timeout={LOCK_SECONDS}s", **_LINE)


def hold(connection: Connection, namespace: int, key: str) -> bool:
    """True when this session now holds the advisory lock of `key`, until it ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (namespace, key)).fetchone()
    return bool(row and row[0])


def hold_soon(connection: Connection, namespace: int, key: str) -> bool:
    """As `hold`, but waits a moment: a worker that was killed has its locks until the server has noticed its end.

    For a session between two of its transactions.
    """
    try:
        with connection.transaction():
            wait_at_most(connection, MOMENT_SECONDS)
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (namespace, key))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


class DatabaseRefused(ExchangeError):
    """The database refused a statement; the message carries codes and names of ours only."""


@contextmanager
def errors_of_ours() -> Iterator[None]:
    """What the server refuses in this block is an error of ours at its end, so that the caller can tell its class."""
    try:
        yield
    except psycopg.Error as error:
        raise reduced(error) from None


def reduced(error: psycopg.Error) -> ExchangeError:
    """The error as one of ours, with SQLSTATE, constraint and table, and nothing that was typed by anybody."""
    state = error.sqlstate or ""
    if isinstance(error, psycopg.OperationalError) and not state:
        return TryLater("the database does not answer, or does not let us in")
    if state == FENCED:
        return Busy("another worker holds this item (FX001)")
    if state == UNIQUE_VIOLATION:
        return Busy("another worker stored the same meanwhile (23505)")
    if state == DISK_FULL:
        return NoRoom(f"the database's disk is full ({state}): make room, then clear this task")
    if state.startswith(_PASSING):
        return TryLater(f"the database cannot serve this now ({state})")
    where = ", ".join(
        f"{label} {value}"
        for label, value in (
            ("table", error.diag.table_name),
            ("column", error.diag.column_name),
            ("constraint", error.diag.constraint_name),
        )
        if value
    )
    return DatabaseRefused(f"the database refused a statement: SQLSTATE {state or 'unknown'} {where}".strip())


def lock(connection: Connection, namespace: int, key: str) -> bool:
    """True when this transaction now holds the advisory lock of `key`; it ends with the transaction."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", (namespace, key)).fetchone()
    return bool(row and row[0])


def lock_shared(connection: Connection, namespace: int, key: str) -> bool:
    """True when nobody else can take the advisory lock of `key` until this transaction ends; others may share it."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock_shared(%s, hashtext(%s))", (namespace, key)).fetchone()
    return bool(row and row[0])


def clock(connection: Connection) -> datetime:
    """The server's own clock, by which it stamps whatever is recorded."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a function always gives a row
    moment: datetime = row[0]
    return moment


def migrate(url: str) -> None:
    """Bring the council's database to the newest revision; a second run changes nothing."""
    from alembic import command  # noqa: PLC0415 - set-up only; costs a second
    from alembic.config import Config  # noqa: PLC0415 - as above
    from sqlalchemy import create_engine  # noqa: PLC0415 - as above
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    try:
        config.attributes["connection"] = engine
        command.upgrade(config, "head")
    finally:
        engine.dispose()
