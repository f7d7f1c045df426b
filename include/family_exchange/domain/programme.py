"""The programme: how a family stands to it, which changes are possible, and who may say so.

A status is what a named person decided, with a date and a reason; a machine has no say in it. That a family is
identified is what a standing proposal means, so nobody records it but to correct an entry.
Source: the notices (families are asked to join; assessed families that do not take part; status of intervention).
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from family_exchange.domain import spells
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import require_person
from family_exchange.domain.spells import Spell

MOST_WORDS = 200
"""Characters of a reason or a name: one line, never a case note."""


class Status(StrEnum):
    """How a family stands to the programme."""

    IDENTIFIED = "identified"
    """The rules propose it, and nobody has decided."""
    INVITED = "invited"
    """It was asked to join and has not answered."""
    ACCEPTED = "accepted"
    """It is on the programme, and supported."""
    DECLINED = "declined"
    """It was asked, and said no."""
    NOT_INVITED = "not_invited"
    """Somebody decided not to ask it."""
    CLOSED = "closed"
    """Support has ended."""


_ASKED = frozenset({Status.INVITED, Status.ACCEPTED, Status.DECLINED, Status.NOT_INVITED})
MOVES: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.IDENTIFIED: _ASKED,
        Status.INVITED: _ASKED - {Status.INVITED},
        Status.ACCEPTED: frozenset({Status.CLOSED}),
        Status.DECLINED: _ASKED - {Status.DECLINED},
        Status.NOT_INVITED: _ASKED - {Status.NOT_INVITED},
        Status.CLOSED: _ASKED,
    }
)
"""What may follow what. Support ends by closing alone; whoever once said no, or was closed, may be asked again."""


ANSWERS = frozenset({Status.ACCEPTED, Status.DECLINED, Status.NOT_INVITED})
"""What also decides the proposals of the family that are open."""


class Gap(StrEnum):
    """What is missing in the support of a family; the exceptions that somebody has to look at."""

    NO_LEAD_WORKER = "no_lead_worker"
    OUTSIDE_WITHOUT_REASON = "outside_without_reason"
    """Somebody put a member outside the plan and did not say why."""
    NOBODY_SAID = "nobody_said"
    """Nobody put the member into the plan or outside it."""
    NO_DEPENDENT_CHILD = "no_dependent_child"
    """The framework's child is no more: grown up, moved out, or known to be somebody else's."""
    NO_MEMBER = "no_member"
    """Nobody belongs to the family now: its people are in other families, or gone."""


def named(by: str) -> str:
    """The name of the person who decides, without the spaces around it.

    Raises:
        NeedsDecision: nobody is named, or a machine is.
    """
    require_person(by)
    return line(by, "a name")


def line(words: str, what: str) -> str:
    """Words that somebody typed, without the spaces around them; `what` they are is said in an error.

    Raises:
        NeedsDecision: there are none, or more than one short line.
    """
    kept = words.strip()
    if not kept:
        raise NeedsDecision(f"{what} is missing")
    if len(kept) > MOST_WORDS or not kept.isprintable():
        raise NeedsDecision(f"{what} is one line of at most {MOST_WORDS} characters")
    return kept


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, from which day it holds, and why; there is none by a machine, without a reason, or of tomorrow."""

    by: str
    on: date
    reason: str
    today: InitVar[date]

    def __post_init__(self, today: date) -> None:
        """Refuse what is no decision.

        Raises:
            NeedsDecision: no person is named, no reason is given, or the day has not come.
        """
        object.__setattr__(self, "by", named(self.by))
        object.__setattr__(self, "reason", " ".join(self.reason.split()))
        if not self.reason:
            raise NeedsDecision("a decision needs a reason")
        if self.on > today:
            raise NeedsDecision(f"nothing is decided from a day that has not come: today is {today}")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a family stood to the programme for a while, and who decided that, why."""

    status: Status
    by: str
    reason: str
    route: str | None = None
    """How it came to be known: by data, a referral or a nomination."""
    referral_reason: str | None = None
    """The code by which it was referred."""
    proposal: str | None = None


History = tuple[Spell[Standing], ...]


def status_on(history: History, on: date) -> Status | None:
    """The recorded status; None when nobody has decided anything that holds on that day."""
    spell = spells.at(history, on)
    return spell.what.status if spell else None


def changed(history: History, standing: Standing, on: date, *, instead_of: date | None = None) -> History:
    """The history with this standing from that day.

    `instead_of` is the first day of an entry that was wrong: it is as if it had never been. An entry of the very day
    is replaced when its status may lead to the new one.

    Raises:
        NeedsDecision: what stands before or after that day does not allow it; `identified` corrects and does no more.
    """
    status, corrects = standing.status, instead_of is not None
    if status is Status.IDENTIFIED and not corrects:
        raise NeedsDecision("a standing proposal identifies a family; nobody records it, but to correct an entry")
    if instead_of is not None:
        history = spells.without(history, instead_of)
    there = spells.at(history, on)
    if there is not None and there.from_on == on:
        _allow(there.what.status, status, on, corrects=corrects)
    before = spells.at(history, on - timedelta(days=1))
    _allow(before.what.status if before else Status.IDENTIFIED, status, on, corrects=corrects)
    after = next((one for one in history if one.from_on > on), None)
    if after is not None and after.what.status not in MOVES[status]:
        raise NeedsDecision(
            f"{status} from {on} cannot be followed by {after.what.status}, as recorded from {after.from_on}: "
            f"correct that entry first, with --instead-of {after.from_on}"
        )
    return spells.begun(history, standing, on)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Decisions on a family's proposals that count no more, because a status was a mistake."""

    outcomes: frozenset[Status]
    since: date
    """Decided on that day or later."""


def withdrawn(before: History, after: History, *, instead_of: date | None) -> Withdrawn | None:
    """What a correction takes back: what came with the newest entry, if that was wrong; None: nothing.

    Nobody has ever decided about a family that is identified in the end. When an older entry was wrong, somebody has
    decided about the family since, and that stays.
    """
    if after[-1].what.status is Status.IDENTIFIED:
        return Withdrawn(ANSWERS, date.min)
    if before and before[-1].from_on == instead_of and before[-1].what.status in ANSWERS:
        return Withdrawn(frozenset({before[-1].what.status}), before[-1].from_on)
    return None


def followed(history: History, standing: Standing, on: date) -> History:
    """The history after a proposal of the family was decided: it never alters what somebody recorded of the family.

    So the new status begins no earlier than the newest entry. A family on the programme stays there whatever becomes
    of a further proposal; only closing ends support.

    Raises:
        NeedsDecision: the newest entry begins on the last day that the decision may speak of, and forbids it.
    """
    if not history:
        return changed(history, standing, on)
    newest = history[-1]
    if newest.what.status in {standing.status, Status.ACCEPTED}:
        return history
    try:
        return changed(history, standing, max(on, newest.from_on))
    except NeedsDecision:
        raise NeedsDecision(
            f"it is {newest.what.status} from {newest.from_on}, and can become {standing.status} from the day after"
        ) from None


def _allow(before: Status, status: Status, on: date, *, corrects: bool) -> None:
    if status in MOVES[before] or (corrects and status is before):
        return
    if status is before:
        raise NeedsDecision(f"the family is {status} on {on} already")
    may = ", ".join(sorted(MOVES[before]))
    raise NeedsDecision(
        f"a family that is {before} on {on} can become {may}, not {status}; an entry that was wrong is corrected "
        "with --instead-of and its first day"
    )
