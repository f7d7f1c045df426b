import pytest
import pytest_alembic.tests
from pytest_alembic import runner
from pytest_alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url


@pytest.fixture
def alembic_runner(empty_database):
    # The package's own pytest plugin does not load under pytest 9, so its four tests are asked for by name.
    engine = create_engine(make_url(empty_database).set(drivername="postgresql+psycopg"))
    config = Config(config_options={"script_location": "include/family_exchange/migrations"})
    with runner(config=config, engine=engine) as running:
        yield running
    engine.dispose()


def test_there_is_one_head(alembic_runner):
    pytest_alembic.tests.test_single_head_revision(alembic_runner)


def test_every_migration_runs(alembic_runner):
    pytest_alembic.tests.test_upgrade(alembic_runner)


def test_the_tables_are_those_of_the_code(alembic_runner):
    pytest_alembic.tests.test_model_definitions_match_ddl(alembic_runner)


def test_down_follows_up(alembic_runner):
    pytest_alembic.tests.test_up_down_consistency(alembic_runner)
