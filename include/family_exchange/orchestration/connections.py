"""Airflow connections turned into the settings that stages ask for, and back.

One council has four, named by its slug with underscores: `<council>_database` (PostgreSQL), `<council>_drop_zone` and
`<council>_recipient` (SFTP), `<council>_openpgp` (key fingerprints and the folder of vault and key ring).
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from family_exchange.adapters.room import MIB
from family_exchange.adapters.settings import (
    DEFAULT_SFTP_PORT,
    PATIENCE,
    SETTLE,
    CouncilSettings,
    SftpEndpoint,
    as_folders,
    duration,
    folders,
    room,
)
from family_exchange.domain.errors import MissingSetting

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

HINTS = {
    "database": "type postgres: host, port, schema (the database), login, password",
    "drop_zone": "type sftp: host, port, login; extra: key_file, host_key, if need be settle_seconds, patience_seconds",
    "recipient": "type sftp: host, port, login; extra: key_file, host_key",
    "openpgp": "login (the council's key), extra: recipient_key, state (its folder), if need be least_room_mib, disks",
}
"""The four connections, and what each must say."""


_VARIABLE = "AIRFLOW_CONN_"


class Connection(Protocol):
    """What we read of an Airflow connection."""

    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None

    @property
    def extra_dejson(self) -> dict[str, object]:
        """The extra field, as an object."""


Find = Callable[[str], Connection | None]
"""The connection of that id; None when there is none."""


def doors(council: str) -> "Doors":
    """The doors of `council`, as its Airflow connections describe them; nothing is opened.

    Raises:
        MissingSetting: a connection, or a part of one, is absent; the message names it.
    """
    from family_exchange.adapters.doors import opened  # noqa: PLC0415 - Dags are parsed without the libraries of doors

    return opened(council, settings(council, in_airflow))


def settings(council: str, find: Find) -> CouncilSettings:
    """The settings of `council` from its four connections.

    Raises:
        MissingSetting: a connection, or a part of one, is absent; the message names it.
    """
    found = {kind: _Named(council, kind, find) for kind in HINTS}
    database, openpgp = found["database"], found["openpgp"]
    return CouncilSettings(
        council=council,
        database=f"postgresql://{quote(database.part('login'), '')}:{quote(database.part('password'), '')}"
        f"@{database.part('host')}:{database.port or 5432}/{quote(database.part('schema'), '')}",
        state=Path(openpgp.more("state")),
        own_key=openpgp.part("login"),
        recipient_key=openpgp.more("recipient_key"),
        drop_zone=_endpoint(found["drop_zone"]),
        recipient=_endpoint(found["recipient"]),
        settle=found["drop_zone"].duration("settle_seconds", SETTLE),
        patience=found["drop_zone"].duration("patience_seconds", PATIENCE),
        least_room=openpgp.room("least_room_mib"),
        disks=folders(openpgp.maybe("disks")),
    )


def drop_zone(council: str, find: Find | None = None) -> SftpEndpoint:
    """Where the council's partners leave their files.

    Raises:
        MissingSetting: the connection, or a part of it, is absent; the message names it.
    """
    return _endpoint(_Named(council, "drop_zone", find or in_airflow))


def connection_id(council: str, kind: str) -> str:
    """The id of one of the council's connections, `<council>_drop_zone` for example."""
    return f"{council.replace('-', '_')}_{kind}"


def as_variables(settings: CouncilSettings) -> Mapping[str, str]:
    """The environment variables from which Airflow reads the council's four connections."""
    parts = urlsplit(settings.database)
    described = {
        "database": {
            "conn_type": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "schema": unquote(parts.path.lstrip("/")),
            "login": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
        },
        "drop_zone": _sftp(
            settings.drop_zone,
            settle_seconds=settings.settle.total_seconds(),
            patience_seconds=settings.patience.total_seconds(),
        ),
        "recipient": _sftp(settings.recipient),
        "openpgp": {
            "conn_type": "generic",
            "login": settings.own_key,
            "extra": {
                "recipient_key": settings.recipient_key,
                "state": str(settings.state),
                "least_room_mib": settings.least_room // MIB,
                "disks": as_folders(settings.disks),
            },
        },
    }
    return {
        f"{_VARIABLE}{connection_id(settings.council, kind).upper()}": json.dumps(body)
        for kind, body in described.items()
    }


