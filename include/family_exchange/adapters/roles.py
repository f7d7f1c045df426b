"""The roles of purposes in PostgreSQL: nobody logs in as one; a reader takes one on for the time of a transaction.

Roles belong to the whole server and what they may ask to one council's database, so the same role reads in each
database only what that council's purposes allow, and only the council's own login gets there.
"""

from contextlib import suppress

import psycopg
from psycopg import sql

from family_exchange.adapters import database
from family_exchange.adapters.database import Connection
from family_exchange.domain.column import Purpose
from family_exchange.domain.errors import NeedsDecision


def of(purpose: Purpose) -> str:
    """The role of that purpose."""
    return f"fx_{purpose}"


ROLES = tuple(of(purpose) for purpose in Purpose)


def provision(superuser_url: str, login: str) -> None:
    """The server has the role of every purpose, and the council's login may take each on.

    `superuser_url` is of whoever may make roles. A second run changes nothing.

    Raises:
        NeedsDecision: the URL is none.
        TryLater: the server is away.
        DatabaseRefused: it lets nobody in, or makes no roles for them.
    """
    try:
        psycopg.conninfo.conninfo_to_dict(superuser_url)
    except psycopg.ProgrammingError:
        form = "postgresql://login:password@host:5432/postgres"
        raise NeedsDecision(f"the URL of whoever may make roles cannot be read; it has the form {form}") from None
    with database.errors_of_ours(), psycopg.connect(superuser_url, autocommit=True) as connection:
        for role in ROLES:
            # another council's database is made at the same moment
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        connection.execute(
            sql.SQL("GRANT {} TO {}").format(sql.SQL(", ").join(map(sql.Identifier, ROLES)), sql.Identifier(login))
        )


def login(url: str) -> str:
    """Who logs in by that URL of a council's database.

    Raises:
        NeedsDecision: the URL names nobody.
    """
    user = psycopg.conninfo.conninfo_to_dict(url).get("user")
    if not user:
        raise NeedsDecision("the council's database URL names no login: postgresql://login:password@host/database")
    return str(user)


def is_guarded(connection: Connection) -> bool:
    """True when the database has come as far as to know purposes."""
    row = connection.execute("SELECT to_regproc('register.grant_purposes') IS NOT NULL").fetchone()
    return bool(row and row[0])


def grant(connection: Connection) -> tuple[str, ...]:
    """Every role that is there may ask what its purpose may ask; the roles that are not there."""
    row = connection.execute("SELECT register.grant_purposes()").fetchone()
    return tuple(row[0]) if row else ()
