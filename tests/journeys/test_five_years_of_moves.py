"""A family through five years of moves: what was so, what was known, and a correction that came late."""

from datetime import date

import pytest

from family_exchange.adapters import database, facts, memory
from family_exchange.stages import match, register
from support import databases
from support.registry import a_file, doors_to, person_of, query, with_staging

HIGH_STREET = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}
MILL_LANE = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}
STATION_ROAD = {"address_line_1": "40 Station Road", "postcode": "CH2 3NR"}
CASTLE_COURT = {"address_line_1": "7 Castle Court", "postcode": "CH3 5JL"}
GRACE = {"record_ref": "C1", "forename": "Grace", "date_of_birth": date(1990, 5, 5), "nino": "AB123456C",
         "relationship": "mother"}  # fmt: skip
ADA = {"record_ref": "C2", "forename": "Ada", "date_of_birth": date(2015, 3, 4), "relationship": "child"}
ALAN = {"record_ref": "C3", "forename": "Alan", "date_of_birth": date(1988, 6, 6), "relationship": "father"}
TODAY = date(2026, 11, 22)
YEARS = (2022, 2023, 2024, 2025)


def year_end(year):
    return date(year, 12, 31)


@pytest.fixture(scope="module")
def story(server, migrated):
    """The council's database after five years, and the moment at which each year's files had been taken."""
    url = with_staging(databases.copied(server, migrated, "five_years"))
    known = {}

    def send(year, home, *, surname="Ashbarrow", father=None):
        rows = [one | home | {"surname": surname, "household_ref": "F1"} for one in (GRACE, ADA)]
        rows.append(ALAN | (father or home) | {"surname": "Ashbarrow", "household_ref": "F1"})
        a_file(url, "childrens_social_care", rows, as_of=year_end(year))
        known[year] = brought_up(url, year_end(year))

    send(2022, HIGH_STREET)
    send(2023, MILL_LANE)
    send(2024, STATION_ROAD, father=MILL_LANE)
    send(2025, CASTLE_COURT, surname="Kestwick", father=MILL_LANE)
    late = {"record_ref": "H1", "surname": "Ashbarrow", "household_ref": "T1", "tenancy_start": date(2023, 2, 1)}
    tenancy = {**GRACE, **late, **MILL_LANE, "relationship": "tenant", "event_on": date(2024, 5, 31)}
    a_file(url, "housing_tenancies", [tenancy], as_of=date(2026, 6, 30))
    known["corrected"] = brought_up(url, TODAY)
    yield url, known
    databases.dropped(server, "five_years")


def brought_up(url, day):
    match.people(doors_to(url))
    register.families(doors_to(url), today=day)
    with database.transaction(url) as connection:
        return database.clock(connection)


def homes(url, ref, on, known=None):
    with database.transaction(url) as connection:
        found = facts.of(connection, [person_of(url, ref)], on=on, known=known)
    return [one.value["address_line_1"] for one in found if one.attribute == "address"]


def surname(url, ref, on, known=None):
    with database.transaction(url) as connection:
        found = facts.of(connection, [person_of(url, ref)], on=on, known=known)
    return [one.value["surname"] for one in found if one.attribute == "name"]


def at_home(url, on, known=None):
    """The references of those who live together on that day, by family."""
    with database.transaction(url) as connection:
        memory.as_known(connection, known)
        rows = connection.execute(
            """SELECT array_agg(DISTINCT r.record_ref ORDER BY r.record_ref) FROM register.family_member m
                 JOIN register.person_record USING (person_id) JOIN register.source_record r USING (source_record_id)
                WHERE m.resident AND m.from_on <= %(on)s AND (m.to_on IS NULL OR m.to_on > %(on)s)
                  AND r.feed = 'childrens_social_care' GROUP BY m.family_id ORDER BY 1""",
            {"on": on},
        )
        return [refs for (refs,) in rows]


def test_one_person_bears_every_record(story):
    url, _ = story
    assert person_of(url, "H1") == person_of(url, "C1")


@pytest.mark.parametrize(
    ("year", "home"),
    [(2022, "12 High Street"), (2023, "3 Mill Lane"), (2024, "40 Station Road"), (2025, "7 Castle Court")],
)
def test_at_each_years_end_the_home_is_the_one_of_that_year(story, year, home):
    url, known = story
    for ref in ("C1", "C2"):
        assert homes(url, ref, year_end(year)) == [home]
        for later in (each for each in YEARS if each >= year):
            assert homes(url, ref, year_end(year), known[later]) == [home]


def test_before_a_file_tells_of_a_move_nobody_knows_of_it(story):
    url, known = story
    assert homes(url, "C1", year_end(2023), known[2022]) == ["12 High Street"]
    assert homes(url, "C1", year_end(2025), known[2024]) == ["40 Station Road"]


def test_the_father_stays_where_he_lives(story):
    url, known = story
    assert homes(url, "C3", year_end(2025)) == ["3 Mill Lane"]
    assert at_home(url, year_end(2023), known[2023]) == [["C1", "C2", "C3"]]
    assert ["C1", "C2"] in at_home(url, year_end(2025), known[2025])


def test_a_new_name_does_not_rewrite_the_old_years(story):
    url, known = story
    assert surname(url, "C1", year_end(2024)) == ["Ashbarrow"]
    assert surname(url, "C1", year_end(2025)) == ["Kestwick"]
    assert surname(url, "C1", year_end(2025), known[2024]) == ["Ashbarrow"]


def test_a_late_correction_changes_what_was_so_and_not_what_was_known(story):
    url, known = story
    summer = date(2023, 6, 30)
    assert homes(url, "C1", summer) == ["3 Mill Lane"]
    for year in (2023, 2024, 2025):
        assert homes(url, "C1", summer, known[year]) == ["12 High Street"]
    assert homes(url, "C2", summer) == ["12 High Street"]  # of the child nobody has said otherwise


def test_every_change_is_a_row_closed_and_a_row_added(story):
    url, _ = story
    open_rows = query(url, "SELECT count(*) FROM memory.fact WHERE upper_inf(recorded)")
    closed = query(url, "SELECT count(*) FROM memory.fact WHERE NOT upper_inf(recorded)")
    assert open_rows == query(url, "SELECT count(*) FROM register.fact")
    assert closed > [(0,)]
