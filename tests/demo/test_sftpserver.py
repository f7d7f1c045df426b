"""The demo's SFTP server: each user shut into its own folder, keys only, gone when the block ends."""

import asyncio
import os
import socket
import struct
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import asyncssh
import pytest

from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import keys, sftpserver
from family_exchange.domain.errors import TryLater

PATIENCE = 60
"""Seconds that nothing here takes, but that a machine may stall."""


@dataclass
class House:
    folder: Path
    log_ins: dict[str, keys.LogIn]
    users: dict[str, sftpserver.User]

    def endpoint(self, server, name):
        return SftpEndpoint("127.0.0.1", server.port, name, self.log_ins[name].private_key, server.host_key)


@pytest.fixture
def house(tmp_path):
    """The council sees everything; each partner sees its own folder as the root."""
    root = tmp_path / "root"
    for partner in ("police", "schools"):
        (root / partner / "drops").mkdir(parents=True)
    log_ins = {name: keys.ssh(tmp_path / "ssh", name) for name in ("council", "police", "schools")}
    roots = {"council": root, "police": root / "police", "schools": root / "schools"}
    users = {name: sftpserver.User(log_ins[name].public_key, roots[name]) for name in roots}
    return House(tmp_path, log_ins, users)


@pytest.fixture
def server(house):
    with sftpserver.running(house.folder / "server", house.users) as running:
        yield running


def asked(house, server, user, work):
    """What asyncssh's client gets, which may ask for anything."""

    async def ask():
        endpoint = house.endpoint(server, user)
        async with (
            asyncssh.connect(
                endpoint.host,
                endpoint.port,
                username=user,
                client_keys=[str(endpoint.private_key)],
                known_hosts=([endpoint.host_key.encode()], [], []),
                config=None,
                agent_path=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            return await work(client)

    return asyncio.run(ask())


def test_a_partner_sees_its_own_folder_and_the_council_sees_all(house, server):
    with DropZone(house.endpoint(server, "police")) as police:
        police.upload_new("/drops", "a.pgp", b"sealed")
        assert [entry.name for entry in police.list("/")] == [b"drops"]
    with DropZone(house.endpoint(server, "council")) as council:
        assert {entry.name for entry in council.list("/")} == {b"police", b"schools"}
        assert council.read("/police/drops/a.pgp") == b"sealed"


@pytest.mark.parametrize(
    "path", ["/../schools/drops/secret", "../schools/drops/secret", "/drops/../../schools/drops/secret"]
)
def test_no_path_leads_to_another_partner(path, house, server):
    (house.folder / "root/schools/drops/secret").write_bytes(b"secret")
    with DropZone(house.endpoint(server, "police")) as police, pytest.raises(FileNotFoundError):
        police.read(path)


def test_there_are_no_links_and_no_overwriting(house, server):
    drops = house.folder / "root/police/drops"
    (drops / "a").write_bytes(b"a")
    (drops / "b").write_bytes(b"b")
    for work in (
        lambda client: client.symlink("/etc/passwd", "/drops/link"),
        lambda client: client.link("/drops/a", "/drops/link"),
        lambda client: client.posix_rename("/drops/a", "/drops/b"),
    ):
        with pytest.raises(asyncssh.SFTPError):
            asked(house, server, "police", work)
    assert {path.name: path.read_bytes() for path in drops.iterdir()} == {"a": b"a", "b": b"b"}


def test_modes_and_times_are_the_servers_own(house, server):
    file = house.folder / "root/police/drops/a"
    file.write_bytes(b"a")
    os.utime(file, (1000, 1000))

    async def wish(client):
        await client.chmod("/drops/a", 0o777)
        await client.utime("/drops/a", (5, 5))
        async with client.open("/drops/a", "r+") as opened:
            await opened.chmod(0o777)
        await client.setstat("/drops/a", asyncssh.SFTPAttrs(permissions=0o777), follow_symlinks=False)

    before = file.stat().st_mode
    asked(house, server, "police", wish)
    assert (file.stat().st_mode, file.stat().st_mtime) == (before, 1000)


@pytest.mark.requirement("R-078")
def test_a_password_opens_nothing(server):
    async def ask():
        await asyncssh.connect(
            "127.0.0.1",
            server.port,
            username="police",
            password="police",
            known_hosts=None,
            client_keys=None,
            config=None,
        )

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(ask())


def test_there_is_no_shell(house, server):
    async def ask():
        endpoint = house.endpoint(server, "police")
        async with asyncssh.connect(
            "127.0.0.1",
            server.port,
            username="police",
            client_keys=[str(endpoint.private_key)],
            known_hosts=None,
            config=None,
        ) as connection:
            await connection.run("id", check=True)

    with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ProcessError, asyncssh.Error)):
        asyncio.run(ask())


