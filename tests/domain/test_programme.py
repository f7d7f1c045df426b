from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import programme
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.programme import MOVES, Decision, Standing, Status, Withdrawn
from family_exchange.domain.spells import Spell

TODAY = date(2026, 11, 22)
JAN, FEB, MAR, APR = (date(2026, month, 1) for month in range(1, 5))
S = Status


def standing(status):
    return Standing(status, "Lead Worker A", "agreed")


def history(*entries):
    told = ()
    for status, on in entries:
        told = programme.changed(told, standing(status), on)
    return told


def statuses(told):
    return [(str(one.what.status), one.from_on, one.until) for one in told]


@pytest.mark.requirement("R-021")
@pytest.mark.requirement("R-037")
def test_the_statuses_are_a_closed_list():
    assert [str(status) for status in Status] == [
        "identified",
        "invited",
        "accepted",
        "declined",
        "not_invited",
        "closed",
    ]
    assert set(MOVES) == set(Status)


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_family_moves_as_the_machine_allows_and_no_other_way(before, after):
    told = (Spell(standing(before), JAN),)
    if after in MOVES[before]:
        assert programme.status_on(programme.changed(told, standing(after), FEB), FEB) is after
    else:
        with pytest.raises(NeedsDecision):
            programme.changed(told, standing(after), FEB)


def test_support_ends_by_closing_alone_and_begins_by_acceptance_alone():
    assert MOVES[S.ACCEPTED] == {S.CLOSED}
    assert [before for before in Status if S.CLOSED in MOVES[before]] == [S.ACCEPTED]
    assert all(S.IDENTIFIED not in after for after in MOVES.values())


def test_nobody_has_a_status_before_somebody_decided():
    assert programme.status_on(history((S.INVITED, FEB)), JAN) is None


def test_a_family_is_invited_and_accepts_on_one_day():
    assert statuses(history((S.INVITED, JAN), (S.ACCEPTED, JAN))) == [("accepted", JAN, None)]


def test_a_family_is_not_accepted_and_closed_on_one_day():
    with pytest.raises(NeedsDecision, match="can become"):
        history((S.ACCEPTED, JAN), (S.CLOSED, JAN))


def test_an_entry_of_the_past_ends_where_the_next_one_begins():
    assert statuses(history((S.ACCEPTED, MAR), (S.INVITED, JAN))) == [("invited", JAN, MAR), ("accepted", MAR, None)]


def test_an_entry_of_the_past_that_the_next_one_cannot_follow_is_refused_and_the_error_says_what_to_do():
    with pytest.raises(NeedsDecision, match="--instead-of 2026-03-01"):
        history((S.DECLINED, MAR), (S.ACCEPTED, JAN))


def test_saying_again_what_is_so_is_refused():
    with pytest.raises(NeedsDecision, match="already"):
        history((S.ACCEPTED, JAN), (S.ACCEPTED, FEB))


def test_a_wrong_day_is_corrected():
    told = programme.changed(history((S.INVITED, JAN), (S.ACCEPTED, MAR)), standing(S.ACCEPTED), FEB, instead_of=MAR)
    assert statuses(told) == [("invited", JAN, FEB), ("accepted", FEB, None)]


def test_a_wrong_entry_is_corrected_to_what_was_before():
    told = programme.changed(history((S.INVITED, JAN), (S.ACCEPTED, MAR)), standing(S.INVITED), MAR, instead_of=MAR)
    assert statuses(told) == [("invited", JAN, MAR), ("invited", MAR, None)]


def test_a_family_that_was_taken_for_another_is_identified_again_and_only_so():
    told = history((S.ACCEPTED, MAR))
    corrected = programme.changed(told, standing(S.IDENTIFIED), MAR, instead_of=MAR)
    assert statuses(corrected) == [("identified", MAR, None)]
    with pytest.raises(NeedsDecision, match="nobody records it"):
        programme.changed((), standing(S.IDENTIFIED), MAR)


@pytest.mark.parametrize(
    ("before", "after", "instead_of", "goes"),
    [
        (((S.DECLINED, JAN), (S.ACCEPTED, MAR)), ((S.DECLINED, JAN),), MAR, Withdrawn(frozenset({S.ACCEPTED}), MAR)),
        (((S.DECLINED, JAN), (S.ACCEPTED, MAR)), ((S.ACCEPTED, MAR),), JAN, None),
        (((S.INVITED, JAN), (S.ACCEPTED, MAR)), ((S.INVITED, JAN), (S.ACCEPTED, MAR)), None, None),
        (((S.INVITED, JAN),), ((S.ACCEPTED, JAN),), JAN, None),
    ],
)
def test_what_was_decided_with_the_newest_entry_goes_when_that_was_wrong(before, after, instead_of, goes):
    assert programme.withdrawn(history(*before), history(*after), instead_of=instead_of) == goes


