"""The words of the questions that people are asked; plain, so that they can be used where Airflow is not installed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypedDict

from family_exchange.domain.release import Action, Ground

APPROVE, REJECT = "Approve", "Reject"
ACCEPT, DECLINE, LEAVE_OPEN = "Accept", "Decline", "Leave open"

RELEASE, LEAVE = "Release", "Leave"
VOICES = {RELEASE: Action.RELEASE, REJECT: Action.REJECT}
"""What is recorded for each answer about a file in quarantine; anything else leaves it there."""
GROUNDS = [str(ground) for ground in Ground]
"""Why; a closed list. Words of one's own are for the command line: they would stay in Airflow's database."""

OUTCOMES = {ACCEPT: "accepted", DECLINE: "declined"}
"""What is recorded for each answer; anything else leaves the proposals open."""
REASONS = ["meets_the_framework", "already_supported", "family_does_not_wish", "not_enough_evidence"]
"""Why; a closed list, because free text would carry names into Airflow's database."""


class Said(TypedDict):
    """What a named person answered about open proposals, as `stages.propose.decide` takes it."""

    outcome: str
    reason: str
    supported_since: date | None
    decided_by: str
    said_at: datetime


def read(answer: Sequence[str], *, asked: datetime) -> Said | None:
    """The result of `sign_off.Decide`; None: the proposals stay open.

    A result from before it told its moment counts as given when the question was `asked`.
    """
    option, reason, since, by, *at = answer
    if option not in OUTCOMES:
        return None
    return Said(
        outcome=OUTCOMES[option],
        reason=reason,
        supported_since=date.fromisoformat(since) if since else None,
        decided_by=by,
        said_at=datetime.fromisoformat(at[0]) if at else asked,
    )
