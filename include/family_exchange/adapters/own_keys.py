"""The council's own OpenPGP keys: the one in its settings, those that replace it, and the countdown of every key.

A key that was replaced opens files for some days more; then a file that is still sealed to it is refused, also when
it is sealed to the new key beside it: who has the old key could read it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import kwargs_row

from family_exchange.adapters import audit, keys
from family_exchange.adapters.database import Connection
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain import expiry
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.expiry import KeyEnd
from family_exchange.domain.key import HeldKey, Kind, replaced, require_overlap, require_person, same_person


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """Primary fingerprints of our own keys at one instant."""

    valid: frozenset[str]
    """Files sealed to them are ours."""
    retired: frozenset[str] = frozenset()
    """Files sealed to them are refused."""


def at(connection: Connection, configured: str, moment: datetime) -> OwnKeys:
    """Our keys at this instant; `configured`, the one in the settings, is valid until it is replaced."""
    rows = [one for one in held(connection) if one.approved_by is not None]
    retired = frozenset(one.fingerprint for one in rows if one.valid_to is not None and one.valid_to <= moment)
    valid = {one.fingerprint for one in rows if one.valid_from <= moment} | {configured}
    return OwnKeys(frozenset(valid - retired), retired)


def held(connection: Connection) -> list[HeldKey]:
    """Every own key that the ledger has, in whatever state, by age; the configured one only once it was replaced."""
    with connection.cursor(row_factory=kwargs_row(_held)) as cursor:
        return cursor.execute(
            """SELECT fingerprint, valid_from, valid_to, added_by, approved_by, overlap_days
                 FROM exchange.own_key ORDER BY valid_from, fingerprint"""
        ).fetchall()


def waiting(connection: Connection) -> HeldKey | None:
    """The own key that one person added and no second one approved yet; None when there is none."""
    return next((one for one in held(connection) if one.approved_by is None), None)


def add(
    connection: Connection, ring: OpenPGP, fingerprint: str, *, by: str, moment: datetime, overlap_days: int
) -> HeldKey:
    """A key that is in our ring, with its secret half, waits for a second person to replace the one in use.

    A second run changes nothing.

    Raises:
        NeedsDecision: nobody is named, another one waits, or the ring does not hold it with its secret half.
    """
    require_person(by)
    require_overlap(overlap_days)
    connection.execute("LOCK TABLE exchange.own_key IN SHARE ROW EXCLUSIVE MODE")
    if not any(one.fingerprint == fingerprint for one in held(connection)):
        if waiting(connection) is not None:
            raise NeedsDecision("another own key waits for its second person; `keys list` shows it")
        if not OpenPGP(ring.home, fingerprint).has_secret_key():
            raise NeedsDecision("our key ring does not hold this key with its secret half")
        connection.execute(
            "INSERT INTO exchange.own_key (fingerprint, valid_from, added_by, overlap_days) VALUES (%s, %s, %s, %s)",
            (fingerprint, moment, by, overlap_days),
        )
        audit.append(connection, "own_key.added", by, {"fingerprint": fingerprint, "overlap_days": overlap_days})
    return next(one for one in held(connection) if one.fingerprint == fingerprint)


def approve(connection: Connection, configured: str, fingerprint: str, *, by: str, moment: datetime) -> HeldKey:
    """Files may be sealed to this key, which waited; those before it retire after the overlap that was asked for.

    Raises:
        NeedsDecision: it does not wait, or the same person added it.
    """
    require_person(by)
    connection.execute("LOCK TABLE exchange.own_key IN SHARE ROW EXCLUSIVE MODE")
    new = waiting(connection)
    if new is None or new.fingerprint != fingerprint:
        raise NeedsDecision("this own key waits for nobody any more; `keys list` shows which one does")
    if same_person(new.added_by, by):
        raise NeedsDecision("a key takes two different people: this person added it, another must approve it")
    end = moment + timedelta(days=new.overlap_days or 0)
    connection.execute(
        """INSERT INTO exchange.own_key (fingerprint, valid_from, valid_to, added_by, approved_by)
           VALUES (%s, %s, %s, %s, %s) ON CONFLICT (fingerprint) DO NOTHING""",
        (configured, new.valid_from, end, new.added_by, by),
    )
    retiring = connection.execute(
        """UPDATE exchange.own_key SET valid_to = least(valid_to, %s)
            WHERE approved_by IS NOT NULL AND (valid_to IS NULL OR valid_to > %s) RETURNING fingerprint""",
        (end, moment),
    ).fetchall()
    connection.execute(
        "UPDATE exchange.own_key SET approved_by = %s, valid_from = %s WHERE fingerprint = %s",
        (by, moment, new.fingerprint),
    )
    body: dict[str, audit.Plain] = {"fingerprint": new.fingerprint, "overlap_days": new.overlap_days}
    audit.append(connection, "own_key.approved", by, body | {"retiring": sorted(str(one) for (one,) in retiring)})
    return next(one for one in held(connection) if one.fingerprint == new.fingerprint)


def ends(connection: Connection, openpgp: OpenPGP, *, recipient: str | None = None) -> list[KeyEnd]:
    """When each key that two people registered stops working: partners', our own, and the recipient's if it is named.

    The first of its registration's end and its own. Keys that were revoked or wait for a second person are not told.
    """
    groups = keys.held(connection), (own := held(connection))
    ring = openpgp.held()  # after the ledger: what that tells of is in the ring
    known = {one.fingerprint for one in own}

    def end(owner: str, fingerprint: str, *, kind: Kind = Kind.OPENPGP, over: datetime | None, old: bool) -> KeyEnd:
        its_own = ring[fingerprint].ends_at if fingerprint in ring else None
        return KeyEnd(owner, kind, fingerprint, expiry.first(over, its_own), old)

    found: list[KeyEnd] = []
    for group in groups:
        for one in group:
            if one.approved_by is None or one.revoked_at is not None:
                continue
            owner = one.partner or "own"
            found.append(end(owner, one.fingerprint, kind=one.kind, over=one.valid_to, old=replaced(one, group)))
    if openpgp.own_key not in known:
        found.append(end("own", openpgp.own_key, over=None, old=False))
    if recipient is not None:
        found.append(end("recipient", recipient, over=None, old=False))
    return found


def _held(**columns: object) -> HeldKey:
    return HeldKey(kind=Kind.OPENPGP, partner=None, **columns)  # type: ignore[arg-type]  # the query names the fields
