"""Sending a sealed return from another process that dies where it is told to, and a server that interferes."""

import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from family_exchange.adapters import returns
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import VARIABLE
from family_exchange.adapters.sftp import DropZone
from family_exchange.stages import assemble
from support.meanwhile import until_nobody_holds
from support.register import PERIOD

SENDER = """
import sys
from datetime import timedelta
from pathlib import Path
from family_exchange.adapters import profiles
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.stages import deliver
council, database, state, own, theirs, host, port, user, key, host_key, return_id = sys.argv[1:]
endpoint = SftpEndpoint(host, int(port), user, Path(key), host_key)
settings = CouncilSettings(council, database, Path(state), own, theirs, endpoint, endpoint)
deliver.send(Doors(profiles.profile(council), settings), return_id, receipt_window=timedelta(0))
"""


def a_sealed_return(council, code="nis"):
    """The id of a sealed return of one family of two."""
    people = [council.register.person() for _ in range(2)]
    for person in people:
        council.register.record(person)
    council.register.supported(*people)
    return_id = assemble.draft(council.doors, code, PERIOD)
    for person in ("programme.lead", "protection.officer"):
        assemble.sign_off(council.doors, return_id, by=person)
    return assemble.seal(council.doors, return_id)


def ledger(council, return_id):
    with council.register.open() as connection:
        return returns.read(connection, return_id)


def send_and_die(council, return_id, point):
    """The exit code of a process that sends the return and is killed at `point`, if it comes there."""
    settings, end = council.doors.settings, council.doors.settings.recipient
    arguments = [settings.council, settings.database, str(settings.state), settings.own_key, settings.recipient_key]
    arguments += [end.host, str(end.port), end.username, str(end.private_key), end.host_key, return_id]
    ended = subprocess.run(
        [sys.executable, "-c", SENDER, *arguments],
        env={VARIABLE: point, "PATH": "/usr/bin:/bin", "PYTHONPATH": "include"},
        check=False,
    )
    with council.register.open() as connection:
        until_nobody_holds(connection)
    return ended.returncode


def visible(council, name):
    """The SHA-256 of everything that ever stood under the final name, in the inbox or taken from it."""
    root = council.third_party.root
    places = [root / "inbox" / name, root / "taken" / name]
    return {sha256(place.read_bytes()).hexdigest() for place in places if place.exists()}


@dataclass(frozen=True, slots=True)
class DoorsWith(Doors):
    """Doors whose recipient's server is the given one."""

    server: DropZone | None = None

    def recipient(self):
        return self.server


def through(council, server):
    """The same council, sending through `server`."""
    doors = council.doors
    return replace(council, doors=DoorsWith(doors.profile, doors.settings, server))


class Interrupted(DropZone):
    """A real connection that does something else first, once, before one of its verbs."""

    def __init__(self, endpoint, *, before, do):
        super().__init__(endpoint)
        self._before, self._do = before, do

    def rename(self, folder, old, new):
        self._interrupt("rename")
        super().rename(folder, old, new)

    def list(self, folder):
        self._interrupt("list")
        return super().list(folder)

    def upload_new(self, folder, temp_name, data):
        self._interrupt("upload_new")
        super().upload_new(folder, temp_name, data)

    def _interrupt(self, verb):
        if verb == self._before:
            self._before = None
            self._do()


class Greedy(DropZone):
    """A real connection to a recipient that takes every file away at once and tells nothing."""

    def rename(self, folder, old, new):
        super().rename(folder, old, new)
        self.remove(folder, new.encode())


class Garbling(DropZone):
    """A real connection to a server that gives back other bytes than it was given."""

    def read(self, path):
        return super().read(path) + b"more"


AT_ONCE = timedelta(0)
