"""Which earlier file a new one mends, asked of a real ledger."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from family_exchange.adapters import database, resends
from family_exchange.domain.answer import About
from family_exchange.domain.file import Reason, Verdict
from support import meanwhile

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = date(2026, 10, 31)
numbers = count(1)


@pytest.fixture
def connection(council_database):
    with database.session(council_database) as opened:
        yield opened


def put(connection, verdict="partly_accepted", *, days_ago=7, **columns):
    """The id of an earlier file."""
    number = next(numbers)
    row = {
        "file_id": f"F{number:08}", "partner": "police", "feed": "police_incidents", "size": 1, "modified_at": 1,
        "name_bytes": f"{number}.pgp".encode(), "verdict": verdict, "seen_at": NOW - timedelta(days=days_ago),
        "as_of": DAY, **columns,
    }  # fmt: skip
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    connection.execute(f"INSERT INTO exchange.file ({names}) VALUES ({places})".encode(), row)
    return row["file_id"]


def mended(connection, **changes):
    """The id of the file that a new one mends."""
    options = {"as_of": DAY, "partner": "police", "feed": "police_incidents", **changes}
    about = About(name="new.pgp", file_id="F99999999", received_at=NOW, **options)
    found = resends.earlier(connection, about)
    return found and found.file_id


def test_the_newest_earlier_file_of_the_same_day_is_mended(connection):
    put(connection)
    newest = put(connection)
    assert mended(connection) == newest


def test_without_an_earlier_file_nothing_is_mended(connection):
    assert mended(connection) is None


@pytest.mark.parametrize("other", [{"partner": "schools"}, {"feed": "school_attendance"}, {"verdict": None}])
def test_somebody_elses_file_another_feed_and_an_unread_file_do_not_count(connection, other):
    put(connection, **other)
    assert mended(connection) is None


def test_a_file_of_the_same_period_and_area_goes_before_a_newer_one(connection):
    same = put(connection, "accepted", coverage_from=DAY, area="N")
    put(connection, "refused", as_of=None, reason="SCHEMA")
    assert mended(connection, coverage_from=DAY, area="N") == same


def test_a_refused_file_waits_for_the_one_that_mends_it(connection):
    refused = put(connection, "refused", as_of=None, reason="SCHEMA")
    found = resends.earlier(
        connection, About("police_incidents", "n", file_id="F99999999", partner="police", received_at=NOW, as_of=DAY)
    )
    assert (found.file_id, found.verdict, found.reason) == (refused, Verdict.REFUSED, Reason.SCHEMA)
    assert found.name.endswith(".pgp")


def test_it_does_not_wait_for_ever(connection):
    put(connection, "refused", as_of=None, days_ago=61)
    assert mended(connection) is None
    waiting = put(connection, "refused", as_of=None, days_ago=59)
    assert mended(connection) == waiting


def test_an_accepted_file_of_another_day_has_nothing_to_mend(connection):
    put(connection, "accepted", as_of=date(2026, 9, 30))
    assert mended(connection) is None


def test_a_file_of_another_area_is_not_mended(connection):
    put(connection, area="S")
    assert mended(connection, area="N") is None
    assert mended(connection, area="S") is not None


def test_a_later_file_is_never_the_earlier_one(connection):
    put(connection, file_id="F99999999")
    assert mended(connection) is None


def test_marks_come_in_order_and_without_any_reference(connection):
    file_id = put(connection)
    for number, (row_no, digest) in enumerate([(None, None), (3, b"d" * 32)], start=1):
        connection.execute(
            """INSERT INTO exchange.finding (file_id, finding_no, row_no, column_name, rule, severity, ref_hmac)
               VALUES (%s, %s, %s, 'role', 'PI-031', 'error', %s)""",
            (file_id, number, row_no, digest),
        )
    whole, row = resends.marks(connection, file_id)
    assert (whole.row_no, whole.reference) == (None, None)
    assert (row.rule, row.column, row.table, row.row_no, row.reference) == ("PI-031", "role", None, 3, b"d" * 32)


def test_more_findings_than_are_compared_are_not_read(connection, monkeypatch):
    monkeypatch.setattr(resends, "MOST", 1)
    file_id = put(connection)
    assert resends.marks(connection, file_id) == []
    for number in (1, 2):
        connection.execute(
            "INSERT INTO exchange.finding (file_id, finding_no, rule, severity) VALUES (%s, %s, 'A', 'error')",
            (file_id, number),
        )
    assert resends.marks(connection, file_id) is None


def test_of_a_file_that_is_destroyed_meanwhile_nobody_says_that_all_was_well(connection, council_database, monkeypatch):
    file_id = put(connection)
    connection.execute(
        """INSERT INTO exchange.finding (file_id, finding_no, row_no, column_name, rule, severity)
           VALUES (%s, 1, 1, 'a', 'b', 'warning')""",
        (file_id,),
    )
    assert len(resends.marks(connection, file_id)) == 1

    def destroyed():
        with database.transaction(council_database) as other:
            other.execute("UPDATE exchange.file SET vault_destroyed_at = now() WHERE file_id = %s", (file_id,))
            other.execute("DELETE FROM exchange.finding WHERE file_id = %s", (file_id,))

    meanwhile.happens(monkeypatch, destroyed, before="FROM exchange.finding")
    assert resends.marks(connection, file_id) is None
