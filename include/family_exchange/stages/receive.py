"""Stage 1: list what partners left, tell whole files from growing ones, and bring the bytes into the vault."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import file_digest, sha256
from io import BufferedRandom, BytesIO
from uuid import uuid4

from family_exchange.adapters import landings
from family_exchange.adapters.desk import Fetched
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain import envelope
from family_exchange.domain.envelope import HEAD, TAIL, Shape
from family_exchange.domain.errors import DataRefused, NeedsDecision, NotReady
from family_exchange.domain.file import ENDS, Reason, State
from family_exchange.stages.office import CouncilOffice
from family_exchange.stages.ports import Desk, Office, Zone

log = logging.getLogger(__name__)

LEFT_OVER = re.compile(rb"\.(F[0-9]{8,})[-.].*\.part")
"""Names under which `acknowledge` uploads before it renames."""

ASIDE = re.compile(re.escape(landings.SET_ASIDE) + rb"(F[0-9]{8,})")
"""Names under which `clear` looks at an entry before it removes it."""

LARGEST_CIPHERTEXT = 512 * 1024 * 1024
"""Bytes of a sealed file that we take; a larger one is refused before it is read."""


class Vanished(FileNotFoundError):
    """A landing file is not there any more; what is missing on our own side is another error."""


def find(doors: Doors, feed: str, *, settle: float | None = None) -> list[str]:
    """Ids of the feed's files that need work or an answer, oldest first; no more than one run can bear.

    A file must have kept its size and time for `settle` seconds (unset: the council's own); the ledger remembers since
    when it has. One that grows, or that an uploading client still writes under another name, is left for a later run.
    A second run finds the same files, fewer those that were finished meanwhile.
    """
    office = CouncilOffice(doors)
    return find_in(office, feed, settle=office.settle if settle is None else timedelta(seconds=settle))


def find_in(office: Office, feed: str, *, settle: timedelta) -> list[str]:
    """As `find`."""
    with office.desk() as desk:
        with office.drop_zone() as zone:
            _sweep(office, desk, zone, feed)
            _look(office, desk, zone, feed)
            faultpoint("receive.listed")
            if wait := desk.unsettled(feed, settle):
                office.sleep(min(wait, settle))
                _look(office, desk, zone, feed)
        waiting = desk.waiting(feed, settle, office.patience)
    log.info("feed %s: %d files wait", feed, len(waiting))
    return waiting


def fetch(office: Office, file: File) -> Fetched:
    """The file's sealed bytes, durably in the vault; the landing file stays where it is.

    What its partner left open is sealed to ourselves first: no plaintext is ever on a disk of ours. A second run
    stores nothing new: the vault goes by content.

    Raises:
        DataRefused: the entry is not a regular file, or it is too large.
        Vanished: the partner removed the file, or put another in its place.
        NotReady: the file changed while it was read.
        TryLater: the drop zone does not answer.
        NoRoom: the vault's disk is nearly full; nothing was read.
    """
    with office.drop_zone() as zone, _in_memory() as target:
        entry = entry_of(zone, file)
        if entry is None:
            raise Vanished(file.file_id)
        if not entry.regular:
            raise DataRefused(Reason.NOT_REGULAR, "the entry is not a regular file")
        if entry.size > LARGEST_CIPHERTEXT:
            raise DataRefused(Reason.TOO_LARGE, f"the file has more than {LARGEST_CIPHERTEXT} bytes")
        office.vault.need_room(entry.size)
        if _read(zone, file, target) != file.size:
            raise NotReady(f"file {file.file_id} changed while it was read")
        faultpoint("receive.read")
        if _is_sealed(target):
            stored = office.vault.put(target)
            return Fetched(stored, stored.sha256)
        landed = file_digest(target, "sha256").digest()
        target.seek(0)
        log.error("file %s: it was left without any seal; it is sealed to us and set aside", file.file_id)
        return Fetched(office.vault.put(BytesIO(office.sealed_for_us(target))), landed)


def fetched_before(file: File) -> Fetched:
    """What the vault holds of a file that was there before."""
    return Fetched(Stored(file.ct_sha256 or b"", file.size), file.landed_sha256 or b"")


def folder(file: File) -> str:
    """Where the file landed, as the council sees the drop zone."""
    return f"/{file.partner}/{file.feed}"


def entry_of(zone: Zone, file: File) -> Entry | None:
    """The file's own entry; None when it is gone or another took its name."""
    entry = zone.entry(folder(file), file.name_bytes)
    return entry if entry and (entry.size, entry.modified_at) == (file.size, file.modified_at) else None


def clear(zone: Zone, file: File) -> None:
    """The landing file is gone, if its bytes are those that we have; whatever else bears its name stays.

    Size and time can be alike by chance or by a client's habit, so the entry is set aside first, under a name that
    nobody uploads to, and only removed when its digest is the vault's. A second run finishes what a first one began.
    """
    place, aside = folder(file), landings.SET_ASIDE + file.file_id.encode()
    there = zone.entry(place, aside)
    if there and not there.regular:  # no name of ours is safe from everybody
        _put_back(zone, file, aside)
        there = None
    if not there:
        if entry_of(zone, file) is None:
            return
        try:
            zone.rename(place, file.name_bytes, aside)
        except FileNotFoundError:
            return
        faultpoint("receive.set_aside")
    with suppress(FileNotFoundError):  # its partner may take away even that
        seen = Digest()
        zone.fetch(place, aside, seen)
        if seen.digest() == file.landed_sha256:
            zone.remove(place, aside, missing_ok=True)
        else:
            _put_back(zone, file, aside)
    faultpoint("receive.removed")


class Digest:
    """Takes bytes and keeps nothing of them but their digest."""

    def __init__(self) -> None:
        self._seen = sha256()

    def write(self, data: bytes, /) -> int:
        """As of any file."""
        self._seen.update(data)
        return len(data)

    def digest(self) -> bytes:
        """SHA-256 of everything that was written."""
        return self._seen.digest()


def _put_back(zone: Zone, file: File, aside: bytes) -> None:
    """The entry has its own name again, or one beside it when that was taken meanwhile: it is a file of its own."""
    place, beside = folder(file), f"{file.file_id}-again"
    for name in (file.name_bytes, f"{beside}.pgp"):
        with suppress(FileExistsError):
            return zone.rename(place, aside, name)
    return zone.rename(place, aside, f"{beside}-{uuid4().hex[:8]}.pgp")


def _look(office: Office, desk: Desk, zone: Zone, feed: str) -> None:
    """The ledger knows what lies in the feed's folders now."""
    for partner in office.profile.partners_for(feed):
        entries = _entries(zone, f"/{partner.slug}/{feed}")
        for entry in entries:
            if (left := ASIDE.fullmatch(entry.name)) and (file := _known(desk, left[1])):
                _finish(zone, file, partner.slug, feed)
        desk.land(partner.slug, feed, entries)


def _finish(zone: Zone, file: File, partner: str, feed: str) -> None:
    """What a worker set aside after another had cleared the file is removed, or has a name again, as `clear` would."""
    if (file.partner, file.feed) == (partner, feed) and file.state in ENDS and file.landing_removed_at:
        clear(zone, file)


def _sweep(office: Office, desk: Desk, zone: Zone, feed: str) -> None:
    """What dead workers left unfinished in the receipts' folders is gone, once the receipt is there or none is due."""
    for partner in office.profile.partners_for(feed):
        receipts = f"/{partner.slug}/receipts"
        for entry in _entries(zone, receipts):
            left = LEFT_OVER.match(entry.name)
            if left and (file := _known(desk, left[1])) and (file.receipt_at or file.state is State.GONE):
                zone.remove(receipts, entry.name, missing_ok=True)


def _entries(zone: Zone, path: str) -> list[Entry]:
    """What lies in a folder that every partner must have."""
    try:
        return zone.list(path)
    except FileNotFoundError:
        raise NeedsDecision(f"the drop zone has no folder {path}: make it, then clear this task") from None


def _known(desk: Desk, file_id: bytes) -> File | None:
    """The file of this id; None when the ledger has none: anybody may choose such a name."""
    with suppress(KeyError):
        return desk.read(file_id.decode())
    return None


def _read(zone: Zone, file: File, target: BufferedRandom) -> int:
    try:
        return zone.fetch(folder(file), file.name_bytes, target)
    except FileNotFoundError:
        raise Vanished(file.file_id) from None


@contextmanager
def _in_memory() -> Iterator[BufferedRandom]:
    """A file without a name on any disk: what a partner left open must not touch one."""
    with os.fdopen(os.memfd_create("landed", os.MFD_CLOEXEC), "w+b") as file:
        yield file


def _is_sealed(content: BufferedRandom) -> bool:
    """True when it looks like an OpenPGP message from outside, whole or not; read from the start afterwards."""
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    head = content.read(HEAD)
    content.seek(max(0, size - TAIL))
    tail = content.read()
    content.seek(0)
    return envelope.look(head, tail).shape is not Shape.UNKNOWN
