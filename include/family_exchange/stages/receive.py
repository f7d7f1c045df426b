"""Stage 1: list what partners left, tell whole files from growing ones, and bring the bytes into the vault."""

import logging
import tempfile
from time import sleep

from family_exchange.adapters import database, ledger
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import DropZone, Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

log = logging.getLogger(__name__)

SETTLE_SECONDS = 2.0
"""How long a file must keep its size and time before it is taken; a growing one waits for the next run."""

TEMPORARY_ENDINGS = (b".part", b".filepart", b".tmp", b".partial")
"""Names under which common clients upload before they rename."""

LARGEST_CIPHERTEXT = 512 * 1024 * 1024
"""Bytes of a sealed file that we take; a larger one is refused before it is read."""


def find(doors: Doors, feed: str, *, settle: float = SETTLE_SECONDS) -> list[str]:
    """Ids of the feed's files that need work or an answer, oldest first.

    The folder is listed twice, `settle` seconds apart; an entry that changed in between is left for the next run, and
    a name that an uploading client uses on its way is not a file yet. A second run finds the same files, fewer those
    that were finished meanwhile.
    """
    partners = doors.profile.partners_for(feed)
    with doors.drop_zone() as zone:
        first = {partner.slug: _candidates(zone, partner.slug, feed) for partner in partners}
        if any(first.values()):
            sleep(settle)
        still = {partner.slug: _candidates(zone, partner.slug, feed) for partner in partners}
    with database.transaction(doors.database) as connection:
        for partner in partners:
            settled = [entry for entry in still[partner.slug] if entry in first[partner.slug]]
            ledger.note_landing(connection, partner.slug, feed, settled)
        waiting = ledger.waiting(connection, feed)
    log.info("feed %s: %d files wait", feed, len(waiting))
    return waiting


def fetch(doors: Doors, file: File) -> Stored:
    """The file's ciphertext, durably in the vault; the landing file stays where it is.

    A second run stores nothing new: the vault goes by content.

    Raises:
        DataRefused: the entry is not a regular file, or it is too large.
        FileNotFoundError: the partner removed the file.
        TryLater: the drop zone does not answer, or the file changed while it was read.
    """
    with doors.drop_zone() as zone:
        entry = next((one for one in zone.list(folder(file)) if one.name == file.name_bytes), None)
        if entry is None:
            raise FileNotFoundError(file.file_id)
        if not entry.regular:
            raise DataRefused(Reason.NOT_REGULAR, "the entry is not a regular file")
        if entry.size > LARGEST_CIPHERTEXT:
            raise DataRefused(Reason.TOO_LARGE, f"the file has more than {LARGEST_CIPHERTEXT} bytes")
        with tempfile.TemporaryFile() as target:
            zone.fetch(folder(file), file.name_bytes, target)
            target.seek(0)
            return doors.vault.put(target)


def folder(file: File) -> str:
    """Where the file landed, as the council sees the drop zone."""
    return f"/{file.partner}/{file.feed}"


def _candidates(zone: DropZone, partner: str, feed: str) -> list[Entry]:
    return [
        entry
        for entry in zone.list(f"/{partner}/{feed}")
        if not entry.name.startswith(b".") and not entry.name.lower().endswith(TEMPORARY_ENDINGS)
    ]
