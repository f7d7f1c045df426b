"""Ciphertext at rest: whole or absent, once, for its owner alone."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import vault as module
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import TryLater

CONTENT = b"sealed " * 1000


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "vault")


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_what_was_put_is_there_under_its_own_digest(vault, tmp_path):
    stored = vault.put(BytesIO(CONTENT))
    assert (stored.sha256, stored.size) == (sha256(CONTENT).digest(), len(CONTENT))
    assert vault.path(stored.sha256).read_bytes() == CONTENT
    assert vault.holds(stored.sha256)
    assert vault.whole(stored.sha256)
    assert files(tmp_path) == [vault.path(stored.sha256)]


def test_reading_starts_where_the_file_stands(vault):
    source = BytesIO(b"skipped" + CONTENT)
    source.seek(7)
    assert vault.put(source).sha256 == sha256(CONTENT).digest()


@pytest.mark.requirement("R-080")
def test_only_the_owner_may_read_it(vault):
    path = vault.path(vault.put(BytesIO(CONTENT)).sha256)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(contents=st.lists(st.binary(max_size=300), max_size=8))
def test_putting_twice_is_putting_once(tmp_path_factory, contents):
    root = tmp_path_factory.mktemp("vault")
    vault = Vault(root)
    for content in (*contents, *contents):
        vault.put(BytesIO(content))
    assert set(vault.held()) == {sha256(content).digest() for content in contents}
    assert len(files(root)) == len(set(contents))
    for content in set(contents):
        assert vault.path(sha256(content).digest()).read_bytes() == content
        vault.destroy(sha256(content).digest())
    assert list(vault.held()) == []
    assert files(root) == []


def test_a_damaged_object_is_noticed_and_healed_by_the_same_bytes(vault):
    digest = vault.put(BytesIO(CONTENT)).sha256
    vault.path(digest).write_bytes(CONTENT[:-1] + b"X")
    assert vault.holds(digest)
    assert not vault.whole(digest)
    vault.put(BytesIO(CONTENT))
    assert vault.whole(digest)


def test_what_is_destroyed_is_gone_and_may_be_destroyed_again(vault):
    digest = vault.put(BytesIO(CONTENT)).sha256
    assert vault.destroy(digest) is True
    assert not vault.holds(digest)
    assert not vault.path(digest).exists()
    assert vault.destroy(digest) is False


def test_an_empty_vault_holds_nothing(vault):
    digest = sha256(b"").digest()
    assert not vault.holds(digest)
    assert not vault.whole(digest)
    assert vault.destroy(digest) is False
    assert list(vault.held()) == []


def test_a_source_that_breaks_leaves_nothing(vault, tmp_path):
    class Broken(BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(errno.EIO, "broken")
            return super().read(3)

    with pytest.raises(TryLater, match=f"errno {errno.EIO}"):
        vault.put(Broken(CONTENT))
    assert files(tmp_path) == []


def test_what_a_crash_left_behind_is_swept_by_the_next_put(vault, tmp_path):
    program = """
import os, signal, sys
from pathlib import Path
from family_exchange.adapters.vault import Vault
class Dying:
    asked = 0
    def read(self, size):
        self.asked += 1
        if self.asked == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"half a file"
Vault(Path(sys.argv[1])).put(Dying())
"""
    include = str(Path(module.__file__).parents[2])
    died = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "vault")], env={"PYTHONPATH": include}, check=False
    )
    assert died.returncode == -9
    (leftover,) = files(tmp_path)
    assert leftover.parent.name == "tmp"
    digest = vault.put(BytesIO(CONTENT)).sha256
    assert files(tmp_path) == [vault.path(digest)]


def test_a_writer_at_work_is_left_alone(vault, tmp_path):
    busy = tmp_path / "vault" / "tmp" / "busy"
    busy.parent.mkdir(parents=True)
    with busy.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        vault.put(BytesIO(CONTENT))
        assert busy.exists()
    vault.put(BytesIO(CONTENT))
    assert not busy.exists()


def test_a_disk_that_refuses_leaves_nothing_and_says_so(tmp_path):
    """A process of its own may write no file beyond this size; the system answers as a full disk would."""
    program = """
import resource, signal, sys
from io import BytesIO
from pathlib import Path
from family_exchange.adapters.vault import Vault
from family_exchange.domain.errors import TryLater
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Vault(Path(sys.argv[1])).put(BytesIO(bytes(5000)))
except TryLater as error:
    print(error)
"""
    include = str(Path(module.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "vault")],
        env={"PYTHONPATH": include},
        capture_output=True,
        check=True,
    )
    assert f"errno {errno.EFBIG}".encode() in done.stdout
    assert files(tmp_path) == []


def test_a_folder_in_the_objects_place_is_told_and_not_removed(vault):
    digest = vault.put(BytesIO(CONTENT)).sha256
    path = vault.path(digest)
    path.unlink()
    path.mkdir()
    with pytest.raises(TryLater):
        vault.put(BytesIO(CONTENT))
    with pytest.raises(TryLater):
        vault.destroy(digest)
    assert path.is_dir()


def test_an_open_reader_keeps_its_bytes_while_they_are_put_again(vault):
    digest = vault.put(BytesIO(CONTENT)).sha256
    descriptor = os.open(vault.path(digest), os.O_RDONLY)
    try:
        vault.put(BytesIO(CONTENT))
        assert os.read(descriptor, len(CONTENT)) == CONTENT
    finally:
        os.close(descriptor)
