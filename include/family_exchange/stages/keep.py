"""Backups by themselves: each council's files every few minutes, the whole server each night, and a look at both.

One round after the other is made by whoever keeps the time. Nothing that fails in a round ends it: it is told, and the
next round tries it again. Source: docs/backup.md, ADR 63.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from family_exchange.adapters import backup_place, fingerprint
from family_exchange.adapters.backup_place import RECOVERY_KEY, Place
from family_exchange.adapters.doors import Doors
from family_exchange.domain import backup as pages
from family_exchange.domain.errors import ExchangeError, NeedsDecision
from family_exchange.stages import backup, may_back_up
from family_exchange.stages.backup import Looked


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept, where, and when."""

    root: Path
    """The place of backups."""
    server: str = field(repr=False)
    """URL of a login that may copy the councils' server."""
    hour: int
    """From this hour of the day on, in UTC, the whole server is copied again."""


def is_asked(root: Path) -> bool:
    """True when a recovery key lies at the place: before, there is nothing to seal to."""
    return (root / RECOVERY_KEY).exists()


def one_round(councils: Sequence[Doors], keeping: Keeping, now: Callable[[], datetime]) -> Iterator[Looked]:
    """What was done for each council, good or not; each is prepared when it is not yet.

    When a copy of the server is due, the first council that can be prepared takes it, and afterwards every council's
    newest backup is looked at, which is noted in its folder. A second round right after it takes files only.
    """
    whole = _whole_is_due(keeping, now())
    ready = []
    for doors in councils:
        fine, told = _tried(doors, "ready", partial(_prepared, doors, keeping.root))
        yield from told
        ready += [doors] if fine else []
    copied = False
    for doors in ready:
        server = keeping.server if whole and not copied else None
        what = "files" if server is None else "server and files"
        fine, told = _tried(doors, what, partial(_taken, doors, server, now))
        copied |= fine and server is not None
        yield from told
    if copied:
        for doors in ready:
            yield from looked_at(doors, now())


def looked_at(doors: Doors, at: datetime) -> Iterator[Looked]:
    """Whether the council's newest backup is whole, which is noted in its folder; every copied file is read for it."""
    found: list[Looked] = []

    def look() -> str:
        found.extend(backup.verify(doors))
        wrong = [f"{one.what}: {one.told}" for one in found if not one.good]
        if wrong:
            raise NeedsDecision(f"the newest backup is not whole ({'; '.join(wrong)}); `backup verify` looks again")
        return "the newest backup is whole"

    fine, told = _tried(doors, "verified", look)
    wrong = [one.what for one in found if not one.good]
    backup_place.note_looked(doors.settings.state, at, [] if fine else wrong or ["it could not be looked at"])
    yield from told


def _whole_is_due(keeping: Keeping, now: datetime) -> bool:
    since = datetime.fromtimestamp((keeping.root / RECOVERY_KEY).stat().st_mtime, UTC)
    newest = max((base.began_at for base in Place(keeping.root, "").bases()), default=None)
    return pages.whole_is_due(newest, key_since=since, hour=keeping.hour, now=now)


def _prepared(doors: Doors, root: Path) -> str:
    """What to say of a council that is ready; empty when it was before.

    Raises:
        NeedsDecision: the place holds backups of a council of this name that were made under a key that is not ours.
    """
    public = (root / RECOVERY_KEY).read_bytes()
    made_by = may_back_up.ours(doors, Place(root, doors.settings.council))
    recovery_key = doors.openpgp.look_at(public).fingerprint
    if made_by == doors.settings.own_key and backup_place.is_said(doors.settings.state, root, recovery_key):
        return ""
    backup.prepare(doors, root, public)
    return f"its backups go to {root}, sealed to {recovery_key}"


def _taken(doors: Doors, server: str | None, now: Callable[[], datetime]) -> str:
    page = backup.take(doors, server=server, at=now())
    return f"backup {page.backup}: {page.objects} sealed files, {page.events} events"


def _tried(doors: Doors, what: str, work: Callable[[], str]) -> tuple[bool, list[Looked]]:
    """Whether the work was done, and what there is to say of it."""
    subject = f"{doors.settings.council}: {what}"
    try:
        told = work()
    except ExchangeError as error:
        return False, [Looked(subject, str(error), good=False)]
    except Exception as error:  # noqa: BLE001 - whatever goes wrong must not end the others, and may quote a value
        return False, [Looked(subject, f"broke off: {fingerprint.of(error)}", good=False)]
    return True, [Looked(subject, told)] if told else []
