"""What ADR 16 mends for one machine is not amiss with Celery: no report of a task's first half ends its second."""

from types import SimpleNamespace

import pytest
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.providers.celery.executors.celery_executor import CeleryExecutor
from airflow.utils.state import TaskInstanceState
from celery.result import AsyncResult

ASK = TaskInstanceKey("prepare", "first_sign_off", "run", 1)


@pytest.fixture(scope="module")
def results(server):
    """A database for what workers report."""
    yield server.create_database("reported", "reported").replace("postgresql://", "db+postgresql+psycopg2://", 1)
    server.drop_database("reported", "reported")


@pytest.fixture
def celery(monkeypatch, request, results):
    """Airflow's own executor; these tests are the broker and the workers."""
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "memory://")
    monkeypatch.setenv("AIRFLOW__CELERY__RESULT_BACKEND", results)
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only for this test, and as long as such a secret must be")
    made = CeleryExecutor(parallelism=4)

    def hand_over(half):
        result = AsyncResult(f"{half} of {request.node.name}", app=made.celery_app)
        monkeypatch.setattr(made, "_send_workloads_to_celery", lambda those: [(ASK, None, result)])
        made._send_workloads([(ASK, None, "default", None)])

    def ends(half):
        made.celery_app.backend.store_result(f"{half} of {request.node.name}", None, "SUCCESS")

    yield SimpleNamespace(executor=made, hand_over=hand_over, ends=ends)
    made.celery_app.backend.ResultSession().get_bind().dispose()


def state_told(celery):
    """What the scheduler hears next of the task."""
    return celery.executor.get_event_buffer()[ASK][0]


def test_a_task_that_resumes_is_not_ended_by_the_late_report_of_its_first_half(celery):
    celery.hand_over("first half")
    celery.ends("first half")
    celery.hand_over("second half")  # answered before anybody asked how the first half went
    celery.executor.sync()
    assert state_told(celery) == TaskInstanceState.QUEUED
    assert ASK in celery.executor.running


def test_the_report_of_the_second_half_ends_it(celery):
    celery.hand_over("first half")
    celery.hand_over("second half")
    celery.ends("second half")
    celery.executor.sync()
    assert state_told(celery) == TaskInstanceState.SUCCESS
    assert ASK not in celery.executor.running
