"""Whether a council's folder is the one that set-up made, and not the empty place onto which its disk is not mounted.

A secret of the council that set-up makes, and that never goes, is the sign of it; every installation has it. What the
ledger says of a folder and a vault that are empty is in `adapters.mounted`.
"""

from pathlib import Path

from family_exchange.domain.errors import Halted

DEDUPE_KEY = "dedupe_key"


def is_there(state: Path) -> bool:
    """True when set-up made this folder, or a restore brought it back."""
    return (state / "secrets" / DEDUPE_KEY).exists()


def require_there(state: Path, council: str) -> None:
    """Nothing, when the folder is the council's own.

    Raises:
        Halted: it is not: the council would count as open, and sealed files would go where nobody finds them again.
    """
    if not is_there(state):
        raise Halted(
            f"the folder of {council} is not the one that set-up made: is its disk mounted? "
            "Of a new council, `family-exchange set-up` makes it"
        )
