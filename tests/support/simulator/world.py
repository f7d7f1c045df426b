"""A world in memory in which the platform's own intake runs: drop zone, vault, ledger, clock, and workers that die.

Intake calls its ports (`stages.ports`); here each call is a point at which the scheduler may let another worker run,
end this one as a power cut would, make the endpoint fail, or cut the worker off the ledger and let it go on as a
zombie. A ledger call happens whole or not at all, as a transaction does; `tests/adapters/test_desk_model.py` holds
this ledger and the real one to the same answers.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from greenlet import getcurrent, greenlet

from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.errors import DataRefused, NotReady, TryLater
from family_exchange.domain.file import ENDS, Reason
from family_exchange.domain.identity import Identity
from family_exchange.stages.ports import Answer, Examined
from support.simulator.desk import MemoryDesk, MemoryLedger
from support.simulator.lines import each_answered
from support.simulator.messages import Sealed

PARTNERS = ("police", "schools")
FEED, RECEIPTS = "feed", "receipts"
BEGAN = datetime(2026, 11, 22, 8, tzinfo=UTC)


class Death(BaseException):
    """The worker's process ends here; nothing of it is cleaned up."""


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass
class Node:
    """A file on the server; an open handle keeps it after its name is gone."""

    data: bytes
    modified_at: int


@dataclass(frozen=True)
class Slug:
    slug: str


@dataclass(frozen=True)
class Partners:
    """All that intake asks of a profile."""

    slugs: tuple

    def partners_for(self, _feed):
        return self.slugs


ONE, TWO = (Partners(tuple(map(Slug, names))) for names in (PARTNERS[:1], PARTNERS))


@dataclass
class World:
    """Everything that outlives a worker."""

    decide: object = None
    """`decide(worker, label)` → what happens to the worker at this call: "go", "die", "fail", "cut", "deaf"."""
    now: datetime = BEGAN
    skew: timedelta = timedelta()
    """By how much workers' clocks are off."""
    settle: timedelta = timedelta(seconds=60)
    patience: timedelta = timedelta(hours=6)
    profile: Partners = TWO
    most_at_once: int = 200
    """Files that one run takes up."""
    folders: dict = field(
        default_factory=lambda: {f"/{partner}/{name}": {} for partner in PARTNERS for name in (FEED, RECEIPTS)}
    )
    stored: dict = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    messages: Sealed = field(default_factory=Sealed)
    hub: greenlet | None = None

    def __post_init__(self):
        self.ledger.world = self

    def at(self, worker, label):
        """One point in a worker's life: others may run, and this may be its last."""
        worker.left -= 1
        if worker.left < 0 and self.hub is not None and getcurrent() is not self.hub:
            self.hub.switch()
        fate = self.decide(worker, label) if self.decide else "go"
        if fate == "die" or worker.dead:
            worker.dead = True
            raise Death
        if fate == "cut":
            worker.lose_session()
        elif fate == "deaf":
            worker.deaf = label
        elif fate == "fail":
            raise TryLater("the endpoint does not answer")

    def landing(self, partner):
        return self.folders[f"/{partner}/{FEED}"]

    def put(self, partner, name, data):
        """A partner's finished upload, under another name until it was whole."""
        self.landing(partner)[name] = Node(data, int(self.now.timestamp()))

    def safe(self, partner, data):
        """True when the bytes are in the vault and the ledger had ended the file, whatever people did since."""
        digest = sha256(data).digest()
        return any(
            file.landed_sha256 == digest
            and file.partner == partner
            and (file.state in ENDS or file.receipt_at or file.answers)
            and file.ct_sha256 in self.stored
            for file in self.ledger.files.values()
        )


