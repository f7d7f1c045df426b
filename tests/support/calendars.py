"""Calendars and school terms for tests, and what they look like in London."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from family_exchange.domain.agreed_calendar import FeedCalendar, Term

LONDON = ZoneInfo("Europe/London")
TERMS = (
    Term(name="autumn 2026", starts=date(2026, 9, 2), ends=date(2026, 12, 18)),
    Term(name="spring 2027", starts=date(2027, 1, 4), ends=date(2027, 3, 25)),
    Term(name="summer 2027", starts=date(2027, 4, 12), ends=date(2027, 7, 22)),
)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def a_calendar(every="month", by="working day 5", **changes):
    """A calendar as a profile would say it, active unless told otherwise."""
    said = {"hour": 12, "grace_days": 2, "active": True, "contact": "programme", "status": "assumed", "note": "a test"}
    return FeedCalendar.model_validate({"every": every, "by": by, **said, **changes})


def london(year, month, day, hour=0, minute=0, fold=0):
    """That moment on London's clocks, as an instant."""
    return datetime(year, month, day, hour, minute, tzinfo=LONDON, fold=fold).astimezone(UTC)
