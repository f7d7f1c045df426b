"""The ledger of keys: partners' OpenPGP and SSH keys, and the council's own, each with its window and its two people.

Every act is one audit event, with ids and fingerprints only, in the caller's transaction. A key enters the key ring
when the second person agrees, and not before: the ring holds registered keys only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import kwargs_row

from family_exchange.adapters import audit, certificates
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import LIFE, HeldKey, Kind, Revocation, require_overlap, require_person, same_person
from family_exchange.domain.seal import RegisteredKey

_PARTNERS = """SELECT fingerprint, kind, partner, valid_from, valid_to, added_by, approved_by, revoked_at, revoked_by,
    revoke_reason, revoke_confirmed_by, overlap_days FROM exchange.partner_key"""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a file with a key holds, checked and ready to be registered."""

    kind: Kind
    fingerprint: str
    material: str
    """An armoured block, or an SSH key's line without its comment."""


def registered(connection: Connection) -> dict[str, tuple[RegisteredKey, ...]]:
    """The OpenPGP keys of every partner that two people registered, by fingerprint; revoked ones say so."""
    found: dict[str, list[RegisteredKey]] = {}
    for partner, fingerprint, valid_from, valid_to, revoked_at in connection.execute(
        """SELECT partner, fingerprint, valid_from, valid_to, revoked_at FROM exchange.partner_key
            WHERE kind = 'openpgp' AND approved_by IS NOT NULL ORDER BY fingerprint"""
    ):
        found.setdefault(str(partner), []).append(RegisteredKey(fingerprint, valid_from, valid_to, revoked_at))
    return {partner: tuple(its) for partner, its in found.items()}


def held(connection: Connection) -> list[HeldKey]:
    """Every key of every partner in whatever state, by partner and age."""
    with connection.cursor(row_factory=kwargs_row(_held)) as cursor:
        return cursor.execute(f"{_PARTNERS} ORDER BY partner, kind, valid_from, fingerprint").fetchall()


def still_counts(connection: Connection, fingerprint: str) -> bool:
    """False once the key was revoked; whoever revokes it now waits until this transaction ends."""
    row = connection.execute(
        "SELECT revoked_at IS NULL FROM exchange.partner_key WHERE fingerprint = %s FOR SHARE", (fingerprint,)
    ).fetchone()
    return row is None or bool(row[0])


def recipient(connection: Connection, partner: str, *, at: datetime) -> str:
    """The fingerprint of the key that answers to this partner are sealed to: its newest valid one.

    Raises:
        NeedsDecision: the partner has none.
    """
    row = connection.execute(
        """SELECT fingerprint FROM exchange.partner_key
            WHERE partner = %(partner)s AND kind = 'openpgp' AND approved_by IS NOT NULL AND revoked_at IS NULL
              AND valid_from <= %(at)s AND valid_to > %(at)s
            ORDER BY valid_from DESC, fingerprint LIMIT 1""",
        {"partner": partner, "at": at},
    ).fetchone()
    if row is None:
        raise NeedsDecision(f"partner {partner} has no valid key; two people add one with `keys add`")
    return str(row[0])


def log_ins(connection: Connection, *, at: datetime) -> dict[str, tuple[str, ...]]:
    """The SSH keys by which each partner may log in at this moment, as lines without comments, oldest first."""
    found: dict[str, list[str]] = {}
    for partner, line in connection.execute(
        """SELECT partner, material FROM exchange.partner_key
            WHERE kind = 'ssh' AND approved_by IS NOT NULL AND revoked_at IS NULL
              AND valid_from <= %(at)s AND valid_to > %(at)s
            ORDER BY valid_from, fingerprint""",
        {"at": at},
    ):
        found.setdefault(str(partner), []).append(str(line))
    return {partner: tuple(lines) for partner, lines in found.items()}


