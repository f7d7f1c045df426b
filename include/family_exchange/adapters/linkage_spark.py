"""Scores by Splink on Spark: the model of `linkage`, for a council whose pairs outgrow one machine.

Statements are arranged as ever; Spark makes the pairs and scores them. The model's conditions are written for DuckDB
and translated; where Spark's own function gives another result (similarity of names), Spark's workers ask DuckDB's.
What Spark writes to a disk while it works is encrypted with a key that is gone with the session.
"""

import logging
import os
import sys
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.domain.errors import NeedsDecision

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import DataFrame, SparkSession

ENGINE = "FAMILY_EXCHANGE__LINKAGE_ENGINE"
"""The environment variable that names what scores pairs: `duckdb` or `spark`; unset: `duckdb`."""

MASTER = "FAMILY_EXCHANGE__LINKAGE_SPARK_MASTER"
"""The environment variable that names Spark's master; unset: this machine."""

HERE = "local[*]"

FROM_DUCKDB = {"jarowinkler_similarity": ("jaro_winkler_similarity", "double"), "hamming": ("hamming", "long")}
"""Functions that Spark lacks, or computes otherwise: what the translator calls it, what DuckDB does, what it gives."""

LIBRARIES = Path(sys.prefix) / "spark"
"""Where `make spark` installs pyspark: apart, since Great Expectations loads it for seconds wherever it finds it."""

SETTINGS = {
    "spark.app.name": "family-exchange",
    "spark.ui.enabled": "false",  # its pages show queries, and queries values
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    "spark.network.crypto.enabled": "true",
    "spark.authenticate": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.log.level": "OFF",  # what Spark says of an error may quote a value
}
"""What an installation cannot choose; everything else is Spark's own configuration (`SPARK_CONF_DIR`)."""

ON_ONE_MACHINE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}
"""Nothing listens beyond this machine, and work is cut into no more parts than it has hands."""


def is_chosen() -> bool:
    """True when this installation matches on Spark; False when it matches where it runs, on DuckDB.

    Raises:
        NeedsDecision: the environment names another engine.
    """
    engine = os.environ.get(ENGINE) or "duckdb"
    if engine not in {"duckdb", "spark"}:
        raise NeedsDecision(f"{ENGINE} names an engine that there is not: write duckdb or spark")
    return engine == "spark"


def errors() -> tuple[type[Exception], ...]:
    """What Spark raises, once it is in use; its words quote values."""
    if "pyspark" not in sys.modules:
        return ()
    from py4j.protocol import Py4JError  # noqa: PLC0415 - not everywhere
    from pyspark.errors import PySparkException  # noqa: PLC0415 - as above

    return (Py4JError, PySparkException)


