"""Throw-away keys for the demo and the tests: OpenPGP rings in private folders, SSH key pairs in files."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from family_exchange.adapters import gpg
from family_exchange.adapters.openpgp import OpenPGP, make_key, stop_agent

__all__ = ["LogIn", "encrypt_only", "openpgp", "ssh", "stop_agent"]

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LogIn:
    """One user's SSH key pair."""

    private_key: Path
    """An OpenSSH private key file, mode 0600."""
    public_key: str
    """`ssh-ed25519 AAAA…`"""


def ssh(folder: Path, name: str) -> LogIn:
    """A new Ed25519 pair, its private half in `folder/name`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    file = folder / name
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return LogIn(file, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def openpgp(home: Path, label: str) -> str:
    """The fingerprint of a new key in the ring at `home`; whoever makes it must call `stop_agent` in the end."""
    return make_key(home, label)


def encrypt_only(ring: OpenPGP, content: bytes, *, recipient: str) -> bytes:
    """The content encrypted and not signed: what a partner does by mistake."""
    arguments = ("--compress-algo=none", f"--recipient={recipient}", "--encrypt")
    with gpg.in_memory(content) as descriptor:
        run = gpg.run(ring.home, arguments, descriptor, limit=2 * len(content) + gpg.CHUNK, timeout=_SECONDS)
    if run.rc != 0:
        raise RuntimeError(f"gpg could not encrypt (exit code {run.rc})")
    return run.output
