"""Which purpose may see which data, and who may look at all."""

import pytest

from family_exchange.adapters import profiles
from family_exchange.domain import need_to_know
from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.errors import NeedsDecision


@pytest.fixture(params=profiles.councils())
def council(request):
    return profiles.profile(request.param)


def contracts(profile):
    return [profiles.contract(feed, each) for feed in profile.feeds for each in profiles.versions(feed)]


@pytest.mark.requirement("R-028")
def test_a_purpose_sees_what_a_contract_gives_it_and_the_notice_takes_in(council):
    allowed = set(need_to_know.allowed(council, contracts(council)))
    assert allowed
    for purpose, feed, data_class in allowed:
        columns = [one for each in contracts(council) if each.feed == feed for one in each.columns]
        assert any(one.data_class is data_class and purpose in one.purposes for one in columns)
        assert council.collects(data_class)
        assert council.allows(purpose)


@pytest.mark.requirement("R-004")
def test_purposes_that_work_with_anonymised_data_see_nothing(council):
    seen = {purpose for purpose, _, _ in need_to_know.allowed(council, contracts(council))}
    assert seen.isdisjoint({Purpose.STATISTICS, Purpose.PLAN_SERVICES})
    assert Purpose.IDENTIFY in seen


def test_a_number_that_only_matching_needs_is_not_for_support():
    profile = profiles.profile(profiles.demo_council())
    allowed = set(need_to_know.allowed(profile, contracts(profile)))
    assert (Purpose.IDENTIFY, "school_attendance", DataClass.UPN) in allowed
    assert (Purpose.SUPPORT, "school_attendance", DataClass.UPN) not in allowed


@pytest.mark.requirement("R-003")
def test_a_purpose_is_one_of_the_notice(council):
    for promise in council.purposes:
        assert need_to_know.purpose(council, str(promise.purpose)) is promise.purpose
    with pytest.raises(NeedsDecision, match="its purposes are"):
        need_to_know.purpose(council, "curiosity")


@pytest.mark.parametrize("by", ["", " ", "airflow", "Machine", "two\nlines"])
def test_a_reader_has_a_name(by):
    with pytest.raises(NeedsDecision):
        need_to_know.named(by)


def test_a_name_is_kept_without_the_spaces_around_it():
    assert need_to_know.named(" ada.lead ") == "ada.lead"
