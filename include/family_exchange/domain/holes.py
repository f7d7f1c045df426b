"""Known holes in what we run: which version closes one, and whether a version that was met is behind it."""

import re
from typing import Annotated, Literal

from pydantic import Field

from family_exchange.domain.provenance import Model, Words

Numbers = tuple[int, ...]

_DIGITS = re.compile(r"\d+")


class Hole(Model):
    """A hole that a release closed."""

    product: str
    """`airflow`, `gnupg`, `openssh`, `postgresql`, or a Python package by its name on the index."""
    closed_in: Annotated[tuple[str, ...], Field(min_length=1)]
    """The first release without it, of each branch that got one."""
    debian: tuple[str, ...] = ()
    """Debian's own revisions with the repair taken back into an older release, e.g. `9.2p1-2+deb12u3`."""
    branch: int = 1
    """How many numbers of a version name its branch."""
    since: str | None = None
    """The first release that has it; none: every one before."""
    names: tuple[str, ...]
    """CVE numbers."""
    means: Words
    source: Words
    status: Literal["published", "assumed"]
    """`assumed`: from memory, nobody has looked it up."""


class Holes(Model):
    """The list."""

    holes: tuple[Hole, ...]


def numbers(version: str) -> Numbers:
    """The numbers in a version, in order: `9.2p1-2+deb12u10` is 9, 2, 1, 2, 12, 10; none of them: empty."""
    return tuple(map(int, _DIGITS.findall(version)))


def is_open(hole: Hole, version: str, packaged: str | None = None) -> bool:
    """True when this version still has the hole.

    `packaged` is the distribution's own version, where one is known: it may hold the repair although the release is
    older. A version without any number is taken to have it.
    """
    met = numbers(version)
    if hole.since is not None and met and met < numbers(hole.since):
        return False
    if packaged is not None and any(_has_repair(packaged, repaired) for repaired in hole.debian):
        return False
    closed = sorted(numbers(one) for one in hole.closed_in)
    if met >= closed[-1]:
        return False
    return not any(met[: hole.branch] == one[: hole.branch] and met >= one for one in closed)


def _has_repair(packaged: str, repaired: str) -> bool:
    """True when the distribution's revision is of the same release and no older than the repaired one."""
    ours, theirs = packaged.rpartition(":")[2], repaired.rpartition(":")[2]
    return ours.partition("-")[0] == theirs.partition("-")[0] and numbers(ours) >= numbers(theirs)
