"""Whom a return covers, and what it tells of them."""

from dataclasses import replace
from datetime import date

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import assemble
from support.council import of
from support.register import PERIOD
from support.returns import rows, someone

FIRST, LAST = date(2026, 4, 1), date(2026, 9, 30)


@pytest.mark.requirement("R-050")
@pytest.mark.requirement("R-024")
def test_progress_data_covers_every_member_of_a_supported_family_and_nobody_else(council):
    register = council.register
    mother, child, declined, proposed, stranger = (someone(council) for _ in range(5))
    register.supported(mother, child)
    register.decision(register.proposal(register.family(declined)), outcome="declined")
    register.proposal(register.family(proposed))
    register.family(stranger)
    assert set(rows(council, "fpd")) == {mother, child}


@pytest.mark.requirement("R-050")
@pytest.mark.parametrize(
    ("decided_on", "inside"),
    [(date(2025, 1, 1), True), (FIRST, True), (LAST, True), (date(2026, 10, 1), False)],
)
def test_support_counts_from_its_decision(council, decided_on, inside):
    person = someone(council)
    council.register.supported(person, decided_on=decided_on)
    assert (person in rows(council, "fpd")) is inside


@pytest.mark.parametrize(
    ("from_on", "to_on", "inside"),
    [
        (date(2020, 1, 1), None, True),
        (LAST, None, True),
        (date(2026, 10, 1), None, False),
        (date(2020, 1, 1), date(2026, 6, 2), True),  # a member on 1 June, supported since that day
        (date(2020, 1, 1), date(2026, 6, 1), False),  # left before support began
    ],
)
def test_a_member_on_any_day_of_support_is_in(council, from_on, to_on, inside):
    later = council.register.file(coverage=(date(2026, 10, 1), date(2026, 10, 31)))
    person, stays = someone(council, file_id=later), someone(council)
    family = council.register.supported(stays, decided_on=date(2026, 6, 1))
    council.register.member(family, person, from_on=from_on, to_on=to_on)
    assert (person in rows(council, "fpd")) is inside


@pytest.mark.requirement("R-024")
@pytest.mark.parametrize(
    ("coverage", "elsewhere", "inside"),
    [
        ((date(2026, 4, 1), date(2026, 10, 31)), False, True),
        ((LAST, date(2026, 10, 31)), False, True),
        ((date(2026, 10, 1), date(2026, 10, 31)), False, False),
        ((date(2025, 4, 1), date(2026, 3, 31)), False, False),
        (None, False, False),
        ((date(2026, 4, 1), date(2026, 10, 31)), True, False),
    ],
)
def test_a_member_first_seen_by_a_file_that_tells_of_the_period_is_in(council, coverage, elsewhere, inside):
    register, stays = council.register, someone(council)
    person = someone(council, file_id=register.file(coverage=coverage))
    if elsewhere:
        register.family(person, from_on=date(2020, 1, 1), to_on=date(2026, 10, 31))
    register.member(register.supported(stays), person, from_on=date(2026, 10, 31))
    assert (person in rows(council, "fpd")) is inside


def test_a_child_who_was_not_born_in_the_period_was_nobodys_member(council):
    mother, expected = someone(council), someone(council, date_of_birth=date(2026, 12, 1))
    council.register.supported(mother, expected)
    assert set(rows(council, "fpd")) == {mother}


@pytest.mark.requirement("R-057")
def test_the_study_has_both_groups_and_marks_them(council):
    register = council.register
    joined, assessed, declined = (someone(council) for _ in range(3))
    register.supported(joined)
    register.proposal(register.family(assessed))
    register.decision(register.proposal(register.family(declined)), outcome="declined")
    found = rows(council)
    assert {person: content["group"] for person, content in found.items()} == {
        joined: "I",
        assessed: "C",
        declined: "C",
    }


def test_a_family_that_joined_after_the_period_is_in_neither_group(council):
    person = someone(council)
    council.register.supported(person, decided_on=date(2026, 11, 1))
    assert rows(council) == {}


def test_a_person_who_moved_between_families_has_one_row_in_the_newer(council):
    person, others = someone(council), [someone(council), someone(council)]
    old = council.register.supported(others[0], person, to_on=date(2026, 7, 1))
    new = council.register.supported(others[1])
    council.register.member(new, person, from_on=date(2026, 7, 1))
    found = rows(council)
    assert found[person]["family_ref"] == new
    assert old in {content["family_ref"] for content in found.values()} or len(found) == 2


def test_people_decided_to_be_one_are_one_row_with_all_their_records(council):
    register = council.register
    survivor = someone(council, as_of=date(2026, 1, 1), nino="AB123456C")
    merged = register.person(merged_into=survivor)
    register.record(merged, as_of=date(2026, 9, 1), surname="Newname")
    register.supported(merged)
    found = rows(council)
    assert set(found) == {survivor}
    assert (found[survivor]["surname"], found[survivor]["nino"]) == ("Newname", "AB123456C")


@pytest.mark.requirement("R-093")
@pytest.mark.parametrize(
    ("kind", "status", "out_of"),
    [
        ("restriction", "received", {"fpd", "nis"}),
        ("restriction", "upheld", {"fpd", "nis"}),
        ("restriction", "lifted", set()),
        ("objection_research", "received", {"nis"}),
        ("objection_research", "upheld", {"nis"}),
        ("objection_research", "refused", set()),
        ("objection_all", "received", {"fpd", "nis"}),
        ("objection_all", "refused", set()),
    ],
)
@pytest.mark.requirement("R-068")
def test_a_flag_keeps_its_person_out_and_the_family_in(council, kind, status, out_of):
    person, stays = someone(council), someone(council)
    council.register.supported(person, stays)
    council.register.flag(person, kind, status)
    for code in ("fpd", "nis"):
        assert (person in rows(council, code)) is (code not in out_of)
        assert stays in rows(council, code)


