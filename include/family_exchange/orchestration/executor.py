"""Airflow's LocalExecutor, with what tasks import already imported.

A task runs in a fork of a worker, which is a fork of the scheduler. What the scheduler imported before costs a task
nothing: no seconds, and no memory. Great Expectations alone costs seconds in every process that imports it.
"""

import logging
from importlib import import_module
from time import monotonic

from airflow.executors.local_executor import LocalExecutor

log = logging.getLogger(__name__)

SHARED = (
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.sensors.python",
    "family_exchange.orchestration.assets",
    "family_exchange.orchestration.delivering",
    "family_exchange.orchestration.events",
    "family_exchange.orchestration.preparing",
    "family_exchange.stages.acknowledge",
    "family_exchange.stages.deliver",
    "family_exchange.stages.intake",
    "family_exchange.stages.propose",
    "family_exchange.stages.purge",
    "great_expectations",
    "paramiko",
    "psycopg",
    "splink",
)
"""What most tasks need. Not polars: its threads do not live through a fork."""


class WarmLocalExecutor(LocalExecutor):
    """Workers that share the libraries of the tasks."""

    def start(self) -> None:
        """Import first, fork then."""
        began = monotonic()
        for name in SHARED:
            import_module(name)
        log.info("imported what tasks share in %.1f s", monotonic() - began)
        super().start()
