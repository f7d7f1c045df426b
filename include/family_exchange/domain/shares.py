"""A secret cut into shares, so that no one person has it and the loss of one share loses nothing.

Source: A. Shamir, "How to share a secret" (1979), over the field of 256 elements with AES's polynomial. Fewer shares
than are needed say nothing at all about the secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from family_exchange.domain.errors import NeedsDecision

_POLYNOMIAL = 0x11B
_CHECK = 8
"""Hexadecimal digits by which a mistyped share is noticed."""
MOST = 16


@dataclass(frozen=True, slots=True)
class Share:
    """One person's part of the secret."""

    number: int
    """1 is the first; the place at which the polynomials were asked."""
    needed: int
    """So many shares give the secret."""
    values: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """One line to print and to type: number, how many are needed, the values, and a check of all of it."""
        plain = f"{self.number}-{self.needed}-{self.values.hex()}"
        return f"{plain}-{_check(plain)}"


def split(secret: bytes, *, needed: int, total: int, chance: bytes) -> tuple[Share, ...]:
    """`total` shares of the secret, of which any `needed` give it back.

    `chance` is random and as long as the secret for each share that is needed beyond the first.

    Raises:
        NeedsDecision: the numbers make no sense.
    """
    if not 2 <= needed <= total <= MOST:  # noqa: PLR2004 - one person alone must never be enough
        raise NeedsDecision(f"a secret is cut into 2 to {MOST} shares, of which at least 2 are needed")
    size = len(secret)
    if len(chance) != size * (needed - 1):
        raise ValueError("as much chance is needed as the secret is long, for each share beyond the first")
    polynomials = [
        (secret[at], *(chance[at + size * power] for power in range(needed - 1))) for at in range(size)
    ]  # constant term first
    return tuple(
        Share(number, needed, bytes(_at(polynomial, number) for polynomial in polynomials))
        for number in range(1, total + 1)
    )


def joined(shares: Sequence[Share]) -> bytes:
    """The secret; whether it is the right one, only what it opens can tell.

    Raises:
        NeedsDecision: they are too few, or not shares of one secret.
    """
    different = {share.number: share for share in shares}
    if len({(share.needed, len(share.values)) for share in shares}) != 1:
        raise NeedsDecision("these are not shares of one secret")
    needed = shares[0].needed
    if len(different) < needed:
        raise NeedsDecision(f"{needed} different shares are needed, and {len(different)} came")
    used = [different[number] for number in sorted(different)][:needed]
    return bytes(_constant([(share.number, share.values[at]) for share in used]) for at in range(len(used[0].values)))


def read(text: str) -> Share:
    """The share that somebody typed or printed; spaces and case do not count.

    Raises:
        NeedsDecision: it is none, or a letter of it is wrong.
    """
    plain, _, check = "".join(text.split()).lower().rpartition("-")
    parts = plain.split("-")
    try:
        number, needed, values = int(parts[0]), int(parts[1]), bytes.fromhex(parts[2])
    except (ValueError, IndexError):
        raise NeedsDecision("a share is one line: number, how many are needed, its letters, and a check") from None
    if check != _check(plain):
        raise NeedsDecision(f"share {number} was not written down as it was made: its check does not fit")
    return Share(number, needed, values)


def _check(plain: str) -> str:
    return sha256(plain.encode()).hexdigest()[:_CHECK]


def _times(one: int, other: int) -> int:
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0x100:
            one ^= _POLYNOMIAL
        other >>= 1
    return product


def _inverse(one: int) -> int:
    result = 1
    for _ in range(254):  # the 254th power: every element's 255th is 1
        result = _times(result, one)
    return result


def _at(polynomial: Sequence[int], place: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _times(value, place) ^ coefficient
    return value


def _constant(points: Sequence[tuple[int, int]]) -> int:
    """The polynomial through these points, at zero."""
    value = 0
    for place, seen in points:
        weight = 1
        for other, _ in points:
            if other != place:
                weight = _times(weight, _times(other, _inverse(other ^ place)))
        value ^= _times(seen, weight)
    return value
