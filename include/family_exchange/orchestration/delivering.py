"""Which returns a run delivers, and when one is done."""

from typing import TYPE_CHECKING

from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

ON_THEIR_WAY = frozenset(
    {State.SEALED, State.CLAIMED, State.UPLOADING, State.RENAME_INTENT, State.SENT, State.DELIVERED}
)
"""Sealed, and not yet acknowledged."""


def sealed(doors: "Doors", period: str | None) -> list[str]:
    """Ids of the returns of `period` that are on their way; of every period when none is named."""
    from family_exchange.adapters import database, returns  # noqa: PLC0415 - Dags are parsed without them

    with database.transaction(doors.database) as connection:
        found = returns.every(connection)
    wanted = (each for each in found if each.period == (period or each.period))
    return sorted(each.return_id for each in wanted if each.state in ON_THEIR_WAY)


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
