"""Splink's own SQL for a model: what it would run to find pairs and to score them, written once and kept.

To write it takes Splink longer than the engine takes for a night's pairs, and for one model it is always the same.
Nothing of it is ours but the names of the tables and a condition on every blocking rule: of two statements one is
fresh. `compared` holds the statements, with the share of each name beside it; `scored` the pairs, when both have run.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from math import log2
from typing import Any

from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.domain.errors import NeedsDecision

ONE_IS_FRESH = "(l.fresh OR r.fresh)"
_LEAST = 0.1234567
"""Stands for the least weight while the SQL is written."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """Two statements for DuckDB, one after the other."""

    blocked: str
    """Makes the table `blocked`: the pairs that share a block, each once."""
    scored: str
    """Makes the table `scored` of them: `id_l < id_r`, `match_probability`, `match_weight`."""

    def at(self, threshold: float) -> "Scoring":
        """The same, of pairs with that probability at least, above 0 and below 1."""
        return Scoring(self.blocked, self.scored.replace(str(_LEAST), repr(log2(threshold / (1 - threshold)))))


def scoring(model: LinkageModel, schema: str) -> Scoring:
    """What Splink runs for this model over a table `compared (schema)`.

    Raises:
        NeedsDecision: this Splink does not do it in two steps.
    """
    return _written(json.dumps(model.splink, sort_keys=True), schema)


@cache
def _written(settings: str, schema: str) -> Scoring:
    import duckdb  # noqa: PLC0415 - costs a third of a second
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - costs a second

    said: list[str] = []

    class Listening(DuckDBAPI):
        """Runs everything, over tables without a row, and remembers it."""

        def _execute_sql_against_backend(self, final_sql: str) -> Any:  # noqa: ANN401 - as Splink has it
            said.append(_LOOKED_UP.sub("", final_sql))
            return super()._execute_sql_against_backend(said[-1])

    with duckdb.connect(":memory:") as engine:
        engine.execute(f"CREATE TABLE compared ({schema})").fetchall()
        api = Listening(connection=engine)
        rows = api.register("compared", dataset_display_name="compared")
        linker = Linker([rows], json.loads(settings), log_level=None, validate_settings=False)
        linker.inference.predict_within(
            rows,
            blocking_rules_to_generate_predictions=_rules(json.loads(settings)),
            threshold_match_weight=_LEAST,
            warning_mode="never",
        )
    made = [sql for sql in said if re.match(r"\s*CREATE TABLE", sql)]
    names = [found[1] for sql in made if (found := re.match(r"\s*CREATE TABLE (\w+) AS", sql))]
    if len(names) != 2 or len(made) != 2 or str(_LEAST) not in made[1]:  # noqa: PLR2004 - blocked and scored
        raise NeedsDecision(
            "this version of Splink finds and scores pairs in other steps; pin the one in requirements.txt"
        )
    for name, plain in zip(names, ("blocked", "scored"), strict=True):
        made = [re.sub(rf"\b{name}\b", plain, sql) for sql in made]
    return Scoring(*(re.sub(r"CREATE TABLE", "CREATE OR REPLACE TABLE", sql, count=1) for sql in made))


_LOOKED_UP = re.compile(
    r',\s*__splink__df_tf_\w+\."?tf_\w+"?|left join __splink__df_tf_\w+ on \S+ = __splink__df_tf_\S+'
)
"""The share of each name stands beside it; Splink 5.0.0 sees that and joins a table of shares that is not there."""


def _rules(settings: dict[str, Any]) -> list[Any]:
    """The model's blocking rules, where one of two is fresh."""
    found = []
    for rule in settings["blocking_rules_to_generate_predictions"]:
        text = rule if isinstance(rule, str) else rule["blocking_rule"]
        found.append({"blocking_rule": f"({text}) AND {ONE_IS_FRESH}", "sql_dialect": "duckdb"})
    return found
