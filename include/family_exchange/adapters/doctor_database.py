"""How a council's PostgreSQL stands: asked in read-only transactions, by its own log-in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from family_exchange.adapters import database, doctor_disks, doctor_versions
from family_exchange.adapters.database import Connection
from family_exchange.adapters.settings import CouncilSettings
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged, note, unseen, warning

OLDEST = 15
"""The oldest major release that the product was written for."""
SKEW = timedelta(seconds=2)
"""How far a clock may be off: the times of signatures and of rows are compared."""
BUSY = 0.8
"""Share of the server's connections from which on somebody should look."""
_ASKING = "-c default_transaction_read_only=on -c statement_timeout=30s -c lock_timeout=5s"

LOG_SETTINGS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "log_error_verbosity": (("terse",), "DETAIL and CONTEXT of an error quote rows"),
    "log_min_error_statement": (("panic",), "a failed statement would stand in the log as it was typed"),
    "log_statement": (("none",), "every statement would stand in the log"),
    "log_parameter_max_length": (("0",), "values would stand in the log beside their statement"),
    "log_parameter_max_length_on_error": (("0",), "values would stand in the log beside an error"),
    "log_min_duration_statement": (("-1",), "slow statements would stand in the log as they were typed"),
    "log_min_duration_sample": (("-1",), "slow statements would stand in the log as they were typed"),
    "log_transaction_sample_rate": (("0",), "whole transactions would stand in the log"),
    "debug_print_parse": (("off",), "a statement's tree holds its values"),
    "debug_print_rewritten": (("off",), "a statement's tree holds its values"),
    "debug_print_plan": (("off",), "a statement's plan holds its values"),
}
"""`setting → (what keeps values out of the server's log, what another one does)`."""

GUARDED = ("register.stated",)
"""Views that ask by their owner's rights and look themselves at who reads; nothing is pushed below that look."""

DURABLE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "fsync": (("on",), "what was committed may be gone, and the database broken, after a power cut"),
    "full_page_writes": (("on",), "a page half written in a power cut cannot be mended"),
    "synchronous_commit": (("on", "local", "remote_write", "remote_apply"), "a receipt may go out for a lost commit"),
    "data_checksums": (("on",), "a disk that returns other bytes is not noticed; `pg_checksums --enable`, stopped"),
}


@contextmanager
def asking(url: str) -> Iterator[Connection]:
    """A connection that can change nothing.

    Raises:
        TryLater: the server does not answer, or does not let us in.
    """
    with database.errors_of_ours(), psycopg.connect(url, connect_timeout=10, options=_ASKING) as connection:
        yield connection


def server(url: str, *, composed: bool = False) -> Iterator[Finding]:
    """It answers, is new enough and without known holes, is reached in private, and has connections to spare."""
    with asking(url) as connection:
        number, version = _stated(connection, "server_version_num", "server_version")
        major, minor = divmod(int(number), 10_000)
        yield judged(
            Room.DATABASE,
            "version",
            f"PostgreSQL {major}.{minor}",
            well=major >= OLDEST,
            advice=f"move to PostgreSQL {OLDEST} or later: older ones lack what the register's views rest on",
        )
        packaged = version.partition("(")[2].rstrip(")").rpartition(" ")[2] or None
        yield from doctor_versions.holes("postgresql", f"{major}.{minor}", packaged)
        yield _line(connection, composed=composed)
        yield _passwords(connection)
        used, most = one_row(
            connection,
            "SELECT (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int",
        )
        yield judged(
            Room.DATABASE,
            "connections",
            f"{used} of {most} in use",
            well=int(str(used)) < BUSY * int(str(most)),
            advice="raise max_connections, or give Airflow's workers fewer slots",
            otherwise=Grade.WARNING,
        )


def log_settings(url: str) -> Iterator[Finding]:
    """Nothing that was typed about anybody comes into the server's own log."""
    yield from _wanted(url, LOG_SETTINGS, "ALTER SYSTEM SET {name} = '{wanted}', then pg_reload_conf()")


def durability(url: str) -> Iterator[Finding]:
    """What was committed stays."""
    yield from _wanted(url, DURABLE, "set it in postgresql.conf ({name} = {wanted})")


def row_security(url: str) -> Iterator[Finding]:
    """Every table about people shows rows by policy alone, also to its owner, and no view goes around that."""
    with asking(url) as connection:
        rows = connection.execute(
            """SELECT n.nspname, c.relname, c.relkind, c.relrowsecurity AND c.relforcerowsecurity,
                      coalesce(c.reloptions::text ~ 'security_invoker=(true|on)', false)
                      OR (n.nspname || '.' || c.relname = ANY(%s) AND c.reloptions::text ~ 'security_barrier=(true|on)')
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('memory', 'register') AND c.relkind IN ('r', 'p', 'v') ORDER BY 1, 2""",
            (list(GUARDED),),
        ).fetchall()
    tables = [row for row in rows if row[2] != "v"]
    views = [row for row in rows if row[2] == "v"]
    if not tables:
        yield bad(Room.DATABASE, "tables about people", "there are none", "run `family-exchange set-up`")
        return
    yield but(
        "tables under forced row-level security",
        [f"{schema}.{name}" for schema, name, _, forced, _ in tables if not forced],
        len(tables),
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; then find out who took it off",
    )
    yield but(
        "views that ask by the reader's rights",
        [f"{schema}.{name}" for schema, name, _, _, invoker in views if not invoker],
        len(views),
        "ALTER VIEW … SET (security_invoker = true); then find out who took it off",
    )


