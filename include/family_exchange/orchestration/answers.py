"""The words of the questions that people are asked; plain, so that they can be used where Airflow is not installed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

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


@dataclass(frozen=True, slots=True)
class Said:
    """What a named person answered about open proposals."""

    outcome: str
    reason: str
    since: date | None
    """First day of support, if before the day of the answer."""
    by: str
    at: datetime


def read(answer: Sequence[str], *, asked: datetime) -> Said | None:
    """The result of `sign_off.Decide`; None: the proposals stay open.

    A result from before it told its moment counts as given when the question was `asked`.
    """
    option, reason, since, by, *at = answer
    if option not in OUTCOMES:
        return None
    moment = datetime.fromisoformat(at[0]) if at else asked
    return Said(OUTCOMES[option], reason, date.fromisoformat(since) if since else None, by, moment)
