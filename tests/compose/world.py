"""The council inside the containers, as their host sees it: the same doors, by the containers' addresses and volumes.

Addresses change when containers do, so everything is asked for anew at each use.
"""

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from compose.stack import container, containers
from family_exchange.adapters.doors import opened
from family_exchange.orchestration import connections

COUNCIL = os.environ.get("COUNCILS", "cheshire-west-and-chester").split(",")[0]
PORT = os.environ.get("AIRFLOW_PORT", "8080")
PATIENCE = 15
"""Seconds for which a database that nobody broke may keep us waiting, on a machine that has other things to do."""
SECRETS = Path(os.environ.get("SECRETS", "secrets"))


def secret(name):
    return (SECRETS / name).read_text().strip()


def on_host(inside, path):
    """Where on the host that path of a container lies."""
    for mount in sorted(inside.told()["Mounts"], key=lambda mount: -len(mount["Destination"])):
        if Path(path).is_relative_to(mount["Destination"]):
            return Path(mount["Source"]) / Path(path).relative_to(mount["Destination"])
    raise LookupError(f"{path} of {inside.service} lies on no volume")


def settings(council=COUNCIL):
    """The council's settings, made of the connections that its workers have."""
    worker = containers("worker")[0]
    described = on_host(worker, "/srv/settings/connections.json")
    inside = connections.settings(council, connections.in_file(described))
    return replace(
        inside,
        database=inside.database.replace("@councils-db:", f"@{container('councils-db').address}:"),
        state=on_host(worker, inside.state),
        drop_zone=_endpoint(inside.drop_zone, worker),
        recipient=_endpoint(inside.recipient, worker),
    )


def doors(council=COUNCIL):
    """The council's doors, from here."""
    return opened(council, settings(council))


def metadata():
    """The URL of Airflow's own database, from here."""
    address = container("airflow-db").address
    log_in = f"airflow:{quote(secret('airflow_db_password'), '')}"
    return f"postgresql://{log_in}@{address}:5432/airflow?connect_timeout={PATIENCE}"


def _endpoint(endpoint, worker):
    return replace(endpoint, host=container(endpoint.host).address, private_key=on_host(worker, endpoint.private_key))
