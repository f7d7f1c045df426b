"""Everybody outside, played from the host: the demo's partners, its third party, and people who log in."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from compose import stack, world
from family_exchange.adapters import profiles
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.demo import keys, synthetic
from family_exchange.demo.airflow_api import LogIns
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD, VISITOR

ROLES = {PROGRAMME_LEAD: "Signer", OFFICER: "Signer", VISITOR: "Admin"}
PEOPLE = "/opt/family-exchange/docker/people.py"
SAID = "password, shown this once: "


@dataclass(frozen=True)
class End:
    """One partner's own ring and log-in."""

    openpgp: OpenPGP
    account: SftpEndpoint

    def endpoint(self):
        """Its place in the drop zone, where that is now."""
        return replace(self.account, host=stack.container("drop-zone").address)


@dataclass(frozen=True)
class Ends:
    partners: dict
    council_key: str


@contextmanager
def partners():
    """The demo's partners, with copies of their rings."""
    settings = world.settings()
    theirs = world.on_host(stack.container("demo-partners"), "/srv/demo-keys")
    folder = Path(tempfile.mkdtemp(prefix="fx-ends-"))
    found = {}
    try:
        for number, partner in enumerate(profiles.profile(world.COUNCIL).active_partners):
            home = folder / str(number)
            ignored = shutil.ignore_patterns("S.*", "*.lock", ".#*")
            shutil.copytree(theirs / f"{world.COUNCIL}.{number}", home, ignore=ignored)
            home.chmod(0o700)
            login = f"{world.COUNCIL}.{partner.slug}"
            private = folder / f"{partner.slug}.key"
            shutil.copyfile(theirs / "ssh" / login, private)
            private.chmod(0o600)
            ring = OpenPGP(home, (theirs / f"{world.COUNCIL}.{number}.own").read_text())
            found[partner.slug] = End(ring, SftpEndpoint("", 22, login, private, settings.drop_zone.host_key))
        yield Ends(found, settings.own_key)
    finally:
        for end in found.values():
            keys.stop_agent(end.openpgp.home)
        shutil.rmtree(folder, ignore_errors=True)


def recipient():
    """The third party's folder for the council's returns."""
    return world.on_host(stack.container("demo-third-party"), f"/srv/demo-keys/folders/{world.COUNCIL}")


def dropped():
    """What the demo's partners dropped by themselves: how many files, of how many people, by which seed."""
    told = world.on_host(stack.container("demo-partners"), f"/srv/demo/{world.COUNCIL}/dropped.json")
    return json.loads(told.read_text())


def canaries():
    """Words of names and of free text in what partners sent, which no trace may hold."""
    asked = dropped()
    profile = profiles.profile(world.COUNCIL)
    today = datetime.now(UTC).date()
    made = synthetic.council(profile, people=asked["people"], seed=asked["seed"], today=today)
    return frozenset({"Testperson", *made.canaries})


def people():
    """Where people log in, and their passwords, which were told this once."""
    passwords = {}
    for name, role in ROLES.items():
        add = ("exec", "-T", "api-server", "python", PEOPLE, "add", name, "--role", role, "--generate")
        told = stack.compose(*add).partition(SAID)[2]
        passwords[name] = told.split()[0]
    return LogIns(f"http://127.0.0.1:{world.PORT}", passwords)
