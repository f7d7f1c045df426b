"""What synthetic files tell: the truth of each family, things whose time is up, moves and slips, and canaries."""

import csv
import io
from collections import Counter, defaultdict
from dataclasses import fields
from datetime import date

import pytest

from family_exchange.demo import synthetic
from family_exchange.demo.synthetic import Misbehaviour, Problem
from family_exchange.domain import identifiers
from support.synthetic_files import PROFILE, REFERENCES, good, rows, without

CANARY = "Zzcanaryqq"
A_YEAR_AGO, SIX_YEARS_AGO = date(2025, 11, 22), date(2020, 11, 22)


@pytest.fixture(scope="module")
def council():
    return synthetic.council(PROFILE, canary=CANARY)


@pytest.fixture(scope="module")
def plain_council():
    return synthetic.council(PROFILE)


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


def test_a_file_and_the_truth_show_no_person_when_printed(council):
    shown = repr(council)
    assert not any(canary in shown for canary in council.canaries)
    identifying = {"forename", "surname", "former_surname", "born", "sex", "nhs_number", "nino", "upn"}
    person = synthetic.population(PROFILE, people=synthetic.FEWEST).households[0].members[0]
    assert {field.name for field in fields(person) if not field.repr} >= identifying


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
