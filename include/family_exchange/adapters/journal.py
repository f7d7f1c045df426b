"""The journal: what a restored database cannot know, written outside it before it becomes true in it.

What was destroyed (so that it is destroyed again), what was taken into the vault while its landing file went (so that
it is taken up again), what was about to be sent (so that nothing else is sent in its place), which keys were revoked
(so that they stay so), and what was certified (so that the proof outlives the database). Ids, digests and counts only.
Lines are added and never changed; two copies of it may be kept, and either one is enough.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from family_exchange.adapters import durable
from family_exchange.domain.errors import TryLater

FILE = "journal.log"

Line = dict[str, object]


class What(StrEnum):
    """What a line tells of."""

    DESTROYED = "destroyed"
    TAKEN = "taken"
    SENDING = "sending"
    REVOKED = "revoked"
    CERTIFIED = "certified"


@dataclass(frozen=True, slots=True)
class Journal:
    """The same lines in each of these folders."""

    folders: tuple[Path, ...]

    def add(self, what: What, told: Mapping[str, object]) -> None:
        """The line is on every disk when this returns; a second time makes a second line, which says nothing new.

        Raises:
            TryLater: a disk refused: whatever was to follow must not happen.
        """
        line = json.dumps({"what": what, **told}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        for folder in self.folders:
            try:
                _append(folder, line)
            except OSError as error:
                raise TryLater(f"the journal cannot be written now (errno {error.errno}): look at {folder}") from None

    def lines(self, what: What) -> Iterator[Line]:
        """Every line of that kind in any copy, each once, in order."""
        seen: set[bytes] = set()
        for folder in self.folders:
            for raw in content(folder).splitlines():
                if raw in seen or not raw.endswith(b"}"):  # a writer died in the middle: it did nothing afterwards
                    continue
                seen.add(raw)
                line = json.loads(raw)
                if line["what"] == what:
                    yield line

    def destroyed(self, kind: str) -> tuple[list[str], list[str]]:
        """Ids of that kind, and digests of objects, that were destroyed with them: sorted, each once."""
        lines = [line for line in self.lines(What.DESTROYED) if line["kind"] == kind]
        return _all(lines, "ids"), _all(lines, "objects")


def content(folder: Path) -> bytes:
    """The copy in this folder; empty when there is none."""
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return b""


def bring_back(folder: Path, lines: bytes) -> None:
    """A folder without a journal has this one."""
    if not (folder / FILE).exists():
        _append(folder, lines)


def _all(lines: Sequence[Line], key: str) -> list[str]:
    return sorted({str(each) for line in lines for each in line[key]})  # type: ignore[attr-defined]  # our own lists


def _append(folder: Path, line: bytes) -> None:
    fresh = not (folder / FILE).exists()
    folder.mkdir(mode=0o700, exist_ok=True)  # and nothing above it: a disk that is not mounted must be noticed
    with (folder / FILE).open("a+b") as log:
        (folder / FILE).chmod(0o600)
        fcntl.flock(log, fcntl.LOCK_EX)
        end = log.seek(0, os.SEEK_END)
        log.seek(max(0, end - 1))
        if end and log.read(1) != b"\n":
            log.write(b"\n")
        log.write(line)
        log.flush()
        os.fsync(log.fileno())
    if fresh:
        durable.sync_folder(folder)
