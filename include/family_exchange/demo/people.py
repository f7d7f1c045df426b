"""The scripted people of the demo: they log in under their own names and answer what Airflow asks them.

Two different people sign a return off; whoever answered one sign-off of a run leaves the other alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Self

from family_exchange.demo.airflow import Airflow
from family_exchange.demo.airflow_api import Api, Question
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD, REASON
from family_exchange.orchestration.answers import ACCEPT, APPROVE

ANSWERS: dict[str, tuple[str, str]] = {
    "decide": (PROGRAMME_LEAD, ACCEPT),
    "first_sign_off": (PROGRAMME_LEAD, APPROVE),
    "second_sign_off": (OFFICER, APPROVE),
    "approve": (OFFICER, APPROVE),
}
"""Who answers which task, and how; what stands here nowhere is left to a person of flesh and blood."""


THINKS = 1.5
"""Seconds for which a question lies before the cast at least."""
BEATS = 3
"""Heartbeats of the scheduler that must have been seen after that: between the first and the last it has heard that the
worker, which asked, has ended. It takes an answer that comes sooner for a failure of that worker, and asks again."""


class People:
    """The cast, logged in; close them when the play is over."""

    def __init__(
        self, airflow: Airflow, *, since: date | None = None, leave: Callable[[Question], bool] = lambda _: False
    ) -> None:
        self._since = since
        self._apis: dict[str, Api] = {name: airflow.log_in(name) for name in {who for who, _ in ANSWERS.values()}}
        self._watcher = next(iter(self._apis.values()))
        self._leave = leave
        self._seen: dict[Question, _Seen] = {}

    def __enter__(self) -> Self:
        """Itself, logged in."""
        return self

    def __exit__(self, *_: object) -> None:
        """No connection is open."""
        for api in self._apis.values():
            api.close()

    def waiting(self) -> list[Question]:
        """The required actions that are for one of the cast, oldest first."""
        return [each for each in self._watcher.questions() if each.task_id in ANSWERS and not self._leave(each)]

    def answer(self) -> list[Question]:
        """The questions answered now, each by the person whose part it is; newer ones are left for the next time."""
        now, beat = monotonic(), self._watcher.get("monitor/health")["scheduler"]["latest_scheduler_heartbeat"]
        self._seen = {question: self._seen.get(question, _Seen(now)) for question in self.waiting()}
        answered = [question for question, seen in self._seen.items() if seen.long_enough(now, beat)]
        for question in answered:
            who, choice = ANSWERS[question.task_id]
            filled_in: dict[str, str] = {}
            if question.task_id == "decide":
                filled_in = {"reason": REASON} | ({"supported_since": self._since.isoformat()} if self._since else {})
            self._apis[who].answer(question, choice, **filled_in)
        return answered


@dataclass(slots=True)
class _Seen:
    """When a question was first seen, and which heartbeats were seen since."""

    since: float
    beats: set[str] = field(default_factory=set)

    def long_enough(self, now: float, beat: str) -> bool:
        if now - self.since >= THINKS:
            self.beats.add(beat)
        return len(self.beats) >= BEATS
