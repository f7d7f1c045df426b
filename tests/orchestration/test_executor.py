import subprocess
import sys
from types import SimpleNamespace

import pytest
from airflow.utils.state import TaskInstanceState

from family_exchange.orchestration import executor

PROGRAM = """
import sys, threading
from importlib import import_module
from family_exchange.orchestration import executor
for name in executor.SHARED:
    import_module(name)
assert "polars" not in sys.modules, "its threads do not live through a fork"
assert threading.active_count() == 1, threading.enumerate()
"""


def test_what_tasks_share_can_be_imported_before_a_fork():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr


def test_libraries_are_shared_before_workers_are_started(monkeypatch):
    done = []
    monkeypatch.setattr(executor, "import_module", done.append)
    monkeypatch.setattr(executor.LocalExecutor, "start", lambda _: done.append("workers"))
    executor.OneMachineExecutor(parallelism=1).start()
    assert done == [*executor.SHARED, "workers"]


@pytest.fixture
def at_work(monkeypatch):
    """An executor whose workers are these tests."""
    made = executor.OneMachineExecutor(parallelism=1)
    made.handed_over = []
    monkeypatch.setattr(
        executor.LocalExecutor, "_process_workloads", lambda self, those: self.handed_over.extend(w.key for w in those)
    )
    return made


def test_a_task_that_resumes_waits_until_its_first_half_is_reported(at_work):
    first_half = second_half = SimpleNamespace(key="ask")
    at_work._process_workloads([first_half])
    at_work._process_workloads([second_half, SimpleNamespace(key="other")])
    assert at_work.handed_over == ["ask", "other"]
    at_work.change_state("ask", TaskInstanceState.SUCCESS)
    at_work._process_workloads([second_half])
    assert at_work.handed_over == ["ask", "other", "ask"]


def test_a_failed_task_may_be_tried_again(at_work):
    at_work._process_workloads([SimpleNamespace(key="ask")])
    at_work.change_state("ask", TaskInstanceState.FAILED)
    at_work._process_workloads([SimpleNamespace(key="ask")])
    assert at_work.handed_over == ["ask", "ask"]
