import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.models.connection import Connection
from airflow.secrets.local_filesystem import LocalFilesystemBackend

from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.domain.errors import MissingSetting
from family_exchange.orchestration import connections

END = SftpEndpoint("127.0.0.1", 2222, "exchange", Path("/keys/id"), "ssh-ed25519 AAAA")
SETTINGS = CouncilSettings(
    council="north-vale",
    database="postgresql://owner:p%40ss%2Fword@db.local:5433/north",
    state=Path("/srv/north"),
    own_key="A" * 40,
    recipient_key="B" * 40,
    drop_zone=END,
    recipient=replace(END, port=22, username="sender"),
)


def stored(settings=SETTINGS, **changes):
    """Airflow's side: the connections that the variables describe, one part changed."""
    found = {}
    for name, text in connections.as_variables(settings).items():
        body = json.loads(text) | {"extra": json.loads(text).get("extra", {})}
        body |= changes.get(name.removeprefix("AIRFLOW_CONN_").lower(), {})
        found[name.removeprefix("AIRFLOW_CONN_").lower()] = SimpleNamespace(
            host=body.get("host"),
            port=body.get("port"),
            schema=body.get("schema"),
            login=body.get("login"),
            password=body.get("password"),
            extra_dejson=body["extra"],
        )
    return found


def test_settings_go_to_connections_and_back():
    assert connections.settings("north-vale", stored().get) == SETTINGS


def test_room_and_further_disks_go_to_connections_and_back():
    roomy = replace(SETTINGS, least_room=2 << 30, disks=(Path("/srv/data"), Path("/srv/wal")))
    assert connections.settings("north-vale", stored(roomy).get) == roomy


def test_airflow_reads_the_variables_as_we_do():
    found = Connection.from_json(connections.as_variables(SETTINGS)["AIRFLOW_CONN_NORTH_VALE_DROP_ZONE"])
    assert connections.drop_zone("north-vale", lambda _: found) == END


def in_a_file(folder):
    file = folder / "connections.json"
    file.write_text(json.dumps(connections.as_file(SETTINGS)))
    return file


def test_settings_go_to_a_file_and_back(tmp_path):
    assert connections.settings("north-vale", connections.in_file(in_a_file(tmp_path))) == SETTINGS


def test_airflow_reads_the_file_as_we_do(tmp_path):
    backend = LocalFilesystemBackend(connections_file_path=str(in_a_file(tmp_path)))
    assert connections.settings("north-vale", backend.get_connection) == SETTINGS


def test_what_does_not_stand_in_the_file_is_named(tmp_path):
    with pytest.raises(MissingSetting, match="south_vale_database"):
        connections.settings("south-vale", connections.in_file(in_a_file(tmp_path)))


@pytest.mark.parametrize("kind", ["database", "drop_zone", "recipient", "openpgp"])
def test_a_missing_connection_is_named(kind):
    found = stored()
    del found[f"north_vale_{kind}"]
    with pytest.raises(MissingSetting, match=f"north_vale_{kind}"):
        connections.settings("north-vale", found.get)


@pytest.mark.parametrize(
    ("kind", "part", "value", "named"),
    [
        ("database", "password", None, "north_vale_database.password"),
        ("drop_zone", "host", "", "north_vale_drop_zone.host"),
        ("recipient", "extra", {"host_key": "x"}, "north_vale_recipient.extra.key_file"),
        ("openpgp", "extra", {"state": "/s"}, "north_vale_openpgp.extra.recipient_key"),
    ],
)
def test_a_missing_part_of_a_connection_is_named(kind, part, value, named):
    found = stored(**{f"north_vale_{kind}": {part: value}})
    with pytest.raises(MissingSetting, match=named):
        connections.settings("north-vale", found.get)
