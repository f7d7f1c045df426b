"""What two persons agree in, for somebody who decides whether they are one: kinds and weights, never a verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from family_exchange.domain import matching
from family_exchange.domain.likeness import Likeness, Names, births, forenames
from family_exchange.domain.person import Identity


class Kind(StrEnum):
    """What is compared."""

    NAME = "name"
    BIRTH = "birth"
    ADDRESS = "address"
    SEX = "sex"
    NUMBERS = "numbers"


class Standing(StrEnum):
    """How the two stand in one kind."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of the linkage model."""

    name: str
    """As the model calls it."""
    standing: Standing
    how: str
    """The model's words for it."""
    bits: float
    """What it weighs: above 0 it speaks for one person, below 0 for two."""


def of_bits(bits: float, *, known: bool) -> Standing:
    """What a comparison says that weighs so much."""
    if not known:
        return Standing.UNKNOWN
    return Standing.AGREES if bits > 0 else Standing.DIFFERS


def standings(a: Iterable[Identity], b: Iterable[Identity], names: Names) -> dict[Kind, Standing]:
    """How two persons stand in each kind: they agree when any statement of the one agrees with any of the other."""
    found: dict[Kind, set[Standing]] = {kind: set() for kind in Kind}
    for one, other in product(tuple(a), tuple(b)):
        for kind, standing in _standings(one, other, names).items():
            found[kind].add(standing)
    ranked = (Standing.AGREES, Standing.DIFFERS, Standing.UNKNOWN)
    return {kind: next((each for each in ranked if each in seen), Standing.UNKNOWN) for kind, seen in found.items()}


def _standings(a: Identity, b: Identity, names: Names) -> Mapping[Kind, Standing]:
    return {
        Kind.NAME: _name(a, b, names),
        Kind.BIRTH: _of_likeness(births(a, b)),
        Kind.ADDRESS: _either(_equal(a.uprn, b.uprn), _equal(a.dwelling, b.dwelling)),
        Kind.SEX: _equal(a.sex, b.sex),
        Kind.NUMBERS: _of_likeness(matching.identifiers(a, b)),
    }


def _name(a: Identity, b: Identity, names: Names) -> Standing:
    given = _of_likeness(forenames(a, b, names))
    if given is Standing.AGREES and a.forename != b.surname:
        return _equal(a.surname, b.surname)
    return given


def _of_likeness(likeness: Likeness) -> Standing:
    if likeness is Likeness.UNKNOWN:
        return Standing.UNKNOWN
    return Standing.DIFFERS if likeness in {Likeness.DIFFERENT, Likeness.NEAR} else Standing.AGREES


def _equal(a: str, b: str) -> Standing:
    if not a or not b:
        return Standing.UNKNOWN
    return Standing.AGREES if a == b else Standing.DIFFERS


def _either(*found: Standing) -> Standing:
    return next((each for each in (Standing.AGREES, Standing.DIFFERS) if each in found), Standing.UNKNOWN)
