"""What a purge writes into the journal: what is about to go, and then what went (ADR 69)."""

from collections.abc import Sequence

from family_exchange.adapters import database, destruction, mounted, taken_up
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.journal import Line, What
from family_exchange.domain.retention import Kind


def going(doors: Doors, connection: Connection, plan_id: str, kind: Kind, ids: Sequence[str]) -> Line:
    """The line that stands in the journal before these things go, in the caller's transaction.

    Raises:
        TryLater: a disk refused it; nothing may go.
    """
    told: Line = {
        "at": database.clock(connection).isoformat(),
        "plan": plan_id,
        "kind": kind,
        "ids": destruction.names(connection, kind, ids),
        "objects": destruction.objects(connection, kind, ids),
    }
    doors.journal.add(What.DESTROYING, told)
    faultpoint("purge.journaled")
    return told


def gone(doors: Doors, told: Line) -> None:
    """A restored database must let go of this again; of its objects, of those that nobody else needed.

    Raises:
        TryLater: a disk refused the line; `catch_up` says it.
    """
    listed = [str(each) for each in told["objects"]]  # type: ignore[attr-defined]  # our own list
    objects = [each for each in listed if not doors.vault.holds(bytes.fromhex(each))]
    doors.journal.add(What.DESTROYED, {**told, "objects": objects})


def catch_up(doors: Doors, connection: Connection) -> None:
    """What a worker destroyed that died before it could say so is said now; what came to nothing stays as it is.

    Raises:
        Halted: the vault is not there; what lies in it would be called destroyed.
    """
    mounted.require_vault(connection, doors.vault)
    for told in doors.journal.unfinished():
        ids = [str(each) for each in told["ids"]]  # type: ignore[attr-defined]  # our own list
        if not taken_up.there(connection, doors.vault, Kind(str(told["kind"])), ids):
            gone(doors, told)
