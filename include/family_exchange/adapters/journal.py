"""The journal: what a restored database cannot know, written outside it before it becomes true in it.

What is about to be destroyed and what was (so that it is destroyed again), what was taken into the vault while its
landing file went (so that it is taken up again), what was about to be sent (so that nothing else is sent in its place),
which keys were revoked (so that they stay so), and what was certified (so that the proof outlives the database). Ids,
digests and counts only. Lines are added and never changed; two copies of it may be kept, and either one is enough.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from family_exchange.adapters import durable
from family_exchange.domain.errors import TryLater

FILE = "journal.log"

Line = dict[str, object]


class What(StrEnum):
    """What a line tells of."""

    DESTROYING = "destroying"
    """It may come to nothing: a hold may have come first, or the database refused."""
    DESTROYED = "destroyed"
    """It is so in the database."""
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

    def every(self) -> Iterator[Line]:
        """Every line in any copy, each once, in order; what no copy has whole is left out."""
        seen: set[bytes] = set()
        for folder in self.folders:
            for raw in _raw(folder):
                mark = sha256(raw).digest()
                if mark not in seen and (line := _line(raw)) is not None:
                    yield line
                seen.add(mark)

    def lines(self, what: What) -> Iterator[Line]:
        """Every line of that kind, as above."""
        return (line for line in self.every() if line["what"] == what)

    def destroyed(self, kind: str) -> tuple[list[str], list[str]]:
        """Ids of that kind, and digests of objects, that were destroyed with them: sorted, each once.

        Among the ids of source records are those that rows which said them again would have had as records.
        """
        lines = [line for line in self.lines(What.DESTROYED) if line["kind"] == kind]
        return _all(lines, "ids"), _all(lines, "objects")

    def objects_gone(self) -> set[bytes]:
        """Digests of the vault's objects of which the last word is that they were destroyed.

        A partner may send the very same bytes again, later: then they are there again, lawfully.
        """
        gone: set[bytes] = set()
        for line in self.every():
            if line["what"] == What.DESTROYED:
                gone |= {bytes.fromhex(each) for each in _all([line], "objects")}
            elif line["what"] == What.TAKEN:
                gone.discard(bytes.fromhex(str(line["sha256"])))
        return gone

    def unfinished(self) -> list[Line]:
        """What was about to be destroyed and is not known to be: whoever wrote it died, or the database refused."""
        begun: dict[str, Line] = {}
        for line in self.every():
            about = {name: value for name, value in line.items() if name != "what"}
            same = json.dumps({**about, "objects": []}, sort_keys=True)  # of these, some may be needed by others
            if line["what"] == What.DESTROYING:
                begun[same] = about
            elif line["what"] == What.DESTROYED:
                begun.pop(same, None)
        return list(begun.values())


def content(folder: Path) -> bytes:
    """The copy in this folder; empty when there is none."""
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return b""


def bring_back(folder: Path, lines: bytes) -> int:
    """How many of these lines the journal in this folder lacked; it has them now, behind its own.

    A second run, after a crash for example, brings what is left.
    """
    there = {sha256(raw).digest() for raw in _raw(folder)}
    lacking = [raw for raw in lines.split(b"\n") if _line(raw) is not None and sha256(raw).digest() not in there]
    if lacking or not (folder / FILE).exists():
        _append(folder, b"".join(raw + b"\n" for raw in lacking))
    return len(lacking)


def _raw(folder: Path) -> Iterator[bytes]:
    """The lines of this copy, as they stand there."""
    try:
        with (folder / FILE).open("rb") as log:
            for raw in log:
                yield raw.rstrip(b"\n")
    except FileNotFoundError:
        return


def _line(raw: bytes) -> Line | None:
    """What the line says; None when its writer died in the middle: it did nothing afterwards."""
    if not raw.endswith(b"}"):
        return None
    try:
        line = json.loads(raw)
    except ValueError:  # a certificate's body has braces of its own, and a line may end at one of them
        return None
    return line if isinstance(line, dict) and "what" in line else None


def _all(lines: Sequence[Line], key: str) -> list[str]:
    return sorted({str(each) for line in lines for each in line[key]})  # type: ignore[attr-defined]  # our own lists


def _append(folder: Path, lines: bytes) -> None:
    fresh = not (folder / FILE).exists()
    folder.mkdir(mode=0o700, exist_ok=True)  # and nothing above it: a disk that is not mounted must be noticed
    with (folder / FILE).open("a+b") as log:
        (folder / FILE).chmod(0o600)
        fcntl.flock(log, fcntl.LOCK_EX)
        end = log.seek(0, os.SEEK_END)
        log.seek(max(0, end - 1))
        if end and log.read(1) != b"\n":
            log.write(b"\n")
        log.write(lines)
        log.flush()
        os.fsync(log.fileno())
    if fresh:
        durable.sync_folder(folder)
        durable.sync_folder(folder.parent)
