"""Files that want too much of us, and a gpg that cannot work: bounded, cleaned up, and never the partner's fault."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from family_exchange.adapters import gpg
from family_exchange.adapters.openpgp import OpenPGP, stop_agent
from family_exchange.domain import seal
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.file import Reason
from support import packets, sealed_files
from support.keys import Ring
from support.processes import decrypting, stopped, until

MEBIBYTE = 1 << 20


def decided(unsealed, parties, cap=64 * MEBIBYTE):
    return seal.decide(
        unsealed.outcome,
        seal.Policy(
            own_keys=frozenset({parties.council.fingerprint}),
            partner_keys=(seal.RegisteredKey(parties.police.fingerprint, datetime(2025, 1, 1, tzinfo=UTC)),),
            other_keys=frozenset(),
            now=datetime.now(UTC),
            cap=cap,
        ),
    )


def children():
    """Processes of gpg that this one started and that still live; the tests' database server is one of ours too."""
    started = [child for thread in Path("/proc/self/task").glob("*/children") for child in thread.read_text().split()]
    return [child for child in started if Path(f"/proc/{child}/comm").read_text().startswith("gpg")]


@pytest.fixture
def landed(tmp_path):
    def land(content):
        file = tmp_path / "landed"
        file.write_bytes(content)
        return file

    return land


@pytest.fixture
def borrowed(home, parties):
    """A copy of the council's ring, to be broken."""
    shutil.copytree(parties.council.home, home, ignore=shutil.ignore_patterns("S.*"))
    return OpenPGP(home, parties.council.fingerprint)


def test_reading_stops_at_the_cap_and_not_before(landed, parties):
    file = landed(parties.police.sealed(os.urandom(3 * MEBIBYTE), parties.council))
    cut = parties.council.door.unseal(file, cap=MEBIBYTE, timeout=60)
    assert decided(cut, parties, cap=MEBIBYTE) == seal.Refused(Reason.TOO_LARGE)
    assert cut.outcome.bytes_out <= MEBIBYTE + gpg.CHUNK
    whole = parties.council.door.unseal(file, cap=3 * MEBIBYTE, timeout=60)
    assert isinstance(decided(whole, parties, cap=3 * MEBIBYTE), seal.Accepted)
    assert children() == []


def test_a_bomb_costs_no_more_than_its_size_allows(landed, parties):
    inner = packets.literal(bytes(256 * MEBIBYTE))
    for _ in range(3):
        inner = packets.compressed(inner)
    file = landed(packets.sealed_around(inner, parties.council))
    assert file.stat().st_size < 2000
    unsealed = parties.council.door.unseal(file, cap=512 * MEBIBYTE, timeout=60)
    assert decided(unsealed, parties) == seal.Refused(Reason.EXPANSION)
    assert len(unsealed.plaintext) < 4 * MEBIBYTE
    assert children() == []


def test_a_file_of_nothing_but_recipients_is_cut_off(landed, parties):
    outside = parties.police.gpg(f"--recipient={parties.stranger.fingerprint}", "--encrypt", content=b"x")
    one = outside[: 2 + outside[1]]
    unsealed = parties.council.door.unseal(landed(one * 20000), cap=MEBIBYTE, timeout=60)
    assert decided(unsealed, parties) == seal.Refused(Reason.CORRUPT)


def test_time_that_is_up_says_nothing_about_the_file(landed, parties):
    file = landed(sealed_files.good(parties))
    unsealed = parties.council.door.unseal(file, cap=MEBIBYTE, timeout=0.0)
    assert decided(unsealed, parties) == seal.Retry("TIMEOUT")
    assert children() == []
    assert isinstance(decided(parties.council.door.unseal(file, cap=MEBIBYTE, timeout=60), parties), seal.Accepted)


def test_many_files_at_once_are_all_opened(landed, parties):
    file = landed(sealed_files.good(parties))

    def open_it(_):
        return decided(parties.council.door.unseal(file, cap=MEBIBYTE, timeout=120), parties)

    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(open_it, range(64)))
    assert all(isinstance(verdict, seal.Accepted) for verdict in verdicts), verdicts


def test_an_agent_that_cannot_start_is_our_own_trouble(landed, parties, borrowed, home):
    """Its sockets have no room in a name as long as this one."""
    long = home.parent / ("x" * 100)
    shutil.copytree(home, long)
    door = OpenPGP(long, borrowed.own_key)
    with pytest.raises(TryLater, match="agent"):
        door.unseal(landed(sealed_files.good(parties)), cap=MEBIBYTE, timeout=60)
    with pytest.raises(TryLater, match="agent"):
        door.seal(b"x", recipient=parties.police.fingerprint)


