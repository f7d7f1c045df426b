"""The scripted people of the demo: they log in under their own names and answer what Airflow asks them.

Two different people sign a return off; whoever answered one sign-off of a run leaves the other alone.
"""

from collections.abc import Callable, Iterable
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


class People:
    """The cast, logged in; close them when the play is over."""

    def __init__(self, airflow: Airflow, *, leave: Callable[[Question], bool] = lambda _: False) -> None:
        self._apis: dict[str, Api] = {name: airflow.log_in(name) for name in {who for who, _ in ANSWERS.values()}}
        self._leave = leave

    def __enter__(self) -> Self:
        """Itself, logged in."""
        return self

    def __exit__(self, *_: object) -> None:
        """No connection is open."""
        for api in self._apis.values():
            api.close()

    def waiting(self) -> list[Question]:
        """The required actions that one of the cast would answer now."""
        watcher = next(iter(self._apis.values()))
        return [
            question for question in watcher.questions() if question.task_id in ANSWERS and not self._leave(question)
        ]

    def answer(self, questions: Iterable[Question] | None = None) -> list[Question]:
        """The questions that were answered, each by the person whose part it is; all that wait when none are given."""
        answered = list(self.waiting() if questions is None else questions)
        for question in answered:
            who, choice = ANSWERS[question.task_id]
            filled_in = {"reason": REASON} if question.task_id == "decide" else {}
            self._apis[who].answer(question, choice, **filled_in)
        return answered
