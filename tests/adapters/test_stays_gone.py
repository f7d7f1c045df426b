"""A file that waited at a restore's moment and is taken in long afterwards: what was destroyed of it stays so."""

from dataclasses import replace

import pytest

from family_exchange.adapters import database, destruction
from family_exchange.adapters.journal import What
from family_exchange.domain.retention import Kind
from family_exchange.stages import match, restore
from support.council import council, recipient_server, rings
from support.register import AT
from support.registry import a_file, query, with_staging

__all__ = ["council", "recipient_server", "rings"]

FEED = "police_incidents"
RELEASED = ("CLAIMED", "VAULTED", "AUTHENTIC", "VALID", "APPLIED")
"""The states that a file in quarantine goes through when two people release it."""


def row(number):
    return {"record_ref": f"N{number}", "event_ref": "E1", "forename": "Ashley", "surname": f"Testperson{number}"}


@pytest.fixture
def waiting(council):
    """The id of a file that lay in quarantine at the moment to which the council is restored."""
    with_staging(council.doors.settings.database)
    return a_file(council.doors.settings.database, FEED, [row(1), row(2)], state="QUARANTINED")


def destroyed(council, kind, *ids):
    council.doors.journal.add(What.DESTROYED, {"kind": kind, "ids": list(ids), "objects": []})


def restored(council):
    """The last part of a restore, in which the ledger is brought up to the journal."""
    doors = replace(council.doors, inside=True)
    restore._agree_with_the_journal(doors, AT, AT.date(), numbered=0)


def release(council, file_id):
    for state in RELEASED:
        council.register.run("UPDATE exchange.file SET state = %s WHERE file_id = %s", state, file_id)
    return match.people(council.doors)


def records(council):
    return query(council.doors.database, "SELECT source_record_id FROM memory.source_record ORDER BY 1")


def noted(council):
    return query(council.doors.database, "SELECT subject FROM register.due WHERE stage = 'gone' ORDER BY 1")


def of(file_id, number):
    return f"S{file_id.removeprefix('F')}.{number}"


@pytest.mark.requirement("R-111")
def test_a_record_that_was_destroyed_does_not_come_back_when_its_file_is_released_after_a_restore(council, waiting):
    destroyed(council, Kind.SOURCE_RECORD, of(waiting, 1))
    restored(council)
    assert release(council, waiting)["persons"] == 1
    assert records(council) == [(of(waiting, 2),)]
    assert query(council.doors.database, "SELECT surname FROM register.source_record") == [("Testperson2",)]
    assert len(council.register.audited("purge.destroyed_again")) == 1
    assert noted(council) == [], "ids are kept for as long as they are needed"


def test_nothing_else_of_the_file_goes_and_nothing_goes_twice(council, waiting):
    destroyed(council, Kind.SOURCE_RECORD, "S99999999.1")
    restored(council)
    restored(council)
    assert noted(council) == []
    release(council, waiting)
    assert records(council) == [(of(waiting, 1),), (of(waiting, 2),)]
    assert council.register.audited("purge.destroyed_again") == []


def test_staged_rows_that_were_destroyed_go_too(council, waiting):
    destroyed(council, Kind.STAGED_FILE, waiting)
    restored(council)
    release(council, waiting)
    assert query(council.doors.database, f"SELECT count(*) FROM staging.{FEED}") == [(0,)]
    assert len(records(council)) == 2


def test_a_file_that_is_taken_in_during_the_restore_leaves_nothing_to_remember(council, waiting):
    for state in RELEASED:
        council.register.run("UPDATE exchange.file SET state = %s WHERE file_id = %s", state, waiting)
    destroyed(council, Kind.SOURCE_RECORD, of(waiting, 1))
    restored(council)
    assert records(council) == [(of(waiting, 2),)]
    assert noted(council) == []


def test_what_is_remembered_of_a_file_goes_with_the_file(council, waiting):
    other = a_file(council.doors.database, FEED, [row(3)], state="QUARANTINED")
    rejected = a_file(council.doors.database, FEED, [row(4)], state="REJECTED")
    destroyed(council, Kind.SOURCE_RECORD, of(waiting, 1), of(other, 1), of(rejected, 1))
    restored(council)
    assert noted(council) == [(of(waiting, 1),), (of(other, 1),)], "and nothing of a file that nobody can release"
    with database.transaction(council.doors.database) as connection:
        destruction.sealed_file(connection, council.doors.vault, waiting)
    assert noted(council) == [(of(other, 1),)]
