"""Partner ciphertext at rest, addressed by its own SHA-256; never plaintext."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from family_exchange.adapters import durable
from family_exchange.adapters.room import Room
from family_exchange.domain.calendar import LONDON
from family_exchange.domain.errors import NoRoom, TryLater

if TYPE_CHECKING:
    from _typeshed import SupportsRead

CHUNK = 1 << 20
SUFFIX = ".pgp"
_TEMPORARY = "tmp"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the vault now holds durably."""

    sha256: bytes
    """Digest of the ciphertext, and its address."""
    size: int
    """Bytes."""


class Vault:
    """A folder `root/ab/cd/<sha256>.pgp`: what is there is whole, on disk, and read by its owner alone."""

    def __init__(self, root: Path, room: Room | None = None) -> None:
        self._root = root
        self._room = room or Room()

    def need_room(self, size: int) -> None:
        """Nothing, when a file of `size` bytes can be kept, stored and read; see `adapters.room`.

        Raises:
            NoRoom: it cannot; nothing should be taken in until somebody makes room.
            TryLater: memory is short just now, or a disk does not say how it stands.
        """
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise TryLater(f"the vault cannot be looked at now (errno {error.errno})") from None
        self._room.need(self._root, size)

    def put(self, read: "SupportsRead[bytes]") -> Stored:
        """The bytes of `read` from where it stands to its end, durable under their own digest.

        A second put of the same bytes leaves one object, and heals it if it was damaged. What a crash left under
        `tmp/` is swept first.

        Raises:
            NoRoom: the disk is full; nothing was stored.
            TryLater: the file system refused to write or to sync; nothing was stored.
        """
        try:
            self._sweep()
            with self._temporary() as (descriptor, temporary):
                stored = _copy(read, descriptor)
                target = self.path(stored.sha256)
                self._make_folders(target)
                temporary.rename(target)
                durable.sync_folder(target.parent)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise NoRoom(f"the vault's disk is full: make room at {self._root}, then clear this task") from None
            raise TryLater(f"the vault cannot store this now (errno {error.errno})") from None
        return stored

    def path(self, digest: bytes) -> Path:
        """Where the object of this digest is, or would be."""
        name = digest.hex()
        return self._root / name[:2] / name[2:4] / f"{name}{SUFFIX}"

    def holds(self, digest: bytes) -> bool:
        """True when the object is there."""
        return self.path(digest).is_file()

    def whole(self, digest: bytes) -> bool:
        """True when the object is there and its bytes still have this digest."""
        try:
            with self.path(digest).open("rb") as file:
                return file_digest(file, "sha256").digest() == digest
        except FileNotFoundError:  # it may go while others are looked at
            return False

    def held(self) -> Iterator[bytes]:
        """Every digest in the vault, in order."""
        for file in sorted(self._root.glob(f"??/??/*{SUFFIX}")):
            yield bytes.fromhex(file.name.removesuffix(SUFFIX))

    def is_empty(self) -> bool:
        """True when nothing lies here: a new vault, or a folder onto which its disk is not mounted."""
        return next(self._root.glob(f"??/??/*{SUFFIX}"), None) is None

    def stored_on(self, digest: bytes) -> date | None:
        """The day on which the object was last put there, on London's clocks; None when it is not there."""
        try:
            moment = self.path(digest).stat().st_mtime
        except FileNotFoundError:
            return None
        return datetime.fromtimestamp(moment, LONDON).date()

    def destroy(self, digest: bytes) -> bool:
        """True when the object was there; it is gone, durably, in any case.

        Raises:
            TryLater: the file system would not let go of it.
        """
        target = self.path(digest)
        try:
            existed = self.holds(digest)
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                durable.sync_folder(target.parent)
        except OSError as error:
            raise TryLater(f"the vault cannot destroy this now (errno {error.errno})") from None
        if target.exists():
            raise TryLater("the vault still holds what it was told to destroy")
        return existed

    @contextmanager
    def _temporary(self) -> Iterator[tuple[int, Path]]:
        """A locked, empty file under `tmp/`; gone at the end unless it was renamed.

        The lock tells a writer at work from what a crash left behind, without a clock.
        """
        folder = self._root / _TEMPORARY
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            temporary = folder / uuid4().hex
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                if _locked(descriptor) and os.fstat(descriptor).st_nlink:
                    try:
                        yield descriptor, temporary
                    finally:
                        temporary.unlink(missing_ok=True)
                    return
            finally:
                os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what no living writer holds."""
        for leftover in (self._root / _TEMPORARY).glob("*"):
            try:
                descriptor = os.open(leftover, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                if _locked(descriptor):
                    leftover.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def _make_folders(self, target: Path) -> None:
        """The folders above `target`, each entry durable in the one above it."""
        for folder in (target.parent.parent, target.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                durable.sync_folder(folder.parent)


def _copy(read: "SupportsRead[bytes]", descriptor: int) -> Stored:
    """What was copied and is on disk; the digest was taken during the same read."""
    seen, size = sha256(), 0
    while chunk := read.read(CHUNK):
        seen.update(chunk)
        size += len(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)
    return Stored(seen.digest(), size)


def _locked(descriptor: int) -> bool:
    """True when this descriptor now holds the only lock on its file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
