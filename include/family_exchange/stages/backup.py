"""Backups: say where they go, take one, look whether it could be restored, and let go of those that are too old."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from family_exchange.adapters import audit, backup_place, database, journal, recovery_key, server_copy
from family_exchange.adapters.backup_place import Place
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.journal import Journal
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.vault import Vault
from family_exchange.domain import backup
from family_exchange.domain.backup import Base, Manifest, Part
from family_exchange.domain.errors import DataRefused, NeedsDecision
from family_exchange.stages import may_back_up

log = logging.getLogger(__name__)

KEYS, CHECKPOINTS, JOURNAL, VAULT = "keys.pgp", "checkpoints.log", "journal.log", "vault.list"
"""The parts of a council's backup beside the vault and the database."""

SAMPLES = 100
"""So many sealed files are tried at most, until one opens: answers to partners and returns are not for us to open."""
SAMPLE_CAP = 512 << 20
SAMPLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at, and whether it is as it must be."""

    what: str
    told: str
    good: bool = True


def prepare(doors: Doors, root: Path, public: bytes) -> str:
    """The fingerprint of the recovery key, to which the council's backups at `root` are sealed from now on.

    The public half of our own key lies there too. A second run changes nothing.

    Raises:
        NeedsDecision: the server's log there is sealed to another recovery key, which councils of one server share, or
            another installation keeps backups of a council of this name there.
    """
    place = Place(root, doors.settings.council)
    may_back_up.ours(doors, place)
    may_back_up.same_recovery_key(doors, root, public)
    fingerprint = doors.openpgp.import_key(public)
    place.begin(public, doors.openpgp.export_public(doors.settings.own_key))
    backup_place.say(doors.folder, root, fingerprint)
    _whole_journal(doors, place)  # now that every worker writes there, so that no line falls in between
    return fingerprint


def take(doors: Doors, *, server: str | None, at: datetime) -> Manifest:
    """The page of a new backup: the server's copy first, so that the vault's copy holds all that it tells of.

    `server` is the URL of a login that may copy it; None: the database is not copied anew, and the newest copy of the
    server, with its log, serves. Sealed files that were lawfully destroyed leave the vault's copy now, and backups
    older than `backup.KEPT` go. A second run takes another.

    Raises:
        Busy: another one is being taken.
        NeedsDecision: backups were not prepared, the place is another installation's, the server does not hand out its
            log or is not the council's own, a restore did not come to its end, or the newest backup is of a later
            moment than now.
        TryLater: the server or gpg could not serve; what was begun is no backup, and is swept by the next.
    """
    place, recipient = backup_place.said(doors.folder, doors.settings.council)
    with place.alone():
        may_back_up.ours(doors, place)
        may_back_up.now(doors, place, at)
        base = _base(doors, place, recipient, server)
        _whole_journal(doors, place)
        name = server_copy.identifier(at)
        parts = _parts(doors, place, name, recipient)
        objects = _copy_vault(doors, place)
        parts += (place.keep_part(name, VAULT, b"".join(each.hex().encode() + b"\n" for each in objects)),)
        with database.transaction(doors.settings.database) as connection:
            head = connection.execute("SELECT seq, encode(hash, 'hex') FROM audit.head").fetchone()
            now = min(at, database.clock(connection))  # of two clocks, one that ran ahead lets go of nothing
        seq, digest = head or (0, "")
        page = Manifest(
            backup=name, council=doors.settings.council, taken_at=at, base=base, parts=parts, objects=len(objects),
            vault=_all(objects), events=int(seq), head=str(digest), key=audit.public_hex(doors.signing_key),
        )  # fmt: skip
        place.keep(page, doors.signing_key)
        backup_place.note_last(doors.folder, page)
        _let_go(place, now)
    log.info("backup %s: %d objects, %d events", page.backup, page.objects, page.events)
    return page


def verify(doors: Doors) -> tuple[Looked, ...]:
    """Whether the newest backup is whole, without restoring it: signature, digests, the vault's copy, the log.

    Raises:
        NeedsDecision: backups were not prepared, or there is none.
    """
    place, _ = backup_place.said(doors.folder, doors.settings.council)
    return looked_at(place, newest(place), doors.signing_key.public_key(), known=doors.journal)


def newest(place: Place) -> Manifest:
    """The council's newest backup.

    Raises:
        NeedsDecision: there is none.
    """
    pages = place.manifests()
    if not pages:
        raise NeedsDecision(f"there is no backup of {place.council} at {place.root}")
    return max(pages, key=lambda page: page.taken_at)


def looked_at(
    place: Place, page: Manifest, key: Ed25519PublicKey, *, known: Journal | None = None
) -> tuple[Looked, ...]:
    """As `verify`, of one backup, by one key; without what is `known` to be destroyed only its page and its parts."""
    wrong = [part.name for part in page.parts if backup_place.digest(place.part(page.backup, part.name)) != part.sha256]
    found: tuple[Looked, ...] = (
        Looked("signature", f"of backup {page.backup}", good=place.signed(page, key)),
        Looked("parts", f"{len(page.parts)} looked at; changed or gone: {', '.join(wrong) or 'none'}", good=not wrong),
    )
    if known is None:
        return found
    found += (_vault_looked_at(place, page, known),)
    if page.base is None:
        return (*found, Looked("database", "no copy of the database server was ever taken at this place", good=False))
    pieces, wrong = place.pieces(), holes(place, page.base)
    good = backup_place.digest(place.base_file(page.base)) == page.base.sha256
    return (
        *found,
        Looked("database", f"copy {page.base.base}, PostgreSQL {page.base.version}, {page.base.size} bytes", good=good),
        Looked(
            "log",
            f"{len(pieces)} pieces since {page.base.first_piece}; missing or damaged: {', '.join(wrong[:3]) or 'none'}",
            good=not wrong and bool(pieces),
        ),
    )


def _vault_looked_at(place: Place, page: Manifest, known: Journal) -> Looked:
    """Whether every sealed file that the backup lists, and any other that lies there, has its bytes.

    What was lawfully destroyed since leaves the copy with the next backup, which may be under way: it is not missed.
    """
    held = {*place.vault.held()}
    listed = {bytes.fromhex(line) for line in _listed(place, page)}
    spoilt = {each for each in held if not place.vault.whole(each)}
    there = {each for each in listed | spoilt if place.vault.holds(each)}
    missing, damaged = len((listed | spoilt) - there - known.objects_gone()), len(spoilt & there)
    told = f"{len(held)} sealed files, {damaged} damaged; {missing} of the {page.objects} listed are missing"
    return Looked("vault", told, good=not damaged and not missing)


def _listed(place: Place, page: Manifest) -> list[str]:
    """The vault's digests; none of a backup from before they were listed."""
    try:
        return place.part(page.backup, VAULT).read_text().split()
    except FileNotFoundError:
        return []


