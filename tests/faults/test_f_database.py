"""Group F, the database: backends that are ended or killed, lines that break, locks that nobody lets go."""

import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from family_exchange.adapters import admission, database
from family_exchange.domain.errors import Busy, TryLater
from family_exchange.domain.file import State
from family_exchange.stages import intake, receive, rounds
from family_exchange.stages.office import CouncilOffice, KeptOffice
from support import faults, hostile
from support.meanwhile import until_nobody_holds
from support.proxy import bad_line

NOW = timedelta()
DAYS = iter(range(1, 400))
WITHIN = (State.SEEN, State.CLAIMED, State.VAULTED, State.APPLIED)
"""Where a file may be between two of intake's transactions."""


@pytest.fixture(autouse=True)
def at_rest(tenant):
    yield
    faults.assert_at_rest(tenant)


def upload(tenant, name="one.pgp"):
    day = date(2026, 11, 1) - timedelta(days=next(DAYS))
    faults.put(tenant, name, faults.sealed(tenant, faults.content(as_of=day)))


def found(tenant):
    (file_id,) = receive.find(tenant.doors, faults.FEED, settle=0)
    return file_id


class Rows:
    """Rows to stage; something happens when the first of them are on their way."""

    def __init__(self, rows, act):
        self.rows, self.act = rows, act

    def each(self, work):
        for number, part in enumerate(self.rows.each(work)):
            yield part
            if not number:
                self.act()


class Acting(CouncilOffice):
    """Does something while the rows of a file are being staged, in the middle of its one transaction."""

    act = None

    def examine(self, desk, file, *, at):
        examined = super().examine(desk, file, at=at)
        pid = desk.connection.info.backend_pid
        rows = Rows(examined.contents.accepted, lambda: type(self).act(pid))
        return replace(examined, contents=replace(examined.contents, accepted=rows))


def acting(tenant, act):
    kind = type("ActingNow", (Acting,), {"act": staticmethod(act)})
    return kind(tenant.doors)


def ended(tenant):
    def act(pid):
        with psycopg.connect(tenant.doors.database, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))

    return act


def staged(tenant, file_id):
    with database.transaction(tenant.doors.database) as connection:
        return connection.execute(
            f"SELECT count(*) FROM staging.{faults.FEED} WHERE file_id = %s", (file_id,)
        ).fetchone()[0]


def again_when_it_is_back(tenant):
    """A round, when the database answers again: after a killed backend it starts anew."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(TryLater):
            return faults.run(tenant)
        time.sleep(0.1)
    raise AssertionError("the database did not come back")


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_a_backend_that_goes_in_the_middle_of_staging_leaves_no_row(tenant, how):
    upload(tenant)
    file_id = found(tenant)
    act = ended(tenant) if how == "ended" else lambda pid: os.kill(pid, signal.SIGKILL)
    with pytest.raises(TryLater):
        intake.take_in_at(acting(tenant, act), file_id, at=datetime.now(UTC))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(TryLater):
            assert (faults.of(tenant, file_id).state, staged(tenant, file_id)) == (State.VAULTED, 0)
            break
        time.sleep(0.1)
    (file,) = again_when_it_is_back(tenant)
    assert (file.state, staged(tenant, file_id)) == (State.CLOSED, file.rows_loaded)


def test_a_worker_that_stays_takes_the_next_file_over_a_new_connection(tenant):
    upload(tenant)
    act = ended(tenant)
    with CouncilOffice(tenant.doors).kept_open() as office:
        with office.desk() as desk:
            first = desk.connection.info.backend_pid
        act(first)
        with pytest.raises(TryLater):
            rounds.once(office, faults.FEED, settle=NOW)
        assert len(rounds.once(office, faults.FEED, settle=NOW)) == 1
        with office.desk() as desk:
            assert desk.connection.info.backend_pid != first


def test_a_line_that_breaks_anywhere_leaves_every_transaction_whole_or_undone(tenant):
    parts = urlsplit(tenant.doors.database)
    for after in (200, 1800, 3200, 4600, 6000, 9000, 14000, 18000):
        upload(tenant, f"line-{after}.pgp")
        with bad_line(parts.port, after=after, failure="cut") as line:
            url = tenant.doors.database.replace(f":{parts.port}/", f":{line.port}/")
            poor = hostile.with_settings(tenant, database=url)
            with CouncilOffice(poor.doors).kept_open() as office, suppress(TryLater):
                rounds.once(office, faults.FEED, settle=NOW)
        with psycopg.connect(tenant.doors.database, autocommit=True) as connection:
            until_nobody_holds(connection)
        faults.assert_invariants(tenant)
        faults.run(tenant)
        faults.assert_at_rest(tenant)


@contextmanager
def held_by_another(tenant, statement, *arguments):
    with psycopg.connect(tenant.doors.database) as connection:
        connection.execute(statement, arguments)
        yield


@pytest.mark.parametrize("what", ["the feed's place", "the head of the audit", "the file's row"])
def test_a_lock_that_nobody_lets_go_is_not_waited_for_without_end(tenant, monkeypatch, what):
    monkeypatch.setattr(database, "LOCK_SECONDS", 1)
    upload(tenant)
    file_id = found(tenant)
    lock = {
        "the feed's place": (
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            admission.FEED_LOCK,
            f"police/{faults.FEED}",
        ),
        "the head of the audit": ("SELECT * FROM audit.head FOR UPDATE",),
        "the file's row": ("SELECT * FROM exchange.file WHERE file_id = %s FOR UPDATE", file_id),
    }[what]
    with held_by_another(tenant, *lock):
        began = time.monotonic()
        with pytest.raises(TryLater) as raised:
            intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
        assert time.monotonic() - began < 120
        assert not isinstance(raised.value, Busy)
    assert faults.of(tenant, file_id).state in WITHIN
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]


def test_desks_of_one_worker_share_a_connection_and_let_go_of_what_they_held(tenant):
    upload(tenant)
    file_id = found(tenant)
    with CouncilOffice(tenant.doors).kept_open() as office:
        assert isinstance(office, KeptOffice)
        with office.desk() as desk:
            assert desk.hold(file_id)
            pid = desk.connection.info.backend_pid
        with CouncilOffice(tenant.doors).desk() as other:
            assert other.hold(file_id), "the first desk has let go of it"
        with office.desk() as desk:
            assert desk.connection.info.backend_pid == pid
        with office.drop_zone() as zone:
            pass
        with office.drop_zone() as again:
            assert again is zone
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED]
