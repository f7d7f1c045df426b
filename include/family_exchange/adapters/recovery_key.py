"""The recovery key: everything in a backup that is not sealed already is sealed to it, and it lies in nobody's hands.

Its secret half is kept in a file that opens only with a secret cut into shares: two people must come together. Here it
is made, put together again, and used in a ring that lives as long as the work.
"""

import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from family_exchange.adapters import durable, gpg, unpacking
from family_exchange.adapters.openpgp import OpenPGP, make_key, make_ring, stop_agent
from family_exchange.domain import shares
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.shares import Share

SECRET_FILE, PUBLIC_FILE = "recovery.secret", "recovery.asc"
_LABEL = "recovery of backups"
_KEYS = ("gnupg", "secrets")
_SECRET, _NONCE = 32, 12
_SECONDS = 60.0
_UNPACKED = ".keys"
"""In a council's folder: keys that came out of a backup, whole, for as long as they are put in place."""
_PART_OF = ("private-keys-v1.d", "pubring.kbx", "trustdb.gpg", "openpgp-revocs.d", "gpg-agent.conf")
"""What a key ring is made of; the rest are sockets and locks."""


def make(folder: Path, *, needed: int, total: int) -> tuple[str, tuple[Share, ...]]:
    """The fingerprint of a new key, whose two halves lie in `folder`, and the shares that open the secret one.

    Raises:
        NeedsDecision: a key lies there already, the numbers make no sense, or gpg refuses.
    """
    if (folder / SECRET_FILE).exists():
        raise NeedsDecision(f"a recovery key lies in {folder} already; give another folder")
    secret = secrets.token_bytes(_SECRET)
    cut = shares.split(secret, needed=needed, total=total, chance=secrets.token_bytes(_SECRET * (needed - 1)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = folder / "ring"
    try:
        fingerprint = make_key(home, _LABEL, expires="never")
        (folder / PUBLIC_FILE).write_bytes(OpenPGP(home, fingerprint).export_public(fingerprint))
        exported = _export_secret(home, fingerprint)
    finally:
        stop_agent(home)
        shutil.rmtree(home, ignore_errors=True)
    nonce = secrets.token_bytes(_NONCE)
    sealed = nonce + AESGCM(secret).encrypt(nonce, exported, fingerprint.encode()) + fingerprint.encode()
    durable.write(folder / SECRET_FILE, sealed, mode=0o600)
    return fingerprint, cut


@contextmanager
def ring(folder: Path, file: Path, given: Sequence[str]) -> Iterator[OpenPGP]:
    """A ring in `folder` that holds the recovery key, from its secret file and enough shares; gone when the block ends.

    Raises:
        NeedsDecision: the file is none, the shares are too few or wrong, or they belong to another key.
    """
    sealed = file.read_bytes()
    fingerprint = sealed[-40:].decode("ascii", "replace")
    secret = shares.joined([shares.read(each) for each in given])
    try:
        exported = AESGCM(secret).decrypt(sealed[:_NONCE], sealed[_NONCE:-40], fingerprint.encode())
    except (InvalidTag, ValueError):
        raise NeedsDecision("these shares do not open this recovery key: they are of another one") from None
    make_ring(folder)
    folder.chmod(0o700)
    try:
        with gpg.in_memory(exported) as descriptor:
            run = gpg.run(folder, ("--import",), descriptor, limit=gpg.CHUNK, timeout=_SECONDS)
        if run.rc != 0:
            raise TryLater(f"gpg could not take in the recovery key (exit code {run.rc})")
        yield OpenPGP(folder, fingerprint)
    finally:
        stop_agent(folder)
        shutil.rmtree(folder, ignore_errors=True)


def packed(state: Path) -> bytes:
    """The key ring and the secrets of a council's folder, as one archive in memory."""
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for part in _PART_OF:
            if (path := state / "gnupg" / part).exists():
                archive.add(path.resolve() if path.is_symlink() else path, f"gnupg/{part}", filter=_plain)
        archive.add(state / "secrets", "secrets", filter=_plain)
    return target.getvalue()


def unpack(archive: bytes, state: Path) -> None:
    """The folder has the key ring and the secrets of the archive, whole; what it has already stays.

    A second run, after a crash, finishes what the first one began.

    Raises:
        NeedsDecision: one of the two is there and the other is not: somebody must look first.
    """
    there = [part for part in _KEYS if (state / part).exists()]
    whole = state / _UNPACKED
    if len(there) == 1 and (not whole.exists() or (whole / there[0]).exists()):
        raise NeedsDecision(f"{state} has only {there[0]}/ of gnupg/ and secrets/: put it aside, then restore again")
    if len(there) < len(_KEYS):
        if not whole.exists():
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            _unpack(archive, whole)
        for part in _KEYS:
            if (whole / part).exists():
                (whole / part).rename(state / part)
        durable.sync_folder(state)
    shutil.rmtree(whole, ignore_errors=True)


def _unpack(archive: bytes, whole: Path) -> None:
    """The archive lies there, on disk, or nothing does."""
    begun = whole.with_name(f"{whole.name}.part")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(mode=0o700)
    with tarfile.open(fileobj=BytesIO(archive)) as opened:
        unpacking.unpack(opened, begun)
    for folder in (*begun.iterdir(), *(begun / "gnupg").glob("*.d")):
        if folder.is_dir():
            folder.chmod(0o700)
    durable.sync_tree(begun)
    begun.rename(whole)
    durable.sync_folder(whole.parent)


def forget(state: Path) -> None:
    """What `unpack` made is gone, and no agent serves its ring."""
    stop_agent(state / "gnupg")
    shutil.rmtree(state, ignore_errors=True)


def seal_file(ring: OpenPGP, recipient: str, source: "subprocess.Popen[bytes]", target: Path) -> None:
    """What `source` writes is in `target`, sealed to `recipient`; it is never on a disk otherwise.

    Raises:
        TryLater: gpg did not end well; nothing is left.
    """
    command = ["gpg", *_QUIET, f"--homedir={ring.home}", "--trust-model=always", "--compress-algo=zlib"]
    command += ["--compress-level=1", "--cipher-algo=AES256", f"--recipient={recipient}", "--yes"]
    command += [f"--output={target}", "--encrypt"]
    done = subprocess.run(command, stdin=source.stdout, capture_output=True, check=False)  # noqa: S603 - our own argument list
    if done.returncode != 0:
        target.unlink(missing_ok=True)
        raise TryLater(f"gpg could not seal a backup (exit code {done.returncode})")


@contextmanager
def opened(ring: OpenPGP, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """gpg, which writes the content of `file` to its standard output.

    Raises:
        NeedsDecision: it was not sealed to the recovery key, or is damaged.
    """
    command = ["gpg", *_QUIET, f"--homedir={ring.home}", "--trust-model=always", "--decrypt", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - as above
        yield process
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        process.stdout.close()
    if process.returncode != 0:
        raise NeedsDecision(f"{file.name} does not open with the recovery key; use another backup")


_QUIET = ("--no-tty", "--batch", "--no-options", "--disable-dirmngr", "--no-auto-key-locate", "--pinentry-mode=error")


def _export_secret(home: Path, fingerprint: str) -> bytes:
    arguments = ("--pinentry-mode=loopback", "--passphrase=", "--export-secret-keys", fingerprint)
    run = gpg.run(home, arguments, None, limit=gpg.CHUNK, timeout=_SECONDS)
    if run.rc != 0 or not run.output:
        raise NeedsDecision(f"gpg would not give the recovery key out (exit code {run.rc})")
    return run.output


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Files and folders only, of nobody in particular."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member if member.isfile() or member.isdir() else None
