"""How pytest's workers share the tests: by files, so that what a module makes is made once; never two Airflows at once.

`make test` has several workers; without any, the tests run in one process as they stand.
"""

import os
from pathlib import Path
from random import randrange

import pytest

ROOT = Path(__file__).parents[2]
ONE_AFTER_THE_OTHER = "pytest.mark.airflow"
"""Files with this mark are one worker's: each starts an Airflow, and two at once are too much for a small machine."""
LONG = (
    "tests/adapters/test_expectations.py",
    "tests/journeys/test_every_kind_of_file.py",
    "tests/journeys/test_restored.py",
    "tests/journeys/test_by_the_runbook.py",
    "tests/faults/test_e_killed_anywhere.py",
    "tests/faults/test_e_repeats.py",
    "tests/faults/test_h_soak.py",
    "tests/cli/test_commands.py",
    "tests/cli/test_wheel.py",
    "tests/faults/test_c_openpgp_interop.py",
    "tests/adapters/test_desk_model.py",
    "tests/adapters/test_linkage_spark.py",
    "tests/demo/test_journey_ends.py",
    "tests/faults/test_simulated_schedules.py",
)
"""Files that take about a minute or more: whoever began one last would let the others wait."""


def share_of(file):
    """The name of what one worker gets as a whole: the file, or everything with an Airflow."""
    return ONE_AFTER_THE_OTHER if ONE_AFTER_THE_OTHER in (ROOT / file).read_text() else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Called before the workers start: parameters that come from a set stand in the same order in all of them."""
    os.environ.setdefault("PYTHONHASHSEED", str(randrange(1 << 32)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Called where pytest-xdist hands out the tests."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - `make test` only

    class ByShare(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return share_of(nodeid.partition("::")[0])

    return ByShare(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """In a worker: what takes long comes first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid.partition("::")[0]))


def rank(file):
    """Where a file stands in the queue."""
    if share_of(file) == ONE_AFTER_THE_OTHER:
        return 0
    return 1 + LONG.index(file) if file in LONG else 1 + len(LONG)
