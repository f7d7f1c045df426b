"""A family about whom somebody decided by mistake is not forgotten: it waits for a decision again."""

from datetime import date

import pytest

from family_exchange.adapters.memory import as_known
from family_exchange.stages import propose
from support.programme import BY, WHY, doors, family, register, set_to
from support.register import TODAY

MAY, JUNE, JULY = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
FULLER = ("P1", "P2", "P4")

__all__ = ["doors", "family", "register"]


def decided(register):
    """What counts, by the problems that it was about."""
    return register.run(
        """SELECT p.problems, d.outcome, d.decided_on, d.supported_since FROM register.decision d
             JOIN memory.proposal p USING (proposal_id) ORDER BY cardinality(p.problems)"""
    )


def waiting(doors):
    return [one.family for one in propose.work_list(doors)]


def decide(doors, outcome, **said):
    return propose.decide(
        doors, propose.open_proposals(doors), outcome=outcome, decided_by=BY, reason=WHY, on=TODAY, **said
    )


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize("outcome", ["accepted", "declined", "not_invited"])
def test_a_family_that_was_taken_for_another_is_decided_anew(register, doors, family, outcome):
    (proposal,) = propose.open_proposals(doors)
    set_to(doors, family, outcome, MAY)
    assert waiting(doors) == []
    set_to(doors, family, "identified", MAY, instead_of=MAY)
    assert register.run("SELECT status, lower(valid), upper(valid) FROM register.family_status") == [
        ("identified", MAY, None)
    ]
    assert (waiting(doors), decided(register)) == ([family], [])
    assert (decide(doors, "not_invited"), decide(doors, "not_invited")) == (1, 0)
    assert decided(register) == [(["P1", "P2"], "not_invited", TODAY, None)]
    assert waiting(doors) == []
    assert register.value("SELECT status FROM register.family_status WHERE upper_inf(valid)") == "not_invited"
    set_to(doors, family, "identified", TODAY, instead_of=TODAY)
    assert decide(doors, "accepted", supported_since=JULY) == 1
    assert decided(register) == [(["P1", "P2"], "accepted", TODAY, JULY)]
    assert register.run("SELECT count(*), count(DISTINCT decision_id) FROM memory.decision") == [(3, 3)]
    taken_back = register.audited("register.decisions_taken_back")
    assert taken_back == [
        {"family": family, "taken_back": 1, "proposals": [proposal]},
        {"family": family, "taken_back": 1, "proposals": [proposal]},
    ]


def test_what_was_decided_by_mistake_is_known_of_the_time_before(register, doors, family):
    set_to(doors, family, "declined", MAY)
    before = register.value("SELECT clock_timestamp()")
    set_to(doors, family, "identified", MAY, instead_of=MAY)
    with register.open() as connection:
        as_known(connection, before)
        assert connection.execute("SELECT outcome FROM register.decision").fetchall() == [("declined",)]
        as_known(connection, None)
        assert connection.execute("SELECT outcome FROM register.decision").fetchall() == []


def test_a_decision_whose_day_or_answer_was_wrong_is_replaced_by_the_right_one(register, doors, family):
    set_to(doors, family, "accepted", MAY)
    set_to(doors, family, "accepted", JUNE, instead_of=MAY, reason="the first visit was in June")
    assert decided(register) == [(["P1", "P2"], "accepted", JUNE, JUNE)]
    set_to(doors, family, "declined", JULY, instead_of=JUNE, reason="they said no")
    assert decided(register) == [(["P1", "P2"], "declined", JULY, None)]
    assert waiting(doors) == []


def test_who_is_invited_after_all_has_its_answer_to_give(register, doors, family):
    set_to(doors, family, "accepted", MAY)
    set_to(doors, family, "invited", MAY, instead_of=MAY)
    assert (waiting(doors), decided(register)) == ([], [])
    set_to(doors, family, "declined", JUNE)
    assert decided(register) == [(["P1", "P2"], "declined", JUNE, None)]


def test_what_was_rightly_decided_before_the_mistake_stays(register, doors, family):
    set_to(doors, family, "declined", MAY)
    set_to(doors, family, "invited", JUNE)
    register.proposal(family, problems=FULLER)
    set_to(doors, family, "declined", JULY)
    assert [one[0] for one in decided(register)] == [["P1", "P2"], [*FULLER]]
    set_to(doors, family, "invited", JULY, instead_of=JULY, reason="the answer is not there yet")
    assert decided(register) == [(["P1", "P2"], "declined", MAY, None)]


def test_an_old_entry_is_corrected_without_asking_again_about_a_family_that_joined_since(register, doors, family):
    set_to(doors, family, "declined", MAY)
    set_to(doors, family, "accepted", JULY)
    set_to(doors, family, "invited", MAY, instead_of=MAY)
    assert [one[1] for one in decided(register)] == ["declined"]
    set_to(doors, family, "closed", TODAY)
    assert waiting(doors) == []


