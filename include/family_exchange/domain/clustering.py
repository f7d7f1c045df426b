"""From pairs to persons: the strongest reasons first, and nobody is ever two people.

The result depends on the reasons as a set, not on the order in which they were found.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from family_exchange.domain import matching
from family_exchange.domain.matching import Grade, Names, Thresholds
from family_exchange.domain.person import Identity, person_id


class How(StrEnum):
    """Why a source record is held to be a person's."""

    REFERENCE = "reference"
    """Its partner says so: the same reference as an earlier record."""
    IDENTIFIER = "identifier"
    """A valid number is equal and nothing contradicts."""
    SCORE = "score"
    """A certain score and no conflict."""
    NEW = "new"
    """Nobody in the register; it begins a person."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two statements that may be of one person."""

    a: Identity
    b: Identity
    probability: float | None = None
    """None: a number is equal, and the pair needs no score."""
    weight: float | None = None
    """Bits; None like the probability."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One reason to hold two units to be one person; a unit is a partner's reference or an existing person."""

    a: str
    b: str
    how: How
    weight: float | None = None
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which units are one person, and which reasons were refused."""

    leader: Mapping[str, str]
    """Unit → the smallest unit of its cluster; a unit that no edge reached is missing."""
    taken: tuple[Edge, ...]
    refused: tuple[Edge, ...]
    """Edges that would have put two units in conflict into one person."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the platform does about every pair."""

    leader: Mapping[str, str]
    reasons: Mapping[str, Edge]
    """Unit → the strongest edge by which it came into its cluster."""
    possible: tuple[Edge, ...]
    """Pairs of units left apart that a person must look at; each once, sorted."""

    @property
    def units(self) -> frozenset[str]:
        """Every unit that an edge reached, taken or not."""
        return frozenset(self.leader) | {unit for edge in self.possible for unit in (edge.a, edge.b)}


def decide(
    pairs: Iterable[Pair],
    statements: Mapping[str, Sequence[Identity]],
    unit_of: Mapping[str, str],
    *,
    thresholds: Thresholds,
    names: Names,
    margin: float,
) -> Decided:
    """Who is one person, and who may be.

    `statements` holds everything known of each unit, `unit_of` leads from a statement's key to its unit.
    """
    in_conflict: dict[tuple[str, str], bool] = {}

    def apart(a: str, b: str) -> bool:
        pair = (a, b) if a < b else (b, a)
        if pair not in in_conflict:
            both = product(statements[a], statements[b])
            in_conflict[pair] = any(matching.conflict(one, other, names) is not None for one, other in both)
        return in_conflict[pair]

    certain: dict[tuple[str, str], Edge] = {}
    possible: dict[tuple[str, str], Edge] = {}
    for pair in pairs:
        a, b = sorted((unit_of[pair.a.key], unit_of[pair.b.key]))
        if a == b:
            continue
        grade, edge = _judged(pair, a, b, thresholds, names)
        if grade is not Grade.CERTAINLY_NOT:
            into = certain if grade is Grade.CERTAIN else possible
            into[a, b] = min(into.get((a, b), edge), edge, key=_strength)
    unclear = undecided([edge for edge in certain.values() if edge.how is How.SCORE], apart, margin=margin)
    clusters = cluster((edge for edge in certain.values() if edge not in unclear), lambda one, other: any(
        apart(left, right) for left, right in product(one, other)
    ))  # fmt: skip
    for edge in (*unclear, *clusters.refused):
        possible.setdefault((edge.a, edge.b), edge)
    leader = clusters.leader
    left_apart = (edge for edge in possible.values() if leader.get(edge.a, edge.a) != leader.get(edge.b, edge.b))
    return Decided(leader, _reasons(clusters.taken), tuple(sorted(left_apart, key=lambda edge: (edge.a, edge.b))))


