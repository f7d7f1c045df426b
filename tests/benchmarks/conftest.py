"""Benchmarks are asked for (`make bench`): `make test` runs none, because what they measure is the machine as well."""

import pytest

from support import benches


def pytest_ignore_collect(collection_path, config):
    """Ignored unless benchmarks are all that is wanted."""
    return None if config.getoption("--benchmark-only") else True


@pytest.fixture
def exchange(tmp_path):
    """A fresh one for each: a file of a hundred rows after some of a million would be held as unlike them."""
    with benches.exchange(tmp_path) as standing:
        yield standing
