"""A folder for the time of a restore: a server's copy in the open and the recovery key, gone however it ends."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from family_exchange.adapters.openpgp import stop_agent

PREFIX = "fx-r-"
_HELD = ".held"
"""Locked by whoever works in the folder: the lock dies with its process, and so tells what a dead one left."""
_NOT_YET = ".not-yet-held"
"""Its name until it is locked: nobody takes a folder that was only just made for one that a dead worker left."""


@contextmanager
def workplace(above: Path) -> Iterator[Path]:
    """A new folder in `above`, gone with the block; first, what one that died left there is stopped and gone.

    Others may pass through it, because a copy of the server may run as another user.
    """
    sweep(above)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=above) as made:
        place = Path(made)
        with (place / _NOT_YET).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (place / _NOT_YET).rename(place / _HELD)
            place.chmod(0o711)
            yield place


def sweep(above: Path) -> int:
    """How many folders of workers that died went, with the servers and agents that still ran over them."""
    gone = 0
    for left in above.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError, PermissionError), (left / _HELD).open("r+") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _stop(left)
            shutil.rmtree(left)
            gone += 1
    return gone


def _stop(left: Path) -> None:
    for process in _at_work_in(left):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    for ring in left.glob("**/private-keys-v1.d"):
        stop_agent(ring.parent)


def _at_work_in(folder: Path) -> list[int]:
    """Processes whose own folder lies in this one: PostgreSQL's, which outlive whoever started them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found