@pytest.mark.requirement("R-068")
def test_who_was_kept_out_is_counted_and_not_listed(council):
    person, stays = someone(council), someone(council)
    council.register.supported(person, stays)
    council.register.flag(person, "objection_research")
    rows(council)
    (body,) = council.register.audited("return.assembled")
    assert (body["rows"], body["excluded"]) == (1, 1)
    assert person not in str(body)


def test_a_flag_on_a_merged_person_keeps_the_whole_person_out(council):
    survivor = someone(council)
    merged = council.register.person(merged_into=survivor)
    council.register.supported(survivor)
    council.register.flag(merged, "restriction")
    assert rows(council) == {}


@pytest.mark.parametrize("code", ["nis", "fpd"])
@pytest.mark.requirement("R-053")
@pytest.mark.parametrize("name", ["bolton", "cheshire-west-and-chester", "halton", "herefordshire", "wakefield"])
def test_a_row_has_exactly_the_fields_that_the_council_promises(council, name, code):
    one = of(council, name)
    person = someone(one, nino="AB123456C", upn="H801200001001", address_line_1="1 Test Street", town="Testtown")
    one.register.supported(person)
    content = rows(one, code)[person]
    assert set(content) == set(one.doors.profile.returns[code].fields)


@pytest.mark.requirement("R-054")
def test_the_study_tells_what_the_notice_lists(council):
    person = someone(council, nino="AB123456C", upn="H801200001001")
    family = council.register.supported(person, problems=("P1", "P3"))
    assert rows(council)[person] == {
        "la_code": "896",
        "la_person_ref": person,
        "family_ref": family,
        "forenames": "Ashley",
        "surname": "Testperson",
        "date_of_birth": "1990-05-04",
        "sex": "F",
        "postcode": "ZZ99 3AA",
        "p1": "Y",
        "p2": "N",
        "p3": "Y",
        "p4": "N",
        "p5": "N",
        "p6": "N",
        "group": "I",
        "intervention_status": "accepted",
        "upn": "H801200001001",
        "nino": "AB123456C",
    }


@pytest.mark.requirement("R-055")
def test_a_notice_without_identifiers_gives_none_away(council):
    one = of(council, "bolton")
    person = someone(one, nino="AB123456C", upn="H801200001001")
    one.register.supported(person)
    assert not {"nino", "upn"} & set(rows(one)[person])


@pytest.mark.requirement("R-056")
def test_a_notice_with_a_last_known_address_gives_the_newest(council):
    one = of(council, "herefordshire")
    person = one.register.person()
    one.register.record(person, as_of=date(2026, 1, 1), address_line_1="1 Old Road", address_line_2="Flat 2")
    one.register.record(person, as_of=date(2026, 9, 1), address_line_1="3 New Road", postcode="ZZ99 9ZZ")
    one.register.record(person, as_of=date(2026, 10, 1), address_line_1=None, postcode=None, nino="AB123456C")
    one.register.supported(person)
    content = rows(one)[person]
    assert (content["address_line_1"], content["address_line_2"]) == ("3 New Road", None)
    assert (content["postcode"], content["nino"]) == ("ZZ99 9ZZ", "AB123456C")


def test_a_known_birth_goes_before_a_newer_filler(council):
    person = council.register.person()
    council.register.record(person, as_of=date(2026, 1, 1), date_of_birth=date(1990, 5, 4))
    council.register.record(person, as_of=date(2026, 9, 1), date_of_birth=date(1900, 1, 1))
    council.register.supported(person)
    assert rows(council)[person]["date_of_birth"] == "1990-05-04"


def test_a_superseded_record_says_nothing(council):
    person = council.register.person()
    council.register.record(person, surname="Rightname", as_of=date(2026, 1, 1))
    council.register.record(person, surname="Wrongname", as_of=date(2026, 9, 1), current=False)
    council.register.supported(person)
    assert rows(council)[person]["surname"] == "Rightname"


def test_a_period_of_another_name_is_for_a_person(council):
    with pytest.raises(NeedsDecision, match="2026-H1"):
        assemble.draft(council.doors, "nis", "2026-Q1")


def test_a_return_that_the_council_does_not_make_is_for_a_person(council):
    with pytest.raises(NeedsDecision, match="does not make"):
        assemble.draft(council.doors, "another", PERIOD)


def test_a_field_that_the_return_has_not_is_for_a_person(council):
    profile = council.doors.profile
    nis = profile.returns["nis"]
    odd = nis.model_copy(update={"field_leaves": (nis.field_leaves[0].model_copy(update={"name": "shoe_size"}),)})
    doors = replace(council.doors, profile=profile.model_copy(update={"returns": {"nis": odd}}))
    with pytest.raises(NeedsDecision, match="shoe_size"):
        assemble.draft(doors, "nis", PERIOD)


@pytest.mark.requirement("D-19")
def test_an_address_that_became_secret_is_sent_nowhere_and_a_childs_neither(council):
    register = council.register
    fled, child, stays = (someone(council, address_line_1="12 High Street", postcode="CH1 1AA") for _ in range(3))
    family = register.supported(fled, stays)
    register.member(family, child, role="child")
    register.record(fled, feed="police_domestic_abuse", facts={"address_withheld": True}, postcode=None)
    made = rows(council, "nis")
    assert {person: made[person]["postcode"] for person in (fled, child, stays)} == {
        fled: None,
        child: None,
        stays: "CH1 1AA",
    }
