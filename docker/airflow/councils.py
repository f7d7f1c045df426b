"""Where `set-up` writes down how each council's doors are opened, and how commands read it.

`connections.json` holds Airflow connections by their ids, in the form of Airflow's own local filesystem backend.
"""

import os
from pathlib import Path

from family_exchange.adapters import settings
from family_exchange.domain.errors import MissingSetting
from family_exchange.orchestration import connections

SETTINGS = Path("/srv/settings")
STATE = Path("/srv/family-exchange")
CARDS = Path("/srv/cards")
PUBLIC = Path("/srv/public")
ACCOUNTS = Path("/srv/accounts")
CONNECTIONS = SETTINGS / "connections.json"


def served() -> list[str]:
    """The councils of this installation."""
    return [name.strip() for name in os.environ["AIRFLOW__FAMILY_EXCHANGE__COUNCILS"].split(",") if name.strip()]


def environment() -> dict[str, str]:
    """The settings of every council that is set up whole, as the command line reads them."""
    if not os.access(CONNECTIONS, os.R_OK):
        return {}
    look, variables = connections.in_file(CONNECTIONS), {}
    for council in served():
        try:
            variables |= settings.as_environment(connections.settings(council, look))
        except MissingSetting:
            continue
    return variables
