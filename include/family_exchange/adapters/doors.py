"""Everything one council's stages need, in one value: its profile, its settings, and the doors they open."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from family_exchange.adapters import (
    audit,
    backup_place,
    closing,
    council_folder,
    database,
    durable,
    profiles,
    roles,
    staging,
)
from family_exchange.adapters.council_folder import DEDUPE_KEY
from family_exchange.adapters.journal import Journal
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.room import Room
from family_exchange.adapters.settings import CouncilSettings
from family_exchange.adapters.sftp import DropZone
from family_exchange.adapters.vault import Vault
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import MissingSetting
from family_exchange.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Doors:
    """One council's doors; making it opens none of them."""

    profile: Profile
    settings: CouncilSettings
    inside: bool = field(default=False, kw_only=True)
    """True for a restore alone: it works on a council that is closed to everybody else."""

    @property
    def folder(self) -> Path:
        """The council's own folder: keys, journal, vault; whoever reads or writes there comes by this door.

        Raises:
            Halted: what stands there is not what set-up made; its disk may not be mounted.
        """
        council_folder.require_there(self.settings.state, self.settings.council)
        return self.settings.state

    @property
    def database(self) -> str:
        """The URL of the council's own database.

        Raises:
            Halted: the council is closed, after a restore for example; or nobody can tell, because its folder is away.
        """
        if not self.inside:
            closing.require_open(self.folder)
        return self.settings.database

    @property
    def journal(self) -> Journal:
        """What a restored database cannot know: in the council's folder, and in a second copy beside its backups."""
        return Journal((self.folder / "journal", *backup_place.journals(self.folder, self.settings.council)))

    @property
    def vault(self) -> Vault:
        """Partner ciphertexts and our own sealed returns."""
        return Vault(self.folder / "vault", Room(self.settings.least_room, self.settings.disks))

    @property
    def openpgp(self) -> OpenPGP:
        """The council's key ring."""
        return OpenPGP(self._need("gnupg", "the council's OpenPGP key ring"), self.settings.own_key)

    @property
    def checkpoints(self) -> Path:
        """Where signed audit checkpoints are kept, out of the database's reach."""
        return self.folder / "checkpoints"

    @property
    def outbox(self) -> Path:
        """Where letters to people of the council lie when no mail server is there to take them."""
        return self.folder / "outbox"

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs audit checkpoints and certificates."""
        self._need(f"secrets/{audit.SIGNING_KEY}", "the key that signs audit checkpoints")
        return audit.signing_key(self.folder / "secrets")

    @property
    def dedupe_key(self) -> bytes:
        """The secret that keys content digests: a plain hash of a small file could be guessed."""
        return (self.folder / "secrets" / DEDUPE_KEY).read_bytes()

    def contract(self, feed: str, version: str = "v1") -> Contract:
        """The agreed layout of `feed`."""
        return profiles.contract(feed, version)

    def drop_zone(self) -> DropZone:
        """The server where partners leave files and find receipts; use it as a context manager."""
        return DropZone(self.settings.drop_zone)

    def recipient(self) -> DropZone:
        """The server of the trusted third party; use it as a context manager."""
        return DropZone(self.settings.recipient)

    def _need(self, part: str, hint: str) -> Path:
        path = self.folder / part
        if not path.exists():
            setting = f"STATE (its {part})"
            raise MissingSetting(
                self.settings.council, setting, f"{hint} is not there; `family-exchange set-up` makes it"
            )
        return path


def opened(council: str, settings: CouncilSettings) -> Doors:
    """The doors of `council` as its profile and `settings` describe them."""
    return Doors(profiles.profile(council), settings)


def prepare(doors: Doors) -> None:
    """The council's database has every room, and a staging table for every feed; a second run changes nothing.

    It may be closed: this is how it gets a new shape, and nothing of anybody is read.
    """
    database.migrate(doors.settings.database)
    with database.transaction(doors.settings.database) as connection:
        roles.grant(connection)
        staging.create_tables(
            connection, [doors.contract(feed, each) for feed in profiles.feeds() for each in profiles.versions(feed)]
        )


def make_secrets(state: Path) -> None:
    """The council's checkpoint key and dedupe secret, each made once with mode 0600; a second run keeps them."""
    folder = state / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    audit.make_signing_key(folder)
    file = folder / DEDUPE_KEY
    if not file.exists():
        durable.write(file, secrets.token_bytes(32), mode=0o600)
