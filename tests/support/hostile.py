"""Partners, lines and disks that do what they should not, while the platform's own intake is at work."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import paramiko

from family_exchange.adapters.doors import Doors
from family_exchange.adapters.sftp import DropZone


@contextmanager
def client(endpoint, *, source=""):
    """An SFTP client as anybody may write one: paramiko's own, with all that ours leaves out."""
    with logged_in(endpoint, source=source) as transport:
        yield paramiko.SFTPClient.from_transport(transport)


@contextmanager
def logged_in(endpoint, *, source=""):
    """A connection of that user, for whatever else it may try."""
    with connected(endpoint, source=source) as transport:
        transport.start_client(timeout=90)
        transport.auth_publickey(endpoint.username, paramiko.PKey.from_path(endpoint.private_key))
        yield transport


@contextmanager
def connected(endpoint, *, source=""):
    """A connection that has not said anything yet."""
    with plugged(endpoint, source=source) as plug:
        transport = paramiko.Transport(plug)
        try:
            yield transport
        finally:
            transport.close()


def plugged(endpoint, *, source=""):
    """A bare connection, from another address of this machine if one is given."""
    return socket.create_connection((endpoint.host, endpoint.port), timeout=90, source_address=(source, 0))


@dataclass(frozen=True, slots=True)
class DoorsThrough(Doors):
    """Doors whose drop zone is reached in another way."""

    opening: object = DropZone

    def drop_zone(self):
        return self.opening(self.settings.drop_zone)


def through(tenant, opening):
    """The same council, which reaches its drop zone by `opening(endpoint)`."""
    return replace(tenant, doors=DoorsThrough(tenant.doors.profile, tenant.doors.settings, opening))


def by_port(tenant, port, **seconds):
    """The same council over a line that ends at `port`, with less patience for silence."""
    return through(tenant, lambda endpoint: DropZone(replace(endpoint, port=port), **seconds))


def with_settings(tenant, **changes):
    """The same council under other settings."""
    settings = replace(tenant.doors.settings, **changes)
    return replace(tenant, doors=replace(tenant.doors, settings=settings))


def patient(tenant):
    """The same council, waiting for whole files as long as a council would."""
    return with_settings(tenant, patience=timedelta(hours=6))


def acting(*, at, act):
    """A drop zone that does something else, once: before a fetch ("open"), or when its first bytes came ("read")."""
    left = [act]

    def once():
        if left:
            left.pop()()

    class Target:
        def __init__(self, target):
            self.target = target

        def write(self, data):
            if at == "read":
                once()
            return self.target.write(data)

    class Acting(DropZone):
        def fetch(self, folder, name, target):
            if at == "open":
                once()
            return super().fetch(folder, name, Target(target))

    return Acting


@contextmanager
def nothing_leaks():
    """No thread of a connection and no open file is left a little while after the block."""
    before = threads(), open_files()
    yield
    deadline = time.monotonic() + 60
    while (threads() - before[0] or open_files() > before[1]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threads() <= before[0]
    assert open_files() <= before[1]


def threads():
    return {thread for thread in threading.enumerate() if "ransport" in repr(thread)}


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))
