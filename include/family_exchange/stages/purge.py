"""Retention: plan what is due, have a named person approve the list, and destroy what still is due.

Nothing is destroyed that a plan does not list, that a hold covers, or whose clock has no known start.
"""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from functools import cache

from family_exchange.adapters import (
    audit,
    database,
    destruction,
    letting_go,
    programme,
    purge_plans,
    receipts,
    retention,
    unclaimed,
)
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.journal import Line
from family_exchange.adapters.letting_go import Destroyed
from family_exchange.adapters.purge_plans import Plan
from family_exchange.adapters.retention import Outlook
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.retention import Kind
from family_exchange.stages import gone, propose, register

log = logging.getLogger(__name__)

ACTOR = "exchange"
LOCK = 43
"""Namespace of the advisory lock that keeps two purges of one council apart."""

BATCH = 1000
"""Source records destroyed in one transaction; the other kinds go one by one."""

ORDER = (Kind.RETURN, Kind.FILE, Kind.OBJECT, Kind.STAGED_FILE, Kind.SOURCE_RECORD)
"""Copies first, the register last: what is found again after a crash can still be traced."""


def outlook(doors: Doors, *, today: date) -> tuple[Outlook, ...]:
    """How every category stands today: due, held, for review, without a known date; counts only."""
    with database.transaction(doors.database) as connection:
        return tuple(retention.outlook(connection, rule, today=today) for rule in doors.profile.retention)


def plan(doors: Doors, *, today: date) -> str:
    """The id of the plan of what is due today; nothing is destroyed.

    The id comes from the day and the list, so a second run on the same day over the same things gives the same plan.
    """
    with database.transaction(doors.database) as connection:
        items = [item for rule in doors.profile.retention for item in retention.due(connection, rule, today=today)]
        leftovers = doors.profile.retention_rule(unclaimed.RULE)
        items = sorted(items + unclaimed.due(connection, doors.vault, leftovers, today=today))
        digest = purge_plans.digest(items)
        plan_id = f"P-{today.isoformat()}-{digest.hex()[:12]}"
        if purge_plans.store(connection, Plan(plan_id, today, "PLANNED", len(items), digest, None), items):
            seen = [retention.outlook(connection, rule, today=today) for rule in doors.profile.retention]
            body: dict[str, Plain] = {"plan": plan_id, "digest": digest.hex(), "items": len(items)}
            body |= {name: sum(getattr(one, name) for one in seen) for name in ("held", "review", "unknown")}
            audit.append(connection, "purge.planned", ACTOR, body)
    log.info("purge plan %s: %d items", plan_id, len(items))
    return plan_id


def counts(doors: Doors, plan_id: str) -> dict[str, int]:
    """Items of the plan by kind."""
    with database.transaction(doors.database) as connection:
        purge_plans.read(connection, plan_id)
        listed = Counter(str(item.kind) for item in purge_plans.listed(connection, plan_id))
    return {str(kind): listed[kind] for kind in ORDER}


def approve(doors: Doors, plan_id: str, *, by: str) -> None:
    """The plan may be carried out, and `by` answers for exactly this list.

    A second run by anybody changes nothing.

    Raises:
        NeedsDecision: there is no such plan, or its list is not the one that was planned.
    """
    with database.transaction(doors.database) as connection:
        found = purge_plans.read(connection, plan_id, alone=True)
        if found.state != "PLANNED":
            return
        _same_list(connection, found)
        purge_plans.approve(connection, plan_id, by=by)
        audit.append(connection, "purge.approved", by, {"plan": plan_id, "digest": found.digest.hex()})


