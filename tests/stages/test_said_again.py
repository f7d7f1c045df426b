"""What follows from the register's records is the same whether a row was written again or seen again."""

from datetime import date

import pytest

from family_exchange.adapters import database, families, indicators, profiles, said
from family_exchange.adapters.indicators import Moment
from family_exchange.stages import match
from support.registry import COUNCIL, TODAY, a_file, doors_to, query

PROFILE = profiles.profile(COUNCIL)
FRAMEWORK = profiles.framework_in_force(PROFILE, TODAY)
DAYS = MAY, JUNE, JULY, AUGUST, SEPTEMBER = [date(2026, month, 28) for month in range(5, 10)]
BASE = {"forename": "Ada", "surname": "Ashbarrow", "date_of_birth": date(2015, 3, 4)}


def seen_by_care(*homes):
    """Two children, of whom the second was expected to be born in the middle of July."""
    first = [BASE | {"record_ref": "C1", "relationship": "child", "address_line_1": home, "postcode": "CH1 1AA"}
             for home in homes]  # fmt: skip
    unborn = {"record_ref": "C2", "surname": "Ashbarrow", "date_of_birth": date(2026, 7, 15), "relationship": "child"}
    return [*first, unborn]


def a_tenancy(surname="Ashbarrow"):
    """One that ends in the middle of July."""
    row = {"record_ref": "T1", "household_ref": "H1", "tenancy_start": date(2020, 1, 1), "event_on": date(2026, 7, 15)}
    return [BASE | row | {"surname": surname, "address_line_1": "9 Mill Lane", "postcode": "CH1 2AA"}]


def an_incident(postcode="CH1 1AA"):
    row = {"record_ref": "N1", "event_ref": "E1", "event_on": date(2026, 5, 2), "role": "suspect",
           "incident_type": "asb", "address_line_1": "1 High Street"}  # fmt: skip
    later = row | {"event_ref": "E2", "event_on": None}
    return [BASE | each | {"postcode": postcode} for each in (row, later)]


FILES = [
    ("childrens_social_care", MAY, seen_by_care("1 High Street")),
    ("housing_tenancies", JUNE, a_tenancy()),
    ("childrens_social_care", JUNE, seen_by_care("1 High Street")),
    ("police_incidents", JUNE, an_incident()),
    ("housing_tenancies", JULY, a_tenancy()),
    ("childrens_social_care", JULY, seen_by_care("5 Church Road")),
    ("police_incidents", JULY, an_incident()),
    ("housing_tenancies", AUGUST, a_tenancy()),
    ("childrens_social_care", AUGUST, seen_by_care("5 Church Road")),
    ("police_incidents", AUGUST, an_incident("CH1 9ZZ")),
    ("housing_tenancies", SEPTEMBER, a_tenancy("Ashburrow")),
    ("childrens_social_care", SEPTEMBER, seen_by_care("1 High Street")),
]
ORDERS = {
    "in the order of their days": list(range(12)),
    "the newest first": list(range(11, -1, -1)),
    "mixed": [5, 0, 11, 2, 7, 1, 10, 3, 8, 6, 4, 9],
}


def followed(url):
    """All that is told, without the ids of records."""
    with database.transaction(url) as connection:
        connection.execute("CREATE TEMP TABLE everybody ON COMMIT DROP AS SELECT person_id, person_id AS root_id"
                           " FROM register.person WHERE merged_into IS NULL")  # fmt: skip
        said.note(connection, said.rules(PROFILE), "everybody")
        sayings = connection.execute(
            """SELECT DISTINCT person_id, attribute, slot, value, from_on, to_on, began_on, current,
                      regexp_replace(preference, '[|][^|]*$', '') FROM said ORDER BY 1, 2, 3, 4, 5, 6, 8, 9"""
        ).fetchall()
        families.note_births(connection, (), today=TODAY)
        births = connection.execute("SELECT * FROM person_born ORDER BY 1").fetchall()
        sightings, _ = families.sightings(connection, today=TODAY)
        connection.execute("CREATE TEMP TABLE subject ON COMMIT DROP AS SELECT person_id FROM everybody")
        connection.execute(indicators.told_table(FRAMEWORK))
        asked = {str(day): asked_on(connection, Moment(day, past=True)) for day in DAYS}
        asked["now"] = asked_on(connection, Moment(TODAY))
    return {"sayings": sayings, "births": births, "sightings": sorted(sightings, key=str), **asked}


def asked_on(connection, moment):
    """What the framework's indicators are asked of on that day."""
    connection.execute("DELETE FROM told")
    for feed in {feed for feed, *_ in FILES} & FRAMEWORK.feeds:
        connection.execute(indicators.told_by(FRAMEWORK, profiles.contract(feed), moment))
    query = "SELECT person_id, feed, as_of, event_ref, event_on, facts::text FROM told ORDER BY 1, 2, 3, 4, 5, 6"
    return connection.execute(query).fetchall()


def taken(url, order, *, together=False):
    for number in order:
        feed, day, rows = FILES[number]
        a_file(url, feed, rows, as_of=day)
        if not together:
            match.people(doors_to(url))
    match.people(doors_to(url))
    return followed(url)


@pytest.mark.requirement("R-038")
@pytest.mark.parametrize("order", ORDERS)
def test_all_that_is_told_is_the_same_as_if_every_row_had_been_written(fresh, order):
    written, seen = fresh(), fresh()  # of files that are taken together, no row is held beside another
    expected, found = taken(written, ORDERS[order], together=True), taken(seen, ORDERS[order])
    assert query(written, "SELECT count(*) FROM memory.source_sighting") == [(0,)]
    ((again,),) = query(seen, "SELECT count(*) FROM memory.source_sighting")
    assert again > 0 or order == "the newest first"
    for what, each in expected.items():
        assert each
        assert found[what] == each, what
