"""While the rows of one file are stored, which may take long, other workers can write to the audit chain."""

from datetime import UTC, date, datetime
from hashlib import sha256

import polars as pl
import pytest

from family_exchange.adapters import audit, database
from family_exchange.adapters import desk as desks
from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.admission import Contents
from family_exchange.adapters.desk import Fetched
from family_exchange.adapters.doors import staging
from family_exchange.adapters.profiles import contract
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.file import State
from family_exchange.domain.findings import Findings
from family_exchange.domain.identity import Identity

FEED = "police_incidents"
DIGEST = sha256(b"sealed").digest()


@pytest.fixture
def desk(council_database):
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, [contract(FEED)])
    with desks.opened(council_database) as desk:
        yield desk


@pytest.fixture
def vaulted(desk):
    desk.land("police", FEED, [Entry(b"a.pgp", 100, 1, regular=True)])
    return desk.vaulted(desk.claim("F00000001"), Fetched(Stored(DIGEST, 100), DIGEST))


def test_the_audit_chain_is_free_while_rows_are_stored(council_database, desk, vaulted):
    def rows():
        with database.transaction(council_database) as other:
            other.execute("SET LOCAL lock_timeout = '100ms'")
            audit.append(other, "test.meanwhile", "another", {})
        return pl.DataFrame({"row_no": [1], "event_ref": ["E1"], "record_ref": ["R1"]})

    contents = Contents("v1", date(2026, 10, 31), None, None, None, 0, Findings(1), Accepted([rows]))
    identity = Identity(b"content", "signature", datetime(2026, 11, 1, tzinfo=UTC), date(2026, 10, 31))
    assert desk.admit(vaulted, "signer", identity, contents) is State.APPLIED
    kinds = [row[0] for row in desk.connection.execute("SELECT kind FROM audit.event ORDER BY seq DESC LIMIT 4")]
    assert kinds == ["file.applied", "file.valid", "file.authentic", "test.meanwhile"]
