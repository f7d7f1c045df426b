"""Families in which people agree by birth, written down with mistakes: whatever a score says, nobody is two people.

Every pair of records is given the best score there is, and numbers are borrowed within the family: only the rules keep
people apart.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import linkage_model
from family_exchange.domain import clustering, likeness
from family_exchange.domain.clustering import Pair
from family_exchange.domain.likeness import Likeness
from family_exchange.domain.links import Links
from family_exchange.domain.matching import Thresholds
from family_exchange.domain.person import Birth, Identity

NAMES = linkage_model.model().names
CHILD_FROM = date(2008, 1, 1)
"""Who was born before is grown up."""
THRESHOLDS = Thresholds(certain=0.99, possible=0.5)
SOURCES = ("school_attendance|schools", "childrens_social_care|childrens-services", "police_incidents|police")
ONE_NAME = {Likeness.SAME, Likeness.VARIANT, Likeness.SLIP}


@dataclass(frozen=True)
class Member:
    number: int
    forename: str
    surname: str
    born: date
    sex: str


made_up = st.text("AEIKLMNORSTY", min_size=3, max_size=8)
forenames = st.one_of(st.sampled_from(sorted(NAMES.given - NAMES.shared)), made_up)
sexes = st.sampled_from(["F", "M"])
children_born = st.dates(date(1995, 1, 1), date(2024, 12, 31))


def is_one_name(a, b, sexes=("F", "M")):
    """True when these are two ways to write one forename, or somebody may mean either by one slip."""
    for sex in sexes:
        one, other = (Identity("a|b|c", forename=name, sex=sex) for name in (a, b))
        if likeness.forenames(one, other, NAMES) in ONE_NAME:
            return True
    return any(likeness.typing_slip(b, slip) for slip in slips(a)) or (a[:1] == b[:1] and min(len(a), len(b)) == 1)


def slips(name):
    """What fingers make of a name."""
    for at in range(1, len(name) - 1):
        yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]
        yield name[:at] + name[at] + name[at:]


@st.composite
def twins(draw):
    first, second = draw(forenames), draw(forenames)
    assume(not is_one_name(first, second) and not is_one_name(second, first))
    born = draw(children_born)
    return [Member(1, first, "ASHBARROW", born, draw(sexes)), Member(2, second, "ASHBARROW", born, draw(sexes))]


@st.composite
def twins_who_share_a_first_name(draw):
    own = [each.forename for each in draw(twins())]
    born = draw(children_born)
    return [Member(number, f"MOHAMMED {name}", "ASHBARROW", born, "M") for number, name in enumerate(own, start=1)]


@st.composite
def siblings_close_in_age(draw):
    one, other = draw(twins())
    return [one, replace(other, born=other.born + timedelta(days=draw(st.integers(1, 700))))]


@st.composite
def parent_and_child_of_one_name(draw):
    child = Member(1, draw(forenames), "ASHBARROW", draw(children_born), draw(sexes))
    years = draw(st.integers(13, 45))
    day = draw(st.sampled_from([child.born, child.born + timedelta(days=20)]))
    return [child, replace(child, number=2, born=date(day.year - years, day.month, min(day.day, 28)))]


@st.composite
def a_birth(draw, family, member):
    """What the partner knows of the birthday, and how well."""
    born, grown_up_parents = (
        member.born,
        all(other.born < CHILD_FROM for other in family if other.forename == member.forename and other != member),
    )
    birth = draw(st.sampled_from(["", "", "missing", "estimated", "expected", "day and month", "a child"]))
    if birth == "missing":
        return None, Birth.UNKNOWN
    if birth == "estimated":
        return born + timedelta(days=draw(st.integers(-360, 360))), Birth.ESTIMATED
    if birth == "expected":
        return born, Birth.EXPECTED
    if birth == "a child" and born >= CHILD_FROM and grown_up_parents:
        return CHILD_FROM, Birth.CHILD
    if birth == "day and month" and born.day <= 12:
        return born.replace(month=born.day, day=born.month), Birth.ACTUAL
    return born, Birth.ACTUAL


@st.composite
def a_record(draw, family, place):
    """One member as a partner writes them down, with mistakes."""
    member = draw(st.sampled_from(family))
    source = draw(st.sampled_from(SOURCES))
    forename, surname = member.forename, member.surname
    mistake = draw(st.sampled_from(["", "", "initial", "missing", "slip", "married", "swapped"]))
    if mistake == "initial":
        forename = forename[0]
    elif mistake == "missing":
        forename = ""
    elif mistake == "slip":
        forename = draw(st.sampled_from([*slips(forename), forename]))
    elif mistake == "married":
        surname = "BRINDLECOTE"
    elif mistake == "swapped":
        forename, surname = surname, forename
    born, kind = draw(a_birth(family, member))
    whose = member if mistake == "slip" else draw(st.sampled_from(family))
    number = f"99900000{whose.number}0" if draw(st.booleans()) else ""
    home = draw(st.sampled_from(["CH1 1AA|12|H", "CH1 1AA|12|H", "CH4 4AA|3|M", ""]))
    record = Identity(
        f"{source}|R{place}", forename, surname, born, kind, draw(st.sampled_from([member.sex, "U"])), home, "",
        number,
    )  # fmt: skip
    return member.number, record


@st.composite
def written_down(draw, families):
    family = draw(families)
    return [draw(a_record(family, place)) for place in range(draw(st.integers(2, 7)))]


def decided(records):
    pairs = [Pair(a, b, 1.0, 30.0) for a, b in combinations(records, 2)]
    keys = [record.key for record in records]
    return clustering.decide(
        pairs, {record.key: [record] for record in records}, keys, links=Links(), kept=(), thresholds=THRESHOLDS,
        names=NAMES, margin=7,
    )  # fmt: skip


FAMILIES = {
    "twins": twins(),
    "twins who share a first name": twins_who_share_a_first_name(),
    "siblings close in age": siblings_close_in_age(),
    "a parent and a child of one name": parent_and_child_of_one_name(),
}


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize("kind", FAMILIES)
def test_no_score_and_no_borrowed_number_joins(kind):
    @settings(
        max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
    )
    @given(written_down(FAMILIES[kind]))
    def check(people):
        found = decided([record for _, record in people])
        for (one, a), (other, b) in combinations(people, 2):
            assert one == other or found.cluster_of(a.key) != found.cluster_of(b.key), kind

    check()


@pytest.mark.parametrize("kind", FAMILIES)
def test_each_of_them_is_one_person_where_nothing_is_mistaken(kind):
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(FAMILIES[kind])
    def check(family):
        records = [
            (member.number, Identity(f"{source}|R{member.number}", member.forename, member.surname, member.born,
                                     Birth.ACTUAL, member.sex, "CH1 1AA|12|H"))
            for member in family for source in SOURCES
        ]  # fmt: skip
        found = decided([record for _, record in records])
        for (one, a), (other, b) in combinations(records, 2):
            assert (one == other) == (found.cluster_of(a.key) == found.cluster_of(b.key)), kind

    check()
