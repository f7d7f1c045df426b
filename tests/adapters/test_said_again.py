"""What a partner says again, word for word, is a sighting of the record that says it."""

from datetime import date

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from family_exchange.adapters import database, memory, profiles, register, retention, trace
from family_exchange.adapters.database import DatabaseRefused
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.domain.retention_rule import RetentionRule, Trigger
from family_exchange.stages import match
from support.registry import a_file, doors_to, query, with_staging

MAY, JUNE, JULY, AUGUST = (date(2026, month, 28) for month in (5, 6, 7, 8))


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def take(url):
    with database.transaction(url) as connection:
        return register.take(connection, profiles.contract)


def a_child(ref="C1", **changes):
    told = {"record_ref": ref, "forename": "Ada", "surname": "Ashbarrow", "date_of_birth": date(2015, 3, 4),
            "relationship": "child", "address_line_1": "1 High Street", "sen_flag": True}  # fmt: skip
    return told | changes


def told(url, as_of, *rows):
    """The id of a file of that day, taken."""
    file = a_file(url, "childrens_social_care", [*rows] or [a_child()], as_of=as_of)
    take(url)
    return file


def records(url, columns="first_as_of, as_of, current"):
    return query(url, f"SELECT {columns} FROM register.source_record ORDER BY first_as_of, source_record_id")


def sightings(url):
    return query(url, "SELECT source_record_id, as_of, file_id, row_no FROM register.source_sighting ORDER BY 2, 3, 4")


def test_what_is_said_again_is_seen_again_and_what_is_said_anew_is_written(council):
    first = told(council, MAY, a_child("C1"), a_child("C2"))
    a_file(council, "childrens_social_care", [a_child("C2", forename="Adam"), a_child("C1")], as_of=JUNE)
    taken = take(council)
    assert (taken.records, taken.again, taken.superseded) == (1, 1, 1)
    (second,) = taken.files
    own = {"C1": f"S{first[1:]}.1", "C2": f"S{first[1:]}.2", "new": f"S{second[1:]}.1"}
    assert sightings(council) == [
        (own["C1"], MAY, first, 1),
        (own["C2"], MAY, first, 2),
        (own["new"], JUNE, second, 1),
        (own["C1"], JUNE, second, 2),
    ]
    assert records(council, "source_record_id, first_as_of, as_of, current") == [
        (own["C1"], MAY, JUNE, True),
        (own["C2"], MAY, MAY, False),
        (own["new"], JUNE, JUNE, True),
    ]


OF_A_CHILD = profiles.contract("childrens_social_care")
ANOTHER = {
    "text": "another", "code": "another", "date": date(2014, 1, 1), "boolean": False, "integer": 7, "decimal": 7
}  # fmt: skip


@pytest.mark.parametrize("column", sorted(set(OF_A_CHILD.canonicals) - {"record_ref"}))
def test_a_row_that_differs_in_any_column_says_something_new(council, column):
    told(council, MAY)
    kind = str(OF_A_CHILD.column(column).type)
    a_file(council, "childrens_social_care", [a_child(**{column: ANOTHER[kind]})], as_of=JUNE)
    taken = take(council)
    assert (taken.records, taken.again) == (1, 0)
    a_file(council, "childrens_social_care", [a_child(**{column: ANOTHER[kind]})], as_of=JULY)
    taken = take(council)
    assert (taken.records, taken.again) == (0, 1)


def test_a_child_who_was_expected_and_is_born_is_told_anew_though_the_row_is_the_same(council):
    expected = a_child(date_of_birth=date(2026, 7, 1))
    for day, counts in ((MAY, (1, 0)), (JUNE, (0, 1)), (JULY, (1, 0)), (AUGUST, (0, 1))):
        a_file(council, "childrens_social_care", [expected], as_of=day)
        taken = take(council)
        assert (taken.records, taken.again) == counts


def test_who_says_something_else_and_then_the_first_thing_again_has_said_three_things(council):
    for day, surname in ((MAY, "Ashbarrow"), (JUNE, "Birchfield"), (JULY, "Ashbarrow")):
        told(council, day, a_child(surname=surname))
    assert records(council) == [(MAY, MAY, False), (JUNE, JUNE, False), (JULY, JULY, True)]


