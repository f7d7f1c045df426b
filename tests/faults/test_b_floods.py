"""Group B, a folder with fifty thousand entries: a run takes what it can bear, and nobody waits for another's flood."""

import resource
import time
from datetime import timedelta

import pytest

from family_exchange.adapters import database, ledger
from family_exchange.adapters import desk as desks
from family_exchange.adapters.landings import MOST_AT_ONCE, MOST_NEW
from family_exchange.adapters.sftp import Entry
from family_exchange.domain.file import State
from family_exchange.stages import receive
from support import faults

FLOOD = 50_000
NOW = timedelta()


def rows(tenant):
    with database.transaction(tenant.doors.database) as connection:
        return ledger.files(connection)


def entries(prefix, count, *, since):
    return [Entry(b"%s-%06d.pgp" % (prefix, number), 1000, since + number, regular=True) for number in range(count)]


def test_partners_of_one_feed_are_taken_by_turns_the_oldest_of_each_first(tenant):
    flood, few = entries(b"flood", FLOOD, since=1_000_000), entries(b"few", 3, since=2_000_000)
    with desks.opened(tenant.doors.database) as desk:
        desk.land("police", "a_feed_of_two", flood)
        desk.land("schools", "a_feed_of_two", few)
        waiting = desk.waiting("a_feed_of_two", NOW, NOW)
        taken = [desk.read(file_id) for file_id in waiting]
        assert [file.partner for file in taken[:7]] == ["police", "schools"] * 3 + ["police"]
        assert len(taken) == MOST_AT_ONCE
        names = [file.name_bytes for file in taken if file.partner == "police"]
        assert names == [entry.name for entry in flood[: len(names)]]
        desk.land("police", "a_feed_of_two", [])
        desk.land("schools", "a_feed_of_two", [])
    assert {file.state for file in rows(tenant)} == {State.GONE}


@pytest.mark.timeout(3600)
def test_a_folder_of_fifty_thousand_entries_is_worked_through_run_by_run(tenant):
    place = faults.place(tenant)
    for number in range(FLOOD):
        (place / f"flood-{number:06}.pgp").write_bytes(b"\xc1" * 100)
    known = len(rows(tenant))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    found = receive.find(tenant.doors, faults.FEED, settle=0)
    assert time.monotonic() - began < 600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10
    assert len(found) == MOST_AT_ONCE
    assert len(rows(tenant)) - known <= 2 * MOST_NEW
    for file in place.iterdir():
        file.unlink()
    while any(file.state is State.SEEN for file in rows(tenant)):
        receive.find(tenant.doors, faults.FEED, settle=0)
    faults.put(tenant, "twin.pgp", faults.sealed(tenant, faults.content()))
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]
    faults.assert_at_rest(tenant)
