"""The programme as named people run it: a family's status, its lead worker, team and plan, and what is suggested.

A machine decides nothing here. What is wrong is corrected by a further entry; the memory keeps both.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

from family_exchange.adapters import care, database, programme, proposals
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.programme import Changed
from family_exchange.adapters.proposals import Answer
from family_exchange.domain import programme as rules
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.programme import Decision, Status

log = logging.getLogger(__name__)


def status(
    doors: Doors,
    family: str,
    to: Status,
    *,
    by: str,
    reason: str,
    on: date,
    today: date,
    instead_of: date | None = None,
) -> Changed:
    """From that day the family has the status that a named person decided, with a reason.

    `instead_of` is the first day of an entry that was wrong; it stays in the memory. `accepted`, `declined` and
    `not_invited` decide the family's open proposals too; when the newest entry was wrong, what was decided with it
    is open again, and an answer in its place is about that alone. A second run is refused: the family has that status
    already.

    Raises:
        NeedsDecision: nobody is named, no reason is given, the day has not come, there is no such family, nothing
            proposes it, or what is recorded of it does not allow the change.
        TryLater: the register is being brought up to date for long.
    """
    decision = Decision(by, on, reason, today=today)
    with _writing(doors) as connection:
        changed = programme.change(connection, family, to, decision, instead_of=instead_of)
        taken = None
        if changed.withdrawn:
            taken = proposals.take_back(connection, family, changed.withdrawn, by=decision.by)
        if changed.newest and to in rules.ANSWERS:
            asked = {*programme.undecided(connection, family)}
            since = on if to is Status.ACCEPTED else None
            answer = Answer(to, decision.by, decision.reason, on, since)
            proposals.decide(connection, asked if taken is None else asked & taken, answer)
    log.info("family %s: %s", family, to)
    return changed


def lead(doors: Doors, family: str, *, name: str, organisation: str, on: date, by: str, today: date) -> None:
    """From that day the worker leads the support of the family, instead of whoever did before.

    Raises:
        NeedsDecision: nobody is named, the day has not come, or there is no such family.
    """
    _worker(doors, family, care.LEAD, (name, organisation), on=on, by=by, today=today)


def lead_ends(doors: Doors, family: str, *, on: date, by: str, today: date) -> None:
    """From that day nobody leads the support of the family, until somebody else does.

    Raises:
        NeedsDecision: as with `lead`; or nobody led it on that day.
    """
    who, day = rules.named(by), _come(on, today)
    with _writing(doors) as connection:
        care.worker_ends(connection, family, care.LEAD, "", "", on=day, by=who)


def joins_team(doors: Doors, family: str, *, name: str, organisation: str, on: date, by: str, today: date) -> None:
    """From that day the worker belongs to the team around the family.

    Raises:
        NeedsDecision: as with `lead`.
    """
    _worker(doors, family, care.TEAM, (name, organisation), on=on, by=by, today=today)


def leaves_team(doors: Doors, family: str, *, name: str, organisation: str, on: date, by: str, today: date) -> None:
    """From that day the worker belongs to the team no more.

    Raises:
        NeedsDecision: as with `lead`; or no such worker belonged to it on that day.
    """
    who, day, worker = rules.named(by), _come(on, today), _named_worker(name, organisation)
    with _writing(doors) as connection:
        care.worker_ends(connection, family, care.TEAM, *worker, on=day, by=who)


def plan(
    doors: Doors,
    family: str,
    *,
    inside: Collection[str] = (),
    outside: Collection[str] = (),
    reason: str | None = None,
    on: date,
    by: str,
    today: date,
) -> None:
    """From that day these members are in the family's plan, and those outside it, for the reason given.

    Somebody may be put outside without a reason for the time being: the exceptions then name them.

    Raises:
        NeedsDecision: nobody is named, the day has not come, no member is given or one twice, or somebody does not
            belong to the family on that day.
    """
    who, day = rules.named(by), _come(on, today)
    if not inside and not outside:
        raise NeedsDecision("say who is in the plan, or outside it")
    if set(inside) & set(outside):
        raise NeedsDecision("somebody is in the plan or outside it, not both")
    why = rules.line(reason, "the reason") if reason is not None else None
    people: dict[str, tuple[bool, str | None]] = dict.fromkeys(inside, (True, None))
    people |= dict.fromkeys(outside, (False, why))
    with _writing(doors) as connection:
        care.plan(connection, family, people, on=day, by=who)


def suggest(doors: Doors, family: str, *, service: str, reason: str, on: date, by: str, today: date) -> None:
    """From that day a named person suggests the service for the family; no machine ever does.

    Raises:
        NeedsDecision: nobody is named, no reason is given, the day has not come, or there is no such family.
    """
    decision = Decision(by, on, reason, today=today)
    named = rules.line(service, "the service")
    with _writing(doors) as connection:
        care.suggest(connection, family, named, decision.reason, on=on, by=decision.by)


def suggestion_ends(doors: Doors, family: str, *, service: str, on: date, by: str, today: date) -> None:
    """From that day the service is suggested no more: it is given, or not wanted.

    Raises:
        NeedsDecision: as with `suggest`; or it was not suggested on that day.
    """
    who, day, named = rules.named(by), _come(on, today), rules.line(service, "the service")
    with _writing(doors) as connection:
        care.suggestion_ends(connection, family, named, on=day, by=who)


def _worker(doors: Doors, family: str, duty: str, worker: tuple[str, str], *, on: date, by: str, today: date) -> None:
    who, day, (name, organisation) = rules.named(by), _come(on, today), _named_worker(*worker)
    with _writing(doors) as connection:
        care.worker(connection, family, duty, name, organisation, on=day, by=who)


def _named_worker(name: str, organisation: str) -> tuple[str, str]:
    return rules.named(rules.line(name, "the worker's name")), rules.line(organisation, "the organisation")


def _come(on: date, today: date) -> date:
    if on > today:
        raise NeedsDecision(f"nothing is recorded from a day that has not come: today is {today}")
    return on


@contextmanager
def _writing(doors: Doors) -> Iterator[Connection]:
    with database.transaction(doors.database) as connection:
        programme.turn(connection)
        yield connection
