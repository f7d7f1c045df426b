"""What the judgement of a seal rests on: how gpg ended, what we agreed, and the limits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from family_exchange.domain.envelope import Envelope, Shape

RATIO = 200
"""Plaintext may be this many times larger than the file."""
ALLOWANCE = 1 << 20
"""Bytes that any file may expand to, whatever its size."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run of gpg ended."""

    rc: int
    """Exit code; negative: ended by a signal."""
    status: tuple[str, ...]
    """Every status line in order, without its `[GNUPG:] ` prefix."""
    bytes_in: int
    """Size of the sealed file."""
    bytes_out: int
    """Plaintext bytes that came before the end, or before our reader stopped."""
    clean_eof: bool
    """True when gpg closed its output by itself; False when our reader stopped it."""
    timed_out: bool = False
    """True when our reader stopped it because its time was up."""
    envelope: Envelope = field(default_factory=lambda: Envelope(Shape.UNKNOWN))
    """What the file looks like from outside."""


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A key that two people registered for a partner."""

    fingerprint: str
    """Of the primary key: 40 upper-case hexadecimal digits."""
    valid_from: datetime
    valid_to: datetime | None = None
    """First instant at which it is no longer valid; None: open."""
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What we agreed, at one instant."""

    own_keys: frozenset[str]
    """Fingerprints of our own keys, primary or encryption subkey."""
    partner_keys: tuple[RegisteredKey, ...]
    """The keys of the partner whose folder the file was in."""
    other_keys: frozenset[str]
    """Fingerprints of everybody else's registered keys."""
    now: datetime
    cap: int
    """Most plaintext bytes that one file may have."""
    research_keys: frozenset[str] = frozenset()
    """Fingerprints of those to whom returns go: nothing that they sign may come back into operational hands."""
    max_age: timedelta | None = None
    """Oldest signature that is still news; None: any age."""
    lapsed_let_in: bool = False
    """Two people let in a signature that says it was made while its key, which has run out since, was in force."""
    retired_keys: frozenset[str] = frozenset()
    """Fingerprints of own keys that were replaced, with their subkeys; nothing may be sealed to them any more."""


def output_limit(bytes_in: int, cap: int) -> int:
    """Plaintext bytes at which reading a file of `bytes_in` bytes must stop."""
    return min(cap, RATIO * bytes_in + ALLOWANCE)
