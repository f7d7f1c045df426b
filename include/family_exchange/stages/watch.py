"""Look whether anything needs a person: files that did not come, ends of keys and agreements, servers, audit, support.

It asks the calendars and the ledger, so it sees what is missing even when no run of anything exists. What it finds it
writes into the outbox, each thing once; `stages.tell` sends it.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from family_exchange.adapters import arrivals, audit, database, gaps, marks, measures, outbox, own_keys, set_aside
from family_exchange.adapters.arrivals import Lying
from family_exchange.adapters.audit import Verdict
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import calendar, expiry, message
from family_exchange.domain.agreed_calendar import Every
from family_exchange.domain.alerts import TOO_LONG
from family_exchange.domain.backup import KEPT
from family_exchange.domain.calendar import LONDON, Standing, State
from family_exchange.domain.errors import Halted, NeedsDecision, TryLater
from family_exchange.domain.expiry import KeyEnd
from family_exchange.domain.message import Message
from family_exchange.domain.profile import OPERATIONS, PROGRAMME, Profile
from family_exchange.domain.programme import Gap
from family_exchange.domain.promises import Partner

log = logging.getLogger(__name__)

TERMS_AHEAD = timedelta(days=60)
"""How long before the end of the last school term that is known somebody is asked for more."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of one partner, and one file that is expected of it."""

    partner: Partner
    feed: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that one look found."""

    feeds: tuple[Feed, ...]
    unfinished: tuple[Lying, ...]
    held: tuple[Lying, ...]
    without_receipt: tuple[tuple[str, datetime], ...]
    keys: tuple[KeyEnd, ...]
    """When each key stops working: of the partners that send, our own, and the recipient's."""
    endpoints: tuple[tuple[str, str], ...]
    """Servers that cannot be used, and why."""
    chain: Verdict
    missing: Mapping[Gap, int]
    """What is missing in the support of families, in numbers."""
    set_aside: tuple[str, ...]
    """Databases that a restore set aside longer ago than a backup is kept."""

    def in_state(self, state: State) -> list[Feed]:
        """The expected files in that state."""
        return [each for each in self.feeds if each.standing.state is state]


def survey(doors: Doors, *, at: datetime) -> Survey:
    """What is to be said at `at`; nothing is written, and nobody is told."""
    endpoints = tuple(_endpoints(doors))
    chain = _chain(doors)
    with database.transaction(doors.database) as connection:
        return Survey(
            feeds=tuple(feeds(doors, connection, at)),
            unfinished=tuple(arrivals.unfinished(connection, seen_before=at - TOO_LONG)),
            held=tuple(arrivals.held(connection, seen_before=at - TOO_LONG)),
            without_receipt=tuple(arrivals.without_receipt(connection, sent_before=at - TOO_LONG)),
            keys=tuple(keys(doors, connection)),
            endpoints=endpoints,
            chain=chain,
            missing=Counter(one.gap for one in gaps.in_support(connection, on=at.astimezone(LONDON).date())),
            set_aside=tuple(name for name, since in set_aside.there(connection) if since < at - KEPT),
        )


def look(doors: Doors, *, at: datetime) -> dict[str, int]:
    """What was found, in numbers; what is new is in the outbox, with one audit event, and a checkpoint is signed.

    A second look writes nothing that was written before. A chain that does not hold gets no new checkpoint.
    """
    found = survey(doors, at=at)
    marks.note_verification(doors.checkpoints, whole=found.chain.whole, at=at)
    said = list(messages(doors, found, at=at))
    with database.transaction(doors.database) as connection:
        written = outbox.write(connection, said, at=at)
        if written:
            audit.append(connection, "watch.warned", "exchange", {"messages": len(written), "keys": written})
    if found.chain.whole:
        with database.transaction(doors.database) as connection:
            audit.checkpoint(connection, doors.checkpoints, doors.signing_key)
    counts = {state.replace(" ", "_"): len(found.in_state(state)) for state in State}
    log.info(
        "%d files overdue, %d late soon; %d messages are new", counts["overdue"], counts["late_soon"], len(written)
    )
    return counts | {"unfinished": len(found.unfinished), "held": len(found.held), "new_messages": len(written)}


def guard(doors: Doors) -> dict[str, int]:
    """How many events and checkpoints of the audit chain hold.

    Raises:
        Halted: one does not; nothing may be trusted until a person has looked.
    """
    chain = _chain(doors)
    if not chain.whole:
        raise Halted(
            f"the audit chain does not hold at event {chain.broken_at}: {chain.why}. Stop the council's Dags, keep the "
            "database and the checkpoints as they are, and follow the runbook"
        )
    return {"events": chain.events, "checkpoints": chain.checkpoints}