def migrations(url: str) -> Iterator[Finding]:
    """The database has the newest shape."""
    from alembic.config import Config  # noqa: PLC0415 - costs a second
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    newest = ScriptDirectory.from_config(config).get_current_head() or "none"
    with asking(url) as connection:
        known = one_row(connection, "SELECT to_regclass('public.alembic_version') IS NOT NULL")[0]
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone() if known else None
    has = str(row[0]) if row else "none"
    yield judged(
        Room.DATABASE,
        "migrations",
        f"{has}, the newest is {newest}" if has != newest else has,
        well=has == newest,
        advice="stop the council's Dags, take a backup, run `family-exchange set-up`; a database that is ahead of the "
        "code wants the newer code",
    )


def clock(url: str) -> Iterator[Finding]:
    """The server's clock goes with this machine's."""
    with asking(url) as connection:
        before = datetime.now(UTC)
        theirs = database.clock(connection)
        after = datetime.now(UTC)
    off = max(before - theirs, theirs - after, timedelta())
    yield judged(
        Room.CLOCKS,
        "the database's clock",
        f"{off.total_seconds():.1f} s from this machine's",
        well=off <= SKEW,
        advice="set both by the same time server (chrony, systemd-timesyncd)",
    )


def disk(url: str, settings: CouncilSettings, *, composed: bool = False) -> Iterator[Finding]:
    """The disks of data and write-ahead log have room, where this machine can see them."""
    with asking(url) as connection:
        size = int(str(one_row(connection, "SELECT pg_database_size(current_database())")[0]))
        row = connection.execute(
            "SELECT setting FROM pg_settings WHERE name = 'data_directory' AND setting IS NOT NULL"
        ).fetchone()
        local = connection.info.host in {"localhost", "127.0.0.1", "::1"} or connection.info.host.startswith("/")
    yield good(Room.DISKS, "the database", f"{size >> 20} MiB")
    folders = settings.disks or ((Path(str(row[0])),) if row and local and Path(str(row[0])).is_dir() else ())
    if not folders:
        advice = "watch it on the database's own machine; where it is mounted here, name it in DISKS"
        if composed:
            advice = "it is the disk of Docker's data folder, like the council's folder, unless you moved the volume"
        found = "this container does not see it" if composed else "this machine cannot see it"
        yield note(Room.DISKS, "the database's disk", found, f"{advice}: a full one stops the whole database")
    for folder in folders:
        yield from doctor_disks.room(folder, f"the database's disk at {folder}", settings.least_room, also=size // 10)


def _wanted(url: str, wanted: Mapping[str, tuple[tuple[str, ...], str]], advice: str) -> Iterator[Finding]:
    with asking(url) as connection:
        found = dict(
            connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(wanted),)).fetchall()
        )
    for name, (values, why) in wanted.items():
        if name not in found:
            yield unseen(Room.DATABASE, name, "the server does not show it", "ask who runs the server")
            continue
        how = advice.format(name=name, wanted=values[0])
        well = found[name] in values
        yield judged(Room.DATABASE, name, found[name], well=well, advice=f"{how}: {why}")


def _line(connection: Connection, *, composed: bool) -> Finding:
    encrypted = bool(
        one_row(connection, "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)")[0]
    )
    host = connection.info.host
    here = host.startswith("/") or host in {"localhost", "127.0.0.1", "::1"}
    if encrypted:
        return good(Room.DATABASE, "the line to it", "encrypted")
    if here or composed:
        return good(Room.DATABASE, "the line to it", "in the clear, and does not leave this machine")
    return warning(
        Room.DATABASE,
        "the line to it",
        "rows travel in the clear",
        "turn ssl on at the server and add ?sslmode=verify-full to the URL; within one machine it may stay",
    )


def _passwords(connection: Connection) -> Finding:
    (kept,) = _stated(connection, "password_encryption")
    return judged(
        Room.DATABASE,
        "passwords",
        kept,
        well=kept == "scram-sha-256",
        advice="set password_encryption = 'scram-sha-256' and set every password again",
    )


def but(subject: str, exceptions: list[str], of: int, advice: str) -> Finding:
    """Good when there are no exceptions; these are names of our own tables and roles."""
    found = f"all {of}" if not exceptions else f"not {', '.join(exceptions)}"
    return judged(Room.DATABASE, subject, found, well=not exceptions, advice=advice)


def _stated(connection: Connection, *names: str) -> tuple[str, ...]:
    return tuple(str(one_row(connection, "SELECT current_setting(%s)", name)[0]) for name in names)


def one_row(connection: Connection, question: str, *values: object) -> tuple[object, ...]:
    """The answer to a question that always has one row."""
    row = connection.execute(question.encode(), values or None).fetchone()
    assert row is not None  # noqa: S101 - each of these questions has one answer
    return tuple(row)
