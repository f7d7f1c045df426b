"""What a file is beside the others that its partner sent: news, history, a repeat, or something that cannot be.

Only what lies under the signature counts: the name, the time and the order in a folder are hints that anybody can set.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from family_exchange.domain.file import Reason

LATE_BY = timedelta(days=62)
"""How much older than the newest accepted one a signature may be; beyond it, a late file is an old one sent again."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What one opened file says of itself."""

    content: bytes = field(repr=False)
    """Keyed digest of the content."""
    signature: str
    """gpg's id of the signature: it stays the same when the message is armoured anew."""
    signed_at: datetime
    as_of: date | None = None
    """The day of which its first line speaks; None: it does not say."""
    sequence: int | None = None
    """Its partner's own number."""


@dataclass(frozen=True, slots=True)
class Sibling:
    """An accepted file of the same partner and feed."""

    file_id: str
    signed_at: datetime
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Siblings:
    """The accepted files that bear on a new one's place; None where there is no such file."""

    same_content: str | None = None
    same_signature: str | None = None
    same_sequence: str | None = None
    newest_signed_at: datetime | None = None
    newest_as_of: date | None = None
    same_day: Sibling | None = None
    """One that speaks of the same day: of a numbered file the one with the highest number; else the newest signed."""


class Place(StrEnum):
    """Where a file belongs."""

    NEWS = "news"
    HISTORY = "history"
    """It speaks of an earlier day than what is known: it adds to the past and changes nothing of the present."""
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    """Its own number says that an accepted file of the same day came after it."""
    STALE = "stale"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Placed:
    """The place, and the file that decides it."""

    place: Place
    other: str | None = None


def place(new: Identity, siblings: Siblings, *, waived: Collection[Reason] = ()) -> Placed:
    """Where `new` belongs; the first rule that applies, in the order of how sure it is.

    `waived`: what two people have looked at and set aside; a file is still never a repeat.
    """
    if siblings.same_content:
        return Placed(Place.DUPLICATE, siblings.same_content)
    if Reason.CONFLICT not in waived:
        if other := siblings.same_signature or siblings.same_sequence:
            return Placed(Place.CONFLICT, other)
        if Reason.STALE not in waived and (aged := _aged(new, siblings)):
            return aged
    if new.as_of and siblings.newest_as_of and new.as_of < siblings.newest_as_of:
        return Placed(Place.HISTORY)
    return Placed(Place.NEWS)


def _aged(new: Identity, siblings: Siblings) -> Placed | None:
    """Stale or superseded, when an accepted file was signed later and nothing says that this one still matters."""
    newest, day = siblings.newest_signed_at, siblings.same_day
    if newest and newest - new.signed_at > LATE_BY:
        return Placed(Place.STALE)
    if new.as_of is None:
        return Placed(Place.STALE) if newest and new.signed_at < newest else None
    if day is None:
        return None
    if new.sequence is not None and day.sequence is not None:
        return Placed(Place.SUPERSEDED, day.file_id) if new.sequence < day.sequence else None
    return Placed(Place.STALE, day.file_id) if new.signed_at < day.signed_at else None
