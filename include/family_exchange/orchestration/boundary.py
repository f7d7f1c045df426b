"""The task boundary: what a library says about an error stays on this side of it.

The text of a foreign exception may quote a value that somebody typed into a file; Airflow would write it to its logs,
its database and its pages. So every task's work is `guarded`: our own errors pass, control flow passes, and anything
else is reduced to its type and to the places it went through.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSensorTimeout, AirflowSkipException

from family_exchange.adapters import fingerprint
from family_exchange.domain.errors import ExchangeError
from family_exchange.orchestration import queues

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

CONTROL_FLOW = (AirflowSkipException, AirflowRescheduleException, AirflowSensorTimeout)
"""What a task raises to tell Airflow something; never an error."""

CHATTY = ("asyncssh", "fontTools", "great_expectations", "paramiko", "splink", "urllib3")
"""Libraries whose own log lines tell an operator nothing that ours do not."""


class Unforeseen(ExchangeError):
    """Something that nobody foresaw, by its type and the places it went through; tried again a few times."""


def step(**options: Any) -> Callable[[Callable[..., object]], Any]:  # noqa: ANN401 - the options of Airflow's @task
    """A task of a Dag, guarded, whose result is one value of XCom."""
    return lambda work: task(multiple_outputs=False, **queues.ordered(options))(guarded(work))


def wait(**options: Any) -> Callable[[Callable[..., object]], Any]:  # noqa: ANN401 - the options of @task.sensor
    """A task that looks again and again, guarded; between two looks it holds no worker."""
    return lambda work: task.sensor(mode="reschedule", **options)(guarded(work))


def guarded(work: Callable[P, R]) -> Callable[P, R]:
    """`work`, from which only results, control flow and errors of ours come out."""

    @wraps(work)
    def behind_the_boundary(*args: P.args, **kwargs: P.kwargs) -> R:
        failure: ExchangeError
        try:
            with _quiet():
                return work(*args, **kwargs)
        except CONTROL_FLOW:
            raise
        except ExchangeError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the boundary exists to catch whatever a library raises
            failure = reduced(error)
        except BaseException as error:
            if not fingerprint.is_panic(error):  # what stops a task from outside is Airflow's own matter
                raise
            failure = reduced(error)
        # Raised outside the handler: nothing foreign is chained to it, not even hidden.
        failure.__cause__ = failure.__context__ = None
        raise failure

    vars(behind_the_boundary)["is_guarded"] = True  # a test looks for the mark on every task
    return behind_the_boundary


def reduced(error: BaseException) -> ExchangeError:
    """The error as one of ours; its own words are gone, its type and its way through the code are in the log."""
    import psycopg  # noqa: PLC0415 - Dags are parsed without it

    from family_exchange.adapters import database  # noqa: PLC0415 - as above

    log.error("unforeseen %s, raised through %s", fingerprint.kind(error), " > ".join(fingerprint.places(error)))
    if isinstance(error, psycopg.Error):
        return database.reduced(error)
    return Unforeseen(f"unforeseen {fingerprint.of(error)}; the task's log has the way it took")


@contextmanager
def _quiet() -> Iterator[None]:
    """While the block runs, libraries log their warnings only, and Python's warnings are told by category."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for category in sorted({warning.category.__name__ for warning in caught}):
                log.warning("a library warned: %s", category)
