"""With Celery no report of a first half ends the second (ADR 16), and no lost message holds a task up (ADR 65)."""

from types import SimpleNamespace

import pytest
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.utils.state import TaskInstanceState
from celery.result import AsyncResult

from family_exchange.orchestration import celery_executor
from family_exchange.orchestration.celery_executor import LOST_AFTER, Missing, SteadyCeleryExecutor

ASK = TaskInstanceKey("prepare", "first_sign_off", "run", 1)


@pytest.fixture(scope="module")
def results(server):
    """A database for what workers report."""
    yield server.create_database("reported", "reported").replace("postgresql://", "db+postgresql+psycopg2://", 1)
    server.drop_database("reported", "reported")


@pytest.fixture
def clock(monkeypatch):
    """The time that the executor goes by."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(celery_executor, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def celery(monkeypatch, request, results, clock):
    """The executor; these tests are the broker and the workers."""
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "memory://")
    monkeypatch.setenv("AIRFLOW__CELERY__RESULT_BACKEND", results)
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "only for this test, and as long as such a secret must be")
    made = SteadyCeleryExecutor(parallelism=4)
    sent = []

    def hand_over(half):
        result = AsyncResult(f"{half} of {request.node.name}", app=made.celery_app)
        monkeypatch.setattr(made, "_send_workloads_to_celery", lambda those: sent.append(half) or [(ASK, None, result)])
        made._send_workloads([(ASK, None, "default", None)])

    def ends(half):
        made.celery_app.backend.store_result(f"{half} of {request.node.name}", None, "SUCCESS")

    yield SimpleNamespace(executor=made, hand_over=hand_over, ends=ends, sent=sent, name=request.node.name)
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


def looks(celery, clock, held, *, seconds):
    """The executor looks every 5 seconds into a broker that has these messages."""
    celery.executor._held = lambda: held
    for _ in range(int(seconds / celery_executor.LOOK_EVERY) + 1):
        clock.seconds += celery_executor.LOOK_EVERY
        celery.executor.sync()


def test_a_message_that_the_broker_lost_is_sent_again(celery, clock):
    celery.hand_over("task")
    looks(celery, clock, frozenset(), seconds=LOST_AFTER)
    assert celery.sent == ["task", "task"]
    assert ASK in celery.executor.running


def test_a_message_that_waits_its_turn_is_not(celery, clock):
    celery.hand_over("task")
    looks(celery, clock, frozenset({f"task of {celery.name}"}), seconds=10 * LOST_AFTER)
    assert celery.sent == ["task"]


def test_nothing_is_sent_again_while_the_broker_cannot_be_asked(celery, clock):
    celery.hand_over("task")
    looks(celery, clock, None, seconds=10 * LOST_AFTER)
    assert celery.sent == ["task"]


def test_a_task_that_has_ended_is_not_sent_again(celery, clock):
    celery.hand_over("task")
    celery.ends("task")
    looks(celery, clock, frozenset(), seconds=10 * LOST_AFTER)
    assert celery.sent == ["task"]


def test_a_lost_message_that_a_scheduler_before_this_one_sent_costs_a_try(celery, clock):
    celery.hand_over("task")
    celery.executor._sent.clear()
    looks(celery, clock, frozenset(), seconds=LOST_AFTER)
    assert state_told(celery) == TaskInstanceState.FAILED


def test_a_broker_of_another_kind_is_not_asked(celery):
    assert celery.executor._held() is None


@pytest.mark.parametrize(
    ("looked_at", "lost"),
    [([0, 5, 10], ["a"]), ([0, 5, 9], []), ([0, 60], ["a"]), ([10], [])],
    ids=["long enough", "not long enough", "looked at late", "once"],
)
def test_a_message_is_lost_when_it_is_nowhere_for_long_enough(looked_at, lost):
    missing = Missing()
    assert [missing.lost(["a", "b"], frozenset("b"), float(now)) for now in looked_at][-1] == lost


def test_a_message_that_turns_up_was_not_lost():
    missing = Missing()
    for now, held in [(0, ""), (5, "a"), (10, ""), (15, "")]:
        assert missing.lost(["a"], frozenset(held), float(now)) == []
