"""Stage 7: which families the framework in force proposes, and what named people decide about them.

A proposal is decision support. Nothing follows from it until a person decides, with a reason.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from family_exchange.adapters import (
    audit,
    database,
    evidence,
    explanation,
    linkage_model,
    memory,
    profiles,
    proposals,
    reading,
    register,
    worklist,
)
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.evidence import Assessed
from family_exchange.adapters.explanation import Explanation
from family_exchange.adapters.indicators import Moment
from family_exchange.adapters.proposals import Answer, Proposal
from family_exchange.adapters.worklist import Order, Waiting
from family_exchange.domain import eligibility, key
from family_exchange.domain.column import Purpose
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Route
from family_exchange.domain.register_rules import Attribute

log = logging.getLogger(__name__)

STAGE = "propose"
ACCEPTED = "accepted"
OUTCOMES = (ACCEPTED, "declined", "not_invited")


def families(doors: Doors, *, today: date) -> dict[str, int]:
    """Every family that the framework in force on that day proposes has a proposal that stands, with its evidence.

    Counts: `assessed` (families looked at), `evidence` (new), `proposals` (new, or come back), `ended`. The first run
    of a day, or by other rules, looks at every family; a later one only at those of whom something changed, and comes
    to the same. What was found is recorded whenever there was something to look at. A second run on the same day
    changes nothing.

    Raises:
        TryLater: another worker is writing the register.
        NeedsDecision: the profile chooses no framework for that day.
    """
    framework = profiles.framework_in_force(doors.profile, today)
    with database.transaction(doors.database) as connection:
        if not database.lock(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        came = evidence.feeds_that_came(connection, today=today)
        rules = _rules(connection, doors, framework, came)
        due = memory.take_due(connection, STAGE) | {*proposals.newly_closed(connection)}
        whole = memory.whole(connection, STAGE, due, today=today, rule=rules)
        files = proposals.new_files(connection)
        counts = {"assessed": 0, "evidence": 0, "proposals": 0, "ended": 0}
        if whole or due or files:
            only = None if whole else evidence.families_of(connection, due)
            counts = _assess(connection, doors, framework, came, today=today, only=only)
            memory.note_whole(connection, STAGE, today=today, rule=rules)
            body: dict[str, audit.Plain] = {"framework": framework.rule, "rules": rules, "whole": whole, "files": files}
            audit.append(connection, "register.proposals", register.ACTOR, counts | body)
    log.info("proposals: %s", counts)
    return counts


def _assess(
    connection: Connection,
    doors: Doors,
    framework: Framework,
    came: Collection[str],
    *,
    today: date,
    only: Collection[str] | None,
) -> dict[str, int]:
    moment = Moment(today)
    placeholders, trusted = _placeholders(doors), _trusted(doors)
    evidence.assess(connection, framework, doors.contract, placeholders, moment, trusted=trusted, only=only)
    held = evidence.hold(connection, framework, only=only)
    proposed = [
        made
        for one in evidence.assessed(connection, least=framework.min_problems)
        if (made := _proposal(framework, one, came, on=today)) is not None
    ]
    kept = proposals.keep(connection, proposed, framework, today=today, only=only)
    number = evidence.families_assessed(connection)
    return {"assessed": number, "evidence": held.added, "proposals": kept.new, "ended": kept.ended}


@dataclass(frozen=True, slots=True)
class Computed:
    """What the rules say of one day, as known at one moment; nothing of it is kept."""

    as_of: date
    framework: str
    rules: str
    """Digest of the rules, the feeds that had come, and whom restrictions kept out."""
    proposals: tuple[dict[str, object], ...]
    """By family: problems, what is unknown, what a cap kept from counting, and the evidence."""
    sha256: str


def as_of(doors: Doors, *, on: date, known_at: datetime | None, today: date) -> Computed:
    """What the framework in force on that day proposes for it, as it is known now, or was known at `known_at`.

    A second run, today or in years, gives the same for the same moment. Nothing is written.

    Raises:
        NeedsDecision: the day is ahead of today, or the profile chooses no framework for it.
    """
    if on > today:
        raise NeedsDecision(
            f"{on.isoformat()} is ahead of today, and what will be known by then is not known yet; "
            f"give a day up to {today.isoformat()}"
        )
    framework = profiles.framework_in_force(doors.profile, on)
    with database.one_moment(doors.database) as connection:
        memory.as_known(connection, known_at)
        came = evidence.feeds_that_came(connection, today=on)
        rules = _rules(connection, doors, framework, came)
        moment, trusted = Moment(on, past=True), _trusted(doors)
        evidence.assess(connection, framework, doors.contract, _placeholders(doors), moment, trusted=trusted)
        found = []
        for one in evidence.assessed(connection, least=framework.min_problems):
            said = eligibility.assess(framework, one.subjects, one.found, came, on=on)
            if said.proposed:
                found.append((one.family, said))
        rows = evidence.rows_of(connection, [family for family, _ in found])
    made: tuple[dict[str, object], ...] = tuple(
        {
            "family": family,
            "problems": list(said.problems),
            "unknown": list(said.unknown),
            "capped": list(said.capped),
            "evidence": rows.get(family, []),
        }
        for family, said in found
    )
    content = {"as_of": on, "framework": framework.rule, "rules": rules, "proposals": made}
    text = json.dumps(content, sort_keys=True, default=str)
    return Computed(on, framework.rule, rules, made, hashlib.sha256(text.encode()).hexdigest())


def work_list(
    doors: Doors,
    order: Order = Order.PROBLEMS,
    *,
    problems: Collection[str] = (),
    at_least: int = 1,
    routes: Collection[Route] = (),
) -> list[Waiting]:
    """The families that nobody has decided about, in that order: decision support, never a decision."""
    with database.transaction(doors.database) as connection:
        return worklist.waiting(connection, order, problems=problems, at_least=at_least, routes=routes)


def open_proposals(doors: Doors) -> list[str]:
    """The proposals that nobody has decided, most problems first; the order is decision support too."""
    return [one.proposal for one in work_list(doors)]


def explained(doors: Doors, proposal: str, *, by: str) -> Explanation:
    """Why a family is proposed, as it was known when it was; everybody on the page is read, with an audit event each.

    Nothing is told of a record that the purpose may not see.

    Raises:
        NeedsDecision: there is no such proposal, nobody says who reads, or the council may not use people's own data
            for that.
        TryLater: others have been writing to the audit for long.
    """
    with reading.noted(doors, purpose=Purpose.IDENTIFY, by=by) as notes:
        found = explanation.explain(notes, doors.profile, doors.contract, _placeholders(doors), proposal)
        body: dict[str, audit.Plain] = {"proposal": proposal, "family": found.family, "purpose": notes.purpose}
        audit.append(notes.connection, "register.read", notes.by, body)
    return found


def decide(
    doors: Doors,
    proposal_ids: Sequence[str],
    *,
    outcome: str,
    decided_by: str,
    reason: str,
    on: date,
    supported_since: date | None = None,
    said_at: datetime | None = None,
) -> int:
    """The number of proposals that are decided now, by a named person who gives a reason.

    An accepted family is supported from `supported_since`, or from the day of the decision: a family may have been on
    the programme long before its files came here.
    A proposal is decided once: a second run, with whatever outcome, changes nothing. An answer given before a decision
    on the proposal was taken back is about a mistake, and changes nothing either; `said_at` None: it is given now.

    Raises:
        NeedsDecision: nobody is named, no reason is given, the outcome is unknown, support begins in the future, or a
            proposal does not exist.
    """
    key.require_person(decided_by)
    if not reason.strip():
        raise NeedsDecision("a decision needs a reason")
    if outcome not in OUTCOMES:
        raise NeedsDecision(f"an outcome is one of {', '.join(OUTCOMES)}")
    since = (supported_since or on) if outcome == ACCEPTED else None
    if since and since > on:
        raise NeedsDecision("support cannot have begun after the day of the decision")
    answer = Answer(outcome, decided_by.strip(), reason.strip(), on, since, said_at)
    with database.transaction(doors.database) as connection:
        number = proposals.decide(connection, proposal_ids, answer)
    log.info("%s proposals decided: %s", number, outcome)
    return number


def _rules(connection: Connection, doors: Doors, framework: Framework, came: Collection[str]) -> str:
    """A digest of what decides beside the records: the rules as the council applies them, feeds, and restrictions."""
    stated = {
        "framework": framework.model_dump(mode="json"),
        "came": sorted(came),
        "restricted": evidence.restricted(connection),
        "placeholders": sorted(day.isoformat() for day in _placeholders(doors)),
        "births": list(_trusted(doors)),
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _trusted(doors: Doors) -> tuple[str, ...]:
    """The feeds that the council trusts most about births."""
    return doors.profile.choosing.sources(Attribute.BIRTH)


def _placeholders(doors: Doors) -> frozenset[date]:
    return linkage_model.of(doors.profile.matching).placeholder_births


def _proposal(framework: Framework, family: Assessed, came: Collection[str], *, on: date) -> Proposal | None:
    one = eligibility.assess(framework, family.subjects, family.found, came, on=on)
    return Proposal(family.family, one.problems, one.unknown) if one.proposed else None
