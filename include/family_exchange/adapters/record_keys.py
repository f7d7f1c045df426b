"""Record keys in SQL: as a table of their parts, so that records are found by index."""

from collections.abc import Iterable

from family_exchange.domain.person import SEPARATOR

KEYS = "unnest(%s::text[], %s::text[], %s::text[]) AS k(feed, partner, record_ref)"
"""The table; its parameters are `parts`."""


def parts(keys: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Feeds, partners and references of record keys, each key once."""
    split = [key.split(SEPARATOR, 2) for key in sorted(set(keys))]
    return [feed for feed, _, _ in split], [partner for _, partner, _ in split], [ref for _, _, ref in split]
