"""When a partner's file is expected, when it usually comes, and what its absence means at a given instant.

A calendar says it in London time; instants are UTC. The time before each deadline belongs to exactly one expected file,
so every file that arrives is counted for one of them and a late file never passes for the next.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from family_exchange.domain.agreed_calendar import EACH_DAY, WEEKDAYS, Every, FeedCalendar, Term
from family_exchange.domain.working_days import is_working_day, working_day

LONDON = ZoneInfo("Europe/London")

LEARNED_FROM = 12
"""How many of the newest files that came in time tell when a partner usually sends."""
LEAST_LEARNED_FROM = 4
"""Fewer files tell nothing; then the usual moment is assumed."""
ONE_IN = 10
"""One in so many past files came after the usual moment, at the most."""
QUARTER = timedelta(minutes=15)
"""The usual moment is a full quarter of an hour: nobody sends to the minute."""

_DAY = timedelta(days=1)
_ASSUMED_LEAD = {Every.DAY: timedelta(hours=2)}
"""How long before the due moment a file is assumed to come, where nothing is known of the partner; else a day."""
_LONGEST = {
    Every.DAY: timedelta(days=5),  # over Easter, where working days are counted
    Every.WEEK: timedelta(days=7),
    Every.MONTH: timedelta(days=31),
    Every.TERM: timedelta(days=160),
    Every.QUARTER: timedelta(days=92),
    Every.HALF_YEAR: timedelta(days=184),
}
"""The longest time between two files."""
_STARTS = {Every.MONTH: range(1, 13), Every.QUARTER: (1, 4, 7, 10), Every.HALF_YEAR: (4, 10)}
"""The months in which a period begins, and the file for the one before it is due."""


class State(StrEnum):
    """What is to be said of one expected file at one instant."""

    NOTHING_EXPECTED = "nothing expected"
    """The period that it tells of is not over."""
    EXPECTED = "expected"
    LATE_SOON = "late soon"
    """The partner's usual hour has passed, and nothing has come; the deadline is still ahead."""
    OVERDUE = "overdue"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Expected:
    """One file that a calendar asks for."""

    due_on: date
    """The London day by which it names the file; two files of a feed are never due on one day."""
    opens_at: datetime
    """The first instant after the period that the file is for."""
    due_at: datetime
    deadline: datetime
    """The due instant and the days of grace; from here on the file is overdue."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file that came."""

    at: datetime
    as_of: date | None
    """The day that the file itself says it tells of, if it does."""
    refused_for: str | None = None
    """Why the file was refused as a whole; such a file is not received."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One expected file at one instant."""

    expected: Expected
    state: State
    usual_at: datetime
    """When nine in ten of the partner's files had come, carried over to this one; London's full hour."""
    learned_from: int
    """How many past files tell it; 0: it is assumed."""
    refused_for: tuple[str, ...]
    """Why files that came for it were refused as a whole, oldest first."""


def reaches_back_to(calendar: FeedCalendar, at: datetime) -> datetime:
    """The instant from which files that came have a say in what stands at `at`."""
    return at - (LEARNED_FROM + 1) * _LONGEST[calendar.every] - calendar.grace_days * _DAY


def expected(
    calendar: FeedCalendar, terms: Sequence[Term], *, since: datetime, until: datetime
) -> tuple[Expected, ...]:
    """Every file whose deadline lies after `since` and up to `until`, in order; an inactive feed expects none."""
    if not calendar.active:
        return ()
    grace = calendar.grace_days * _DAY
    first, last = _london(since).date() - grace - _DAY, _london(until).date() + _DAY
    every = (_expected(calendar, due, opens) for due, opens in _due_days(calendar, terms, first, last))
    return tuple(each for each in every if since < each.deadline <= until)


def standings(
    calendar: FeedCalendar, terms: Sequence[Term], arrivals: Iterable[Arrival], at: datetime, *, since: datetime
) -> tuple[Standing, ...]:
    """The newest file whose deadline has passed, and the next one, as they stand at `at`.

    What was due before `since`, the instant from which the partner could send, was never expected. Empty: nothing is.
    """
    ahead = at + 2 * _LONGEST[calendar.every] + calendar.grace_days * _DAY
    every = expected(calendar, terms, since=reaches_back_to(calendar, at), until=ahead)
    past = sum(each.deadline <= at for each in every)
    every = every[: past + 1]
    came: list[list[Arrival]] = [[] for _ in every]
    for arrival in sorted(arrivals, key=lambda each: each.at):
        if arrival.at <= at and (index := meant_for(arrival, every)) is not None:
            came[index].append(arrival)
    firsts = [next((arrival.at for arrival in each if arrival.refused_for is None), None) for each in came]
    in_time = [
        (each, first)
        for each, first in zip(every[:past], firsts, strict=False)
        if first is not None and first <= each.deadline
    ][-LEARNED_FROM:]
    told = []
    for index in range(max(past - 1, 0), len(every)):
        file = every[index]
        if file.due_at <= since:
            continue
        learned = [pair for pair in in_time if pair[0].due_on < file.due_on]
        usual_at = usual(calendar, file, learned)
        state = _state(file, usual_at, at, came=firsts[index] is not None)
        reasons = tuple(arrival.refused_for for arrival in came[index] if arrival.refused_for is not None)
        told.append(Standing(file, state, usual_at, len(learned) if _tell(learned) else 0, reasons))
    return tuple(told)