@each_answered
class Zone:
    """`stages.ports.Zone`."""

    def __init__(self, world, worker):
        self.world, self.worker = world, worker

    def list(self, folder):
        self.world.at(self.worker, "zone.list")
        return [
            Entry(name, len(node.data), node.modified_at, True)
            for name, node in sorted(
                self.world.folders[folder].items(), key=lambda each: (each[1].modified_at, each[0])
            )
        ]

    def entry(self, folder, name):
        self.world.at(self.worker, "zone.stat")
        node = self.world.folders[folder].get(name)
        return node and Entry(name, len(node.data), node.modified_at, True)

    def fetch(self, folder, name, target):
        self.world.at(self.worker, "zone.open")
        node = self._node(folder, name)
        size = len(node.data)
        self.world.at(self.worker, "zone.read")
        target.write(node.data[:size])
        return size

    def upload_new(self, folder, temp_name, data):
        self.world.at(self.worker, "zone.create")
        entries = self.world.folders[folder]
        if temp_name.encode() in entries:
            raise FileExistsError
        node = entries[temp_name.encode()] = Node(b"", int(self.world.now.timestamp()))
        self.world.at(self.worker, "zone.write")
        node.data = data

    def rename(self, folder, old, new):
        self.world.at(self.worker, "zone.rename")
        before, after = (name if isinstance(name, bytes) else name.encode() for name in (old, new))
        entries = self.world.folders[folder]
        node = self._node(folder, before)
        if after in entries:
            raise FileExistsError
        del entries[before]
        entries[after] = node

    def remove(self, folder, name, *, missing_ok=False):
        self.world.at(self.worker, "zone.remove")
        entries = self.world.folders[folder]
        if name not in entries:
            if missing_ok:
                return
            raise FileNotFoundError
        partner = folder.split("/")[1]
        if folder.endswith(FEED) and not self.world.safe(partner, entries[name].data):
            raise Broken("a landing file was removed that is not in the vault with its end in the ledger")
        del entries[name]

    def exists(self, path):
        self.world.at(self.worker, "zone.exists")
        folder, _, name = path.rpartition("/")
        return name.encode() in self.world.folders[folder]

    def _node(self, folder, name):
        node = self.world.folders[folder].get(name)
        if node is None:
            raise FileNotFoundError
        return node


@each_answered
class Vault:
    """`stages.ports.Store`."""

    def __init__(self, world, worker):
        self.world, self.worker = world, worker

    def need_room(self, _size):
        self.world.at(self.worker, "vault.room")

    def put(self, source):
        data = source.read(-1)
        self.world.at(self.worker, "vault.put")
        digest = sha256(data).digest()
        self.world.stored[digest] = data
        return Stored(digest, len(data))

    def holds(self, digest):
        self.world.at(self.worker, "vault.holds")
        return digest in self.world.stored


class Office:
    """`stages.ports.Office` for one worker."""

    def __init__(self, world, worker):
        self.world, self.worker = world, worker
        self.profile = world.profile
        self.vault = Vault(world, worker)
        self.settle, self.patience = world.settle, world.patience

    @contextmanager
    def desk(self):
        self.world.at(self.worker, "ledger.connect")
        session = self.worker.open_session()
        try:
            yield MemoryDesk(self.world, self.worker, session)
        finally:
            if not self.worker.dead:
                self.worker.close_session(session)

    @contextmanager
    def drop_zone(self):
        self.world.at(self.worker, "zone.connect")
        yield Zone(self.world, self.worker)

    def sleep(self, pause):
        self.world.at(self.worker, "sleep")
        self.world.now += pause

    def sealed_for_us(self, content):
        return b"\xc1\x01\x03sealed by us " + content.read(-1)

    def taken(self, file, fetched):
        """The journal is for restores, and nothing is restored here."""

    def examine(self, desk, file, *, at):
        self.world.at(self.worker, "gpg")
        message = self.world.messages.read(self.world.stored[file.ct_sha256])
        if message is None:
            if at < file.changed_at + self.patience:
                raise NotReady("not whole yet")
            raise DataRefused(Reason.CORRUPT, "cut off")
        if message.refused:
            raise DataRefused(Reason.CONTENT, "no row can be taken")
        identity = Identity(message.content, message.signature, message.signed_at, message.as_of, message.sequence)
        if desk.siblings(file, identity).same_content:
            return Examined("signer", identity)
        return Examined("signer", identity, message)

    def answer(self, _desk, file, _workbook_name):
        self.world.at(self.worker, "seal")
        return Answer(f"{file.file_id} {file.state}".encode(), b"workbook" if file.reason else None)
