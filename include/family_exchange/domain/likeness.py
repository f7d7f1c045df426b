"""How two forenames, or two days of birth, stand to each other: written by two clerks, or borne by two people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import dropwhile

from family_exchange.domain.person import Birth, Identity


class Likeness(StrEnum):
    """How two values of one kind stand to each other."""

    SAME = "same"
    VARIANT = "variant"
    """Two customary forms of one name."""
    SLIP = "slip"
    """One typing slip apart."""
    NEAR = "near"
    """One letter apart as two people's names may be: Zyvan and Zylan."""
    UNKNOWN = "unknown"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of forenames in general; nothing in it comes from the register."""

    given: frozenset[str]
    """Forenames in common use: one of them is not a misspelling of another."""
    forms: Mapping[str, frozenset[int]]
    """Forename → the groups of customary forms that it belongs to."""
    alike: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Forename → the other forms of it."""
    shared: frozenset[str] = frozenset()
    """Forenames that brothers or sisters bear before their own: alone they do not say who is meant."""

    def groups(self, forename: str) -> frozenset[int]:
        """The groups of somebody's own name: the first of the forenames that is not shared, or the first."""
        words = forename.split()
        return self.forms.get((self.own(words) or words or [""])[0], frozenset())

    def own(self, words: Sequence[str]) -> list[str]:
        """The forenames without shared ones before them."""
        return list(dropwhile(self.shared.__contains__, words))


MOST_YEARS_MISTYPED = 11
"""Two days of birth more years apart are two people's, however alike the digits: parents are older than that."""
ESTIMATE_YEARS = 2
"""An estimated day of birth contradicts another only beyond this many years."""
_SHORT = 4
"""Below this many letters, or where neither is a known name below one more, one slip makes another name."""


_LONG = 6
"""From this many letters on, a name without one of its inner letters is that name mistyped."""


def forenames(a: Identity, b: Identity, names: Names) -> Likeness:
    """How the forenames stand to each other; forename and surname written in each other's place count as the same.

    UNKNOWN where one is missing, only an initial that fits, only a name that brothers share, a short form of several
    names while nothing is said of the sex, or where both may be surnames in the forename's place.
    """
    if a.forename and a.forename == b.surname and b.forename == a.surname:
        return Likeness.SAME
    found = _names(a.forename, b.forename, names)
    if found in {Likeness.VARIANT, Likeness.SLIP, Likeness.NEAR} and _sexes_differ(a, b):
        return Likeness.DIFFERENT
    if found in {Likeness.SAME, Likeness.VARIANT, Likeness.SLIP} and _may_be_turned(a, b, names):
        return Likeness.UNKNOWN
    several = max(len(names.groups(one.forename)) for one in (a, b)) > 1
    if found is Likeness.VARIANT and several and not _sexes_agree(a, b):
        return Likeness.UNKNOWN
    return found


def _may_be_turned(a: Identity, b: Identity, names: Names) -> bool:
    """True when the surnames are unlike and may be forenames: a file with its columns turned makes one of two twins."""
    words = [frozenset(one.surname.split()) - names.shared for one in (a, b)]
    if not all(words) or not words[0].isdisjoint(words[1]) or one_slip(a.surname, b.surname):
        return False
    forename_known = any(not names.given.isdisjoint(one.forename.split()) for one in (a, b))
    return not forename_known or all(not names.given.isdisjoint(own) for own in words)


def _names(a: str, b: str, names: Names) -> Likeness:
    if not a or not b:
        return Likeness.UNKNOWN
    words_a, words_b = a.split(), b.split()
    if a.replace(" ", "") == b.replace(" ", ""):
        return Likeness.UNKNOWN if max(map(len, (*words_a, *words_b))) == 1 else Likeness.SAME
    own_a, own_b = names.own(words_a), names.own(words_b)
    if bool(own_a) != bool(own_b):
        same = _one_name(words_a[0], words_b[0], names) in {Likeness.SAME, Likeness.VARIANT}
        return Likeness.UNKNOWN if same else Likeness.DIFFERENT
    (first_a, *rest_a), (first_b, *rest_b) = own_a or words_a, own_b or words_b
    if min(len(first_a), len(first_b)) == 1:
        return Likeness.UNKNOWN if first_a[0] == first_b[0] else Likeness.DIFFERENT
    if rest_a and rest_b and _names(" ".join(rest_a), " ".join(rest_b), names) is Likeness.DIFFERENT:
        return Likeness.DIFFERENT
    found = _one_name(first_a, first_b, names)
    return Likeness.VARIANT if found is Likeness.SAME else found


