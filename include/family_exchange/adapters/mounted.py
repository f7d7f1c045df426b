"""Whether a council's disks are mounted, by its ledger: what is empty, and has files in it, is not."""

from pathlib import Path

from family_exchange.adapters import council_folder, unclaimed
from family_exchange.adapters.database import Connection
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import Halted


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
    if not council_folder.is_there(state) and unclaimed.is_any_claimed(connection):
        raise Halted(
            f"the folder of {council} is not the one that set-up made, and its ledger has files: is its disk mounted? "
            "If it is lost, `family-exchange backup restore` brings it back"
        )
