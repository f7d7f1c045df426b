"""Who is one person: what outranks every score, and what a score may decide.

A score says how surprising it would be for two records to agree so well by chance. It cannot know that twins, siblings
close in age, and a parent and child of the same name agree so well by birth: the rules here know, and come first.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from family_exchange.domain.likeness import (
    Likeness,
    Names,
    births,
    forenames,
    of_one_age,
    of_one_home,
    one_dwelling,
    one_slip,
)
from family_exchange.domain.person import Birth, Identity


class Grade(StrEnum):
    """What the platform does about two records."""

    CERTAIN = "certain"
    """Joined."""
    POSSIBLE = "possible"
    """Left apart, and shown to a person."""
    CERTAINLY_NOT = "certainly_not"


class Conflict(StrEnum):
    """Why two records are never one person, whatever a score says."""

    IDENTIFIER = "identifier"
    """Each has a valid number of the same kind, and the numbers differ."""
    BORN = "born"
    """Days of birth too far apart to be one day mistyped: parent and child of one name, or siblings."""
    FORENAME = "forename"
    """Two given names, not two spellings of one: twins and siblings."""
    OWN_REFERENCES = "own_references"
    """One partner keeps the two apart, and their forenames are not the same name."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The probabilities of the council's profile."""

    certain: float
    possible: float


def identifiers(a: Identity, b: Identity) -> Likeness:
    """SAME: a number of one kind is equal and none differs; DIFFERENT: one differs; UNKNOWN: nothing to compare.

    Justice numbers never differ: somebody who gave another name has several.
    """
    found = Likeness.UNKNOWN
    for one, other, checked in (
        (a.nhs_number, b.nhs_number, True),
        (a.upn, b.upn, True),
        (a.nino, b.nino, False),
    ):
        if not one or not other:
            continue
        if one == other:
            found = Likeness.SAME
        elif checked or not one_slip(one, other):  # a NINO has no check digit: one slip in it proves nothing
            return Likeness.DIFFERENT
    return found if a.justice.isdisjoint(b.justice) else Likeness.SAME


def shares_identifier(a: Identity, b: Identity) -> bool:
    """True when a number of one kind is equal in both."""
    pairs = ((a.nhs_number, b.nhs_number), (a.upn, b.upn), (a.nino, b.nino))
    return any(one and one == other for one, other in pairs) or not a.justice.isdisjoint(b.justice)


def conflict(a: Identity, b: Identity, names: Names) -> Conflict | None:
    """Why the two are never one person; None when nothing forbids it. Symmetric."""
    if identifiers(a, b) is Likeness.DIFFERENT:
        return Conflict.IDENTIFIER
    if births(a, b) is Likeness.DIFFERENT:
        return Conflict.BORN
    given = forenames(a, b, names)
    if given is Likeness.DIFFERENT:
        return Conflict.FORENAME
    if given is not Likeness.SAME and _kept_apart(a, b, given) and not shares_identifier(a, b):
        return Conflict.OWN_REFERENCES
    return None


def _kept_apart(a: Identity, b: Identity, given: Likeness) -> bool:
    """True when one partner keeps two references; somebody who moved may have one for each home, written anew."""
    one_day = given is Likeness.SLIP and births(a, b) is Likeness.SAME
    moved = (given is Likeness.VARIANT or one_day) and a.dwelling and b.dwelling and a.dwelling != b.dwelling
    return a.key != b.key and a.source == b.source and not moved


def doubtful(a: Identity, b: Identity, names: Names) -> bool:
    """True when no score may join the two: forename or birthday is missing or too near another's, or both slipped.

    A birthday is not missed where two partners write one whole name at one home, and of an age that no parent has; it
    has not slipped where the homes are two, of cousins it may be.
    """
    given, born = forenames(a, b, names), births(a, b)
    if born is Likeness.UNKNOWN:
        return a.source == b.source or not (of_one_home(a, b, names) and of_one_age(a, b))
    of_cousins = born is Likeness.SLIP and a.dwelling and b.dwelling and not one_dwelling(a, b)
    return bool(of_cousins) or given in {Likeness.UNKNOWN, Likeness.NEAR} or given is born is Likeness.SLIP


class Ground(IntEnum):
    """What a certain score rests on, the firmest first."""

    EXACT = 0
    """The same forename, letter by letter, and the same day of birth."""
    ALIKE = 1
    """One of the two in another form, or a slip apart."""
    AGED = 2
    """An age instead of a day of birth: true of one alone who bears that name there."""


def ground(a: Identity, b: Identity) -> Ground:
    """What a certain score of the two rests on. Symmetric."""
    born = births(a, b)
    if born is Likeness.UNKNOWN:
        return Ground.AGED
    return Ground.EXACT if born is Likeness.SAME and a.forename == b.forename else Ground.ALIKE


def grade(a: Identity, b: Identity, probability: float, thresholds: Thresholds, names: Names) -> Grade:
    """What a score of `probability` lets the platform do. Symmetric; never CERTAIN against a conflict.

    An equal identifier with a conflict is somebody's mistake: a person must look, so it is POSSIBLE. So are two
    references of one partner for people who look like one.
    """
    why = conflict(a, b, names)
    if why is not None:
        alike = why is Conflict.OWN_REFERENCES and probability >= thresholds.possible
        return Grade.POSSIBLE if alike or shares_identifier(a, b) else Grade.CERTAINLY_NOT
    if probability < thresholds.possible:
        return Grade.CERTAINLY_NOT
    if probability < thresholds.certain or doubtful(a, b, names):
        return Grade.POSSIBLE
    return Grade.CERTAIN


def certain_by_identifier(a: Identity, b: Identity, names: Names) -> bool:
    """True when a number is equal, nothing contradicts, and neither a twin nor a parent of one name can be meant.

    So both must state the forename, and a day of birth, an estimate of it, or an age that fits the other's day: a
    number may be mistyped or borrowed.
    """
    if not shares_identifier(a, b) or conflict(a, b, names) is not None:
        return False
    of_one_generation = all(one.born and one.birth in {Birth.ACTUAL, Birth.ESTIMATED} for one in (a, b))
    return (of_one_generation or of_one_age(a, b)) and forenames(a, b, names) not in {Likeness.UNKNOWN, Likeness.NEAR}
