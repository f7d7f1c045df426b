"""What changed between a partner's earlier file and the one that mends it.

Rows are matched by a keyed digest of the partner's own reference, so that nobody's reference has to be kept.
"""

import hmac
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from family_exchange.domain.file import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Mark:
    """One finding, as it can be recognised in another file."""

    rule: str
    column: str | None
    table: str | None
    row_no: int | None
    """In its own file; None: the file as a whole."""
    reference: bytes | None = field(repr=False)
    """Keyed digest of the row's own reference; None: the row has none, or the file as a whole."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the findings."""

    fixed: tuple[Mark, ...]
    """In the earlier file and no longer in this one."""
    still: tuple[Mark, ...]
    """In both; row numbers of this file."""
    new: tuple[Mark, ...]
    """In this file only."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The file that this one is compared with."""

    file_id: str
    name: str = field(repr=False)
    received_at: datetime
    verdict: Verdict | None
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Resent:
    """An earlier file and what is different now."""

    earlier: Earlier
    changes: Changes | None
    """None: the two cannot be compared finding by finding."""
    reason_gone: Reason | None = None
    """Why the earlier file was not taken, when that does not hold for this one."""


def digest(key: bytes, reference: Sequence[str | None]) -> bytes | None:
    """The keyed digest of a row's own reference; None when every part of it is empty.

    Each part is framed by its length: `("a", "bc")` and `("ab", "c")` differ.
    """
    if not any(reference):
        return None
    parts = [(part or "").encode() for part in reference]
    return hmac.new(key, b"".join(b"%d:%b" % (len(part), part) for part in parts), sha256).digest()


def changes(earlier: Iterable[Mark], now: Iterable[Mark]) -> Changes:
    """Each finding of either file in one of the three groups; as often as it was found."""
    before: defaultdict[tuple[object, ...], deque[Mark]] = defaultdict(deque)
    for mark in earlier:
        before[_what(mark)].append(mark)
    still: list[Mark] = []
    new: list[Mark] = []
    for mark in now:
        same = before.get(_what(mark))
        if same:
            same.popleft()
            still.append(mark)
        else:
            new.append(mark)
    return Changes(tuple(mark for left in before.values() for mark in left), tuple(still), tuple(new))


def _what(mark: Mark) -> tuple[object, ...]:
    """The same in two files that have the same fault in the same row."""
    return mark.rule, mark.column, mark.table, mark.reference, mark.row_no is None
