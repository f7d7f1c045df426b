from datetime import UTC, date, datetime

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskAwaitingInput

from family_exchange.domain.errors import NeedsDecision
from family_exchange.orchestration.answers import (
    ACCEPT,
    APPROVE,
    GROUNDS,
    LEAVE,
    LEAVE_OPEN,
    REASONS,
    REJECT,
    RELEASE,
    read,
)
from family_exchange.orchestration.boundary import Unforeseen
from family_exchange.orchestration.sign_off import Decide, SignOff, Voice, person


def answered(by, *options, **filled_in):
    who = {"id": "7", "name": by} if by else None  # as the FAB auth manager tells it
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
        "2026-11-22T00:00:00+00:00",
    ]
    assert decide.execute_complete({}, answered("anna", ACCEPT))[:4] == [ACCEPT, REASONS[0], "", "anna"]


def test_a_decision_is_read_back_with_its_moment():
    with DAG("decide", schedule=None):
        decide = Decide(task_id="decide", subject="Decide")
    told = decide.execute_complete({}, answered("anna", ACCEPT, reason=REASONS[1], supported_since="2026-04-01"))
    asked = datetime(2026, 11, 20, tzinfo=UTC)
    assert read(told, asked=asked) == {
        "outcome": "accepted",
        "reason": REASONS[1],
        "supported_since": date(2026, 4, 1),
        "decided_by": "anna",
        "said_at": datetime(2026, 11, 22, tzinfo=UTC),
    }
    assert read(told[:4], asked=asked)["said_at"] == asked
    assert read([LEAVE_OPEN, *told[1:]], asked=asked) is None


def test_free_text_is_refused_and_not_repeated_because_it_could_name_somebody(caplog):
    with DAG("decide", schedule=None):
        decide = Decide(task_id="decide", subject="Decide")
    with pytest.raises(Unforeseen) as caught:
        decide.execute_complete({}, answered("anna", ACCEPT, reason="Zebedee said so", supported_since=None))
    assert "Zebedee" not in str(caught.value) + caplog.text


def test_a_person_is_known_by_log_in():
    assert person(answered("anna", APPROVE)) == "anna"


@pytest.fixture
def voice(monkeypatch):
    def ask_again(_self, _context):
        raise TaskAwaitingInput(method_name="execute_complete")

    monkeypatch.setattr(Voice, "execute", ask_again)
    with DAG("release", schedule=None):
        return Voice(task_id="second_voice", subject="Second", body="…", others=[[RELEASE, GROUNDS[0], "anna"]])


@pytest.mark.parametrize(
    ("answer", "ground"), [(RELEASE, "partner_confirmed"), (REJECT, "partner_withdrew"), (LEAVE, "not_trusted")]
)
def test_a_voice_about_a_file_is_an_answer_a_ground_and_a_person(voice, answer, ground):
    assert voice.execute_complete({}, answered("ben", answer, ground=ground)) == [answer, ground, "ben"]


@pytest.mark.parametrize(
    ("by", "answer", "ground"),
    [
        ("anna", RELEASE, "partner_confirmed"),
        ("anna", REJECT, "partner_withdrew"),
        ("ben", RELEASE, "not_trusted"),
        ("ben", REJECT, "expected_change"),
    ],
)
def test_one_who_spoke_before_or_whose_ground_does_not_go_with_the_answer_is_asked_again(voice, by, answer, ground):
    with pytest.raises(TaskAwaitingInput):
        voice.execute_complete({}, answered(by, answer, ground=ground))


def test_one_who_spoke_before_may_leave_the_file_where_it_is(voice):
    assert voice.execute_complete({}, answered("anna", LEAVE)) == [LEAVE, GROUNDS[0], "anna"]


def test_nobodys_silence_releases_a_file(voice):
    with pytest.raises(NeedsDecision, match="no named person"):
        voice.execute_complete({}, answered(None, RELEASE))
