"""Who supports a family, who of it is in the plan, and what somebody suggests for it: written by named people, kept.

Each is held in spells: a new lead worker ends the time of the one before, and both stay in the memory. What somebody
says a second time changes nothing.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from family_exchange.adapters import audit, spells
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import survivor
from family_exchange.adapters.memory import Kept
from family_exchange.adapters.spells import Key, Told
from family_exchange.domain import ids
from family_exchange.domain import spells as rule
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.spells import Spell

LEAD, TEAM = "lead", "team"

FAMILY_WORKER = Kept("family_worker", ("family_id", "duty", "slot", "valid"), ("name", "organisation", "recorded_by"))
PLAN_SCOPE = Kept("plan_scope", ("family_id", "person_id", "valid"), ("in_plan", "reason", "recorded_by"))
SUGGESTION = Kept("suggestion", ("family_id", "service", "valid"), ("reason", "recorded_by"))


def worker(connection: Connection, family: str, duty: str, name: str, organisation: str, *, on: date, by: str) -> None:
    """From that day the worker leads the support of the family, in place of whoever did, or belongs to its team."""
    key: Key = (family, duty, _slot(duty, name, organisation))
    held = _held(connection, FAMILY_WORKER, family)
    believed = {key: _begun(held.get(key, ()), (name, organisation, by), on)}
    body: dict[str, audit.Plain] = {"family": family, "duty": duty, "begins": True, "on": str(on)}
    _put(connection, FAMILY_WORKER, believed, by, "programme.worker", body)


def worker_ends(
    connection: Connection, family: str, duty: str, name: str, organisation: str, *, on: date, by: str
) -> None:
    """From that day the worker does it no more; of the lead the name is not asked.

    Raises:
        NeedsDecision: nobody does it on that day.
    """
    key = (family, duty, _slot(duty, name, organisation))
    held = _held(connection, FAMILY_WORKER, family)
    body: dict[str, audit.Plain] = {"family": family, "duty": duty, "begins": False, "on": str(on)}
    _put(connection, FAMILY_WORKER, {key: rule.ended(held.get(key, ()), on)}, by, "programme.worker", body)


def plan(
    connection: Connection, family: str, people: Mapping[str, tuple[bool, str | None]], *, on: date, by: str
) -> None:
    """From that day each of the people is in the family's plan, or outside it for the reason given.

    Ids of people who turned out to be others are those others'.

    Raises:
        NeedsDecision: somebody does not belong to the family on that day.
    """
    held = _held(connection, PLAN_SCOPE, family)
    members = _members(connection, family, on=on)
    real = {person: survivor(connection, person) for person in people}
    if strangers := sorted(person for person, now in real.items() if now not in members):
        raise NeedsDecision(f"family {family} has no member {', '.join(map(ids.said, strangers))} on {on}")
    believed: dict[Key, tuple[Spell[Told], ...]] = {
        (family, real[person]): _begun(held.get((family, real[person]), ()), (inside, reason, by), on)
        for person, (inside, reason) in people.items()
    }
    inside = sorted(real[person] for person, (within, _) in people.items() if within)
    outside = sorted(real[person] for person, (within, _) in people.items() if not within)
    body: dict[str, audit.Plain] = {"family": family, "inside": inside, "outside": outside, "on": str(on)}
    _put(connection, PLAN_SCOPE, believed, by, "programme.plan", body)


def suggest(connection: Connection, family: str, service: str, reason: str, *, on: date, by: str) -> None:
    """From that day the service is suggested for the family."""
    key: Key = (family, service)
    held = _held(connection, SUGGESTION, family)
    body: dict[str, audit.Plain] = {"family": family, "begins": True, "on": str(on)}
    believed = {key: _begun(held.get(key, ()), (reason, by), on)}
    _put(connection, SUGGESTION, believed, by, "programme.suggestion", body)


def suggestion_ends(connection: Connection, family: str, service: str, *, on: date, by: str) -> None:
    """From that day the service is not suggested any more.

    Raises:
        NeedsDecision: it is not suggested on that day.
    """
    key = (family, service)
    held = _held(connection, SUGGESTION, family)
    body: dict[str, audit.Plain] = {"family": family, "begins": False, "on": str(on)}
    _put(connection, SUGGESTION, {key: rule.ended(held.get(key, ()), on)}, by, "programme.suggestion", body)


def close(connection: Connection, family: str, closed: Spell[Any]) -> None:
    """While the family is closed it has no lead worker, no team and no plan; suggestions stay."""
    for table in (FAMILY_WORKER, PLAN_SCOPE):
        held = spells.of(connection, table, (family,))
        spells.put(connection, table, {key: rule.outside(told, closed) for key, told in held.items()})


def _held(connection: Connection, table: Kept, family: str) -> dict[Key, tuple[Spell[Told], ...]]:
    held = spells.of(connection, table, (family,))
    if connection.execute("SELECT FROM register.family WHERE family_id = %s", (family,)).fetchone() is None:
        raise NeedsDecision(f"there is no family {ids.said(family)} in the register")
    return held


def _begun(held: tuple[Spell[Told], ...], told: Told, on: date) -> tuple[Spell[Told], ...]:
    """What is said again of a day on which it holds already changes nothing."""
    there = rule.at(held, on)
    return held if there is not None and there.what == told else rule.begun(held, told, on)


def _put(
    connection: Connection,
    table: Kept,
    believed: Mapping[Key, tuple[Spell[Told], ...]],
    by: str,
    kind: str,
    body: Mapping[str, audit.Plain],
) -> None:
    """What is held is this; when that is new, it is one audit event."""
    done = spells.put(connection, table, believed)
    if done.added or done.closed:
        audit.append(connection, kind, by, body)


def _slot(duty: str, name: str, organisation: str) -> str:
    """What keeps the members of a team apart; there is one lead."""
    return "" if duty == LEAD else f"{name}|{organisation}".casefold()


def _members(connection: Connection, family: str, *, on: date) -> frozenset[str]:
    rows = connection.execute(
        """SELECT person_id FROM register.family_member
            WHERE family_id = %(family)s AND from_on <= %(on)s AND (to_on IS NULL OR to_on > %(on)s)""",
        {"family": family, "on": on},
    )
    return frozenset(str(person) for (person,) in rows)
