"""The rows of a bundle in the register: they stand before those of the version with one table, and trace to one row."""

from datetime import date

import pytest

from family_exchange.adapters import database, profiles, register, staging
from family_exchange.stages import validate
from support import safeguarding as a
from support.registry import a_file, query

FEED = "childrens_social_care"


@pytest.fixture
def council(council_database):
    contracts = [profiles.contract(FEED, version) for version in profiles.versions(FEED)]
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, contracts)
    return council_database


def sent(council, version, rows, *, as_of):
    """The rows are staged by that version and taken over."""
    file_id = a_file(council, FEED, [], as_of=as_of, partner="a-partner")
    with database.transaction(council) as connection:
        connection.execute("UPDATE exchange.file SET contract = %s WHERE file_id = %s", (version, file_id))
        staging.put(connection, FEED, file_id, rows)
        register.take(connection, profiles.contract)


def flat(ref, started):
    """One row as v1 has it."""
    contract = profiles.contract(FEED)
    cells = {"pers_person_id": ref, "pers_surname": "Testperson", "cine_start_date": started}
    line = ",".join(contract.headers) + "\n" + ",".join(cells.get(name, "") for name in contract.headers) + "\n"
    return validate.table(line.encode(), contract, None).accepted


def bundle(*episodes):
    keys = ("cine_referral_id", "cine_person_id", "cine_referral_date", "cine_close_date")
    rows = a.tables(person=[a.person("P1")], cin_episodes=[dict(zip(keys, each, strict=False)) for each in episodes])
    return validate.table(a.bundle(rows), a.contract(), None).accepted


def current(council):
    return query(
        council,
        """SELECT event_ref, row_no, (facts ->> 'cine_start_date')::date, category FROM register.source_record
            WHERE current ORDER BY event_ref""",
    )


def test_a_partner_may_change_to_tables_and_back_and_no_person_stands_twice(council):
    sent(council, "v1", flat("P1", "2026-01-05"), as_of=date(2026, 9, 30))
    assert current(council) == [("", 1, date(2026, 1, 5), "adult_social_care")]
    tables = bundle(("C1", "P1", "2026-01-05", "2026-06-30"), ("C2", "P1", "2026-08-01"))
    sent(council, "v2", tables, as_of=date(2026, 10, 31))
    assert current(council) == [
        ("", 1, date(2026, 8, 1), "adult_social_care"),
        ("ssd_cin_episodes:C1", 2, date(2026, 1, 5), "adult_social_care"),
    ]
    sent(council, "v1", flat("P1", "2026-11-01"), as_of=date(2026, 11, 30))
    assert current(council)[0] == ("", 1, date(2026, 11, 1), "adult_social_care")


def test_the_same_bundle_again_changes_nothing_but_the_file(council):
    tables = bundle(("C1", "P1", "2025-01-05", "2025-06-30"), ("C2", "P1", "2026-08-01"))
    sent(council, "v2", tables, as_of=date(2026, 10, 31))
    before = current(council)
    sent(council, "v2", tables, as_of=date(2026, 11, 30))
    assert current(council) == before
