"""A council brought back as it was at a moment, closed until everything agrees and two people have opened it.

The order is the point: closed first; then the keys, the vault and the database; then, before anybody can look, what
was destroyed since is destroyed again, what was taken in since is taken up again, and what was sent since is accounted
for. Other councils of the same server go on meanwhile. Source: docs/backup.md, ADR 56 and 57.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from psycopg import conninfo

from family_exchange.adapters import (
    audit,
    closing,
    council_database,
    database,
    durable,
    recovery_key,
    server_copy,
    stays_gone,
    taken_up,
    unclaimed,
)
from family_exchange.adapters import register as registry
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.backup_place import Place
from family_exchange.adapters.closing import Closed
from family_exchange.adapters.doors import Doors, prepare
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.backup import Base
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import among, require_person
from family_exchange.stages import backup, brought_back, match, purge
from family_exchange.stages.backup import Looked

ACTOR = "exchange"
WHY = closing.RESTORE


@dataclass(frozen=True, slots=True)
class Source:
    """From where, by whose keys, and until when."""

    root: Path
    """The place of backups."""
    to: datetime | None
    """The last moment that counts; None: as far as the log leads."""
    superuser: str = field(repr=False)
    """URL of whoever may make databases on the council's server."""
    secret: Path
    """The recovery key's secret file."""
    shares: tuple[str, ...] = field(repr=False)
    work: Path
    """A folder on an encrypted disk with room for the whole server; what is put there goes again."""


def restore(doors: Doors, source: Source, *, by: str, at: datetime, today: date) -> dict[str, object]:
    """What was found and done; the council is closed, and `agreement` says what still keeps it so.

    A second run, after a crash or with another moment, begins anew: what lies under the council's name then is set
    aside like any other.

    Raises:
        NeedsDecision: keys, shares, backup or moment are not those that are needed; the message says which.
        Busy: somebody else restores this council, or opens it.
        TryLater: the server or gpg could not serve; the council stays closed.
    """
    require_person(by)
    with closing.alone(doors.settings.state):
        return _restore(replace(doors, inside=True), source, by=by.strip(), at=at, today=today)


def _restore(doors: Doors, source: Source, *, by: str, at: datetime, today: date) -> dict[str, object]:
    place = Place(source.root, doors.settings.council)
    page = backup.newest(place)
    since = _began(doors) or at
    closing.close(doors.settings.state, Closed(since=since, by=by, why=WHY))
    with recovery_key.ring(source.work / "recovery", source.secret, source.shares) as ring:
        brought_back.folder(doors, place, page, ring)
        base = brought_back.base(doors, place, source.to)
        same = _database(doors, place, base, ring, source, at)
    set_aside = council_database.old_ones(source.superuser, doors.settings.database, since)
    prepare(doors)
    numbered = council_database.numbered(source.superuser, set_aside[0]) if set_aside else 0
    told = _agree_with_the_journal(doors, at, today, numbered=numbered)
    told |= {"same_register": same, "set_aside": set_aside, "base": base.base, "backup": page.backup}
    told |= _lost(doors, source, set_aside, at, int(str(told["last_event"])))
    with database.transaction(doors.database) as connection:
        body: dict[str, Plain] = {name: told[name] for name in ("base", "last_event", "known_events")}  # type: ignore[misc]  # ids and counts
        audit.append(connection, "backup.restored", by, body)
    closing.close(doors.settings.state, Closed(since=since, by=by, why=WHY, restored=told))
    return told


def _began(doors: Doors) -> datetime | None:
    """When the first of the restores began of which nobody has opened the council yet; None: none did.

    What stood under the council's name then is what was lost; what later ones set aside is only what this one made.
    """
    mark = closing.of(doors.settings.state)
    return mark.since if mark and mark.why == WHY else None