def meant_for(arrival: Arrival, every: Sequence[Expected]) -> int | None:
    """Which of the expected files, in order, the arrival is: the one whose deadline it came before, or an earlier one.

    A file that tells of a day up to an earlier due day is that earlier file, come late. None: it came after them all.
    """
    by_time = next((index for index, each in enumerate(every) if arrival.at <= each.deadline), None)
    if by_time is None or arrival.as_of is None:
        return by_time
    as_of = arrival.as_of
    return next((index for index, each in enumerate(every[:by_time]) if as_of <= each.due_on), by_time)


def usual(calendar: FeedCalendar, file: Expected, learned: Sequence[tuple[Expected, datetime]]) -> datetime:
    """When nine in ten of the files in `learned` had come, carried over to `file` by the clock on London's walls.

    Each of them is what was expected and when it came. Never after the deadline.
    """
    if _tell(learned):
        leads = sorted(_wall(before.due_at) - _wall(came) for before, came in learned)
        lead = leads[len(leads) // ONE_IN]
    else:
        lead = _ASSUMED_LEAD.get(calendar.every, _DAY)
    wall = _wall(file.due_at) - lead
    over = (wall - datetime.combine(wall.date(), time())) % QUARTER
    return min(_instant(wall + (QUARTER - over if over else timedelta())), file.deadline)


def _tell(learned: Sequence[object]) -> bool:
    return len(learned) >= LEAST_LEARNED_FROM


def _state(file: Expected, usual_at: datetime, at: datetime, *, came: bool) -> State:
    if came:
        return State.RECEIVED
    if at >= file.deadline:
        return State.OVERDUE
    if at >= usual_at:
        return State.LATE_SOON
    return State.EXPECTED if at >= file.opens_at else State.NOTHING_EXPECTED


def _expected(calendar: FeedCalendar, due_on: date, opens_on: date) -> Expected:
    due = datetime.combine(due_on, time(calendar.hour))
    deadline = due + calendar.grace_days * _DAY
    return Expected(due_on, _instant(datetime.combine(opens_on, time())), _instant(due), _instant(deadline))


def _due_days(calendar: FeedCalendar, terms: Sequence[Term], first: date, last: date) -> Iterator[tuple[date, date]]:
    """Each day from `first` to `last` on which a file is due, and the first day after the period that it is for."""
    if calendar.every is Every.DAY or calendar.every is Every.WEEK:
        for step in range((last - first).days + 1):
            day = first + step * _DAY
            if _is_due(calendar, day):
                yield day, day
        return
    for opens_on in sorted(_openings(calendar, terms, first, last)):
        if first <= (due_on := _nth_day(calendar, opens_on)) <= last:
            yield due_on, opens_on


def _is_due(calendar: FeedCalendar, day: date) -> bool:
    if calendar.every is Every.WEEK:
        return WEEKDAYS[day.weekday()] == calendar.by
    return calendar.by == EACH_DAY or is_working_day(day)


def _openings(calendar: FeedCalendar, terms: Sequence[Term], first: date, last: date) -> Iterator[date]:
    """The first days after periods; a few more than are asked for."""
    if calendar.every is Every.TERM:
        yield from (term.ends + _DAY for term in terms)
        return
    for year in range(first.year - 1, last.year + 1):
        yield from (date(year, month, 1) for month in _STARTS[calendar.every])


def _nth_day(calendar: FeedCalendar, opens_on: date) -> date:
    """The day after the period that `by` names; a month without that day gives its last day."""
    number, working = calendar.nth_day
    if working:
        return working_day(opens_on, number)
    if calendar.every is Every.TERM:
        return opens_on + (number - 1) * _DAY
    return opens_on.replace(day=min(number, monthrange(opens_on.year, opens_on.month)[1]))


def _london(moment: datetime) -> datetime:
    return moment.astimezone(LONDON)


def _wall(moment: datetime) -> datetime:
    """What London's clocks show, without saying which hour of two it is."""
    return _london(moment).replace(tzinfo=None)


def _instant(wall: datetime) -> datetime:
    """The instant at which London's clocks show it, the earlier of two; in the hour left out in spring, one hour on."""
    return wall.replace(tzinfo=LONDON).astimezone(UTC)
