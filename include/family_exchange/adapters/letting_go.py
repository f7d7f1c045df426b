"""Rows let go of, with everything that rests on them: records and their people, and what was staged of a file.

Each function works in the caller's transaction. Sealed bytes, returns and the proof are in `adapters.destruction`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from family_exchange.adapters import links, memory, nobodys, staging, stated
from family_exchange.adapters.database import Connection
from family_exchange.domain.errors import NeedsDecision


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What went, beyond the listed things themselves; counts only."""

    rows: int = 0
    """Rows of the register, of staging or of a return."""
    objects: int = 0
    """Sealed files removed from the vault."""
    people: int = 0
    """Persons of whom no record is left."""
    families: int = 0
    """Families of whom no member is left."""


def source_records(connection: Connection, ids: Sequence[str]) -> Destroyed:
    """The records, their evidence and their links are gone, and so is every person and family left with nothing."""
    touched = [
        str(person_id)
        for (person_id,) in connection.execute(
            "SELECT DISTINCT person_id FROM memory.person_record WHERE source_record_id = ANY(%s)", (list(ids),)
        )
    ]
    keys = links.keep_without(connection, ids)
    stated.hand_over(connection, ids)
    rows = connection.execute(
        "DELETE FROM memory.source_record WHERE source_record_id = ANY(%s)", (list(ids),)
    ).rowcount
    nobodys.forget(connection)
    links.forget(connection, keys)
    gone = _without_record(connection, touched)
    people, families = _forget_people(connection, gone)
    memory.touch(connection, {*touched} - {*gone})
    return Destroyed(rows=rows, people=people, families=families)


def staged_file(connection: Connection, file_id: str) -> Destroyed:
    """The file's staged rows are gone."""
    row = connection.execute(
        "UPDATE exchange.file SET staging_cleared_at = clock_timestamp() WHERE file_id = %s RETURNING feed", (file_id,)
    ).fetchone()
    return Destroyed(rows=staging.forget(connection, str(_one(row, file_id)), file_id))


def _without_record(connection: Connection, touched: Sequence[str]) -> list[str]:
    """Of the people touched and those merged with them, the ones of whom no record is left.

    People merged together stay or go together: while one of them has a record, all of them are that record's person.
    """
    rows = connection.execute(
        """WITH RECURSIVE above(person_id, merged_into) AS (
             SELECT person_id, merged_into FROM register.person WHERE person_id = ANY(%s)
             UNION
             SELECT p.person_id, p.merged_into FROM above a JOIN register.person p ON p.person_id = a.merged_into),
           everyone(person_id, root_id) AS (
             SELECT person_id, person_id FROM above WHERE merged_into IS NULL
             UNION
             SELECT p.person_id, e.root_id FROM everyone e JOIN register.person p ON p.merged_into = e.person_id),
           left_with_nothing AS (
             SELECT e.root_id FROM everyone e LEFT JOIN register.person_record r USING (person_id)
              GROUP BY e.root_id HAVING count(r.source_record_id) = 0)
           SELECT person_id FROM everyone JOIN left_with_nothing USING (root_id) ORDER BY person_id""",
        (list(touched),),
    )
    return [str(person_id) for (person_id,) in rows]


def _forget_people(connection: Connection, people: Sequence[str]) -> tuple[int, int]:
    """How many people and families went: families only when their last member did, with their whole history."""
    if not people:
        return 0, 0
    them = (list(people),)
    connection.execute("DELETE FROM register.possible_match WHERE person_a = ANY(%s)", them)
    connection.execute("DELETE FROM register.possible_match WHERE person_b = ANY(%s)", them)
    for table in ("evidence", "fact", "person_record", "person_pointer", "plan_scope"):
        connection.execute(f"DELETE FROM memory.{table} WHERE person_id = ANY(%s)".encode(), them)  # noqa: S608 - our own words
    connection.execute("DELETE FROM memory.person_pointer WHERE points_to = ANY(%s)", them)
    connection.execute("DELETE FROM register.rectification WHERE person_id = ANY(%s)", them)
    connection.execute("DELETE FROM register.nomination WHERE person_id = ANY(%s)", them)
    families = [
        str(family_id)
        for (family_id,) in connection.execute(
            "DELETE FROM memory.family_member WHERE person_id = ANY(%s) RETURNING family_id", them
        )
    ]
    gone = connection.execute("DELETE FROM memory.person WHERE person_id = ANY(%s)", them).rowcount
    return gone, _forget_families(connection, sorted(set(families)))


def _forget_families(connection: Connection, families: Sequence[str]) -> int:
    empty = [
        str(family_id)
        for (family_id,) in connection.execute(
            """SELECT f.family_id FROM memory.family f
                WHERE f.family_id = ANY(%s)
                  AND NOT EXISTS (SELECT 1 FROM memory.family_member m WHERE m.family_id = f.family_id)""",
            (list(families),),
        )
    ]
    if not empty:
        return 0
    for table in ("evidence", "family_status", "family_worker", "plan_scope", "suggestion"):
        connection.execute(f"DELETE FROM memory.{table} WHERE family_id = ANY(%s)".encode(), (empty,))  # noqa: S608 - our own words
    connection.execute("DELETE FROM register.nomination WHERE family_id = ANY(%s)", (empty,))
    connection.execute(
        """DELETE FROM memory.decision WHERE proposal_id IN
             (SELECT proposal_id FROM memory.proposal WHERE family_id = ANY(%s))""",
        (empty,),
    )
    connection.execute(
        """DELETE FROM memory.proposal_standing WHERE proposal_id IN
             (SELECT proposal_id FROM memory.proposal WHERE family_id = ANY(%s))""",
        (empty,),
    )
    connection.execute("DELETE FROM memory.proposal WHERE family_id = ANY(%s)", (empty,))
    return connection.execute("DELETE FROM memory.family WHERE family_id = ANY(%s)", (empty,)).rowcount


def _one(row: tuple[Any, ...] | None, item_id: str) -> Any:  # noqa: ANN401 - one column of a row
    """The row's only column.

    Raises:
        NeedsDecision: a purge that cannot account for a thing must stop.
    """
    if row is None or row[0] is None:
        raise NeedsDecision(f"the ledger does not know {item_id} as it must, though a purge plan lists it")
    return row[0]
