"""A synthetic council: as many people as asked, files that tell what is true, and mischief that is meant."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import fields
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.demo import synthetic
from family_exchange.demo.synthetic import Likeness, Misbehaviour, Problem
from family_exchange.domain import identifiers

PROFILES = [profiles.profile(council) for council in profiles.councils()]
PROFILE = max(PROFILES, key=lambda profile: len(profile.feeds))
"""A council to which every feed is sent."""
REFERENCES = {
    "police_incidents": "person_ref",
    "school_attendance": "pupil_ref",
    "childrens_social_care": "pers_person_id",
    "housing_tenancies": "tenant_ref",
}
CANARY = "Zzcanaryqq"
A_YEAR_AGO, SIX_YEARS_AGO = date(2025, 11, 22), date(2020, 11, 22)


def without(feed):
    """The profile as it would be if no partner sent that feed."""
    partners = (
        partner.model_copy(update={"feeds": tuple(each for each in partner.feeds if each != feed)})
        for partner in PROFILE.partners
    )
    return PROFILE.model_copy(update={"partners": tuple(partner for partner in partners if partner.feeds)})


def with_two_schools():
    """The profile as it would be if the schools sent their files from two places."""
    (partner,) = PROFILE.partners_for("school_attendance")
    return PROFILE.model_copy(
        update={"partners": (*PROFILE.partners, partner.model_copy(update={"slug": "more-schools"}))}
    )


@pytest.fixture(scope="module")
def council():
    return synthetic.council(PROFILE, canary=CANARY)


@pytest.fixture(scope="module")
def plain_council():
    return synthetic.council(PROFILE)


def rows(file):
    """The file's rows by header, without its first line."""
    _, _, table = file.content.decode().partition("\n")
    return list(csv.DictReader(io.StringIO(table)))


def good(council, feed):
    """The rows of all good files of one feed."""
    return [row for file in council.files if file.feed == feed and file.misbehaviour is None for row in rows(file)]


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
    assert sent == Counter((partner.slug, feed) for partner in PROFILE.partners for feed in partner.feeds)


def test_every_misbehaviour_happens_once(plain_council):
    assert Counter(file.misbehaviour for file in plain_council.files if file.misbehaviour) == Counter(Misbehaviour)


def test_without_housing_the_police_send_the_bad_rows():
    made = synthetic.council(without("housing_tenancies"), people=300)
    assert {file.feed for file in made.files if file.misbehaviour is Misbehaviour.BAD_ROWS} == {"police_incidents"}
    assert "housing_tenancies" not in {file.feed for file in made.files}
    assert Problem.DEBT not in {problem for family in made.families for problem in family.problems}


@pytest.mark.parametrize("feed", PROFILE.feeds)
def test_a_council_without_a_feed_has_the_others(feed):
    made = synthetic.council(without(feed), people=200)
    assert {file.feed for file in made.files} == set(PROFILE.feeds) - {feed}


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


def test_every_reference_means_somebody(plain_council):
    known = {(row.feed, row.record_ref) for row in plain_council.truth}
    assert len(known) == len(plain_council.truth)
    sent = {(feed, row[ref]) for feed, ref in REFERENCES.items() for row in good(plain_council, feed)}
    assert sent <= known
    assert {feed for feed, _ in known - sent} <= {"housing_tenancies"}


def test_a_file_and_the_truth_show_no_person_when_printed(council):
    shown = repr(council)
    assert not any(canary in shown for canary in council.canaries)
    identifying = {"forename", "surname", "former_surname", "born", "sex", "nhs_number", "nino", "upn"}
    person = synthetic.population(PROFILE, people=synthetic.FEWEST).households[0].members[0]
    assert {field.name for field in fields(person) if not field.repr} >= identifying


# --- what the files tell ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("people", [2000, 5000])
def test_some_families_with_children_have_several_problems_and_most_have_none(people, seed):
    made = synthetic.council(PROFILE, people=people, seed=seed)
    families = [family for family in made.families if family.dependent_child]
    several = sum(len(family.problems) >= 2 for family in families)
    assert 0.12 <= several / len(families) <= 0.18


