"""Stage 7: which families the framework in force proposes, and what named people decide about them.

A proposal is decision support. Nothing follows from it until a person decides, with a reason.
"""

import logging
from collections.abc import Sequence
from datetime import date

from family_exchange.adapters import audit, database, evidence, linkage_model, profiles, proposals, register
from family_exchange.adapters import families as stored
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.evidence import Assessed
from family_exchange.adapters.proposals import Proposal
from family_exchange.domain import eligibility
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.framework import Framework

log = logging.getLogger(__name__)

ACCEPTED = "accepted"
OUTCOMES = (ACCEPTED, "declined", "not_invited")
NOT_A_PERSON = frozenset({"airflow", "exchange", "machine", "system"})


def families(doors: Doors, *, today: date) -> dict[str, int]:
    """Every family that the framework in force on that day proposes has a proposal, with the evidence for it.

    Counts: `evidence` (new), `proposals` (new). A family proposed before for the same problems, or for more, is not
    proposed again. A second run on the same day changes nothing.

    Raises:
        TryLater: another worker is writing the register.
        NeedsDecision: the profile chooses no framework for that day.
    """
    framework = profiles.framework_in_force(doors.profile, today)
    with database.transaction(doors.database) as connection:
        if not database.lock(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        stored.note_births(connection, linkage_model.model().placeholder_births, today=today)
        added = evidence.assess(connection, framework, doors.contract, today=today)
        came = evidence.feeds_that_came(connection, today=today)
        proposed = [
            made
            for one in evidence.assessed(connection, least=framework.min_problems)
            if (made := _proposal(framework, one, came, on=today)) is not None
        ]
        counts = {"evidence": added, "proposals": proposals.put(connection, proposed, framework, today=today)}
        if any(counts.values()):
            audit.append(connection, "register.proposals", register.ACTOR, counts | {"framework": framework.rule})
    log.info("proposals: %s", counts)
    return counts


def open_proposals(doors: Doors) -> list[str]:
    """The proposals that nobody has decided, most problems first; the order is decision support too."""
    with database.transaction(doors.database) as connection:
        return proposals.undecided(connection)


def decide(
    doors: Doors,
    proposal_ids: Sequence[str],
    *,
    outcome: str,
    decided_by: str,
    reason: str,
    on: date,
    supported_since: date | None = None,
) -> int:
    """The number of proposals that are decided now, by a named person who gives a reason.

    An accepted family is supported from `supported_since`, or from the day of the decision: a family may have been on
    the programme long before its files came here.
    A proposal is decided once: a second run, with whatever outcome, changes nothing.

    Raises:
        NeedsDecision: nobody is named, no reason is given, the outcome is unknown, support begins in the future, or a
            proposal does not exist.
    """
    if not decided_by.strip() or decided_by.strip().casefold() in NOT_A_PERSON:
        raise NeedsDecision("a proposal is decided by a named person, never by a machine")
    if not reason.strip():
        raise NeedsDecision("a decision needs a reason")
    if outcome not in OUTCOMES:
        raise NeedsDecision(f"an outcome is one of {', '.join(OUTCOMES)}")
    since = (supported_since or on) if outcome == ACCEPTED else None
    if since and since > on:
        raise NeedsDecision("support cannot have begun after the day of the decision")
    with database.transaction(doors.database) as connection:
        number = proposals.decide(
            connection,
            proposal_ids,
            outcome=outcome,
            decided_by=decided_by.strip(),
            reason=reason.strip(),
            on=on,
            supported_since=since,
        )
    log.info("%s proposals decided: %s", number, outcome)
    return number


def _proposal(framework: Framework, family: Assessed, came: frozenset[str], *, on: date) -> Proposal | None:
    one = eligibility.assess(framework, family.subjects, family.found, came, on=on)
    return Proposal(family.family, one.problems, one.unknown) if one.proposed else None
