"""Homes: which addresses are one, who lived there from when to when, and who lives there with whom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

SEEN_ELSEWHERE = timedelta(days=92)
"""Somebody seen elsewhere this long after their last sign here has left, even if they had been seen there before."""

AT_THE_SAME_TIME = timedelta(days=183)
"""Signs of life in one home this far apart still tell of living there together."""

MOST_IN_ONE_HOME = 12
"""With more people seen at once, an address is a building: only references and names say who is a family there."""


class Basis(StrEnum):
    """What holds a family together; the order is the order of trust."""

    UPRN = "uprn"
    ADDRESS = "address"
    HOUSEHOLD = "household"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One partner's word that somebody lived in a home."""

    person: str
    home: str
    from_on: date
    seen_on: date
    """Last day of which the partner speaks."""
    ended: bool = False
    """True when the partner says that it ended on `seen_on`."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One person's time in one home."""

    person: str
    home: str
    from_on: date
    seen_on: date
    to_on: date | None
    """First day on which the person no longer lived there; None: still does, as far as is known."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """Somebody who lives or lived in a home, with what ties them to others there."""

    stay: Stay
    surnames: frozenset[str] = field(repr=False)
    households: frozenset[str]
    """Partners' household references, with their feed and partner."""
    child: bool


class Homes:
    """One name for each home, however partners write its address."""

    def __init__(self, addresses: Iterable[tuple[str, str]], shared: Iterable[tuple[str, str]] = ()) -> None:
        """`addresses`: pairs of UPRN and dwelling key, either of them empty when it is not known.

        `shared`: those of them where many live who are no family.
        """
        self._uprns: dict[str, set[str]] = {}
        self._dwellings: dict[str, set[str]] = {}
        for uprn, dwelling in addresses:
            if uprn and dwelling:
                self._uprns.setdefault(dwelling, set()).add(uprn)
                self._dwellings.setdefault(uprn, set()).add(dwelling)
        self._shared = {self.name(uprn, dwelling) for uprn, dwelling in shared} - {""}

    def name(self, uprn: str, dwelling: str) -> str:
        """The home's key: by UPRN, given or known of the address when only one has it; else by address; else empty."""
        known = self._uprns.get(dwelling, set())
        if uprn or len(known) == 1:
            return f"{Basis.UPRN}:{uprn or next(iter(known))}"
        return f"{Basis.ADDRESS}:{dwelling}" if dwelling else ""

    def is_shared(self, home: str) -> bool:
        """True of a hostel, a refuge and the like: of the homes by which somebody called it so, this is one."""
        return home in self._shared

    def keys(self, home: str) -> tuple[str, ...]:
        """The home's keys, most trusted first: its name, and the addresses by which it may have been known before."""
        basis, _, key = home.partition(":")
        others = sorted(self._dwellings.get(key, set())) if basis == Basis.UPRN else []
        return (home, *(f"{Basis.ADDRESS}:{dwelling}" for dwelling in others))


def stays(sightings: Iterable[Sighting]) -> list[Stay]:
    """Where each person lived from when to when; one stay for each person and home, ordered by person and home.

    A stay ends when the last word of it says so; or when the person's whole time elsewhere began after their last sign
    here; or when they were seen elsewhere long after it. Somebody seen in two homes all along lives in both.
    """
    by_person: dict[str, dict[str, list[Sighting]]] = {}
    for sighting in sightings:
        by_person.setdefault(sighting.person, {}).setdefault(sighting.home, []).append(sighting)
    return [_stay(person, home, homes) for person, homes in sorted(by_person.items()) for home in sorted(homes)]


def _stay(person: str, home: str, homes: Mapping[str, Sequence[Sighting]]) -> Stay:
    here = homes[home]
    from_on = min(sighting.from_on for sighting in here)
    seen_on = max(sighting.seen_on for sighting in here)
    if all(sighting.ended for sighting in here if sighting.seen_on == seen_on):
        return Stay(person, home, from_on, seen_on, seen_on + timedelta(days=1))
    left_on: list[date] = []
    for other, there in homes.items():
        if other == home:
            continue
        if (moved_on := min(sighting.from_on for sighting in there)) > seen_on:
            left_on.append(moved_on)
        elif max(sighting.seen_on for sighting in there) > seen_on + SEEN_ELSEWHERE:
            left_on.append(min(sighting.seen_on for sighting in there if sighting.seen_on > seen_on))
    return Stay(person, home, from_on, seen_on, min(left_on, default=None))


def told(
    sightings: Iterable[Sighting], rectified: Mapping[str, tuple[str, date]], *, today: date
) -> Iterator[Sighting]:
    """The sightings, and of whom a named person says where they live since when: there until today, elsewhere before.

    `rectified`: by person the home, empty when the address names none, and its first day.
    """
    for one in sightings:
        home, since = rectified.get(one.person, ("", None))
        if since is None:
            yield one
        elif one.from_on < since:
            before = since - timedelta(days=1)
            yield one if one.seen_on <= before else replace(one, seen_on=before, ended=not home)
    for who, (home, since) in sorted(rectified.items()):
        if home:
            yield Sighting(who, home, since, max(since, today))


def households(occupants: Sequence[Occupant], *, shared: bool = False) -> list[tuple[Occupant, ...]]:
    """The people of one home by who lives with whom, each group in order of arrival.

    Strangers who share a house, with neither a name nor a child nor a household reference in common, live alone. In a
    `shared` place, as in a building full of people, a child is not everybody's: only names and references tell.
    """
    crowded = shared or _most_at_once(occupants) > MOST_IN_ONE_HOME
    groups: list[list[Occupant]] = []
    for occupant in sorted(occupants, key=lambda each: (each.stay.from_on, each.stay.person)):
        tied = [group for group in groups if any(_tied(occupant, other, crowded=crowded) for other in group)]
        groups = [group for group in groups if group not in tied]
        groups.append([*(other for group in tied for other in group), occupant])
    ordered = [tuple(sorted(group, key=lambda each: (each.stay.from_on, each.stay.person))) for group in groups]
    return sorted(ordered, key=lambda group: (group[0].stay.from_on, group[0].stay.person))


def _tied(a: Occupant, b: Occupant, *, crowded: bool) -> bool:
    if a.households & b.households:
        return True
    if a.stay.from_on > b.stay.seen_on + AT_THE_SAME_TIME or b.stay.from_on > a.stay.seen_on + AT_THE_SAME_TIME:
        return False
    return bool(a.surnames & b.surnames) or ((a.child or b.child) and not crowded)


def _most_at_once(occupants: Sequence[Occupant]) -> int:
    return max(
        (sum(each.stay.from_on <= day <= each.stay.seen_on for each in occupants) for day in
         {each.stay.seen_on for each in occupants}),
        default=0,
    )  # fmt: skip
