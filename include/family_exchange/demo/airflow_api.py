"""Airflow's REST API, as one logged-in person sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

WITHIN = 120.0
"""Seconds that one answer may take."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A required action: one human-in-the-loop task that waits for a person."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    subject: str
    options: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where it is answered."""
        return f"dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{self.task_id}/{self.map_index}/hitlDetails"


class Api:
    """The API with one person's token; close it, or use it as a context manager."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        answer = httpx.post(
            f"{base_url}/auth/token", json={"username": user, "password": password}, timeout=WITHIN
        ).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        self._client = httpx.Client(base_url=f"{base_url}/api/v2/", headers=headers, timeout=WITHIN)
        self.user = user

    def __enter__(self) -> Self:
        """Itself, logged in."""
        return self

    def __exit__(self, *_: object) -> None:
        """No connection is open."""
        self.close()

    def close(self) -> None:
        """The connection is closed."""
        self._client.close()

    def get(self, path: str, **parameters: Any) -> Json:  # noqa: ANN401 - query parameters of any plain type
        """What the API says."""
        body: Json = self._client.get(path, params=parameters).raise_for_status().json()
        return body

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """What the API says after the change."""
        answer = self._client.request(method, path, json=body).raise_for_status()
        told: Json = answer.json() if answer.content else {}
        return told

    def every(self, path: str, key: str, **parameters: Any) -> list[Json]:  # noqa: ANN401 - as above
        """All items under `key`, page after page."""
        items: list[Json] = []
        while True:
            page = self.get(path, limit=100, offset=len(items), **parameters)
            items += page[key]
            if not page[key] or len(items) >= page["total_entries"]:
                return items

    def dags(self) -> dict[str, Json]:
        """Every Dag that Airflow knows, by id."""
        return {dag["dag_id"]: dag for dag in self.every("dags", "dags")}

    def import_errors(self) -> list[str]:
        """What is wrong with Dag files."""
        return [error["stack_trace"] for error in self.every("importErrors", "import_errors")]

    def unpause(self, dag_ids: Iterable[str]) -> None:
        """The Dags run from now on; their files are read again at once, which starts the watching of their assets."""
        tokens = {
            self.send("PATCH", f"dags/{dag_id}?update_mask=is_paused", {"is_paused": False})["file_token"]
            for dag_id in dag_ids
        }
        for token in sorted(tokens):
            self._client.put(f"parseDagFile/{token}")  # 409 when it waits to be read already

    def runs(self, dag_id: str = "~") -> list[Json]:
        """The runs of one Dag, or of all, oldest first."""
        return self.every(f"dags/{dag_id}/dagRuns", "dag_runs", order_by="run_after")

    def tasks(self, dag_id: str = "~", run_id: str = "~") -> list[Json]:
        """The task instances of one run, or of all."""
        return self.every(f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def clear(self, dag_id: str, run_id: str, tasks: Iterable[str | tuple[str, int]] | None = None) -> int:
        """The number of task instances that will run again; without `tasks`, the whole run."""
        body: Json = {"dry_run": False, "dag_run_id": run_id, "only_failed": False}
        if tasks is not None:
            body["task_ids"] = [task if isinstance(task, str) else list(task) for task in tasks]
        cleared = self.send("POST", f"dags/{dag_id}/clearTaskInstances", body)
        return int(cleared["total_entries"])

    def events(self) -> list[Json]:
        """Every asset event, oldest first."""
        return self.every("assets/events", "asset_events", order_by="timestamp")

    def questions(self) -> list[Question]:
        """The required actions that nobody has answered, oldest first."""
        path = "dags/~/dagRuns/~/hitlDetails"
        waiting = self.every(path, "hitl_details", response_received=False, order_by="created_at")
        return [_question(detail) for detail in waiting if detail["task_instance"]["state"] == "awaiting_input"]

    def answer(self, question: Question, choice: str, **filled_in: str | None) -> None:
        """The question is answered, in this person's name."""
        self.send("PATCH", question.path, {"chosen_options": [choice], "params_input": filled_in})


@dataclass(frozen=True, slots=True)
class LogIns:
    """Where Airflow is, and who may log in there."""

    base_url: str
    passwords: Mapping[str, str] = field(repr=False)

    def log_in(self, user: str) -> Api:
        """The API, as `user` sees it."""
        return Api(self.base_url, user, self.passwords[user])


def _question(detail: Json) -> Question:
    task = detail["task_instance"]
    return Question(
        dag_id=task["dag_id"],
        run_id=task["dag_run_id"],
        task_id=task["task_id"],
        map_index=task["map_index"],
        subject=detail["subject"],
        options=tuple(detail["options"]),
    )
