"""How the machine stands that we run on: its clock, disks, memory, swap, and what a crash would leave behind."""

import ctypes
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from family_exchange.adapters import doctor_disks
from family_exchange.adapters import room as rooms
from family_exchange.adapters.room import LEAST_MEMORY, MIB
from family_exchange.adapters.settings import CouncilSettings
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged, note, unseen, warning

SWAPS, CORE_PATTERN = Path("/proc/swaps"), Path("/proc/sys/kernel/core_pattern")
LARGEST = 512 * MIB
"""The largest sealed file that is taken in."""

_UNSYNCHRONISED = 5
"""What `adjtimex` returns, and TIME_ERROR in adjtimex(2): no time server is followed."""
_TIMEX_BYTES, _MICROSECONDS_AT = 256, 24
"""Room for the kernel's answer; where in it the largest error stands, a long, after the number and two longs."""


def clock() -> Iterator[Finding]:
    """Something keeps this machine's clock right."""
    libc = ctypes.CDLL(None, use_errno=True)
    answer = ctypes.create_string_buffer(_TIMEX_BYTES)  # its first number, 0, asks without setting anything
    standing = libc.adjtimex(answer)
    advice = "run chrony or systemd-timesyncd here, or on the host of this machine, and look at what it says"
    if standing < 0:
        why = f"the kernel does not say (errno {ctypes.get_errno()})"
        yield unseen(Room.CLOCKS, "this machine's clock", why, advice)
    elif standing == _UNSYNCHRONISED:
        found = "the kernel knows of no time server"
        yield note(Room.CLOCKS, "this machine's clock", found, advice)
    else:
        most = ctypes.c_long.from_buffer(answer, _MICROSECONDS_AT).value
        yield good(Room.CLOCKS, "this machine's clock", f"follows a time server, at most {most / 1e6:.2f} s off")


def state_disk(settings: CouncilSettings) -> Iterator[Finding]:
    """The disk of vault, keys and checkpoints has room and is encrypted."""
    yield from doctor_disks.room(settings.state, "the disk of the council's folder", settings.least_room)
    yield from doctor_disks.encryption(settings.state, "the council's folder at rest")


def temporary() -> Iterator[Finding]:
    """Where programs put what they do not keep: room for it. Nothing of ours with rows in it is written there."""
    folder = Path(tempfile.gettempdir())
    yield from doctor_disks.room(folder, f"temporary files in {folder}", 64 * MIB)


def memory() -> Iterator[Finding]:
    """There is enough for the largest file that is taken in; a file's content is in memory only."""
    free = rooms.memory()
    if free is None:
        yield unseen(Room.DISKS, "memory", "neither machine nor container says", "look at it yourself")
        return
    wanted = LEAST_MEMORY + rooms.MEMORY_FOR_A_BYTE * LARGEST
    told = f"{free // MIB} MiB free"
    if free < LEAST_MEMORY:
        yield bad(Room.DISKS, "memory", told, f"no file is taken in below {LEAST_MEMORY // MIB} MiB: give it more")
    else:
        yield judged(
            Room.DISKS,
            "memory",
            told,
            well=free >= wanted,
            advice=f"a file of {LARGEST // MIB} MiB would wait for {wanted // MIB}: give it more, or fewer workers",
            otherwise=Grade.NOTE,
        )


def swap(swaps: Path = SWAPS) -> Iterator[Finding]:
    """What is in memory only does not come onto a disk that others could read."""
    try:
        lines = swaps.read_text().split("\n")[1:]
    except OSError as error:
        yield unseen(Room.DISKS, "swap", f"the kernel does not say (errno {error.errno})", "look at `swapon --show`")
        return
    places = [line.split()[0] for line in lines if line.strip()]
    bare = [place for place in places if not _is_private(Path(place))]
    if not places:
        yield good(Room.DISKS, "swap", "off")
    elif bare:
        found = f"{len(bare)} of {len(places)} in the clear"
        advice = "swapoff, or encrypt it: a file's content in memory could come onto that disk"
        yield warning(Room.DISKS, "swap", found, advice)
    else:
        yield good(Room.DISKS, "swap", "encrypted, or in memory itself")


def core_dumps(pattern: Path = CORE_PATTERN) -> Iterator[Finding]:
    """A crash leaves no image of memory behind."""
    soft, _ = _LIMIT
    to = pattern.read_text().strip()
    if soft == 0:
        yield good(Room.FILES, "core dumps", "off for this process")
    elif not to:
        yield good(Room.FILES, "core dumps", "the kernel writes none")
    else:
        where = "a program takes them" if to.startswith("|") else "they are written into files"
        advice = "LimitCORE=0 in the services of Airflow and PostgreSQL, ulimits core: 0 in containers"
        yield warning(Room.FILES, "core dumps", f"on for this process: {where}", advice)


_LIMIT = resource.getrlimit(resource.RLIMIT_CORE)
"""As it was when we were started: whatever runs gpg turns core dumps off for itself."""


def _is_private(place: Path) -> bool:
    """True for swap in memory, and on an encrypted device or a file on one."""
    if place.name.startswith("zram"):
        return True
    try:
        found = place.stat()
    except OSError:
        return False
    number = found.st_rdev or found.st_dev
    return doctor_disks.is_encrypted(f"{os.major(number)}:{os.minor(number)}")
