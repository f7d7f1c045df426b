"""Airflow's LocalExecutor for one machine, with two changes.

*What tasks import is imported already* (see `shared`): a task runs in a fork of a worker, which is a fork of the
scheduler.

*A task that resumes waits until its first half is reported.* A task that asked a person ends, and goes on under the
same key when it is answered. LocalExecutor (Airflow 3.3.2) starts the second half at once; when the report of the first
comes in later, the scheduler takes the second for lost, kills it, and the person is asked again.
"""

import logging
from collections.abc import Sequence
from importlib import import_module
from time import monotonic
from typing import Any

from airflow.executors.local_executor import LocalExecutor
from airflow.utils.state import TaskInstanceState

from family_exchange.orchestration.shared import SHARED

log = logging.getLogger(__name__)

REPORTED = frozenset({TaskInstanceState.SUCCESS, TaskInstanceState.FAILED})


class OneMachineExecutor(LocalExecutor):
    """Workers that share the libraries of the tasks, and never two of them at one task."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # Airflow's class is not typed
        self._at_work: set[object] = set()

    def start(self) -> None:
        """Import first, fork then."""
        began = monotonic()
        for name in SHARED:
            import_module(name)
        log.info("imported what tasks share in %.1f s", monotonic() - began)
        super().start()

    def _process_workloads(self, workload_list: Sequence[Any]) -> None:
        """Hand over what no worker is at; the rest stays queued, and the scheduler knows that it is."""
        ready = [workload for workload in workload_list if workload.key not in self._at_work]
        self._at_work.update(workload.key for workload in ready)
        super()._process_workloads(ready)  # type: ignore[no-untyped-call]  # as above

    def change_state(self, key: Any, state: Any, info: Any = None, remove_running: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 - Airflow's own signature
        """A report of a worker: whatever waits under `key` may start."""
        super().change_state(key, state, info, remove_running)
        if state in REPORTED:
            self._at_work.discard(key)
