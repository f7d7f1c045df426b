"""A database server that hands out its log, a place of backups and a recovery key: import `kept` and `hub`."""

from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest

from family_exchange.demo import postgres, recovery


@dataclass(frozen=True)
class Hub:
    """The server, and the URL of a login that may copy it."""

    server: postgres.Server
    copier: str

    def hand_out(self, kept):
        recovery.hand_out(self.server, kept)


@pytest.fixture(scope="module")
def kept():
    with recovery.safe() as safe:
        yield safe


@pytest.fixture(scope="module")
def hub(kept, open_folder):
    with postgres.running(open_folder / uuid4().hex[:8], durable=False, more=kept.settings) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE copier LOGIN REPLICATION PASSWORD 'copies'")
        yield Hub(server, server.url("postgres", "copier", "copies"))
