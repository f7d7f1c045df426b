"""Key rings of a council, of partners who keep to the rules and of some who do not; all throw-away."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from family_exchange.adapters.openpgp import OpenPGP, make_ring, stop_agent

BORN = "20250601T120000"
"""When the rings' keys were made: early enough for files that were signed long ago."""


@dataclass(frozen=True)
class Ring:
    """One party's own gpg, which may be asked for anything."""

    home: Path
    fingerprint: str = ""

    def gpg(self, *arguments: str, content: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-auto-check-trustdb"]
        command += ["--trust-model=always", "--pinentry-mode=loopback", "--passphrase=", "--output=-", *arguments]
        done = subprocess.run(command, input=content, capture_output=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr.decode(errors="replace"))
        return done.stdout

    def sealed(self, content: bytes, recipient: "Ring", *arguments: str) -> bytes:
        """Signed by this ring's key and encrypted to the recipient, with whatever options."""
        keys = (f"--local-user={self.fingerprint}", f"--recipient={recipient.fingerprint}")
        return self.gpg(*keys, *arguments, "--sign", "--encrypt", content=content)

    def knows(self, *others: "Ring") -> None:
        for other in others:
            self.gpg("--import", content=other.gpg("--export", other.fingerprint))

    def revoke(self, other: "Ring") -> None:
        """This ring learns that the other's key is revoked; the other's own ring does not."""
        certificate = (other.home / "openpgp-revocs.d" / f"{other.fingerprint}.rev").read_bytes()
        self.gpg("--import", content=certificate.replace(b":-----BEGIN", b"-----BEGIN"))

    @property
    def door(self) -> OpenPGP:
        return OpenPGP(self.home, self.fingerprint)


def a_ring(home: Path, label: str, *, expires: str = "never", born: str = BORN) -> Ring:
    make_ring(home)
    ring = Ring(home)
    made = (f"--faked-system-time={born}", "--quick-generate-key", label, "future-default", "default", expires)
    ring.gpg(*made)
    listing = ring.gpg("--with-colons", "--list-keys").decode()
    return Ring(home, next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")))


@dataclass(frozen=True)
class Parties:
    """Who has keys. The council's ring holds everybody's but the stranger's."""

    folder: Path
    council: Ring
    police: Ring
    schools: Ring
    withdrawn: Ring
    """Revoked in the council's ring."""
    lapsed: Ring
    """Ran out thirty days after it was made."""
    stranger: Ring
    made: list[Path] = field(default_factory=list)

    def another(self, name: str, **kwargs) -> Ring:
        """A ring for one test."""
        home = self.folder / name
        self.made.append(home)
        return a_ring(home, name, **kwargs)


@pytest.fixture(scope="session")
def parties():
    """Six key rings; their agents and folders are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fx-k"))
    names = ("council", "police", "schools", "withdrawn", "lapsed", "stranger")
    rings = {name: folder / name for name in names}
    try:
        made = {
            name: a_ring(home, f"{name} Å[GNUPG:] NEWSIG", expires="30d" if name == "lapsed" else "never")
            for name, home in rings.items()
        }
        for ring in made.values():
            ring.knows(*(other for other in made.values() if other is not ring))
        made["council"].gpg("--yes", "--delete-keys", made["stranger"].fingerprint)
        made["council"].revoke(made["withdrawn"])
        parties = Parties(folder, **made)
        yield parties
        rings |= {home.name: home for home in parties.made}
    finally:
        for home in rings.values():
            stop_agent(home)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home():
    """An empty folder with a short name, fit for a key ring; its agent is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="fx-h"))
    yield folder / "gnupg"
    stop_agent(folder / "gnupg")
    shutil.rmtree(folder, ignore_errors=True)
