"""What people decided about who is who: two sides are one person, or are never one.

A decision outranks every score, number and conflict. It names record keys and never a person's id, so that it holds
whatever a machine joins or parts beside it; a key that has no record any more says nothing, and the others hold.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was decided."""

    MUST_LINK = "must_link"
    """All the keys of both sides are one person."""
    CANNOT_LINK = "cannot_link"
    """No key of one side is ever the person of a key of the other."""


@dataclass(frozen=True, slots=True)
class Link:
    """One decision in force."""

    number: int
    kind: Kind
    side_a: frozenset[str]
    side_b: frozenset[str]

    @property
    def keys(self) -> frozenset[str]:
        """The record keys of both sides."""
        return self.side_a | self.side_b


Mark = tuple[int, bool]
"""Of a cannot-link the number, and whether it is its first side that a key is on."""


class Links:
    """The decisions in force, held against each other."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self.all = tuple(sorted(links, key=lambda link: link.number))
        self._one = _chained(link.keys for link in self.all if link.kind is Kind.MUST_LINK)
        self._marks: dict[str, set[Mark]] = {}
        for link in self.all:
            if link.kind is Kind.CANNOT_LINK:
                for first, side in ((True, link.side_a), (False, link.side_b)):
                    for key in side:
                        self._marks.setdefault(key, set()).add((link.number, first))

    def decided(self, key: str) -> bool:
        """True when somebody said that the key is one person with another one."""
        return key in self._one

    def same(self, key: str) -> str:
        """The smallest of the keys that are one person with this one by decisions alone."""
        return self._one.get(key, key)

    def marks(self, keys: Iterable[str]) -> frozenset[Mark]:
        """On which sides of which cannot-links the keys are."""
        return frozenset(mark for key in keys for mark in self._marks.get(key, ()))

    def without(self, number: int) -> "Links":
        """The decisions without that one."""
        return Links(link for link in self.all if link.number != number)

    def against_joining(self, keys: Collection[str]) -> tuple[int, ...]:
        """The decisions by which these keys are not all one person, nor whoever must be one with them."""
        reached = {self.same(key) for key in keys}
        theirs = self.marks([*keys, *(key for key, same in self._one.items() if same in reached)])
        return tuple(sorted({number for number, first in theirs if first and (number, False) in theirs}))

    def against_parting(self, one: Iterable[str], other: Iterable[str]) -> tuple[int, ...]:
        """The decisions by which some key of `one` is the person of some key of `other`."""
        both = {self.same(key) for key in one} & {self.same(key) for key in other}
        return tuple(
            link.number
            for link in self.all
            if link.kind is Kind.MUST_LINK and not both.isdisjoint(map(self.same, link.keys))
        )


def opposed(one: Collection[Mark], other: Collection[Mark]) -> bool:
    """True when some cannot-link has a side in each."""
    return any((number, not first) in other for number, first in one)


def units(keys: Iterable[str], links: Links, kept: Iterable[Collection[str]] = ()) -> dict[str, str]:
    """Each key's unit, by the unit's smallest key: what no machine takes apart.

    Decisions make units first. Then every group in `kept`, people whose reasons nobody can weigh any more, is one unit,
    save where decisions keep some of it apart: then it falls into as many as there are different such decisions.
    """
    known = sorted({*keys})
    first: dict[str, str] = {}
    for key in known:
        first.setdefault(links.same(key), key)
    made: dict[str, list[str]] = {}
    for key in known:
        made.setdefault(first[links.same(key)], []).append(key)
    marks = {unit: links.marks(members) for unit, members in made.items()}
    unit_of = {key: unit for unit, members in made.items() for key in members}
    alike: list[list[str]] = []
    for group in kept:
        by_marks: dict[frozenset[Mark], list[str]] = {}
        for key in sorted({*group} & unit_of.keys()):
            by_marks.setdefault(marks[unit_of[key]], []).append(unit_of[key])
        alike += by_marks.values()
    whole = _chained(alike)
    return {key: whole.get(unit, unit) for key, unit in unit_of.items()}


def groups(keys: Iterable[str], links: Links) -> list[frozenset[str]]:
    """The keys of one person as they would stand together if any of the decisions were withdrawn.

    What a machine joined before anybody spoke stays together in it; what only a decision joined does not.
    """
    found: dict[frozenset[Mark], set[str]] = {}
    sides: Mapping[int, Link] = {link.number: link for link in links.all if link.kind is Kind.MUST_LINK}
    for key in keys:
        where = frozenset((number, key in link.side_a) for number, link in sides.items() if key in link.keys)
        found.setdefault(where, set()).add(key)
    return sorted(map(frozenset, found.values()), key=min)


def _chained(sets: Iterable[Collection[str]]) -> dict[str, str]:
    """Of everything in the sets, the smallest that a chain of sets leads to."""
    leader: dict[str, str] = {}
    members: dict[str, set[str]] = {}
    for each in sets:
        together = {leader.get(one, one) for one in each}
        everyone = set().union(*(members.pop(one, {one}) for one in together))
        if everyone:
            smallest = min(everyone)
            members[smallest] = everyone
            leader |= dict.fromkeys(everyone, smallest)
    return leader