def agreement(doors: Doors) -> tuple[Looked, ...]:
    """Whether ledger, register, vault, audit and journal agree; each thing that was looked at, good or not.

    Raises:
        NeedsDecision: a restore has not come to its end.
    """
    doors = replace(doors, inside=True)
    mark = closing.of(doors.settings.state)
    restored = mark.restored if mark else {}
    if mark and mark.why == WHY and not restored:
        raise NeedsDecision("the restore did not come to its end; run `family-exchange backup restore` again")
    last = int(str(restored["last_event"])) if restored else None
    with database.transaction(doors.database) as connection:
        chain = audit.verify(connection, doors.checkpoints, doors.signing_key.public_key(), given_up_after=last)
        claimed = unclaimed.claimed(connection)
        left = taken_up.left_over(connection, doors.journal, doors.vault)
        unsaid = taken_up.unaccounted(connection, doors.journal)
        unknown = taken_up.records_of_nothing(connection)
    missing, other = _vault(doors, claimed)
    found = [
        Looked("audit", chain.why or f"{chain.events} events, {chain.checkpoints} checkpoints agree", good=chain.whole),
        Looked("vault", f"{len(claimed)} objects of the ledger; not whole: {_few(missing)}", good=not missing),
        Looked("unclaimed", f"{other} objects that no line claims; the next purge plan lists those that are due"),
        Looked("destroyed", f"{left} things that were destroyed are there", good=left == 0),
        Looked("returns", f"sent, and unknown to the ledger: {_few(unsaid)}", good=not unsaid),
        Looked("register", f"{unknown} records of files that the ledger does not have as applied", good=unknown == 0),
    ]
    if restored:
        same = bool(restored["same_register"])
        told = "the register was carried over as it was" if same else "the register is not what the copy had"
        found.append(Looked("copy", told, good=same))
    return tuple(found)


def _vault(doors: Doors, claimed: set[bytes]) -> tuple[list[str], int]:
    """The objects of the ledger that are not whole, by the first digits; and how many no line claims.

    A council that is open goes on meanwhile: what a file or a return needs no more, or only since, is neither.
    """
    missing = {each for each in claimed if not doors.vault.whole(each)}
    other = {each for each in doors.vault.held() if each not in claimed}
    with database.transaction(doors.database) as connection:
        still = unclaimed.claimed(connection)
    return sorted(each.hex()[:16] for each in missing & still), len(other - still)


def close(doors: Doors, *, by: str, why: str, at: datetime) -> None:
    """The council is closed by one person: nothing reads or writes its database. A second run changes nothing.

    Raises:
        NeedsDecision: nobody is named.
        Busy: a restore is at work, whose mark must stay, or somebody is just opening the council.
    """
    require_person(by)
    with closing.alone(doors.folder):
        if closing.of(doors.folder) is None:
            closing.close(doors.folder, Closed(since=at, by=by.strip(), why=why))
            _tell(doors, "council.closed", by, {"reason": why})


def reopen(doors: Doors, *, by: str, although: bool = False) -> bool:
    """True when the council is open: two different people have said so, and everything agrees.

    With `although`, both open it in spite of what does not; that they did stands in the audit.

    Raises:
        NeedsDecision: nobody is named, the council is open, or something does not agree.
        Busy: a restore is at work, or the other person is opening it.
    """
    require_person(by)
    with closing.alone(doors.folder):
        return _reopen(doors, by=by, although=although)


def _reopen(doors: Doors, *, by: str, although: bool) -> bool:
    mark = closing.of(doors.settings.state)
    if mark is None:
        raise NeedsDecision("this council is open")
    wrong = [one.what for one in agreement(doors) if not one.good]
    if wrong and not although:
        raise NeedsDecision(f"these do not agree: {', '.join(wrong)}; `backup check` says how, and what to do")
    if not among(by, mark.although if wrong else mark.opened_by):
        mark = closing.agree(doors.settings.state, by.strip(), although=bool(wrong))
        _tell(doors, "council.opening", by, {"because": mark.why, "wrong": wrong})
    if len(mark.although if wrong else mark.opened_by) < 2:  # noqa: PLR2004 - two people open, one closes
        return False
    if mark.restored:
        last, head = int(str(mark.restored["last_event"])), str(mark.restored["last_hash"])
        audit.give_up(doors.checkpoints, doors.signing_key, last, head)
    _tell(doors, "council.opened", by, {"by": list(mark.opened_by)})
    closing.open_again(doors.settings.state)
    return True


