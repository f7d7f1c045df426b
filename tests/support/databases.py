"""A migrated council database for a test: copied from the one that nobody uses, and gone afterwards.

PostgreSQL gives the sessions of a database that is copied or dropped five seconds to be gone; on a machine that has
much else to do they take longer to end.
"""

import psycopg

TIMES = 24
"""Two minutes."""


def copied(server, migrated, name):
    """The URL of a fresh one of that name."""
    _patiently(server, f"CREATE DATABASE {name} TEMPLATE migrated OWNER migrated")
    return migrated.rsplit("/", 1)[0] + f"/{name}"


def dropped(server, name):
    """It is no more, whoever still used it."""
    _patiently(server, f"DROP DATABASE {name} WITH (FORCE)")


def _patiently(server, statement):
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for left in reversed(range(TIMES)):
            try:
                connection.execute(statement)
            except psycopg.errors.ObjectInUse:
                if not left:
                    raise
            else:
                return
