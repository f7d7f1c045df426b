"""A council with real doors, for every stage."""

import pytest

from support.council import council, recipient_server, rings
from support.purging import with_one_due

__all__ = ["council", "old", "recipient_server", "rings"]


@pytest.fixture
def old(council):
    """A council with one thing that is due."""
    return with_one_due(council)
