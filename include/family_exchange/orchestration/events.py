"""What an asset event tells: counts, ledger ids and digests; never a name, a value or a file name."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors


Extra = dict[str, object]


def of_files(doors: "Doors", file_ids: Sequence[str]) -> Extra:
    """The files taken in, with their counts and the digests of their sealed bytes."""
    from family_exchange.adapters import database, ledger  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        counts = ledger.totals(connection, list(file_ids))
        files = [ledger.read(connection, file_id) for file_id in file_ids]
    digests = {file.file_id: file.ct_sha256.hex() for file in files if file.ct_sha256}
    return {"counts": counts, "files": digests, **_audit(doors)}


def of_counts(doors: "Doors", counts: dict[str, int], ids: Sequence[str] = ()) -> Extra:
    """Counts; how many things they concern, and one digest over their ids, where there are too many to list."""
    listed = {"ids": len(ids), "ids_sha256": sha256("\n".join(sorted(ids)).encode()).hexdigest()} if ids else {}
    return {"counts": counts, **listed, **_audit(doors)}


def of_return(doors: "Doors", return_id: str) -> Extra:
    """The return's id, state, rows and the digest of its sealed bytes."""
    from family_exchange.adapters import database, returns  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        found = returns.read(connection, return_id)
    sealed = found.ct_sha256.hex() if found.ct_sha256 else None
    return {
        "return": return_id,
        "period": found.period,
        "state": str(found.state),
        "counts": {"rows": found.rows or 0, "bytes": found.size or 0},
        "sha256": sealed,
        **_audit(doors),
    }


def _audit(doors: "Doors") -> Extra:
    """Where the council's audit chain stood: the digest of everything that had happened."""
    from family_exchange.adapters import database  # noqa: PLC0415 - Dags are parsed without it

    with database.transaction(doors.database) as connection:
        row = connection.execute("SELECT seq, encode(hash, 'hex') FROM audit.head").fetchone()
    return {"audit": {"seq": int(row[0]), "sha256": str(row[1])}} if row else {}
