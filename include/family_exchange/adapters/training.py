"""Weights of a linkage model from statements alone: m by expectation maximisation, u by sampling; no name is kept.

The same statements give the same weights: one thread, a fixed seed, rows in the order of their content. What a sample
cannot show stays as the model before it says: an identifier's weights, and whatever level was hardly seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from family_exchange.adapters import linkage
from family_exchange.adapters.linkage_model import LinkageModel, Training
from family_exchange.adapters.statements import Table
from family_exchange.domain.errors import NeedsDecision

if TYPE_CHECKING:
    from splink import Linker

SEED = 1
FEWEST = 500
"""With fewer statements there is nothing to learn from."""
MOST_PAIRS = 5_000_000
LEAST_M, LEAST_U = 1e-4, 1e-7
"""Nothing is ever surer than this: a sample without a case is no proof that there is none."""
DIGITS = 6
"""Significant digits of a weight."""

PASSES = (
    "l.born = r.born",
    "l.full_name = r.full_name AND l.forename <> '' AND l.surname <> ''",
    "l.upn = r.upn AND l.upn <> ''",
    "l.nino = r.nino AND l.nino <> ''",
    "l.nhs_number = r.nhs_number AND l.nhs_number <> ''",
)
"""Each pass learns what it does not block by."""
_FEWEST_PAIRS = 100
"""A pass with fewer pairs teaches nothing."""

_TRAINING = """
    CREATE TABLE training AS
    SELECT s.* EXCLUDE (person, fresh, stated_birth, birth),
           array_to_string(string_split(s.key, '|')[1:2], '|') AS source
      FROM statement s ORDER BY s.id
"""
_SAMPLE = """
    CREATE TABLE sample AS
    SELECT * FROM training
     WHERE source = (SELECT source FROM training GROUP BY 1 ORDER BY count(DISTINCT key) DESC, 1 LIMIT 1)
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY id) = 1 ORDER BY id
"""
"""One statement for each reference of the largest source: within one, two references are seldom one person."""


def train(stated: Table, base: LinkageModel, *, version: str, on: str, seed: int = SEED) -> LinkageModel:
    """`base` with the weights that `stated` teaches; everything else as `base` has it.

    `stated` are standardised statements (`statements.standard`), whoever's they are held to be.

    Raises:
        NeedsDecision: there are too few statements, or none that agree.
        LinkageFailed: the engine stopped.
    """
    import splink  # noqa: PLC0415 - costs a second

    if stated.num_rows < FEWEST:
        raise NeedsDecision(f"a model is trained on {FEWEST} statements or more; here are {stated.num_rows}")
    with linkage.over(stated, base) as pool, _quiet():
        count = _prepared(pool)
        settings = deepcopy(base.splink)
        with_u = _sampled(pool, settings, seed)
        trained = _maximised(pool, with_u)
    learnt = Training(on=on, statements=count, seed=seed, engine=f"Splink {splink.__version__}")
    return base.model_copy(
        update={"version": version, "splink": _kept(base, trained), "trained": (*base.trained, learnt)}
    )


def _prepared(pool: linkage.Pool) -> int:
    """The number of statements to learn from."""
    pool.connection.execute("SET threads = 1").fetchall()
    pool.connection.execute(_TRAINING).fetchall()
    pool.connection.execute(_SAMPLE).fetchall()
    return _count(pool, "SELECT count(*) FROM training")


def _count(pool: linkage.Pool, query: str) -> int:
    ((count,),) = pool.connection.execute(query).fetchall()  # drained: else the connection stays in use
    return int(count)


def _sampled(pool: linkage.Pool, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    linker = _linker(pool, "sample", settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=MOST_PAIRS, seed=seed, num_chunks=1)
    found: dict[str, Any] = linker.misc.save_model_to_json()
    return found


def _maximised(pool: linkage.Pool, settings: dict[str, Any]) -> dict[str, Any]:
    linker = _linker(pool, "training", settings)
    taught = 0
    for rule in PASSES:
        query = f"SELECT count(*) FROM training l JOIN training r ON {rule} WHERE l.id < r.id AND l.key <> r.key"  # noqa: S608 - our own words
        if _count(pool, query) >= _FEWEST_PAIRS:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
            taught += 1
    if not taught:
        raise NeedsDecision("these statements hardly ever agree: there is nothing to learn of one person's records")
    found: dict[str, Any] = linker.misc.save_model_to_json()
    return found


def _linker(pool: linkage.Pool, table: str, settings: dict[str, Any]) -> "Linker":
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - costs a second

    engine = DuckDBAPI(connection=pool.connection)
    return Linker([engine.register(table, dataset_display_name=table)], settings, log_level=None)


def _kept(base: LinkageModel, trained: dict[str, Any]) -> dict[str, Any]:
    """Splink's settings of `base` with trained weights; fixed and unseen ones as they were, each set summing to one."""
    found: dict[str, Any] = deepcopy(base.splink)
    for comparison, learnt in zip(found["comparisons"], trained["comparisons"], strict=True):
        levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
        new = [level for level in learnt["comparison_levels"] if not level.get("is_null_level")]
        for kind, least in (("m", LEAST_M), ("u", LEAST_U)):
            name = f"{kind}_probability"
            fixed = [level[name] if level.get(f"fix_{name}") else None for level in levels]
            free = [max(one.get(name) or level[name], least) for one, level in zip(new, levels, strict=True)]
            held = sum(value for value in fixed if value is not None)
            share = (1 - held) / (sum(value for value, at in zip(free, fixed, strict=True) if at is None) or 1)
            for level, value, at in zip(levels, free, fixed, strict=True):
                level[name] = float(f"{at if at is not None else value * share:.{DIGITS}g}")
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Splink's own advice: it tells of levels that were not seen, which keep their weights."""
    import logging  # noqa: PLC0415 - nothing is logged here

    engine = logging.getLogger("splink")
    before = engine.level
    engine.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        engine.setLevel(before)
