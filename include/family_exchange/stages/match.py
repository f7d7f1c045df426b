"""Stage 5: who is who. Source records from staging, and a person for each; and what people decide about it.

A machine joins only what is certain; what is possible waits for a person. What a person decides outranks the machine
until it is taken back.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from family_exchange.adapters import audit, database, linkage, linkage_model, links, memory, persons, register, stated
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.persons import Assignment
from family_exchange.domain import clustering, key, person
from family_exchange.domain import links as rules
from family_exchange.domain.clustering import Decided, How, Known
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.links import Kind, Links
from family_exchange.domain.matching import Thresholds
from family_exchange.stages import propose
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
        counts |= _match(connection, doors)
    log.info("register: %s", counts)
    return counts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of somebody's decision."""

    decision: int
    counts: Mapping[str, int]
    """`joined` and `parted` as in `people`; `flags` and `holds` carried to a part as `carried`; what families and
    proposals changed."""


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
        outcome = _put(connection, doors, Kind.MUST_LINK, *sides, by=by, reason=reason)
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
        outcome = _put(connection, doors, Kind.CANNOT_LINK, away, everything - away, by=by, reason=reason)
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
        body = _body(decision, link.kind, len(link.side_a), len(link.side_b), counts)
        audit.append(connection, "register.identity_undone", by.strip(), body)
    return _brought_up_to_date(doors, Outcome(decision, counts), today)


def _put(
    connection: Connection, doors: Doors, kind: Kind, a: Collection[str], b: Collection[str], *, by: str, reason: str
) -> Outcome:
    before = links.in_force(connection)
    number = links.put(connection, kind, a, b, by=by.strip(), reason=reason.strip())
    counts = _apply(connection, doors, before, {*a, *b}, by=by, decision=number)
    audit.append(connection, "register.identity_decided", by.strip(), _body(number, kind, len(a), len(b), counts))
    return Outcome(number, counts)


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
    counts = _match(connection, doors, about=about)
    carried = links.carry(connection, frozenset(persons.holders(connection, about).values()), by=by, decision=decision)
    return {"joined": counts["joined"], "parted": counts["parted"], "carried": carried}


def _body(decision: int, kind: Kind, a: int, b: int, counts: Mapping[str, int]) -> dict[str, audit.Plain]:
    return {"decision": decision, "decided": str(kind), "side_a": a, "side_b": b, **counts}


def _brought_up_to_date(doors: Doors, outcome: Outcome, today: date) -> Outcome:
    """The families and proposals follow; should this be cut off, the next run of these stages does it."""
    counts = household.families(doors, today=today) | propose.families(doors, today=today)
    log.info("identity decision %s: %s", outcome.decision, outcome.counts)
    return Outcome(outcome.decision, dict(outcome.counts) | counts)


def _require(by: str, reason: str) -> None:
    key.require_person(by)
    if by.strip().casefold() in propose.NOT_A_PERSON:
        raise NeedsDecision("who is who is decided by a named person, never by a machine")
    if not reason.strip():
        raise NeedsDecision("a decision needs a reason")


def _numbers(decisions: Collection[int]) -> str:
    return f"decision {', '.join(map(str, decisions))}"


def _lock(connection: Connection) -> None:
    if not database.lock(connection, register.LOCK, "register"):
        raise TryLater("another worker is bringing the register up to date")