def destroy(doors: Doors, plan_id: str) -> dict[str, int]:
    """What went, by kind, with `people` and `families`; and what did not: `held`, `not_due`, `gone`.

    Each thing is judged again under lock, by today's rules and holds on the day of the plan: a hold placed meanwhile
    wins. A second run, after a crash or not, does what is left and gives the same counts.

    Raises:
        TryLater: another purge of this council is at work, another worker is writing the register for long, or the
            drop zone, where a file was answered, is away.
        NeedsDecision: nobody approved the plan, its list was changed since, or the vault is not there.
    """
    with ExitStack() as opened, database.session(doors.database) as connection:
        zone = cache(lambda: opened.enter_context(doors.drop_zone()))
        if not database.hold_soon(connection, LOCK, "purge"):
            raise TryLater("another purge of this council is at work")
        gone.catch_up(doors, connection)
        found = purge_plans.read(connection, plan_id)
        if found.state not in {"APPROVED", "DESTROYED"}:
            raise NeedsDecision(f"purge plan {plan_id} needs the approval of a named person first")
        if found.state == "APPROVED":
            _same_list(connection, found)
            for kind in ORDER:
                while _destroy_batch(doors, zone, connection, found, kind):
                    faultpoint("purge.batch_done")
            _finish(connection, found)
        return purge_plans.totals(connection, plan_id)


def follow(doors: Doors, *, today: date) -> None:
    """The register shows nothing that rested on what was destroyed: no fact, no membership, no proposal.

    A second run changes nothing.

    Raises:
        TryLater: another worker is writing the register.
    """
    register.families(doors, today=today)
    propose.families(doors, today=today)


def _same_list(connection: Connection, found: Plan) -> None:
    if purge_plans.digest(purge_plans.listed(connection, found.plan_id)) != found.digest:
        raise NeedsDecision(f"the list of purge plan {found.plan_id} was changed since it was planned; plan again")


def _destroy_batch(doors: Doors, zone: Callable[[], DropZone], connection: Connection, found: Plan, kind: Kind) -> bool:
    """True when there was something left to judge; one transaction, with its audit event."""
    told: Line | None = None
    with connection.transaction():
        batch = purge_plans.pending(connection, found.plan_id, kind, most=BATCH if kind is Kind.SOURCE_RECORD else 1)
        if not batch:
            return False
        if kind is Kind.SOURCE_RECORD:
            programme.turn(connection)  # nobody reads or writes a register of which a part is just going
        judged: dict[str, str] = {}
        for category in sorted({category for _, category in batch}):
            ids = [item_id for item_id, each in batch if each == category]
            rule = doors.profile.retention_rule(category)
            judged |= (
                unclaimed.outcomes(connection, doors.vault, rule, ids, today=found.planned_on)
                if kind is Kind.OBJECT
                else retention.outcomes(connection, rule, ids, today=found.planned_on)
            )
        going = [item_id for item_id, outcome in judged.items() if outcome == "destroyed"]
        if going:
            told = gone.going(doors, connection, found.plan_id, kind, going)
        went = _destroy(doors, zone, connection, kind, going) if going else Destroyed()
        faultpoint(f"purge.{kind}_destroyed")
        purge_plans.note_outcomes(connection, found.plan_id, kind, judged)
        body: dict[str, Plain] = {"plan": found.plan_id, "kind": kind, "rows": went.rows, "objects": went.objects}
        body |= {"people": went.people, "families": went.families, **Counter(judged.values())}
        audit.append(connection, "purge.destroyed", found.approved_by or ACTOR, body)
    faultpoint("purge.committed")
    if told:
        gone.gone(doors, told)
    return True


def _destroy(
    doors: Doors, zone: Callable[[], DropZone], connection: Connection, kind: Kind, ids: list[str]
) -> Destroyed:
    match kind:
        case Kind.SOURCE_RECORD:
            return letting_go.source_records(connection, ids)
        case Kind.STAGED_FILE:
            return letting_go.staged_file(connection, ids[0])
        case Kind.OBJECT:
            return destruction.unclaimed_object(connection, doors.vault, ids[0])
        case Kind.FILE:
            if answered := receipts.of(connection, ids[0]):
                receipts.withdraw(zone(), answered)
            return destruction.sealed_file(connection, doors.vault, ids[0])
        case Kind.RETURN:
            return destruction.own_return(connection, doors.vault, ids[0])


def _finish(connection: Connection, found: Plan) -> None:
    with connection.transaction():
        purge_plans.finish(connection, found.plan_id)
        audit.append(
            connection,
            "purge.finished",
            ACTOR,
            {"plan": found.plan_id, **purge_plans.totals(connection, found.plan_id)},
        )
