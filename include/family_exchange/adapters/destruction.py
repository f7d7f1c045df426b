"""Destroying: rows with everything that rests on them, sealed bytes with nobody else's name on them, and the proof.

Each function works in the caller's transaction, on things that `adapters.retention.outcomes` has just let go of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from family_exchange.adapters import links, memory, nobodys, shapes, staging, stated, stays_gone, unclaimed
from family_exchange.adapters.database import Connection
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.retention import Kind


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


@dataclass(frozen=True, slots=True)
class Store:
    """One store of a plan, counted again."""

    store: str
    before: int
    """Listed items that the plan meant to destroy there."""
    after: int
    """Listed items that are still there."""
    kept: int
    """Of these, the ones that a hold or a later rule kept; a certificate needs `after` to equal this."""


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


def sealed_file(connection: Connection, vault: Vault, file_id: str) -> Destroyed:
    """The file and its workbook are gone from the vault, unless another file has the same bytes; its findings too.

    So is what people typed: the partner's name of the file, once the drop zone has it no more, and notes about it.
    Who decided what, counts and keyed digests of the whole file stay: they prove what was done with it.
    """
    row = connection.execute(
        """UPDATE exchange.file
              SET vault_destroyed_at = clock_timestamp(),
                  name_bytes = CASE WHEN landing_removed_at IS NULL THEN name_bytes ELSE '' END
            WHERE file_id = %s RETURNING ct_sha256, workbook_sha256""",
        (file_id,),
    ).fetchone()
    rows = connection.execute("DELETE FROM exchange.finding WHERE file_id = %s", (file_id,)).rowcount
    connection.execute("UPDATE exchange.file_decision SET note = NULL WHERE file_id = %s", (file_id,))
    shapes.forget(connection, file_id)
    stays_gone.forget(connection, file_id)
    return Destroyed(rows, sum(_forget_object(connection, vault, bytes(each)) for each in row or () if each))


def unclaimed_object(connection: Connection, vault: Vault, digest: str) -> Destroyed:
    """The object of this digest, in hexadecimal digits, is gone from the vault."""
    return Destroyed(objects=_forget_object(connection, vault, bytes.fromhex(digest)))


def names(connection: Connection, kind: Kind, ids: Sequence[str]) -> list[str]:
    """Every id that these things have or could have again, sorted; of any kind but records, their own alone.

    A row that said a record again is no record. Read anew into an older register, where it comes first, it would be.
    """
    if kind is not Kind.SOURCE_RECORD:
        return sorted(ids)
    rows = connection.execute(
        """SELECT 'S' || substr(file_id, 2) || '.' || row_no FROM memory.source_sighting
            WHERE source_record_id = ANY(%s)""",
        (list(ids),),
    )
    return sorted({*ids, *(str(each) for (each,) in rows)})


def objects(connection: Connection, kind: Kind, ids: Sequence[str]) -> list[str]:
    """The digests of the vault's objects that go with these things unless something else needs them; hexadecimal."""
    match kind:
        case Kind.FILE:
            query = """SELECT unnest(ARRAY[encode(ct_sha256, 'hex'), encode(workbook_sha256, 'hex')]) AS digest
                         FROM exchange.file WHERE file_id = ANY(%s)"""
        case Kind.RETURN:
            query = "SELECT encode(ct_sha256, 'hex') AS digest FROM returns.return WHERE return_id = ANY(%s)"
        case Kind.OBJECT:
            return sorted(ids)
        case _:
            return []
    rows = connection.execute(query.encode(), (list(ids),))
    return sorted({str(digest) for (digest,) in rows if digest is not None})


def own_return(connection: Connection, vault: Vault, return_id: str) -> Destroyed:
    """Our copy of the return is gone, rows and sealed bytes; its ledger line, digests and receipt stay."""
    rows = connection.execute("DELETE FROM returns.return_row WHERE return_id = %s", (return_id,)).rowcount
    row = connection.execute(
        "UPDATE returns.return SET destroyed_at = clock_timestamp() WHERE return_id = %s RETURNING ct_sha256",
        (return_id,),
    ).fetchone()
    sealed = row[0] if row else None  # a return that was voided early has no sealed form
    return Destroyed(rows=rows, objects=_forget_object(connection, vault, bytes(sealed)) if sealed else 0)


def recount(connection: Connection, vault: Vault, plan_id: str) -> tuple[Store, ...]:
    """Every store of the plan, asked again: what was listed, and what of it is still there."""
    stores = [
        Store(store, *map(int, connection.execute(query.encode(), (plan_id,)).fetchone() or (0, 0, 0)))
        for store, query in _RECOUNT.items()
    ]
    return (
        *stores,
        _recount_shapes(connection, plan_id),
        _recount_vault(connection, vault, plan_id),
        _recount_unclaimed(connection, vault, plan_id),
    )


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


def _forget_object(connection: Connection, vault: Vault, digest: bytes) -> int:
    """1 when the object was there and is verified absent now; 0 when others need it, or it was gone before."""
    if unclaimed.is_claimed(connection, digest):
        return 0
    return int(vault.destroy(digest))