def _match(connection: Connection, doors: Doors, *, about: Collection[str] = ()) -> dict[str, int]:
    """Every record that waits has its person, and so have these keys and whoever either reaches."""
    counts = {"persons": 0, "joined": 0, "parted": 0, "possible_matches": 0}
    model = linkage_model.of(doors.profile.matching)
    waiting = persons.undecided_keys(connection)
    if not waiting and not about and not stated.outdated(connection, model):
        return counts
    weighed = _weighed(connection, doors, model, waiting, about)
    decided, earlier = weighed.decided, weighed.earlier
    settled = clustering.settle(decided, weighed.known)
    counts["persons"] = persons.begin(connection, settled.person_of.values())
    counts["joined"] = persons.point(connection, settled.points_to)
    moved = {key: was for key, was in earlier.items() if was is not None and settled.person_of[key] != was}
    counts["parted"] = len({was for was in moved.values() if settled.points_to.get(was) is None})
    person_of = {key: known for key, known in waiting.items() if known is not None} | dict(settled.person_of)
    assigned = persons.assign(
        connection, [_assignment(key, one, decided, weighed.links) for key, one in sorted(person_of.items())]
    )
    unit_is = {unit: settled.person_of[key] for key, unit in decided.unit_of.items()}
    counts["possible_matches"] = persons.note_possible(connection, decided.possible, unit_is, among=weighed.reached)
    memory.touch(connection, assigned.persons)
    body = counts | {f"by_{way}": number for way, number in sorted(assigned.by_how.items())}
    audit.append(connection, "register.persons", register.ACTOR, body)
    return counts


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What new statements, or a decision, have a say in. Whom they do not reach, by any chain, is as before."""

    earlier: Mapping[str, str | None]
    """Record key → whose it was until now."""
    reached: frozenset[str]
    """The persons of these keys."""
    known: list[Known]
    """The ids that mean one of these keys."""
    links: Links
    decided: Decided


def _weighed(
    connection: Connection,
    doors: Doors,
    model: LinkageModel,
    waiting: Mapping[str, str | None],
    about: Collection[str],
) -> _Weighed:
    thresholds = Thresholds(certain=doors.profile.matching.certain, possible=doors.profile.matching.possible)
    new = [key for key, known in waiting.items() if known is None]
    again = persons.returned(connection, new)
    decided = links.in_force(connection)
    holders = persons.holders(connection, {key for link in decided.all for key in link.keys} | {*about})
    beside = [{holders[key] for key in link.keys if key in holders} for link in decided.all]
    told = {holders[key] for link in decided.all if not link.keys.isdisjoint(new) for key in link.keys & holders.keys()}
    with linkage.pool(connection, model) as pool:
        pairs = pool.pairs(thresholds.possible)
        paired = pool.held({one.key for pair in pairs for one in (pair.a, pair.b)} | pool.fresh(), ())
        first = {*filter(None, paired.values()), *again.values(), *told, *(holders[k] for k in about if k in holders)}
        reached = persons.reached(connection, first, beside)
        pairs += pool.pairs_among(reached, thresholds.possible)
        earlier = dict.fromkeys(new) | pool.held(paired, reached)
        known = persons.known(connection, earlier)
        means = {one.person: one.means for one in known}
        links.keep(connection, ({key, means[one]} for key, one in sorted(again.items()) if one in means))
        pinned = persons.pinned(connection, reached)
        found = clustering.decide(
            pairs,
            pool.statements(earlier),
            earlier,
            links=decided,
            kept=[*links.kept(connection, earlier), *(() if about else _by_person(earlier, pinned))],
            thresholds=thresholds,
            names=model.names,
            margin=model.margin,
        )
    return _Weighed(earlier, reached, known, decided, found)


def _by_person(earlier: Mapping[str, str | None], wanted: Collection[str]) -> list[set[str]]:
    """The keys of each of these persons."""
    groups: dict[str, set[str]] = {}
    for each, one in earlier.items():
        if one is not None and one in wanted:
            groups.setdefault(one, set()).add(each)
    return [groups[one] for one in sorted(groups)]


def _assignment(key: str, one: str, decided: Decided, decisions: Links) -> Assignment:
    """Whose the records of `key` are, and why."""
    if one == person.person_id([key]):
        return Assignment(key, one, How.NEW)
    if decisions.decided(key):
        return Assignment(key, one, How.DECISION)
    reason = decided.reasons.get(key)
    return Assignment(key, one, reason.how, reason.weight) if reason else Assignment(key, one, None)
