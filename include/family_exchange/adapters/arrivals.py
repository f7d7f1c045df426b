"""What the watch asks the ledger: which files came for a feed, which wait too long, and since when a partner can send.

It reads the ledger and nothing else, so it answers even when no run has ever taken a file in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from family_exchange.adapters.database import Connection
from family_exchange.domain import drift
from family_exchange.domain.calendar import Arrival
from family_exchange.domain.delivery import State as Delivery
from family_exchange.domain.file import UNFINISHED, Reason, State, Verdict

NO_NEWS = (State.DUPLICATE, State.SUPERSEDED, State.GONE)
"""Files that brought nothing: what they held came with another file, or was taken back."""

HELD = """state = %(quarantined)s AND vault_destroyed_at IS NULL
          AND (reason = %(conflict)s
               OR EXISTS (SELECT 1 FROM exchange.finding f WHERE f.file_id = file.file_id AND f.rule = ANY(%(shapes)s))
               OR EXISTS (SELECT 1 FROM exchange.file_decision d
                           WHERE d.file_id = file.file_id AND d.epoch = file.epoch))"""
"""What of `exchange.file` waits for two people, with the parameters of `HELD_BY`."""
HELD_BY: Mapping[str, object] = {
    "quarantined": State.QUARANTINED,
    "conflict": Reason.CONFLICT,
    "shapes": sorted(drift.MESSAGES),
}


@dataclass(frozen=True, slots=True)
class Lying:
    """Files of one feed that lie longer than they should, oldest first."""

    partner: str
    feed: str
    file_ids: tuple[str, ...]


def of(
    connection: Connection, partner: str, feed: str, *, since: datetime, until: datetime, stuck: datetime
) -> list[Arrival]:
    """The files that the ledger first saw after `since` and up to `until`, oldest first.

    One that was seen before `stuck` and is still worked on has not arrived: nobody knows whether it is whole.
    """
    rows = connection.execute(
        """SELECT seen_at, as_of, CASE WHEN state = ANY(%(refused)s) OR verdict = %(verdict)s
                                       THEN coalesce(reason, 'CONTENT') END
             FROM exchange.file
            WHERE partner = %(partner)s AND feed = %(feed)s AND seen_at > %(since)s AND seen_at <= %(until)s
              AND NOT (state = ANY(%(no_news)s)) AND NOT (state = ANY(%(unfinished)s) AND seen_at <= %(stuck)s)
            ORDER BY seen_at, file_id""",
        {
            "partner": partner,
            "feed": feed,
            "since": since,
            "until": until,
            "stuck": stuck,
            "refused": [State.QUARANTINED, State.REJECTED],
            "verdict": Verdict.REFUSED,
            "no_news": list(NO_NEWS),
            "unfinished": sorted(UNFINISHED),
        },
    )
    return [Arrival(seen_at, as_of, refused_for) for seen_at, as_of, refused_for in rows]


def can_send_since(connection: Connection, partner: str) -> datetime | None:
    """The first instant at which a key of the partner was good; None: none is registered, so it cannot send yet."""
    row = connection.execute(
        "SELECT min(valid_from) FROM exchange.partner_key WHERE partner = %s AND approved_by IS NOT NULL", (partner,)
    ).fetchone()
    return row[0] if row else None


def unfinished(connection: Connection, *, seen_before: datetime) -> list[Lying]:
    """Files that were seen before that instant and are still uploaded or worked on, by partner and feed."""
    where = "state = ANY(%(unfinished)s) AND seen_at <= %(seen_before)s"
    return _lying(connection, where, {"unfinished": sorted(UNFINISHED), "seen_before": seen_before})


def held(connection: Connection, *, seen_before: datetime) -> list[Lying]:
    """Files that were seen before that instant and wait for two people's decision, by partner and feed.

    They contradict an earlier file, or are unlike all of them, or one person has spoken and no second one yet.
    """
    return _lying(connection, f"{HELD} AND seen_at <= %(seen_before)s", {**HELD_BY, "seen_before": seen_before})


def without_receipt(connection: Connection, *, sent_before: datetime) -> list[tuple[str, datetime]]:
    """Returns that were sent before that instant and that nobody has acknowledged: id and when, oldest first."""
    rows = connection.execute(
        """SELECT return_id, sent_at FROM returns.return
            WHERE state = ANY(%s) AND sent_at <= %s ORDER BY sent_at, return_id""",
        ([Delivery.SENT, Delivery.DELIVERED], sent_before),
    )
    return [(str(return_id), sent_at) for return_id, sent_at in rows]


def _lying(connection: Connection, where: str, parameters: Mapping[str, object]) -> list[Lying]:
    rows = connection.execute(
        f"""SELECT partner, feed, array_agg(file_id ORDER BY file_id) FROM exchange.file
             WHERE {where} GROUP BY partner, feed ORDER BY partner, feed""",  # noqa: S608 - our own words
        parameters,
    )
    return [Lying(partner, feed, tuple(file_ids)) for partner, feed, file_ids in rows]
