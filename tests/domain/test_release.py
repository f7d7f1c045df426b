"""Who agrees with whom, and what that sets aside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import release
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import Reason
from family_exchange.domain.release import GROUNDS, Action, Ground, Vote

RELEASE, REJECT = Action.RELEASE, Action.REJECT


def votes(*said):
    return [Vote(by, action, GROUNDS[action][0]) for by, action in said]


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ([], None),
        ([("anna", RELEASE)], None),
        ([("anna", RELEASE), ("ben", RELEASE)], RELEASE),
        ([("anna", REJECT), ("ben", REJECT)], REJECT),
        ([("anna", RELEASE), ("ben", REJECT)], None),
        ([("anna", RELEASE), ("ben", REJECT), ("cy", RELEASE)], RELEASE),
        ([("anna", RELEASE), ("ben", REJECT), ("cy", REJECT)], REJECT),
        ([("anna", RELEASE), (" Anna ", RELEASE)], None),
    ],
)
def test_two_different_people_agree_and_a_third_decides_between_two(said, agreed):
    assert release.outcome(votes(*said)) is agreed


people = st.sampled_from(["anna", "ANNA", " anna", "ben", "Ben ", "cy"])


@given(st.lists(st.tuples(people, st.sampled_from(Action)), max_size=6))
def test_no_one_person_ever_agrees_with_himself(said):
    agreed = release.outcome(votes(*said))
    if agreed is not None:
        assert len({by.strip().casefold() for by, action in said if action is agreed}) >= release.TWO


@pytest.mark.parametrize("by", ["anna", "ANNA", " anna "])
def test_a_person_speaks_once(by):
    release.require_new_voice(votes(("ben", RELEASE)), by)
    with pytest.raises(NeedsDecision, match="different person"):
        release.require_new_voice(votes(("anna", REJECT)), by)


@pytest.mark.parametrize("reason", Reason)
def test_a_release_sets_aside_only_what_two_people_can_judge(reason):
    let_in = {Reason.NAME, Reason.STALE, Reason.CONFLICT, Reason.SIGNER_EXPIRED}
    assert release.waives(reason, held=False) == (reason if reason in let_in else None)
    assert release.waives(reason, held=True) == (reason if reason in {*let_in, Reason.CONTENT} else None)


@pytest.mark.parametrize("reason", Reason)
def test_what_belongs_to_research_is_never_released(reason):
    release.require_release(reason, REJECT)
    if reason is not Reason.RESEARCH_WALL:
        release.require_release(reason, RELEASE)
        return
    with pytest.raises(NeedsDecision, match="never released"):
        release.require_release(reason, RELEASE)


@pytest.mark.parametrize("ground", Ground)
@pytest.mark.parametrize("action", Action)
def test_each_action_has_its_own_grounds(action, ground):
    if ground in GROUNDS[action]:
        release.require_ground(action, ground)
        return
    with pytest.raises(NeedsDecision, match=GROUNDS[action][0]):
        release.require_ground(action, ground)
