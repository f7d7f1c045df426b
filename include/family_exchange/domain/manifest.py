"""What a partner says of a file in its first line: which feed, as known on which day, covering which days, how much.

The line is optional and lies under the same seal as the rows:
`#family-exchange feed=police_incidents contract=v1 as_of=2026-10-31 coverage_from=2026-04-01 coverage_to=2026-10-31
area=E08000036 sequence=7 rows=812` (on one line).
A feed without coverage says nothing of what it does not hold: a measure over it is unknown, never zero.
"""

import re
from dataclasses import dataclass
from datetime import date

from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

MARK = "#family-exchange"
KEYS = ("council", "feed", "contract", "as_of", "coverage_from", "coverage_to", "area", "sequence", "rows")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The first line's statements; None where it makes none."""

    council: str | None = None
    feed: str | None = None
    contract: str | None = None
    as_of: date | None = None
    coverage_from: date | None = None
    coverage_to: date | None = None
    area: str | None = None
    """Which area the rows come from, as the partner codes it."""
    sequence: int | None = None
    """The partner's own number of the file, counted upwards; each number is used once."""
    rows: int | None = None


def parsed(line: str) -> Manifest:
    """The manifest in `line`, which begins with `MARK`.

    Raises:
        DataRefused: HEADER for a word that is no known `key=value`, a key twice, or a value that is no ISO date or
            whole number; CONTENT when the coverage ends before it begins.
    """
    given: dict[str, str] = {}
    for number, word in enumerate(line.removeprefix(MARK).split(), start=1):
        key, _, value = word.partition("=")
        if key not in KEYS or key in given or not value:
            raise DataRefused(Reason.HEADER, f"word {number} of the first line is not one `key=value` of {_KNOWN}")
        given[key] = value
    manifest = Manifest(
        council=given.get("council"),
        feed=given.get("feed"),
        contract=given.get("contract"),
        as_of=_day(given, "as_of"),
        coverage_from=_day(given, "coverage_from"),
        coverage_to=_day(given, "coverage_to"),
        area=_area(given),
        sequence=_number(given, "sequence"),
        rows=_number(given, "rows"),
    )
    if manifest.coverage_from and manifest.coverage_to and manifest.coverage_from > manifest.coverage_to:
        raise DataRefused(Reason.CONTENT, "coverage_from lies after coverage_to")
    return manifest


_KNOWN = ", ".join(KEYS)


def _day(given: dict[str, str], key: str) -> date | None:
    text = given.get(key)
    if text is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise DataRefused(Reason.HEADER, f"{key} in the first line is not a date like 2026-04-30") from None


def _area(given: dict[str, str]) -> str | None:
    text = given.get("area")
    if text is None or re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", text):
        return text
    raise DataRefused(Reason.HEADER, "area in the first line is not a code of letters, digits and hyphens")


def _number(given: dict[str, str], key: str) -> int | None:
    text = given.get(key)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise DataRefused(Reason.HEADER, f"{key} in the first line is not a whole number")
    return int(text)