def test_a_ring_without_our_secret_key_is_for_a_person_to_mend(landed, parties, borrowed):
    for file in (borrowed.home / "private-keys-v1.d").iterdir():
        file.unlink()
    with pytest.raises(NeedsDecision, match=borrowed.own_key):
        borrowed.unseal(landed(sealed_files.good(parties)), cap=MEBIBYTE, timeout=60)


def test_a_ring_that_lost_a_partners_key_is_our_own_trouble(landed, parties, borrowed):
    Ring(borrowed.home).gpg("--yes", "--delete-keys", parties.police.fingerprint)
    unsealed = borrowed.unseal(landed(sealed_files.good(parties)), cap=MEBIBYTE, timeout=60)
    assert decided(unsealed, parties) == seal.Retry("KEY_RING")
    with pytest.raises(TryLater, match="KEY_RING"):
        borrowed.open_signed(sealed_files.good(parties), parties.police.fingerprint)


def test_a_secret_file_that_cannot_be_read_is_our_own_trouble(landed, parties, borrowed):
    for file in (borrowed.home / "private-keys-v1.d").iterdir():
        file.write_bytes(b"Key: (garbage)\n")
    unsealed = borrowed.unseal(landed(sealed_files.good(parties)), cap=MEBIBYTE, timeout=60)
    assert decided(unsealed, parties) == seal.Retry("AGENT")


def test_a_machine_without_gpg_is_told_what_to_install(landed, parties, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NeedsDecision, match="install the package gnupg"):
        parties.council.door.unseal(landed(b"x"), cap=MEBIBYTE, timeout=60)


def test_a_gpg_that_cannot_be_run_is_tried_again_later(landed, parties, monkeypatch, tmp_path):
    (tmp_path / "gpg").touch(mode=0o644)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TryLater, match="could not be run"):
        parties.council.door.unseal(landed(b"x"), cap=MEBIBYTE, timeout=60)


def test_a_seal_that_takes_too_long_is_tried_again_later(parties):
    with pytest.raises(TryLater, match="could not seal"):
        parties.council.door.seal(bytes(64 * MEBIBYTE), recipient=parties.police.fingerprint, timeout=0.0)
    assert children() == []


def test_a_ring_that_cannot_be_written_takes_no_key(parties, borrowed):
    (borrowed.home / "pubring.kbx").unlink()
    (borrowed.home / "pubring.kbx").mkdir()
    with pytest.raises(TryLater, match="could not import"):
        borrowed.import_key(parties.stranger.gpg("--export", parties.stranger.fingerprint))


@pytest.mark.requirement("R-046")
def test_neither_opening_nor_sealing_leaves_content_in_a_file(landed, parties, tmp_path, monkeypatch):
    canary = b"Canary-Quillfeather-943"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    file = landed(parties.police.sealed(canary * 100000, parties.council))
    unsealed = parties.council.door.unseal(file, cap=64 * MEBIBYTE, timeout=60)
    assert isinstance(decided(unsealed, parties), seal.Accepted)
    parties.council.door.seal(canary, recipient=parties.police.fingerprint)
    files = [one for folder in (tmp_path, parties.council.home) for one in folder.rglob("*") if one.is_file()]
    assert file in files
    assert not any(canary in one.read_bytes() for one in files)


def test_gpg_does_not_outlive_a_worker_that_was_killed(landed, parties):
    file = landed(parties.police.sealed(bytes(160 * MEBIBYTE), parties.council, "--compress-algo=none"))
    program = """
import sys
from pathlib import Path
from family_exchange.adapters.openpgp import OpenPGP
print(flush=True)
while True:
    OpenPGP(Path(sys.argv[1]), sys.argv[2]).unseal(Path(sys.argv[3]), cap=1 << 30, timeout=60)
"""
    command = [sys.executable, "-c", program, str(parties.council.home), parties.council.fingerprint, str(file)]
    include = str(Path(gpg.__file__).parents[2])
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": include}, stdout=subprocess.PIPE) as worker:
        worker.stdout.read(1)
        until(lambda: decrypting(parties.council.home))
        worker.kill()
    until(lambda: not decrypting(parties.council.home))


def test_a_time_limit_holds_while_gpg_is_silent(landed, parties, borrowed):
    """The agent is stopped, as by a debugger; gpg waits for it."""
    with stopped(borrowed.home):
        unsealed = borrowed.unseal(landed(sealed_files.good(parties)), cap=MEBIBYTE, timeout=1.0)
        assert decided(unsealed, parties) == seal.Retry("TIMEOUT")
    stop_agent(borrowed.home)
