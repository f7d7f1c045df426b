"""The door to OpenPGP: the machine's `gpg`, one council's key ring, plaintext in memory only.

gpg is started directly and its status lines are read from a descriptor of their own: docs/adr/0004-gpg-driven.md
says why. What they mean is decided in `domain.seal`, not here.
"""

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time

from family_exchange.adapters import gpg
from family_exchange.adapters.certificates import Certificate, certificates
from family_exchange.domain import envelope, seal
from family_exchange.domain.errors import DataRefused, NeedsDecision, TryLater

SEAL_SECONDS = 300.0
"""How long sealing one file may take."""
RECEIPT_CAP = 16 << 20
"""Most plaintext bytes of a receipt."""
SOCKET_LIMIT = 105 - len("/S.gpg-agent.browser")
"""Longest folder name, in bytes, in which gpg-agent can still open its sockets."""
AGENT_OPTIONS = "auto-expand-secmem\n"
"""Without it, many files at once exhaust the agent's locked memory and look like files for somebody else."""

_SEAL = ("--cipher-algo=AES256", "--digest-algo=SHA256", "--compress-algo=none", "--no-encrypt-to")
_RING_TIME = 60.0
_DEAD = 2 * _RING_TIME
"""Seconds after which whoever holds a lock of the ring cannot be alive."""
_LISTING = 64 << 20


@dataclass(frozen=True, slots=True)
class Unsealed:
    """One run of gpg over a sealed file; the plaintext counts only once `domain.seal.decide` has accepted it."""

    outcome: seal.Outcome
    plaintext: bytes = field(repr=False)


