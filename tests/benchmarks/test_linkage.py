"""Matching beside `recordlinkage` with the same blocking: a million at once, and one night against a whole register.

A million: both sides lie ready in memory, standardised, and end as scored pairs. A night: the rows have been taken, and
the register lies in the database. Ours standardises and stores what is new, looks up whom it meets, and scores; the
reference keeps nothing between nights: it reads the register as it was sent, cleans it with its own means, and scores.
`register.nightly` is the whole way of those rows, from staging to decided persons in the database, beside the same
reference, which decides and writes nothing.
"""

import importlib.util
from io import BytesIO
from statistics import median
from time import perf_counter

import polars as pl
import psycopg
import pyarrow as pa
import pytest
import splink  # noqa: F401 - importing is not what is measured

from family_exchange.adapters import linkage, linkage_model, profiles, register
from family_exchange.domain.matching import Thresholds
from family_exchange.stages import match
from support import bench_people, benches
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

BLOCKS = (
    ["surname", "born"], ["forename", "born"], ["postcode", "born"], ["forename", "postcode"], ["surname", "postcode"],
    ["forename", "surname", "year"],
)  # fmt: skip
"""The blocking rules of the model that these people have the columns for."""


RAW = ("record_ref", "forename", "surname", "date_of_birth", "sex", "address_line_1", "postcode")


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
    """Seconds, and how many pairs it takes for one person, between the two and within what is fresh."""
    import numpy as np  # noqa: PLC0415 - as below
    import recordlinkage  # noqa: PLC0415 - not everywhere

    began = perf_counter()
    left, right = (
        rows.with_columns(year=pl.col("born").dt.year(), born=pl.col("born").cast(pl.String))
        .to_pandas()
        .set_index("key")
        for rows in (known(), fresh())
    )
    index = recordlinkage.Index()
    for block in BLOCKS:
        index.block(block)
    compare = recordlinkage.Compare()
    for column in ("born", "postcode", "dwelling", "sex"):
        compare.exact(column, column)
    for column in ("forename", "surname", "born"):
        compare.string(column, column, method="jarowinkler")
    between = compare.compute(index.index(left, right), left, right).to_numpy()
    within = compare.compute(index.index(right), right).to_numpy()
    weights = np.concatenate([between, within]) @ np.array([3.0, 2.0, 3.0, 1.0, 4.0, 4.0, 4.0])
    return perf_counter() - began, int((weights > 14).sum())


def read(url):
    """The register as it was sent, as fast as it can be read, and cleaned as `recordlinkage` teaches."""
    buffer = BytesIO()
    copy = f"COPY (SELECT {', '.join(RAW)} FROM memory.source_record) TO STDOUT (FORMAT csv, HEADER)"
    with psycopg.connect(url) as connection, connection.cursor().copy(copy) as blocks:
        for block in blocks:
            buffer.write(block)
    buffer.seek(0)
    return cleaned(pl.read_csv(buffer, schema_overrides={"date_of_birth": pl.Date}))


def cleaned(rows):
    """One statement for each row."""
    from recordlinkage.preprocessing import clean  # noqa: PLC0415 - not everywhere

    frame = rows.select(RAW).to_pandas()
    for column in ("forename", "surname", "address_line_1"):
        frame[column] = clean(frame[column])
    return pl.from_pandas(frame).rename({"record_ref": "key", "date_of_birth": "born", "address_line_1": "dwelling"})


def linked(url):
    """Seconds from rows that were taken to scored pairs; nothing is kept."""
    with psycopg.connect(url) as connection:
        register.take(connection, profiles.contract)
        began = perf_counter()
        with linkage.pool(connection, MODEL, THRESHOLDS) as pool:
            found = pool.pairs(0.5)
            seconds = perf_counter() - began
        connection.rollback()
    return seconds, sum((pair.probability or 0) >= 0.99 for pair in found)


def by_splink(known, fresh):
    """Seconds, and how many pairs between the two score 0.99."""
    sides = [rows.with_columns(fresh=pl.lit(new)) for rows, new in ((known, False), (fresh, True))]
    stated = pl.concat(sides).with_columns(
        person_id=pl.when("fresh").then(pl.lit("")).otherwise("key"),
        stated_birth="born",
        birth=pl.lit("actual"),
        forms=pl.lit([], dtype=pl.List(pl.Int32)),
        **{name: pl.lit("") for name in ("uprn", *linkage.NUMBERS)},
    )
    table = stated.to_arrow()
    table = table.cast(pa.schema([field.with_type(_plain(field.type)) for field in table.schema]))
    began = perf_counter()
    with linkage.over(table, MODEL) as pool:
        found = pool.scored(0.5)
        seconds = perf_counter() - began
    return seconds, pl.from_arrow(found).filter(pl.col("probability") >= 0.99).height


def _plain(kind):
    """Arrow's older types: what the engine is given by the register too."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return pa.list_(pa.int32()) if pa.types.is_large_list(kind) else kind


def test_a_million_beside_the_register(benchmark, capsys):
    everyone = bench_people.people(REGISTER)
    known = standardised(bench_people.first_seen(everyone))
    fresh = standardised(bench_people.seen(everyone, MANY))
    subject = []

    def measure():
        seconds, found = by_splink(known, fresh)
        assert found > MANY / 3
        subject.append(seconds)

    benchmark.pedantic(measure, rounds=1, iterations=1)
    reference, found = by_recordlinkage(lambda: known, lambda: fresh)
    assert found > MANY / 3
    benches.faster(capsys, "linkage", subject, reference, rows=MANY, goal=12, never=6)


def test_a_night_against_the_register(benchmark, capsys, council_database):
    url, everyone = with_staging(council_database), bench_people.people(REGISTER)
    first = bench_people.first_seen(everyone)
    bench_people.stage(url, "childrens_social_care", first)
    match.people(doors_to(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    subject, whole, reference = [], [], []

    def measure():
        night = bench_people.seen(everyone, NIGHT, seed=10 + len(subject)).drop("nhs_number")
        seconds, found = by_recordlinkage(lambda: read(url), lambda: cleaned(night))
        reference.append(seconds)
        assert found > NIGHT / 3
        bench_people.stage(url, "police_incidents", night)
        seconds, found = linked(url)
        subject.append(seconds)
        assert found > NIGHT / 3
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
    benches.faster(capsys, "linkage.nightly", subject, median(reference), rows=NIGHT, goal=10, never=4)
    benches.faster(capsys, "register.nightly", whole, median(reference), rows=NIGHT, goal=2, never=0.5)
