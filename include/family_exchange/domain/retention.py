"""How long a thing that identifies someone may be kept, and what is due to be destroyed.

Periods are whole calendar years, because that is how the notices write them; the short ones, for what the platform
itself makes, are days. Source: the retention rules of the council's profile.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from family_exchange.domain.period import MONTHS, add_months
from family_exchange.domain.retention_rule import RetentionRule, Trigger


class Kind(StrEnum):
    """What is kept; each kind is destroyed in its own way."""

    RETURN = "return"
    """Our own copy of a return: its rows and its sealed bytes."""
    FILE = "file"
    """A partner's sealed file in the vault, and what tells of its rows: workbook, findings, notes, its name."""
    OBJECT = "object"
    """Sealed bytes in the vault that no line of the ledger claims: a crash or another answer left them behind."""
    STAGED_FILE = "staged_file"
    """The staged rows of a file that the register has taken."""
    SOURCE_RECORD = "source_record"
    """One partner's record of one person, with the evidence that rests on it."""


_OWN = {
    "nis_return": Kind.RETURN,
    "fpd_return": Kind.RETURN,
    "partner_file": Kind.FILE,
    "quarantined_file": Kind.FILE,
    "staged_file": Kind.STAGED_FILE,
}


class Standing(StrEnum):
    """How one item stands on one day."""

    KEPT = "kept"
    REVIEW = "review"
    """A person must decide: the shorter end of a range has passed, or the rule destroys nothing by itself."""
    HELD = "held"
    """It would be destroyed, and a hold forbids it."""
    UNKNOWN = "unknown"
    """The date that starts its clock is not known, so it is never due."""
    DUE = "due"


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One thing that is due, as a plan lists it."""

    kind: Kind
    item_id: str
    """Source record, file or return id; never a value that somebody typed."""
    category: str
    due_on: date


def due_on(rule: RetentionRule, started: date | None) -> date | None:
    """First day on which the rule no longer lets us keep it, holds aside; None: never.

    `started` is the day that the rule's trigger names: of the record, of the person's birth, of the event. A range
    ends at its longer end. A rule for review only has no such day.
    """
    if started is None or not _destroys(rule):
        return None
    if rule.max_years is not None:
        return _years_later(started, rule.max_years)
    return _period_later(rule, started)


def review_on(rule: RetentionRule, started: date | None) -> date | None:
    """First day on which a person must look at it; None: never, because the rule decides alone or has not begun."""
    if started is None or (_destroys(rule) and rule.max_years is None):
        return None
    return _period_later(rule, started)


def standing(rule: RetentionRule, started: date | None, *, today: date, held: bool = False) -> Standing:
    """How a thing under this rule stands `today`."""
    if started is None:
        return Standing.UNKNOWN
    due, review = due_on(rule, started), review_on(rule, started)
    if due is not None and due <= today:
        return Standing.HELD if held else Standing.DUE
    return Standing.REVIEW if review is not None and review <= today else Standing.KEPT


def latest_start(rule: RetentionRule, *, today: date) -> date | None:
    """The newest day on which a clock may have started for its thing to be due `today`; None: nothing is due.

    It lets a database choose by comparing dates, with the same answer as `due_on` for every single thing.
    """
    return _latest(today, due_on, rule, rule.max_years or rule.years) if _destroys(rule) else None


def latest_review(rule: RetentionRule, *, today: date) -> date | None:
    """The same for `review_on`: the newest start whose thing a person must look at `today`; None: there is none."""
    if _destroys(rule) and rule.max_years is None:
        return None
    return _latest(today, review_on, rule, rule.years)


def kind_of(category: str) -> Kind:
    """What kind of thing a category is about: what the platform itself makes has its own categories."""
    return _OWN.get(category, Kind.SOURCE_RECORD)


def needs_event(rule: RetentionRule) -> bool:
    """True when the clock of everything under this rule starts with one event that a named person records."""
    return rule.trigger is Trigger.EVENT


def _latest(
    today: date, day_of: Callable[[RetentionRule, date | None], date | None], rule: RetentionRule, years: int | None
) -> date | None:
    """Step back by the period, then forward over days that fall together (28 and 29 February, counted in years)."""
    try:
        start = add_months(today, -MONTHS * years) if years else today - timedelta(days=rule.days or 0)
    except (ValueError, OverflowError):
        return None
    while (following := day_of(rule, start + timedelta(days=1))) is not None and following <= today:
        start += timedelta(days=1)
    return start


def _destroys(rule: RetentionRule) -> bool:
    return rule.action == "delete" or rule.max_years is not None


def _period_later(rule: RetentionRule, started: date) -> date:
    if rule.years is not None:
        return _years_later(started, rule.years)
    return started + timedelta(days=rule.days or 0)


def _years_later(day: date, years: int) -> date:
    return add_months(day, MONTHS * years)
