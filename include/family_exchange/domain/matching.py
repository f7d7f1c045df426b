"""Who is one person: what outranks every score, and what a score may decide.

A score says how surprising it would be for two records to agree so well by chance. It cannot know that twins, siblings
close in age, and a parent and child of the same name agree so well by birth: the rules here know, and come first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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
    """One partner keeps the two apart under differing forenames."""


class Likeness(StrEnum):
    """How two values of one kind stand to each other."""

    SAME = "same"
    VARIANT = "variant"
    """Two customary forms of one name."""
    SLIP = "slip"
    """One typing slip apart."""
    UNKNOWN = "unknown"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of forenames in general; nothing in it comes from the register."""

    given: frozenset[str]
    """Forenames in common use: one of them is not a misspelling of another."""
    forms: Mapping[str, frozenset[int]]
    """Forename → the groups of customary forms that it belongs to."""

    def groups(self, forename: str) -> frozenset[int]:
        """The groups of the first of somebody's forenames."""
        return self.forms.get(forename.split(" ", maxsplit=1)[0], frozenset())


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The probabilities of the council's profile."""

    certain: float
    possible: float


MOST_YEARS_MISTYPED = 11
"""Two days of birth more years apart are two people's, however alike the digits: parents are older than that."""
ESTIMATE_YEARS = 2
"""An estimated day of birth contradicts another only beyond this many years."""
_SHORT = 4
"""Below this many letters, or where neither is a known name below one more, one slip makes another name."""


def forenames(a: Identity, b: Identity, names: Names) -> Likeness:
    """How the forenames stand to each other; forename and surname written in each other's place count as the same.

    UNKNOWN where one is missing or only an initial that fits.
    """
    if a.forename and a.forename == b.surname and b.forename == a.surname:
        return Likeness.SAME
    found = _names(a.forename, b.forename, names)
    doubtful = found in {Likeness.VARIANT, Likeness.SLIP}
    return Likeness.DIFFERENT if doubtful and _sexes_differ(a, b) else found


def _names(a: str, b: str, names: Names) -> Likeness:
    if not a or not b:
        return Likeness.UNKNOWN
    if a.replace(" ", "") == b.replace(" ", ""):
        return Likeness.SAME
    first_a, *rest_a = a.split()
    first_b, *rest_b = b.split()
    if min(len(first_a), len(first_b)) == 1:
        return Likeness.UNKNOWN if first_a[0] == first_b[0] else Likeness.DIFFERENT
    found = _one_name(first_a, first_b, names)
    if rest_a and rest_b and _names(" ".join(rest_a), " ".join(rest_b), names) is Likeness.DIFFERENT:
        return Likeness.DIFFERENT
    return Likeness.VARIANT if found is Likeness.SAME else found


def _one_name(a: str, b: str, names: Names) -> Likeness:
    if a == b:
        return Likeness.SAME
    if names.forms.get(a, frozenset()) & names.forms.get(b, frozenset()):
        return Likeness.VARIANT
    known = (a in names.given) + (b in names.given)
    least = _SHORT if known else _SHORT + 1
    if known < len((a, b)) and min(len(a), len(b)) >= least and one_slip(a, b):
        return Likeness.SLIP
    return Likeness.DIFFERENT


def _sexes_differ(a: Identity, b: Identity) -> bool:
    return {a.sex, b.sex} == {"F", "M"}


def births(a: Identity, b: Identity) -> Likeness:
    """How the days of birth stand to each other; an estimate never counts as the same as anything."""
    if a.born is None or b.born is None or Birth.UNKNOWN in {a.birth, b.birth}:
        return Likeness.UNKNOWN
    if a.birth is Birth.ACTUAL and b.birth is Birth.ACTUAL:
        return _days(a.born, b.born)
    if Birth.EXPECTED in {a.birth, b.birth}:
        return Likeness.UNKNOWN if abs(a.born.year - b.born.year) <= 1 else Likeness.DIFFERENT
    return Likeness.UNKNOWN if abs(a.born.year - b.born.year) <= ESTIMATE_YEARS else Likeness.DIFFERENT


def _days(a: date, b: date) -> Likeness:
    if a == b:
        return Likeness.SAME
    if abs(a.year - b.year) > MOST_YEARS_MISTYPED:
        return Likeness.DIFFERENT
    swapped = (a.year, a.month, a.day) == (b.year, b.day, b.month)
    return Likeness.SLIP if swapped or one_slip(f"{a:%Y%m%d}", f"{b:%Y%m%d}") else Likeness.DIFFERENT


def identifiers(a: Identity, b: Identity) -> Likeness:
    """SAME: a number of one kind is equal and none differs; DIFFERENT: one differs; UNKNOWN: nothing to compare."""
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
    return found


def shares_identifier(a: Identity, b: Identity) -> bool:
    """True when a number of one kind is equal in both."""
    pairs = ((a.nhs_number, b.nhs_number), (a.upn, b.upn), (a.nino, b.nino))
    return any(one and one == other for one, other in pairs)


def conflict(a: Identity, b: Identity, names: Names) -> Conflict | None:
    """Why the two are never one person; None when nothing forbids it. Symmetric."""
    if identifiers(a, b) is Likeness.DIFFERENT:
        return Conflict.IDENTIFIER
    if births(a, b) is Likeness.DIFFERENT:
        return Conflict.BORN
    given = forenames(a, b, names)
    if given is Likeness.DIFFERENT:
        return Conflict.FORENAME
    apart = a.key != b.key and a.source == b.source
    if apart and given is not Likeness.SAME and not shares_identifier(a, b):
        return Conflict.OWN_REFERENCES
    return None


def doubtful(a: Identity, b: Identity, names: Names) -> bool:
    """True when no score may join the two: forename or birthday is missing, or each is a slip away."""
    given, born = forenames(a, b, names), births(a, b)
    return Likeness.UNKNOWN in {given, born} or given is born is Likeness.SLIP


def grade(a: Identity, b: Identity, probability: float, thresholds: Thresholds, names: Names) -> Grade:
    """What a score of `probability` lets the platform do. Symmetric; never CERTAIN against a conflict.

    An equal identifier with a conflict is somebody's mistake: a person must look, so it is POSSIBLE.
    """
    if conflict(a, b, names) is not None:
        return Grade.POSSIBLE if shares_identifier(a, b) else Grade.CERTAINLY_NOT
    if probability < thresholds.possible:
        return Grade.CERTAINLY_NOT
    if probability < thresholds.certain or doubtful(a, b, names):
        return Grade.POSSIBLE
    return Grade.CERTAIN


def certain_by_identifier(a: Identity, b: Identity, names: Names) -> bool:
    """True when a number is equal and nothing contradicts: birthday equal or one slip apart, forename compatible."""
    return shares_identifier(a, b) and conflict(a, b, names) is None


def one_slip(a: str, b: str) -> bool:
    """True when one sign mistyped, left out, added or changed places with its neighbour turns `a` into `b`."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    left, right = a[start:], b[start:]
    if len(left) == len(right):
        swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
        return left[1:] == right[1:] or swapped
    longer, shorter = (left, right) if len(left) > len(right) else (right, left)
    return longer[1:] == shorter
