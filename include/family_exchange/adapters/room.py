"""Room for what is to come: free bytes and inodes on disks, and free memory, before a file is taken in."""

import os
from dataclasses import dataclass
from pathlib import Path

from family_exchange.domain.errors import NoRoom, TryLater

MIB = 1 << 20
LEAST = 256 * MIB
"""Bytes that stay free on every disk that is looked at, so that what was begun can end, unless a council says more."""
LEAST_INODES = 1000
"""Files that can still be made on a disk."""
LEAST_MEMORY = 256 * MIB
"""Bytes of memory that a worker needs for any file."""
MEMORY_FOR_A_BYTE = 5
"""Bytes of memory for one byte of a sealed file: a million rows, 107 MB, take half a gigabyte (`make bench`)."""

MEMINFO, CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""What version 1 of control groups calls no limit is a number somewhere above."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system under one folder."""

    free: int
    """Bytes that we may still write."""
    size: int
    """Bytes."""
    inodes: int | None
    """Files that can still be made; None: the file system does not count them."""


def disk(folder: Path) -> Disk:
    """The disk under that folder.

    Raises:
        OSError: it cannot be looked at.
    """
    found = os.statvfs(folder)
    inodes = found.f_favail if found.f_files else None
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, inodes)


def memory(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int | None:
    """Bytes that this process may still take, by the machine and by its container; None: neither says so."""
    known = [free for free in (_machine(meminfo), _container(cgroup)) if free is not None]
    return min(known, default=None)


@dataclass(frozen=True, slots=True)
class Room:
    """What has to be free before anything is taken in."""

    least: int = LEAST
    """Bytes on each disk."""
    disks: tuple[Path, ...] = ()
    """Folders on further disks: those of PostgreSQL's data and log, where this machine has them."""

    def need(self, vault: Path, size: int) -> None:
        """Nothing, when a file of `size` bytes can be kept, stored and read.

        The vault's disk must hold it twice; every disk must have `least` bytes and some inodes left.

        Raises:
            NoRoom: a disk cannot; nothing should be taken in until somebody makes room.
            TryLater: memory is short just now, or a disk does not say how it stands.
        """
        self._disk("the vault's disk", vault, max(2 * size, self.least))
        for folder in self.disks:
            self._disk(f"the disk of {folder}", folder, self.least)
        needed, free = LEAST_MEMORY + MEMORY_FOR_A_BYTE * size, memory()
        if free is not None and free < needed:
            raise TryLater(f"{free // MIB} MiB of memory are free and the next file needs {-(-needed // MIB)}")

    @staticmethod
    def _disk(name: str, folder: Path, needed: int) -> None:
        try:
            found = disk(folder)
        except OSError as error:
            raise TryLater(f"{name} cannot be looked at now (errno {error.errno})") from None
        if found.free < needed:
            raise NoRoom(
                f"{name} has {found.free // MIB} MiB free and needs {-(-needed // MIB)}: make room at {folder}, then "
                "clear this task"
            )
        if found.inodes is not None and found.inodes < LEAST_INODES:
            raise NoRoom(
                f"{name} can hold {found.inodes} more files and needs {LEAST_INODES}: remove files at {folder}, then "
                "clear this task"
            )


def _machine(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().split("\n")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _container(cgroup: Path) -> int | None:
    """What the container's limit leaves; what the kernel would give back at once counts as free."""
    places = (
        (cgroup / "memory.max", cgroup / "memory.current", cgroup / "memory.stat", "inactive_file"),
        (
            cgroup / "memory/memory.limit_in_bytes",
            cgroup / "memory/memory.usage_in_bytes",
            cgroup / "memory/memory.stat",
            "total_inactive_file",
        ),
    )
    for limit, used, details, word in places:
        try:
            most, taken, said = limit.read_text().strip(), int(used.read_text()), details.read_text()
        except (OSError, ValueError):
            continue
        if not most.isdigit() or int(most) >= _UNLIMITED:
            return None
        kept = next((int(line.split()[1]) for line in said.split("\n") if line.startswith(f"{word} ")), 0)
        return max(0, int(most) - taken + kept)
    return None
