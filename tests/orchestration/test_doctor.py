"""Airflow is asked by its own reading of its configuration, in a process of its own; it tells no secret."""

import psycopg
import pytest

from family_exchange.domain.doctor import Grade
from family_exchange.orchestration import doctor

SECRET = "q7Zt0pLw9xVd3cRf6yHb2nKs5mJg8uEa"
COUNCILS = ("north-vale", "south-vale")

SOUND = """
[core]
auth_manager = airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
executor = CeleryExecutor
fernet_key = {secret}
load_examples = False
allowed_deserialization_classes =
[api]
host = 127.0.0.1
secret_key = {secret}
[api_auth]
jwt_secret = {secret}
[database]
sql_alchemy_conn = {url}
[scheduler]
task_instance_heartbeat_timeout = 60
orphaned_tasks_check_interval = 30
[celery]
worker_prefetch_multiplier = 1
[celery_broker_transport_options]
visibility_timeout = 30
"""


@pytest.fixture
def metadata(empty_database):
    """A database with Airflow's table of pools, for both councils."""
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE slot_pool (pool text, slots int)")
        for council in ("north_vale", "south_vale"):
            for end in ("drop_zone", "recipient"):
                connection.execute("INSERT INTO slot_pool VALUES (%s, 4)", (f"{council}_{end}",))
    return empty_database


@pytest.fixture
def configured(tmp_path, monkeypatch):
    """Airflow's own file says this."""

    def says(text):
        file = tmp_path / "airflow.cfg"
        file.touch(mode=0o600)
        file.write_text(text)
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
        return file

    return says


def found(**how):
    return {finding.subject: finding for finding in doctor.airflow(COUNCILS, **{"seconds": 600.0} | how)}


def as_airflow_writes(url):
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def test_a_sound_airflow_is_good_and_tells_no_secret(configured, metadata):
    file = configured(SOUND.format(secret=SECRET, url=as_airflow_writes(metadata)))
    written = file.stat().st_mtime_ns
    seen = found()
    assert [one for one in seen.values() if one.grade is not Grade.GOOD] == []
    assert seen["pools"].found == "the 4 that 2 councils need are there"
    assert seen["[core] fernet_key"].found == "set"
    assert SECRET not in str(seen)
    assert metadata not in str(seen)
    assert file.stat().st_mtime_ns == written
    assert [path.name for path in file.parent.iterdir()] == ["airflow.cfg"]


def test_what_the_environment_says_counts_as_it_does_for_airflow(configured, metadata, monkeypatch):
    file = configured(SOUND.format(secret=SECRET, url=as_airflow_writes(metadata)))
    file.chmod(0o644)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "300")
    monkeypatch.setenv("AIRFLOW__API__SECRET_KEY", "temporary_key")
    with psycopg.connect(metadata) as connection:
        connection.execute("DELETE FROM slot_pool WHERE pool = 'south_vale_recipient'")
        connection.execute("UPDATE slot_pool SET slots = 0 WHERE pool = 'north_vale_drop_zone'")
    seen = {subject: one for subject, one in found().items() if one.grade is not Grade.GOOD}
    assert seen.keys() == {
        "[scheduler] task_instance_heartbeat_timeout",
        "[api] secret_key",
        "airflow.cfg",
        "pools",
    }
    assert seen["[api] secret_key"].found == "well known"
    assert seen["airflow.cfg"].found == "mode 0644"
    assert seen["pools"].found == "missing or without a slot: south_vale_recipient, north_vale_drop_zone"


def test_airflow_as_it_comes_is_not_sound(configured):
    """SimpleAuthManager, SQLite, five minutes until a dead worker is noticed."""
    configured("")
    seen = {subject for subject, one in found().items() if one.grade in {Grade.BAD, Grade.WARNING}}
    assert {
        "[core] auth_manager",
        "[core] load_examples",
        "[core] fernet_key",
        "[api_auth] jwt_secret",
        "[database] sql_alchemy_conn",
        "[scheduler] task_instance_heartbeat_timeout",
        "[scheduler] orphaned_tasks_check_interval",
    } <= seen


def test_an_airflow_that_does_not_tell_in_time_is_told(configured):
    configured("")
    (finding,) = doctor.airflow(COUNCILS, seconds=0.01)
    assert (finding.grade, finding.found) == (Grade.UNSEEN, "it does not tell its configuration")


def test_where_nothing_is_configured_nothing_is_made(tmp_path, monkeypatch):
    for name in [name for name in doctor.os.environ if name.startswith("AIRFLOW__")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    (finding,) = doctor.airflow(COUNCILS)
    assert finding.grade is Grade.NOTE
    assert "nothing is configured here" in finding.found
    assert not (tmp_path / "home").exists()


def test_the_environment_alone_may_configure_it_and_no_file_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    seen = found()
    assert seen["[core] load_examples"].grade is Grade.GOOD
    assert seen["airflow.cfg"].found == "there is none: the environment says everything"
    assert not (tmp_path / "home").exists()


def test_at_a_desk_of_the_compose_file_nothing_is_missed_that_is_kept_from_it_on_purpose(configured):
    bare = "\n".join(line for line in SOUND.splitlines() if "{" not in line)
    configured(bare.replace("host = 127.0.0.1", "host = 0.0.0.0"))
    missed = {one.subject for one in found().values() if one.grade is Grade.BAD}
    assert "[core] fernet_key" in missed  # where nobody said so
    seen = found(composed=doctor.DESK)
    assert {one.grade for one in seen.values()} == {Grade.GOOD, Grade.NOTE}
    assert "docker compose exec api-server" in seen["its keys, its database and its pools"].advice
    assert "[api] host" not in seen


def test_in_airflow_s_own_containers_its_keys_are_looked_at(configured, metadata):
    configured(SOUND.format(secret="short", url=as_airflow_writes(metadata)))
    assert found(composed="airflow")["[core] fernet_key"].grade is Grade.BAD
