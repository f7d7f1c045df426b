"""The simulator's ledger and the real one give the same answers to the same calls, whoever makes them in what order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from random import Random
from types import SimpleNamespace

import polars as pl
import pytest

from family_exchange.adapters import database, decisions
from family_exchange.adapters import desk as desks
from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.admission import Contents
from family_exchange.adapters.desk import Fetched
from family_exchange.adapters.doors import staging
from family_exchange.adapters.profiles import contract
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain import release
from family_exchange.domain.errors import ExchangeError
from family_exchange.domain.file import Reason, State
from family_exchange.domain.findings import Findings
from family_exchange.domain.identity import Identity
from family_exchange.domain.release import GROUNDS, Action
from support.simulator.desk import MemoryDesk
from support.simulator.schedule import Session
from support.simulator.world import World

FEED = "police_incidents"
CALLS = 45
NEVER = timedelta(days=999)
NAMES = (b"a.pgp", b"b.pgp", b"c.pgp.part")
COMPARED = (
    "size", "modified_at", "state", "reason", "epoch", "ct_sha256", "signer", "sig_id", "sequence", "attempt",
    "history", "answers", "duplicate_of", "conflicts_with", "superseded_by", "waived",
)  # fmt: skip


class Pair:
    """The same desk twice: in memory and over PostgreSQL, with the ids of one told as those of the other."""

    def __init__(self, world, real, ids):
        self.memory = MemoryDesk(world, SimpleNamespace(dead=False, left=0, deaf=""), Session())
        self.real, self.ids = real, ids

    def call(self, what, *arguments):
        """What both answer; the test fails where they differ."""
        inside = self._told(getattr(self.memory, what), arguments)
        outside = self._told(getattr(self.real, what), [self._outside(each) for each in arguments])
        assert self._shown(inside) == self._shown(outside), what
        return inside

    def decide(self, file, action):
        """Two people say the same about the file."""
        if self._allowed(file, action):
            self.memory.ledger.people(file, State.CLAIMED if action is Action.RELEASE else State.REJECTED)
            by_hand = True
        else:
            by_hand = False
        ground = GROUNDS[action][0]
        try:
            for person in ("anna", "ben"):
                with self.real.connection.transaction():
                    decisions.decide(self.real.connection, self.ids[file.file_id], action, by=person, ground=ground)
        except ExchangeError:
            assert not by_hand, action
        else:
            assert by_hand, action

    def _allowed(self, file, action):
        """A file in quarantine that no other worker has; one that a return's columns brought there stays."""
        holder = self.memory.ledger.locks.get(file.file_id, self.memory.session)
        never = action is Action.RELEASE and file.reason in release.NEVER
        return file.state is State.QUARANTINED and holder is self.memory.session and not never

    def files(self):
        for inside, outside in self.ids.items():
            assert self._shown(self.memory.read(inside)) == self._shown(self.real.read(outside))

    def _outside(self, argument):
        if isinstance(argument, str) and argument in self.ids:
            return self.ids[argument]
        if hasattr(argument, "file_id"):
            return replace(self.real.read(self.ids[argument.file_id]), epoch=argument.epoch)
        return argument

    def _told(self, method, arguments):
        try:
            return method(*arguments)
        except (ExchangeError, AssertionError):  # overtaken, illegal or taken: nothing happened, which `files` looks at
            return "refused"

    def _shown(self, answer):
        """The answer without what may differ: moments, and the ledgers' own numbers."""
        if hasattr(answer, "file_id"):
            return {name: self._inside(getattr(answer, name)) for name in COMPARED}
        if isinstance(answer, list):
            return sorted(map(self._inside, answer))
        if hasattr(answer, "same_content"):
            day = answer.same_day and answer.same_day.file_id
            others = (answer.same_content, answer.same_signature, answer.same_sequence, day)
            return [self._inside(one) for one in others]
        return self._inside(answer)

    def _inside(self, value):
        return next((inside for inside, outside in self.ids.items() if outside == value), value)


def contents():
    rows = pl.DataFrame({"row_no": [1], "event_ref": ["E1"], "record_ref": ["R1"]})
    return Contents("v1", date(2026, 10, 31), None, None, None, 0, Findings(1), Accepted.of(rows))


def identity(random, file):
    """What gpg and validation would say of the file: the same bytes always hold the same content."""
    number = (file.ct_sha256 or b"\0")[0] % 4
    return Identity(
        sha256(bytes([number])).digest(),
        f"signature {random.choice((number, 9))}",
        datetime(2026, 11, 1 + random.randrange(9), tzinfo=UTC),
        date(2026, 10, 31),
        random.choice((None, 1, 2)),
    )


def fetched(random):
    digest = sha256(bytes([random.randrange(5)])).digest()
    return Fetched(Stored(digest, 100), digest)


@pytest.mark.parametrize("seed", range(40))
def test_both_ledgers_answer_alike(council_database, seed):
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, [contract(FEED)])
    random, world, ids = Random(seed), World(), {}
    with desks.opened(council_database) as first, desks.opened(council_database) as second:
        pairs = [Pair(world, first, ids), Pair(world, second, ids)]
        held = []
        for _ in range(CALLS):
            pair = random.choice(pairs)
            act(random, pair, world, held)
            for number, (file_id, file) in enumerate(world.ledger.files.items(), start=1):
                ids.setdefault(file_id, f"F{number:08d}")
                held.append(file) if random.random() < 0.1 else None
            pair.files()


def act(random, pair, world, held):
    """One call, by one of two workers, with what they know of a file or knew of it earlier."""
    known = list(world.ledger.files)
    if not known or random.random() < 0.2:
        entries = [Entry(name, random.choice((100, 200)), 1, True) for name in NAMES if random.random() < 0.6]
        pair.call("land", "police", FEED, entries)
        return
    file = random.choice([*held, *world.ledger.files.values()])
    calls = {
        "waiting": (FEED, timedelta(), NEVER),
        "hold": (file.file_id,),
        "claim": (file.file_id,),
        "excuse": (file,),
        "still_arriving": (file,),
        "vaulted": (file, fetched(random)),
        "same_ciphertext": (file,),
        "siblings": (file, identity(random, file)),
        "admit": (file, "signer", identity(random, file), random.choice((contents(), contents(), None))),
        "quarantine": (file, random.choice(list(Reason))),
        "gone": (file,),
        "answered": (file,),
        "close": (file,),
        "cleared": (file,),
    }
    if file.state is State.QUARANTINED and random.random() < 0.5:
        pair.decide(world.ledger.files[file.file_id], random.choice(list(Action)))
        return
    likely = {"SEEN": "claim", "CLAIMED": "vaulted", "VAULTED": "admit", "APPLIED": "close"}.get(file.state)
    what = likely if likely and random.random() < 0.5 else random.choice(list(calls))
    pair.call(what, *calls[what])
