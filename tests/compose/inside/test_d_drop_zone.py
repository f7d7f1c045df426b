"""What a partner may do in the drop zone of the containers, and what it may not, by its own key."""

import os
import socket
from contextlib import contextmanager
from time import monotonic, sleep

import paramiko
import pytest

from compose import stack, world
from family_exchange.adapters.sftp import DropZone

FEED = "police_incidents"


@contextmanager
def logged_in(ends, partner="police"):
    """The partner's own connection, by a client that would send whatever it is asked to."""
    endpoint = ends.partners[partner].endpoint()
    transport = paramiko.Transport(socket.create_connection((endpoint.host, endpoint.port), timeout=60))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = 60
    try:
        transport.connect(username=endpoint.username, pkey=paramiko.PKey.from_path(endpoint.private_key))
        yield transport
    finally:
        transport.close()


@pytest.fixture
def partner(ends):
    """An SFTP session, with one file that is left alone because its name begins with a dot."""
    with logged_in(ends) as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        with client.open(f"/{FEED}/.mine.part", "w") as file:
            file.write(b"x")
        yield client
        client.remove(f"/{FEED}/.mine.part")


FORBIDDEN = {
    "a link to another file": lambda client: client.symlink("/etc/passwd", f"/{FEED}/.link"),
    "a folder": lambda client: client.mkdir(f"/{FEED}/.folder"),
    "another mode": lambda client: client.chmod(f"/{FEED}/.mine.part", 0o777),
    "another time": lambda client: client.utime(f"/{FEED}/.mine.part", (0, 0)),
    "a renaming that overwrites": lambda client: client.posix_rename(f"/{FEED}/.mine.part", f"/{FEED}/.other"),
    "a file above the feeds": lambda client: client.open("/mine", "w"),
    "a receipt of one's own": lambda client: client.open("/receipts/mine", "w"),
    "a look at another partner": lambda client: client.listdir("/../schools"),
    "a look at the machine": lambda client: client.open("/etc/passwd"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_partner_is_refused(partner, what):
    with pytest.raises(OSError, match=r"denied|Failure|No such|unsupported"):
        FORBIDDEN[what](partner)


def test_a_partner_uploads_renames_and_takes_away_its_own(partner):
    with partner.open(f"/{FEED}/.whole.part", "w") as file:
        file.write(b"whole")
    partner.rename(f"/{FEED}/.whole.part", f"/{FEED}/.whole")
    assert partner.stat(f"/{FEED}/.whole").st_size == len(b"whole")
    partner.remove(f"/{FEED}/.whole")


def test_a_partner_has_no_shell_and_no_way_to_another_machine(ends):
    with logged_in(ends) as transport:
        session = transport.open_session()
        session.exec_command("id")
        assert b"uid=" not in session.recv(200)
        database = stack.container("councils-db").address
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", (database, 5432), ("127.0.0.1", 0))


def test_a_partner_does_not_get_in_by_the_name_of_another(ends):
    police = ends.partners["police"].endpoint()
    transport = paramiko.Transport(socket.create_connection((police.host, police.port), timeout=60))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = 60
    try:
        with pytest.raises(paramiko.SSHException):
            transport.connect(username=f"{world.COUNCIL}.schools", pkey=paramiko.PKey.from_path(police.private_key))
    finally:
        transport.close()


def test_the_council_sees_what_every_partner_left():
    with DropZone(world.settings().drop_zone) as zone:
        assert zone.list("/schools/receipts") is not None
        assert {entry.name.decode() for entry in zone.list("/")} >= {"police", "schools", "housing"}


def test_what_was_closed_is_in_the_log(partner):
    stack.until("its line", lambda: f'close "/{FEED}/.mine.part"' in logged(), within=20)


def logged():
    return stack.compose("logs", "--no-log-prefix", "drop-zone")


CHUNK = bytes(1 << 20)
SHARE = int(os.environ.get("DROP_ZONE_PARTNER_MIB", "0"))
LARGEST = int(os.environ.get("DROP_ZONE_FILE_MIB", "0"))
"""MiB; run.sh makes them small, so that this takes a moment only."""


def fill(client, name, mib):
    with client.open(f"/{FEED}/{name}", "w") as file:
        file.set_pipelined(pipelined=False)
        for _ in range(mib):
            file.write(CHUNK)


def flood(client):
    """Files beyond the partner's share, until it is told or thrown out."""
    for number in range(SHARE // LARGEST + 2):
        fill(client, f".{number}.part", LARGEST - 1)
    enough = monotonic() + 300
    while monotonic() < enough:
        fill(client, ".one-more.part", 1)
        sleep(stack.EVERY)


def test_a_file_grows_to_its_limit_and_no_further(ends):
    with logged_in(ends) as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        with pytest.raises(OSError, match="Failure"):
            fill(client, ".large.part", LARGEST + 1)
        assert client.stat(f"/{FEED}/.large.part").st_size == LARGEST << 20
        client.remove(f"/{FEED}/.large.part")  # the session goes on


def test_who_left_too_much_is_closed_until_the_council_takes_it_and_nobody_else_is(ends):
    with logged_in(ends) as transport, pytest.raises((OSError, EOFError, paramiko.SSHException)):
        flood(paramiko.SFTPClient.from_transport(transport))
    stack.until("told", lambda: "FULL.txt" in listed(ends, "/"), within=10)
    with logged_in(ends) as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        assert b"no room for more" in client.open("/FULL.txt").read()
        client.listdir("/receipts")
        for mode in ("w", "a"):
            with pytest.raises(PermissionError):
                client.open(f"/{FEED}/.0.part", mode)
        with pytest.raises(PermissionError):
            client.open(f"/{FEED}/.new.part", "w")
    with logged_in(ends, "schools") as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        client.open("/school_attendance/.mine.part", "w").close()
        client.remove("/school_attendance/.mine.part")

    with DropZone(world.settings().drop_zone) as zone:
        for name in listed(ends, f"/{FEED}"):
            if name.endswith(".part"):
                zone.remove(f"/police/{FEED}", name.encode())
    stack.until("open again", lambda: "FULL.txt" not in listed(ends, "/"), within=10)
    with logged_in(ends) as transport:
        client = paramiko.SFTPClient.from_transport(transport)
        fill(client, ".small.part", 1)
        client.remove(f"/{FEED}/.small.part")
    for said in ("police is closed, too much", "police is open again"):
        stack.until(said, lambda said=said: said in logged(), within=20)


def listed(ends, folder):
    with logged_in(ends) as transport:
        return paramiko.SFTPClient.from_transport(transport).listdir(folder)
