"""Group E, tasks that are cleared, skipped, run twice at once or ended from outside, and files that nobody survives."""

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from family_exchange.adapters import database, ledger
from family_exchange.adapters.sftp import Entry
from family_exchange.demo import world
from family_exchange.domain.errors import Busy, TryLater
from family_exchange.domain.file import Reason, State
from family_exchange.stages import acknowledge, intake, receive, rounds
from family_exchange.stages.office import CouncilOffice
from support import faults, mortal

NOW = timedelta()
DAYS = iter(range(1, 400))


@pytest.fixture(autouse=True)
def at_rest(tenant):
    yield
    faults.assert_at_rest(tenant)


def upload(tenant, *names):
    """Good files of different days: none replaces another, whichever is taken first."""
    for name in names:
        day = datetime(2026, 11, 1, tzinfo=UTC).date() - timedelta(days=next(DAYS))
        faults.put(tenant, name, faults.sealed(tenant, faults.content(as_of=day)))


def head(tenant):
    with database.transaction(tenant.doors.database) as connection:
        return connection.execute("SELECT seq FROM audit.head").fetchone()


# E10 cleared, marked a success, backfilled


@pytest.mark.parametrize("times", [1, 3])
def test_tasks_that_are_cleared_and_run_again_change_nothing(tenant, times):
    upload(tenant, "cleared.pgp")
    (file,) = faults.run(tenant)
    before = head(tenant)
    for _ in range(times):
        assert receive.find(tenant.doors, faults.FEED, settle=0) == []
        assert intake.take_in(tenant.doors, file.file_id, at=datetime.now(UTC)) is State.CLOSED
        assert acknowledge.partner(tenant.doors, file.file_id) is State.CLOSED
    assert head(tenant) == before
    assert faults.of(tenant, file.file_id) == file


def test_a_task_that_was_marked_a_success_has_done_nothing_and_is_done_by_the_next_run(tenant):
    upload(tenant, "skipped.pgp")
    (file_id,) = receive.find(tenant.doors, faults.FEED, settle=0)
    assert acknowledge.partner(tenant.doors, file_id) is State.SEEN  # `take_in` was only marked
    faults.assert_invariants(tenant)
    assert receive.find(tenant.doors, faults.FEED, settle=0) == [file_id]
    assert intake.take_in(tenant.doors, file_id, at=datetime.now(UTC)) is State.APPLIED
    assert receive.find(tenant.doors, faults.FEED, settle=0) == [file_id]  # `answer_partner` was only marked
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]


def at_once(tenant, workers):
    """So many workers in threads, each with a round of its own; what they worked on, and what they met."""
    start, done, met = threading.Barrier(workers), [], []

    def work():
        with CouncilOffice(tenant.doors).kept_open() as office:
            start.wait(300)
            try:
                done.extend(rounds.once(office, faults.FEED, settle=NOW))
            except TryLater as error:
                met.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(1200)
    return done, met


@pytest.mark.parametrize("names", [("one.pgp",), ("one.pgp", "two.pgp"), ("a.pgp", "b.pgp", "c.pgp", "d.pgp")])
def test_workers_at_once_have_the_effect_of_one(tenant, names):
    upload(tenant, *names)
    done, met = at_once(tenant, 3)
    assert met == []
    faults.run(tenant)
    files = [faults.of(tenant, file_id) for file_id in set(done)]
    assert {file.name_bytes.decode(): file.state for file in files} == dict.fromkeys(names, State.CLOSED)


def test_looks_at_once_make_one_row_of_each_entry(tenant):
    entries = [Entry(b"%d.pgp" % number, 1000, 1, regular=True) for number in range(20)]
    start = threading.Barrier(6)

    def look():
        with CouncilOffice(tenant.doors).desk() as desk:
            start.wait(300)
            desk.land("police", "a_feed_of_looks", entries)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    with database.transaction(tenant.doors.database) as connection:
        names = [file.name_bytes for file in ledger.files(connection, "a_feed_of_looks")]
    assert sorted(names) == sorted(entry.name for entry in entries)


def test_who_comes_second_is_told_that_the_file_is_busy(tenant):
    upload(tenant, "contested.pgp")
    (file_id,) = receive.find(tenant.doors, faults.FEED, settle=0)
    office = CouncilOffice(tenant.doors)
    with office.desk() as desk:
        assert desk.hold(file_id)
        for stage in (
            lambda: intake.take_in_at(office, file_id, at=datetime.now(UTC)),
            lambda: acknowledge.partner_at(office, file_id),
        ):
            with pytest.raises(Busy):
                stage()
        with office.kept_open() as kept:
            assert rounds.once(kept, faults.FEED, settle=NOW) == []
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]


