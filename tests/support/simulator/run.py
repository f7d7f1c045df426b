"""Many schedules, on every processor; the first one that fails is told in one line that plays it again."""

import logging
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from support.simulator.schedule import Schedule

BATCH = 500


def play(seed, *, tell=None):
    """What does not hold in this schedule; None when everything does."""
    before = logging.root.manager.disable
    logging.disable()  # the platform tells of each file; a hundred thousand schedules would drown what failed
    try:
        Schedule(seed, tell=tell).play()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the finding
        return f"schedule {seed}: {type(error).__name__}: {error}"
    finally:
        logging.disable(before)
    return None


def repeat(seed):
    """The line that plays the schedule again."""
    return f"PYTHONPATH=include:tests .venv/bin/python -m support.simulator --seed {seed}"


def first_failure(seeds):
    """The first failing seed of a range and what failed, or None."""
    return next(((seed, failure) for seed in seeds if (failure := play(seed))), None)


def play_all(first, count):
    """The first failure found among `count` schedules, as (seed, what); None: all held."""
    batches = [range(start, min(start + BATCH, first + count)) for start in range(first, first + count, BATCH)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        found = list(filter(None, pool.map(partial(first_failure), batches)))
    return found[0] if found else None
