"""The countdown to the day on which a key stops working: who must be told, and when, so that no file fails for it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from family_exchange.domain.key import Kind

STEPS = (90, 30, 14, 7, 1)
"""Days before its end at which a key is spoken of, once each."""


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """When one key stops working."""

    owner: str
    """A partner's slug, `own` or `recipient`."""
    kind: Kind
    fingerprint: str
    ends_at: datetime | None
    """The first of: the end of its registration, and its own end as its holder set it. None: neither has one."""
    replaced: bool = False
    """True when its owner has a newer one."""


def first(*ends: datetime | None) -> datetime | None:
    """The first of several ends; None when none is set."""
    return min((end for end in ends if end is not None), default=None)


def days_left(ends_at: datetime | None, on: date) -> int | None:
    """Whole days from `on` to the UTC day of the end: 0 on that day, negative after it; None: no end."""
    return None if ends_at is None else (ends_at.astimezone(UTC).date() - on).days


def reached(key: KeyEnd, on: date) -> tuple[int, ...]:
    """The steps that the key has reached on that day, the largest first; all of them once it is over.

    Empty for a key without an end, and for one that ran out after it was replaced: nobody waits for it.
    """
    left = days_left(key.ends_at, on)
    if left is None or (key.replaced and left < 0):
        return ()
    return tuple(step for step in STEPS if left <= step)