def read(content: bytes, ring: OpenPGP, *, at: datetime) -> PublicKey:
    """The key in a partner's file.

    Raises:
        NeedsDecision: it is not exactly one public key, or one that cannot do its work: revoked, over, or weak.
    """
    if line := certificates.ssh(content):
        return PublicKey(Kind.SSH, *line)
    certificate = ring.look_at(content)
    if not (certificate.can("s") and certificate.can("e")):
        raise NeedsDecision(
            "the key cannot be used: it must be neither revoked nor over, and must sign and encrypt with RSA of "
            f"{certificates.SHORTEST_RSA} bits or more or with an elliptic curve"
        )
    if certificate.ends_at is not None and certificate.ends_at <= at:
        raise NeedsDecision("the key has run out; its owner prolongs it and sends it again")
    return PublicKey(Kind.OPENPGP, certificate.fingerprint, content.decode("ascii", "replace"))


def add(
    connection: Connection,
    ring: OpenPGP,
    partner: str,
    key: PublicKey,
    *,
    by: str,
    at: datetime,
    overlap_days: int | None = None,
) -> HeldKey:
    """The key waits for a second person; or, if this is that person, the partner may use it from now on.

    The same person again changes nothing. For a key in force, only what its owner changed in it enters the ring.

    Raises:
        NeedsDecision: nobody is named, it is another partner's, it was revoked, or the two ask for different things.
    """
    require_person(by)
    require_overlap(overlap_days)
    inserted = connection.execute(
        """INSERT INTO exchange.partner_key
                  (fingerprint, partner, kind, material, valid_from, valid_to, added_by, overlap_days)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (fingerprint) DO NOTHING""",
        (key.fingerprint, partner, key.kind, key.material, at, at + LIFE, by, overlap_days),
    ).rowcount
    known = _known(connection, key.fingerprint)
    if inserted:
        _tell(connection, "key.added", by, key.fingerprint, {"partner": partner, "kind": key.kind})
        return known
    if known.partner != partner:
        raise NeedsDecision("the key is registered for another partner; a key belongs to one partner only")
    if known.revoked_at is not None:
        raise NeedsDecision("the key was revoked, and a revoked key never comes back; its owner makes another")
    if known.approved_by is not None:
        if key.kind is Kind.OPENPGP:
            ring.import_key(key.material.encode())
            _tell(connection, "key.refreshed", by, key.fingerprint, {"partner": partner})
        return known
    if same_person(known.added_by, by):
        return known
    if known.overlap_days != overlap_days:
        raise NeedsDecision("the first person asked for another overlap of the old key; both must ask for the same")
    return approve(connection, ring, key.fingerprint, by=by, at=at)


def approve(connection: Connection, ring: OpenPGP, fingerprint: str, *, by: str, at: datetime) -> HeldKey:
    """The partner may use the key that another person added; its older keys retire if that was asked for.

    A second approval changes nothing.

    Raises:
        NeedsDecision: no such key waits, it was revoked, or the same person added it.
    """
    require_person(by)
    known = _find(connection, fingerprint)
    if known is None:
        raise NeedsDecision("no key with this fingerprint was added; `keys list` shows them")
    if known.revoked_at is not None:
        raise NeedsDecision("the key was revoked, and a revoked key never comes back; its owner makes another")
    if known.approved_by is not None:
        return known
    if same_person(known.added_by, by):
        raise NeedsDecision("a key takes two different people: this person added it, another must approve it")
    if known.kind is Kind.OPENPGP:
        (material,) = connection.execute(
            "SELECT material FROM exchange.partner_key WHERE fingerprint = %s", (fingerprint,)
        ).fetchone() or ("",)
        ring.import_key(str(material).encode())
    since = at.replace(microsecond=0)  # signatures know whole seconds
    connection.execute(
        """UPDATE exchange.partner_key SET approved_by = %s, approved_at = %s, valid_from = %s, valid_to = %s
            WHERE fingerprint = %s""",
        (by, at, since, since + LIFE, fingerprint),
    )
    body: dict[str, Plain] = {"partner": known.partner, "kind": known.kind, "overlap_days": known.overlap_days}
    if known.overlap_days is not None:
        retiring = connection.execute(
            """UPDATE exchange.partner_key SET valid_to = least(valid_to, %s)
                WHERE partner = %s AND kind = %s AND fingerprint <> %s AND approved_by IS NOT NULL
                  AND revoked_at IS NULL AND valid_to > %s
            RETURNING fingerprint""",
            (at + timedelta(days=known.overlap_days), known.partner, known.kind, fingerprint, at),
        ).fetchall()
        body["retiring"] = sorted(str(one) for (one,) in retiring)
    _tell(connection, "key.approved", by, fingerprint, body)
    return _known(connection, fingerprint)


