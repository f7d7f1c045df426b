"""The demo's world on OpenSSH's own server: each log-in a user of its own, shut into its folder, as in production.

Users, groups and folders exist in a private mount namespace only, and all of the server's processes in a private
namespace of processes: when the block ends, the machine is as it was. That takes root; without it the same world
stands on the demo's own server, and one test says so.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from family_exchange.adapters import profiles
from family_exchange.demo import keys, postgres, sftpserver, world
from support.sftp import SSHD, _await

LIMITS = "posix-rename,hardlink,symlink,setstat,fsetstat,lsetstat"
"""What partners must not do: links, renames that overwrite, modes and times of their own."""
FIRST_USER, GROUP = 50000, 50000
HOME = Path("/srv")
"""Where the folders are shut from: sshd wants every folder above to be root's alone."""

SERVER = """
set -e
mount -t tmpfs -o mode=755 none {home}
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
{binds}
exec {sshd} -D -e -f {folder}/sshd_config
"""


def possible() -> bool:
    """True where a real OpenSSH server with users of its own can be had."""
    return os.geteuid() == 0 and SSHD.exists() and shutil.which("unshare") is not None


@contextmanager
def running(folder: Path, users: Mapping[str, sftpserver.User]) -> Iterator[sftpserver.Server]:
    """As `sftpserver.running`: OpenSSH for `users`; stopped, with every session, when the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    host = keys.ssh(folder, "host")
    numbers = {name: FIRST_USER + number for number, name in enumerate(sorted(users))}
    (folder / "authorized").mkdir()
    for name, user in users.items():
        (folder / "authorized" / name).write_text(user.public_key + "\n")
    people = [f"{name}:*:{number}:{GROUP}::/:/usr/sbin/nologin" for name, number in numbers.items()]
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + "\n".join(people) + "\n")
    (folder / "group").write_text(Path("/etc/group").read_text() + f"fx-exchange:x:{GROUP}:\n")
    binds = [
        f"mkdir {HOME}/{name}; mount --bind {shlex.quote(str(user.root))} {HOME}/{name}" for name, user in users.items()
    ]
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd shuts its own unprivileged half into
    script = SERVER.format(home=HOME, folder=shlex.quote(str(folder)), binds="\n".join(binds), sshd=SSHD)
    private = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=SIGKILL"]
    with (folder / "sshd.log").open("wb") as log, postgres.kept_port() as port:
        (folder / "sshd_config").write_text(_config(folder, host, port))
        process = subprocess.Popen([*private, "sh", "-c", script], stderr=log, start_new_session=True)
        try:
            _await(port, process)
            yield sftpserver.Server(port, host.public_key)
        finally:
            process.kill()  # the first of the private processes goes with it, and all the others with that one
            process.wait(120)


def _config(folder: Path, host: keys.LogIn, port: int) -> str:
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host.private_key}",
        f"AuthorizedKeysFile {folder}/authorized/%u",
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "StrictModes no",
        "UsePAM no",
        "UseDNS no",
        "PidFile none",
        "PermitRootLogin no",
        "MaxStartups 100",
        "PerSourceMaxStartups 40",
        "MaxSessions 10",
        "DisableForwarding yes",
        "PermitTTY no",
        f"ChrootDirectory {HOME}/%u",
        "Subsystem sftp internal-sftp",
        f"ForceCommand internal-sftp -u 0007 -P {LIMITS}",
    ]
    return "\n".join(lines) + "\n"


def hand_over(stage: world.World) -> None:
    """What partners and their council may write to is theirs."""
    for tenant in stage.tenants:
        council = stage.folder / "sftp" / "drop-zone" / tenant.doors.profile.council
        recipient = stage.folder / "sftp" / "third-party" / tenant.doors.profile.council
        for root in (*(council / partner for partner in tenant.partners), recipient):
            for folder in root.iterdir():
                os.chown(folder, 0, GROUP)
                folder.chmod(0o2770)


@contextmanager
def standing(councils=None, *, people=200, seed=3, today=date(2026, 11, 22)) -> Iterator[world.World]:
    """`world.standing`, on OpenSSH where that is possible."""
    serve = running if possible() else sftpserver.running
    with world.standing(
        councils or (profiles.demo_council(),), people=people, seed=seed, today=today, serve=serve
    ) as stage:
        if possible():
            hand_over(stage)
        yield stage


@pytest.fixture(scope="module")
def tenant():
    """The demo's council, one world a module."""
    with standing() as stage:
        yield stage.tenants[0]
