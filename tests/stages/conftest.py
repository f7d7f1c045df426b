"""A council with real doors, for every stage."""

from uuid import uuid4

import psycopg
import pytest

from support.council import council, recipient_server, rings
from support.purging import with_one_due
from support.registry import with_staging

__all__ = ["council", "old", "recipient_server", "rings"]


@pytest.fixture
def old(council):
    """A council with one thing that is due."""
    return with_one_due(council)


@pytest.fixture
def fresh(server, migrated):
    """Makes migrated databases, and forgets them."""
    made = []

    def another():
        name = f"b{uuid4().hex[:12]}"
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated OWNER migrated")
        made.append(name)
        return with_staging(migrated.rsplit("/", 1)[0] + f"/{name}")

    yield another
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
