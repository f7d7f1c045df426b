"""After everything: no word of anybody's name stands where it may not."""

import pytest

from compose import cast, stack, work, world
from support import invariants


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """Everything that was left anywhere but in the council's database: logs, disks, Airflow's database, the broker."""
    folder = tmp_path_factory.mktemp("traces")
    (folder / "containers.log").write_text(stack.compose("logs", "--no-color"))
    dump = ("exec", "-T", "airflow-db", "pg_dump", "-U", "postgres", "--inserts", "airflow")
    (folder / "airflow.sql").write_text(stack.compose(*dump))
    volumes = ("logs", "drop", "state", "settings", "accounts", "valkey", "metrics")
    return (folder, *(stack.volume(name) for name in volumes))


def test_nobody_s_name_is_in_a_log_a_disk_or_airflow_s_database(traces):
    assert sum(1 for _ in invariants.each_file(traces)) > 100
    assert invariants.leaks(traces, cast.canaries()) == []


def test_the_words_are_those_of_people_in_the_register():
    words = list(cast.canaries())
    with work.ledger() as connection:
        found = connection.execute(
            "SELECT count(*) FROM memory.source_record WHERE surname ~ ANY(%s) OR facts::text ~ ANY(%s)", (words, words)
        ).fetchone()[0]
    assert found > 0, "the words are nobody's: the test above looks for nothing"


def test_what_was_dropped_while_things_broke_is_in_the_register_once():
    with work.ledger() as connection:
        waiting = "SELECT count(*) FROM exchange.file WHERE state = 'CLOSED' AND registered_at IS NULL"
        stack.until("the register", lambda: connection.execute(waiting).fetchone() == (0,), within=240)
    assert invariants.broken(invariants.Scene(world.doors(), cast.recipient())) == []