class OpenPGP:
    """One council's key ring and its own key."""

    def __init__(self, home: Path, own_key: str) -> None:
        self.home = home
        self.own_key = own_key

    def unseal(self, ciphertext: Path, *, cap: int, timeout: float) -> Unsealed:
        """What gpg made of the file: every status line, and the plaintext in memory as far as it came.

        Reading stops at `cap` bytes, at the ratio that `domain.seal` allows, and after `timeout` seconds.

        Raises:
            NeedsDecision: gpg is not installed, or our own secret key is not in the ring.
        """
        with ciphertext.open("rb") as file:
            return self._unseal(file.fileno(), cap=cap, timeout=timeout)

    def open_signed(self, ciphertext: bytes, signer: str, *, cap: int = RECEIPT_CAP) -> bytes:
        """The content of a small message that `signer` signed and encrypted to us, at whatever time.

        Raises:
            DataRefused: the seal is not positively in order.
            TryLater: gpg or its agent could not work now.
            NeedsDecision: gpg is not installed, or our own secret key is not in the ring.
        """
        with gpg.in_memory(ciphertext) as descriptor:
            unsealed = self._unseal(descriptor, cap=cap, timeout=_RING_TIME)
        policy = seal.at_any_time(signer=signer, own_key=self.own_key, cap=cap)
        verdict = seal.decide(unsealed.outcome, policy)
        if isinstance(verdict, seal.Refused):
            raise DataRefused(verdict.reason, "the seal of a message to us is not in order")
        if isinstance(verdict, seal.Retry):
            raise TryLater(f"gpg could not open a message now ({verdict.code})")
        return unsealed.plaintext

    def seal(self, plaintext: bytes, *, recipient: str, timeout: float = SEAL_SECONDS) -> bytes:
        """The bytes encrypted to the key `recipient` alone and signed by our own; every call gives other bytes.

        Raises:
            NeedsDecision: a key is missing, expired or revoked.
            TryLater: gpg or its agent could not work now.
        """
        keys = (f"--local-user={_fingerprint(self.own_key)}", f"--recipient={_fingerprint(recipient)}")
        limit = 2 * len(plaintext) + gpg.CHUNK
        with gpg.in_memory(plaintext) as descriptor:
            run = gpg.run(self.home, (*_SEAL, *keys, "--sign", "--encrypt"), descriptor, limit=limit, timeout=timeout)
        said = {line.split(" ", 1)[0] for line in run.status}
        if run.rc == 0 and run.clean_eof and {"SIG_CREATED", "BEGIN_ENCRYPTION", "END_ENCRYPTION"} <= said:
            return run.output
        if "INV_RECP" in said:
            raise NeedsDecision(f"the key {recipient} cannot be encrypted to: missing, expired or revoked")
        self._need_own_key()
        if "INV_SGNR" in said:
            raise NeedsDecision(f"our own key {self.own_key} cannot sign: missing, expired or revoked")
        raise TryLater(f"gpg could not seal now (exit code {run.rc})")

    def has_secret_key(self) -> bool:
        """True when the ring holds a secret part of our own key; no agent is asked."""
        arguments = ("--with-colons", "--with-keygrip", "--list-keys", _fingerprint(self.own_key))
        listing = gpg.run(self.home, arguments, None, limit=gpg.CHUNK, timeout=_RING_TIME).output
        grips = [
            line.split(":")[9] for line in listing.decode("utf-8", "replace").split("\n") if line.startswith("grp:")
        ]
        return any((self.home / "private-keys-v1.d" / f"{grip}.key").exists() for grip in grips)

    def look_at(self, armoured: bytes) -> Certificate:
        """The one public key in `armoured`; the ring is not touched.

        Raises:
            NeedsDecision: it is not exactly one public key.
        """
        make_ring(self.home)
        arguments = ("--with-colons", "--import-options=show-only", "--import")
        with gpg.in_memory(armoured) as descriptor:
            run = gpg.run(self.home, arguments, descriptor, limit=gpg.CHUNK, timeout=_RING_TIME)
        found = certificates(run.output)
        if len(found) != 1 or found[0].secret:
            raise NeedsDecision(
                "the file must hold exactly one OpenPGP public key of version 4 (RFC 4880), and no secret key"
            )
        return found[0]

    def import_key(self, armoured: bytes) -> str:
        """The fingerprint of the one public key in `armoured`, which the ring now holds.

        A second import changes nothing; a revocation or a later end that it brings is kept.

        Raises:
            NeedsDecision: it is not exactly one public key.
        """
        found = self.look_at(armoured)
        with gpg.in_memory(armoured) as descriptor:
            run = gpg.run(self.home, ("--import",), descriptor, limit=gpg.CHUNK, timeout=_RING_TIME)
        if run.rc != 0:
            raise TryLater(f"gpg could not import a key now (exit code {run.rc})")
        return found.fingerprint

    def held(self) -> dict[str, Certificate]:
        """Every key in the ring, by the fingerprint of its primary key."""
        arguments = ("--with-colons", "--list-keys")
        listing = gpg.run(self.home, arguments, None, limit=_LISTING, timeout=_RING_TIME).output
        return {one.fingerprint: one for one in certificates(listing)}

    def with_subkeys(self, fingerprints: frozenset[str]) -> frozenset[str]:
        """The fingerprints of these keys in the ring, and of their subkeys."""
        if not fingerprints:
            return frozenset()
        ring = self.held()
        return fingerprints.union(*(ring[one].fingerprints for one in fingerprints & ring.keys()))

    def export_public(self, fingerprint: str) -> bytes:
        """The public key, armoured, without other people's signatures.

        Raises:
            NeedsDecision: the ring does not hold it.
        """
        arguments = ("--armor", "--export-options=export-minimal", "--export", _fingerprint(fingerprint))
        run = gpg.run(self.home, arguments, None, limit=gpg.CHUNK, timeout=_RING_TIME)
        if run.rc != 0 or not run.output:
            raise NeedsDecision(f"the key ring does not hold {fingerprint}")
        return run.output

    def _unseal(self, descriptor: int, *, cap: int, timeout: float) -> Unsealed:
        size = os.fstat(descriptor).st_size
        limit = seal.output_limit(size, cap)
        arguments = ("--weak-digest=SHA1", f"--max-output={limit + gpg.CHUNK}", "--decrypt")
        run = gpg.run(self.home, arguments, descriptor, limit=limit, timeout=timeout, batch=False)
        if not run.status:  # gpg that says nothing at all may not have got as far as the file: its silence must last
            os.lseek(descriptor, 0, os.SEEK_SET)
            run = gpg.run(self.home, arguments, descriptor, limit=limit, timeout=timeout, batch=False)
        if any(line.startswith("NO_SECKEY") for line in run.status) and not run.bytes_out:
            self._need_own_key()
        outcome = seal.Outcome(
            rc=run.rc,
            status=run.status,
            bytes_in=size,
            bytes_out=run.bytes_out,
            clean_eof=run.clean_eof,
            timed_out=run.timed_out,
            envelope=_outside(descriptor, size),
        )
        return Unsealed(outcome, run.output)

    def _need_own_key(self) -> None:
        """Nothing, when our own secret key works now.

        gpg says the same of a file for somebody else and of an agent that cannot start: the file is not to blame.
        """
        if not self.has_secret_key():
            raise NeedsDecision(f"our own secret key {self.own_key} is not in the key ring")
        arguments = ("--list-secret-keys", self.own_key)
        if gpg.run(self.home, arguments, None, limit=gpg.CHUNK, timeout=_RING_TIME).rc != 0:
            raise TryLater("gpg's agent does not answer now")


