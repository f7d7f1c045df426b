"""A migrated council database for a test: copied from the one that nobody uses, and gone afterwards."""

import psycopg
from psycopg import sql

from family_exchange.demo.postgres import patiently


def copied(server, migrated, name):
    """The URL of a fresh one of that name."""
    _do(server, "CREATE DATABASE {} TEMPLATE migrated OWNER migrated", name)
    return migrated.rsplit("/", 1)[0] + f"/{name}"


def dropped(server, name):
    """It is no more, whoever still used it."""
    _do(server, "DROP DATABASE {} WITH (FORCE)", name)


def _do(server, statement, name):
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        patiently(connection, sql.SQL(statement).format(sql.Identifier(name)))
