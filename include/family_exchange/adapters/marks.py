"""What lies beside a council's database, out of its reach, and tells how things stand: marks, checkpoints, disks.

Each mark is one small file that is replaced whole, so that whoever looks sees the last one that was finished.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from family_exchange.adapters.audit import CHECKPOINTS
from family_exchange.adapters.backup_place import LOOKED

VERIFIED = "verified.json"
"""In the folder of checkpoints: when the audit chain was last verified, and what was found."""
LAST_BACKUP = Path("backups/last.json")
"""In the council's folder: `taken_at` of the newest backup, and `database_at` of its copy of the database."""

_TAIL = 4096
"""Bytes; the newest checkpoint stands well within the last so many."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the last look at the whole audit chain found."""

    at: datetime
    whole: bool


def note_verification(folder: Path, *, whole: bool, at: datetime) -> None:
    """The last verification is this one."""
    replace(folder / VERIFIED, json.dumps({"at": at.isoformat(), "whole": whole}))


def verification(folder: Path) -> Verification | None:
    """The last verification; None when there was none, or its mark cannot be read."""
    try:
        found = json.loads((folder / VERIFIED).read_text())
        return Verification(datetime.fromisoformat(found["at"]), bool(found["whole"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def checkpoint(folder: Path) -> int:
    """The number of the newest event under a checkpoint; 0 when there is no checkpoint."""
    try:
        with (folder / CHECKPOINTS).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            lines = log.read().splitlines()
    except OSError:
        return 0
    newest = 0
    for line in lines:
        newest = min(newest, _said(line, "given_up_after", newest))  # of a chain that a restore gave up
        newest = max(newest, _said(line, "seq", 0))
    return newest


def backups(state: Path) -> dict[str, datetime]:
    """The instants of the newest backup of `files` and of the `database`; one that nothing tells of is left out."""
    try:
        said = json.loads((state / LAST_BACKUP).read_text())
        stated = {"files": said["taken_at"], "database": said.get("database_at")}
        moments = {part: datetime.fromisoformat(at) for part, at in stated.items() if at is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {part: at if at.tzinfo else at.replace(tzinfo=UTC) for part, at in moments.items()}


def backup_is_whole(state: Path) -> bool | None:
    """What the last look at the newest backup found; None: nobody looked, or it cannot be read."""
    try:
        return not json.loads((state / LOOKED).read_text())["wrong"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def disks(
    state: Path, further: Sequence[Path] = (), place_of_backups: Path | None = None
) -> dict[str, tuple[int, float]]:
    """Free bytes and the free part of the disks under the council's folder (`state`), under `temp` and under `further`.

    Those are `disk_1`, `disk_2` and so on, and the place of backups is `backups`; a folder that this machine has not is
    left out.
    """
    found = {}
    others = {f"disk_{number}": folder for number, folder in enumerate(further, start=1)}
    if place_of_backups is not None:
        others["backups"] = place_of_backups
    for place, folder in {"state": state, "temp": Path(tempfile.gettempdir()), **others}.items():
        if not folder.exists():
            continue
        usage = shutil.disk_usage(folder)
        found[place] = (usage.free, usage.free / usage.total if usage.total else 0.0)
    return found


def replace(file: Path, text: str, *, mode: int = 0o600) -> None:
    """`file` holds `text`, whole or not at all; a missing folder is made, for those who may read the file."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o755 if mode & 0o004 else 0o700)
    with tempfile.NamedTemporaryFile("w", prefix=f".{file.name}.", dir=file.parent, delete=False) as unfinished:
        os.fchmod(unfinished.fileno(), mode)
        unfinished.write(text)
    Path(unfinished.name).replace(file)


def _said(line: bytes, name: str, otherwise: int) -> int:
    """The number of that name in the line; a line may be cut off at either end, or be of another kind."""
    try:
        return int(json.loads(line)[name])
    except (ValueError, KeyError, TypeError):
        return otherwise