def test_an_older_file_that_comes_late_does_not_stand_before_what_was_said_again_since(council):
    told(council, MAY)
    told(council, JULY)
    told(council, JUNE, a_child(surname="Birchfield"))
    assert records(council, "surname, first_as_of, as_of, current") == [
        ("Ashbarrow", MAY, JULY, True),
        ("Birchfield", JUNE, JUNE, False),
    ]


def test_of_two_rows_of_one_key_in_a_file_the_last_one_stands_even_if_it_says_nothing_new(council):
    told(council, MAY)
    told(council, JUNE, a_child(surname="Birchfield"), a_child())
    assert records(council, "surname, as_of, current") == [("Ashbarrow", JUNE, True), ("Birchfield", JUNE, False)]


def test_whoever_is_said_again_is_due(council):
    told(council, MAY)
    match.people(doors_to(council))
    with database.transaction(council) as connection:
        for stage in memory.STAGES:
            memory.take_due(connection, stage)
    told(council, JUNE)
    ((person,),) = query(council, "SELECT person_id FROM register.person")
    due = query(council, "SELECT stage, subject FROM register.due WHERE stage <> 'match' ORDER BY 1")
    assert due == [("facts", person), ("families", person), ("propose", person)]


def the_rule(category, trigger):
    told = {"status": "assumed", "note": "a rule of the tests", "trigger_note": "a rule of the tests"}
    return RetentionRule(category=category, years=0, trigger=trigger, trigger_status="assumed", **told)


def held(connection, rule, item):
    return retention.outcomes(connection, rule, [item], today=date(2026, 11, 22))[item]


def test_a_row_of_any_file_that_said_it_leads_to_the_person(council):
    files = [told(council, day) for day in (MAY, JUNE)]
    match.people(doors_to(council))
    ((record,),) = records(council, "source_record_id")
    with database.transaction(council) as connection:
        ways = [trace.of(connection, asked) for asked in (record, files[1], f"S{files[1][1:]}.1")]
    assert ways[0] == ways[1] == ways[2]
    assert [(step.item, step.because) for step in ways[0] if step.kind == "file row"] == [
        (record, f"file {file} row 1") for file in files
    ]


def test_a_hold_on_a_file_keeps_what_it_says_again_and_a_hold_on_somebody_keeps_the_file(council):
    first, second = (told(council, day) for day in (MAY, JUNE))
    match.people(doors_to(council))
    ((record,),) = records(council, "source_record_id")
    ((person,),) = query(council, "SELECT person_id FROM register.person")
    rule = the_rule("special_educational_needs", Trigger.DATE_OF_BIRTH)
    staged = the_rule("staged_file", Trigger.ROW_STAGED)
    with database.transaction(council) as connection:
        connection.execute("UPDATE exchange.file SET state = 'CLOSED', applied_at = '2020-01-01'")
        assert held(connection, rule, record) == "destroyed"
        number = retention.place_hold(connection, "file", second, by="officer", reason="a claim")
        assert held(connection, rule, record) == "held"
        retention.release_hold(connection, number, by="officer")
        assert [held(connection, staged, file) for file in (first, second)] == ["destroyed", "destroyed"]
        retention.place_hold(connection, "person", person, by="officer", reason="a claim")
        assert [held(connection, staged, file) for file in (first, second)] == ["held", "held"]


def test_its_sightings_go_with_a_record(council):
    told(council, MAY, a_child("C1"), a_child("C2"))
    told(council, JUNE, a_child("C1"), a_child("C2"))
    query(council, "DELETE FROM memory.source_record WHERE record_ref = 'C1' RETURNING 1")
    assert query(council, "SELECT count(*) FROM memory.source_sighting") == [(1,)]
    assert {record for record, *_ in sightings(council)} == {
        record for (record,) in records(council, "source_record_id")
    }


