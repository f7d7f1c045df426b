"""Every end of a file comes with something that its partner can do."""

import re

import pytest

from family_exchange.domain.advice import CONTACT, REASONS, next_step
from family_exchange.domain.file import ENDS, Reason, State, Verdict


def test_there_is_advice_for_every_reason():
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_advice_is_whole_sentences_of_its_own(reason):
    words = REASONS[reason]
    assert re.fullmatch(r"[A-Z].+\.", words)
    assert list(REASONS.values()).count(words) == 1
    assert reason.value not in words


@pytest.mark.parametrize("reason", Reason)
def test_advice_names_an_act(reason):
    act = r"\b(?:send|sign|speak|split|register|ask|remove|mend|make|give|nothing to do)\b"
    assert re.search(act, REASONS[reason], re.IGNORECASE)


def test_the_reason_says_more_than_the_verdict():
    assert next_step(State.QUARANTINED, Verdict.REFUSED, Reason.UNSIGNED) == REASONS[Reason.UNSIGNED]
    assert next_step(State.QUARANTINED, Verdict.REFUSED, None) != REASONS[Reason.UNSIGNED]


@pytest.mark.parametrize("state", ENDS - {State.CLOSED, State.QUARANTINED})
def test_a_final_end_says_more_than_the_reason(state):
    ended = next_step(state, Verdict.REFUSED, Reason.STALE)
    assert ended not in {REASONS[Reason.STALE], CONTACT}
    assert ended == next_step(state, None, None)


def test_each_verdict_has_its_own_next_step():
    steps = {next_step(State.CLOSED, verdict, None) for verdict in Verdict}
    assert len(steps) == len(Verdict)
    assert "Nothing to do" in next_step(State.CLOSED, Verdict.ACCEPTED, None)


def test_without_verdict_and_reason_a_person_is_asked():
    assert next_step(State.SEEN, None, None) == CONTACT
