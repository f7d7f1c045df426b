"""The place of backups: a folder on other disks, better at another site, with copies of servers and of councils.

    server/wal/            the log of the database server, piece by piece, sealed by `deploy/archive-wal`
    server/<base>/         a copy of the whole server: `base.tar.pgp` and its page
    <council>/<backup>/    the page of a council's backup, signed, and its parts
    <council>/vault/       sealed files, as they lie in the vault
    <council>/journal/     the second copy of the journal, written by the workers themselves
    <council>/council.asc  the council's public key
    recovery.asc           the public half of the recovery key

All that identifies anybody is sealed. What is written here is whole and on disk before its page is.
"""

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from family_exchange.adapters import durable
from family_exchange.adapters.vault import Vault
from family_exchange.domain import backup
from family_exchange.domain.backup import Base, Manifest, Part
from family_exchange.domain.errors import Busy, NeedsDecision, NoRoom

PAGE, SIGNATURE = "manifest.json", "manifest.sig"
BASE_PAGE, BASE_FILE = "base.json", "base.tar.pgp"
COUNCIL_KEY, RECOVERY_KEY = "council.asc", "recovery.asc"
SAID = "backups/place.json"
_LAST = "backups/last.json"
LOOKED = "backups/looked.json"


@dataclass(frozen=True, slots=True)
class Place:
    """One council's part of the place, and the servers' part, which councils of one server share."""

    root: Path
    council: str

    @property
    def own(self) -> Path:
        """The council's part."""
        return self.root / self.council

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.root / "server" / "wal"

    @property
    def vault(self) -> Vault:
        """Copies of the vault's sealed files."""
        return Vault(self.own / "vault")

    @property
    def journal(self) -> Path:
        """The folder of the journal's second copy."""
        return self.own / "journal"

    def begin(self, recovery_key: bytes, council_key: bytes) -> None:
        """The place knows the council; a second run changes nothing but what the two public keys say."""
        self.own.mkdir(mode=0o700, exist_ok=True)
        self.log.mkdir(parents=True, exist_ok=True)
        _renew(self.root / RECOVERY_KEY, recovery_key)
        _renew(self.own / COUNCIL_KEY, council_key)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While the block runs, nobody else takes a backup here; what one left unfinished is gone.

        Raises:
            Busy: somebody does.
            NeedsDecision: the place is not there, or does not know the council.
        """
        if not (self.own / COUNCIL_KEY).exists():
            raise NeedsDecision(f"the place of backups {self.root} is not there: is its disk mounted?")
        with (self.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy("another backup is being taken at this place") from None
            self._sweep()
            yield

    def bases(self) -> list[Base]:
        """The copies of the server that are whole, oldest first."""
        return [backup.base(text) for text in _texts((self.root / "server").glob(f"*/{BASE_PAGE}"))]

    def base_file(self, base: Base) -> Path:
        """The sealed copy."""
        return self.root / "server" / base.base / BASE_FILE

    def keep_base(self, base: Base, sealed: Path) -> None:
        """The copy has its name and its page."""
        folder = self.root / "server" / base.base
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealed.rename(folder / BASE_FILE)
        _write(folder / BASE_PAGE, backup.text(base))

    def manifests(self) -> list[Manifest]:
        """The council's backups, oldest first."""
        return [backup.manifest(text) for text in _texts(self.own.glob(f"*/{PAGE}"))]

    def part(self, name: str, part: str) -> Path:
        """One file of a backup."""
        return self.own / name / part

    def keep_part(self, name: str, part: str, content: bytes) -> Part:
        """The part is there, durably."""
        (self.own / name).mkdir(mode=0o700, exist_ok=True)
        _write(self.own / name / part, content)
        with (self.own / name / part).open("rb") as file:
            return Part(part, file_digest(file, "sha256").hexdigest(), len(content))

    def keep(self, page: Manifest, key: Ed25519PrivateKey) -> None:
        """The backup is complete: its page is there, signed."""
        text = backup.text(page)
        _write(self.own / page.backup / SIGNATURE, key.sign(text))
        _write(self.own / page.backup / PAGE, text)

    def signed(self, page: Manifest, key: Ed25519PublicKey) -> bool:
        """True when the page of that backup was signed with this key, as it stands there."""
        try:
            key.verify(self.part(page.backup, SIGNATURE).read_bytes(), self.part(page.backup, PAGE).read_bytes())
        except (InvalidSignature, FileNotFoundError):
            return False
        return True

    def forget_base(self, base: Base) -> None:
        """The copy is gone; its page first."""
        folder = self.root / "server" / base.base
        (folder / BASE_PAGE).unlink(missing_ok=True)
        shutil.rmtree(folder)

    def forget(self, page: Manifest) -> None:
        """The backup is gone; its page first."""
        self.part(page.backup, PAGE).unlink(missing_ok=True)
        shutil.rmtree(self.own / page.backup)

    def forget_log(self, before: str) -> int:
        """How many pieces of the log went, since nothing leads through them any more."""
        gone = 0
        for sealed in sorted(self.log.glob("*.pgp")):
            piece = sealed.name.removesuffix(".pgp")
            if backup.PIECE.fullmatch(piece[:24]) and piece[8:24] < before[8:]:
                sealed.unlink()
                (self.log / f"{piece}.sha256").unlink(missing_ok=True)
                gone += 1
        return gone

    def pieces(self) -> list[str]:
        """The names of what there is of the log."""
        return sorted(sealed.name.removesuffix(".pgp") for sealed in self.log.glob("*.pgp"))

    def damaged_pieces(self) -> list[str]:
        """The pieces whose bytes are not those that were written down beside them."""
        return [piece for piece in self.pieces() if not self._whole(piece)]

    def _sweep(self) -> None:
        """Nothing is left of what has no page: whoever began it did not live to its end."""
        for folder, page in ((self.own, PAGE), (self.root / "server", BASE_PAGE)):
            for begun in folder.glob("2*Z"):
                if not (begun / page).exists():
                    shutil.rmtree(begun)

    def _whole(self, piece: str) -> bool:
        try:
            said = (self.log / f"{piece}.sha256").read_text().split()
            with (self.log / f"{piece}.pgp").open("rb") as file:
                return file_digest(file, "sha256").hexdigest() == said[1]
        except (FileNotFoundError, IndexError):
            return False


