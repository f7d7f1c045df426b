"""What two people may do about a file in quarantine: release it, or reject it.

A release never makes a file acceptable by itself: the file is worked on again from its sealed bytes. What the two have
looked at and let in is set aside (`waives`); everything else, the seal first of all, is judged anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import Reason
from family_exchange.domain.key import same_person

TWO = 2
"""Different people who have to say the same."""

NEVER = frozenset({Reason.RESEARCH_WALL})
"""Reasons with which a file is never worked on again."""

_LET_IN = frozenset({Reason.NAME, Reason.STALE, Reason.CONFLICT, Reason.SIGNER_EXPIRED})
"""Reasons that two people may set aside."""


class Action(StrEnum):
    """What somebody wants done."""

    RELEASE = "release"
    REJECT = "reject"


class Ground(StrEnum):
    """Why; a closed list."""

    PARTNER_CONFIRMED = "partner_confirmed"
    """The partner was asked, and says that the file is right."""
    EXPECTED_CHANGE = "expected_change"
    """We know why the file is unlike the earlier ones."""
    CAUSE_MENDED = "cause_mended"
    """A key was registered, or something of ours was mended: look again."""
    PARTNER_WITHDREW = "partner_withdrew"
    """The partner was asked, and says that the file is wrong."""
    REPLACED = "replaced"
    """Another file came, or will come, in its place."""
    NOT_TRUSTED = "not_trusted"
    """Nobody could say that it is what it seems."""


GROUNDS = {
    Action.RELEASE: (Ground.PARTNER_CONFIRMED, Ground.EXPECTED_CHANGE, Ground.CAUSE_MENDED),
    Action.REJECT: (Ground.PARTNER_WITHDREW, Ground.REPLACED, Ground.NOT_TRUSTED),
}
"""What may be given as the ground of each."""


def case_parts(case: str) -> tuple[str, int]:
    """The file's id, and the epoch of that quarantine of it: `F00000012/3`.

    Raises:
        NeedsDecision: it has no such number.
    """
    file_id, _, epoch = case.partition("/")
    if not epoch.isdecimal():
        raise NeedsDecision("after the file's id and a slash comes the number that `files list --held` shows")
    return file_id, int(epoch)


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said about one quarantine of a file."""

    by: str
    action: Action
    ground: Ground


def waives(reason: Reason, *, held: bool) -> Reason | None:
    """What a release sets aside; None: nothing, the file is only looked at again.

    `held`: a rule across periods holds the file. Without that, `CONTENT` says that its rows cannot be taken, and no
    release changes that.
    """
    if reason is Reason.CONTENT:
        return reason if held else None
    return reason if reason in _LET_IN else None


def require_ground(action: Action, ground: Ground) -> None:
    """Nothing, when the ground goes with the action.

    Raises:
        NeedsDecision: it does not; the message lists those that do.
    """
    if ground not in GROUNDS[action]:
        raise NeedsDecision(f"{ground} is no ground to {action} a file; give one of: {', '.join(GROUNDS[action])}")


def require_release(reason: Reason | None, action: Action) -> None:
    """Nothing, when a file with this reason may be worked on again, or is to be rejected.

    Raises:
        NeedsDecision: it may not.
    """
    if action is Action.RELEASE and reason in NEVER:
        raise NeedsDecision(f"a file in quarantine for {reason} is never released; reject it, and see the runbook")


def require_new_voice(votes: Iterable[Vote], by: str) -> None:
    """Nothing, when this person has not spoken about this quarantine yet.

    Raises:
        NeedsDecision: the person has.
    """
    if any(same_person(vote.by, by) for vote in votes):
        raise NeedsDecision("this person has decided about the file already; a second, different person has to")


def outcome(votes: Sequence[Vote]) -> Action | None:
    """What two different people agree on; None: not yet. Of three people two agree, so a third decides between two."""
    for action in Action:
        voices: list[str] = []
        for vote in votes:
            if vote.action is action and not any(same_person(vote.by, other) for other in voices):
                voices.append(vote.by)
        if len(voices) >= TWO:
            return action
    return None
