"""Taking rows over into a register that is full, beside the one join that nobody could do without; and how it grows.

The join finds which rows say something else than what stands of their key: in every column of the contract, as the
register must, since any of them may have changed; with the memory for sorting and hashing that the register takes, and
with as many workers as the server likes to give. What is taken has its triggers, row-level security and audit on.

`make bench ARGS="-k register"` runs these alone.
"""

from statistics import median
from time import perf_counter

import polars as pl
import psycopg
import pytest

from family_exchange.adapters import profiles, register
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.stages import match
from support import bench_people, benches
from support.bench_worker import most_memory
from support.registry import doors_to, with_staging

PEOPLE = 300_000
RECORDS, ROWS = 3_000_000, 1_000_000
FEED = "childrens_social_care"
ROUNDS = 3

pytestmark = pytest.mark.timeout(3600)

_FULL = """
    INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref, forename, surname,
                                      date_of_birth, sex, address_line_1, postcode, as_of, category, retain_from)
    SELECT 'S0.' || n, %(file)s, n, 'bulk', %(feed)s, 'R' || n, 'Forename' || n %% 997, 'Surname' || n %% 4999,
           date '1950-01-01' + n %% 27000, CASE n %% 2 WHEN 0 THEN 'F' ELSE 'M' END, n %% 90 || ' High Street',
           'CH' || 1 + n %% 9 || ' ' || n %% 10 || 'AA', date '2026-09-30', 'adult_social_care', NULL
      FROM generate_series(0, %(records)s - 1) n
"""
_NIGHT = """
    INSERT INTO staging.childrens_social_care (file_id, row_no, record_ref, forename, surname, date_of_birth, sex,
                                               address_line_1, postcode)
    SELECT %(file)s, row_number() OVER (), 'R' || n, 'Forename' || n %% 997, 'Surname' || n %% 4999,
           date '1950-01-01' + n %% 27000, CASE n %% 2 WHEN 0 THEN 'F' ELSE 'M' END,
           CASE n %% 6 WHEN 0 THEN 'moved' ELSE n %% 90 || ' High Street' END,
           'CH' || 1 + n %% 9 || ' ' || n %% 10 || 'AA'
      FROM generate_series(%(from)s, %(from)s + %(rows)s - 1) n
"""
"""A sixth of the rows tells of another address, and a sixth of nobody who was known."""
_COLUMNS = set(profiles.contract(FEED).canonicals)
_OWN = ", ".join(sorted((_COLUMNS & IDENTITY_COLUMNS) - {"record_ref"}))
_OTHERS = ", ".join(f"s.{name}" for name in sorted(_COLUMNS - IDENTITY_COLUMNS))
_FIND = f"""
    SELECT count(*) FROM staging.childrens_social_care s
      LEFT JOIN memory.source_record r ON r.feed = 'childrens_social_care' AND r.partner = 'bulk'
       AND r.record_ref = s.record_ref AND r.event_ref = '' AND r.superseded_at IS NULL
     WHERE (r.{_OWN.replace(", ", ", r.")}) IS DISTINCT FROM (s.{_OWN.replace(", ", ", s.")})
        OR r.facts IS DISTINCT FROM CASE WHEN num_nonnulls({_OTHERS}) = 0 THEN '{{}}'::jsonb
             ELSE jsonb_strip_nulls((SELECT to_jsonb(other) FROM (SELECT {_OTHERS}) other)) END
"""


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def a_file(connection, state):
    (file_id,) = connection.execute(
        """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at, state, contract, as_of,
                                      registered_at)
           VALUES ('bulk', %s, 'x', 1, 1, %s, 'v1', %s, CASE %s WHEN 'CLOSED' THEN now() END) RETURNING file_id""",
        (FEED, state, bench_people.AS_OF, state),
    ).fetchone()
    return file_id


def test_register_apply(benchmark, capsys, council):
    with psycopg.connect(council, autocommit=True) as connection:
        connection.execute(_FULL, {"file": a_file(connection, "CLOSED"), "feed": FEED, "records": RECORDS})
        night = {"file": a_file(connection, "APPLIED"), "rows": ROWS, "from": RECORDS - ROWS * 5 // 6}
        connection.execute(_NIGHT, night)
        connection.execute("VACUUM ANALYZE")
    subject, reference = [], []

    def measure():
        with psycopg.connect(council) as connection:
            connection.execute("SET LOCAL work_mem = '128MB'")
            began = perf_counter()
            ((found,),) = connection.execute(_FIND).fetchall()
            reference.append(perf_counter() - began)
            assert ROWS * 0.3 < found < ROWS * 0.34
            began = perf_counter()
            taken = register.take(connection, profiles.contract)
            subject.append(perf_counter() - began)
            assert (taken.records, taken.again) == (found, ROWS - found)
            assert ROWS * 0.13 < taken.superseded < ROWS * 0.17
            connection.rollback()
            connection.autocommit = True
            connection.execute("VACUUM memory.source_record, memory.source_sighting")

    benchmark.pedantic(measure, rounds=ROUNDS, iterations=1)
    benches.say(capsys, "register.apply", subject, reference, rows=ROWS, mb=most_memory(), goal=3, never=6)


def test_register_growth(benchmark, capsys, council):
    """Rows of events about people whom their partner has told of before, a tenth of whom have moved."""
    everyone = bench_people.people(PEOPLE)
    known = bench_people.first_seen(everyone)
    bench_people.stage(council, "police_incidents", with_event(known.drop("nhs_number"), 0))
    match.people(doors_to(council))
    with psycopg.connect(council, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    seconds = {}

    def measure():
        for rows in (ROWS // 100, ROWS):
            drawn = known.drop("nhs_number").sample(rows, seed=rows, with_replacement=True)
            moved = pl.when(pl.col("person") % 10 == 0).then(pl.lit("7 New Street")).otherwise("address_line_1")
            bench_people.stage(council, "police_incidents", with_event(drawn.with_columns(address_line_1=moved), rows))
            began = perf_counter()
            assert match.people(doors_to(council))["source_records"] == rows
            seconds[rows] = [perf_counter() - began]

    benchmark.pedantic(measure, rounds=1, iterations=1)
    small, large = (seconds[rows] for rows in sorted(seconds))
    grown = benches.exponent(small, large) / 2  # a hundred times as much, not ten
    benches.told(
        capsys, "register.growth", grown, median(large), median(small), rows=ROWS, mb=most_memory(), goal=1.0, never=1.1
    )


def with_event(rows, first):
    return rows.with_columns(event_ref=pl.format("E{}-{}", pl.lit(first), pl.int_range(pl.len())))
