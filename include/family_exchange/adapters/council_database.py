"""A council's own database on its server: filled from a copy beside it, put in the place of the old one, opened.

All of it by whoever may make roles and databases on the server, as with `database prepare`.
"""

import subprocess
from datetime import datetime

import psycopg
from psycopg import sql

from family_exchange.adapters import database, postgres_programs, roles, set_aside
from family_exchange.adapters.server_copy import environment
from family_exchange.domain.errors import NeedsDecision, TryLater


def name(url: str) -> str:
    """The name of the database that the URL leads to.

    Raises:
        NeedsDecision: it names none.
    """
    found = psycopg.conninfo.conninfo_to_dict(url).get("dbname")
    if not found:
        raise NeedsDecision("the council's database URL names no database: postgresql://login:password@host/database")
    return str(found)


def as_superuser(superuser_url: str, dbname: str) -> str:
    """The URL of a database for whoever may do everything on its server."""
    return psycopg.conninfo.make_conninfo(superuser_url, dbname=dbname)


def fresh(superuser_url: str, url: str) -> str:
    """The name of an empty database beside the council's own, which only the council's login will own.

    What an earlier restore left under that name is gone.

    Raises:
        NeedsDecision: the server has no such login.
    """
    beside, login = f"{name(url)[: set_aside.LONGEST_NAME - 9]}_restored", roles.login(url)
    with database.errors_of_ours(), psycopg.connect(superuser_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone() is None:
            raise NeedsDecision(
                f"the database server has no login {login}: make it with its password, then restore again"
            )
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(beside)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                sql.Identifier(beside), sql.Identifier(login)
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(beside)))
    roles.provision(superuser_url, login)
    return beside


def load(copy: str, superuser_url: str, beside: str, url: str) -> None:
    """The database `beside` holds all that the council's own held in the server's copy.

    Raises:
        NeedsDecision: the copy has no such database.
        TryLater: it could not be carried over.
    """
    source, version = psycopg.conninfo.make_conninfo(copy, dbname=name(url)), _version(superuser_url)
    try:
        psycopg.connect(source).close()
    except psycopg.OperationalError:
        raise NeedsDecision(f"the backup has no database {name(url)}: is it of another server?") from None
    programs = postgres_programs.folder(max(version, _version(source)))
    dump = [str(programs / "pg_dump"), "--no-password", "--format=custom", "--compress=none"]
    restore = [str(programs / "pg_restore"), "--no-password", "--exit-on-error", f"--dbname={beside}"]
    with subprocess.Popen(  # noqa: S603 - our own argument list
        dump, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(source)
    ) as reading:
        assert reading.stdout is not None  # noqa: S101 - a pipe was asked for
        written = subprocess.run(  # noqa: S603 - as above
            restore, stdin=reading.stdout, capture_output=True, check=False, env=environment(superuser_url)
        )
        reading.stdout.close()
    if written.returncode != 0 or reading.returncode != 0:
        raise TryLater(
            f"the database could not be carried over (pg_dump {reading.returncode}, pg_restore {written.returncode}); "
            "nothing was put in its place"
        )
    with database.transaction(as_superuser(superuser_url, beside)) as connection:
        connection.execute("ANALYZE")


def put_in_place(superuser_url: str, beside: str, url: str, moment: datetime) -> None:
    """The restored database has the council's name; the old one, if there was one, is set aside, out of all reach.

    A second run, after a crash in between, finishes what the first one began.
    """
    own, login = name(url), roles.login(url)
    aside = set_aside.name_of(own, moment)
    with database.errors_of_ours(), psycopg.connect(superuser_url, autocommit=True) as connection:
        if _exists(connection, own):
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(own)))
            connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(sql.Identifier(own), sql.Identifier(login))
            )
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (own,),
            )
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(own), sql.Identifier(aside))
            )
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(beside), sql.Identifier(own))
        )


def old_ones(superuser_url: str, url: str, since: datetime) -> list[str]:
    """The names under which databases of the council lie that were set aside since then, the first one first."""
    with database.errors_of_ours(), psycopg.connect(superuser_url, autocommit=True) as connection:
        found = set_aside.there(connection, name(url))
    return [each for each, moment in found if moment >= since.replace(microsecond=0)]


def numbered(superuser_url: str, dbname: str) -> int:
    """The number of the last file that was ever seen in that database of a council; 0 when it cannot tell."""
    try:
        with database.transaction(as_superuser(superuser_url, dbname)) as connection:
            row = connection.execute("SELECT last_value FROM exchange.file_number").fetchone()
    except database.DatabaseRefused:  # whatever was there was no database of ours
        return 0
    return int(row[0]) if row else 0


def _exists(connection: psycopg.Connection[tuple[object, ...]], dbname: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (dbname,)).fetchone() is not None


def _version(url: str) -> int:
    with database.errors_of_ours(), psycopg.connect(url) as connection:
        return connection.info.server_version // 10000
