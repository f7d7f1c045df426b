"""How a council's backups stand: place and key, the age of the newest, whether the server's log goes there."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from family_exchange.adapters import backup_place, doctor_disks, marks
from family_exchange.adapters.backup_place import LOOKED, RECOVERY_KEY, Place
from family_exchange.adapters.doctor_database import asking, one_row
from family_exchange.adapters.doors import Doors
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged, note, unseen, warning

WITHIN = timedelta(hours=26)
"""A night and two hours."""
BY_HAND = "make a recovery key, then `family-exchange backup prepare` and `backup take`: docs/backup.md"
COMPOSED = "make a recovery key and hand it in; the rest goes by itself: docs/compose.md, Backups"
LATE = "take one, and look why none came; the runbook says how"


def backup(doors: Doors, *, composed: bool) -> Iterator[Finding]:
    """Everything that a restore would stand on; a council without a place of backups is told what to do first."""
    state = doors.settings.state
    place, key = backup_place.place(state, doors.settings.council)
    if place is None:
        advice = COMPOSED if composed else BY_HAND
        yield warning(Room.BACKUPS, "place of backups", "there is none: nothing is backed up", advice)
    elif not (place.own / backup_place.COUNCIL_KEY).exists():
        advice = "mount its disk; until then nothing is taken in, sent or destroyed, because its journal is there"
        yield bad(Room.BACKUPS, "place of backups", f"{place.root} is not there", advice)
    else:
        yield from _at(place, key, doors)
        yield from _log(place, doors.settings.database)
    yield from _ages(state)
    yield from _looked(state)


def _at(place: Place, key: str, doors: Doors) -> Iterator[Finding]:
    """The place has room, is another disk than ours, and its key is the one that we seal to."""
    subject, state = "place of backups", doors.settings.state
    if place.root.stat().st_dev == state.stat().st_dev:
        found = f"{place.root} is on the same disk as the council's folder"
        yield note(Room.BACKUPS, subject, found, "put it on other disks, better elsewhere: one that is lost takes both")
    else:
        yield good(Room.BACKUPS, subject, f"{place.root} is a disk of its own")
    yield from doctor_disks.room(place.root, "the disk of the backups", doors.settings.least_room)
    try:
        lies = doors.openpgp.look_at((place.root / RECOVERY_KEY).read_bytes()).fingerprint
    except OSError as error:
        found = f"it cannot be read at the place (errno {error.errno})"
        yield bad(Room.BACKUPS, "recovery key", found, f"put its public half back, as {place.root / RECOVERY_KEY}")
    else:
        yield judged(
            Room.BACKUPS,
            "recovery key",
            key if lies == key else f"{lies} lies at the place, and {key} is sealed to",
            well=lies == key,
            advice="compare both with what `backup key` said, then `family-exchange backup prepare` with the right one",
        )


def _log(place: Place, url: str) -> Iterator[Finding]:
    """The server hands its log out, nothing of it failed of late, and the newest piece is where it should be."""
    subject = "the server's log"
    with asking(url) as connection:
        mode, piece, failures, failing = one_row(
            connection,
            """SELECT current_setting('archive_mode'), last_archived_wal, failed_count,
                      last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver""",
        )
    if mode == "off":
        advice = "set archive_mode, archive_timeout and archive_command as docs/backup.md has them, then restart it"
        yield bad(Room.BACKUPS, subject, "the server keeps it to itself: only whole copies can be restored", advice)
    elif failing:
        found = f"it could not be handed out the last time; {failures} tries failed so far"
        advice = "the server's own log says why (archive-wal); it fills the server's disk until that is mended"
        yield bad(Room.BACKUPS, subject, found, advice)
    elif piece is None:
        yield good(Room.BACKUPS, subject, "nothing of it was due yet")
    else:
        yield _arrived(place, subject, str(piece))


def _arrived(place: Place, subject: str, piece: str) -> Finding:
    try:
        (place.log / f"{piece}.pgp").stat()
    except FileNotFoundError:
        advice = "look whether the server and this machine mean the same folder by the place of backups"
        return bad(Room.BACKUPS, subject, f"{piece} was handed out, and is not at the place", advice)
    except OSError as error:
        return unseen(Room.BACKUPS, subject, f"it cannot be looked at (errno {error.errno})", f"look at {place.log}")
    return good(Room.BACKUPS, subject, f"{piece} was the last to come")


def _ages(state: Path) -> Iterator[Finding]:
    """The newest backup of files, and the copy of the database that goes with it, are of last night."""
    last = state / marks.LAST_BACKUP
    taken = marks.backups(state)
    for part, subject in (("files", "last backup"), ("database", "last copy of the database")):
        if part in taken:
            age = datetime.now(UTC) - taken[part]
            told = f"{age / timedelta(hours=1):.0f} hours ago"
            yield judged(Room.BACKUPS, subject, told, well=age <= WITHIN, advice=LATE, otherwise=Grade.WARNING)
        elif last.exists() and not taken:
            yield unseen(Room.BACKUPS, subject, f"{marks.LAST_BACKUP} cannot be read", LATE)
        else:
            yield warning(Room.BACKUPS, subject, "none was ever taken", LATE)


def _looked(state: Path) -> Iterator[Finding]:
    """What the last nightly look at the newest backup found, where one is made."""
    try:
        said = json.loads((state / LOOKED).read_text())
        wrong = [str(each) for each in said["wrong"]]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        yield unseen(Room.BACKUPS, "last look at it", f"{LOOKED} cannot be read", "`family-exchange backup verify`")
        return
    yield judged(
        Room.BACKUPS,
        "last look at it",
        f"not whole: {', '.join(wrong)}" if wrong else "it was whole",
        well=not wrong,
        advice="`family-exchange backup verify` says how; mend the disk, and take another",
    )
