"""Nominations: a professional says that an indicator holds of a family or of one of its members, and why.

A nomination is evidence beside the data, labelled as what it is; like all evidence it decides nothing.
"""

import re
from datetime import date

from family_exchange.adapters import database, nominations, profiles, register
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.nominations import Nominated
from family_exchange.domain import key
from family_exchange.domain.errors import NeedsDecision, TryLater

FAMILY = "H"
"""How the id of a family begins."""

_PROFESSION = re.compile(r"[a-z][a-z0-9_]{1,62}")


def nominate(
    doors: Doors, subject: str, *, indicator: str, by: str, profession: str, reason: str, on: date, today: date
) -> int:
    """The number of the nomination of that family or person, for an indicator of the framework in force.

    Whoever nominates is a named person, in a profession (lower-case letters and `_`, e.g. `health_visitor`), on a day
    that is not ahead. A second run gives the same number and changes nothing.

    Raises:
        NeedsDecision: the indicator is none that the framework in force, as the council applies it, lets people
            nominate for; the profession is not one whose nomination counts; nobody of that id is in the register; no
            person is named, no reason given, or the day lies ahead.
        TryLater: another worker is writing the register.
    """
    _require(by)
    if not reason.strip():
        raise NeedsDecision("a nomination needs a reason")
    if on > today:
        raise NeedsDecision("a nomination cannot be of a day that lies ahead")
    framework = profiles.framework_in_force(doors.profile, today)
    known = {each.code: each for each in framework.indicators if each.kind == "nomination"}
    if indicator not in known:
        raise NeedsDecision(f"--indicator is one of {', '.join(known) or 'none: this council takes no nominations'}")
    if not _PROFESSION.fullmatch(profession):
        raise NeedsDecision("--role is a profession in lower-case letters, e.g. health_visitor")
    allowed = known[indicator].nominators
    if allowed and profession not in allowed:
        raise NeedsDecision(f"for {indicator} nominate only: {', '.join(allowed)}")
    with database.transaction(doors.database) as connection:
        _lock(connection)
        if subject.startswith(FAMILY):
            nominations.family_in_use(connection, subject)
        else:
            nominations.person_in_use(connection, subject)
        return nominations.put(
            connection,
            family=subject if subject.startswith(FAMILY) else None,
            person=None if subject.startswith(FAMILY) else subject,
            indicator=indicator,
            framework=framework.code,
            by=by.strip(),
            profession=profession,
            reason=reason.strip(),
            on=on,
        )


def withdraw(doors: Doors, number: int, *, by: str) -> bool:
    """True when the nomination is taken back now; a second run finds it taken back and changes nothing.

    Raises:
        NeedsDecision: there is no such nomination, or no person is named.
        TryLater: another worker is writing the register.
    """
    _require(by)
    with database.transaction(doors.database) as connection:
        _lock(connection)
        return nominations.withdraw(connection, number, by=by.strip())


def listed(doors: Doors) -> list[Nominated]:
    """Every nomination, the newest first."""
    with database.transaction(doors.database) as connection:
        return nominations.listed(connection)


def _require(by: str) -> None:
    key.require_person(by)


def _lock(connection: Connection) -> None:
    if not database.lock(connection, register.LOCK, "register"):
        raise TryLater("another worker is bringing the register up to date")