def predicted(
    here: "duckdb.DuckDBPyConnection", model: LinkageModel, threshold: float, table: str, beside: str | None
) -> str:
    """The name of a table in `here` of every pair within `table`, and between it and `beside`, that scores `threshold`.

    Its columns are Splink's `id_l`, `id_r`, `match_probability` and `match_weight`; its rows stand in no order.

    Raises:
        NeedsDecision: pyspark is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyspark does not know this pandas yet, and is not asked to use it
        spark = _session().newSession()  # whose tables nobody else sees
        try:
            found = _scored(spark, here, model, threshold, [table] if beside is None else [table, beside])
            here.register("scored_by_spark", found.toArrow())
        finally:
            spark.catalog.clearCache()
    return "scored_by_spark"


def _scored(
    spark: "SparkSession", here: "duckdb.DuckDBPyConnection", model: LinkageModel, threshold: float, tables: list[str]
) -> "DataFrame":
    """The pairs within the first of the tables, and between it and the other."""
    from splink import Linker, SparkAPI  # noqa: PLC0415 - costs a second

    for name, (function, returns) in FROM_DUCKDB.items():
        spark.udf.register(name, _of_duckdb(function, returns))
    tasks = int(spark.conf.get("spark.sql.shuffle.partitions") or 200)
    engine = SparkAPI(  # type: ignore[no-untyped-call]  # Splink's class is not typed
        spark_session=spark, break_lineage_method="persist", num_partitions_on_repartition=tasks
    )

    def sent(name: str) -> Any:  # noqa: ANN401 - as above
        return engine.register(here.table(name).to_arrow_table())

    rows, *beside = (sent(table) for table in tables)
    linker = Linker([rows], translated(model.splink), log_level=None, validate_settings=False)
    for column in model.by_share:
        linker.table_management.register_term_frequency_lookup(sent(f"{column}_share"), column)
    options: dict[str, Any] = {"threshold_match_probability": threshold, "warning_mode": "never"}
    found = [linker.inference.predict_within(rows, **options)]
    found += [linker.inference.predict_between(others, rows, **options) for others in beside]
    columns = "id_l, id_r, match_probability, match_weight"
    return spark.sql(" UNION ALL ".join(f"SELECT {columns} FROM {each.physical_name}" for each in found))  # noqa: S608 - Splink's table names


def translated(splink: Mapping[str, Any]) -> dict[str, Any]:
    """Splink's settings with every condition in Spark's words."""
    rules = [
        {**rule, "blocking_rule": _in_spark(rule["blocking_rule"]), "sql_dialect": "spark"}
        for rule in splink["blocking_rules_to_generate_predictions"]
    ]
    comparisons = [
        {
            **comparison,
            "comparison_levels": [
                {**level, "sql_condition": _in_spark(level["sql_condition"])}
                for level in comparison["comparison_levels"]
            ],
        }
        for comparison in splink["comparisons"]
    ]
    return {**splink, "blocking_rules_to_generate_predictions": rules, "comparisons": comparisons}


def _in_spark(condition: str) -> str:
    import sqlglot  # noqa: PLC0415 - comes with Splink
    from sqlglot import exp  # noqa: PLC0415 - as above

    if condition == "ELSE":
        return condition

    def overlap(node: Any) -> Any:  # noqa: ANN401 - sqlglot's types tell less than its documentation
        """Spark has a function where sqlglot writes an operator."""
        return exp.func("arrays_overlap", node.this, node.expression) if isinstance(node, exp.ArrayOverlaps) else node

    return str(sqlglot.parse_one(condition, read="duckdb").transform(overlap).sql("spark"))


@cache
def _session() -> "SparkSession":
    """The session of this process; it ends with the process."""
    if LIBRARIES.is_dir() and str(LIBRARIES) not in sys.path:
        sys.path.append(str(LIBRARIES))
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - costs seconds, and is not everywhere
    except ImportError:
        raise NeedsDecision("matching on Spark needs pyspark and Java 17: run `make spark`") from None
    from splink.internals.spark.jar_location import similarity_jar_location  # noqa: PLC0415 - as above

    logging.getLogger("SQLQueryContextLogger").disabled = True  # it quotes the value at which a query stopped
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # its workers need DuckDB
    master = os.environ.get(MASTER) or HERE
    builder = SparkSession.builder.master(master)
    settings = {**SETTINGS, **(ON_ONE_MACHINE if master.startswith("local") else {})}
    for name, value in {**settings, "spark.jars": similarity_jar_location()}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _of_duckdb(function: str, returns: str) -> Any:  # noqa: ANN401 - pyspark is not everywhere
    """One of DuckDB's functions of two columns of words, as one that Spark's workers call."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    from pyspark.sql.functions import arrow_udf  # noqa: PLC0415 - costs seconds, and is not everywhere

    def compared(left: pa.Array, right: pa.Array) -> pa.Array:
        import duckdb  # noqa: PLC0415 - in another process

        with duckdb.connect(config={"threads": 1}) as engine:
            words = engine.from_arrow(pa.table({"l": left, "r": right}))
            return words.project(f"{function}(l, r) AS found").to_arrow_table()["found"].combine_chunks()

    return arrow_udf(compared, returns)