def threads():
    """The servers that run: other tests' servers may run beside ours."""
    return {thread for thread in threading.enumerate() if thread.name == "sftp-server"}


@contextmanager
def ending(house, *, room=None):
    """A server; afterwards, what it left is looked at."""
    others = threads()
    with sftpserver.running(house.folder / "server", house.users, room=room) as server:
        (own,) = threads() - others
        yield server
    assert not own.is_alive()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0


def test_nothing_listens_and_nothing_runs_when_the_block_has_ended(house):
    with ExitStack() as clients:
        with ending(house) as server:
            zone = clients.enter_context(DropZone(house.endpoint(server, "police"), silence_seconds=PATIENCE))
        with pytest.raises(TryLater):
            zone.list("/")


RESET = struct.pack("ii", 1, 0)
"""Closing with this linger sends a reset instead of a farewell."""


def test_clients_that_say_nothing_or_are_gone_already_do_not_keep_the_server_up(house):
    with ExitStack() as clients, ending(house) as server:
        for number in range(48):
            plug = clients.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            if number % 2:
                plug.sendall(b"SSH-2.0-Quiet\r\n")
            if number % 3 == 1:
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if number % 3:
                plug.close()


def test_a_client_in_the_middle_of_a_transfer_does_not_keep_the_server_up(house):
    (house.folder / "root/police/drops/large").write_bytes(bytes(1 << 20))
    begun, ended = threading.Event(), threading.Event()

    class Patient(BytesIO):
        def write(self, content):
            begun.set()
            ended.wait(PATIENCE)
            return super().write(content)

    def fetch():
        with suppress(TryLater), DropZone(house.endpoint(server, "police"), silence_seconds=PATIENCE) as zone:
            zone.fetch("/drops", b"large", Patient())

    with ending(house) as server:
        client = threading.Thread(target=fetch)
        client.start()
        assert begun.wait(PATIENCE)
    ended.set()
    client.join(PATIENCE)
    assert not client.is_alive()


def test_a_connection_that_never_says_that_it_is_gone_is_not_waited_for(house, monkeypatch):
    monkeypatch.setattr(sftpserver, "_FAREWELL_SECONDS", 0.2)
    monkeypatch.setattr(sftpserver._Guard, "connection_lost", lambda *_: None)
    with ExitStack() as clients, ending(house) as server:
        clients.enter_context(DropZone(house.endpoint(server, "police"), silence_seconds=PATIENCE))


def test_a_server_that_does_not_end_is_said_with_the_line_at_which_it_stands(house, monkeypatch):
    monkeypatch.setattr(sftpserver, "_END_SECONDS", 0.3)
    asked, released = threading.Event(), threading.Event()

    class Stuck(sftpserver.Room):
        def remove(self, path):
            asked.set()
            released.wait(PATIENCE)

    others, server = threads(), sftpserver.running(house.folder / "server", house.users, room=Stuck)

    def remove():
        with suppress(TryLater), DropZone(house.endpoint(running, "police"), silence_seconds=PATIENCE) as zone:
            zone.remove("/drops", b"a")

    running = server.__enter__()
    client = threading.Thread(target=remove)
    client.start()
    assert asked.wait(PATIENCE)
    try:
        with pytest.raises(RuntimeError, match=r"did not end within 0\.3 s: it stands at .*threading\.py:\d+"):
            server.__exit__(None, None, None)
    finally:
        released.set()
        client.join(PATIENCE)
        for own in threads() - others:
            own.join(PATIENCE)
    assert threads() == others


def test_a_pipe_is_not_opened_and_keeps_nobody_waiting(house, server):
    os.mkfifo(house.folder / "root/police/drops/pipe")
    (house.folder / "root/police/drops/a").write_bytes(b"a")

    async def opened(client, name):
        async with client.open(f"/drops/{name}", "rb") as file:
            return await file.read()

    with pytest.raises(asyncssh.SFTPError, match="only files"):
        asked(house, server, "police", lambda client: opened(client, "pipe"))
    assert asked(house, server, "police", lambda client: opened(client, "a")) == b"a"


def test_a_second_start_is_the_same_server(house):
    with sftpserver.running(house.folder / "server", house.users) as first:
        pass
    with sftpserver.running(house.folder / "server", house.users, port=first.port) as second:
        assert second == first
        with DropZone(house.endpoint(first, "police")) as police:
            assert police.list("/drops") == []


def test_a_port_that_is_taken_is_said_at_once(house, server):
    with (
        pytest.raises(OSError, match="in use"),
        sftpserver.running(house.folder / "two", house.users, port=server.port),
    ):
        pass
