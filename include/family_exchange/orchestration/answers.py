"""The words of the questions that people are asked; plain, so that they can be used where Airflow is not installed."""

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
