"""What intake asks of the ledger for each file does not grow with the files that were ever taken in."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from family_exchange.adapters import admission, database, landings, ledger, resends
from family_exchange.domain.identity import Identity

FEED = "police_incidents"
PAST = 20_000
"""Files, an hour apart, that were taken in and answered; every fiftieth was refused."""


class Watched:
    """A connection that tells of a query which looks at every file there ever was."""

    def __init__(self, connection):
        self.connection, self.seen = connection, 0

    def execute(self, query, parameters=None):
        plan = self.connection.execute(f"EXPLAIN {query}", parameters).fetchall()
        whole = [line for (line,) in plan if "Seq Scan on file" in line]
        assert not whole, f"{' '.join(query.split())[:60]} … {whole}"
        self.seen += 1
        return self.connection.execute(query, parameters)


@pytest.fixture
def watched(council_database):
    with database.session(council_database) as connection:
        connection.execute(
            """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at, state, epoch, ct_sha256, sig_id,
                                          signed_at, content_hmac, as_of, verdict, seen_at, receipt_at,
                                          landing_removed_at)
               SELECT 'police', %(feed)s, 'f', 1000, n, CASE WHEN n %% 50 = 0 THEN 'QUARANTINED' ELSE 'CLOSED' END, 1,
                      sha256(n::text::bytea), n::text, at, sha256(n::text::bytea), at::date,
                      CASE WHEN n %% 50 = 0 THEN 'refused' ELSE 'accepted' END, at, at, at
                 FROM generate_series(1, %(past)s) n,
                      LATERAL (SELECT now() - (%(past)s - n) * interval '1 hour' AS at)""",
            {"feed": FEED, "past": PAST},
        )
        connection.execute(
            """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at)
               VALUES ('police', %s, 'new', 99, 1)""",
            (FEED,),
        )
        connection.execute("ANALYZE exchange.file")
        yield Watched(connection)


def test_a_query_over_all_files_is_noticed(watched):
    with pytest.raises(AssertionError, match="Seq Scan"):
        watched.execute("SELECT count(detail) FROM exchange.file")


def test_what_waits_is_found_among_all_files(watched):
    assert landings.waiting(watched, FEED, timedelta(0), timedelta(0)) == [f"F{PAST + 1:08}"]
    landings.unsettled(watched, FEED, timedelta(seconds=60))
    assert watched.seen == 2


def test_what_lies_there_is_compared_with_what_lay_there_only(watched):
    before = watched.seen
    landings.note(watched, "police", FEED, [SimpleNamespace(name=b"new", size=99, modified_at=1, regular=True)])
    assert watched.seen > before


@pytest.mark.parametrize("as_of", [date(2026, 11, 1), None])
def test_a_files_place_is_found_among_all_files(watched, as_of):
    file = ledger.read(watched.connection, f"F{PAST + 1:08}")
    siblings = admission.siblings(watched, file, Identity(b"new", "new", datetime.now(UTC), as_of, 7))
    assert siblings.newest_signed_at is not None
    assert watched.seen


@pytest.mark.parametrize("as_of", [date(2026, 11, 1), None])
def test_the_file_that_a_file_mends_is_found_among_all_files(watched, as_of):
    about = SimpleNamespace(
        file_id=f"F{PAST + 1:08}", partner="police", feed=FEED, as_of=as_of,
        coverage_from=None, coverage_to=None, area=None, received_at=datetime.now(UTC),
    )  # fmt: skip
    assert resends.earlier(watched, about) is not None
    assert watched.seen == 1
