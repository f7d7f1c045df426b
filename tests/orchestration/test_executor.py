import subprocess
import sys

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
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_libraries_are_shared_before_workers_are_started(monkeypatch):
    done = []
    monkeypatch.setattr(executor, "import_module", done.append)
    monkeypatch.setattr(executor.LocalExecutor, "start", lambda _: done.append("workers"))
    executor.WarmLocalExecutor(parallelism=1).start()
    assert done == [*executor.SHARED, "workers"]
