from datetime import date

import pytest

from family_exchange.adapters import database, profiles, register
from family_exchange.domain.contract import ContractRetention
from support.register import AS_IF_SENT
from support.registry import AS_OF, a_file, query, with_staging


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def take(url):
    with database.transaction(url) as connection:
        return register.take(connection, profiles.contract)


def digest(url):
    with database.transaction(url) as connection:
        return register.digest(connection)


def a_pupil(ref="S1", term="2026-summer", **changes):
    base = {
        "record_ref": ref,
        "event_ref": term,
        "event_on": date(2026, 7, 20),
        "forename": "Ada",
        "surname": "Ashbarrow",
        "date_of_birth": date(2015, 3, 4),
        "sessions_possible": 120,
        "sessions_unauthorised": 3,
    }
    return base | changes


def records(url, columns="*", order="source_record_id"):
    return query(url, f"SELECT {columns} FROM register.source_record ORDER BY {order}")


def test_a_row_is_taken_as_sent_identity_in_columns_and_the_rest_as_facts(council):
    file_id = a_file(council, "school_attendance", [a_pupil(forename=" Ada-Mae")])
    taken = take(council)
    assert (taken.files, taken.records) == ((file_id,), 1)
    ((record, forename, born, facts, as_of, event_on, current),) = records(
        council, "source_record_id, forename, date_of_birth, facts, as_of, event_on, current"
    )
    assert record == f"S{file_id[1:]}.1"
    assert (forename, born, as_of, event_on, current) == (
        " Ada-Mae", date(2015, 3, 4), AS_OF, date(2026, 7, 20), True,
    )  # fmt: skip
    assert facts == {"sessions_possible": 120, "sessions_unauthorised": 3}


def test_taking_twice_takes_once(council):
    a_file(council, "school_attendance", [a_pupil()])
    take(council)
    before = digest(council)
    assert take(council).records == 0
    assert digest(council) == before
    assert query(council, "SELECT count(*) FROM audit.event WHERE kind = 'register.records'") == [(1,)]


@pytest.mark.parametrize("state", ["VALID", "QUARANTINED", "DUPLICATE"])
def test_only_applied_files_are_taken(council, state):
    a_file(council, "school_attendance", [a_pupil()], state=state)
    assert take(council).records == 0


def test_a_newer_file_stands_before_an_older_one_for_the_same_event(council):
    a_file(council, "school_attendance", [a_pupil(sessions_unauthorised=9)], as_of=date(2026, 9, 30))
    a_file(council, "school_attendance", [a_pupil(sessions_unauthorised=3)], as_of=date(2026, 10, 31))
    assert take(council).superseded == 1
    assert records(council, "as_of, current", "as_of") == [(date(2026, 9, 30), False), (date(2026, 10, 31), True)]


def test_an_older_file_that_comes_late_changes_nothing_of_that(council):
    a_file(council, "school_attendance", [a_pupil()], as_of=date(2026, 10, 31))
    take(council)
    a_file(council, "school_attendance", [a_pupil()], as_of=date(2026, 9, 30))
    take(council)
    assert records(council, "as_of, current", "as_of") == [(date(2026, 9, 30), False), (date(2026, 10, 31), True)]


def test_of_two_files_of_one_day_the_later_one_stands(council):
    first = a_file(council, "school_attendance", [a_pupil()])
    second = a_file(council, "school_attendance", [a_pupil()])
    take(council)
    assert records(council, "file_id, current", "file_id") == [(first, False), (second, True)]


def test_two_tenancies_of_one_tenant_are_both_current(council):
    tenancies = [{"record_ref": "T1", "household_ref": ref, "surname": "Ashbarrow"} for ref in ("H1", "H2")]
    a_file(council, "housing_tenancies", tenancies)
    take(council)
    assert records(council, "household_ref, current") == [("H1", True), ("H2", True)]


@pytest.mark.requirement("R-098")
def test_a_row_carries_its_retention_category_and_the_day_its_clock_started(council):
    agreed = profiles.contract("childrens_social_care")
    looked_after = [{"column": "clea_start_date", "op": "present"}]
    a_parent = [{"column": "relationship", "op": "in", "value": ["mother", "father"]}]
    choices = [
        {"category": "looked_after", "trigger": "date_of_birth", "when": looked_after},
        {"category": "parents", "when": a_parent},
    ]
    rule = ContractRetention.model_validate({"category": "anybody", "trigger": "event_on", "category_by": choices})
    base = {"surname": "Ashbarrow", "date_of_birth": date(2015, 3, 4), "event_on": date(2026, 5, 1)}
    rows = [
        base | {"record_ref": "C1", "relationship": "mother", "clea_start_date": date(2025, 1, 1)},
        base | {"record_ref": "C2", "relationship": "mother"},
        base | {"record_ref": "C3", "relationship": "mother", "event_on": None},
        base | {"record_ref": "C4"},
    ]
    a_file(council, "childrens_social_care", rows)
    with database.transaction(council) as connection:
        register.take(connection, lambda feed, version: agreed.model_copy(update={"retention": rule}))
    assert records(council, "record_ref, category, retain_from", "record_ref") == [
        ("C1", "looked_after", date(2015, 3, 4)),
        ("C2", "parents", date(2026, 5, 1)),
        ("C3", "parents", None),
        ("C4", "anybody", date(2026, 5, 1)),
    ]


def test_the_digest_sees_every_byte_but_not_when_it_was_written(council):
    empty = digest(council)
    a_file(council, "school_attendance", [a_pupil()])
    take(council)
    taken = digest(council)
    assert taken != empty
    with database.transaction(council) as connection:
        connection.execute(AS_IF_SENT)
        connection.execute("UPDATE memory.source_record SET recorded_at = recorded_at - interval '1 day'")
    assert digest(council) == taken
    with database.transaction(council) as connection:
        connection.execute("UPDATE memory.source_record SET facts = facts || '{\"sessions_possible\": 121}'")
    assert digest(council) != taken
