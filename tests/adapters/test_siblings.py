"""Which accepted file of the same day a new one is held against."""

from datetime import UTC, date, datetime, timedelta

import pytest

from family_exchange.adapters import admission, database, ledger
from family_exchange.domain.identity import Identity

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = date(2026, 10, 31)


@pytest.fixture
def connection(council_database):
    with database.transaction(council_database) as opened:
        yield opened


def a_file(connection, *, state="CLOSED", signed_at=NOON, sequence=None, as_of=DAY):
    row = connection.execute(
        """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at, state, as_of, signed_at, sequence)
           VALUES ('police', 'police_incidents', 'a', 1, 1, %s, %s, %s, %s) RETURNING file_id""",
        (state, as_of, signed_at, sequence),
    ).fetchone()
    return row[0]


def held_against(connection, *, sequence=None):
    new = ledger.read(connection, a_file(connection, state="VAULTED"))
    found = admission.siblings(connection, new, Identity(b"content", "signature", NOON, DAY, sequence)).same_day
    return found.file_id if found else None


def test_a_numbered_file_is_held_against_the_highest_number_even_if_others_were_signed_after_it(connection):
    a_file(connection, sequence=1, signed_at=NOON + timedelta(hours=1))
    second = a_file(connection, sequence=2)
    last = a_file(connection, signed_at=NOON + timedelta(hours=2))
    assert held_against(connection, sequence=1) == second
    assert held_against(connection) == last


def test_of_files_signed_in_the_same_second_the_one_that_came_last_counts(connection):
    a_file(connection)
    last = a_file(connection)
    assert held_against(connection) == held_against(connection, sequence=1) == last


def test_files_of_another_day_or_not_accepted_are_no_measure(connection):
    a_file(connection, as_of=DAY - timedelta(days=1))
    a_file(connection, state="QUARANTINED")
    assert held_against(connection, sequence=1) is None
    assert held_against(connection) is None