def test_a_proposal_whose_decision_was_taken_back_ends_when_nothing_holds_of_it(register, doors, family):
    """Here nothing in the register bears the two problems out: the next run looks at the family, and ends it."""
    propose.families(doors, today=TODAY)
    other = register.family(register.person())
    register.decision(register.proposal(other), outcome="declined", decided_on=MAY)
    propose.families(doors, today=TODAY)
    assert register.value("SELECT count(*) FROM register.proposal WHERE family_id = %s", other) == 1
    set_to(doors, other, "identified", MAY, instead_of=MAY)
    propose.families(doors, today=TODAY)
    assert register.value("SELECT ended FROM register.proposal_history WHERE family_id = %s", other) == "lapsed"
    assert waiting(doors) == []


@pytest.mark.parametrize("before", [True, False])
def test_an_answer_from_before_the_mistake_was_taken_back_decides_nothing(register, doors, family, before):
    """As when somebody clears the task that recorded it, or that found the family decided at the desk."""
    (proposal,) = propose.open_proposals(doors)
    asked = {"outcome": "accepted", "decided_by": BY, "reason": WHY, "on": TODAY, "supported_since": MAY}
    said_at = register.value("SELECT clock_timestamp()")
    if before:
        assert propose.decide(doors, [proposal], said_at=said_at, **asked) == 1
    else:
        set_to(doors, family, "declined", MAY)
    set_to(doors, family, "identified", MAY, instead_of=MAY)
    assert propose.decide(doors, [proposal], said_at=said_at, **asked) == 0
    assert (waiting(doors), decided(register)) == ([family], [])
    assert propose.decide(doors, [proposal], said_at=register.value("SELECT clock_timestamp()"), **asked) == 1
    assert decided(register) == [(["P1", "P2"], "accepted", TODAY, MAY)]


ALL_WRONG = {
    "one after the other": (
        ("declined", MAY, None), ("invited", JUNE, None), ("identified", MAY, MAY), ("identified", JUNE, JUNE),
    ),
    "two answers": (
        ("not_invited", MAY, None), ("accepted", JULY, None), ("identified", MAY, MAY), ("identified", JULY, JULY),
    ),
    "support that ended": (
        ("accepted", MAY, None), ("closed", JUNE, None), ("accepted", JUNE, JUNE), ("identified", MAY, MAY),
        ("identified", JUNE, JUNE),
    ),
    "an answer in place of another on its day": (
        ("not_invited", MAY, None), ("accepted", MAY, None), ("identified", MAY, MAY),
    ),
}  # fmt: skip


@pytest.mark.parametrize("entries", ALL_WRONG.values(), ids=ALL_WRONG.keys())
def test_once_everything_was_a_mistake_the_family_waits_for_a_decision(register, doors, family, entries):
    for to, on, instead_of in entries:
        set_to(doors, family, to, on, instead_of=instead_of)
    assert (waiting(doors), decided(register)) == ([family], [])


def test_an_answer_of_an_earlier_day_than_the_invitation_is_a_mistake_like_any_other(register, doors, family):
    (proposal,) = propose.open_proposals(doors)
    set_to(doors, family, "invited", JULY)
    said = {"outcome": "declined", "decided_by": BY, "reason": WHY, "on": JUNE}
    assert propose.decide(doors, [proposal], **said) == 1
    set_to(doors, family, "identified", JULY, instead_of=JULY)
    assert (waiting(doors), decided(register)) == ([family], [])


def test_an_old_entry_that_belongs_to_another_day_leaves_the_later_answer(register, doors, family):
    set_to(doors, family, "declined", MAY)
    set_to(doors, family, "invited", JUNE)
    register.proposal(family, problems=FULLER)
    set_to(doors, family, "declined", JULY)
    set_to(doors, family, "invited", TODAY, instead_of=MAY)
    assert (["P1", "P2", "P4"], "declined", JULY, None) in decided(register)


def test_the_newest_entry_is_taken_back_also_when_its_correction_is_an_older_one(register, doors, family):
    set_to(doors, family, "not_invited", JUNE)
    register.proposal(family, problems=FULLER)
    set_to(doors, family, "declined", JULY)
    set_to(doors, family, "invited", MAY, instead_of=JULY)
    assert decided(register) == [(["P1", "P2"], "not_invited", JUNE, None)]
    assert waiting(doors) == [family]


def test_a_corrected_answer_is_about_the_proposals_that_it_was_about(register, doors, family):
    set_to(doors, family, "declined", MAY)
    register.proposal(family, problems=FULLER, proposed_on=JULY)
    set_to(doors, family, "declined", JUNE, instead_of=MAY)
    assert decided(register) == [(["P1", "P2"], "declined", JUNE, None)]
    assert waiting(doors) == [family]
