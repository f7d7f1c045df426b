"""Matching beside `recordlinkage`: a million at once, and one night against a whole register.

Both sides do the same: the same rows, the rules by which names, days, homes and numbers are standardised, the model's
blocks, comparisons, levels and weights (`support.by_recordlinkage`), and both end as pairs that are scored; each also
finds as many, or the benchmark fails.

A million: both sides lie ready in memory, standardised. A night: the rows have been taken, and the register lies in the
database. `recordlinkage` keeps nothing between nights: it reads the register and the rows as they were sent, and
standardises them, each distinct value once. Ours standardises what is new, looks up whom it meets, scores, and stores
what is new for the next night, which is in its time and which the reference does not do. `linkage.nightly.kept` is the
same night beside a reference that is handed the register standardised, to tell how much of the ratio is that.
The server has the memory that docs/sizing.md asks for (`conftest.SETTINGS`), for both sides.
`register.nightly` is the whole way of those rows, from staging to decided persons in the database, beside the first
reference, which decides and writes nothing.
"""

import importlib.util
from statistics import median
from time import perf_counter

import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import splink  # noqa: F401 - importing is not what is measured

from family_exchange.adapters import linkage, linkage_model, profiles, register, stated, statements
from family_exchange.domain.matching import Thresholds
from family_exchange.stages import match
from support import bench_people, benches
from support import by_recordlinkage as reference
from support.bench_worker import most_memory
from support.comparing import who_is_who
from support.registry import COUNCIL, doors_to, with_staging

REGISTER, NIGHT, MANY = 300_000, 10_000, 1_000_000
NIGHTS = 3
MATCHING = profiles.profile(COUNCIL).matching
MODEL = linkage_model.of(MATCHING)
THRESHOLDS = Thresholds(certain=MATCHING.certain, possible=MATCHING.possible)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # recordlinkage is written for an older pandas
    pytest.mark.timeout(3600),
    pytest.mark.skipif(importlib.util.find_spec("recordlinkage") is None, reason="make bench installs it"),
]


def standardised(rows):
    """The rows as both are given them, one statement each."""
    capitals = [pl.col(name).str.to_uppercase() for name in ("forename", "surname")]
    place = pl.col("address_line_1").str.split(" ")
    return rows.select(
        pl.col("record_ref").alias("key"),
        *capitals,
        pl.col("date_of_birth").alias("born"),
        "sex",
        "postcode",
        (pl.col("postcode") + "|" + place.list.first() + "|" + place.list.get(1).str.slice(0, 1)).alias("dwelling"),
    )


def by_recordlinkage(known, fresh):
    """What it spent on standardised statements in memory, and how many pairs it takes for one person."""
    spent = reference.Spent()
    frames = reference.frame_of(known), reference.frame_of(fresh)
    spent.on("frames")
    return spent, reference.scored(MODEL, *frames, spent)


def night_by_recordlinkage(url, prefix):
    """What it spent on a night with such keys, and when all is handed to it standardised; how many pairs it takes."""
    with psycopg.connect(url) as connection:
        register.take(connection, profiles.contract)
        spent = reference.Spent()
        raw = stated.raw(connection)
        spent.on("read")
        connection.rollback()
    table = statements.standard(raw, MODEL.names, MODEL.placeholders)
    spent.on("standardise")
    kept = reference.Spent()
    fresh = pc.starts_with(table["key"], prefix)
    frames = reference.frame_of(table.filter(pc.invert(fresh))), reference.frame_of(table.filter(fresh))
    kept.on("frames")
    found = reference.scored(MODEL, *frames, kept)
    return spent.seconds + kept.seconds, kept.seconds, found


def linked(url):
    """Seconds from rows that were taken to scored pairs and what is new stored; pairs. Nothing is kept."""
    with psycopg.connect(url) as connection:
        register.take(connection, profiles.contract)
        began = perf_counter()
        with linkage.pool(connection, MODEL, THRESHOLDS) as pool:
            found = pool.pairs(0.5)
        seconds = perf_counter() - began
        connection.rollback()
    return seconds, sum((pair.probability or 0) >= 0.99 for pair in found)


