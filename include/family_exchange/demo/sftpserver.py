"""A private SFTP server: loopback only, keys only, each user shut into its own folder, nothing ever overwritten.

It behaves as OpenSSH's does where that matters to us (a plain rename is a compare-and-set), and leaves out what
partners must not do: links, and renames that overwrite. It runs in a thread of its own and ends with the block.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import asyncssh

HOST = "127.0.0.1"
HOST_KEY = "ssh_host_ed25519_key"
_START_SECONDS = 60.0
_FAREWELL_SECONDS = 2.0
"""How long connections that were cut off may take to be gone. One whose client went away in a bad moment never says
that it is, so nobody waits for its word."""
_END_SECONDS = 60.0
"""How long the whole server may take to end: milliseconds, and seconds on a machine that stalls."""


@dataclass(frozen=True, slots=True)
class User:
    """Who may log in."""

    public_key: str
    """In OpenSSH's form: `ssh-ed25519 AAAA…`."""
    root: Path
    """The folder that this user sees as `/`."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    host_key: str
    """Its public key, to be pinned: `ssh-ed25519 AAAA…`."""


@contextmanager
def running(
    folder: Path, users: Mapping[str, User], *, host: str = HOST, port: int = 0, room: "type[Room] | None" = None
) -> Iterator[Server]:
    """A server for `users`; stopped, with every connection, when the block ends.

    Its host key lives in `folder`, so that a second start is the same server. Port 0: any free one. `host` is the
    address that it listens at. Another `room` is for tests of servers that behave badly.

    Raises:
        OSError: the port is taken.
        RuntimeError: the server did not end in time; the message says at which line it stands.
    """
    key = _host_key(folder)
    door = _Door(users, room or Room, host)
    started: Future[int] = Future()
    thread = Thread(target=lambda: asyncio.run(door.serve(key, port, started)), name="sftp-server", daemon=True)
    thread.start()
    try:
        yield Server(started.result(_START_SECONDS), key.export_public_key().decode().strip())
    finally:
        door.close()
        thread.join(_END_SECONDS)
        if thread.is_alive():
            raise RuntimeError(f"the SFTP server did not end within {_END_SECONDS:g} s: it stands at {_place(thread)}")


def _place(thread: Thread) -> str:
    """The line at which the thread is."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the only way to see another thread's place
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "no line any more"


class _Door:
    """The listening socket, and the connections that came through it."""

    def __init__(self, users: Mapping[str, User], room: "type[Room]", host: str) -> None:
        self._kind, self._host = room, host
        self.keys = {name: asyncssh.import_public_key(user.public_key) for name, user in users.items()}
        self.roots = {name: user.root for name, user in users.items()}
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._closing: Future[None] = Future()

    async def serve(self, key: asyncssh.SSHKey, port: int, started: "Future[int]") -> None:
        """Serve until `close` is called; `started` gets the port, or why there is none."""
        logging.getLogger("asyncssh").setLevel(logging.CRITICAL)  # its lines hold names of files
        try:
            listening = socket.create_server((self._host, port))
            acceptor = await asyncssh.listen(
                sock=listening,
                server_factory=lambda: _Guard(self),
                server_host_keys=[key],
                sftp_factory=self._room,
                compression_algs=["none"],
            )
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(acceptor.get_port())
        await asyncio.wrap_future(self._closing)
        asyncio.get_running_loop().remove_reader(listening)
        await asyncio.sleep(0.01)  # who is on the threshold comes in: a door that closes then would lose its socket
        acceptor.close()  # its own `wait_closed` would wait for the clients to leave
        await self._cut_off()

    async def _cut_off(self) -> None:
        """Every connection is aborted, those too that came through the door while it was closing."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FAREWELL_SECONDS
        while True:
            for connection in tuple(self.connections):
                connection.abort()
            await asyncio.sleep(0.01)
            if not self.connections or loop.time() > deadline:
                return

    def close(self) -> None:
        """Ask the server to end; from any thread, also before it has begun."""
        self._closing.set_result(None)

    def _room(self, channel: "asyncssh.SSHServerChannel[bytes]") -> "Room":
        return self._kind(channel, chroot=os.fsencode(self.roots[channel.get_extra_info("username")]))


class _Guard(asyncssh.SSHServer):
    """Lets a user in by its own key and by nothing else."""

    def __init__(self, door: _Door) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        if self._connection is not None:
            self._door.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's signature
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._door.keys.get(username) == key


class Room(asyncssh.SFTPServer):
    """One user's folder, as `/`."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Files only: to open a pipe would wait for its other end, and everybody's work with it."""
        file = Path(os.fsdecode(self.map_path(path)))
        if file.exists() and not file.is_file():
            raise asyncssh.SFTPFailure("only files are opened here")
        return super().open(path, pflags, attrs)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The file has its new name, which was free: linked, then unlinked, as OpenSSH does it."""
        before, after = (Path(os.fsdecode(self.map_path(path))) for path in (oldpath, newpath))
        after.hardlink_to(before)
        before.unlink()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 - asyncssh's signature
        """Refused: it would overwrite."""
        raise asyncssh.SFTPOpUnsupported("a rename never overwrites here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 - asyncssh's signature
        """Refused: there are no links."""
        raise asyncssh.SFTPOpUnsupported("there are no links here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 - asyncssh's signature
        """Refused: there are no links."""
        raise asyncssh.SFTPOpUnsupported("there are no links here")

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs, *, follow_symlinks: bool = True) -> None:
        """Modes and times are the server's own; a client's wish is heard and not followed."""

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """As with `setstat`."""

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As with `setstat`."""


def public_key(folder: Path) -> str:
    """The public half of the host key that a server in `folder` has or will have, to be pinned."""
    return _host_key(folder).export_public_key().decode().strip()


def _host_key(folder: Path) -> asyncssh.SSHKey:
    """The server's key pair, made once."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / HOST_KEY
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return asyncssh.read_private_key(file)
