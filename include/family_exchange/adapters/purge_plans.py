"""Purge plans: the list that a person approves, what became of each item, and the counts for the certificate."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from family_exchange.adapters.database import Connection
from family_exchange.domain import ids
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import require_person
from family_exchange.domain.retention import Item, Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """A list of things to destroy, and what has been decided about it."""

    plan_id: str
    planned_on: date
    state: str
    items: int
    digest: bytes
    approved_by: str | None


def digest(items: Iterable[Item]) -> bytes:
    """SHA-256 of the sorted list; one item more, less or other gives another."""
    seen = sha256()
    for item in sorted(items):
        seen.update(f"{item.kind}\t{item.item_id}\t{item.category}\t{item.due_on.isoformat()}\n".encode())
    return seen.digest()


def store(connection: Connection, plan: Plan, items: Iterable[Item]) -> bool:
    """True when the plan is new; one of the same id stays as it is."""
    new = connection.execute(
        """INSERT INTO rights.purge_plan (plan_id, planned_on, items, digest) VALUES (%s, %s, %s, %s)
           ON CONFLICT (plan_id) DO NOTHING""",
        (plan.plan_id, plan.planned_on, plan.items, plan.digest),
    ).rowcount
    if new:
        statement = "COPY rights.purge_item (plan_id, kind, item_id, category, due_on) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for item in items:
                copy.write_row((plan.plan_id, item.kind, item.item_id, item.category, item.due_on))
    return bool(new)


def read(connection: Connection, plan_id: str, *, alone: bool = False) -> Plan:
    """The plan; with `alone`, nobody else changes it until the transaction ends.

    Raises:
        NeedsDecision: there is none of this id.
    """
    query = "SELECT plan_id, planned_on, state, items, digest, approved_by FROM rights.purge_plan WHERE plan_id = %s"
    row = connection.execute(f"{query} FOR UPDATE" if alone else query, (plan_id,)).fetchone()
    if row is None:
        raise NeedsDecision(f"there is no purge plan {ids.said(plan_id)}; `retention plan` makes one")
    return Plan(str(row[0]), row[1], str(row[2]), int(row[3]), bytes(row[4]), row[5])


def listed(connection: Connection, plan_id: str) -> list[Item]:
    """The plan's items as they are stored now, in order."""
    rows = connection.execute(
        "SELECT kind, item_id, category, due_on FROM rights.purge_item WHERE plan_id = %s", (plan_id,)
    )
    return sorted(Item(Kind(kind), str(item_id), str(category), day) for kind, item_id, category, day in rows)


def approve(connection: Connection, plan_id: str, *, by: str) -> None:
    """The plan may be carried out; `by` answers for it.

    Raises:
        NeedsDecision: nobody is named, or a machine is.
    """
    require_person(by)
    connection.execute(
        """UPDATE rights.purge_plan SET state = 'APPROVED', approved_by = %s, approved_at = clock_timestamp()
            WHERE plan_id = %s""",
        (by, plan_id),
    )


def pending(connection: Connection, plan_id: str, kind: Kind, *, most: int) -> list[tuple[str, str]]:
    """Id and category of at most so many items of one kind that still await their outcome, in order."""
    rows = connection.execute(
        """SELECT item_id, category FROM rights.purge_item
            WHERE plan_id = %s AND kind = %s AND outcome IS NULL ORDER BY category, item_id LIMIT %s""",
        (plan_id, kind, most),
    )
    return [(str(item_id), str(category)) for item_id, category in rows]


def note_outcomes(connection: Connection, plan_id: str, kind: Kind, found: dict[str, str]) -> None:
    """Each item's outcome stands in the plan."""
    connection.execute(
        """UPDATE rights.purge_item i SET outcome = o.outcome
             FROM unnest(%s::text[], %s::text[]) AS o(item_id, outcome)
            WHERE i.plan_id = %s AND i.kind = %s AND i.item_id = o.item_id""",
        (list(found), list(found.values()), plan_id, kind),
    )


def totals(connection: Connection, plan_id: str) -> dict[str, int]:
    """Destroyed items by kind, the others by outcome, and the people and families that went with them."""
    row = connection.execute(
        """SELECT count(*) FILTER (WHERE outcome = 'destroyed' AND kind = 'source_record'),
                  count(*) FILTER (WHERE outcome = 'destroyed' AND kind = 'file'),
                  count(*) FILTER (WHERE outcome = 'destroyed' AND kind = 'staged_file'),
                  count(*) FILTER (WHERE outcome = 'destroyed' AND kind = 'return'),
                  count(*) FILTER (WHERE outcome = 'destroyed' AND kind = 'object'),
                  count(*) FILTER (WHERE outcome = 'held'), count(*) FILTER (WHERE outcome = 'not_due'),
                  count(*) FILTER (WHERE outcome = 'gone')
             FROM rights.purge_item WHERE plan_id = %s""",
        (plan_id,),
    ).fetchone()
    names = ("source_record", "file", "staged_file", "return", "object", "held", "not_due", "gone")
    gone = connection.execute(
        """SELECT coalesce(sum((b ->> 'people')::int), 0), coalesce(sum((b ->> 'families')::int), 0)
             FROM (SELECT convert_from(event, 'UTF8')::jsonb -> 'body' AS b FROM audit.event
                    WHERE kind = 'purge.destroyed') e
            WHERE b ->> 'plan' = %s""",
        (plan_id,),
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    assert gone is not None  # noqa: S101 - as above
    return dict(zip(names, map(int, row), strict=True)) | {"people": int(gone[0]), "families": int(gone[1])}


def finish(connection: Connection, plan_id: str) -> None:
    """Every item of the plan has its outcome."""
    connection.execute(
        "UPDATE rights.purge_plan SET state = 'DESTROYED', destroyed_at = clock_timestamp() WHERE plan_id = %s",
        (plan_id,),
    )
