"""Benchmarks are asked for (`make bench`): `make test` runs none, because what they measure is the machine as well."""

import pytest

from family_exchange.demo import postgres
from support import benches

SETTINGS = {"shared_buffers": "512MB"}
"""What docs/sizing.md asks of the database of a council with 300,000 people; both sides of a benchmark have it."""


def pytest_ignore_collect(collection_path, config):
    """Ignored unless benchmarks are all that is wanted."""
    return None if config.getoption("--benchmark-only") else True


@pytest.fixture(scope="session")
def server(open_folder):
    """As everywhere, with the memory that a council's database is given."""
    with postgres.running(open_folder / "postgres", durable=False, more=SETTINGS) as running:
        yield running


@pytest.fixture
def exchange(tmp_path):
    """A fresh one for each: a file of a hundred rows after some of a million would be held as unlike them."""
    with benches.exchange(tmp_path) as standing:
        yield standing
