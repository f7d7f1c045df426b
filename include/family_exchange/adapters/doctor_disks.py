"""How a disk stands: room, inodes, and whether it is encrypted."""

from collections.abc import Iterator
from pathlib import Path

from family_exchange.adapters.room import LEAST_INODES, MIB, disk
from family_exchange.domain.doctor import Finding, Room, bad, good, note, unseen, warning

AHEAD = 4
"""A disk is spoken of when it has less than so many times what stops intake."""
MOUNTS, BLOCK = Path("/proc/self/mountinfo"), Path("/sys/dev/block")
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def room(folder: Path, subject: str, least: int, *, also: int = 0) -> Iterator[Finding]:
    """The disk of that folder has room for what is to come; `also`: bytes beyond what stops intake."""
    try:
        found = disk(folder)
    except OSError as error:
        yield unseen(Room.DISKS, subject, f"it cannot be looked at (errno {error.errno})", f"look at {folder} yourself")
        return
    told = f"{found.free // MIB} of {found.size // MIB} MiB free"
    soon = max(AHEAD * least, also)
    if found.free < least:
        yield bad(Room.DISKS, subject, told, f"make room at {folder}: below {least // MIB} MiB nothing is taken in")
    elif found.free < soon:
        yield warning(Room.DISKS, subject, told, f"make room at {folder}: less than {soon // MIB} MiB is little")
    else:
        yield good(Room.DISKS, subject, told)
    if found.inodes is not None and found.inodes < AHEAD * LEAST_INODES:
        yield bad(Room.DISKS, subject, f"{found.inodes} more files fit", f"remove files at {folder}")


def encryption(folder: Path, subject: str) -> Iterator[Finding]:
    """Whether what lies in that folder is readable for whoever takes the disk away."""
    kind, device = mounted(folder)
    if kind in IN_MEMORY:
        yield warning(Room.DISKS, subject, f"{kind}: it is gone with the power", "give it a disk that stays")
    elif is_encrypted(device):
        yield good(Room.DISKS, subject, "on an encrypted device")
    else:
        yield note(
            Room.DISKS,
            subject,
            "this machine does not show whether its disk is encrypted",
            "make sure that it is, here (LUKS) or below (the storage of the host)",
        )


def mounted(folder: Path, mounts: Path = MOUNTS) -> tuple[str, str]:
    """(kind of file system, `major:minor` of its device) under that folder; empty words when it is not known."""
    real, best = folder.resolve(), ("", "", "")
    for line in mounts.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
        before, _, after = line.partition(" - ")
        words, behind = before.split(), after.split()
        if len(words) < 5 or not behind:  # noqa: PLR2004 - id, parent, device, root, place
            continue
        place = words[4].encode("ascii", "surrogateescape").decode("unicode_escape")  # a blank is written as \040
        if (real.is_relative_to(place)) and len(place) >= len(best[0]):
            best = (place, behind[0], words[2])
    return best[1], best[2]


def is_encrypted(device: str, block: Path = BLOCK) -> bool:
    """True when the device, or one of those below it, is one of the kernel's encrypted ones."""
    here = block / device
    try:
        if (here / "dm/uuid").read_text().startswith("CRYPT-"):
            return True
    except OSError:
        pass
    below = here / "slaves"
    try:
        return any(is_encrypted((each / "dev").read_text().strip(), block) for each in below.iterdir())
    except OSError:
        return False
