"""What named people have put right about somebody: kept for good, in force until withdrawn."""

from collections.abc import Mapping
from datetime import date

from psycopg.types.json import Jsonb

from family_exchange.adapters.database import Connection
from family_exchange.domain import ids
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.register_rules import Attribute


def put(
    connection: Connection,
    person: str,
    attribute: Attribute,
    slot: str,
    value: Mapping[str, str],
    *,
    valid_from: date,
    by: str,
    reason: str,
) -> int:
    """The number of the new rectification.

    Raises:
        NeedsDecision: the register has nobody of this id.
    """
    if connection.execute("SELECT FROM register.person WHERE person_id = %s", (person,)).rowcount == 0:
        raise NeedsDecision(f"the register has no person {ids.said(person)}")
    row = connection.execute(
        """INSERT INTO register.rectification (person_id, attribute, slot, value, valid_from, decided_by, reason)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING rectification_no""",
        (person, attribute, slot, Jsonb(dict(value)), valid_from, by, reason),
    ).fetchone()
    assert row is not None  # noqa: S101 - RETURNING always gives a row
    return int(row[0])


def withdraw(connection: Connection, number: int, *, by: str) -> str:
    """The id of the person whom the rectification was about.

    Raises:
        NeedsDecision: no such rectification is in force.
    """
    row = connection.execute(
        """UPDATE register.rectification SET withdrawn_by = %s, withdrawn_at = clock_timestamp()
            WHERE rectification_no = %s AND withdrawn_at IS NULL RETURNING person_id""",
        (by, number),
    ).fetchone()
    if row is None:
        raise NeedsDecision(f"no rectification {number} is in force; `audit show --about <person>` has their numbers")
    return str(row[0])
