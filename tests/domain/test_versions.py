from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from family_exchange.domain import versions
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.versions import AgreedVersion

CHANGE = (
    AgreedVersion(version="v1", until=date(2026, 12, 31)),
    AgreedVersion(version="v2", valid_from=date(2026, 12, 1)),
)
"""A partner that changes in December: for a month both are taken."""


@pytest.mark.parametrize(
    ("said", "day", "expected"),
    [
        ("v1", date(2026, 11, 30), "v1"),
        ("v1", date(2026, 12, 31), "v1"),
        ("v2", date(2026, 12, 1), "v2"),
        (None, date(2026, 11, 30), "v1"),
        (None, date(2026, 12, 1), "v2"),
        (None, date(2027, 1, 1), "v2"),
    ],
)
def test_a_file_is_read_by_what_it_says_or_by_the_newest_agreed_version(said, day, expected):
    assert versions.chosen(said, CHANGE, ["v1", "v2"], day) == expected


@pytest.mark.parametrize(
    ("said", "day", "named"),
    [
        ("v2", date(2026, 11, 30), "is agreed: v1"),
        ("v1", date(2027, 1, 1), "is agreed: v2"),
        ("v3", date(2026, 12, 5), "is agreed: v1, v2"),
    ],
)
def test_a_version_that_is_not_agreed_is_refused_and_the_agreed_ones_are_named(said, day, named):
    with pytest.raises(DataRefused, match=f"^SCHEMA: .*{named}$"):
        versions.chosen(said, CHANGE, ["v1", "v2"], day)


def test_a_day_on_which_nothing_is_agreed_refuses_every_file():
    over = (AgreedVersion(version="v1", until=date(2026, 1, 1)),)
    with pytest.raises(DataRefused, match="none is agreed"):
        versions.chosen(None, over, ["v1"], date(2026, 1, 2))


def test_an_agreement_that_names_no_versions_takes_all_of_them_and_silence_means_the_oldest():
    day = date(2026, 12, 5)
    assert versions.chosen("v10", (), ["v10", "v9"], day) == "v10"
    assert versions.chosen(None, (), ["v10", "v9"], day) == "v9"
    with pytest.raises(DataRefused, match="is agreed: v9, v10"):
        versions.chosen("v2", (), ["v10", "v9"], day)


def test_what_the_partner_said_is_not_repeated_when_no_such_version_exists():
    with pytest.raises(DataRefused) as refused:
        versions.chosen("Canary-7f3a", (), ["v1"], date(2026, 1, 1))
    assert "Canary" not in str(refused.value)


def test_an_agreed_version_cannot_end_before_it_begins():
    with pytest.raises(ValidationError, match="not before `valid_from`"):
        AgreedVersion(version="v1", valid_from=date(2026, 2, 1), until=date(2026, 1, 31))


@given(st.sampled_from([None, "v1", "v2", "v3"]), st.integers(-60, 60))
def test_whatever_is_chosen_was_agreed_for_that_day(said, days):
    day = date(2026, 12, 15) + timedelta(days=days)
    try:
        version = versions.chosen(said, CHANGE, ["v1", "v2"], day)
    except DataRefused:
        assert said not in {each.version for each in CHANGE if each.holds_on(day)}
    else:
        assert any(each.version == version and each.holds_on(day) for each in CHANGE)
