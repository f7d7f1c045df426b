"""A council with real doors: PostgreSQL, gpg with its own and the recipient's key, and a real SFTP server.

Import the fixtures that a test file asks for: `rings`, `recipient_server`, `council`.
"""

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from family_exchange.adapters import profiles
from family_exchange.adapters.doors import Doors, make_secrets
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.demo import keys, sftpserver
from family_exchange.demo.recipient import Recipient
from support.register import Register

COUNCIL = "cheshire-west-and-chester"


@dataclass(frozen=True)
class Rings:
    """Key rings that hold each other's public keys."""

    home: Path
    council: OpenPGP
    council_key: str
    recipient: OpenPGP
    recipient_key: str
    stranger: OpenPGP


@dataclass(frozen=True)
class Council:
    """One council's doors, its register, and what its recipient holds."""

    doors: Doors
    register: Register
    third_party: Recipient

    @property
    def inbox(self):
        return sorted(path.name for path in (self.third_party.root / "inbox").iterdir())

    def final(self, name):
        return (self.third_party.root / "inbox" / name).read_bytes()


@pytest.fixture(scope="session")
def rings():
    """Throw-away keys, made once."""
    folder = Path(tempfile.mkdtemp(prefix="fx-keys-"))
    homes = {name: folder / name for name in ("council", "recipient", "stranger")}
    try:
        made = {name: keys.openpgp(home, f"{name} of the tests") for name, home in homes.items()}
        ring = {name: OpenPGP(home, made[name]) for name, home in homes.items()}
        ring["council"].import_key(ring["recipient"].export_public(made["recipient"]))
        for name in ("recipient", "stranger"):
            ring[name].import_key(ring["council"].export_public(made["council"]))
        yield Rings(
            homes["council"], ring["council"], made["council"], ring["recipient"], made["recipient"], ring["stranger"]
        )
    finally:
        for home in homes.values():
            keys.stop_agent(home)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class RecipientServer:
    endpoint: SftpEndpoint
    root: Path


@pytest.fixture(scope="session")
def recipient_server(tmp_path_factory):
    """A real SFTP server with one log-in, the council's view of its recipient."""
    folder = tmp_path_factory.mktemp("recipient")
    login = keys.ssh(folder, "key")
    root = folder / "root"
    root.mkdir()
    with sftpserver.running(folder / "server", {"council": sftpserver.User(login.public_key, root)}) as server:
        yield RecipientServer(
            SftpEndpoint("127.0.0.1", server.port, "council", login.private_key, server.host_key), root
        )


def doors_of(profile, url, rings, endpoint, state):
    """The doors of a council of that profile; its key ring is the tests' own."""
    make_secrets(state)
    (state / "gnupg").symlink_to(rings.home)
    settings = CouncilSettings(
        council=profile.council,
        database=url,
        state=state,
        own_key=rings.council_key,
        recipient_key=rings.recipient_key,
        drop_zone=endpoint,
        recipient=endpoint,
    )
    return Doors(profile, settings)


@contextmanager
def emptied(root):
    """The recipient's folders, empty before and after."""
    for part in ("inbox", "receipts", "taken"):
        shutil.rmtree(root / part, ignore_errors=True)
    for part in ("inbox", "receipts"):
        (root / part).mkdir()
    yield root


@pytest.fixture
def council(council_database, rings, recipient_server):
    """The demo's own council, with an empty register and an empty recipient; a key ring's folder has a short name."""
    with emptied(recipient_server.root) as root, tempfile.TemporaryDirectory(prefix="fx-c-") as folder:
        state = Path(folder) / "state"
        doors = doors_of(profiles.profile(COUNCIL), council_database, rings, recipient_server.endpoint, state)
        third_party = Recipient(root, rings.recipient, rings.council_key)
        yield Council(doors, Register(council_database), third_party)


def of(council, name):
    """The same council's doors and database under the profile of another council."""
    return replace(council, doors=replace(council.doors, profile=profiles.profile(name)))
