"""Keys of partners and of the council: who registers one, what state it is in, and why one is taken back.

Two different people register a key, in two acts; until the second, it accepts nothing. One person alone may take a
key back, at once, because that only ever closes a door: docs/adr/0023-two-people-open-one-closes.md.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from family_exchange.domain.errors import NeedsDecision

LIFE = timedelta(days=730)
"""How long a key is accepted after its registration; then its owner makes another."""
OWN_OVERLAP = 90
"""Days for which an own key that was replaced still opens files, when nobody says otherwise."""
LARGEST_OVERLAP = 366
"""Days for which an old key may stay valid beside a new one."""

LONGEST_NAME = 100
"""Characters of a person's name."""

NOT_A_PERSON = frozenset({"airflow", "exchange", "machine", "system"})
"""What runs by itself may call itself; none of it decides anything."""

_BETWEEN_WORDS = re.compile(r"[\W_]+")


class Kind(StrEnum):
    """What a key is for."""

    OPENPGP = "openpgp"
    """It signs a partner's files, and what we send the partner is encrypted to it."""
    SSH = "ssh"
    """It logs a partner in to its folder; recorded here, put into force on the SFTP server."""


class KeyState(StrEnum):
    """Where a registered key is on a day."""

    PENDING = "pending"
    """One person added it; it accepts nothing."""
    VALID = "valid"
    RETIRING = "retiring"
    """Valid, with a newer one beside it."""
    EXPIRED = "expired"
    REVOKED = "revoked"


class Revocation(StrEnum):
    """Why a key was taken back; a closed list."""

    COMPROMISED = "compromised"
    LOST = "lost"
    REPLACED = "replaced"
    PARTNER_LEFT = "partner_left"
    REGISTERED_IN_ERROR = "registered_in_error"


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key as the ledger holds it."""

    fingerprint: str
    """OpenPGP: 40 upper-case hexadecimal digits of the primary key; SSH: `SHA256:` and base64."""
    kind: Kind
    partner: str | None
    """None: the council's own."""
    valid_from: datetime
    valid_to: datetime | None
    """First instant at which it is no longer valid; None: open."""
    added_by: str
    approved_by: str | None = None
    """None: one person only has said so yet."""
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoke_reason: Revocation | None = None
    revoke_confirmed_by: str | None = None
    overlap_days: int | None = None
    """How long the owner's earlier keys stay valid once this one is approved; None: until their own ends."""


def state(key: HeldKey, others: Iterable[HeldKey], at: datetime) -> KeyState:
    """Where `key` is at this instant, beside the other keys of the ledger."""
    if key.revoked_at is not None and key.revoked_at <= at:
        return KeyState.REVOKED
    if key.approved_by is None:
        return KeyState.PENDING
    if key.valid_to is not None and key.valid_to <= at:
        return KeyState.EXPIRED
    return KeyState.RETIRING if replaced(key, others) else KeyState.VALID


def replaced(key: HeldKey, others: Iterable[HeldKey]) -> bool:
    """True when the same owner has a newer key of the kind, approved and not revoked."""
    return any(
        other.approved_by is not None
        and other.revoked_at is None
        and (other.partner, other.kind) == (key.partner, key.kind)
        and other.valid_from > key.valid_from
        for other in others
    )


def same_person(one: str, other: str) -> bool:
    """True when two names are one, written in two ways: case, spaces, accents, full stops, order, an address's domain.

    Whoever is somebody else and is taken for the same writes their name in a longer way: the cheaper mistake.
    """
    first, second = _words(one), _words(other)
    return "".join(first) == "".join(second) or sorted(first) == sorted(second)


def among(name: str, others: Iterable[str]) -> bool:
    """True when one of the others is the same person."""
    return any(same_person(name, other) for other in others)


def require_person(name: str) -> None:
    """Nothing, when somebody is named.

    Raises:
        NeedsDecision: nobody is, or a machine is.
    """
    words = _words(name)
    if not words or len(name) > LONGEST_NAME or not name.isprintable():
        raise NeedsDecision("this is done by a named person: say who decides, by --by and your own name or user name")
    if "".join(words) in NOT_A_PERSON:
        raise NeedsDecision("this is done by a named person, never by a machine: say who decides, by --by")


def require_overlap(days: int | None) -> None:
    """Nothing, when an old key may stay valid for so long beside a new one; None: until its own end.

    Raises:
        NeedsDecision: it may not.
    """
    if days is not None and not 0 <= days <= LARGEST_OVERLAP:
        raise NeedsDecision(f"an old key may stay valid beside a new one for 0 to {LARGEST_OVERLAP} days")


def _words(name: str) -> list[str]:
    """The words of a name without accents and capitals; of an e-mail address, what stands before its domain."""
    spelt = unicodedata.normalize("NFKD", name.partition("@")[0])
    plain = "".join(letter for letter in spelt if not unicodedata.combining(letter)).casefold()
    return [word for word in _BETWEEN_WORDS.split(plain) if word]
