"""From pairs to persons: the strongest reasons first, and nobody is ever two people.

The result depends on what is known and on what people decided, both as sets, never on the order in which they came:
what was joined when less was known is decided again, and a join that would not be made now is undone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from family_exchange.domain import links as decisions
from family_exchange.domain import matching
from family_exchange.domain.likeness import Names
from family_exchange.domain.links import Links
from family_exchange.domain.matching import Grade, Ground, Thresholds
from family_exchange.domain.person import Identity


class How(StrEnum):
    """Why a source record is held to be a person's."""

    REFERENCE = "reference"
    """Its partner says so: the same reference as an earlier record."""
    IDENTIFIER = "identifier"
    """A valid number is equal and nothing contradicts."""
    SCORE = "score"
    """A certain score and no conflict."""
    DECISION = "decision"
    """Somebody said so."""
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
    """One reason to hold two units to be one person; a unit is a record key, or a person that stays whole."""

    a: str
    b: str
    how: How
    weight: float | None = None
    probability: float = 1.0
    ground: Ground = Ground.ALIKE
    """What the score rests on."""


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

    unit_of: Mapping[str, str]
    """Record key → its unit."""
    leader: Mapping[str, str]
    reasons: Mapping[str, Edge]
    """Record key → the strongest reason why it is one person with others; a key that needs none is missing."""
    possible: tuple[Edge, ...]
    """Pairs of units left apart that a person must look at; each once, sorted."""

    def cluster_of(self, key: str) -> str:
        """The name of the cluster that a record key is in."""
        return self.leader.get(self.unit_of[key], self.unit_of[key])


def decide(
    pairs: Iterable[Pair],
    statements: Mapping[str, Sequence[Identity]],
    keys: Collection[str],
    *,
    links: Links,
    kept: Iterable[Collection[str]],
    thresholds: Thresholds,
    names: Names,
    margin: float,
) -> Decided:
    """Who is one person, and who may be.

    `keys` are all that the pairs are about, `statements` what is known of each. The decisions in `links` are kept,
    whatever the statements say; the keys of each group in `kept` stay one person unless a decision parts them. Nobody
    is asked again about those whom a decision parts.
    """
    certain_of_keys, possible_of_keys = _edges(pairs, thresholds, names)
    unit_of = decisions.units(keys, links, kept)
    certain, possible = _between(unit_of, certain_of_keys.values()), _between(unit_of, possible_of_keys.values())
    stated: dict[str, list[Identity]] = {}
    keys_of: dict[str, list[str]] = {}
    for key, unit in unit_of.items():
        stated.setdefault(unit, []).extend(statements.get(key, ()))
        keys_of.setdefault(unit, []).append(key)
    marks = {unit: links.marks(own) for unit, own in keys_of.items()}
    in_conflict: dict[tuple[str, str], bool] = {}

    def apart(a: str, b: str) -> bool:
        pair = (a, b) if a < b else (b, a)
        if pair not in in_conflict:
            both = product(stated[a], stated[b])
            in_conflict[pair] = decisions.opposed(marks[a], marks[b]) or any(
                matching.conflict(one, other, names) is not None for one, other in both
            )
        return in_conflict[pair]

    scored = [edge for edge in certain.values() if edge.how is How.SCORE]
    unclear = undecided(scored, apart, margin=margin) | rivalled(scored, possible.values(), apart)
    clusters = cluster((edge for edge in certain.values() if edge not in unclear), lambda one, other: any(
        apart(left, right) for left, right in product(one, other)
    ))  # fmt: skip
    for edge in (*unclear, *clusters.refused):
        possible.setdefault((edge.a, edge.b), edge)
    found = Decided(unit_of, clusters.leader, {}, ())
    marks_of: dict[str, frozenset[decisions.Mark]] = {}
    for unit, own in marks.items():
        name = clusters.leader.get(unit, unit)
        marks_of[name] = marks_of.get(name, frozenset()) | own

    def is_open(edge: Edge) -> bool:
        one, other = (clusters.leader.get(unit, unit) for unit in (edge.a, edge.b))
        return one != other and not decisions.opposed(marks_of[one], marks_of[other])

    ordered = tuple(sorted(filter(is_open, possible.values()), key=lambda edge: (edge.a, edge.b)))
    reasons = _reasons(
        edge for edge in certain_of_keys.values() if found.cluster_of(edge.a) == found.cluster_of(edge.b)
    )
    said = {key: Edge(key, links.same(key), How.DECISION) for key in unit_of if links.decided(key)}
    return replace(found, reasons=reasons | said, possible=ordered)


