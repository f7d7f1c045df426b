"""What a law of its own protects is in no return, unless the profile names the recipient and the purpose."""

from dataclasses import replace
from datetime import date

import pytest

from family_exchange.domain.column import Purpose
from family_exchange.domain.onward import Onward
from family_exchange.domain.provenance import Status
from support.returns import rows, someone

PROTECTED, OWN = "AB123456C", "CE123457D"


@pytest.fixture
def known_by_both(council):
    """Somebody of whom the police said something, and social security something newer."""
    person = someone(council, nino=OWN, surname="Ashbarrow", postcode="CH1 1AA")
    said = {"nino": PROTECTED, "surname": "Testperson", "postcode": "CH4 4AB", "as_of": date(2026, 11, 1)}
    council.register.record(person, feed="dwp_benefits", partner="dwp", **said)
    council.register.supported(person)
    return person


def going_on(council, **changes):
    """The council, whose profile names who may have what social security says."""
    profile = council.doors.profile
    entry = {
        "feed": "dwp_benefits",
        "recipient": profile.returns["nis"].recipient,
        "purpose": Purpose.EVALUATE_NATIONAL,
        "status": Status.ASSUMED,
        "note": "a test",
    }
    profile = profile.model_copy(update={"onward": (Onward(**entry | changes),)})
    return replace(council, doors=replace(council.doors, profile=profile))


def who(row):
    return row["nino"], row["surname"], row["postcode"]


@pytest.mark.requirement("D-03")
def test_who_somebody_is_comes_from_other_partners(council, known_by_both):
    assert who(rows(council, "nis")[known_by_both]) == (OWN, "Ashbarrow", "CH1 1AA")


@pytest.mark.requirement("D-03")
def test_the_recipient_that_the_profile_names_gets_it_for_the_purpose_that_it_names(council, known_by_both):
    assert who(rows(going_on(council), "nis")[known_by_both]) == (PROTECTED, "Testperson", "CH4 4AB")


@pytest.mark.requirement("D-03")
@pytest.mark.parametrize("other", [{"recipient": "The police"}, {"purpose": Purpose.MONITOR}])
def test_another_recipient_or_purpose_lets_nothing_out(council, known_by_both, other):
    assert who(rows(going_on(council, **other), "nis")[known_by_both]) == (OWN, "Ashbarrow", "CH1 1AA")


@pytest.mark.requirement("D-03")
def test_of_somebody_whom_only_social_security_knows_a_return_says_nothing_of_who_it_is(council):
    person = council.register.person()
    council.register.record(person, feed="dwp_benefits", partner="dwp", nino=PROTECTED)
    council.register.supported(person)
    assert not {PROTECTED, "Testperson"} & set(rows(council, "nis")[person].values())
