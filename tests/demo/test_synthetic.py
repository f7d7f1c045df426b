"""A synthetic council: as many people as asked, files that tell what is true, and mischief that is meant."""

import hashlib
import re
from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.demo import synthetic
from family_exchange.demo.synthetic import Likeness, Misbehaviour, Problem
from family_exchange.domain import identifiers
from family_exchange.domain.column import ColumnType
from support.synthetic_files import PROFILE, PROFILES, REFERENCES, good, rows, with_two_schools, without


@pytest.fixture(scope="module")
def plain_council():
    return synthetic.council(PROFILE)


def digest(council):
    parts = [file.name.encode() + file.content for file in council.files]
    parts += [repr((council.truth, council.families, council.canaries)).encode()]
    parts += [repr([(row.record_ref, row.person, row.family) for row in council.truth]).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


# --- the same again, and never the same ------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes():
    assert digest(synthetic.council(PROFILE, people=300, seed=7)) == digest(
        synthetic.council(PROFILE, people=300, seed=7)
    )


def test_another_seed_gives_other_people():
    assert digest(synthetic.council(PROFILE, people=300, seed=7)) != digest(
        synthetic.council(PROFILE, people=300, seed=8)
    )


@settings(max_examples=25, deadline=None)
@given(people=st.integers(synthetic.FEWEST, 260), seed=st.integers(0, 10**6))
def test_every_person_is_one_person_and_every_town_has_each_kind(people, seed):
    everybody = [
        person for home in synthetic.population(PROFILE, people=people, seed=seed).households for person in home.members
    ]
    assert len(everybody) == people
    for number in ("number", "nhs_number", "nino", "upn"):
        held = [value for person in everybody if (value := getattr(person, number))]
        assert len(set(held)) == len(held)
    assert set(Likeness) - {Likeness.CLOSE_SIBLING} <= {person.likeness for person in everybody}


@pytest.mark.parametrize("people", [0, -1, synthetic.FEWEST - 1])
def test_too_few_people_are_refused(people):
    with pytest.raises(ValueError, match="at least"):
        synthetic.council(PROFILE, people=people)


# --- people ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town():
    return synthetic.population(PROFILE, people=6000, seed=3)


def test_twins_share_all_but_what_makes_them_two(town):
    twins = defaultdict(list)
    for home in town.households:
        for person in home.members:
            if person.likeness is Likeness.TWIN:
                twins[home.number, person.born].append(person)
    assert twins
    for one, other in twins.values():
        assert one.surname == other.surname
        assert one.forename != other.forename
        assert one.nhs_number != other.nhs_number
        assert not one.upn or one.upn != other.upn


def test_a_junior_bears_the_name_of_the_senior_at_home(town):
    juniors = [(person, home) for home in town.households for person in home.members if person.likeness == "junior"]
    assert juniors
    for junior, home in juniors:
        (senior,) = [person for person in home.members if person.likeness is Likeness.SENIOR]
        assert (junior.forename, junior.surname) == (senior.forename, senior.surname)
        assert (junior.born.year - senior.born.year) > 12
        assert junior.nhs_number != senior.nhs_number


def test_children_of_a_step_family_have_another_surname_and_a_second_home(town):
    guests = [(guest, home) for home in town.households for guest in home.guests]
    assert guests
    homes = {home.number: home for home in town.households}
    for guest, second in guests:
        first = homes[guest.family]
        assert guest in first.members
        assert first.home != second.home
        assert any(parent.surname == guest.surname for parent in second.members)


def test_strangers_share_a_door_and_nothing_else(town):
    doors = defaultdict(list)
    for home in town.households:
        if home.members[0].likeness is Likeness.SHARED_HOUSE:
            doors[home.home.uprn].append(home)
    assert all(len(homes) >= 3 for homes in doors.values())
    assert all(len(home.members) == 1 for homes in doors.values() for home in homes)


def test_no_mother_is_younger_than_seventeen_at_a_birth(town):
    for home in town.households:
        mothers = [person for person in home.members if person.role == "mother"]
        for child in home.members:
            if child.role == "child":
                assert all((child.born - mother.born).days >= 17 * 365 for mother in mothers)


def test_siblings_are_twins_or_nine_months_apart(town):
    for home in town.households:
        if {person.role for person in home.members} & {"step_parent", "carer"}:
            continue
        births = sorted({person.born for person in home.members if person.role == "child"})
        assert all((later - earlier).days >= 270 for earlier, later in pairwise(births))


def test_every_number_is_right_by_its_own_rule_and_out_of_use(town):
    for home in town.households:
        assert identifiers.postcode(home.home.postcode) == home.home.postcode
        assert identifiers.uprn(home.home.uprn)
        assert home.home.uprn.startswith("99")
        for person in home.members:
            assert identifiers.nhs_number(person.nhs_number)
            assert person.nhs_number.startswith("999")
            assert not person.nino or (identifiers.nino(person.nino) and person.nino.startswith("X"))
            assert not person.upn or (identifiers.upn(person.upn) and person.upn[1:4] == PROFILE.la_code)


# --- files -----------------------------------------------------------------------------------------------------


def test_every_feed_has_one_good_file_from_each_of_its_partners(plain_council):
    sent = Counter((file.partner, file.feed) for file in plain_council.files if file.misbehaviour is None)
    assert sent == Counter((partner.slug, feed) for partner in PROFILE.partners for feed in partner.active_feeds)


def test_every_misbehaviour_happens_once(plain_council):
    assert Counter(file.misbehaviour for file in plain_council.files if file.misbehaviour) == Counter(
        synthetic.IN_THE_DEMO
    )


def test_without_housing_the_police_send_the_bad_rows():
    made = synthetic.council(without("housing_tenancies"), people=300)
    assert {file.feed for file in made.files if file.misbehaviour is Misbehaviour.BAD_ROWS} == {"police_incidents"}
    assert "housing_tenancies" not in {file.feed for file in made.files}
    assert Problem.DEBT not in {problem for family in made.families for problem in family.problems}


@pytest.mark.parametrize("feed", PROFILE.active_feeds)
def test_a_council_without_a_feed_has_the_others(feed):
    made = synthetic.council(without(feed), people=200)
    assert {file.feed for file in made.files} == set(PROFILE.active_feeds) - {feed}


def test_two_partners_of_one_feed_send_different_schools():
    made = synthetic.council(with_two_schools(), people=1200)
    urns = [
        {row["school_urn"] for row in rows(file)}
        for file in made.files
        if file.feed == "school_attendance" and file.misbehaviour is None
    ]
    assert len(urns) == 2
    assert urns[0]
    assert urns[1]
    assert not urns[0] & urns[1]


def test_no_two_files_have_the_same_name(plain_council):
    names = [(file.partner, file.feed, file.name) for file in plain_council.files]
    assert len(set(names)) == len(names)


def test_the_first_line_says_what_the_file_covers(plain_council):
    for file in plain_council.files:
        first, header, *lines = file.content.decode().splitlines()
        assert first == (
            f"#family-exchange feed={file.feed} contract=v1 as_of=2026-10-31 "
            f"coverage_from=2026-04-01 coverage_to=2026-10-31 rows={len(lines)}"
        )
        agreed = profiles.contract(file.feed).headers
        assert (tuple(header.split(",")) == agreed) == (file.misbehaviour is not Misbehaviour.WRONG_COLUMNS)


def test_what_is_sent_twice_is_the_same_to_the_last_byte(plain_council):
    again = next(file for file in plain_council.files if file.misbehaviour is Misbehaviour.SENT_TWICE)
    first = next(file for file in plain_council.files if file.feed == again.feed and file.misbehaviour is None)
    assert again.content == first.content
    assert again.name != first.name


def test_bad_rows_are_few_among_rows_that_stay_good(plain_council):
    late = next(file for file in plain_council.files if file.misbehaviour is Misbehaviour.BAD_ROWS)
    bad = [row for row in rows(late) if "-B" in row["tenant_ref"] or not row["tenant_ref"]]
    assert 12 <= len(bad) <= 18
    assert len(bad) < len(rows(late)) / 3


def test_keys_are_unique_in_every_good_file(plain_council):
    for file in plain_council.files:
        if file.misbehaviour is None:
            contract = profiles.contract(file.feed)
            names = [contract.column(canonical).name for canonical in contract.key]
            keys = [tuple(row[name] for name in names) for row in rows(file)]
            assert len(set(keys)) == len(keys)


def fits(column, text):
    """Whether a cell is what the contract says of its column; identifiers aside, whose checks only warn."""
    if not text:
        return column.nullable
    if column.type is ColumnType.CODE:
        return text in column.codes
    if column.type is ColumnType.BOOLEAN:
        return text in {"Y", "N"}
    if column.type is ColumnType.DATE:
        return date(1900, 1, 1) <= date.fromisoformat(text) <= date(2026, 10, 31)
    if column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}:
        return float(text) >= 0
    return len(text) <= 100 and re.search(column.pattern or "", text) is not None


@pytest.mark.parametrize("profile", PROFILES, ids=[profile.council for profile in PROFILES])
def test_every_cell_of_a_good_file_is_as_agreed(profile):
    made = synthetic.council(profile, people=1500)
    assert {file.feed for file in made.files} == set(profile.active_feeds)
    for file in made.files:
        if file.misbehaviour is None:
            columns = profiles.contract(file.feed).columns
            wrong = [column.name for row in rows(file) for column in columns if not fits(column, row[column.name])]
            assert not wrong


def test_every_reference_means_somebody(plain_council):
    known = {(row.feed, row.record_ref) for row in plain_council.truth}
    assert len(known) == len(plain_council.truth)
    sent = {(feed, row[ref]) for feed, ref in REFERENCES.items() for row in good(plain_council, feed)}
    assert sent <= known
    assert {feed for feed, _ in known - sent} <= {"housing_tenancies"}
