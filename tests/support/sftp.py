"""SFTP servers to test against: the demo's own, and OpenSSH's, each with the same folders and the same user."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import keys, postgres, sftpserver

SSHD = Path("/usr/sbin/sshd")
FEED = "police/police_incidents"


@dataclass(frozen=True)
class Site:
    """A running server: how to reach it, where its files are on this machine, and what it calls their folder."""

    endpoint: SftpEndpoint
    root: Path
    prefix: str

    def folder(self, name: str = FEED) -> str:
        return f"{self.prefix}/{name}"

    def disk(self, name: bytes = b"", folder: str = FEED) -> Path:
        """The path of an entry on this machine, whatever the encoding of its name."""
        return self.root / folder / os.fsdecode(name)

    def put(
        self, name: bytes, content: bytes = b"sealed", *, folder: str = FEED, modified_at: int | None = None
    ) -> None:
        self.disk(name, folder).write_bytes(content)
        if modified_at is not None:
            os.utime(self.disk(name, folder), (modified_at, modified_at))

    def content(self, name: bytes, *, folder: str = FEED) -> bytes:
        return self.disk(name, folder).read_bytes()

    def zone(self, **changes) -> DropZone:
        seconds = {key: changes.pop(key) for key in ("connect_seconds", "silence_seconds") if key in changes}
        return DropZone(replace(self.endpoint, **changes), **seconds)


def make_folders(root: Path) -> Path:
    for folder in (FEED, "police/receipts", "schools/school_attendance"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def demo_site(folder: Path, *, room: type[sftpserver.Room] | None = None) -> Iterator[Site]:
    log_in = keys.ssh(folder / "ssh", "council")
    root = make_folders(folder / "root")
    users = {"council": sftpserver.User(log_in.public_key, root)}
    with sftpserver.running(folder / "server", users, room=room) as server:
        endpoint = SftpEndpoint("127.0.0.1", server.port, "council", log_in.private_key, server.host_key)
        yield Site(endpoint, root, "")


@contextmanager
def openssh_site(
    folder: Path, *, sftp: str = "internal-sftp", methods: str = "publickey", host: keys.LogIn | None = None
) -> Iterator[Site]:
    """OpenSSH's own server, for the user who runs the tests; it sees the whole machine, so folders have a prefix."""
    log_in, host = keys.ssh(folder / "ssh", "council"), host or keys.ssh(folder / "ssh", "host")
    root = make_folders(folder / "root")
    authorized = folder / "authorized"
    authorized.write_text(log_in.public_key + "\n")
    lines = [
        "ListenAddress 127.0.0.1",
        f"HostKey {host.private_key}",
        f"AuthorizedKeysFile {authorized}",
        f"AuthenticationMethods {methods}",
        "StrictModes no",
        "UsePAM no",
        "PidFile none",
        "PermitRootLogin prohibit-password",
        "Subsystem sftp internal-sftp",
        f"ForceCommand {sftp}",
        "MaxStartups 100",
    ]
    config = folder / "sshd_config"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd shuts its own unprivileged half into
    with (folder / "sshd.log").open("wb") as log, postgres.kept_port() as port:
        config.write_text("\n".join([f"Port {port}", *lines]) + "\n")
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(config)], stderr=log, start_new_session=True)
        try:
            _await(port, process)
            user = pwd.getpwuid(os.geteuid()).pw_name
            yield Site(SftpEndpoint("127.0.0.1", port, user, log_in.private_key, host.public_key), root, str(root))
        finally:
            process.terminate()
            process.wait(120)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "sshd stopped; see sshd.log in the test's folder"
        time.sleep(0.02)
    raise AssertionError("sshd does not listen")


def need_sshd() -> None:
    """In CI the server must be there; elsewhere one clear line says what is missing."""
    if not SSHD.exists():
        hint = f"{SSHD} is missing: install the package openssh-server"
        pytest.fail(hint) if os.environ.get("CI") else pytest.skip(hint)


SITES = {"demo": demo_site, "openssh": openssh_site}


@pytest.fixture(scope="session", params=list(SITES))
def server_site(request, tmp_path_factory):
    if request.param == "openssh":
        need_sshd()
    with SITES[request.param](tmp_path_factory.mktemp(request.param)) as site:
        yield site


@pytest.fixture
def site(server_site):
    """One of both servers, its folders empty."""
    yield server_site
    for folder in server_site.root.iterdir():
        shutil.rmtree(folder)
    make_folders(server_site.root)
