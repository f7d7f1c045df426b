"""Benchmarks are asked for (`make bench`): `make test` runs none, because what they measure is the machine as well."""

import pytest

from support import benches


def pytest_ignore_collect(collection_path, config):
    """Ignored unless benchmarks are all that is wanted."""
    return None if config.getoption("--benchmark-only") else True


@pytest.fixture(scope="session")
def exchange(tmp_path_factory):
    with benches.exchange(tmp_path_factory.mktemp("bench")) as standing:
        yield standing