def as_file(settings: CouncilSettings) -> dict[str, dict[str, object]]:
    """The council's four connections by their ids, as they stand in the file that `in_file` looks into."""
    described = {}
    for name, text in as_variables(settings).items():
        body = json.loads(text)
        if "extra" in body:
            body["extra"] = json.dumps(body["extra"])
        described[name.removeprefix(_VARIABLE).lower()] = body
    return described


class _Named:
    """One connection of a council; every part that is absent has a name."""

    def __init__(self, council: str, kind: str, find: Find) -> None:
        self._council, self._kind = council, kind
        found = find(connection_id(council, kind))
        if found is None:
            raise self._missing("", "add this Airflow connection")
        self._connection = found

    @property
    def port(self) -> int | None:
        return self._connection.port

    def part(self, name: str) -> str:
        """A field of the connection."""
        value = getattr(self._connection, name)
        if not value:
            raise self._missing(f".{name}", "it is empty")
        return str(value)

    def more(self, name: str) -> str:
        """A key of the connection's extra field."""
        value = self._connection.extra_dejson.get(name)
        if not value:
            raise self._missing(f".extra.{name}", "it is absent")
        return str(value)

    def duration(self, name: str, default: timedelta) -> timedelta:
        """Seconds in a key of the extra field; the default when it is absent."""
        return duration(self._council, self._extra(name), self.maybe(name), default)

    def room(self, name: str) -> int:
        """MiB in a key of the extra field, in bytes; the default when it is absent."""
        return room(self._council, self._extra(name), self.maybe(name))

    def maybe(self, name: str) -> str:
        """A key of the extra field; empty when it is absent."""
        return str(self._connection.extra_dejson.get(name, ""))

    def _extra(self, name: str) -> str:
        return f"{connection_id(self._council, self._kind)}.extra.{name}"

    def _missing(self, part: str, what: str) -> MissingSetting:
        setting = f"{connection_id(self._council, self._kind)}{part}"
        return MissingSetting(self._council, setting, f"{what}; {HINTS[self._kind]}")


def _endpoint(named: _Named) -> SftpEndpoint:
    return SftpEndpoint(
        host=named.part("host"),
        port=named.port or DEFAULT_SFTP_PORT,
        username=named.part("login"),
        private_key=Path(named.more("key_file")),
        host_key=named.more("host_key"),
    )


def _sftp(endpoint: SftpEndpoint, **more: object) -> dict[str, object]:
    pinned = {"key_file": str(endpoint.private_key), "host_key": endpoint.host_key, "compress": False}
    return {
        "conn_type": "sftp",
        "host": endpoint.host,
        "port": endpoint.port,
        "login": endpoint.username,
        "extra": pinned | more,
    }


def in_file(file: Path) -> Find:
    """A look into a file of connections by their ids, in the JSON form of Airflow's local filesystem backend.

    Raises:
        OSError: the file cannot be read.
    """
    described: dict[str, dict[str, Any]] = json.loads(file.read_text())

    def find(conn_id: str) -> Connection | None:
        body = described.get(conn_id)
        if body is None:
            return None
        fields = {name: body.get(name) for name in ("host", "port", "schema", "login", "password")}
        return SimpleNamespace(**fields, extra_dejson=json.loads(body.get("extra") or "{}"))

    return find


def in_airflow(conn_id: str) -> Connection | None:
    """Airflow's connection of that id; None when there is none."""
    from airflow.sdk import Connection as Stored  # noqa: PLC0415 - as above
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415 - the demo uses this module without Airflow

    try:
        found: Connection = Stored.get(conn_id)
    except AirflowNotFoundException:
        return None
    return found
