from datetime import UTC, datetime

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskAwaitingInput

from family_exchange.domain.errors import NeedsDecision
from family_exchange.orchestration.answers import ACCEPT, APPROVE, REASONS, REJECT
from family_exchange.orchestration.boundary import Unforeseen
from family_exchange.orchestration.sign_off import Decide, SignOff, person


def answered(by, *options, **filled_in):
    who = {"id": by, "name": by} if by else None
    return {
        "chosen_options": list(options),
        "params_input": filled_in,
        "responded_at": datetime(2026, 11, 22, tzinfo=UTC),
        "responded_by_user": who,
    }


@pytest.fixture
def second(monkeypatch):
    def ask_again(_self, _context):
        raise TaskAwaitingInput(method_name="execute_complete")

    monkeypatch.setattr(SignOff, "execute", ask_again)
    with DAG("prepare", schedule=None):
        return SignOff(task_id="second_sign_off", subject="Second sign-off", others=["anna"])


def test_the_result_is_the_id_of_the_person(second):
    assert second.execute_complete({}, answered("ben", APPROVE)) == "ben"


@pytest.mark.requirement("R-022")
def test_a_yes_of_somebody_who_signed_before_does_not_count(second):
    with pytest.raises(TaskAwaitingInput):
        second.execute_complete({}, answered("anna", APPROVE))


def test_a_no_counts_whoever_says_it(second):
    assert second.execute_complete({}, answered("anna", REJECT)) == "anna"


def test_an_answer_without_a_person_decides_nothing(second):
    with pytest.raises(NeedsDecision, match="no named person"):
        second.execute_complete({}, answered(None, APPROVE))


def test_a_decision_is_told_in_words_of_closed_lists():
    with DAG("decide", schedule=None):
        decide = Decide(task_id="decide", subject="Decide")
    filled_in = {"reason": REASONS[1], "supported_since": "2026-04-01"}
    assert decide.execute_complete({}, answered("anna", ACCEPT, **filled_in)) == [
        ACCEPT,
        REASONS[1],
        "2026-04-01",
        "anna",
    ]
    assert decide.execute_complete({}, answered("anna", ACCEPT)) == [ACCEPT, REASONS[0], "", "anna"]


def test_free_text_is_refused_and_not_repeated_because_it_could_name_somebody(caplog):
    with DAG("decide", schedule=None):
        decide = Decide(task_id="decide", subject="Decide")
    with pytest.raises(Unforeseen) as caught:
        decide.execute_complete({}, answered("anna", ACCEPT, reason="Zebedee said so", supported_since=None))
    assert "Zebedee" not in str(caught.value) + caplog.text


def test_a_person_is_known_by_log_in():
    assert person(answered("anna", APPROVE)) == "anna"
