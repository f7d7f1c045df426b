"""Read every metric of one council as it stands at one instant: from its ledger, its calendars, its keys and its disks.

It only reads. A second run at the same instant, with nothing changed, gives the same values.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from family_exchange.adapters import backup_place, closing, database, marks, metrics
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import expiry, period
from family_exchange.domain.calendar import LONDON, State
from family_exchange.domain.delivery import State as Delivery
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.metrics import Reading, reading
from family_exchange.domain.profile import Profile
from family_exchange.domain.promises import ReturnPromise
from family_exchange.domain.working_days import working_day
from family_exchange.stages import watch


def council(doors: Doors, *, at: datetime) -> list[Reading]:
    """Every reading at `at`, all of one moment of the database; of a closed council only what lies beside it.

    Raises:
        TryLater: the database does not answer.
        MissingSetting: the council's key ring is not there.
    """
    profile, slug, today = doors.profile, doors.profile.council, at.astimezone(LONDON).date()
    agreed = [(partner.slug, feed) for partner in profile.partners for feed in partner.feeds]
    active = [(partner.slug, feed) for partner in profile.active_partners for feed in partner.active_feeds]
    if closing.of(doors.folder) is not None:
        return [reading("closed", 1, slug), *_beside(doors, at)]
    with database.transaction(doors.database) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = [
            *(reading("feed_active", (partner, feed) in active, slug, partner, feed) for partner, feed in agreed),
            *metrics.of_files(connection, slug, agreed, at=at),
            *metrics.of_quarantine(connection, slug, agreed),
            *metrics.of_receipts(connection, slug, profile.feeds),
            *_calendars(doors, connection, active, at),
            *metrics.of_decisions(connection, slug, active, at=at),
            *metrics.of_returns(connection, slug, _codes(profile), at=at),
            *_due(profile, connection, today),
            *_keys(doors, connection, today),
            *metrics.of_audit(connection, slug, signed=marks.checkpoint(doors.checkpoints), at=at),
            *metrics.of_retention(connection, slug, profile.retention, today=today),
            *metrics.of_messages(connection, slug, at=at),
            *metrics.of_log(connection, slug, at=at),
        ]
    return [*found, reading("closed", 0, slug), *_beside(doors, at)]


def _calendars(doors: Doors, connection: Connection, active: list[tuple[str, str]], at: datetime) -> Iterator[Reading]:
    """How many expected files of each active feed stand how, and when the next deadline is."""
    slug = doors.profile.council
    standing = {(partner, feed, str(state)): 0 for partner, feed in active for state in State}
    deadlines = dict.fromkeys(active, 0)
    for each in watch.feeds(doors, connection, at):
        key = each.partner.slug, each.feed
        standing[*key, str(each.standing.state)] += 1
        left = int((each.standing.expected.deadline - at).total_seconds())
        if left > 0 and not 0 < deadlines[key] < left:
            deadlines[key] = left
    for (partner, feed, state), number in standing.items():
        yield reading("feed_expected", number, slug, partner, feed, state.replace(" ", "_"))
    for (partner, feed), left in deadlines.items():
        yield reading("feed_deadline_seconds", left, slug, partner, feed)


def _codes(profile: Profile) -> list[str]:
    return sorted(code for code, promise in profile.returns.items() if promise.enabled)


def _due(profile: Profile, connection: Connection, today: date) -> Iterator[Reading]:
    """Days until each kind of return is due: of the newest closed period, or of this one once that has arrived.

    A period that was over before the council began, and that nobody made a return of, is nobody's debt.
    """
    began = metrics.began_at(connection)
    for code in _codes(profile):
        promise = profile.returns[code]
        calendar = period.calendar(promise.periods)
        closed = calendar.last_closed(today)
        state = metrics.state_of_return(connection, code, closed.name)
        ours = began is not None and began.astimezone(LONDON).date() <= closed.last_day
        settled = state is Delivery.ACKNOWLEDGED or (state is None and not ours)
        due = _due_on(promise, calendar.containing(today) if settled else closed)
        yield reading("return_due_days", (due - today).days, profile.council, code)


def _due_on(promise: ReturnPromise, one: period.Period) -> date:
    return working_day(one.ends_before, promise.due_working_days)


def _keys(doors: Doors, connection: Connection, today: date) -> Iterator[Reading]:
    """Days until the last key of each owner and use ends; a key that has a successor is not waited for."""
    left: dict[tuple[str, str], int] = {}
    for key in watch.keys(doors, connection):
        days = expiry.days_left(key.ends_at, today)
        if days is not None and not key.replaced:
            left[key.owner, str(key.kind)] = max(days, left.get((key.owner, str(key.kind)), days))
    for (owner, use), days in sorted(left.items()):
        yield reading("key_days", days, doors.profile.council, owner, use)


def _beside(doors: Doors, at: datetime) -> Iterator[Reading]:
    """What no database tells: the last verification, the disks, the last backup, and the moment itself."""
    slug = doors.profile.council
    if verified := marks.verification(doors.checkpoints):
        yield reading("audit_verified_seconds", _since(verified.at, at), slug)
        yield reading("audit_chain_whole", verified.whole, slug)
    found = marks.disks(doors.settings.state, doors.settings.disks, _place_of_backups(doors))
    for place, (free, part) in found.items():
        yield reading("free_bytes", free, slug, place)
        yield reading("free_ratio", round(part, 4), slug, place)
    for store, taken in marks.backups(doors.settings.state).items():
        yield reading("backup_age_seconds", _since(taken, at), slug, store)
    if (whole := marks.backup_is_whole(doors.settings.state)) is not None:
        yield reading("backup_whole", whole, slug)
    yield reading("observed_timestamp_seconds", int(at.astimezone(UTC).timestamp()), slug)


def _place_of_backups(doors: Doors) -> Path | None:
    """The folder where backups go, and the journal with them; None: nobody said so, or what was said is damaged."""
    try:
        place, _ = backup_place.place(doors.settings.state, doors.settings.council)
    except NeedsDecision:
        return None
    return place.root if place else None


def _since(moment: datetime, at: datetime) -> int:
    return max(0, (at - moment) // timedelta(seconds=1))
