"""Readings from one council's database: one query for each group of metrics, in the caller's read-only transaction.

Where nothing waits a series says 0; it does not vanish, for whoever keeps the last value would go on telling it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time

from family_exchange.adapters import worklist
from family_exchange.adapters.arrivals import HELD, HELD_BY
from family_exchange.adapters.database import Connection
from family_exchange.domain import file
from family_exchange.domain.delivery import State as Delivery
from family_exchange.domain.metrics import ANSWERED_WITHIN, INCIDENTS, Pending, Reading, histogram, reading
from family_exchange.domain.retention_rule import RetentionRule

Fed = tuple[str, str]
"""A partner's slug and one of its feeds."""

_AT_WORK = file.UNFINISHED | {file.State.APPLIED}
_JUDGED = frozenset(file.State) - file.UNFINISHED - {file.State.GONE}


def of_files(connection: Connection, council: str, agreed: Iterable[Fed], *, at: datetime) -> Iterator[Reading]:
    """Files by state and age, their rows by outcome, and receipts that are owed; each agreed feed has its series."""
    rows = connection.execute(
        """SELECT partner, feed, state, count(*), min(seen_at),
                  min(coalesce(applied_at, seen_at)) FILTER (WHERE receipt_at IS NULL),
                  coalesce(sum(rows_loaded), 0), coalesce(sum(rows_with_finding), 0), coalesce(sum(rows_refused), 0)
             FROM exchange.file GROUP BY partner, feed, state"""
    ).fetchall()
    found = {(partner, feed): dict[str, tuple[object, ...]]() for partner, feed in agreed}
    for partner, feed, state, *its in rows:
        found.setdefault((partner, feed), {})[state] = tuple(its)
    for (partner, feed), states in sorted(found.items()):
        for state in file.State:
            number = states[state][0] if state in states else 0
            yield reading("files", _whole(number), council, partner, feed, state)
        oldest = [states[state][1] for state in states if state in _AT_WORK]
        owed = [states[state][2] for state in states if state in _JUDGED]
        yield reading("file_oldest_seconds", _age(oldest, at), council, partner, feed)
        yield reading("receipt_owed_seconds", _age(owed, at), council, partner, feed)
        for number, outcome in enumerate(file.Outcome, start=3):
            total = sum(_whole(its[number]) for its in states.values())
            yield reading("rows_total", total, council, partner, feed, outcome)


def of_quarantine(connection: Connection, council: str, agreed: Iterable[Fed]) -> Iterator[Reading]:
    """Files in quarantine by reason, until they are rejected or destroyed; incidents are told where there are none."""
    found = {(partner, feed, str(reason)): 0 for partner, feed in agreed for reason in INCIDENTS}
    for partner, feed, reason, number in connection.execute(
        """SELECT partner, feed, reason, count(*) FROM exchange.file
            WHERE state = 'QUARANTINED' AND vault_destroyed_at IS NULL AND reason IS NOT NULL
            GROUP BY partner, feed, reason"""
    ):
        found[partner, feed, reason] = number
    for (partner, feed, reason), number in sorted(found.items()):
        yield reading("files_quarantined", number, council, partner, feed, reason)


def of_receipts(connection: Connection, council: str, feeds: Iterable[str]) -> Iterator[Reading]:
    """How long partners waited for their receipts, over all files that the ledger has; as a histogram by feed."""
    bounds = ", ".join(f"count(*) FILTER (WHERE waited <= {bound})" for bound in ANSWERED_WITHIN)
    rows = connection.execute(
        f"""SELECT feed, coalesce(sum(waited), 0)::float8, {bounds}, count(*)
              FROM (SELECT feed, extract(epoch FROM receipt_at - seen_at) AS waited FROM exchange.file
                     WHERE receipt_at IS NOT NULL) answered
             GROUP BY feed"""  # noqa: S608 - our own numbers
    )
    found: dict[str, tuple[float, list[int]]] = {feed: (0.0, [0] * (len(ANSWERED_WITHIN) + 1)) for feed in feeds}
    found |= {feed: (total, counts) for feed, total, *counts in rows}
    for feed, (total, counts) in sorted(found.items()):
        yield from histogram("receipt_seconds", counts, total, council, feed)


def of_decisions(connection: Connection, council: str, active: Iterable[Fed], *, at: datetime) -> Iterator[Reading]:
    """What waits for people: files and keys of who sends, own keys, pairs, proposals, sign-offs, destruction plans."""
    fed = sorted(active)
    sending = {"sending": [f"{partner}/{feed}" for partner, feed in fed], "senders": [partner for partner, _ in fed]}
    queued, since = worklist.queue(connection)
    waiting = {Pending.PROPOSAL: (queued, _begins(since))}
    for kind, number, oldest in connection.execute(_WAITING, {**HELD_BY, **sending}):
        waiting[Pending(kind)] = (number, oldest)
    for kind in Pending:
        number, oldest = waiting.get(kind, (0, None))
        yield reading("decisions_pending", number, council, kind)
        yield reading("decision_oldest_seconds", _age([oldest], at), council, kind)