def register(connection: Connection, partner: str, key: RegisteredKey, *, added_by: str, approved_by: str) -> None:
    """Both acts in one, for set-up: the key is in the ring already. A second run changes nothing.

    Raises:
        NeedsDecision: the two people are one.
    """
    require_person(added_by)
    require_person(approved_by)
    if same_person(added_by, approved_by):
        raise NeedsDecision("a key takes two different people")
    inserted = connection.execute(
        """INSERT INTO exchange.partner_key
                  (fingerprint, partner, valid_from, valid_to, added_by, approved_by, approved_at)
           VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT (fingerprint) DO NOTHING""",
        (key.fingerprint, partner, key.valid_from, key.valid_to or key.valid_from + LIFE, added_by, approved_by),
    ).rowcount
    if inserted:
        _tell(connection, "key.added", added_by, key.fingerprint, {"partner": partner, "approved_by": approved_by})


def revoke(connection: Connection, fingerprint: str, *, by: str, reason: Revocation, at: datetime) -> HeldKey:
    """The key accepts nothing from now on, whatever it signed before; one person is enough.

    A second, different person confirms it. A key never comes back, confirmed or not.

    Raises:
        NeedsDecision: there is no such key of a partner.
    """
    require_person(by)
    known = _find(connection, fingerprint)
    if known is None:
        raise NeedsDecision("no partner has a key with this fingerprint; `keys list` shows them")
    if known.revoked_at is None or known.revoked_by is None:
        connection.execute(
            """UPDATE exchange.partner_key SET revoked_at = least(revoked_at, %s), revoked_by = %s, revoke_reason = %s
                WHERE fingerprint = %s""",
            (at, by, reason, fingerprint),
        )
        _tell(connection, "key.revoked", by, fingerprint, {"partner": known.partner, "reason": reason})
    elif known.revoke_confirmed_by is None and not same_person(known.revoked_by, by):
        connection.execute(
            "UPDATE exchange.partner_key SET revoke_confirmed_by = %s WHERE fingerprint = %s", (by, fingerprint)
        )
        _tell(connection, "key.revocation_confirmed", by, fingerprint, {"partner": known.partner})
    return _known(connection, fingerprint)


def _find(connection: Connection, fingerprint: str) -> HeldKey | None:
    """The key, locked until the transaction ends; None when the ledger has no such key of a partner."""
    with connection.cursor(row_factory=kwargs_row(_held)) as cursor:
        return cursor.execute(f"{_PARTNERS} WHERE fingerprint = %s FOR UPDATE", (fingerprint,)).fetchone()


def _known(connection: Connection, fingerprint: str) -> HeldKey:
    found = _find(connection, fingerprint)
    assert found is not None  # noqa: S101 - just written
    return found


def _held(**columns: object) -> HeldKey:
    columns["kind"] = Kind(str(columns["kind"]))
    columns["revoke_reason"] = Revocation(str(columns["revoke_reason"])) if columns["revoke_reason"] else None
    return HeldKey(**columns)  # type: ignore[arg-type]  # the query names exactly the fields


def _tell(connection: Connection, event: str, by: str, fingerprint: str, body: Mapping[str, Plain]) -> None:
    audit.append(connection, event, by, {"fingerprint": fingerprint, **body})
