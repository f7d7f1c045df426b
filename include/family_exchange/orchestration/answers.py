"""The words of the questions that people are asked; plain, so that they can be used where Airflow is not installed."""

APPROVE, REJECT = "Approve", "Reject"
ACCEPT, DECLINE, LEAVE_OPEN = "Accept", "Decline", "Leave open"

OUTCOMES = {ACCEPT: "accepted", DECLINE: "declined"}
"""What is recorded for each answer; anything else leaves the proposals open."""
REASONS = ["meets_the_framework", "already_supported", "family_does_not_wish", "not_enough_evidence"]
"""Why; a closed list, because free text would carry names into Airflow's database."""
