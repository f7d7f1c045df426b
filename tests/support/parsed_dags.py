"""Run as a program: parse a Dag folder as Airflow's processor does, and print what was found as JSON.

A socket that anybody tries to connect while the files are parsed ends it: parsing opens no connection.
"""

import inspect
import json
import socket
import subprocess
import sys
import typing
from pathlib import Path
from time import process_time

HEAVY = ("asyncssh", "duckdb", "great_expectations", "numpy", "pandas", "paramiko", "polars", "psycopg", "splink")


def parse(dags: Path, include: Path, airflow_home: Path, **settings: str) -> dict:
    """What the folder's Dags are, parsed in a fresh process that sees nothing of ours but `include`."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(include), "AIRFLOW_HOME": str(airflow_home), **settings}
    done = subprocess.run(
        [sys.executable, __file__, str(dags)], env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _main(folder: str) -> None:
    started = process_time()
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - the tests' own process stays without it

    def refuse(*_arguments):
        raise AssertionError("parsing opened a connection")

    socket.socket.connect = refuse
    before, began = set(sys.modules), process_time()
    bag = DagBag(folder)
    told = {
        "seconds": process_time() - began,
        "loading": began - started,
        "heavy": sorted(name for name in HEAVY if name in set(sys.modules) - before),
        "errors": {Path(name).name: text for name, text in bag.import_errors.items()},
        "dags": {dag.dag_id: _dag(dag) for dag in bag.dags.values()},
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")


def _dag(dag) -> dict:
    scheduled = list(_assets(getattr(dag.timetable, "asset_condition", None)))
    return {
        "file": Path(dag.fileloc).name,
        "doc": dag.doc_md or "",
        "tags": sorted(dag.tags),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "timetable": type(dag.timetable).__name__,
        "schedule": [asset.name for asset in scheduled],
        "rung_by": type(getattr(dag.timetable, "asset_condition", None)).__name__,
        "watched": sorted(asset.name for asset in scheduled if asset.watchers),
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
    }


def _assets(condition):
    if hasattr(condition, "watchers"):
        yield condition
    for part in getattr(condition, "objects", ()):
        yield from _assets(part)


def _task(task) -> dict:
    work = getattr(task, "python_callable", None)
    if work is None and hasattr(task, "op_kwargs_expand_input"):
        work = task.partial_kwargs.get("python_callable")
    hints = typing.get_type_hints(inspect.unwrap(work)) if work else {}
    return {
        "operator": task.operator_name,
        "owner": task.owner,
        "retries": task.retries,
        "queue": task.queue,
        "pool": task.pool,
        "pod": (task.executor_config or {}).get("pod_template_file"),
        "policy": type(task.retry_policy).__name__,
        "rules": [rule.exception_path.rpartition(".")[2] + ":" + rule.action.value for rule in task.retry_policy.rules],
        "guarded": bool(getattr(work, "is_guarded", False)) if work else None,
        "returns": str(hints.get("return", "")) if work else None,
        "inlets": [asset.name for asset in task.inlets],
        "outlets": [asset.name for asset in task.outlets],
        "upstream": sorted(task.upstream_task_ids),
        "trigger_rule": str(task.trigger_rule.value),
        "names": sorted(inspect.unwrap(work).__code__.co_names) if work else [],
    }


if __name__ == "__main__":
    _main(sys.argv[1])
