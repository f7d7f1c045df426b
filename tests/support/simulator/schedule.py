"""One random schedule: uploads, polls, crashes, retries, zombies, decisions and clock jumps around the real intake.

Everything follows from the seed. When the schedule is over, faults end, time goes on, and the invariants of a file's
life are asserted; `python -m support.simulator --seed N` runs one again and tells its steps.
"""

import sys
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from greenlet import getcurrent, greenlet

from family_exchange.adapters.landings import SET_ASIDE
from family_exchange.domain.errors import ExchangeError, TryLater
from family_exchange.domain.file import State
from family_exchange.domain.release import NEVER
from family_exchange.stages import acknowledge, intake, receive
from support.simulator.judge import judge
from support.simulator.messages import Message
from support.simulator.world import ONE, TWO, Broken, Death, Node, Office, World

STEPS = 44
"""Scheduler's steps before faults end."""
BURSTS = (1, 1, 2, 3, 5, 8, 13, 34)
"""Calls that a worker makes before another may run."""
MOST_WORKERS = 4
LOOKS = 2
"""What is first seen at one look is told of, if it never becomes whole, at the next."""
ROUNDS = 12
"""Runs without a fault after which nothing may wait any more; as many more as there are files, where few go at once."""
FAULTS = (
    (0, 0, 0, 0),
    (0.02, 0, 0, 0),
    (0, 0.03, 0, 0),
    (0, 0, 0, 0.03),
    (0.01, 0.01, 0.01, 0.01),
    (0.05, 0.03, 0.02, 0.02),
)
"""How likely a call is to be the worker's last, to fail, to find the ledger's session lost, to lose its answer."""


@dataclass
class Session:
    """A worker's connection to the ledger."""

    lost: bool = False


@dataclass
class Worker:
    """One process of the platform."""

    name: str
    world: World
    dead: bool = False
    sessions: list = field(default_factory=list)
    run: greenlet | None = None
    result: object = None
    left: int = 0
    """Calls until others may run."""
    deaf: str = ""
    """The call whose answer will not come."""

    def open_session(self):
        session = Session()
        self.sessions.append(session)
        return session

    def close_session(self, session):
        """What it locked is free; a lost one's was freed when the server noticed."""
        self.sessions.remove(session)
        _free(self.world, session)

    def lose_session(self, *, freed=True):
        """The connection is broken, and the worker does not know; nor does the server, unless it `freed` its locks."""
        for session in self.sessions:
            session.lost = True
            if freed:
                _free(self.world, session)

    def hears_nothing(self):
        """What it asked for was done; the line is gone, and the ledger's session with it."""
        label, self.deaf = self.deaf, ""
        if label.startswith("ledger"):
            self.lose_session()
        raise TryLater("the endpoint does not answer")


def _free(world, session):
    world.ledger.locks = {file: held for file, held in world.ledger.locks.items() if held is not session}


