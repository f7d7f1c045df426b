"""What all Dags share: start, owner, retries, the retry policy over our error tree, and the day that a run is for."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, conf

from family_exchange.domain.errors import Busy, DataRefused, NeedsDecision, TryLater
from family_exchange.orchestration.boundary import Unforeseen

OWNER = "family-exchange"
SECTION = "family_exchange"
"""Our section of Airflow's configuration, e.g. `AIRFLOW__FAMILY_EXCHANGE__POLL_SECONDS`."""

LONDON = ZoneInfo("Europe/London")
RECEIPT_WITHIN = timedelta(hours=24)
"""After that a missing receipt is an alarm, not a wait."""

BUSY = timedelta(seconds=30)
"""How long another worker is given to finish."""

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(DataRefused, RetryAction.FAIL, reason="the partner must send something else"),
        RetryRule(NeedsDecision, RetryAction.FAIL, reason="a person must decide or repair something"),
        RetryRule(Busy, RetryAction.RETRY, retry_delay=BUSY, reason="another worker is at it"),
        RetryRule(TryLater, RetryAction.RETRY, reason="the same call may work later"),
        RetryRule(Unforeseen, RetryAction.RETRY, reason="nobody foresaw this; it may pass"),
    ]
)
"""Who must act decides: a red task means that somebody here must, and its message says what to do.

Refusals and decisions (a missing setting, a full disk, a server that is not the pinned one) fail at once; what another
worker holds is asked for again soon; everything else is tried again, slower each time. A quarantined file is no error.
"""


def poll_seconds() -> int:
    """Seconds between two looks at a drop zone or for a receipt; `poll_seconds` in our section."""
    return int(conf.getint(SECTION, "poll_seconds", fallback=60))


def _retry_seconds() -> int:
    return int(conf.getint(SECTION, "retry_seconds", fallback=5))


DAG: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=LONDON),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": OWNER,
        "retries": 9,
        "retry_delay": timedelta(seconds=_retry_seconds()),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": RETRY_POLICY,
    },
}
"""Arguments of every Dag. One run of a Dag at a time: each has one writer."""


def day_of(dag_run: Any) -> date:  # noqa: ANN401 - Airflow's run-time object has no public type
    """The London day for which a run works; clearing its tasks weeks later does not change it."""
    moment: datetime = dag_run.run_after
    return moment.astimezone(LONDON).date()