# E11 told to end


@pytest.mark.parametrize("where", ["while it reads", "while it opens the seal"])
def test_a_worker_that_is_told_to_end_leaves_the_file_to_the_next(tenant, where):
    upload(tenant, "ended.pgp")
    assert mortal.told_to_end(tenant, world.environment(tenant), faults.FEED, where) == -signal.SIGTERM
    faults.assert_invariants(tenant)
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]


# E13 files that kill


def test_a_file_over_which_three_workers_died_is_set_aside_and_the_others_go_on(tenant):
    faults.put(tenant, "a-killer.pgp", faults.sealed(tenant, faults.content()))
    upload(tenant, "b-good.pgp")
    for _ in range(intake.DEATHS):
        code = mortal.die_at(tenant, world.environment(tenant), faults.FEED, "intake.examined")
        assert code == -signal.SIGKILL
        faults.assert_invariants(tenant)
    ends = {file.name_bytes: (file.state, file.reason) for file in faults.run(tenant)}
    assert ends == {b"a-killer.pgp": (State.QUARANTINED, Reason.CONTENT), b"b-good.pgp": (State.CLOSED, None)}


def test_a_file_over_which_two_workers_died_is_taken_by_the_third(tenant):
    upload(tenant, "unlucky.pgp")
    for _ in range(intake.DEATHS - 1):
        code = mortal.die_at(tenant, world.environment(tenant), faults.FEED, "intake.examined")
        assert code == -signal.SIGKILL
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]


@pytest.mark.parametrize("spare", [1, 48, 160])
def test_a_worker_without_memory_blames_no_file(tenant, spare):
    upload(tenant, f"memory-{spare}.pgp")
    mortal.short_of_memory(tenant, world.environment(tenant), faults.FEED, spare << 20)
    faults.assert_invariants(tenant)
    assert {file.state for file in faults.run(tenant)} <= {State.CLOSED}


class Stumbling(CouncilOffice):
    """Meets an error that nobody foresaw, with somebody's name in it, over one file."""

    def examine(self, desk, file, *, at):
        if file.name_bytes.startswith(b"a-"):
            raise RuntimeError("cannot work on Quillfeather")
        return super().examine(desk, file, at=at)


def test_the_same_unforeseen_error_three_times_sets_the_file_aside_and_keeps_back_no_other(tenant, caplog):
    caplog.set_level(logging.DEBUG)
    upload(tenant, "a-odd.pgp", "b-good.pgp")
    office = Stumbling(tenant.doors)
    for number in range(intake.SAME_FAILURES - 1):
        with pytest.raises(RuntimeError):
            rounds.once(office, faults.FEED, settle=NOW)
        faults.assert_invariants(tenant)
        if not number:
            assert [file.name_bytes for file in closed(tenant)][-1] == b"b-good.pgp"
    (set_aside,) = (faults.of(tenant, file_id) for file_id in rounds.once(office, faults.FEED, settle=NOW))
    assert (set_aside.state, set_aside.reason) == (State.QUARANTINED, Reason.CONTENT)
    assert set_aside.detail == intake.OURS, "its partner is not asked to mend what is our own"
    assert "Quillfeather" not in caplog.text + str(faults.receipt_of(tenant, set_aside))
    with database.transaction(tenant.doors.database) as connection:
        events = connection.execute("SELECT convert_from(event, 'UTF8') FROM audit.event").fetchall()
    assert any("file.failed" in event and "RuntimeError" in event for (event,) in events)
    assert not any("Quillfeather" in event for (event,) in events)


def closed(tenant):
    with database.transaction(tenant.doors.database) as connection:
        return [file for file in ledger.files(connection) if file.state is State.CLOSED]


def test_a_server_that_is_away_counts_against_no_file(tenant):
    class Away(CouncilOffice):
        def examine(self, desk, file, *, at):
            raise TryLater("gpg could not work now")

    upload(tenant, "innocent.pgp")
    for _ in range(2 * intake.DEATHS):
        with pytest.raises(TryLater):
            rounds.once(Away(tenant.doors), faults.FEED, settle=NOW)
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]
