"""A council with real doors, for every stage."""

from uuid import uuid4

import pytest

from support import databases
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
        made.append(name)
        return with_staging(databases.copied(server, migrated, name))

    yield another
    for name in made:
        databases.dropped(server, name)