def test_nobody_has_ever_decided_about_a_family_that_is_identified_in_the_end():
    told = history((S.DECLINED, JAN), (S.INVITED, MAR))
    first = programme.changed(told, standing(S.IDENTIFIED), JAN, instead_of=JAN)
    assert programme.withdrawn(told, first, instead_of=JAN) is None
    second = programme.changed(first, standing(S.IDENTIFIED), MAR, instead_of=MAR)
    assert programme.withdrawn(first, second, instead_of=MAR) == Withdrawn(programme.ANSWERS, date.min)


def test_only_an_entry_that_is_there_is_corrected():
    with pytest.raises(NeedsDecision, match="something from 2026-03-01"):
        programme.changed(history((S.ACCEPTED, MAR)), standing(S.ACCEPTED), JAN, instead_of=FEB)


@pytest.mark.parametrize(
    ("known", "outcome", "on", "then"),
    [
        ((), S.ACCEPTED, JAN, [("accepted", JAN, None)]),
        (((S.ACCEPTED, FEB),), S.ACCEPTED, JAN, [("accepted", FEB, None)]),
        (((S.ACCEPTED, FEB),), S.DECLINED, MAR, [("accepted", FEB, None)]),
        (((S.DECLINED, FEB),), S.ACCEPTED, JAN, [("accepted", FEB, None)]),
        (((S.INVITED, JAN),), S.DECLINED, MAR, [("invited", JAN, MAR), ("declined", MAR, None)]),
        (((S.ACCEPTED, JAN), (S.CLOSED, FEB)), S.ACCEPTED, MAR,
         [("accepted", JAN, FEB), ("closed", FEB, MAR), ("accepted", MAR, None)]),
    ],
)  # fmt: skip
def test_a_decided_proposal_sets_the_status_and_alters_nothing_that_was_recorded(known, outcome, on, then):
    assert statuses(programme.followed(history(*known), standing(outcome), on)) == then


def test_a_family_closed_on_the_very_day_is_not_taken_on_again_by_a_decision_about_many():
    with pytest.raises(NeedsDecision, match="closed from 2026-02-01, and can become accepted from the day after"):
        programme.followed(history((S.ACCEPTED, JAN), (S.CLOSED, FEB)), standing(S.ACCEPTED), FEB)


DAYS = st.integers(0, 40).map(lambda number: JAN + timedelta(number))


@given(st.lists(st.tuples(st.sampled_from(Status), DAYS, st.booleans()), max_size=15))
def test_whatever_people_say_every_history_is_one_that_the_machine_allows(said):
    told = ()
    for status, on, corrects in said:
        instead_of = told[-1].from_on if corrects and told else None
        try:
            told = programme.changed(told, standing(status), on, instead_of=instead_of)
        except NeedsDecision:
            continue
    before = S.IDENTIFIED
    for one in told:
        now = one.what.status
        assert now in MOVES[before] or now is before
        before = now
    assert [one.until for one in told[:-1]] == [one.from_on for one in told[1:]]


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize("by", ["", "  ", "airflow", "Exchange", " SYSTEM ", "machine", "two\nlines", "x" * 201])
def test_nobody_and_no_machine_decides(by):
    with pytest.raises(NeedsDecision):
        Decision(by, JAN, "agreed", today=TODAY)


@pytest.mark.requirement("R-021")
@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_decision_without_a_reason_is_none(reason):
    with pytest.raises(NeedsDecision, match="reason"):
        Decision("Lead Worker A", JAN, reason, today=TODAY)


def test_nothing_is_decided_from_tomorrow():
    assert Decision("Lead Worker A", TODAY, "agreed", today=TODAY).on == TODAY
    with pytest.raises(NeedsDecision, match="has not come"):
        Decision("Lead Worker A", TODAY + timedelta(1), "agreed", today=TODAY)


def test_spaces_around_what_somebody_typed_are_not_kept():
    decision = Decision(" Lead Worker A ", JAN, " agreed \n", today=TODAY)
    assert (decision.by, decision.reason) == ("Lead Worker A", "agreed")


def test_an_error_never_repeats_what_somebody_typed():
    typed = "Zebedee Crackling " * 20
    with pytest.raises(NeedsDecision) as refused:
        Decision(typed, JAN, "agreed", today=TODAY)
    assert "Zebedee" not in str(refused.value)
