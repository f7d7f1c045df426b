"""What an asset event tells: counts, ledger ids and digests; never a name, a value or a file name."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

Extra = dict[str, Any]
"""`counts`, `ids` and `audit` in every event; what else there is to say beside them."""

MOST_IDS = 50
"""Ids that an event lists; where there are more, it says how many and gives one digest over all of them."""


def of_files(doors: "Doors", file_ids: Sequence[str]) -> Extra:
    """The files taken in, with their counts and the digests of their sealed bytes."""
    from family_exchange.adapters import database, ledger  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        counts = ledger.totals(connection, list(file_ids))
        files = [ledger.read(connection, file_id) for file_id in file_ids]
    digests = {file.file_id: file.ct_sha256.hex() for file in files if file.ct_sha256}
    return of_counts(doors, counts, file_ids) | {"sha256": digests}


def of_counts(doors: "Doors", counts: Mapping[str, int], ids: Sequence[str] = ()) -> Extra:
    """Counts, and the ids of what they count."""
    listed: Extra = {"counts": dict(counts), "ids": list(ids[:MOST_IDS])}
    if len(ids) > MOST_IDS:
        listed |= {"all_ids": len(ids), "all_ids_sha256": sha256("\n".join(sorted(ids)).encode()).hexdigest()}
    return listed | {"audit": _audit(doors)}


def of_return(doors: "Doors", return_id: str) -> Extra:
    """The return's id, period, state, rows and the digest of its sealed bytes."""
    from family_exchange.adapters import database, returns  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        found = returns.read(connection, return_id)
    sealed = found.ct_sha256.hex() if found.ct_sha256 else None
    counts = {"rows": found.rows or 0, "bytes": found.size or 0}
    return of_counts(doors, counts, [return_id]) | {"period": found.period, "state": str(found.state), "sha256": sealed}


def ids_of(rung_by: Mapping[Any, Iterable[Any]]) -> set[str]:
    """The ids in the events that started a run; empty for a run that a person or the clock started."""
    return {str(each) for events in rung_by.values() for event in events for each in (event.extra or {}).get("ids", ())}


def cut_short(rung_by: Mapping[Any, Iterable[Any]]) -> bool:
    """True when an event that started the run could not list all of its ids."""
    return any("all_ids" in (event.extra or {}) for events in rung_by.values() for event in events)


def _audit(doors: "Doors") -> Extra:
    """Where the council's audit chain stood: the digest of everything that had happened, signed on this occasion."""
    from family_exchange.adapters import audit, database  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        seq, digest = audit.checkpoint(connection, doors.checkpoints, doors.signing_key)
    return {"seq": seq, "sha256": digest}
