"""A real Airflow, started as the demo starts it, without any council's settings; then Ctrl-C."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import psutil
import pytest

from family_exchange.adapters import profiles
from family_exchange.demo import airflow
from family_exchange.demo.airflow_api import Api
from family_exchange.orchestration import pools

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
COUNCIL = profiles.councils()[0]
PATIENCE = 900
"""Seconds, for a machine that has much else to do."""
PROGRAM = f"""
import json, sys, time
from pathlib import Path
from family_exchange.demo import airflow
home, metadata, dags = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
served = {{"AIRFLOW__FAMILY_EXCHANGE__COUNCILS": "{COUNCIL}"}}
with airflow.running(home, metadata, served, dags=dags) as up:
    up.await_dags(lambda ids: "purge_{COUNCIL}" in ids and "receive_{COUNCIL}_police_incidents" in ids)
    print(json.dumps([up.base_url, dict(up.passwords)]), flush=True)
    time.sleep(7200)
"""


@pytest.fixture(scope="module")
def up(server, open_folder):
    home, site = open_folder / "airflow", open_folder / "site"
    for part in ("dags", "plugins"):
        shutil.copytree(ROOT / part, site / part, ignore=shutil.ignore_patterns("__pycache__"))
    metadata = server.create_database("airflow_alone", "airflow_alone")
    command = [sys.executable, "-c", PROGRAM, home, metadata, site / "dags"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "include")}
    program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with program:
        base_url, passwords = json.loads(program.stdout.readline() or "[null, {}]")
        yield SimpleNamespace(home=home, dags=site / "dags", base_url=base_url, passwords=passwords, program=program)
        program.send_signal(signal.SIGINT)
    server.drop_database("airflow_alone", "airflow_alone")


@pytest.fixture(scope="module")
def api(up):
    with Api(up.base_url, "visitor", up.passwords["visitor"]) as visitor:
        yield visitor


def alive(home):
    """Processes that work for the Airflow of `home`."""
    found = []
    for process in psutil.process_iter():
        try:
            at_home = Path(process.cwd()).is_relative_to(home)
            if process.status() != psutil.STATUS_ZOMBIE and (at_home or str(home) in " ".join(process.cmdline())):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_every_dag_of_the_council_is_known_and_nothing_is_wrong(api):
    assert api.import_errors() == []
    assert {dag_id for dag_id in api.dags() if COUNCIL not in dag_id} == set()


def pools_of(api):
    """Slots by name, of the pools that are ours."""
    return {pool["name"]: pool["slots"] for pool in api.get("pools")["pools"] if pool["name"] != "default_pool"}


def test_every_pool_is_made_when_airflow_starts(api):
    assert pools_of(api) == {pool.name: pool.slots for pool in pools.wanted([COUNCIL])}


def test_a_pool_that_is_lost_is_made_again_and_one_that_was_resized_stays_so(up, api):
    lost, resized = pools.drop_zone(COUNCIL), pools.recipient(COUNCIL)
    program = f"""
from airflow.jobs.job import Job
from airflow.models.pool import Pool
Pool.delete_pool("{lost}")
Pool.create_or_update_pool("{resized}", slots=7, description="more", include_deferred=False)
Job()
"""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "include"), "AIRFLOW_HOME": str(up.home)}
    environment["AIRFLOW__FAMILY_EXCHANGE__COUNCILS"] = COUNCIL
    subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, timeout=PATIENCE)
    assert pools_of(api) == {lost: pools.DROP_ZONE_SLOTS, resized: 7}


def test_everybody_can_log_in_under_their_own_name(up):
    assert set(up.passwords) == set(airflow.ROLES)
    for name, password in up.passwords.items():
        with Api(up.base_url, name, password) as person:
            assert person.get("version")["version"].startswith("3.")


def test_no_log_shows_a_password(up):
    logs = "".join(path.read_text(errors="replace") for path in up.home.glob("*.log"))
    assert len(logs) > 1000
    assert not [name for name, password in up.passwords.items() if password in logs]


def test_a_council_without_settings_fails_at_once_and_says_which_is_missing(up, api):
    dag_id = f"purge_{COUNCIL}"
    api.unpause([dag_id])
    deadline = monotonic() + PATIENCE
    while not (runs := [run for run in api.runs(dag_id) if run["state"] == "failed"]):
        assert monotonic() < deadline
        sleep(0.3)
    plan = next(task for task in api.tasks(dag_id, runs[0]["dag_run_id"]) if task["task_id"] == "plan")
    assert (plan["state"], plan["try_number"]) == ("failed", 1)
    told = "".join(path.read_text() for path in (up.home / "logs").rglob("*.log"))
    assert f"council {COUNCIL} has no setting {COUNCIL.replace('-', '_')}_database" in told


def test_a_run_of_an_earlier_version_shows_the_tasks_and_logs_that_it_had(up, api):
    dag_id, file = f"purge_{COUNCIL}", up.dags / "purge.py"
    run = next(run["dag_run_id"] for run in api.runs(dag_id) if run["state"] == "failed")
    before = {task["task_id"]: task["state"] for task in api.tasks(dag_id, run)}
    file.write_text(
        file.read_text().replace("def plan(", "def list_what_is_due(").replace("= plan()", "= list_what_is_due()")
    )
    api.unpause([dag_id])  # its file is read again at once, also when it waits to be read already
    deadline = monotonic() + PATIENCE
    while "list_what_is_due" not in {task["task_id"] for task in api.get(f"dags/{dag_id}/tasks")["tasks"]}:
        assert monotonic() < deadline
        sleep(0.5)
    assert before["plan"] == "failed"
    assert {task["task_id"]: task["state"] for task in api.tasks(dag_id, run)} == before
    log = api.get(f"dags/{dag_id}/dagRuns/{run}/taskInstances/plan/logs/1")
    assert f"council {COUNCIL} has no setting" in json.dumps(log)


def test_ctrl_c_ends_every_process_that_was_started(up):
    assert len(alive(up.home)) > len(airflow.COMPONENTS)
    up.program.send_signal(signal.SIGINT)
    assert up.program.wait(PATIENCE) != 0
    assert alive(up.home) == []
