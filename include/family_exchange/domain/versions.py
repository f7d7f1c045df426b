"""Which version of a feed's contract a file is read by: what it says, if that was agreed when it was signed.

Versions stand side by side, so that a partner changes on a day of its own: both may be agreed for a while.
"""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import model_validator

from family_exchange.domain.contract import Version
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.provenance import Model, wrong


class AgreedVersion(Model):
    """A version of a feed that a partner may send, from one day to another, both included; null leaves an end open."""

    version: Version
    valid_from: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.until and self.valid_from > self.until:
            raise wrong("until", "expected a day that is not before `valid_from`")
        return self

    def holds_on(self, day: date) -> bool:
        """True when a file signed on `day` may be of this version."""
        return (self.valid_from is None or self.valid_from <= day) and (self.until is None or day <= self.until)


def newest_last(versions: Sequence[str]) -> tuple[str, ...]:
    """The versions by their numbers: v9 stands before v10."""
    return tuple(sorted(versions, key=lambda version: int(version[1:])))


def chosen(said: str | None, agreed: Sequence[AgreedVersion], existing: Sequence[str], signed_on: date) -> str:
    """The version that a file signed on `signed_on` is read by.

    `said` is what its first line states. A file that says nothing is of the newest version agreed for that day; where
    the partner's agreement names no versions, every one of `existing` is agreed, and such a file is of the oldest: it
    was made before there was anything to say.

    Raises:
        DataRefused: SCHEMA; the version is not agreed for that day, or none is.
    """
    known = newest_last(existing)
    holding = {each.version for each in agreed if each.holds_on(signed_on)}
    open_to = tuple(version for version in known if version in holding) if agreed else known
    if said is None and open_to:
        return open_to[-1] if agreed else open_to[0]
    if said is None or said not in open_to:
        which = f"is agreed: {', '.join(open_to)}" if open_to else "none is agreed"
        raise DataRefused(
            Reason.SCHEMA, f"the file's version of the contract is not agreed for {signed_on.isoformat()}; {which}"
        )
    return said