def _one_name(a: str, b: str, names: Names) -> Likeness:
    if a == b:
        return Likeness.SAME
    if b in names.alike.get(a, ()):
        return Likeness.VARIANT
    found = {
        _slip(known, odd, names)
        for odd, name in ((a, b), (b, a))
        if odd not in names.given
        for known in (name, *names.alike.get(name, ()))
    }
    return next((each for each in (Likeness.SLIP, Likeness.NEAR) if each in found), Likeness.DIFFERENT)


def _slip(known: str, odd: str, names: Names) -> Likeness:
    """Whether `odd`, which is no name in common use, is `known` mistyped."""
    shortest, least = min(len(known), len(odd)), _SHORT if known in names.given else _SHORT + 1
    if typing_slip(known, odd) and shortest >= least - (len(odd) >= len(known)):
        return Likeness.SLIP
    begin_alike = known[0] == odd[0] or known[:2] == odd[1::-1]
    return Likeness.NEAR if shortest >= least and begin_alike and one_slip(known, odd) else Likeness.DIFFERENT


def _sexes_differ(a: Identity, b: Identity) -> bool:
    return {a.sex, b.sex} == {"F", "M"}


def _sexes_agree(a: Identity, b: Identity) -> bool:
    return a.sex == b.sex and a.sex in {"F", "M"}


def births(a: Identity, b: Identity) -> Likeness:
    """How the days of birth stand to each other; an estimate never counts as the same as anything."""
    if a.born is None or b.born is None or not _UNDATED.isdisjoint({a.birth, b.birth}):
        return Likeness.UNKNOWN
    if a.birth is Birth.ACTUAL and b.birth is Birth.ACTUAL:
        return _days(a.born, b.born)
    if Birth.EXPECTED in {a.birth, b.birth}:
        return Likeness.UNKNOWN if abs(a.born.year - b.born.year) <= 1 else Likeness.DIFFERENT
    return Likeness.UNKNOWN if abs(a.born.year - b.born.year) <= ESTIMATE_YEARS else Likeness.DIFFERENT


_UNDATED = frozenset({Birth.UNKNOWN, Birth.CHILD})


def of_one_age(a: Identity, b: Identity) -> bool:
    """True when one's day of birth is known, and the other's partner tells an age that no parent of one name has.

    That is an estimate within two years of the day, or that a child was written down who could be born then.
    """
    for dated, other in ((a, b), (b, a)):
        if dated.birth is Birth.ACTUAL and dated.born is not None and other.born is not None:
            if other.birth is Birth.ESTIMATED:
                return abs(dated.born.year - other.born.year) <= ESTIMATE_YEARS
            if other.birth is Birth.CHILD:
                return dated.born >= other.born
    return False


def of_one_home(a: Identity, b: Identity, names: Names) -> bool:
    """True when whole name, sex and home are the same; a name that brothers share is not somebody's whole name."""
    named = a.forename == b.forename and a.surname == b.surname and a.surname and names.own(a.forename.split())
    return bool(named) and one_dwelling(a, b) and _sexes_agree(a, b)


def one_dwelling(a: Identity, b: Identity) -> bool:
    """True when the home is known in both and the same."""
    return bool((a.dwelling and a.dwelling == b.dwelling) or (a.uprn and a.uprn == b.uprn))


def _days(a: date, b: date) -> Likeness:
    if a == b:
        return Likeness.SAME
    if abs(a.year - b.year) > MOST_YEARS_MISTYPED:
        return Likeness.DIFFERENT
    swapped = (a.year, a.month, a.day) == (b.year, b.day, b.month)
    one_part = (a.year == b.year) + (a.month == b.month) + (a.day == b.day) == 2 and abs(a.year - b.year) <= 1  # noqa: PLR2004 - of three
    slip = swapped or one_part or one_slip(f"{a:%Y%m%d}", f"{b:%Y%m%d}")
    return Likeness.SLIP if slip else Likeness.DIFFERENT


def typing_slip(known: str, odd: str) -> bool:
    """True when `odd` is `known` with two neighbours in each other's place, a letter twice, or an inner one lost.

    So do fingers slip; the names of two children differ otherwise. The first letter is never the one mistyped, and
    in short names a letter less is another name: Lila and Lia.
    """
    if known[:1] != odd[:1] or not one_slip(known, odd):
        return False
    if len(known) == len(odd):
        return sorted(known) == sorted(odd)
    if len(odd) > len(known):
        place = next((at for at, (one, other) in enumerate(zip(known, odd, strict=False)) if one != other), len(known))
        return odd[place] == odd[place - 1]
    return known[-1] == odd[-1] and len(known) >= _LONG


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