def _judged(pair: Pair, a: str, b: str, thresholds: Thresholds, names: Names) -> tuple[Grade, Edge]:
    if matching.certain_by_identifier(pair.a, pair.b, names):
        return Grade.CERTAIN, Edge(a, b, How.IDENTIFIER)
    probability = thresholds.possible if pair.probability is None else pair.probability
    grade = matching.grade(pair.a, pair.b, probability, thresholds, names)
    return grade, Edge(a, b, How.SCORE, pair.weight, max(probability, thresholds.possible))


def _reasons(taken: Iterable[Edge]) -> dict[str, Edge]:
    reasons: dict[str, Edge] = {}
    for edge in taken:
        for unit in (edge.a, edge.b):
            reasons[unit] = min(reasons.get(unit, edge), edge, key=_strength)
    return reasons


def cluster(edges: Iterable[Edge], conflicts: Callable[[Collection[str], Collection[str]], bool]) -> Clusters:
    """Units joined by the strongest reasons first; no cluster ever holds two units in conflict.

    `conflicts(a, b)` says whether any unit of `a` conflicts with any of `b`. Identifiers come before scores, heavier
    scores before lighter, and ties are broken by the units' names.
    """
    members: dict[str, list[str]] = {}
    leader: dict[str, str] = {}
    taken: list[Edge] = []
    refused: list[Edge] = []
    for edge in sorted(edges, key=_strength):
        for unit in (edge.a, edge.b):
            if unit not in leader:
                leader[unit] = unit
                members[unit] = [unit]
        first, second = sorted((leader[edge.a], leader[edge.b]))
        if first != second and conflicts(members[first], members[second]):
            refused.append(edge)
            continue
        taken.append(edge)
        if first != second:
            for unit in members[second]:
                leader[unit] = first
            members[first] += members.pop(second)
    return Clusters(leader, tuple(taken), tuple(refused))


def undecided(edges: Sequence[Edge], apart: Callable[[str, str], bool], *, margin: float) -> frozenset[Edge]:
    """The scored edges that cannot tell two people apart, and the weaker ones of those that can.

    Such edges lead from one unit to two that are not one person, with less than `margin` bits between them.
    """
    by_unit: dict[str, list[Edge]] = {}
    for edge in edges:
        by_unit.setdefault(edge.a, []).append(edge)
        by_unit.setdefault(edge.b, []).append(edge)
    found: set[Edge] = set()
    for unit, candidates in by_unit.items():
        ordered = sorted(candidates, key=_strength)
        for place, weaker in enumerate(ordered):
            for stronger in ordered[:place]:
                if not apart(_other(stronger, unit), _other(weaker, unit)):
                    continue
                found.add(weaker)
                if (stronger.weight or 0.0) - (weaker.weight or 0.0) < margin:
                    found.add(stronger)
    return frozenset(found)


def _strength(edge: Edge) -> tuple[bool, float, str, str]:
    return edge.how is not How.IDENTIFIER, -(edge.weight or 0.0), min(edge.a, edge.b), max(edge.a, edge.b)


def _other(edge: Edge, unit: str) -> str:
    return edge.b if edge.a == unit else edge.a


@dataclass(frozen=True, slots=True)
class Settled:
    """Which person each unit is."""

    person_of: Mapping[str, str]
    merged: Mapping[str, str]
    """Existing person → the older person that they turned out to be."""


def settle(units: Iterable[str], leader: Mapping[str, str], seniority: Mapping[str, str]) -> Settled:
    """A person for every unit: the oldest existing one of its cluster, or a new one.

    `seniority` holds the existing persons among the units and what orders them, oldest first.
    """
    groups: dict[str, list[str]] = {}
    for unit in sorted({*units, *leader}):
        groups.setdefault(leader.get(unit, unit), []).append(unit)
    person_of: dict[str, str] = {}
    merged: dict[str, str] = {}
    for group in groups.values():
        existing = sorted((unit for unit in group if unit in seniority), key=lambda unit: (seniority[unit], unit))
        chosen = existing[0] if existing else person_id(group)
        person_of |= dict.fromkeys(group, chosen)
        merged |= dict.fromkeys(existing[1:], chosen)
    return Settled(person_of, merged)