_WAITING = f"""
    SELECT 'file', count(*), min(seen_at) FROM exchange.file
     WHERE {HELD} AND partner || '/' || feed = ANY(%(sending)s)
    UNION ALL
    SELECT 'key', count(*), min(since)
      FROM (SELECT valid_from AS since FROM exchange.partner_key
             WHERE approved_by IS NULL AND revoked_at IS NULL AND partner = ANY(%(senders)s)
            UNION ALL SELECT recorded_at FROM exchange.own_key WHERE approved_by IS NULL) added
    UNION ALL
    SELECT 'match', count(*), min(recorded_at) FROM register.possible_match
    UNION ALL
    SELECT 'sign_off', count(*), min(recorded_at)
      FROM (SELECT DISTINCT ON (code, period) state, recorded_at FROM returns.return
             ORDER BY code, period, version DESC) newest WHERE state = 'ASSEMBLED'
    UNION ALL
    SELECT 'purge', count(*), min(recorded_at)
      FROM (SELECT state, items, recorded_at FROM rights.purge_plan ORDER BY recorded_at DESC LIMIT 1) newest
     WHERE state = 'PLANNED' AND items > 0
"""  # noqa: S608 - our own words


def of_returns(connection: Connection, council: str, codes: Iterable[str], *, at: datetime) -> Iterator[Reading]:
    """Returns by state, and since when the oldest that was sent is not answered; the newest version of each period."""
    states = {(code, str(state)): 0 for code in codes for state in Delivery}
    oldest: dict[str, datetime | None] = dict.fromkeys((code for code, _ in states), None)
    for code, state, number, since in connection.execute(
        """SELECT code, state, count(*), min(sent_at) FILTER (WHERE state IN ('SENT', 'DELIVERED'))
             FROM (SELECT DISTINCT ON (code, period) code, state, sent_at FROM returns.return
                    ORDER BY code, period, version DESC) newest
            GROUP BY code, state"""
    ):
        states[code, state] = number
        oldest[code] = min((each for each in (oldest.get(code), since) if each), default=None)
    for (code, state), number in sorted(states.items()):
        yield reading("returns", number, council, code, state)
    for code, since in sorted(oldest.items()):
        yield reading("return_unacknowledged_seconds", _age([since], at), council, code)


def state_of_return(connection: Connection, code: str, period: str) -> Delivery | None:
    """The state of the newest version of that period's return; None when there is none."""
    row = connection.execute(
        "SELECT state FROM returns.return WHERE code = %s AND period = %s ORDER BY version DESC LIMIT 1", (code, period)
    ).fetchone()
    return Delivery(row[0]) if row else None


def began_at(connection: Connection) -> datetime | None:
    """When the council began: the instant of its first audit event; None before that."""
    row = connection.execute("SELECT at FROM audit.event ORDER BY seq LIMIT 1").fetchone()
    return row[0] if row else None


def of_audit(connection: Connection, council: str, *, signed: int, at: datetime) -> Iterator[Reading]:
    """How long the chain is, and how old its oldest event after `signed`, the last one that a checkpoint covers."""
    row = connection.execute(
        """SELECT (SELECT seq FROM audit.head),
                  (SELECT e.at FROM audit.event e WHERE e.seq > %s ORDER BY e.seq LIMIT 1)""",
        (signed,),
    ).fetchone()
    events, oldest = row or (0, None)
    yield reading("audit_events_total", int(events or 0), council)
    yield reading("audit_unsigned_seconds", _age([oldest], at), council)


def of_retention(
    connection: Connection, council: str, rules: Iterable[RetentionRule], *, today: date
) -> Iterator[Reading]:
    """What the newest plan lists and nobody has destroyed, held or found gone, by category."""
    items = {rule.category: 0 for rule in rules}
    due: list[date] = []
    for category, number, first in connection.execute(
        """SELECT category, count(*), min(due_on) FROM rights.purge_item
            WHERE outcome IS NULL
              AND plan_id = (SELECT plan_id FROM rights.purge_plan ORDER BY recorded_at DESC, plan_id DESC LIMIT 1)
            GROUP BY category"""
    ):
        items[category] = number
        due.append(first)
    for category, number in sorted(items.items()):
        yield reading("purge_backlog_items", number, council, category)
    yield reading("purge_backlog_days", max(0, (today - min(due, default=today)).days), council)


def of_messages(connection: Connection, council: str, *, at: datetime) -> Iterator[Reading]:
    """What lies in the outbox, unsent."""
    row = connection.execute("SELECT count(*), min(written_at) FROM exchange.outbox WHERE sent_at IS NULL").fetchone()
    number, oldest = row or (0, None)
    yield reading("messages_waiting", number, council)
    yield reading("message_oldest_seconds", _age([oldest], at), council)


def of_log(connection: Connection, council: str, *, at: datetime) -> Iterator[Reading]:
    """Since when the server's log waits to be handed out, because the last try failed; nothing where it keeps it."""
    row = connection.execute(
        """SELECT last_failed_time > coalesce(last_archived_time, '-infinity'),
                  coalesce(last_archived_time, stats_reset)
             FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off'"""
    ).fetchone()
    if row:
        failing, since = row
        yield reading("backup_age_seconds", _age([since if failing else None], at), council, "log")


def _age(moments: Iterable[object], at: datetime) -> float:
    """Whole seconds since the oldest of the moments; 0 when there is none, or it lies ahead."""
    oldest = min((each for each in moments if isinstance(each, datetime)), default=at)
    return max(0, int((at - oldest).total_seconds()))


def _begins(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _whole(number: object) -> int:
    return int(str(number))