def told(council):
    """The problems that the good and late files show of each true family."""
    whose = {(row.feed, row.record_ref): row.family for row in council.truth}
    shown = defaultdict(set)
    for file in council.files:
        if file.misbehaviour not in {None, Misbehaviour.BAD_ROWS}:
            continue
        terms = defaultdict(list)
        for row in rows(file):
            ref = row[REFERENCES[file.feed]]
            family = whose.get((file.feed, ref))
            if family is None or any("-B" in row.get(name, "") for name in ("incident_ref", "tenant_ref")):
                continue
            if file.feed == "school_attendance":
                terms[family, row["upn"] or ref].append(row)
            elif problem := PROBLEM_OF[file.feed](row):
                shown[family].add(problem)
        for (family, _), of_pupil in terms.items():
            if rate(of_pupil) >= 0.1:
                shown[family].add(Problem.SCHOOL)
    return shown


def rate(terms):
    shares = [int(row["sessions_unauthorised"]) / int(row["sessions_possible"]) for row in terms]
    return sum(shares) / len(shares)


def police_problem(row):
    if date.fromisoformat(row["incident_date"]) < A_YEAR_AGO:
        return None
    if row["da_flag"] == "Y":
        return Problem.ABUSE
    proven = row["role"] == "offender" and row["outcome"] in {"charged", "cautioned", "community_resolution"}
    return Problem.CRIME if proven else None


def social_care_problem(row):
    recent = [
        row[f"{kind}_start_date"] and (not row[f"{kind}_end_date"] or row[f"{kind}_end_date"] >= "2026-05-22")
        for kind in ("earl", "cine", "cppl")
    ]
    return Problem.HELP if any(recent) else None


def housing_problem(row):
    return Problem.DEBT if float(row["arrears_amount"] or 0) >= 500 else None


PROBLEM_OF = {
    "police_incidents": police_problem,
    "childrens_social_care": social_care_problem,
    "housing_tenancies": housing_problem,
}


@pytest.mark.parametrize("profile", [PROFILE, without("housing_tenancies")], ids=["all feeds", "without housing"])
@pytest.mark.parametrize("seed", [1, 5])
def test_the_files_tell_of_each_family_with_children_what_is_true_of_it(profile, seed):
    made = synthetic.council(profile, people=3000, seed=seed)
    shown = told(made)
    guests = {
        guest.family
        for home in synthetic.population(profile, people=3000, seed=seed).households
        for guest in home.guests
    }
    for family in made.families:
        if family.dependent_child:
            others = {Problem.DEBT} if family.number in guests else set()  # their other parent may owe rent
            assert shown[family.number] - others == set(family.problems) - others


@pytest.mark.requirement("R-085")
def test_there_is_something_whose_time_is_up(plain_council):
    old_incidents = [
        row for row in good(plain_council, "police_incidents") if row["incident_date"] < SIX_YEARS_AGO.isoformat()
    ]
    old_tenancies = [
        row
        for row in good(plain_council, "housing_tenancies")
        if row["tenancy_end"] and row["tenancy_end"] < SIX_YEARS_AGO.isoformat()
    ]
    adults = [row for row in good(plain_council, "childrens_social_care") if row["fami_relationship"] != "child"]
    old_contacts = [row for row in adults if "" < row["last_contact_date"] < SIX_YEARS_AGO.isoformat()]
    assert min(len(old_incidents), len(old_tenancies), len(old_contacts)) >= 5
    assert 2 <= sum(not row["last_contact_date"] for row in adults) <= 10


def test_a_move_is_known_to_some_and_not_to_others(plain_council):
    homes = defaultdict(set)
    whose = {(row.feed, row.record_ref): row.person for row in plain_council.truth}
    for feed, ref in REFERENCES.items():
        for row in good(plain_council, feed):
            postcode = row.get("postcode", row.get("addr_postcode"))
            if postcode:
                homes[whose[feed, row[ref]]].add(postcode)
    assert sum(len(postcodes) > 1 for postcodes in homes.values()) > len(homes) * 0.02


