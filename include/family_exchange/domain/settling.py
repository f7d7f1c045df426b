"""Which id each person bears, when who is one person has been decided: an id never changes what it means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from family_exchange.domain.clustering import Decided
from family_exchange.domain.person import person_id


@dataclass(frozen=True, slots=True)
class Known:
    """A person's id in use."""

    person: str
    means: str
    """The record key that the id is of, for good: whoever that one is, is this person."""
    since: str = ""
    """What orders ids by age, oldest first; it never changes."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Which person each record key is."""

    person_of: Mapping[str, str]
    points_to: Mapping[str, str | None]
    """Every id in use → the id of the person that it turned out to be; None: it is that person's own."""


def settle(decided: Decided, known: Iterable[Known]) -> Settled:
    """A person for every record key: of the ids that mean somebody in its cluster the oldest, or a new one.

    When a cluster falls into two, each id stays with the one it means; an id that pointed to the other is its own
    again. Nothing else counts, so that what was joined and parted again has the ids that it had before.
    """
    keys: dict[str, list[str]] = {}
    for key in decided.unit_of:
        keys.setdefault(decided.cluster_of(key), []).append(key)
    ids: dict[str, list[Known]] = {}
    for one in known:
        ids.setdefault(decided.cluster_of(one.means), []).append(one)
    person_of: dict[str, str] = {}
    points_to: dict[str, str | None] = {}
    for name, members in keys.items():
        candidates = sorted(ids.get(name, ()), key=lambda one: (one.since, one.person))
        chosen = candidates[0].person if candidates else person_id(members)
        person_of |= dict.fromkeys(members, chosen)
        points_to |= {one.person: None if one.person == chosen else chosen for one in candidates}
    return Settled(person_of, points_to)