def test_nobody_changes_a_sighting_or_takes_back_that_a_record_is_superseded(council):
    told(council, MAY, a_child("C1"), a_child("C2"))
    told(council, JUNE, a_child("C1"), a_child("C2", surname="Birchfield"))
    for change in (
        "UPDATE memory.source_sighting SET as_of = '2026-05-01' RETURNING 1",
        "UPDATE memory.source_record SET superseded_at = NULL RETURNING 1",
        "UPDATE memory.source_record SET superseded_at = now() WHERE superseded_at IS NOT NULL RETURNING 1",
    ):
        with pytest.raises(DatabaseRefused, match="FX003"):
            query(council, change)
    assert query(
        council, "UPDATE memory.source_record SET superseded_at = now() WHERE superseded_at IS NULL RETURNING 1"
    ) == [(1,), (1,)]


def test_what_was_known_before_it_was_said_again_is_known_as_it_was(council):
    told(council, MAY)
    ((then,),) = query(council, "SELECT clock_timestamp()")
    told(council, JUNE)
    with database.transaction(council) as connection:
        memory.as_known(connection, then)
        asked = "SELECT first_as_of, as_of, current FROM register.source_record"
        assert connection.execute(asked).fetchall() == [(MAY, MAY, True)]
        assert connection.execute("SELECT count(*) FROM register.source_sighting").fetchone() == (1,)
    assert records(council) == [(MAY, JUNE, True)]


def test_every_version_of_a_feed_has_the_same_key():
    """Else a row would be held beside records of another key, and stand before some of them or none."""
    for feed in profiles.feeds():
        versions = [profiles.contract(feed, version) for version in profiles.versions(feed)]
        keys = {IDENTITY_COLUMNS & {"record_ref", "event_ref", *contract.key} for contract in versions}
        assert len(keys) == 1, feed


RECORDS = """
INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at, state, as_of, registered_at)
  VALUES ('F1', 'a-partner', 'police_incidents', 'x', 1, 1, 'CLOSED', '2026-05-28', now()),
         ('F2', 'a-partner', 'police_incidents', 'x', 1, 1, 'CLOSED', '2026-06-28', now()),
         ('F3', 'a-partner', 'police_incidents', 'x', 1, 1, 'CLOSED', '2026-07-28', now());
INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref, as_of, category)
  VALUES ('S1.2', 'F1', 2, 'a-partner', 'police_incidents', 'R1', '2026-05-28', 'data_matching'),
         ('S1.3', 'F1', 3, 'a-partner', 'police_incidents', 'R2', '2026-05-28', 'data_matching');
INSERT INTO memory.person (person_id) VALUES ('P1'), ('P2');
INSERT INTO memory.person_record (source_record_id, person_id, how) VALUES ('S1.2', 'P1', 'new'), ('S1.3', 'P2', 'new');
INSERT INTO memory.source_sighting (source_record_id, as_of, file_id, row_no)
  VALUES ('S1.2', '2026-06-28', 'F2', 7), ('S1.2', '2026-07-28', 'F3', 8), ('S1.3', '2026-06-28', 'F2', 9);
"""


def test_each_sighting_is_a_record_of_its_own_after_the_way_back(empty_database):
    engine = create_engine(make_url(empty_database).set(drivername="postgresql+psycopg"))
    config = Config()
    config.set_main_option("script_location", "include/family_exchange/migrations")
    config.attributes["connection"] = engine
    current = "SELECT record_ref, as_of FROM register.source_record WHERE current ORDER BY 1"
    command.upgrade(config, "0005")
    with database.transaction(empty_database) as connection:
        connection.execute(RECORDS)
    assert query(empty_database, current) == [("R1", JULY), ("R2", JUNE)]
    command.downgrade(config, "0004")
    assert query(empty_database, current) == [("R1", JULY), ("R2", JUNE)]
    whose = """SELECT source_record_id, person_id, current FROM register.source_record
                 JOIN register.person_record USING (source_record_id) ORDER BY 1"""
    assert query(empty_database, whose) == [
        ("S1.2", "P1", False),
        ("S1.3", "P2", False),
        ("S2.7", "P1", False),
        ("S2.9", "P2", True),
        ("S3.8", "P1", True),
    ]
    command.upgrade(config, "0005")
    assert query(empty_database, current) == [("R1", JULY), ("R2", JUNE)]
    engine.dispose()