def test_a_few_identifiers_do_not_check_and_a_few_are_missing(plain_council):
    upns = [row["upn"] for row in good(plain_council, "school_attendance")]
    nhs = [row["pers_nhs_number"] for row in good(plain_council, "childrens_social_care")]
    for numbers, check in ((upns, identifiers.upn), (nhs, identifiers.nhs_number)):
        wrong = sum(bool(number) and check(number) is None for number in numbers)
        assert 1 <= wrong <= len(numbers) * 0.02
        assert any(not number for number in numbers)


def test_names_are_mistyped_now_and_then_and_not_always(plain_council):
    people = {person.number: person for home in synthetic.population(PROFILE).households for person in home.members}
    whose = {(row.feed, row.record_ref): people[row.person] for row in plain_council.truth}
    written = [(whose["housing_tenancies", row["tenant_ref"]], row) for row in good(plain_council, "housing_tenancies")]
    same = sum(
        (person.forename, person.surname, person.born.isoformat())
        == (row["forename"], row["surname"], row["date_of_birth"])
        for person, row in written
    )
    assert 0.85 <= same / len(written) <= 0.97


# --- canaries --------------------------------------------------------------------------------------------------


def test_a_canary_stands_in_every_feed_and_every_misbehaving_file(council):
    assert {CANARY, CANARY.upper(), CANARY.lower()} <= set(council.canaries)
    for file in council.files:
        assert any(canary.encode() in file.content for canary in council.canaries), file.name


def test_every_number_of_a_canary_is_in_some_file(council):
    sent = b"".join(file.content for file in council.files)
    numbers = [canary for canary in council.canaries if any(sign.isdigit() for sign in canary)]
    kinds = Counter(
        kind
        for number in numbers
        for kind, check in (
            ("nhs", identifiers.nhs_number),
            ("nino", identifiers.nino),
            ("upn", identifiers.upn),
            ("uprn", identifiers.uprn),
        )
        if check(number)
    )
    assert set(kinds) == {"nhs", "nino", "upn", "uprn"}
    assert all(number.encode() in sent for number in numbers)


def test_a_canary_is_in_a_family_that_will_be_proposed(council):
    whose = {(row.feed, row.record_ref): row.family for row in council.truth}
    row = next(row for row in good(council, "childrens_social_care") if row["pers_surname"] == CANARY)
    number = whose["childrens_social_care", row["pers_person_id"]]
    (family,) = [family for family in council.families if family.number == number]
    assert set(family.problems) == set(Problem)


def test_nobody_else_has_anything_of_a_canary(council, plain_council):
    assert plain_council.canaries == ()
    sent = b"".join(file.content for file in plain_council.files)
    assert CANARY.lower().encode() not in sent.lower()


@pytest.mark.parametrize("token", ["", "two words", "c4nary", "ångström"])
def test_a_canary_is_made_of_plain_letters(token):
    with pytest.raises(ValueError, match="letters"):
        synthetic.council(PROFILE, people=synthetic.FEWEST, canary=token)


# --- on disk ---------------------------------------------------------------------------------------------------


def test_written_files_hold_what_was_made_and_a_second_run_changes_nothing(tmp_path):
    made = synthetic.council(PROFILE, people=200)
    paths = synthetic.write(made, tmp_path)
    before = {path: path.read_bytes() for path in paths}
    assert synthetic.write(made, tmp_path) == paths
    assert {path: path.read_bytes() for path in paths} == before
    for file in made.files:
        assert (tmp_path / file.partner / file.feed / file.name).read_bytes() == file.content
    listed = list(csv.DictReader(io.StringIO((tmp_path / "files.csv").read_text())))
    assert [(row["name"], row["misbehaviour"]) for row in listed] == [
        (file.name, file.misbehaviour or "") for file in made.files
    ]
    truth = list(csv.DictReader(io.StringIO((tmp_path / "truth.csv").read_text())))
    assert [(row["record_ref"], int(row["person"]), row["likeness"]) for row in truth] == [
        (row.record_ref, row.person, row.likeness) for row in made.truth
    ]