def holes(place: Place, base: Base) -> list[str]:
    """The pieces of the log since that copy of the server that are missing or damaged, in order."""
    spoilt = (piece for piece in place.damaged_pieces() if piece[8:24] >= base.first_piece[8:])
    return sorted({*backup.gaps(place.pieces(), base.first_piece, base.piece_bytes), *spoilt})


def rehearse(doors: Doors, secret: Path, shares: Sequence[str], work: Path) -> tuple[Looked, ...]:
    """Whether these shares open the keys of the newest backup, and its keys a file of its vault; nothing is kept.

    Raises:
        NeedsDecision: the shares open nothing.
    """
    place, _ = backup_place.said(doors.folder, doors.settings.council)
    page = newest(place)
    state = work / "rehearsal"
    with recovery_key.ring(work / "ring", secret, shares) as ring:
        recovery_key.unpack(opened_keys(place, page, ring, doors.settings.own_key), state)
    try:
        ours = OpenPGP(state / "gnupg", doors.settings.own_key)
        samples = [place.vault.path(each) for each in islice(place.vault.held(), SAMPLES)]
        opens = any(
            "DECRYPTION_OKAY" in ours.unseal(each, cap=SAMPLE_CAP, timeout=SAMPLE_SECONDS).outcome.status
            for each in samples
        )
        told = f"of {len(samples)} sealed files that were tried, {'one opens' if opens else 'none opens'} with them"
        return (Looked("keys", "open"), Looked("sample", told, good=opens or not samples))
    finally:
        recovery_key.forget(state)