def make_ring(home: Path) -> None:
    """An empty key ring that many may use at once; one that is there already is kept.

    What a writer that died has locked is free again. gpg sees by itself that the writer is dead only on the machine,
    or in the container, on which it died; we know that no writer of ours lives longer than it is given.
    """
    if len(os.fsencode(home)) > SOCKET_LIMIT:
        raise NeedsDecision(f"the name of a key ring's folder may have at most {SOCKET_LIMIT} bytes")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = home / "gpg-agent.conf"
    if not options.exists():
        options.write_text(AGENT_OPTIONS)
    for lock in home.glob("*.lock"):
        with suppress(FileNotFoundError):
            if time() - lock.stat().st_mtime > _DEAD:
                lock.unlink()


def make_key(home: Path, label: str, *, expires: str = "2y") -> str:
    """The fingerprint of a new key in the ring: Ed25519 signs, Curve25519 encrypts, no passphrase.

    `expires` is gpg's own word: `2y`, `30d`, `never`.

    Raises:
        NeedsDecision: gpg is not installed or refused; the ring is unchanged.
    """
    make_ring(home)
    arguments = ("--pinentry-mode=loopback", "--passphrase=", "--quick-generate-key", label)
    run = gpg.run(home, (*arguments, "future-default", "default", expires), None, limit=gpg.CHUNK, timeout=_RING_TIME)
    made = [line.split()[2] for line in run.status if line.startswith("KEY_CREATED")]
    if run.rc != 0 or len(made) != 1:
        raise NeedsDecision(f"gpg could not make a key (exit code {run.rc})")
    return made[0]


def stop_agent(home: Path) -> None:
    """The gpg processes that serve this ring are told to end, and do in a moment; the next use starts one again."""
    subprocess.run(  # noqa: S603 - our own argument list
        ["gpgconf", "--homedir", str(home), "--kill", "all"],  # noqa: S607 - the PATH's gpgconf, as with gpg
        check=False,
        capture_output=True,
        timeout=_RING_TIME,
    )


def _outside(descriptor: int, size: int) -> envelope.Envelope:
    """What the file looks like, by its first and last bytes."""
    head = os.pread(descriptor, envelope.HEAD, 0)
    return envelope.look(head, os.pread(descriptor, envelope.TAIL, max(0, size - envelope.TAIL)))


def _fingerprint(key: str) -> str:
    """The fingerprint itself.

    Raises:
        NeedsDecision: it is something else, e.g. an address that gpg would look up.
    """
    if len(key) != 40 or not set(key) <= set("0123456789ABCDEF"):  # noqa: PLR2004 - a version 4 fingerprint
        raise NeedsDecision("a key must be given by its whole fingerprint: 40 upper-case hexadecimal digits")
    return key
