"""What a restore brings back beside the database: keys, journal, checkpoints, vault, files; and which copy leads on.

Each step can be cut off anywhere, and is finished by the next run.
"""

import logging
from datetime import datetime

from family_exchange.adapters import audit, backup_place, durable, fingerprint, journal, recovery_key
from family_exchange.adapters.backup_place import Place
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain import backup as pages
from family_exchange.domain.backup import Base, Manifest
from family_exchange.domain.errors import ExchangeError, NeedsDecision
from family_exchange.stages import backup, intake

log = logging.getLogger(__name__)


def folder(doors: Doors, place: Place, page: Manifest, ring: OpenPGP) -> None:
    """The council's folder has its keys, journal, checkpoints and vault; what it has already stays.

    Raises:
        NeedsDecision: the backup is not what our own key signed.
    """
    state = doors.settings.state
    recovery_key.unpack(backup.opened_keys(place, page, ring, doors.settings.own_key), state)
    checked = backup.looked_at(place, page, doors.signing_key.public_key())
    if wrong := [one.what for one in checked if not one.good]:
        raise NeedsDecision(f"backup {page.backup} is not whole ({', '.join(wrong)}); nothing was restored")
    for written in (place.part(page.backup, backup.JOURNAL).read_bytes(), journal.content(place.journal)):
        journal.bring_back(state / "journal", written)  # the older lines first: none of the copies need be whole
    marks = state / "checkpoints" / audit.CHECKPOINTS
    if not marks.exists():
        durable.write(marks, place.part(page.backup, backup.CHECKPOINTS).read_bytes())
    backup_place.say(state, place.root, ring.own_key)
    journal.bring_back(place.journal, journal.content(state / "journal"))
    destroyed = doors.journal.objects_gone()
    for digest in place.vault.held():
        if digest not in destroyed and not doors.vault.whole(digest):
            _object(doors, place, digest)


def base(doors: Doors, place: Place, to: datetime | None) -> Base:
    """The server's copy that leads to that moment, as one of our own signed pages names it.

    Raises:
        NeedsDecision: there is none, it is damaged, or the log after it has a hole: PostgreSQL would take the hole for
            the log's end, and come up with an older database without a word.
    """
    key = doors.signing_key.public_key()
    named = [page.base for page in place.manifests() if page.base and place.signed(page, key)]
    found = pages.reaching(named, to)
    if backup_place.digest(place.base_file(found)) != found.sha256:
        raise NeedsDecision(f"copy {found.base} of the server is changed or gone; choose an earlier moment, or mend it")
    if to is None and (holes := backup.holes(place, found)):
        raise NeedsDecision(
            f"{len(holes)} pieces of the server's log are missing or damaged, {holes[0]} first: bring them back, or "
            "restore --to a moment before them"
        )
    return found


def file(doors: Doors, file_id: str, at: datetime) -> None:
    """The file is taken in; one on which we fail again and again is set aside, and does not keep the council closed."""
    for _ in range(intake.SAME_FAILURES - 1):
        try:
            intake.take_in(doors, file_id, at=at)
        except ExchangeError:
            raise
        except Exception as error:  # noqa: BLE001 - intake counts it, and its own words may quote a value
            log.warning("file %s: %s", file_id, fingerprint.of(error))
        else:
            return
    intake.take_in(doors, file_id, at=at)


def _object(doors: Doors, place: Place, digest: bytes) -> None:
    """The vault has the object again, unless its copy is damaged: then `backup check` misses it."""
    with place.vault.path(digest).open("rb") as file:
        stored = doors.vault.put(file)
    if stored.sha256 != digest:
        doors.vault.destroy(stored.sha256)