def _database(doors: Doors, place: Place, base: Base, ring: OpenPGP, source: Source, at: datetime) -> bool:
    """The restored database has the place of the old one. Whether its register is the copy's own."""
    url = doors.settings.database
    superuser = str(conninfo.conninfo_to_dict(source.superuser).get("user") or "postgres")
    copies = (base, place.base_file(base), place.log, ring, source.work)
    beside = council_database.fresh(source.superuser, url)
    with server_copy.standing(*copies, to=source.to, superuser=superuser) as copy:
        council_database.load(copy, source.superuser, beside, url)
        before = _digest(conninfo.make_conninfo(copy, dbname=council_database.name(url)))
    after = _digest(council_database.as_superuser(source.superuser, beside))
    council_database.put_in_place(source.superuser, beside, url, at)
    return before == after


def _agree_with_the_journal(doors: Doors, at: datetime, today: date, *, numbered: int) -> dict[str, object]:
    """The restored ledger knows what happened after its moment, as far as it can; in counts and ids.

    Files that are taken up again, or were at work then, or waited for the register, may bring records that were
    destroyed since: those go, too, before anybody looks. What was destroyed of a file that waits on, in quarantine for
    example, goes when the register takes it.
    """
    with database.session(doors.database) as connection:
        row = connection.execute(
            """SELECT h.seq, encode(h.hash, 'hex'), e.at FROM audit.head h LEFT JOIN audit.event e USING (seq)"""
        ).fetchone()
        assert row is not None  # noqa: S101 - the migration made the only row
        destroyed = taken_up.destroy_again(connection, doors.journal, doors.vault)
        keys = taken_up.keys_in_ring(connection, doors.openpgp)
        with connection.transaction():
            again, lost = taken_up.files(connection, doors.journal, doors.vault, numbered=numbered)
        fields = {code: promise.fields for code, promise in doors.profile.returns.items()}
        with connection.transaction():
            revoked = taken_up.revoke_again(connection, doors.journal, at)
        with connection.transaction():
            given_up = taken_up.sent(connection, doors.journal, fields)
        working = taken_up.at_work(connection, doors.vault)
    for file_id in working:
        brought_back.file(doors, file_id, at)
    with database.session(doors.database) as connection:
        waiting = taken_up.unregistered(connection)
    if waiting:
        match.people(doors)
        with database.session(doors.database) as connection:
            destroyed += taken_up.destroy_again(connection, doors.journal, doors.vault)
    if destroyed:
        purge.follow(doors, today=today)
    with database.transaction(doors.database) as connection:
        stays_gone.note(connection, doors.journal)
    return {
        "last_event": int(row[0]), "last_hash": str(row[1]), "last_event_at": row[2] and row[2].isoformat(),
        "destroyed_again": dict(destroyed), "files_taken_up": again, "files_without_bytes": lost,
        "returns_void": given_up, "keys_revoked_again": revoked,
        "keys_in_ring_again": keys,
        "destructions_unfinished": len(doors.journal.unfinished()),
    }  # fmt: skip


def _lost(doors: Doors, source: Source, set_aside: Sequence[str], at: datetime, last: int) -> dict[str, object]:
    """What the chain lost after its event `last`: how far it is known to have gone, and which events those were.

    They are read from the old database, if there is one, and listed in the council's folder: ids and counts.
    """
    known = max(last, audit.reached(doors.checkpoints))
    if not set_aside:
        return {"known_events": known, "lost": {}}
    try:
        with database.transaction(council_database.as_superuser(source.superuser, set_aside[0])) as connection:
            rows = connection.execute(
                "SELECT seq, kind, event FROM audit.event WHERE seq > %s ORDER BY seq", (last,)
            ).fetchall()
    except database.DatabaseRefused:  # whatever was there was no database of ours
        rows = []
    if rows:
        listed = doors.settings.state / "backups" / f"lost-{server_copy.identifier(at)}.jsonl"
        durable.write(listed, b"".join(bytes(event) + b"\n" for _, _, event in rows), mode=0o600)
        known = max(known, int(rows[-1][0]))
    return {"known_events": known, "lost": dict(Counter(str(kind) for _, kind, _ in rows))}


def _digest(url: str) -> str:
    with database.transaction(url) as connection:
        return registry.digest(connection)


def _tell(doors: Doors, kind: str, by: str, body: dict[str, Plain]) -> None:
    with database.transaction(doors.settings.database) as connection:
        audit.append(connection, kind, by.strip(), body)


def _few(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:10]) or "none"
    return f"{shown} and {len(ids) - 10} more" if len(ids) > 10 else shown  # noqa: PLR2004 - as many as one line bears
