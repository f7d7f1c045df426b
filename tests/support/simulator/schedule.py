"""One random schedule: uploads, polls, crashes, retries, zombies, clears and clock jumps around the real intake.

Everything follows from the seed. When the schedule is over, faults end, time goes on, and the invariants of a file's
life are asserted; `python -m support.simulator --seed N` runs one again and tells its steps.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from random import Random

from greenlet import getcurrent, greenlet

from family_exchange.adapters.landings import SET_ASIDE
from family_exchange.domain.errors import ExchangeError
from family_exchange.domain.file import ACCEPTED, ENDS, State, looks_unfinished
from family_exchange.stages import acknowledge, intake, receive
from support.simulator.messages import Message
from support.simulator.world import RECEIPTS, Broken, Death, Node, Office, World

STEPS = 60
"""Scheduler's steps before faults end."""
MOST_WORKERS = 4
LOOKS = 2
"""What is first seen at one look is told of, if it never becomes whole, at the next."""
ROUNDS = 12
"""Runs without a fault after which nothing may wait any more."""


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

    def open_session(self):
        session = Session()
        self.sessions.append(session)
        return session

    def close_session(self, session):
        """What it locked is free; a lost one's was freed when the server noticed."""
        self.sessions.remove(session)
        _free(self.world, session)

    def lose_session(self):
        """The server has given up the connection; the worker does not know yet."""
        for session in self.sessions:
            session.lost = True
            _free(self.world, session)


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
        self.faults = self.random.choice(
            ((0, 0, 0), (0.04, 0, 0), (0, 0.05, 0), (0.02, 0.02, 0.02), (0.06, 0.05, 0.03))
        )
        self.calm = False
        self.number = 0

    def play(self):
        """Raise `Broken`, or any other error, when something does not hold."""
        self.world.hub = getcurrent()
        for _ in range(STEPS):
            self._step()
        self.calm = True
        for worker in self.workers:
            while not worker.run.dead:
                self._resume(worker)
        self._rest()
        self._judge()

    def _step(self):
        roll = self.random.random()
        alive = [worker for worker in self.workers if not worker.run.dead]
        if alive and (roll < 0.8 or len(alive) >= MOST_WORKERS):
            self._resume(self.random.choice(alive))
        elif roll < 0.9:
            self._partner()
        elif roll < 0.97:
            self._start()
        else:
            self._say("the clock moves")
            self.world.now += timedelta(seconds=self.random.choice((-3600, -1, 30, 70, 4000, 25000)))

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
        if worker.dead:  # PostgreSQL notices a dead peer and frees what it held
            worker.lose_session()

    def _one(self, office, file_id):
        intake.take_in_at(office, file_id, at=self._moment())
        acknowledge.partner_at(office, file_id)

    def _moment(self):
        return self.world.now + self.world.skew

    def _resume(self, worker):
        if not worker.run.dead:
            worker.run.switch()

    def _fate(self, worker, label):
        self._say(f"{worker.name}: {label}")
        if self.calm:
            return "go"
        die, fail, cut = self.faults
        roll = self.random.random()
        return "die" if roll < die else "fail" if roll < die + fail else "cut" if roll < die + fail + cut else "go"

    def _say(self, what):
        if self.tell:
            self.tell(what)

    # --- the partner ---------------------------------------------------------------------------------------------

    def _partner(self):
        act = self.random.choice(("send", "send", "send_again", "grow", "replace", "take_back", "open", "stall"))
        self._say(f"partner: {act}")
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
        self.world.put(self._name(), self._sealed(message))

    def _sealed(self, message):
        return self.world.messages.seal(message)

    def _name(self):
        return self.random.choice((b"weekly.csv.pgp", b"monday.csv.pgp", b"\xff\xfe.pgp", b"other.pgp"))

    def _send_again(self):
        if self.sent:
            self._upload(self.random.choice(self.sent))

    def _grow(self):
        """An upload under its final name, a piece at a time."""
        landing = self.world.landing()
        for name, (node, data) in list(self.growing.items()):
            if landing.get(name) is node:
                node.data = data if self.random.random() < 0.5 else data[: len(node.data) + 40]
                node.modified_at = int(self.world.now.timestamp())
                if node.data == data:
                    del self.growing[name]
                return
            del self.growing[name]
        name, data = self._name(), self._sealed(self._message())
        if name not in landing:
            node = landing[name] = Node(data[: self.random.choice((0, 3, 90))], int(self.world.now.timestamp()))
            self.growing[name] = (node, data)

    def _stall(self):
        """A name that an uploading client uses, and a client that went away."""
        self.world.put(b"late.csv.pgp.filepart", self._sealed(self._message())[:70])

    def _open(self):
        """A file that nobody sealed."""
        self.world.put(self._name(), b"name,born\n" * 20)

    def _replace(self):
        """Another file under a name that is in use; nobody uploads to the names that we give."""
        if names := sorted(name for name in self.world.landing() if not name.startswith(SET_ASIDE)):
            self.world.put(self.random.choice(names), self._sealed(self._message()))

    def _take_back(self):
        if self.world.landing():
            del self.world.landing()[self.random.choice(sorted(self.world.landing()))]

    # --- the end -------------------------------------------------------------------------------------------------

    def _rest(self):
        """Without faults, and with time going on, every file comes to its end."""
        quiet = 0
        for _ in range(ROUNDS):
            self.world.now += timedelta(hours=7)
            worker = self._launch("poll")
            while not worker.run.dead:
                self._resume(worker)
            quiet = quiet + 1 if worker.result == [] else 0
            if quiet == LOOKS:
                return
        raise Broken(f"after {ROUNDS} runs files still wait")

    def _judge(self):
        ledger, world = self.world.ledger, self.world
        applied = [file for file, _, after in ledger.moves if after is State.APPLIED]
        _must(len(applied) == len(set(applied)), "a file was applied twice")
        accepted = {file.file_id for file in ledger.files.values() if file.state in ACCEPTED}
        _must(accepted == set(applied) == ledger.staged, "the staged rows are not those of the applied files")
        contents = [ledger.files[file].columns_dropped for file in accepted]
        _must(len(contents) == len(set(contents)), "one content was applied twice")
        numbers = [file.sequence for file in map(ledger.files.get, accepted) if file.sequence is not None]
        _must(len(numbers) == len(set(numbers)), "one number was applied twice")
        for file in ledger.files.values():
            self._judge_file(file)
        for name, node in world.landing().items():
            _must(looks_unfinished(name, len(node.data)), "a whole file was left lying")
        final = list(world.folders[RECEIPTS])
        _must(not any(name.startswith(b".") for name in final), "half a receipt was left lying")
        told = {f"{file.file_id}.json.pgp".encode() for file in ledger.files.values() if file.state is not State.GONE}
        _must(told == {name for name in final if name.endswith(b".json.pgp")}, "somebody was not told, or of nothing")

    def _judge_file(self, file):
        path = [(before, after) for file_id, before, after in self.world.ledger.moves if file_id == file.file_id]
        _must(not path or path[0][0] is State.SEEN, "a path does not begin where files begin")
        _must(all(one[1] is next_[0] for one, next_ in pairwise(path)), "a path has a gap")
        _must(file.state in ENDS, "a file has no end")
        if file.state is State.GONE:
            return
        _must(file.receipt_at is not None and file.answers == 1, "a file was not answered once")
        if file.ct_sha256 is not None:
            _must(sha256(self.world.stored[file.ct_sha256]).digest() == file.ct_sha256, "the vault's bytes are others")
            _must(file.landing_removed_at is not None, "a landing file was not cleared")
        if file.state is State.CLOSED:
            message = self.world.messages.read(self.world.stored[file.ct_sha256])
            _must(message is not None and message.content == file.columns_dropped, "what was applied was not whole")


def _must(holds, what):
    if not holds:
        raise Broken(what)