def messages(doors: Doors, found: Survey, *, at: datetime) -> Iterator[Message]:
    """Everything that is to be told of what was found, to whom the profile says."""
    council, today = doors.profile.council, at.astimezone(LONDON).date()
    operations = _operations(doors.profile)
    yield from _of_files(doors.profile, found, today)
    yield from _of_agreements(doors.profile, today)
    yield from _of_keys(doors.profile, found.keys, today)
    for return_id, sent_at in found.without_receipt:
        yield message.no_receipt(council, return_id, sent_at, operations)
    for name in found.set_aside:
        yield message.set_aside(council, name, KEPT.days, today, operations)
    for name, why in found.endpoints:
        yield message.endpoint(council, name, why, today, operations)
    if found.missing:
        mailboxes = doors.profile.mailboxes
        to = mailboxes.get(PROGRAMME, mailboxes[OPERATIONS]).email
        yield message.support(council, found.missing, today, to)
    if found.chain.broken_at is not None:
        yield message.audit(council, found.chain.broken_at, found.chain.why, operations)


def _of_files(profile: Profile, found: Survey, today: date) -> Iterator[Message]:
    for each in found.feeds:
        if each.standing.state in {State.LATE_SOON, State.OVERDUE}:
            lost, to = measures.of(profile, each.feed, today), _chaser(profile, each.partner, each.feed)
            yield message.late(profile.council, each.partner, each.feed, each.standing, lost, to)
    for lying in found.unfinished:
        yield message.waiting(profile.council, lying.partner, lying.feed, lying.file_ids, _operations(profile))
    for lying in found.held:
        to = _chaser(profile, profile.partner(lying.partner), lying.feed)
        yield message.held(profile.council, lying.partner, lying.feed, lying.file_ids, to)


def _of_agreements(profile: Profile, today: date) -> Iterator[Message]:
    for partner in profile.active_partners:
        left = (partner.agreement.expires_on - today).days
        if (step := _step(left)) is not None:
            to = _chaser(profile, partner, partner.active_feeds[0])
            yield message.agreement_ends(profile.council, partner, left, step, to)
    if last_term := _running_out(profile, today):
        yield message.terms_end(profile.council, last_term, _operations(profile))


def _of_keys(profile: Profile, keys: Iterable[KeyEnd], today: date) -> Iterator[Message]:
    for key in keys:
        if key.ends_at is None or not expiry.reached(key, today):
            continue
        left = (key.ends_at.astimezone(UTC).date() - today).days
        if (step := _step(left)) is not None:
            partner = next((one for one in profile.active_partners if one.slug == key.owner), None)
            to = _chaser(profile, partner, partner.active_feeds[0]) if partner else _operations(profile)
            yield message.key_ends(profile.council, key.owner, key.fingerprint, key.ends_at.date(), left, step, to)


def _operations(profile: Profile) -> str:
    return profile.mailboxes[OPERATIONS].email


def _chaser(profile: Profile, partner: Partner, feed: str) -> str:
    """The address of who chases the feed's files; of operations, where the profile no longer knows the feed."""
    contact = partner.calendars[feed].contact if feed in partner.calendars else OPERATIONS
    return profile.mailboxes[contact].email


def _step(days_left: int) -> int | None:
    """The step of the countdown that is reached; 0 when it is over."""
    return 0 if days_left < 0 else min((step for step in expiry.STEPS if days_left <= step), default=None)


def _running_out(profile: Profile, today: date) -> date | None:
    """The last day of the last school term that is known, when it is near and some feed goes by terms."""
    by_term = any(
        partner.calendars[feed].every is Every.TERM
        for partner in profile.active_partners
        for feed in partner.active_feeds
    )
    if not by_term or profile.school_terms is None:
        return None
    last = profile.school_terms.value[-1].ends
    return last if last - today <= TERMS_AHEAD else None


def feeds(doors: Doors, connection: Connection, at: datetime) -> Iterator[Feed]:
    """Every file that an active feed owes at `at`: the newest whose deadline has passed, and the next one."""
    terms = doors.profile.school_terms.value if doors.profile.school_terms else ()
    for partner in doors.profile.active_partners:
        agreed = partner.agreement
        since = datetime.combine(agreed.approved_on, time(), LONDON).astimezone(UTC)
        since = max(since, arrivals.can_send_since(connection, partner.slug) or since)
        for feed in partner.active_feeds:
            its = partner.calendars[feed]
            came = arrivals.of(
                connection,
                partner.slug,
                feed,
                since=calendar.reaches_back_to(its, at),
                until=at,
                stuck=at - TOO_LONG,
            )
            for standing in calendar.standings(its, terms, came, at, since=since):
                if standing.expected.due_on <= agreed.expires_on:
                    yield Feed(partner, feed, standing)


def keys(doors: Doors, connection: Connection) -> Iterator[KeyEnd]:
    """When each key ends that somebody waits for: of the partners that send, our own, and the recipient's."""
    silent = {partner.slug for partner in doors.profile.partners if not partner.active_feeds}
    for key in own_keys.ends(connection, doors.openpgp, recipient=doors.settings.recipient_key):
        if key.owner not in silent:
            yield key


def _endpoints(doors: Doors) -> Iterator[tuple[str, str]]:
    """The servers that cannot be used: they do not answer, or are not what was agreed."""
    for name, zone in (("drop zone", doors.drop_zone), ("recipient", doors.recipient)):
        try:
            with zone() as server:
                server.exists("/")
        except (TryLater, NeedsDecision) as error:
            yield name, str(error)


def _chain(doors: Doors) -> Verdict:
    with database.transaction(doors.database) as connection:
        return audit.verify(connection, doors.checkpoints, doors.signing_key.public_key())
