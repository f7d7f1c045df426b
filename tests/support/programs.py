"""What partners seal with: gpg, Sequoia, gosop and rnp, each with two kinds of key.

Import the fixture `senders` to have them all.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from family_exchange.adapters.openpgp import make_ring, stop_agent
from support.keys import Ring, a_ring

PROGRAMS = ("gpg", "sqop", "gosop", "rnp")
KINDS = ("curve25519", "rsa3072")
OWN_KEYS = {"sqop": "curve25519", "gosop": "rsa2048"}
"""What kind of key a program makes that cannot be told which."""


@dataclass(frozen=True)
class Sender:
    """One program with one key: `seal(content, certificate, armoured, signed, *options)` gives a sealed file."""

    program: str
    public: bytes
    seal: Callable[..., bytes]


@dataclass(frozen=True)
class Senders:
    """A council with keys of both kinds, and everybody who seals to it."""

    councils: dict[str, Ring]
    by: dict[tuple[str, str], Sender]

    def sealed(
        self, program: str, kind: str, content: bytes, *options: str, armoured: bool = False, signed: bool = True
    ) -> bytes:
        """The content as this program seals it with this kind of key, to the council's key of the same kind."""
        council = self.councils[kind]
        certificate = council.gpg("--armor", "--export", council.fingerprint)
        return self.by[program, kind].seal(content, certificate, armoured, signed, *options)


def missing(program: str) -> bool:
    """True when the machine lacks the program; gpg is always there."""
    return shutil.which(program) is None


@pytest.fixture(scope="session")
def senders() -> Iterator[Senders]:
    """Made once; the agents and folders are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fx-p"))
    homes: list[Path] = []

    def ring(name: str, kind: str) -> Ring:
        homes.append(folder / name)
        if kind == "curve25519":
            return a_ring(folder / name, name)
        make_ring(folder / name)
        made = Ring(folder / name)
        made.gpg("--quick-generate-key", name, "rsa3072", "cert,sign", "never")
        listing = made.gpg("--with-colons", "--list-keys").decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listing if line.startswith("fpr"))
        made.gpg("--quick-add-key", fingerprint, "rsa3072", "encrypt", "never")
        return Ring(made.home, fingerprint)

    try:
        councils = {kind: ring(f"c-{kind}", kind) for kind in KINDS}
        by = {}
        for kind in KINDS:
            own = ring(f"p-{kind}", kind)
            by["gpg", kind] = _gpg(own)
            for program in ("sqop", "gosop"):
                if not missing(program):
                    by[program, kind] = _stateless(program, folder / f"{program}-{kind}", own, kind)
            if not missing("rnp"):
                by["rnp", kind] = _rnp(folder / f"rnp-{kind}", kind)
        if not missing("gosop"):
            councils["rsa2048"] = councils["rsa3072"]
            by["gosop", "rsa2048"] = _stateless("gosop", folder / "gosop-own", own, "rsa2048")
        yield Senders(councils, by)
    finally:
        for home in homes:
            stop_agent(home)
        shutil.rmtree(folder, ignore_errors=True)


def _gpg(own: Ring) -> Sender:
    def seal(content: bytes, certificate: bytes, armoured: bool, signed: bool, *options: str) -> bytes:
        own.gpg("--import", content=certificate)
        listing = own.gpg("--with-colons", "--import-options=show-only", "--import", content=certificate).decode()
        recipient = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
        signing = (f"--local-user={own.fingerprint}", "--sign") if signed else ()
        armour = ("--armor",) if armoured else ()
        return own.gpg(*armour, *options, *signing, f"--recipient={recipient}", "--encrypt", content=content)

    return Sender("gpg", own.gpg("--export", own.fingerprint), seal)


def _stateless(program: str, folder: Path, own: Ring, kind: str) -> Sender:
    """A program with the Stateless OpenPGP interface, with its own kind of key or with a key of gpg's."""
    folder.mkdir()
    key = folder / "key.asc"
    if OWN_KEYS[program] == kind:
        key.write_bytes(_run(program, "generate-key", "A partner"))
    else:
        key.write_bytes(own.gpg("--armor", "--export-secret-keys", own.fingerprint))

    def seal(content: bytes, certificate: bytes, armoured: bool, signed: bool, *options: str) -> bytes:
        (folder / "recipient.asc").write_bytes(certificate)
        arguments = [] if armoured else ["--no-armor"]
        arguments += [f"--sign-with={key}"] if signed else []
        return _run(program, "encrypt", *arguments, *options, str(folder / "recipient.asc"), content=content)

    return Sender(program, _run(program, "extract-cert", content=key.read_bytes()), seal)


def _rnp(folder: Path, kind: str) -> Sender:
    home = f"--homedir={folder}"
    folder.mkdir(mode=0o700)
    make = ("--expert",) if kind == "curve25519" else ("--numbits", "3072")
    _run("rnpkeys", home, "--generate-key", *make, "--userid", "partner", "--password", "", content=b"22\n")

    def seal(content: bytes, certificate: bytes, armoured: bool, signed: bool, *options: str) -> bytes:
        (folder / "recipient.asc").write_bytes(certificate)
        (folder / "content").write_bytes(content)
        _run("rnpkeys", home, "--notty", "--import-keys", str(folder / "recipient.asc"))
        arguments = ["--armor"] if armoured else []
        arguments += ["--sign", "--userid", "partner"] if signed else []
        arguments += ["--recipient", "c-" + kind, "--encrypt", *options, "--output", "-", str(folder / "content")]
        return _run("rnp", home, "--notty", "--password", "", *arguments)

    return Sender("rnp", _run("rnpkeys", home, "--notty", "--export-key", "partner"), seal)


def _run(*command: str, content: bytes = b"") -> bytes:
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stderr.decode(errors="replace"))
    return done.stdout
