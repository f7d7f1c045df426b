"""Destroying: sealed bytes with nobody else's name on them, our copies of returns, and the proof.

Each function works in the caller's transaction, on things that `adapters.retention.outcomes` has just let go of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from family_exchange.adapters import shapes, stays_gone, unclaimed
from family_exchange.adapters.database import Connection
from family_exchange.adapters.letting_go import Destroyed
from family_exchange.adapters.vault import Vault
from family_exchange.domain.retention import Kind


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


def _forget_object(connection: Connection, vault: Vault, digest: bytes) -> int:
    """1 when the object was there and is verified absent now; 0 when others need it, or it was gone before."""
    if unclaimed.is_claimed(connection, digest):
        return 0
    return int(vault.destroy(digest))


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