def digest(path: Path) -> str:
    """SHA-256 of the file; empty when it is not there."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def say(state: Path, root: Path, recovery_key: str) -> None:
    """From now on the council's backups go to this folder, sealed to that key."""
    _write(state / SAID, json.dumps({"folder": str(root), "recovery_key": recovery_key}).encode())


def said(state: Path, council: str) -> tuple[Place, str]:
    """Where the council's backups go, and the fingerprint of the recovery key.

    Raises:
        NeedsDecision: nobody has said so.
    """
    found = _said(state)
    if found is None:
        raise NeedsDecision("nobody has said where backups go: `family-exchange backup prepare` does")
    return Place(Path(found["folder"]), council), found["recovery_key"]


def place(state: Path, council: str) -> tuple[Place | None, str]:
    """As `said`; no place when nobody has said so."""
    found = _said(state)
    return (Place(Path(found["folder"]), council), found["recovery_key"]) if found else (None, "")


def is_said(state: Path, root: Path, recovery_key: str) -> bool:
    """True when the council's backups go to this folder, sealed to that key."""
    return _said(state) == {"folder": str(root), "recovery_key": recovery_key}


def journals(state: Path, council: str) -> tuple[Path, ...]:
    """Where the journal's second copy is; none before backups were prepared."""
    found = _said(state)
    return (Place(Path(found["folder"]), council).journal,) if found else ()


def accept(root: Path, public: bytes) -> None:
    """The recovery key lies at the place; whoever hands the server's log out there can read it.

    Raises:
        NeedsDecision: the place is not there.
        NoRoom: it cannot be written.
    """
    if not root.is_dir():
        raise NeedsDecision(f"the place of backups {root} is not there: is its disk mounted?")
    _renew(root / RECOVERY_KEY, public)


def note_looked(state: Path, at: datetime, wrong: Sequence[str]) -> None:
    """When the newest backup was last looked at, and what was wrong with it."""
    _write(state / LOOKED, json.dumps({"at": at.isoformat(), "wrong": list(wrong)}).encode())


def note_last(state: Path, page: Manifest) -> None:
    """Whoever watches the age of backups finds the newest one's, and that of its copy of the database."""
    copied = page.base.ended_at.isoformat() if page.base else None
    told = {"taken_at": page.taken_at.isoformat(), "backup": page.backup, "database_at": copied}
    _write(state / _LAST, json.dumps(told).encode())


def _texts(pages: Iterable[Path]) -> Iterator[bytes]:
    """What each page says, in order of name; one that goes meanwhile is of nothing that is kept."""
    for page in sorted(pages):
        with suppress(FileNotFoundError):
            yield page.read_bytes()


def _said(state: Path) -> dict[str, str] | None:
    try:
        found = json.loads((state / SAID).read_bytes())
        return {"folder": str(found["folder"]), "recovery_key": str(found["recovery_key"])}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise NeedsDecision(f"{state / SAID} cannot be read: run `family-exchange backup prepare` again") from None


def _renew(path: Path, public: bytes) -> None:
    """The file says this; its time stays that of the last change. A public key may be read by whoever gets to it."""
    if not path.exists() or path.read_bytes() != public:
        _write(path, public)
        path.chmod(0o644)


def _write(path: Path, content: bytes) -> None:
    try:
        durable.write(path, content)
    except OSError as error:
        raise NoRoom(f"{path.parent} cannot be written (errno {error.errno}): make room there") from None