def statements_of(rows, *, fresh):
    """Standardised rows as statements: what is not among them is not known."""
    stated = rows.with_columns(
        fresh=pl.lit(fresh),
        person_id=pl.lit("") if fresh else pl.col("key"),
        stated_birth="born",
        birth=pl.lit("actual"),
        **{name: pl.lit("") for name in ("uprn", *linkage.NUMBERS)},
    )
    table = stated.to_arrow()
    table = table.cast(pa.schema([field.with_type(_plain(field.type)) for field in table.schema]))
    return statements.with_forms(table, MODEL.names)


def _plain(kind):
    """Arrow's older types: what the engine is given by the register too."""
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def by_splink(known, fresh):
    """Seconds, and how many pairs between the two and within what is fresh score 0.99."""
    table = pa.concat_tables([known, fresh])
    began = perf_counter()
    with linkage.over(table, MODEL) as pool:
        found = pool.scored(0.5)
        seconds = perf_counter() - began
    return seconds, int(pc.sum(pc.greater_equal(found["probability"], 0.99)).as_py())


def alike(ours, theirs):
    """True when both find as many, but for forms of names and doubled ones, for which the reference has no means."""
    return 0.95 < theirs / ours < 1.05


def test_a_million_beside_the_register(benchmark, capsys):
    everyone = bench_people.people(REGISTER)
    known = statements_of(standardised(bench_people.first_seen(everyone)), fresh=False)
    fresh = statements_of(standardised(bench_people.seen(everyone, MANY)), fresh=True)
    subject, pairs = [], []

    def measure():
        seconds, found = by_splink(known, fresh)
        subject.append(seconds)
        pairs.append(found)

    benchmark.pedantic(measure, rounds=1, iterations=1)
    mb = most_memory()
    spent, found = by_recordlinkage(known, fresh)
    assert found > MANY / 3
    assert alike(pairs[0], found)
    benches.told(
        capsys, "linkage", spent.seconds / subject[0], subject[0], spent.seconds, rows=MANY, mb=mb, goal=12, never=6
    )


def test_a_night_against_the_register(benchmark, capsys, council_database):
    url, everyone = with_staging(council_database), bench_people.people(REGISTER)
    first = bench_people.first_seen(everyone)
    bench_people.stage(url, "childrens_social_care", first)
    match.people(doors_to(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    subject, whole, others, handed = [], [], [], []

    def measure():
        seed = 10 + len(subject)
        night = bench_people.seen(everyone, NIGHT, seed=seed).drop("nhs_number")
        bench_people.stage(url, "police_incidents", night)
        seconds, kept, theirs = night_by_recordlinkage(url, f"police_incidents|bulk|N{seed}-")
        others.append(seconds)
        handed.append(kept)
        seconds, ours = linked(url)
        subject.append(seconds)
        assert ours > NIGHT / 3
        assert alike(ours, theirs)
        began = perf_counter()
        counts = match.people(doors_to(url))
        whole.append(perf_counter() - began)
        assert counts["source_records"] == NIGHT
        assert NIGHT * 0.25 < counts["persons"] < NIGHT * 0.5

    benchmark.pedantic(measure, rounds=NIGHTS, iterations=1)
    night_by_night = who_is_who(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE register.run SET rule = 'another' WHERE stage = 'match'")
    match.people(doors_to(url))
    assert who_is_who(url) == night_by_night
    benches.faster(capsys, "linkage.nightly.kept", subject, median(handed), rows=NIGHT, goal=4, never=0)
    benches.faster(capsys, "register.nightly", whole, median(others), rows=NIGHT, goal=2, never=0.5)
    benches.faster(capsys, "linkage.nightly", subject, median(others), rows=NIGHT, goal=10, never=4)