class Schedule:
    """The scheduler, the partner at the other end, and the judge."""

    def __init__(self, seed, *, tell=None):
        self.random = Random(seed)
        self.tell = tell
        self.world = World(decide=self._fate)
        self.workers = []
        self.sent = []
        self.growing = {}
        self.unnoticed = []
        """Dead workers whose locks the server still keeps."""
        self.faults = self.random.choice(FAULTS)
        self.world.profile = self.random.choice((ONE, ONE, TWO))
        self.world.most_at_once = self.random.choice((2, 200))
        self.calm = False
        self.number = 0

    def play(self):
        """Raise `Broken`, or any other error, when something does not hold."""
        self.world.hub = getcurrent()
        for _ in range(STEPS):
            self._step()
        self.calm = True
        self.world.decide = self._fate if self.tell else None
        self._notice()
        while alive := [worker for worker in self.workers if not worker.run.dead]:
            self._resume(self.random.choice(alive))
        self._rest()
        judge(self.world)

    def _step(self):
        roll = self.random.random()
        alive = [worker for worker in self.workers if not worker.run.dead]
        if alive and (roll < 0.6 or len(alive) >= MOST_WORKERS):
            self._resume(self.random.choice(alive))
        elif roll < 0.76:
            self._partner()
        elif roll < 0.88:
            self._start()
        elif roll < 0.94:
            self._people()
        elif roll < 0.96:
            self._notice()
        else:
            self._say("the clock moves")
            self.world.now += timedelta(seconds=self.random.choice((-3600, -1, 30, 70, 70, 4000, 25000)))

    def _notice(self):
        """The server notices that workers are dead, and frees what they held."""
        for worker in self.unnoticed:
            worker.lose_session()
        self.unnoticed = []

    def _people(self):
        """Two people release a file, or reject it, unless a worker is at it."""
        ledger = self.world.ledger
        held = [file for file in ledger.files.values() if file.state is State.QUARANTINED and file.reason not in NEVER]
        if held and (file := self.random.choice(held)).file_id not in ledger.locks:
            to = self.random.choice((State.CLAIMED, State.CLAIMED, State.REJECTED))
            self._say(f"people: {file.file_id} {to}")
            ledger.people(file, to)

    def _start(self):
        """Airflow starts a task: a poll, or one that somebody cleared, retried or ran beside another."""
        known = list(self.world.ledger.files)
        kind = self.random.choice(("poll", "chain", "take", "answer")) if known else "poll"
        file_id = self.random.choice(known) if known else None
        self._launch(kind, file_id)

    def _launch(self, kind, file_id=None):
        self.number += 1
        worker = Worker(f"{kind}{self.number}", self.world)
        worker.run = greenlet(lambda: self._work(worker, kind, file_id))
        self.workers = [each for each in self.workers if not each.run.dead]
        self.workers.append(worker)
        self._say(f"{worker.name} starts {file_id or ''}")
        return worker

    def _work(self, worker, kind, file_id):
        """What one process does; our own errors are Airflow's to retry, and so are all others a failure here."""
        office = Office(self.world, worker)
        try:
            if kind == "poll":
                worker.result = receive.find_in(office, "feed", settle=office.settle)
                for each in worker.result:
                    self._one(office, each)
            elif kind == "chain":
                self._one(office, file_id)
            elif kind == "take":
                intake.take_in_at(office, file_id, at=self._moment())
            else:
                acknowledge.partner_at(office, file_id)
        except Death:
            self._say(f"{worker.name} dies")
        except ExchangeError as error:
            self._say(f"{worker.name} stops: {type(error).__name__}")
        if worker.dead:  # PostgreSQL notices a dead peer and frees what it held, sooner or later
            late = not self.calm and self.random.random() < 0.3
            worker.lose_session(freed=not late)
            if late:
                self.unnoticed.append(worker)

    def _one(self, office, file_id):
        intake.take_in_at(office, file_id, at=self._moment())
        acknowledge.partner_at(office, file_id)

    def _moment(self):
        return self.world.now + self.world.skew

    def _resume(self, worker):
        if not worker.run.dead:
            worker.left = self.random.choice(BURSTS)
            worker.run.switch()

    def _fate(self, worker, label):
        if self.tell:
            self.tell(f"{worker.name}: {label}")
        if self.calm:
            return "go"
        roll = self.random.random()
        for fate, likely in zip(("die", "fail", "cut", "deaf"), self.faults, strict=True):
            if roll < likely:
                return fate
            roll -= likely
        return "go"

    def _say(self, what):
        if self.tell:
            self.tell(what)

    # --- the partner ---------------------------------------------------------------------------------------------

    def _partner(self):
        act = self.random.choice(("send", "send", "send_again", "grow", "replace", "take_back", "open", "stall"))
        self.partner = self.random.choice(self.world.profile.slugs).slug
        self._say(f"{self.partner}: {act}")
        getattr(self, f"_{act}")()

    def _send(self):
        self._upload(self._message())

    def _message(self):
        """A new message, or one that repeats, contradicts or precedes an earlier one."""
        number = len(self.sent) + 1
        day = (self.world.now - timedelta(days=self.random.randrange(4))).date()
        stated = self.random.random() < 0.7
        new = Message(
            content=f"content {number}".encode(),
            signature=f"signature {number}",
            signed_at=self.world.now - timedelta(minutes=self.random.randrange(3000)),
            as_of=day if stated else None,
            sequence=self.random.randrange(1, 6) if stated and self.random.random() < 0.5 else None,
            refused=self.random.random() < 0.1,
            salt=number,
        )
        if self.sent and self.random.random() < 0.3:
            old = self.random.choice(self.sent)
            new = replace(old, salt=number, signature=self.random.choice((old.signature, new.signature)))
        self.sent.append(new)
        return new

    def _upload(self, message):
        self._put(self._name(), self._sealed(message))

    def _put(self, name, data):
        self.world.put(self.partner, name, data)

    def _landing(self):
        return self.world.landing(self.partner)

    def _sealed(self, message):
        return self.world.messages.seal(message)

    def _name(self):
        return self.random.choice((b"weekly.csv.pgp", b"monday.csv.pgp", b"\xff\xfe.pgp", b"other.pgp"))

    def _send_again(self):
        if self.sent:
            self._upload(self.random.choice(self.sent))

    def _grow(self):
        """An upload under its final name, a piece at a time."""
        landing = self._landing()
        for (partner, name), (node, data) in list(self.growing.items()):
            if self.world.landing(partner).get(name) is node:
                node.data = data if self.random.random() < 0.5 else data[: len(node.data) + 40]
                node.modified_at = int(self.world.now.timestamp())
                if node.data == data:
                    del self.growing[partner, name]
                return
            del self.growing[partner, name]
        name, data = self._name(), self._sealed(self._message())
        if name not in landing:
            node = landing[name] = Node(data[: self.random.choice((0, 3, 90))], int(self.world.now.timestamp()))
            self.growing[self.partner, name] = (node, data)

    def _stall(self):
        """A name that an uploading client uses, and a client that went away."""
        self._put(b"late.csv.pgp.filepart", self._sealed(self._message())[:70])

    def _open(self):
        """A file that nobody sealed."""
        self._put(self._name(), b"name,born\n" * 20)

    def _replace(self):
        """Another file under a name that is in use, some with the time of the old; nobody uploads to names of ours."""
        if names := sorted(name for name in self._landing() if not name.startswith(SET_ASIDE)):
            name = self.random.choice(names)
            modified = self._landing()[name].modified_at
            self._put(name, self._sealed(self._message()))
            if self.random.random() < 0.5:
                self._landing()[name].modified_at = modified

    def _take_back(self):
        if landing := self._landing():
            del landing[self.random.choice(sorted(landing))]

    # --- the end -------------------------------------------------------------------------------------------------

    def _rest(self):
        """Without faults, and with time going on, every file comes to its end."""
        quiet = 0
        for _ in range(ROUNDS + (len(self.world.ledger.files) if self.world.most_at_once == 2 else 0)):
            self.world.now += timedelta(hours=7)
            worker = self._launch("poll")
            while not worker.run.dead:
                worker.left = sys.maxsize
                worker.run.switch()
            quiet = quiet + 1 if worker.result == [] else 0
            if quiet == LOOKS:
                return
        raise Broken("after many runs files still wait")
