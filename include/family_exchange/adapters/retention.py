"""What is kept, since when, and under which hold: the queries behind a purge plan.

The period of a rule becomes one date (`retention.latest_start`), so the database chooses by comparing columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from family_exchange.adapters import audit
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import require_person
from family_exchange.domain.programme import line
from family_exchange.domain.retention import Item, Kind, due_on, kind_of, latest_review, latest_start, needs_event
from family_exchange.domain.retention_rule import RetentionRule

SCOPES = ("person", "file", "return", "category", "council")
"""What a hold may be placed on."""

_HOLDABLE = {
    "person": "SELECT FROM memory.person WHERE person_id = %s",
    "file": "SELECT FROM exchange.file WHERE file_id = %s",
    "return": "SELECT FROM returns.return WHERE return_id = %s",
}
"""What a hold's id must be of; a category is the profile's, and of councils there is one."""

_THINGS = {
    Kind.SOURCE_RECORD: """
        SELECT s.source_record_id AS item_id, s.file_id,
               CASE %(trigger)s WHEN 'date_of_birth' THEN s.date_of_birth WHEN 'event' THEN %(event_on)s::date
                                ELSE s.retain_from END AS started
          FROM register.source_record s
         WHERE s.category = %(category)s""",
    Kind.FILE: """
        SELECT f.file_id AS item_id, f.file_id,
               CASE %(trigger)s WHEN 'event' THEN %(event_on)s::date
                                ELSE (CASE f.state WHEN 'GONE' THEN f.landing_removed_at ELSE f.receipt_at END
                                      AT TIME ZONE 'Europe/London')::date END AS started
          FROM exchange.file f
         WHERE f.vault_destroyed_at IS NULL
           AND CASE %(category)s WHEN 'quarantined_file' THEN f.state IN ('QUARANTINED','REJECTED','GONE')
                                 ELSE f.ct_sha256 IS NOT NULL AND f.state IN ('CLOSED','DUPLICATE','SUPERSEDED') END""",
    Kind.STAGED_FILE: """
        SELECT f.file_id AS item_id, f.file_id,
               CASE %(trigger)s WHEN 'event' THEN %(event_on)s::date
                                ELSE (f.applied_at AT TIME ZONE 'Europe/London')::date END AS started
          FROM exchange.file f
         WHERE f.state = 'CLOSED' AND f.registered_at IS NOT NULL AND f.staging_cleared_at IS NULL""",
    Kind.RETURN: """
        SELECT r.return_id AS item_id, NULL::text AS file_id,
               CASE WHEN %(trigger)s = 'event' THEN %(event_on)s::date
                    WHEN r.state = 'VOID' THEN (r.recorded_at AT TIME ZONE 'Europe/London')::date
                    ELSE (r.acknowledged_at AT TIME ZONE 'Europe/London')::date END AS started
          FROM returns.return r
         WHERE r.code || '_return' = %(category)s AND r.destroyed_at IS NULL
           AND r.state IN ('DELIVERED','ACKNOWLEDGED','REFUSED_BY_RECIPIENT','VOID')""",
}
"""One row per thing of a category that still exists: its id, its file, and the day its clock started or null.

A return that never reached its recipient (VOID) counts from the day it was made: nobody will ever accept it. A file
that its partner took back (GONE) has no answer and counts from then: it has left its name here, and perhaps its bytes.
"""

_PERSON_HELD = {
    Kind.SOURCE_RECORD: """SELECT 1 FROM register.person_record pr JOIN linked USING (person_id)
                            WHERE pr.source_record_id = t.item_id""",
    Kind.FILE: """SELECT 1 FROM register.source_sighting s JOIN register.person_record pr USING (source_record_id)
                    JOIN linked USING (person_id) WHERE s.file_id = t.item_id""",
    Kind.STAGED_FILE: """SELECT 1 FROM register.source_sighting s
                           JOIN register.person_record pr USING (source_record_id)
                           JOIN linked USING (person_id) WHERE s.file_id = t.item_id""",
    Kind.RETURN: """SELECT 1 FROM returns.return_row rr JOIN linked USING (person_id) WHERE rr.return_id = t.item_id""",
}
"""True when a person on hold is in the thing."""

_SEEN_IN_HELD = {
    Kind.SOURCE_RECORD: """
            OR EXISTS (SELECT FROM memory.source_sighting a
                        WHERE a.source_record_id = t.item_id AND a.file_id IN ({active} = 'file'))"""
}
"""Also true of a record that a later file on hold says again."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the things of one category stand on one day; counts only."""

    category: str
    due: int
    held: int
    review: int
    unknown: int
    """Things whose clock has no known start; they are never due."""


def _standing_query(kind: Kind, *, only: bool = False) -> str:
    """`t`: one row per thing, with `held`; with `only`, just the things of the parameter of that name."""
    named = "JOIN unnest(%(only)s::text[]) AS named(item_id) USING (item_id)" if only else ""
    active = "SELECT scope_id FROM rights.hold WHERE released_at IS NULL AND scope_kind"
    return f"""WITH RECURSIVE {linked(f"{active} = 'person'")},
      t AS MATERIALIZED (
        SELECT t.item_id, t.started,
               EXISTS (SELECT 1 FROM rights.hold WHERE released_at IS NULL AND scope_kind = 'council')
            OR %(category)s IN ({active} = 'category')
            OR t.item_id IN ({active} = 'return')
            OR t.file_id IN ({active} = 'file'){_SEEN_IN_HELD.get(kind, "").format(active=active)}
            OR (EXISTS (SELECT 1 FROM linked) AND EXISTS ({_PERSON_HELD[kind]})) AS held
          FROM ({_THINGS[kind]}) t {named})"""  # noqa: S608 - our own queries