def _one(row: tuple[Any, ...] | None, item_id: str) -> Any:  # noqa: ANN401 - one column of a row
    """The row's only column.

    Raises:
        NeedsDecision: a purge that cannot account for a thing must stop.
    """
    if row is None or row[0] is None:
        raise NeedsDecision(f"the ledger does not know {item_id} as it must, though a purge plan lists it")
    return row[0]


_LISTED = """SELECT count(*), count(*) FILTER (WHERE {there}),
                    count(*) FILTER (WHERE {there} AND i.outcome <> 'destroyed')
               FROM rights.purge_item i WHERE i.plan_id = %s AND i.kind = '{kind}'"""

_RECOUNT = {
    "register.source_record": _LISTED.format(
        kind=Kind.SOURCE_RECORD,
        there="EXISTS (SELECT 1 FROM memory.source_record s WHERE s.source_record_id = i.item_id)",
    ),
    "returns.return_row": _LISTED.format(
        kind=Kind.RETURN, there="EXISTS (SELECT 1 FROM returns.return_row r WHERE r.return_id = i.item_id)"
    ),
    "staging": _LISTED.format(
        kind=Kind.STAGED_FILE,
        there="EXISTS (SELECT 1 FROM exchange.file f WHERE f.file_id = i.item_id AND f.staging_cleared_at IS NULL)",
    ),
    "exchange.finding": _LISTED.format(
        kind=Kind.FILE, there="EXISTS (SELECT 1 FROM exchange.finding f WHERE f.file_id = i.item_id)"
    ),
    "exchange.file_decision": _LISTED.format(
        kind=Kind.FILE,
        there="EXISTS (SELECT 1 FROM exchange.file_decision d WHERE d.file_id = i.item_id AND d.note IS NOT NULL)",
    ),
    "exchange.file": _LISTED.format(
        kind=Kind.FILE,
        there="""EXISTS (SELECT 1 FROM exchange.file f WHERE f.file_id = i.item_id AND f.name_bytes <> ''
                                                       AND f.landing_removed_at IS NOT NULL)""",
    ),
}
"""Listed things that are still there; of a file's line in the ledger that is the name that its partner gave it."""


def _recount_shapes(connection: Connection, plan_id: str) -> Store:
    """The listed files' counts, but for those of the newest files, which are of nobody."""
    row = connection.execute(
        f"""SELECT count(*), count(*) FILTER (WHERE there), count(*) FILTER (WHERE there AND outcome <> 'destroyed')
              FROM (SELECT outcome, item_id IN ({shapes.NOT_NEEDED}) AS there
                      FROM rights.purge_item WHERE plan_id = %(plan)s AND kind = 'file') i""".encode(),  # noqa: S608 - our own words
        shapes.needed() | {"plan": plan_id},
    ).fetchone()
    return Store("exchange.file_shape", *map(int, row or (0, 0, 0)))


def _recount_vault(connection: Connection, vault: Vault, plan_id: str) -> Store:
    """The sealed bytes and workbooks of listed files, and returns; what something else needs counts as kept."""
    rows = connection.execute(
        f"""SELECT o.digest, i.outcome = 'destroyed' AND NOT EXISTS (
                     SELECT 1 FROM ({unclaimed.CLAIMED}) c(digest) WHERE c.digest = o.digest)
              FROM rights.purge_item i
              JOIN (SELECT file_id AS item_id, 'file' AS kind, ct_sha256 AS digest FROM exchange.file
                    UNION ALL SELECT file_id, 'file', workbook_sha256 FROM exchange.file
                    UNION ALL SELECT return_id, 'return', ct_sha256 FROM returns.return) o USING (kind, item_id)
             WHERE i.plan_id = %s AND o.digest IS NOT NULL""".encode(),  # noqa: S608 - as above
        (plan_id,),
    ).fetchall()
    return _objects("vault", vault, [(bytes(digest), bool(must_be_gone)) for digest, must_be_gone in rows])


def _recount_unclaimed(connection: Connection, vault: Vault, plan_id: str) -> Store:
    """The listed objects that no line of the ledger claimed; what one claims by now counts as kept."""
    rows = connection.execute(
        f"""SELECT decode(item_id, 'hex'), outcome = 'destroyed' AND NOT EXISTS (
                     SELECT 1 FROM ({unclaimed.CLAIMED}) c(digest) WHERE c.digest = decode(item_id, 'hex'))
              FROM rights.purge_item WHERE plan_id = %s AND kind = 'object'""".encode(),  # noqa: S608 - as above
        (plan_id,),
    ).fetchall()
    return _objects("vault, unclaimed", vault, [(bytes(digest), bool(must_be_gone)) for digest, must_be_gone in rows])


def _objects(store: str, vault: Vault, listed: Sequence[tuple[bytes, bool]]) -> Store:
    """`listed`: a digest, and whether it must be gone."""
    there = [must_be_gone for digest, must_be_gone in listed if vault.holds(digest)]
    return Store(store, before=len(listed), after=len(there), kept=sum(not must_be_gone for must_be_gone in there))
