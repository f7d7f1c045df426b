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
PLACE = Path("/srv/backups")
REPLICATION_URL = Path("/run/secrets/replication_url")
SUPERUSER_URL = Path("/run/secrets/councils_db_url")
SERVER_URLS = {
    "FAMILY_EXCHANGE__REPLICATION_URL": REPLICATION_URL,
    "FAMILY_EXCHANGE__SUPERUSER_URL": SUPERUSER_URL,
}
"""Log-ins of the councils' server, for the containers that were given them."""


def served() -> list[str]:
    """The councils of this installation."""
    return [name.strip() for name in os.environ["AIRFLOW__FAMILY_EXCHANGE__COUNCILS"].split(",") if name.strip()]


def environment() -> dict[str, str]:
    """The settings of every council that is set up whole, as the command line reads them."""
    variables = {name: file.read_text().strip() for name, file in SERVER_URLS.items() if os.access(file, os.R_OK)}
    if not os.access(CONNECTIONS, os.R_OK):
        return variables
    look = connections.in_file(CONNECTIONS)
    for council in served():
        try:
            variables |= settings.as_environment(connections.settings(council, look))
        except MissingSetting:
            continue
    return variables
