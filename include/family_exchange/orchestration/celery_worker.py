"""What a Celery worker does before its first task: import what tasks share, and show that its heart beats.

Celery imports this module by its setting `imports`, in the parent of its worker processes. Tasks run in forks of those,
so that Great Expectations costs its seconds once for each worker and not once for each task.

The beat is a file whose time is new: Celery touches it when its main loop turns and has sent word to the broker, every
two seconds. A health check that reads a time costs milliseconds; `celery inspect ping` takes two seconds of processor.
"""

import logging
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from celery.signals import heartbeat_sent

from family_exchange.orchestration.boundary import CHATTY
from family_exchange.orchestration.shared import SHARED

log = logging.getLogger(__name__)

BEAT = Path("/tmp/worker.beat")  # noqa: S108 - a tmpfs of the container's own; `docker/airflow/healthcheck.py` reads it


@heartbeat_sent.connect  # type: ignore[untyped-decorator]  # Celery is not typed
def beat(**_: Any) -> None:  # noqa: ANN401 - whatever Celery tells with the signal
    """The file is as new as this beat."""
    BEAT.touch()


def _load() -> None:
    began = monotonic()
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SHARED:
        import_module(name)
    log.info("imported what tasks share in %.1f s", monotonic() - began)


_load()
