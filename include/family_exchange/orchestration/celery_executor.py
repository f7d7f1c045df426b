"""Airflow's CeleryExecutor for many machines, which sends again what the broker lost on the way to a worker.

Valkey and Redis take a message off a queue when they hand it out, and the worker notes only then that it has it. A
worker that dies in between, or whose connection is dead and not yet known to be, loses the message; so does a broker
that is killed before it has written what it was told last. The task stays `queued`, and Airflow (3.3.2) waits ten
minutes before it wonders.

Here a task that no worker has begun is looked for in the broker. When it is neither in a queue nor with a worker, twice
and for some seconds, it is sent again under its own number. Should a worker have it after all, Airflow's API lets only
one begin (docs/adr/0065-a-task-is-offered-again-soon.md).
"""

import json
import logging
from collections.abc import Iterable, Sequence
from itertools import chain
from time import monotonic
from typing import Any

from airflow.providers.celery.executors.celery_executor import CeleryExecutor
from celery import states
from redis.exceptions import RedisError

from family_exchange.orchestration import queues

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks into the broker, while there are tasks that no worker has begun."""
LOST_AFTER = 10.0
"""Seconds for which a message is nowhere before it counts as lost; a worker notes within milliseconds what it has."""

PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}
"""Seconds for which the scheduler waits for an answer of the broker."""


class Missing:
    """Since when each message has been nowhere."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def lost(self, waiting: Iterable[str], held: frozenset[str], now: float) -> list[str]:
        """The messages that are waited for and were nowhere at this look, at others before, and for long enough.

        What is told lost counts from anew.
        """
        self._since = {each: self._since.get(each, now) for each in waiting if each not in held}
        lost = sorted(each for each, since in self._since.items() if now - since >= LOST_AFTER)
        for each in lost:
            del self._since[each]
        return lost


class SteadyCeleryExecutor(CeleryExecutor):
    """Workers on many machines; a task outlives the loss of its message."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Airflow's own arguments
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # Airflow's class is not typed
        self._sent: dict[Any, Any] = {}
        self._waiting: set[Any] = set()
        self._missing = Missing()
        self._looked = monotonic()

    def _send_workloads(self, workload_tuples_to_send: Sequence[Any]) -> None:
        """Keep what is sent until it has ended."""
        self._sent.update((each[0], each) for each in workload_tuples_to_send)
        super()._send_workloads(workload_tuples_to_send)

    def update_task_state(self, key: Any, state: str, info: Any) -> None:  # noqa: ANN401 - Airflow's own signature
        """Know which tasks nobody has begun."""
        if state == states.PENDING:
            self._waiting.add(key)
        else:
            self._waiting.discard(key)
        super().update_task_state(key, state, info)

    def change_state(self, key: Any, state: Any, info: Any = None, remove_running: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 - Airflow's own signature
        """Forget what has ended."""
        super().change_state(key, state, info, remove_running=remove_running)
        self._sent.pop(key, None)
        self._waiting.discard(key)

    def sync(self) -> None:
        """Ask how the tasks stand; now and then, whether the broker still has those that nobody has begun."""
        super().sync()
        if monotonic() - self._looked >= LOOK_EVERY:
            self._looked = monotonic()
            self._send_again()

    def _send_again(self) -> None:
        self._sent = {key: sent for key, sent in self._sent.items() if key in self.workloads}
        self._waiting = {key for key in self._waiting if key in self.workloads}
        waiting = {str(self.workloads[key].task_id): key for key in self._waiting}
        held = self._held() if waiting else frozenset()
        if held is None:
            return
        for each in self._missing.lost(waiting, held, monotonic()):
            key = waiting[each]
            if key in self._sent:
                log.warning("the broker lost the message of %s: it is sent again", key)
                self._send_workloads([self._sent[key]])
            else:  # a scheduler before us sent it, and only that one knew what was in it
                self.fail(key, "the broker lost the message of this task")

    def _held(self) -> frozenset[str] | None:
        """The numbers of the tasks that are in a queue or with a worker; None when the broker cannot tell.

        Queues first: what goes from there to a worker meanwhile is seen at least once.
        """
        try:
            with self.celery_app.connection_for_read(transport_options=PATIENCE) as connection:
                if connection.transport.driver_type != "redis":
                    return None
                channel = connection.default_channel
                queued = [channel.client.lrange(queue, 0, -1) for queue in queues.every()]
                with_workers = [json.loads(each)[0] for each in channel.client.hvals(channel.unacked_key)]
        except (RedisError, OSError) as error:
            log.info("the broker cannot be asked now (%s)", type(error).__name__)
            return None
        messages = chain((json.loads(each) for each in chain.from_iterable(queued)), with_workers)
        return frozenset(str(message["headers"]["id"]) for message in messages)
