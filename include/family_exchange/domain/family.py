"""Families: people who live as one household over a period of time, and those who belong to it from elsewhere.

A home says who lives together; names, partners' household references and children say who is a family there; a
partner's word says who belongs to it and lives elsewhere.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from family_exchange.domain.home import Basis, Homes, Occupant, Stay, households
from family_exchange.domain.person import ADULT_FROM, age_on, derived_id

PARENTS = frozenset({"mother", "father", "carer", "step_parent"})
KEPT_ELSEWHERE = PARENTS | {"child"}
"""Places in a family that somebody keeps who lives elsewhere."""


class Role(StrEnum):
    """What somebody is in a family."""

    ADULT = "adult"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class Member:
    """One person's membership of a family."""

    person: str
    from_on: date
    to_on: date | None
    role: Role
    resident: bool
    """False for a parent or child of the family who lives elsewhere."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family, and the keys that its id may rest on, most trusted first."""

    keys: tuple[str, ...]
    """`<basis>:<key>`."""
    members: tuple[Member, ...]
    """By `from_on`, then person."""

    @property
    def founders(self) -> tuple[str, ...]:
        """The members in the order in which the family's id may rest on them."""
        return tuple(dict.fromkeys(member.person for member in self.members))


@dataclass(frozen=True, slots=True)
class Tie:
    """What ties one person to others."""

    born: date | None = field(repr=False)
    relationship: str | None
    surnames: frozenset[str] = field(repr=False)
    """The standardised parts of every surname that the person has had."""
    households: frozenset[str]
    """Partners' household references, with their feed and partner."""


def role_of(born: date | None, relationship: str | None, *, on: date) -> Role:
    """Child until the eighteenth birthday; without a date of birth, what the partner calls the person decides."""
    if born is not None:
        return Role.CHILD if age_on(born, on) < ADULT_FROM else Role.ADULT
    return Role.CHILD if relationship == "child" else Role.ADULT


def at_home(stays: Iterable[Stay], ties: Mapping[str, Tie], homes: Homes, *, on: date) -> list[Family]:
    """The families that live or lived in each home, as their own stays tell; somebody alone is one of one."""
    by_home: dict[str, list[Stay]] = {}
    for stay in stays:
        by_home.setdefault(stay.home, []).append(stay)
    found = []
    for home, there in sorted(by_home.items()):
        occupants = [_occupant(stay, ties[stay.person]) for stay in there]
        for group in households(occupants, shared=homes.is_shared(home)):
            members = [
                Member(
                    each.stay.person,
                    each.stay.from_on,
                    each.stay.to_on,
                    _role(ties, each.stay.person, on),
                    resident=True,
                )
                for each in group
            ]
            found.append(Family(homes.keys(home), _in_order(members)))
    return found


def _occupant(stay: Stay, tie: Tie) -> Occupant:
    child = role_of(tie.born, tie.relationship, on=stay.seen_on) is Role.CHILD
    return Occupant(stay, tie.surnames, tie.households, child)


def _role(ties: Mapping[str, Tie], person: str, on: date) -> Role:
    return role_of(ties[person].born, ties[person].relationship, on=on)


@dataclass(frozen=True, slots=True)
class Claim:
    """A partner counts somebody to one of its families."""

    person: str
    from_on: date
    role: Role
    away: bool = False
    """True for a child who is looked after: where they live is not the family's home."""


def whole(homes: Sequence[Family], claims: Mapping[str, Sequence[Claim]]) -> list[Family]:
    """Families with those who belong to them from elsewhere, and the households of which no home is known.

    `claims` says by household reference whom a partner counts to one family. Its home is where most of them live,
    children first. Somebody who lives alone and whom nobody claims is no family.
    """
    living: dict[str, list[int]] = {}
    for number, home in enumerate(homes):
        for member in home.members:
            if member.to_on is None:
                living.setdefault(member.person, []).append(number)
    added: dict[int, list[Claim]] = {}
    homeless: list[Family] = []
    for reference, claimed in sorted(claims.items()):
        place = _home_of(claimed, living, homes)
        if place is not None:
            added.setdefault(place, []).extend(claimed)
        elif len({claim.person for claim in claimed}) > 1:
            homeless.append(Family((f"{Basis.HOUSEHOLD}:{reference}",), _joined((), claimed, resident=True)))
    families = [
        Family(home.keys, _joined(home.members, added.get(number, ()), resident=False))
        for number, home in enumerate(homes)
    ]
    return [family for family in (*families, *homeless) if _is_family(family)]


def _is_family(family: Family) -> bool:
    return len(family.founders) > 1 or any(member.role is Role.CHILD for member in family.members)


def _home_of(claimed: Sequence[Claim], living: Mapping[str, Sequence[int]], homes: Sequence[Family]) -> int | None:
    votes: dict[int, tuple[int, int]] = {}
    for claim in claimed:
        for number in () if claim.away else living.get(claim.person, ()):
            children, people = votes.get(number, (0, 0))
            votes[number] = (children + (claim.role is Role.CHILD), people + 1)
    ranked = sorted(votes, key=lambda number: (-votes[number][0], -votes[number][1], homes[number].keys, number))
    return ranked[0] if ranked else None


def _joined(members: Sequence[Member], claimed: Iterable[Claim], *, resident: bool) -> tuple[Member, ...]:
    """Members and those claimed who are none now; somebody who moved out belongs from then on from elsewhere."""
    joined = list(members)
    earliest: dict[str, Claim] = {}
    for claim in claimed:
        known = earliest.setdefault(claim.person, claim)
        earliest[claim.person] = min(known, claim, key=lambda each: each.from_on)
    for person, claim in earliest.items():
        earlier = [member for member in members if member.person == person]
        if any(member.to_on is None for member in earlier):
            continue
        since = max([claim.from_on, *(member.to_on for member in earlier if member.to_on)])
        joined.append(Member(person, since, None, claim.role, resident))
    return _in_order(joined)


def _in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: (member.from_on, member.person)))


def named(
    families: Iterable[Family], existing: Mapping[str, Collection[str]], former: Mapping[str, Sequence[str]]
) -> dict[str, Family]:
    """The families by id, sorted: the id that a family has, or a new one from its most trusted key and first member.

    `existing` holds the ids in use with the people of each, `former` the ids that a person had before they were found
    to be this one. A home whose first family moved out and whose next moved in holds two families with two ids. An id
    whose first member was another after all passes to the family with at least half of its people.
    """
    found: dict[str, Family] = {}
    nameless: list[tuple[Family, list[str], list[str]]] = []
    for one in families:
        people = [alias for person in one.founders for alias in (person, *former.get(person, ()))]
        candidates = [derived_id("H", key, person) for key in one.keys for person in people]
        known = next((candidate for candidate in candidates if candidate in existing and candidate not in found), None)
        if known is None:
            nameless.append((one, candidates, people))
        else:
            found[known] = one
    left = {family: frozenset(people) for family, people in existing.items() if people and family not in found}
    for one, candidates, people in nameless:
        inherited = _inherited(people, left)
        left.pop(inherited or "", None)
        found[inherited or next(candidate for candidate in candidates if candidate not in found)] = one
    return dict(sorted(found.items()))


def _inherited(people: Sequence[str], left: Mapping[str, Collection[str]]) -> str | None:
    """Of the families in `left`, the one that shares most with `people`: at least half of its own."""
    shared = {family: len({*held} & {*people}) for family, held in left.items()}
    heirs = [family for family, number in shared.items() if number and 2 * number >= len(left[family])]
    return min(heirs, key=lambda family: (-shared[family], family), default=None)
