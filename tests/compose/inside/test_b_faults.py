"""Something breaks while a file is on its way: work goes on unaided, nothing is lost, and nothing happens twice."""

import time
from contextlib import ExitStack, contextmanager

import pytest

from compose import stack, work
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import TryLater

ON_THEIR_WAY = 4.0
"""Seconds within which no file is done yet."""


def pass_by(seconds):
    """Wait, by short looks at the clock."""
    until = time.time() + seconds
    while time.time() < until:
        time.sleep(stack.EVERY)


class HalfWay(bytes):
    """Bytes that do something when half of them have been asked for, one piece after the other."""

    def __new__(cls, content, then):
        made = super().__new__(cls, content)
        made.waiting = [then]
        return made

    def __getitem__(self, piece):
        if piece.start > len(self) / 2 and self.waiting:
            self.waiting.pop()()
        return super().__getitem__(piece)


@contextmanager
def held_in_the_middle(struck, ends):
    """A worker that stands still in the middle of taking a file in; after a file that was too quick comes another."""
    for _ in range(20):
        host = work.taken_in_by(struck.files[-1])
        found = [each for each in stack.containers("worker") if host and each.id.startswith(host)]
        for worker in found:
            with worker.paused():
                if not work.ended(struck.files[-1]) and work.taken_in_by(struck.files[-1]) == host:
                    yield worker
                    return
        stack.until("the end of the file that was not caught", lambda: work.ended(struck.files[-1]), within=120)
        struck.files.append(work.drop(ends))
    raise AssertionError("no file was slow enough to be caught")


def whole():
    """Every container that was broken is healthy again."""
    every = [each for name in LONG_RUNNING for each in stack.containers(name)]
    return len(every) == len(LONG_RUNNING) + 1 and all(each.healthy for each in every)


LONG_RUNNING = (
    "airflow-db",
    "councils-db",
    "valkey",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
    "drop-zone",
)


@pytest.fixture(autouse=True)
def everything_is_up():
    stack.until("every container is healthy", whole, within=180)


def test_nothing_is_broken(broken):
    with broken("nothing"):
        pass


def test_a_worker_is_killed_in_the_middle_of_a_task(broken, ends):
    with broken("a worker, killed while it took the file in") as struck:
        with held_in_the_middle(struck, ends) as worker:
            worker.kill()
        struck.now()


def test_a_worker_is_killed_at_a_random_moment(broken):
    with broken("a worker, killed at a random moment with three files on their way", work.FEEDS) as struck:
        pass_by(struck.random.uniform(0, ON_THEIR_WAY))
        struck.random.choice(stack.containers("worker")).kill()
        struck.now()


def test_every_worker_is_killed_with_a_task_that_was_received_and_has_not_begun(broken):
    with broken("both workers, killed with a task that was received and had not begun") as struck:
        with stack.container("api-server").paused():
            stack.until("a worker has the task", lambda: work.received(struck.files[0]), within=60)
            for worker in stack.containers("worker"):
                worker.kill()
        struck.now()


def test_every_worker_is_killed_with_a_message_on_its_way_to_it(broken, ends):
    """The broker takes a message off its queue when it hands it out; whoever dies before noting it takes it along."""
    with broken("both workers, killed before they noted what they were handed") as struck:
        stack.until("an end of what is on its way", lambda: work.ended(struck.files[0]), within=120)
        with ExitStack() as frozen:
            workers = stack.containers("worker")
            for worker in workers:
                frozen.enter_context(worker.paused())
            struck.files.append(work.drop(ends))
            stack.until("its message is in the queue", lambda: work.in_queue(struck.files[-1]), within=60)
            work.asked("del default")
            for worker in workers:
                worker.kill()
        struck.now()


@pytest.mark.parametrize(
    "service", ["councils-db", "airflow-db", "scheduler", "triggerer", "dag-processor", "api-server", "valkey"]
)
def test_a_process_is_killed(broken, service):
    with broken(f"{service}, killed") as struck:
        pass_by(struck.random.uniform(0, ON_THEIR_WAY))
        stack.container(service).kill()
        struck.now()


def test_the_broker_is_paused(broken):
    with broken("valkey, paused for 10 s") as struck:
        with stack.container("valkey").paused():
            pass_by(10)
        struck.now()


def test_the_network_of_a_worker_is_cut_and_healed(broken, ends):
    with broken("the network of a worker, cut for 10 s while it took the file in") as struck:
        with ExitStack() as cut:
            with held_in_the_middle(struck, ends) as worker:
                cut.enter_context(worker.cut_off())
            pass_by(10)
        struck.now()


def test_a_worker_is_deaf_to_the_database(broken, ends):
    with broken("one way from councils-db to a worker, cut for 10 s while it took the file in") as struck:
        with ExitStack() as cut:
            with held_in_the_middle(struck, ends) as worker:
                cut.enter_context(worker.deaf_to(stack.container("councils-db").address))
            pass_by(10)
        struck.now()


def test_the_drop_zone_is_killed_in_the_middle_of_an_upload(broken, ends):
    half = HalfWay(b"half a message" * 1_000_000, stack.container("drop-zone").kill)
    with broken("drop-zone, killed in the middle of an upload") as struck:
        with DropZone(ends.partners["police"].endpoint()) as zone, pytest.raises(TryLater):
            zone.upload_new("/police_incidents", ".half.csv.pgp.part", half)
        struck.now()
        struck.files.append(work.drop(ends))
    stack.until("the half is gone", lambda: without_the_half(ends), within=60)


def without_the_half(ends):
    """True when what was uploaded of it is taken away, which counts among what the partner has left."""
    with DropZone(ends.partners["police"].endpoint()) as zone:
        zone.remove("/police_incidents", b".half.csv.pgp.part", missing_ok=True)
    return True


def test_everything_goes_down_and_comes_up_again(broken, ends):
    with broken("everything: down, and up again", goal=180) as struck:
        before = kept()
        stack.compose("down", "--timeout", "30")
        assert stack.containers("worker") == []
        struck.now()
        stack.compose("up", "--detach", "--wait", "--wait-timeout", "1200", "--scale", "worker=2")
        assert kept() >= before


def kept():
    """How many events, and how many returns that arrived, there are."""
    with work.ledger() as connection:
        return connection.execute(
            """SELECT (SELECT count(*) FROM audit.event),
                      (SELECT count(*) FROM returns.return WHERE state = 'ACKNOWLEDGED')"""
        ).fetchone()
