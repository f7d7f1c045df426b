"""Stage 5: who is who. Source records from staging, and a person for each; and what people decide about it.

A machine joins only what is certain; what is possible waits for a person. What a person decides outranks the machine
until it is taken back.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from family_exchange.adapters import audit, database, links, persons, register
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import key
from family_exchange.domain import links as rules
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.links import Kind, Links
from family_exchange.stages import propose, weigh
from family_exchange.stages import register as household

log = logging.getLogger(__name__)


def people(doors: Doors) -> dict[str, int]:
    """Every row of every applied file is a source record, and every source record has a person.

    The same files end in the same persons, in whatever order and batches they come. So what comes later may show that
    a certain match was none: then the person is parted, each id stays with the one it means, and somebody must look.

    Counts: `files`, `source_records`, `persons` (new), `joined` (persons found to be another), `parted` (persons found
    to be more than one), `possible_matches` (new). A second run finds nothing waiting and changes nothing.

    Raises:
        TryLater: another worker is writing the register.
    """
    with database.transaction(doors.database) as connection:
        _lock(connection)
        taken = register.take(connection, doors.contract)
        counts = {"files": len(taken.files), "source_records": taken.records}
        counts |= weigh.again(connection, doors)
    log.info("register: %s", counts)
    return counts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of somebody's decision."""

    decision: int
    counts: Mapping[str, int]
    """`joined` and `parted` as in `people`; `carried`: flags and holds that a part has now too; and what became of
    families and proposals."""
    followed: bool = True
    """False: families and proposals could not be brought up to date now; the register's next run does it."""


def join(doors: Doors, a: str, b: str, *, by: str, reason: str, today: date) -> Outcome:
    """The two persons are one from now on, whatever any score says; the older id stays, the other points to it.

    Raises:
        NeedsDecision: nobody is named, or no reason; an id is unknown; both are one person already; or a decision in
            force says that they are two: the message names it.
        TryLater: another worker is writing the register.
    """
    _require(by, reason)
    with database.transaction(doors.database) as connection:
        _lock(connection)
        one, other = persons.now(connection, a), persons.now(connection, b)
        if one == other:
            raise NeedsDecision(f"{a} and {b} are one person already, {one}")
        sides = persons.keys(connection, one), persons.keys(connection, other)
        if against := links.in_force(connection).against_joining(sides[0] | sides[1]):
            raise NeedsDecision(f"{_numbers(against)} says that they are two people; undo it first (`match undo`)")
        outcome = _put(connection, doors, Kind.MUST_LINK, *sides, (one, other), by=by, reason=reason)
    return _brought_up_to_date(doors, outcome, today)


def split(doors: Doors, who: str, records: Collection[str], *, by: str, reason: str, today: date) -> Outcome:
    """The records are not that person's from now on, nor is anything that their partner sends under the same reference.

    `records` are source records or record keys. Whether they are one person among themselves is for the certain
    matches to say, as ever. Each id stays with the one whom it means.

    Raises:
        NeedsDecision: nobody is named, or no reason; the id is unknown; the records are not some of that person's,
            others than all; or a decision in force says that they are one person: the message names it.
        TryLater: another worker is writing the register.
    """
    _require(by, reason)
    with database.transaction(doors.database) as connection:
        _lock(connection)
        one = persons.now(connection, who)
        everything = persons.keys(connection, one)
        away = persons.keys_of_records(connection, records)
        if not away or not away <= everything:
            raise NeedsDecision(f"not all of these are records of {one}; `match show` and `trace` tell which are")
        if away == everything:
            raise NeedsDecision(
                f"these are all the records of {one}: what a partner sends under one reference is one person, "
                "and nothing is left to part it from"
            )
        if against := links.in_force(connection).against_parting(away, everything - away):
            raise NeedsDecision(f"{_numbers(against)} says that they are one person; undo it first (`match undo`)")
        outcome = _put(connection, doors, Kind.CANNOT_LINK, away, everything - away, None, by=by, reason=reason)
    return _brought_up_to_date(doors, outcome, today)


