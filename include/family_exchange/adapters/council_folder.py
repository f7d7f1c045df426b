"""Whether a council's folder is the one that set-up made, and not the empty place onto which its disk is not mounted.

A secret of the council that set-up makes, and that never goes, is the sign of it; every installation has it. Of a vault
that lies on a disk of its own, the ledger says whether it may be empty.
"""

from pathlib import Path

from family_exchange.adapters import unclaimed
from family_exchange.adapters.database import Connection
from family_exchange.adapters.vault import Vault
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


def require_vault(connection: Connection, vault: Vault) -> None:
    """Nothing, when the vault may be the one of which the ledger tells.

    Raises:
        Halted: it is empty and should not be: what is on a disk that is away would be called destroyed.
    """
    if vault.is_empty() and unclaimed.is_any_claimed(connection):
        raise Halted("the vault is empty, and the ledger has files in it: is its disk mounted?")


def may_be_made(connection: Connection, state: Path, council: str) -> None:
    """Nothing, when set-up may make what the folder lacks.

    Raises:
        Halted: the council has sealed files, so its folder was made before, and other keys would open none of them.
    """
    if not is_there(state) and unclaimed.is_any_claimed(connection):
        raise Halted(
            f"the folder of {council} is not the one that set-up made, and its ledger has files: is its disk mounted? "
            "If it is lost, `family-exchange backup restore` brings it back"
        )
