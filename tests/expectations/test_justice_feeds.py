"""Numbers of prisons and probation: a wrong one never costs the row, and none comes in that no notice names."""

import pytest

from family_exchange.adapters import expectations, profiles, tabular
from family_exchange.domain.profile import Profile
from family_exchange.stages import validate
from support import profiles as a_profile

FEED = "probation_supervision"
NUMBERS = ("crn", "noms_number")


def sample(which):
    return (expectations.ROOT / FEED / f"v1.{which}.csv").read_bytes()


def taken_in_by(profile):
    return set(validate.table(sample("good"), profiles.contract(FEED), profile).accepted.whole().columns)


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize(("number", "rule"), [("crn", "PS-182"), ("noms_number", "PS-192")])
def test_a_row_stays_without_a_number_that_has_the_wrong_form(number, rule):
    contract = profiles.contract(FEED)
    checked = validate.table(sample("bad"), contract, None)
    (row_no,) = (each.row_no for each in checked.findings if each.rule == rule)
    assert tabular.read(sample("bad"), contract).rows.filter(row_no=row_no)[number].to_list() != [None]
    assert checked.accepted.whole().filter(row_no=row_no)[number].to_list() == [None]


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_the_agreed_form_stays_as_it_was_sent(number):
    contract = profiles.contract(FEED)
    sent = tabular.read(sample("good"), contract).rows[number].to_list()
    assert any(sent)
    assert validate.table(sample("good"), contract, None).accepted.whole()[number].to_list() == sent


@pytest.mark.requirement("R-035")
@pytest.mark.parametrize("council", profiles.councils())
def test_a_council_whose_notice_names_no_such_numbers_does_not_take_them_in(council):
    taken = taken_in_by(profiles.profile(council))
    assert not {*NUMBERS} & taken
    assert {"record_ref", "event_ref", "event_on", "surname"} <= taken


@pytest.mark.requirement("R-035")
def test_a_council_whose_notice_names_them_takes_them_in():
    basis = {"purposes": ["identify"], "article_6": ["6(1)(e)"], "article_10": ["para 36"], **a_profile.ASSUMED}
    written = a_profile.profile(
        data_classes=[{"data_class": each, **a_profile.ASSUMED} for each in ("name", "justice_reference")],
        legal={**a_profile.profile()["legal"], "bases": [basis]},
    )
    assert {*NUMBERS} <= taken_in_by(Profile.model_validate(written))
