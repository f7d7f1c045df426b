"""What is known of each person, and since when: facts from source records, and what named people rectify."""

import logging
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from family_exchange.adapters import audit, database, facts, memory, rectifications, register, said
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import facts as rules
from family_exchange.domain import key
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.profile import Profile

log = logging.getLogger(__name__)

STAGE = "facts"


def bring_up(connection: Connection, profile: Profile, *, today: date) -> dict[str, int]:
    """The facts of every person of whom something has changed are what records and rectifications tell.

    The caller's transaction holds the register's lock. When the rules of choosing are others than before, everybody is
    due. Counts: `facts` (new or changed), `facts_closed`. A second run finds nobody due and changes nothing.
    """
    chosen = said.rules(profile)
    rule = sha256(chosen.digest.encode()).hexdigest()
    due = memory.take_due(connection, STAGE)
    row = connection.execute("SELECT rule FROM register.run WHERE stage = %s", (STAGE,)).fetchone()
    whole = memory.EVERYTHING in due or row is None or row[0] != rule
    if not whole and not due:
        return {"facts": 0, "facts_closed": 0}
    changed = facts.bring_up(connection, chosen, None if whole else due)
    if whole:
        memory.note_whole(connection, STAGE, today=today, rule=rule)
    counts = {"facts": changed.added, "facts_closed": changed.closed}
    if any(counts.values()):
        audit.append(connection, "register.facts", register.ACTOR, counts)
    log.info("facts: %s", counts)
    return counts


def rectify(
    doors: Doors,
    person: str,
    *,
    attribute: str,
    slot: str,
    value: str,
    valid_from: date,
    by: str,
    reason: str,
    today: date,
) -> int:
    """The number of the rectification: from now on this value stands, whatever any partner's next file says.

    The person's facts are right when this returns; families and proposals follow with the register's next run, and
    the next return tells it. A second call makes a second rectification, which stands over the first.

    Raises:
        NeedsDecision: nobody is named, no reason is given, the person is unknown, the day lies ahead, or the value is
            none of that attribute; no message holds the value.
        TryLater: another worker is writing the register.
    """
    _require(by, reason)
    if valid_from > today:
        raise NeedsDecision("a rectification holds from a day that has come")
    known, place, parts = rules.rectified(attribute, slot, value, today=today)
    with database.transaction(doors.database) as connection:
        _lock(connection)
        number = rectifications.put(
            connection, person, known, place, parts, valid_from=valid_from, by=by.strip(), reason=reason.strip()
        )
        _follow(connection, doors, person, today, "register.rectified", by, {"attribute": str(known)}, number)
    return number


def withdraw(doors: Doors, number: int, *, by: str, today: date) -> str:
    """The id of the person of whom the rectification stands no more; what partners tell stands again.

    Raises:
        NeedsDecision: nobody is named, or no such rectification is in force.
        TryLater: another worker is writing the register.
    """
    _require(by, "withdrawn")
    with database.transaction(doors.database) as connection:
        _lock(connection)
        person = rectifications.withdraw(connection, number, by=by.strip())
        _follow(connection, doors, person, today, "register.rectification_withdrawn", by, {}, number)
    return person


def _follow(
    connection: Connection,
    doors: Doors,
    person: str,
    today: date,
    kind: str,
    by: str,
    more: Mapping[str, audit.Plain],
    number: int,
) -> None:
    memory.touch(connection, [person])
    body: dict[str, audit.Plain] = {"person": person, "rectification": number, **more}
    audit.append(connection, kind, by.strip(), body)
    bring_up(connection, doors.profile, today=today)


def _require(by: str, reason: str) -> None:
    key.require_person(by)
    if not reason.strip():
        raise NeedsDecision("a rectification needs a reason")


def _lock(connection: Connection) -> None:
    if not database.lock(connection, register.LOCK, "register"):
        raise TryLater("another worker is bringing the register up to date")
