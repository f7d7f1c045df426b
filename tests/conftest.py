"""What every test may ask for: a real PostgreSQL, one fresh database a test, a folder that other users may enter."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from family_exchange.adapters import database
from family_exchange.demo import postgres
from support import databases

pytest_plugins = ["support.workers"]

settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
"""How long an example takes says how busy the machine is, and nothing about the code."""

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="family-exchange-airflow-"))
"""Importing Airflow makes files in its home: never in that of the person who runs the tests."""
(AIRFLOW_HOME / "airflow.cfg").touch()
os.environ["AIRFLOW_HOME"] = str(AIRFLOW_HOME)
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def open_folder():
    """A folder outside the home directory: the database server runs as another user when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="family-exchange-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder):
    """One private PostgreSQL for the whole run."""
    with postgres.running(open_folder / "postgres", durable=False) as running:
        yield running


@pytest.fixture
def empty_database(server):
    """The URL of a database without any room in it."""
    name = f"c{uuid4().hex[:12]}"
    yield server.create_database(name, name)
    server.drop_database(name, name)


@pytest.fixture(scope="session")
def migrated(server):
    """The URL of a migrated council database that nobody uses: others are copied from it."""
    url = server.create_database("migrated", "migrated")
    database.migrate(url)
    return url


@pytest.fixture
def council_database(server, migrated):
    """The URL of a fresh, migrated council database."""
    name = f"c{uuid4().hex[:12]}"
    yield databases.copied(server, migrated, name)
    databases.dropped(server, name)
