"""Where `set-up` writes down how each council's doors are opened, and how commands read it.

`connections.json` holds Airflow connections by their ids, in the form of Airflow's own local filesystem backend.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

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


def find(described: Mapping[str, dict[str, object]]) -> connections.Find:
    """A look into what was written down, as Airflow would look."""

    def found(conn_id: str) -> SimpleNamespace | None:
        body = described.get(conn_id)
        if body is None:
            return None
        fields = {name: body.get(name) for name in ("host", "port", "schema", "login", "password")}
        return SimpleNamespace(**fields, extra_dejson=json.loads(str(body.get("extra") or "{}")))

    return found


def environment() -> dict[str, str]:
    """The settings of every council that is set up whole, as the command line reads them."""
    if not os.access(CONNECTIONS, os.R_OK):
        return {}
    look, variables = find(json.loads(CONNECTIONS.read_text())), {}
    for council in served():
        try:
            variables |= settings.as_environment(connections.settings(council, look))
        except MissingSetting:
            continue
    return variables
