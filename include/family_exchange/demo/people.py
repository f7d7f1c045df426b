"""The scripted people of the demo: they log in under their own names and answer what Airflow asks them.

Two different people sign a return off; whoever answered one sign-off of a run leaves the other alone.
"""

from collections.abc import Callable
from datetime import date
from typing import Protocol, Self

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


class LogsIn(Protocol):
    """Where the cast logs in: our own Airflow, or one that somebody else runs."""

    def log_in(self, user: str, /) -> Api:
        """The API, as `user` sees it."""


class People:
    """The cast, logged in; close them when the play is over."""

    def __init__(
        self,
        airflow: LogsIn,
        *,
        since: date | None = None,
        leave: Callable[[Question], bool] = lambda _: False,
        before: Callable[[Question], None] = lambda _: None,
    ) -> None:
        self._since, self._before = since, before
        self._apis: dict[str, Api] = {name: airflow.log_in(name) for name in {who for who, _ in ANSWERS.values()}}
        self._watcher = next(iter(self._apis.values()))
        self._leave = leave

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
        """The questions that waited and are now answered, each by the person whose part it is."""
        answered = self.waiting()
        for question in answered:
            self._before(question)
            who, choice = ANSWERS[question.task_id]
            filled_in: dict[str, str | None] = {}
            if question.task_id == "decide":
                since = self._since.isoformat() if self._since else None
                filled_in = {"reason": REASON, "supported_since": since}  # Airflow wants every field of the form
            self._apis[who].answer(question, choice, **filled_in)
        return answered
