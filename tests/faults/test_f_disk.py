"""Group F, the vault's disk: full, or failing in the moment that counts; nothing is acknowledged, nothing is lost."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest

from family_exchange.adapters import database, ledger, settings
from family_exchange.adapters.room import LEAST
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import NoRoom
from family_exchange.domain.file import State
from support import faults

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes small disks")
MIB = 1 << 20


@contextmanager
def small_disk(place, megabytes):
    """A disk of its own in that place while the block runs."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def grown(place, megabytes):
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(place)], check=True)


def receive(tenant, *before):
    """The command as cron would run it, after what stands before it."""
    ours = replace(tenant.doors.settings, settle=timedelta(0))
    command = [*before, sys.executable, "-c", "from family_exchange.cli import main; main()"]
    command += ["receive", "--council", ours.council, "--feed", faults.FEED]
    environment = os.environ | settings.as_environment(ours)
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)


@pytest.fixture
def one_file(tenant):
    faults.put(tenant, "one.pgp", faults.sealed(tenant, faults.content()))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("error", "says"), [("EIO", "errno 5"), ("ENOSPC", "make room")])
def test_a_sync_that_fails_is_no_copy_and_the_file_is_copied_anew(tenant, one_file, error, says):
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject=fsync:error={error}:when=1"]
    done = receive(tenant, *inject)
    assert done.returncode != 0
    assert says in done.stderr.decode()
    (file,) = every(tenant)[-1:]
    assert (file.state, file.ct_sha256, file.attempt) == (State.CLAIMED, None, 0)
    assert faults.landing(tenant) == {b"one.pgp"}
    faults.assert_invariants(tenant)
    assert receive(tenant).returncode == 0
    assert faults.of(tenant, file.file_id).state is State.CLOSED
    faults.assert_at_rest(tenant)


def every(tenant):
    with database.transaction(tenant.doors.database) as connection:
        return ledger.files(connection)


def test_nothing_is_taken_in_that_the_disk_could_not_bear(tmp_path):
    vault = Vault(tmp_path / "vault")
    vault.need_room(1 * MIB)
    with pytest.raises(NoRoom, match=r"MiB free and needs \d+: make room at .*, then clear this task"):
        vault.need_room(1 << 60)


@as_root
def test_a_disk_that_is_full_keeps_nothing_of_a_file(tmp_path):
    with small_disk(tmp_path / "small", 8) as place:
        vault = Vault(place / "vault")
        with pytest.raises(NoRoom, match="full"):
            vault.put(BytesIO(bytes(20 * MIB)))
        assert [path for path in place.rglob("*") if path.is_file()] == []
        assert vault.whole(vault.put(BytesIO(bytes(1 * MIB))).sha256)


@as_root
def test_a_database_whose_disk_is_nearly_full_gets_no_more_files_until_there_is_room(tenant, one_file):
    """Its log-in cannot ask PostgreSQL for that; the council names the folder of data or log."""
    with small_disk(tenant.doors.settings.state.parent / "wal", LEAST // MIB - 1) as wal:
        doors = replace(tenant.doors, settings=replace(tenant.doors.settings, disks=(wal,)))
        watched = replace(tenant, doors=doors)
        with pytest.raises(NoRoom, match=f"the disk of {wal} has .* make room at {wal}"):
            faults.run(watched)
        (file,) = every(tenant)[-1:]
        assert (file.state, file.attempt) == (State.CLAIMED, 0)
        assert faults.landing(tenant) == {b"one.pgp"}
        grown(wal, 2 * LEAST // MIB)
        (file,) = faults.run(watched)
        assert file.state is State.CLOSED
    faults.assert_at_rest(tenant)


@as_root
def test_a_council_whose_disk_is_nearly_full_is_told_and_takes_in_nothing_until_there_is_room(tenant, one_file):
    """Over a vault of its own, so that what other tests keep is not hidden."""
    state = tenant.doors.settings.state
    with small_disk(state.parent / "small", 128) as place:
        for part in ("gnupg", "secrets", "checkpoints"):
            (place / part).symlink_to(state / part)
        doors = replace(tenant.doors, settings=replace(tenant.doors.settings, state=place))
        poor = replace(tenant, doors=doors)
        with pytest.raises(NoRoom, match="needs 256"):
            faults.run(poor)
        (file,) = every(tenant)[-1:]
        assert (file.state, file.attempt) == (State.CLAIMED, 0)
        assert faults.landing(tenant) == {b"one.pgp"}
        done = receive(poor)
        assert done.returncode != 0
        assert "make room" in done.stderr.decode()
        grown(place, 2 * LEAST // MIB)
        (file,) = faults.run(poor)
        assert file.state is State.CLOSED
        shutil.copytree(place / "vault", state / "vault", dirs_exist_ok=True)
    faults.assert_at_rest(tenant)
