"""When the retention clock of an episode starts: on its last day, never while it runs."""

from datetime import date

import pytest

from family_exchange.adapters import database, profiles, register, staging
from support.registry import a_file, query

START, END = date(2026, 4, 1), date(2026, 9, 30)


@pytest.fixture
def council(council_database):
    return council_database


@pytest.mark.parametrize(
    ("feed", "last_day", "category"),
    [
        ("probation_supervision", "supervision_end", "crime_asb"),
        ("domestic_abuse_support", "support_end", "adult_social_care"),
    ],
)
def test_an_episode_that_ended_is_kept_from_its_last_day_and_one_that_runs_is_never_due(
    council, feed, last_day, category
):
    with database.transaction(council) as connection:
        staging.create_tables(connection, [profiles.contract(feed)])
    episode = {"surname": "Testperson", "event_on": START}
    rows = [
        episode | {"record_ref": "ended", "event_ref": "1", last_day: END},
        episode | {"record_ref": "runs", "event_ref": "2"},
    ]
    a_file(council, feed, rows, partner="a-partner")
    with database.transaction(council) as connection:
        register.take(connection, profiles.contract)
    kept = query(council, "SELECT record_ref, category, retain_from FROM register.source_record ORDER BY row_no")
    assert kept == [("ended", category, END), ("runs", category, None)]