def opened_keys(place: Place, page: Manifest, ring: OpenPGP, own_key: str) -> bytes:
    """The council's key ring and secrets, as one archive, from a backup that the council's own key signed.

    Raises:
        NeedsDecision: they do not open, or somebody else signed them.
    """
    ring.import_key((place.own / backup_place.COUNCIL_KEY).read_bytes())
    try:
        return ring.open_signed(place.part(page.backup, KEYS).read_bytes(), own_key)
    except DataRefused:
        raise NeedsDecision(
            f"the keys of backup {page.backup} were not sealed to this recovery key and signed by {own_key}"
        ) from None


def _whole_journal(doors: Doors, place: Place) -> None:
    """The second copy lacks no line, whatever became of its disk meanwhile."""
    journal.bring_back(place.journal, journal.content(doors.folder / "journal"))


def _base(doors: Doors, place: Place, recipient: str, server: str | None) -> Base | None:
    """The newest copy of the council's own server, taken now if there is a login that may."""
    ours = server_copy.number(doors.settings.database)
    if server is None:
        return max((base for base in place.bases() if base.server == ours), key=_ended, default=None)
    if server_copy.number(server) != ours:
        raise NeedsDecision("the server that was to be copied is not the one on which the council's database is")
    (place.root / "server").mkdir(exist_ok=True)
    sealed = place.root / "server" / ".base.part"
    base = server_copy.take(server, doors.openpgp, recipient, sealed)
    place.keep_base(base, sealed)
    return base


def _parts(doors: Doors, place: Place, name: str, recipient: str) -> tuple[Part, ...]:
    state = doors.folder
    marks = state / "checkpoints" / audit.CHECKPOINTS
    return (
        place.keep_part(name, KEYS, doors.openpgp.seal(recovery_key.packed(state), recipient=recipient)),
        place.keep_part(name, CHECKPOINTS, marks.read_bytes() if marks.exists() else b""),
        place.keep_part(name, JOURNAL, journal.content(state / "journal")),
    )


def _copy_vault(doors: Doors, place: Place) -> list[bytes]:
    """The digests of the vault, each of which lies whole in its copy too; what was destroyed lies there no more."""
    live, copy = doors.vault, place.vault
    held = list(live.held())
    for each in held:
        if not copy.holds(each):
            _copy_object(live, copy, each)
    for gone in filter(copy.holds, doors.journal.objects_gone() - {*held}):
        copy.destroy(gone)
    return [each for each in held if copy.holds(each)]  # one that was destroyed just now is in neither


def _copy_object(live: Vault, copy: Vault, digest: bytes) -> None:
    try:
        with live.path(digest).open("rb") as file:
            stored = copy.put(file)
    except FileNotFoundError:  # destroyed just now
        return
    if stored.sha256 != digest:
        copy.destroy(stored.sha256)
        raise NeedsDecision(f"object {digest.hex()} of the vault is damaged: bring it back from an older copy first")


def _let_go(place: Place, at: datetime) -> None:
    """Backups older than they may be are gone, and the log before the oldest copy that is left."""
    pages, bases = place.manifests(), place.bases()
    over = backup.over([page.taken_at for page in pages], at)
    for page in pages:
        if page.taken_at in over:
            place.forget(page)
    over = backup.over([base.ended_at for base in bases], at)
    for base in bases:
        if base.ended_at in over:
            place.forget_base(base)
    left = [base.first_piece for base in bases if base.ended_at not in over]
    if left:
        place.forget_log(min(left))


def _all(digests: Sequence[bytes]) -> str:
    return sha256(b"".join(sorted(digests))).hexdigest()


def _ended(base: Base) -> datetime:
    return base.ended_at
