"""How a council's folder stands: modes, owners, and what should be in it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from family_exchange.adapters import audit, closing
from family_exchange.adapters.council_folder import DEDUPE_KEY
from family_exchange.adapters.settings import CouncilSettings
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Every right of everybody but the owner."""
PARTS = ("gnupg", "secrets", f"secrets/{audit.SIGNING_KEY}", f"secrets/{DEDUPE_KEY}")
"""What must be there from the start."""
PRIVATE = ("gnupg", "secrets", "vault", "checkpoints", "outbox", "backups")
"""Folders of which nothing is for others."""
MOST_NAMED = 3


def closed(folder: Path) -> Iterator[Finding]:
    """Whether the council works, or waits behind the mark that a restore or a person has set."""
    mark = closing.of(folder)
    yield judged(
        Room.FILES,
        "the council",
        "is open" if mark is None else f"is closed since {mark.since:%Y-%m-%d %H:%M} ({mark.why})",
        well=mark is None,
        advice="`family-exchange backup check` says what is still wrong; two people open it with `backup open`",
        otherwise=Grade.WARNING,
    )


def state(folder: Path) -> Iterator[Finding]:
    """The folder is ours alone, everything private in it too, and nobody can put another in its place."""
    try:
        found = folder.stat()
    except OSError as error:
        why = f"it cannot be looked at (errno {error.errno})"
        yield bad(Room.FILES, "the council's folder", why, f"make {folder}, mode 0700, then `family-exchange set-up`")
        return
    yield _mode(folder, found, "the council's folder", 0o700)
    missing = [part for part in PARTS if not (folder / part).exists()]
    yield judged(
        Room.FILES,
        "what belongs into it",
        f"{', '.join(missing)} is not there" if missing else "is there",
        well=not missing,
        advice="is its disk mounted? `family-exchange set-up` makes keys and secrets of a new council; those of an old "
        "one come out of its backup",
    )
    wide = sorted(path for path in _private(folder) if _is_open(path))
    named = ", ".join(str(path.relative_to(folder)) for path in wide[:MOST_NAMED])
    yield judged(
        Room.FILES,
        "what is private in it",
        f"{len(wide)} open to others or another's: {named}" if wide else "its owner's alone",
        well=not wide,
        advice=f"chown -R to the user of Airflow's workers, chmod -R go-rwx {folder}",
        otherwise=Grade.WARNING,
    )
    loose = [parent for parent in folder.resolve().parents if _is_loose(parent)]
    yield judged(
        Room.FILES,
        "the folders above it",
        f"{', '.join(map(str, loose))} can be written by others" if loose else "cannot be written by others",
        well=not loose,
        advice="chmod o-w,g-w: who may write there may put another folder in its place",
        otherwise=Grade.WARNING,
    )


def private_keys(settings: CouncilSettings) -> Iterator[Finding]:
    """The private keys of our log-ins are ours alone."""
    for name, end in (("drop zone", settings.drop_zone), ("recipient", settings.recipient)):
        subject = f"private key for the {name}"
        try:
            found = end.private_key.stat()
        except OSError as error:
            why = f"it cannot be looked at (errno {error.errno})"
            yield bad(Room.FILES, subject, why, f"put the key at {end.private_key}, mode 0600")
        else:
            yield _mode(end.private_key, found, subject, 0o600)


def settings_file(file: Path) -> Iterator[Finding]:
    """The file with the passwords is its owner's alone."""
    if file.exists():
        yield _mode(file, file.stat(), f"{file.name} with the passwords", 0o600)


def _private(folder: Path) -> Iterator[Path]:
    """What is private and not gone again; sockets of gpg's agent are looked at like anything else."""
    for part in PRIVATE:
        top = folder / part
        if top.is_dir():
            yield top
            for root, folders, files in os.walk(top):
                yield from (Path(root) / name for name in (*folders, *files))


def _is_open(path: Path) -> bool:
    """True when others have a right to it; what a gpg agent's socket lets others do, its folder forbids."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        return False
    ours = found.st_uid in {os.geteuid(), path.parent.stat().st_uid}
    if stat.S_ISDIR(found.st_mode) or path.parent.name in {"secrets", "private-keys-v1.d"}:
        return bool(found.st_mode & OTHERS) or not ours
    return bool(found.st_mode & stat.S_IWOTH) or not ours  # a readable file in a folder that is shut


def _is_loose(folder: Path) -> bool:
    mode = folder.stat().st_mode
    return bool(mode & (stat.S_IWOTH | stat.S_IWGRP)) and not mode & stat.S_ISVTX


def _mode(path: Path, found: os.stat_result, subject: str, wanted: int) -> Finding:
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.geteuid():
        told = f"it belongs to user {found.st_uid}, and we are {os.geteuid()}"
        return bad(Room.FILES, subject, told, f"run this as the user of Airflow's workers, or chown {path}")
    if mode & OTHERS:
        return bad(Room.FILES, subject, f"mode {mode:04o}", f"chmod {wanted:04o} {path}: others may read it")
    return good(Room.FILES, subject, f"mode {mode:04o}")
