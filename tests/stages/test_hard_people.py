"""People who are hard to tell apart by birth: cousins, twins, parents and grandparents of one name, students."""

from datetime import date

import pytest

from family_exchange.adapters import linkage_model
from family_exchange.stages import match, modelling
from support import hard_people, people_matching
from support.people_matching import THRESHOLDS
from support.registry import a_file, doors_to, person_of, with_staging


@pytest.mark.requirement("R-038")
def test_nobody_is_joined_with_a_cousin_a_twin_an_elder_of_the_name_or_a_fellow_student():
    raw, truth = hard_people.people(1500, 200)
    model = linkage_model.model()
    found = modelling.find(people_matching.standard(raw, model), model, THRESHOLDS)
    true = modelling.true_pairs(truth, people_matching.keys_of(raw))
    assert not found.joined - true
    assert len({truth[one].likeness for pair in found.joined for one in pair}) == len(hard_people.KINDS)
    assert len(found.joined) > 0.7 * len(true)


@pytest.mark.requirement("D-20")
def test_a_child_of_a_tenancy_without_a_birthday_is_the_child_of_that_name_until_another_may_be_meant(council_database):
    url = with_staging(council_database)
    home = {"sex": "F", "address_line_1": "12 High Street", "postcode": "CH1 1AA", "surname": "Ashbarrow"}
    pupil = {"record_ref": "S1", "event_ref": "2026-summer", "forename": "Emma", "date_of_birth": date(2015, 3, 4)}
    tenants = [
        {"record_ref": ref, "household_ref": "T1", "forename": "Emma", "relationship": place}
        for ref, place in (("T1/1", "tenant"), ("T1/2", "child"))
    ]
    a_file(url, "school_attendance", [home | pupil])
    a_file(url, "housing_tenancies", [home | each for each in tenants])
    match.people(doors_to(url))
    assert person_of(url, "S1") == person_of(url, "T1/2") != person_of(url, "T1/1")
    mother = {"record_ref": "N1", "event_ref": "I1", "forename": "Emma", "date_of_birth": date(1988, 3, 4)}
    a_file(url, "police_incidents", [home | mother])
    match.people(doors_to(url))
    assert len({person_of(url, ref) for ref in ("S1", "T1/1", "T1/2", "N1")}) == 4
