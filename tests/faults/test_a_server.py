"""Group A, who may do what at the drop zone: what the agreed sshd settings keep from partners and from strangers."""

import time
from contextlib import ExitStack
from stat import S_IMODE

import paramiko
import pytest

from family_exchange.domain.file import State
from support import faults, hostile, openssh

STRANGER = "127.0.0.2"
"""Another address of this machine: what it does must not keep anybody else out."""

pytestmark = pytest.mark.skipif(not openssh.possible(), reason="users of their own need root and OpenSSH's server")


@pytest.fixture
def police(tenant):
    return tenant.partners["police"].endpoint


def test_a_partner_sees_its_own_folders_and_nothing_above_them(tenant, police):
    own = {*tenant.doors.profile.partner("police").feeds, "receipts"}
    with hostile.client(police) as client:
        assert set(client.listdir("/")) == own
        for way_out in ("..", "../..", "/../../", f"{faults.FEED}/../.."):
            assert set(client.listdir(way_out)) == own
        for elsewhere in ("/schools", "/../schools/school_attendance", "/etc/passwd", "../../../etc/passwd"):
            with pytest.raises(FileNotFoundError):
                client.stat(elsewhere)


def test_a_partner_can_write_into_its_folders_only(police):
    with hostile.client(police) as client:
        with pytest.raises(PermissionError):
            client.open("/stray.pgp", "wb")
        with pytest.raises(PermissionError):
            client.mkdir("/new")
        with client.open(f"/{faults.FEED}/own.part", "wb") as file:
            file.write(b"own")
        client.remove(f"/{faults.FEED}/own.part")


@pytest.mark.parametrize("trick", ["symlink", "posix_rename", "chmod", "utime"])
def test_a_partner_makes_no_links_overwrites_nothing_and_sets_no_modes_or_times(tenant, police, trick):
    path = f"/{faults.FEED}/x.part"
    tricks = {
        "symlink": lambda client: client.symlink("/etc/passwd", f"/{faults.FEED}/link"),
        "posix_rename": lambda client: client.posix_rename(path, f"/{faults.FEED}/y.part"),
        "chmod": lambda client: client.chmod(path, 0o777),
        "utime": lambda client: client.utime(path, (0, 0)),
    }
    with hostile.client(police) as client:
        client.open(path, "wb").close()
        with pytest.raises((PermissionError, OSError)):
            tricks[trick](client)
        (entry,) = faults.place(tenant).iterdir()
        assert S_IMODE(entry.stat().st_mode) & 0o007 == 0
        assert time.time() - entry.stat().st_mtime < 600
        client.remove(path)


def test_a_log_in_is_for_files_and_for_nothing_else(police):
    with hostile.logged_in(police) as transport:
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 0))
        channel = transport.open_session()
        channel.settimeout(90)
        channel.exec_command("id > /receipts/proof; id")
        channel.shutdown_write()
        said = channel.recv(1000)
        assert b"uid=" not in said
    with hostile.client(police) as client:
        assert "proof" not in client.listdir("/receipts")


def test_passwords_open_nothing_however_many_are_tried(police):
    with hostile.connected(police, source=STRANGER) as transport:
        transport.start_client(timeout=90)
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_password(police.username, "a guess", fallback=False)
        assert refused.value.allowed_types == ["publickey"]
    with hostile.client(police) as client:
        assert client.listdir("/receipts") is not None


def test_whoever_opens_many_connections_keeps_nobody_else_out(tenant, police):
    with ExitStack() as held:
        for _ in range(120):
            held.enter_context(hostile.plugged(police, source=STRANGER))
        began = time.monotonic()
        faults.put(tenant, "in-the-crowd.pgp", faults.sealed(tenant, faults.content()))
        assert time.monotonic() - began < 60
        (file,) = faults.run(tenant)
    assert file.state is State.CLOSED
    faults.assert_at_rest(tenant)
