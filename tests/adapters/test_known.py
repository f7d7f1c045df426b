"""Whether the people of a file are known from other feeds that count; on a real database."""

from datetime import date

import polars as pl
import pytest

from family_exchange.adapters import database, known, profiles, staging
from family_exchange.adapters.accepted import Accepted

EXCLUSIONS = profiles.contract("school_exclusions")
REFERRALS = profiles.contract("direct_referrals")
ATTENDANCE = profiles.contract("school_attendance")
NOBODY = {"forename": None, "surname": None, "date_of_birth": None, "upn": None, "record_ref": None}
ADA = {"forename": "Ada", "surname": "Testperson", "date_of_birth": date(2012, 2, 29), "record_ref": "PUP1"}


@pytest.fixture
def rooms(council_database):
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, [EXCLUSIONS, REFERRALS, ATTENDANCE, profiles.contract("police_incidents")])
        yield connection


def frame(*rows):
    made = [{"row_no": number, **NOBODY, **row} for number, row in enumerate(rows, 1)]
    return pl.DataFrame(made, schema_overrides={"row_no": pl.Int64, "date_of_birth": pl.Date, "upn": pl.String})


def arrived(connection, feed, *rows, partner="schools", state="CLOSED"):
    """A file of the feed whose rows are staged."""
    file_id = f"F{feed}{partner}"
    connection.execute(
        """INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at, state)
           OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, 'x', 1, 1, %s)""",
        (file_id, partner, feed, state),
    )
    columns = {column.canonical for column in profiles.contract(feed).columns}
    staging.put(connection, feed, file_id, Accepted.of(frame(*rows).select("row_no", *sorted(columns & set(NOBODY)))))


def unknown(connection, contract, *rows, partner="schools"):
    return known.unknown(connection, contract, partner, [frame(*rows)])


def test_a_pupil_is_known_by_reference_by_number_or_by_name_and_birth(rooms):
    arrived(rooms, "school_attendance", ADA, {"record_ref": "PUP2", "upn": "X999900026000"})
    asked = (
        {"record_ref": "PUP1"},
        {"record_ref": "P9", "upn": "X999900026000"},
        {**ADA, "record_ref": "P8", "surname": " TESTPERSON"},
        {**ADA, "record_ref": "P7", "forename": "Ben"},
    )
    assert unknown(rooms, EXCLUSIONS, *asked) == (4,)


def test_while_nothing_of_the_other_feed_came_nobody_can_be_known(rooms):
    assert unknown(rooms, EXCLUSIONS, ADA) == ()
    arrived(rooms, "school_attendance", {"record_ref": "PUP2"})
    assert unknown(rooms, EXCLUSIONS, ADA) == (1,)


@pytest.mark.parametrize("how", [{"state": "QUARANTINED"}, {"partner": "more-schools"}])
def test_only_files_that_count_and_are_the_partners_own_make_somebody_known(rooms, how):
    arrived(rooms, "school_attendance", {"record_ref": "PUP2"}, partner="schools")
    assert unknown(rooms, EXCLUSIONS, ADA) == (1,)
    if "state" in how:
        rooms.execute("UPDATE exchange.file SET state = 'QUARANTINED'")
        arrived(rooms, "school_attendance", {"record_ref": "PUP3"}, partner="again")
        assert unknown(rooms, EXCLUSIONS, {"record_ref": "PUP2"}, partner="again") == (1,)
    else:
        arrived(rooms, "school_attendance", ADA, **how)
        assert unknown(rooms, EXCLUSIONS, ADA) == (1,)
        assert unknown(rooms, EXCLUSIONS, ADA, partner="more-schools") == ()


def test_a_referral_is_held_against_every_other_feed_of_every_partner(rooms):
    arrived(rooms, "police_incidents", ADA, partner="police")
    arrived(rooms, "direct_referrals", {**ADA, "forename": "Cy"}, partner="helpers")
    cy, ada, nameless = {**ADA, "forename": "Cy"}, {**ADA, "record_ref": "other"}, {"surname": "Testperson"}
    assert unknown(rooms, REFERRALS, cy, ada, nameless, partner="helpers") == (1,), (
        "who tells too little is not asked for"
    )


def test_people_whom_the_register_has_taken_over_are_known(rooms):
    arrived(rooms, "police_incidents", {**ADA, "forename": "Ben"}, partner="police")
    assert unknown(rooms, REFERRALS, ADA) == (1,)
    rooms.execute(
        """INSERT INTO memory.source_record
                  (source_record_id, file_id, row_no, partner, feed, record_ref, forename, surname, date_of_birth,
                   as_of, category)
           VALUES ('S1.1', 'Fpolice_incidentspolice', 1, 'police', 'police_incidents', 'P1', 'ADA', 'Testperson',
                   '2012-02-29', '2026-01-01', 'crime_asb')"""
    )
    assert unknown(rooms, REFERRALS, ADA) == ()


def test_a_contract_that_asks_for_nothing_reads_nothing(rooms):
    def never():
        raise AssertionError("the rows were read")
        yield

    assert known.unknown(rooms, ATTENDANCE, "schools", never()) == ()