_Edges = dict[tuple[str, str], Edge]
"""The strongest edge of every two."""


def _edges(pairs: Iterable[Pair], thresholds: Thresholds, names: Names) -> tuple[_Edges, _Edges]:
    """The certain and the possible edges between record keys."""
    certain: _Edges = {}
    possible: _Edges = {}
    for pair in pairs:
        grade, edge = judged(pair, thresholds, names)
        if grade is not Grade.CERTAINLY_NOT:
            _keep(certain if grade is Grade.CERTAIN else possible, edge)
    return certain, possible


def _between(unit_of: Mapping[str, str], edges: Iterable[Edge]) -> _Edges:
    """The edges between record keys as edges between their units."""
    found: _Edges = {}
    for edge in edges:
        a, b = sorted((unit_of[edge.a], unit_of[edge.b]))
        if a != b:
            _keep(found, replace(edge, a=a, b=b))
    return found


def _keep(into: _Edges, edge: Edge) -> None:
    known = into.get((edge.a, edge.b), edge)
    into[edge.a, edge.b] = min(known, edge, key=_strength)


def judged(pair: Pair, thresholds: Thresholds, names: Names) -> tuple[Grade, Edge]:
    """What the platform does about one pair, and the reason between its two record keys."""
    a, b = sorted((pair.a.key, pair.b.key))
    if matching.certain_by_identifier(pair.a, pair.b, names):
        return Grade.CERTAIN, Edge(a, b, How.IDENTIFIER)
    probability = thresholds.possible if pair.probability is None else pair.probability
    grade = matching.grade(pair.a, pair.b, probability, thresholds, names)
    ground = matching.ground(pair.a, pair.b)
    return grade, Edge(a, b, How.SCORE, pair.weight, max(probability, thresholds.possible), ground)


def _reasons(edges: Iterable[Edge]) -> dict[str, Edge]:
    reasons: dict[str, Edge] = {}
    for edge in edges:
        for key in (edge.a, edge.b):
            reasons[key] = min(reasons.get(key, edge), edge, key=_strength)
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

    Such edges lead from one unit to two that are not one person, with less than `margin` bits between them, unless the
    stronger alone is exact: who is called Amelia is Amelia, and not a twin called Amelie.
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
                exact = stronger.ground is Ground.EXACT and weaker.ground is not Ground.EXACT
                if not exact and (stronger.weight or 0.0) - (weaker.weight or 0.0) < margin:
                    found.add(stronger)
    return frozenset(found)


def rivalled(edges: Sequence[Edge], possible: Iterable[Edge], apart: Callable[[str, str], bool]) -> frozenset[Edge]:
    """The edges that rest on an age, where one of the two may also be somebody who is not the other."""
    aged = [edge for edge in edges if edge.ground is Ground.AGED]
    others: dict[str, set[str]] = {}
    for edge in (*possible, *edges) if aged else ():
        others.setdefault(edge.a, set()).add(edge.b)
        others.setdefault(edge.b, set()).add(edge.a)

    ends = ((edge, *end) for edge in aged for end in ((edge.a, edge.b), (edge.b, edge.a)))
    return frozenset(edge for edge, one, other in ends if any(apart(other, them) for them in others[one] - {other}))


def _strength(edge: Edge) -> tuple[bool, float, str, str]:
    return edge.how is not How.IDENTIFIER, -(edge.weight or 0.0), min(edge.a, edge.b), max(edge.a, edge.b)


def _other(edge: Edge, unit: str) -> str:
    return edge.b if edge.a == unit else edge.a
