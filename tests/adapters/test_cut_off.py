"""What a restore that was killed leaves behind, and what the next one makes of it."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from family_exchange.adapters import audit, closing, marks, recovery_key, workplace
from family_exchange.adapters.audit import CHECKPOINTS
from family_exchange.adapters.doors import make_secrets
from family_exchange.domain.errors import Busy, NeedsDecision

# --- the folder in which it worked -------------------------------------------------------------------------------

WORKER = """
import subprocess, sys, time
from pathlib import Path
from family_exchange.adapters.workplace import workplace
with workplace(Path(sys.argv[1])) as place:
    (place / "copy").mkdir()
    (place / "copy" / "person").write_text("in the open")
    server = subprocess.Popen(["sleep", "600"], cwd=place / "copy", start_new_session=True)
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def worker(tmp_path):
    """A worker with a server's copy, and the process id of that server."""
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    environment = {"PATH": os.defpath, "PYTHONPATH": "include"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield process, int(process.stdout.readline())
        process.kill()


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter when it goes while it is read
        return False


def test_the_copy_of_one_that_was_killed_goes_before_the_next_begins_and_its_server_too(worker, tmp_path):
    process, server = worker
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob("*/copy/person"))
    assert runs(server)
    with workplace.workplace(tmp_path) as place:
        assert list(tmp_path.iterdir()) == [place]
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 60
    while runs(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(server)


def test_the_copy_of_one_that_is_at_work_is_left_alone(worker, tmp_path):
    _, server = worker
    assert workplace.sweep(tmp_path) == 0
    assert list(tmp_path.glob("*/copy/person"))
    assert runs(server)


def test_a_folder_that_is_only_just_made_is_left_alone(tmp_path, monkeypatch):
    lock, swept = fcntl.flock, []

    def another_sweeps_first(file, how):
        if how == fcntl.LOCK_EX and not swept:
            swept.append(None)
            swept[0] = workplace.sweep(tmp_path)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", another_sweeps_first)
    with workplace.workplace(tmp_path) as place:
        assert swept == [0]
        assert workplace.sweep(tmp_path) == 0
        assert place.exists()
    assert list(tmp_path.iterdir()) == []


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    for part in ("gnupg", "secrets"):
        (tmp_path / "from" / part).mkdir(parents=True)
    (tmp_path / "from" / "gnupg" / "pubring.kbx").write_text("ring")
    (tmp_path / "from" / "secrets" / "dedupe_key").write_text("secret")
    return recovery_key.packed(tmp_path / "from")


def keys(state):
    return (state / "gnupg" / "pubring.kbx").read_text(), (state / "secrets" / "dedupe_key").read_text()


@pytest.mark.parametrize("moment", range(6))
def test_keys_that_were_half_put_in_place_are_put_there_whole(archive, tmp_path, monkeypatch, moment):
    """Whatever it was that came last: half a secret would be taken for the whole of it, for ever."""
    state, steps = tmp_path / "state", iter(range(100))

    class Killed(BaseException):
        pass

    def mortal(real):
        def step(*given, **named):
            if next(steps) == moment:
                raise Killed
            return real(*given, **named)

        return step

    for owner, name in ((recovery_key.unpacking, "unpack"), (Path, "rename"), (recovery_key.durable, "sync_tree"),
                        (recovery_key.durable, "sync_folder")):  # fmt: skip
        monkeypatch.setattr(owner, name, mortal(getattr(owner, name)))
    with pytest.raises(Killed):
        recovery_key.unpack(archive, state)
    monkeypatch.undo()
    recovery_key.unpack(archive, state)
    assert keys(state) == ("ring", "secret")
    assert {path.name for path in state.iterdir()} == {"gnupg", "secrets"}


def test_keys_that_are_there_stay(archive, tmp_path):
    recovery_key.unpack(archive, tmp_path / "state")
    (tmp_path / "state" / "secrets" / "dedupe_key").write_text("newer")
    recovery_key.unpack(archive, tmp_path / "state")
    assert keys(tmp_path / "state") == ("ring", "newer")


def test_half_of_other_keys_is_never_mixed_with_half_of_ours(archive, tmp_path):
    state = tmp_path / "state"
    (state / "gnupg").mkdir(parents=True)
    with pytest.raises(NeedsDecision, match="has only gnupg/"):
        recovery_key.unpack(archive, state)


@pytest.mark.parametrize("name", ["dedupe_key", "audit_signing_key.pem"])
def test_a_secret_is_whole_or_not_there_when_it_is_made(tmp_path, monkeypatch, name):
    """An empty one would be kept, and every file would have the same digest as everybody's."""

    class Killed(BaseException):
        pass

    def killed(descriptor):
        if name in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise Killed

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(Killed):
        make_secrets(tmp_path)
    monkeypatch.undo()
    assert not (tmp_path / "secrets" / name).exists()
    make_secrets(tmp_path)
    file = tmp_path / "secrets" / name
    assert file.stat().st_size >= 32
    assert file.stat().st_mode & 0o777 == 0o600


# --- who may open ------------------------------------------------------------------------------------------------


def test_nobody_opens_or_restores_a_council_that_somebody_restores(tmp_path):
    told = pytest.raises(Busy, match="somebody restores this council or opens it")
    with closing.alone(tmp_path / "state"), told, closing.alone(tmp_path / "state"):
        pass
    with closing.alone(tmp_path / "state"):
        pass


# --- checkpoints of what was given up ----------------------------------------------------------------------------


def noted(tmp_path, *lines):
    tmp_path.joinpath(CHECKPOINTS).write_text("".join(f"{line}\n" for line in lines))
    return audit.reached(tmp_path), marks.checkpoint(tmp_path)


def test_a_checkpoint_that_a_restore_gave_up_covers_no_event_of_the_chain_that_goes_on(tmp_path):
    lost = '{"seq": 500, "hash": "a", "signature": "b"}'
    given_up = '{"given_up_after": 300, "hash": "a", "signature": "b"}'
    assert noted(tmp_path, lost) == (500, 500)
    assert noted(tmp_path, lost, given_up) == (300, 300)
    assert noted(tmp_path, lost, given_up, lost.replace("500", "310")) == (310, 310)