def undo(doors: Doors, decision: int, *, by: str, reason: str, today: date) -> Outcome:
    """The decision is in force no more, and everything is as if it had never been made.

    Raises:
        NeedsDecision: nobody is named, or no reason; no such decision is in force; or a later one holds together whom
            this one joined: the message names it.
        TryLater: another worker is writing the register.
    """
    _require(by, reason)
    with database.transaction(doors.database) as connection:
        _lock(connection)
        before = links.in_force(connection)
        links.withdraw(connection, decision, by=by.strip(), reason=reason.strip())
        (link,) = (link for link in before.all if link.number == decision)
        others = before.without(decision).against_parting(link.side_a, link.side_b)
        if link.kind is Kind.MUST_LINK and others:
            raise NeedsDecision(f"{_numbers(others)} rests on it; undo that first (`match undo`)")
        counts = _apply(connection, doors, before, link.keys, by=by, decision=decision)
        people = _people(connection, link.side_a, link.side_b)
        body = _body(decision, link.kind, len(link.side_a), len(link.side_b), people, counts)
        audit.append(connection, "register.identity_undone", by.strip(), body)
    return _brought_up_to_date(doors, Outcome(decision, counts), today)


def _put(
    connection: Connection,
    doors: Doors,
    kind: Kind,
    a: Collection[str],
    b: Collection[str],
    people: tuple[str, str] | None,
    *,
    by: str,
    reason: str,
) -> Outcome:
    before = links.in_force(connection)
    number = links.put(connection, kind, a, b, by=by.strip(), reason=reason.strip())
    counts = _apply(connection, doors, before, {*a, *b}, by=by, decision=number)
    body = _body(number, kind, len(a), len(b), people or _people(connection, a, b), counts)
    audit.append(connection, "register.identity_decided", by.strip(), body)
    return Outcome(number, counts)


def _people(connection: Connection, a: Collection[str], b: Collection[str]) -> tuple[str, str]:
    """Who the first reference of either side is now."""
    now = persons.holders(connection, (min(a), min(b)))
    return now[min(a)], now[min(b)]


def _apply(
    connection: Connection, doors: Doors, before: Links, about: Collection[str], *, by: str, decision: int
) -> dict[str, int]:
    """Who is who by the decisions in force now; `before`: those that were in force until now.

    Persons whom a flag or a hold kept whole are kept so as they stood, save for what decisions joined: a person may
    part them, and taking that back makes them whole again.
    """
    was = persons.holders(connection, about)
    for one in persons.pinned(connection, frozenset(was.values())):
        links.keep(connection, rules.groups(persons.keys(connection, one), before))
    counts = weigh.again(connection, doors, about=about)
    carried = links.carry(connection, frozenset(persons.holders(connection, about).values()), by=by, decision=decision)
    return {"joined": counts["joined"], "parted": counts["parted"], "carried": carried}


def _body(
    decision: int, kind: Kind, a: int, b: int, people: tuple[str, str], counts: Mapping[str, int]
) -> dict[str, audit.Plain]:
    one, other = people
    said = {"decided": str(kind), "person": one, "other": other}
    return {"decision": decision, "side_a": a, "side_b": b, **said, **counts}


def _brought_up_to_date(doors: Doors, outcome: Outcome, today: date) -> Outcome:
    """Families and proposals follow. The decision stands whatever happens here: what is due for them is noted."""
    log.info("identity decision %s: %s", outcome.decision, outcome.counts)
    try:
        counts = household.families(doors, today=today) | propose.families(doors, today=today)
    except (TryLater, NeedsDecision) as wait:
        log.warning("families and proposals wait for the register's next run: %s", wait)
        return replace(outcome, followed=False)
    return replace(outcome, counts={**outcome.counts, **counts})


def _require(by: str, reason: str) -> None:
    key.require_person(by)
    if not reason.strip():
        raise NeedsDecision("a decision needs a reason")


def _numbers(decisions: Collection[int]) -> str:
    return f"decision {', '.join(map(str, decisions))}"


def _lock(connection: Connection) -> None:
    if not database.lock(connection, register.LOCK, "register"):
        raise TryLater("another worker is bringing the register up to date")