def _parameters(connection: Connection, rule: RetentionRule) -> dict[str, object]:
    return {
        "category": rule.category,
        "trigger": str(rule.trigger),
        "event_on": event_date(connection, rule.event) if needs_event(rule) and rule.event else None,
    }


def outlook(connection: Connection, rule: RetentionRule, *, today: date) -> Outlook:
    """How many things of the rule's category are due, held, waiting for a person, or without a date."""
    row = connection.execute(
        _standing_query(kind_of(rule.category)).encode()
        + b""" SELECT count(*) FILTER (WHERE started <= %(latest)s AND NOT held),
                      count(*) FILTER (WHERE started <= %(latest)s AND held),
                      count(*) FILTER (WHERE started <= %(review)s AND (started <= %(latest)s) IS NOT TRUE),
                      count(*) FILTER (WHERE started IS NULL) FROM t""",
        _parameters(connection, rule)
        | {"latest": latest_start(rule, today=today), "review": latest_review(rule, today=today)},
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    return Outlook(rule.category, *map(int, row))


def due(connection: Connection, rule: RetentionRule, *, today: date) -> list[Item]:
    """What is due under the rule and not held, in order of id."""
    kind = kind_of(rule.category)
    rows = connection.execute(
        _standing_query(kind).encode()
        + b" SELECT item_id, started FROM t WHERE started <= %(latest)s AND NOT held ORDER BY item_id",
        _parameters(connection, rule) | {"latest": latest_start(rule, today=today)},
    )
    items = ((str(item_id), due_on(rule, started)) for item_id, started in rows)
    return [Item(kind, item_id, rule.category, day) for item_id, day in items if day is not None]


def outcomes(connection: Connection, rule: RetentionRule, ids: Sequence[str], *, today: date) -> dict[str, str]:
    """What may be done now with each of the things: `destroyed` (it may go), `held`, `not_due`, or `gone` before.

    Holds cannot be placed or released until the transaction ends, nor files move: what was decided meanwhile waits, or
    has won.
    """
    connection.execute("LOCK TABLE rights.hold IN SHARE MODE")
    connection.execute("SELECT 1 FROM exchange.file WHERE file_id = ANY(%s) ORDER BY file_id FOR UPDATE", (list(ids),))
    rows = connection.execute(
        _standing_query(kind_of(rule.category), only=True).encode()
        + b""" SELECT item_id, CASE WHEN (started <= %(latest)s) IS NOT TRUE THEN 'not_due'
                                    WHEN held THEN 'held' ELSE 'destroyed' END FROM t""",
        _parameters(connection, rule) | {"latest": latest_start(rule, today=today), "only": list(ids)},
    )
    return dict.fromkeys(ids, "gone") | {str(item_id): str(outcome) for item_id, outcome in rows}


def event_date(connection: Connection, event: str) -> date | None:
    """The day on which the event happened; None: nobody has recorded it, so nothing that waits for it is due."""
    row = connection.execute("SELECT happened_on FROM rights.event_date WHERE event = %s", (event,)).fetchone()
    return row[0] if row else None


def record_event(connection: Connection, event: str, *, happened_on: date, by: str) -> None:
    """The event's day, as a named person states it; a later statement replaces an earlier one.

    Raises:
        NeedsDecision: nobody is named.
    """
    require_person(by)
    connection.execute(
        """INSERT INTO rights.event_date (event, happened_on, recorded_by) VALUES (%s, %s, %s)
           ON CONFLICT (event) DO UPDATE SET happened_on = excluded.happened_on, recorded_by = excluded.recorded_by,
                                             recorded_at = clock_timestamp()""",
        (event, happened_on, by),
    )
    audit.append(connection, "retention.event", by, {"event": event, "on": happened_on.isoformat()})


def place_hold(connection: Connection, scope: str, scope_id: str, *, by: str, reason: str) -> int:
    """The number of a new hold: nothing in its scope is destroyed until it is released.

    Raises:
        NeedsDecision: there is no such kind of scope, or nothing in it of that id: it would keep nothing; nobody is
            named, or no reason is given.
    """
    require_person(by)
    why = line(reason, "a reason")
    if scope not in SCOPES:
        raise NeedsDecision(f"a hold is placed on one of: {', '.join(SCOPES)}")
    connection.execute("LOCK TABLE rights.hold IN ROW EXCLUSIVE MODE")  # a purge that is at it ends first
    if scope in _HOLDABLE and connection.execute(_HOLDABLE[scope].encode(), (scope_id,)).rowcount == 0:
        raise NeedsDecision(f"there is no {scope} of that id, so a hold on it would keep nothing")
    row = connection.execute(
        """INSERT INTO rights.hold (scope_kind, scope_id, placed_by, reason) VALUES (%s, %s, %s, %s)
           RETURNING hold_id""",
        (scope, scope_id, by, why),
    ).fetchone()
    assert row is not None  # noqa: S101 - INSERT … RETURNING gives a row
    audit.append(connection, "retention.hold_placed", by, {"hold": int(row[0]), "scope": scope})
    return int(row[0])


def release_hold(connection: Connection, hold_id: int, *, by: str) -> bool:
    """True when the hold was in force until now.

    Raises:
        NeedsDecision: nobody is named.
    """
    require_person(by)
    released = connection.execute(
        "UPDATE rights.hold SET released_at = clock_timestamp() WHERE hold_id = %s AND released_at IS NULL", (hold_id,)
    ).rowcount
    if released:
        audit.append(connection, "retention.hold_released", by, {"hold": hold_id})
    return bool(released)
