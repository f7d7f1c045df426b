"""The same model gives the same on Spark as on DuckDB: pairs, weights, and whom it joins or shows to a person."""

import gc
import sys
from random import Random

import duckdb
import pyarrow as pa
import pytest

from family_exchange.adapters import linkage, linkage_model, linkage_spark
from family_exchange.adapters.linkage import LinkageFailed
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import modelling
from support.people_matching import THRESHOLDS, standard, synthetic_council

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of pyspark's sockets

PEOPLE, SEED = 300, 41
WORD_PAIRS = 3000


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """Where Spark writes while it works; afterwards the process is as if it had never known Spark."""
    synthetic_council(PEOPLE, SEED)  # loads Great Expectations, which loads pyspark wherever it finds it
    folder, path = tmp_path_factory.mktemp("spark"), sys.path.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_DIRS", str(folder))
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv(
            "JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        )  # quick to start, as a test should be
        yield folder
        linkage_spark._session().stop()
    linkage_spark._session.cache_clear()
    gc.collect()  # pyspark leaves its sockets to it
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"py4j", "pyspark"}]:
        del sys.modules[name]


def in_batches(raw):
    """The same statements, every third of them fresh."""
    fresh = [number % 3 == 0 for number in range(raw.num_rows)]
    return raw.set_column(raw.schema.get_field_index("fresh"), "fresh", [fresh])


def as_computed(pool, table):
    """Weight and probability by pair, before they are rounded."""
    query = f"SELECT least(id_l, id_r), greatest(id_l, id_r), match_weight, match_probability FROM {table}"
    return {(a, b): (weight, probability) for a, b, weight, probability in pool.connection.sql(query).fetchall()}


@pytest.mark.parametrize("version", linkage_model.versions())
def test_spark_finds_the_same_pairs_with_the_same_weights(disk, monkeypatch, version):
    raw, _ = synthetic_council(PEOPLE, SEED)
    model = linkage_model.model(version)
    with linkage.over(standard(in_batches(raw), model), model) as pool:
        here = pool.scored(0.001)
        monkeypatch.setenv(linkage_spark.ENGINE, "spark")
        there = pool.scored(0.001)
        weights, theirs = as_computed(pool, "scored"), as_computed(pool, "scored_by_spark")
    assert there.equals(here)
    assert here.num_rows > PEOPLE / 6
    assert theirs.keys() == weights.keys()
    for pair, expected in weights.items():
        assert theirs[pair] == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def of_all():
    """What everybody of a small council states, for the newest model."""
    raw, _ = synthetic_council(PEOPLE, SEED)
    return standard(raw, linkage_model.model())


@pytest.fixture(scope="module")
def on_spark(disk, of_all):
    """Whom an installation that chooses Spark joins, and whom it shows to a person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(linkage_spark.ENGINE, "spark")
        return modelling.find(of_all, linkage_model.model(), THRESHOLDS)


def test_spark_joins_the_same_people_and_shows_the_same_to_a_person(on_spark, of_all):
    assert on_spark == modelling.find(of_all, linkage_model.model(), THRESHOLDS)
    assert on_spark.joined
    assert on_spark.possible


@pytest.mark.requirement("R-080")
def test_what_spark_writes_to_a_disk_nobody_can_read(on_spark, of_all, disk):
    written = b"".join(path.read_bytes() for path in disk.rglob("*") if path.is_file() and path.suffix != ".jar")
    surnames = sorted({name.encode() for name in of_all["surname"].to_pylist() if len(name) > 6})
    assert len(written) > 10_000
    assert len(surnames) > 20
    assert not [number for number, name in enumerate(surnames) if name in written]


def words():
    """Pairs of words that differ by some slips of the pen; some are empty."""
    random = Random(SEED)
    pairs = []
    for _ in range(WORD_PAIRS):
        left = [random.choice("ABCDE -'") for _ in range(random.randrange(10))]
        right = left.copy()
        for _ in range(random.randrange(4)):
            at = random.randrange(len(right) + 1)
            kind = random.choice(("more", "less", "swap"))
            if kind == "more":
                right.insert(at, random.choice("ABCDE"))
            elif kind == "less":
                right[at : at + 1] = []
            else:
                right[at : at + 2] = right[at : at + 2][::-1]
        pairs.append(("".join(left), "".join(right)))
    return pa.table({"l": [left for left, _ in pairs], "r": [right for _, right in pairs]})


def test_words_are_as_alike_on_spark_as_on_duckdb(disk):
    from splink import SparkAPI  # noqa: PLC0415 - needs pyspark

    table, spark = words(), linkage_spark._session().newSession()
    SparkAPI(spark_session=spark, break_lineage_method="persist")  # which brings the functions of Splink's own
    spark.udf.register(
        "jarowinkler_similarity", linkage_spark._of_duckdb(*linkage_spark.FROM_DUCKDB["jarowinkler_similarity"])
    )
    spark.createDataFrame(table).createOrReplaceTempView("words")
    query = "SELECT l, r, damerau_levenshtein(l, r) AS steps, {}(l, r) AS alike FROM words"
    there = spark.sql(query.format("jarowinkler_similarity")).toArrow().to_pylist()
    with duckdb.connect() as engine:
        engine.register("words", table)
        here = engine.sql(query.format("jaro_winkler_similarity")).to_arrow_table().to_pylist()
    assert there == here
    assert len({row["alike"] for row in here}) > 100


def test_spark_that_stops_tells_nobodys_name(disk, of_all, monkeypatch, caplog, capfd):
    model = linkage_model.model()
    rule = {"blocking_rule": "cast(l.surname as integer) = cast(r.surname as integer)", "sql_dialect": "duckdb"}
    settings = {**model.splink, "blocking_rules_to_generate_predictions": [rule]}
    monkeypatch.setenv(linkage_spark.ENGINE, "spark")
    with (
        linkage.over(of_all, model.model_copy(update={"splink": settings})) as pool,
        pytest.raises(LinkageFailed) as caught,
    ):
        pool.pairs(0.5)
    told = f"{caught.value!r} {caplog.text} {capfd.readouterr()}".upper()
    names = {name for column in ("forename", "surname") for name in of_all[column].to_pylist() if len(name) > 4}
    assert not [number for number, name in enumerate(sorted(names)) if name in told]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_where_pyspark_is_not_installed_somebody_must_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(NeedsDecision, match="make spark"):
        linkage_spark._session.__wrapped__()


@pytest.mark.parametrize(("written", "on_spark"), [("spark", True), ("duckdb", False), ("", False)])
def test_the_environment_chooses_the_engine(monkeypatch, written, on_spark):
    monkeypatch.setenv(linkage_spark.ENGINE, written)
    assert linkage_spark.is_chosen() is on_spark


def test_an_engine_that_there_is_not_is_refused(monkeypatch):
    monkeypatch.setenv(linkage_spark.ENGINE, "sqlite")
    with pytest.raises(NeedsDecision, match=linkage_spark.ENGINE):
        linkage_spark.is_chosen()
