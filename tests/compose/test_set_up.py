"""What `set-up` does for a council that is there, that is closed, and whose folder is gone with its keys."""

import importlib
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from family_exchange.adapters import closing
from family_exchange.adapters.closing import Closed
from family_exchange.adapters.openpgp import OpenPGP, stop_agent
from family_exchange.demo import keys

PROGRAMS = Path(__file__).parents[2] / "docker" / "airflow"
COUNCIL = "cheshire-west-and-chester"
FOLDERS = ("SETTINGS", "STATE", "CARDS", "PUBLIC", "ACCOUNTS")


class Installation:
    """The volumes of an installation, and its councils' server."""

    def __init__(self, program, folder, capsys):
        self.program, self.folder, self.capsys = program, folder, capsys

    def set_up(self):
        self.program.main()
        return self.capsys.readouterr().out

    @property
    def state(self):
        return self.folder / "STATE" / COUNCIL

    @property
    def accounts(self):
        return (self.folder / "ACCOUNTS" / "accounts").read_text()

    @property
    def described(self):
        return (self.folder / "SETTINGS" / "connections.json").read_text()


@pytest.fixture
def installed(server, monkeypatch, capsys):
    folder = Path(tempfile.mkdtemp(prefix="fx-u-"))  # short: a key ring's agent has its sockets there
    monkeypatch.syspath_prepend(str(PROGRAMS))
    monkeypatch.setenv("AIRFLOW__FAMILY_EXCHANGE__COUNCILS", COUNCIL)
    for name in ("councils", "set_up"):
        sys.modules.pop(name, None)
    program = importlib.import_module("set_up")
    for name in FOLDERS:
        (folder / name).mkdir()
        monkeypatch.setattr(program, name, folder / name)
    monkeypatch.setattr(program, "CONNECTIONS", folder / "SETTINGS" / "connections.json")
    monkeypatch.setattr(program, "SUPERUSER_URL", folder / "url")
    monkeypatch.setattr(program, "SERVER", f"{server.host}:{server.port}")
    (folder / "url").write_text(server.url("postgres"))
    host = keys.ssh(folder / "ssh", "host")
    (folder / "PUBLIC" / "ssh_host_ed25519_key.pub").write_text(f"{host.public_key}\n")
    yield Installation(program, folder, capsys)
    stop_agent(folder / "STATE" / COUNCIL / "gnupg")
    shutil.rmtree(folder, ignore_errors=True)
    server.drop_database("council_cheshire_west_and_chester", "exchange_cheshire_west_and_chester")
    for name in ("councils", "set_up"):
        sys.modules.pop(name, None)


def test_a_council_is_set_up_and_a_second_run_keeps_what_is_there(installed):
    assert f"{COUNCIL}: ready" in installed.set_up()
    before = (installed.described, installed.accounts, (installed.state / "openpgp_key").read_text())
    installed.set_up()
    assert (installed.described, installed.accounts, (installed.state / "openpgp_key").read_text()) == before


def test_a_closed_council_is_brought_forward_and_its_partners_keep_their_log_ins(installed):
    installed.set_up()
    before = installed.accounts
    assert f"partner\t{COUNCIL}\t" in before
    closing.close(installed.state, Closed(datetime.now(UTC), "Sam Security", "maintenance"))
    assert f"{COUNCIL}: ready" in installed.set_up()
    assert installed.accounts == before


def test_a_council_whose_folder_is_gone_gets_no_keys_that_would_bar_the_way_back(installed):
    installed.set_up()
    before, key = (installed.described, installed.accounts), (installed.state / "openpgp_key").read_text()
    stop_agent(installed.state / "gnupg")
    kept = installed.folder / "kept"
    installed.state.rename(kept)
    assert "its folder is gone, and its keys with it" in installed.set_up()
    assert (installed.described, installed.accounts) == before
    assert not installed.state.exists()

    for part in ("gnupg", "secrets"):  # as a restore brings them back
        shutil.copytree(kept / part, installed.state / part, ignore=shutil.ignore_patterns("S.*"))
    OpenPGP(installed.state / "gnupg", key).import_key(keys_of_somebody(installed.folder))
    assert f"{COUNCIL}: ready" in installed.set_up()
    assert (installed.state / "openpgp_key").read_text() == key  # of all that the ring holds, the one that it was


def keys_of_somebody(folder):
    ring = folder / "somebody"
    fingerprint = keys.openpgp(ring, "0 first of all")
    try:
        return OpenPGP(ring, fingerprint).export_public(fingerprint)
    finally:
        stop_agent(ring)
