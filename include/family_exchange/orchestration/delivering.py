"""Which returns a run delivers, and when one is done."""

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

ON_THEIR_WAY = frozenset(
    {State.SEALED, State.CLAIMED, State.UPLOADING, State.RENAME_INTENT, State.SENT, State.DELIVERED}
)
"""Sealed, and not yet acknowledged."""


def to_deliver(doors: "Doors", *, period: str | None, rung_for: AbstractSet[str]) -> list[str]:
    """Ids of the sealed returns for which the bell rang, and of those of `period` that nobody has begun to deliver.

    Airflow may lose an event that comes while it makes the run for another one of the same period: the ledger knows
    that return too. One for which the bell rang is listed when it has arrived as well. Where nothing rang, those that
    are on their way: of `period`, or of every period when none is named.
    """
    from family_exchange.adapters import database, returns  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        found = returns.every(connection)
    rang = {
        one.return_id for one in found if one.return_id in rung_for and one.state in ON_THEIR_WAY | {State.ACKNOWLEDGED}
    }
    states = {State.SEALED} if rang else ON_THEIR_WAY
    waiting = {each.return_id for each in found if each.state in states and each.period == (period or each.period)}
    return sorted(rang | waiting)


def acknowledged(doors: "Doors", return_id: str) -> bool:
    """True when the recipient's receipt is in and says that the return was accepted.

    Raises:
        NeedsDecision: the recipient refused it, or holds other bytes under its name.
    """
    from family_exchange.stages import deliver  # noqa: PLC0415 - Dags are parsed without it

    state = deliver.receipt(doors, return_id)
    if state in {State.REFUSED_BY_RECIPIENT, State.CONFLICT}:
        raise NeedsDecision(f"return {return_id} is {state}; see the runbook before anything is sent again")
    return state is State.ACKNOWLEDGED
