"""What a sealed file may cost us, many at once, and where its content may be: in memory, and nowhere else."""

import os
import shutil
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from family_exchange.adapters import gpg
from family_exchange.adapters.openpgp import AGENT_OPTIONS, stop_agent
from family_exchange.domain.errors import DataRefused, TryLater
from family_exchange.stages.unseal import Opened
from support import packets
from support.keys import Ring, home, parties
from support.processes import decrypting, stopped, until
from support.sealed_files import CONTENT, good
from support.unsealing import council_of, opener

__all__ = ["home", "parties"]

MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30
CANARY = b"Quillfeather-943"
INCLUDE = str(Path(gpg.__file__).parents[2])

UNSEAL = """
import os, re, resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from family_exchange.domain import seal
from family_exchange.adapters.openpgp import OpenPGP
started = sum(os.times()[:4])
unsealed = OpenPGP(Path(sys.argv[2]), sys.argv[3]).unseal(Path(sys.argv[4]), cap=512 << 20, timeout=60)
took = sum(os.times()[:4]) - started  # of a core, gpg's with our own
own = int(re.search("VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])
used = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(took, used, unsealed.outcome.bytes_out)
"""


def nulls(size: int, *, levels: int) -> bytes:
    """A content of that many zero bytes, compressed so often; made without ever being as large.

    A chunk after which the compressor forgets everything compresses the same wherever it stands.
    """
    header = b"\xcb\xff" + (size + 6).to_bytes(4) + b"b\0" + bytes(4)
    chunk = 16 * MEBIBYTE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = compressor.compress(header) + compressor.flush(zlib.Z_FULL_FLUSH)
    repeated = compressor.compress(bytes(chunk)) + compressor.flush(zlib.Z_FULL_FLUSH)
    end = compressor.flush(zlib.Z_FINISH)
    packet = packets.packet(packets.COMPRESSED, b"\x01" + start + repeated * (size // chunk) + end)
    for _ in range(levels - 1):
        packet = packets.compressed(packet)
    return packet


@pytest.fixture
def council(parties, tmp_path):
    return council_of(parties, tmp_path / "state")


@pytest.mark.parametrize("levels", [2, 3])
def test_a_gibibyte_in_two_kilobytes_costs_five_seconds_and_256_mebibytes_at_most(levels, parties, council, tmp_path):
    sealed = packets.sealed_around(nulls(GIBIBYTE, levels=levels), parties.council)
    assert len(sealed) < 8192
    council.refuses(sealed, "EXPANSION")
    file = tmp_path / "bomb"
    file.write_bytes(sealed)
    command = [sys.executable, "-c", UNSEAL, INCLUDE, str(parties.council.home), parties.council.fingerprint, str(file)]
    took, kilobytes, came = map(float, subprocess.run(command, capture_output=True, check=True).stdout.split())
    assert took < 5
    assert kilobytes < 256 * 1024
    assert came <= 200 * len(sealed) + 2 * MEBIBYTE
    assert council.open(good(parties)).plaintext == CONTENT


def test_a_content_of_as_much_as_is_allowed_is_opened(parties, council):
    """The positive twin: much, but not more than 200 times the file."""
    content = bytes(24 * MEBIBYTE)
    assert council.open(good(parties, "--compress-algo=none", content=content)).plaintext == content
    content = os.urandom(200) * 4000
    assert council.open(good(parties, "--compress-level=9", content=content)).plaintext == content


def test_a_nest_of_forty_is_refused_and_one_of_two_is_not(parties, council):
    inner = parties.police.gpg(f"--local-user={parties.police.fingerprint}", "--sign", "-z0", content=CONTENT)
    shallow = packets.compressed(packets.compressed(inner))
    assert council.open(packets.sealed_around(shallow, parties.council)).plaintext == CONTENT
    for _ in range(38):
        shallow = packets.compressed(shallow)
    started = time.monotonic()
    council.refuses(packets.sealed_around(shallow, parties.council), "EXPANSION")
    assert time.monotonic() - started < 60


def test_a_flood_of_status_lines_ends_early(parties, council):
    """Twenty thousand recipients: each is a line; a file for two is not a flood."""
    outside = parties.police.gpg(f"--recipient={parties.stranger.fingerprint}", "--encrypt", content=b"x")
    started = time.monotonic()
    council.refuses(outside[: 2 + outside[1]] * 20000, "CORRUPT")
    assert time.monotonic() - started < 60
    assert council.open(good(parties, f"--recipient={parties.stranger.fingerprint}")).plaintext == CONTENT


def opened_at_once(council, sealed, times):
    """What became of that many openings side by side, each in its own thread with a gpg of its own."""

    def one(_):
        try:
            return council.open(sealed)
        except (DataRefused, TryLater) as stopped:
            return stopped

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.requirement("R-046")
def test_sixty_four_files_at_once_are_all_opened_twice(parties, council):
    assert (parties.council.home / "gpg-agent.conf").read_text() == AGENT_OPTIONS
    sealed = good(parties)
    for _ in range(2):
        ends = opened_at_once(council, sealed, 64)
        assert [end for end in ends if not isinstance(end, Opened)] == []


def test_an_agent_without_room_makes_files_wait_and_refuses_none(parties, home, tmp_path):
    """The same ring without the option that lets the agent's locked memory grow."""
    shutil.copytree(parties.council.home, home, ignore=shutil.ignore_patterns("S.*", "gpg-agent.conf"))
    council = opener(
        Ring(home, parties.council.fingerprint), tmp_path / "state", council_of(parties, tmp_path / "c").keys
    )
    ends = opened_at_once(council, good(parties), 64)
    assert {type(end) for end in ends} <= {Opened, TryLater}
    assert Opened in {type(end) for end in ends}


def test_a_gpg_that_waits_for_its_agent_leaves_no_core_and_dies_with_its_worker(parties, home, tmp_path):
    shutil.copytree(parties.council.home, home, ignore=shutil.ignore_patterns("S.*"))
    file = tmp_path / "sealed"
    file.write_bytes(good(parties))
    command = [sys.executable, "-c", UNSEAL, INCLUDE, str(home), parties.council.fingerprint, str(file)]
    with stopped(home):
        with subprocess.Popen(command) as worker:
            (running, *_) = until(lambda: decrypting(home))
            limits = (running / "limits").read_text().splitlines()
            assert next(line.split()[4:6] for line in limits if line.startswith("Max core")) == ["0", "0"]
            worker.kill()
        until(lambda: not decrypting(home))
    stop_agent(home)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.requirement("R-046")
def test_no_file_is_written_while_a_file_is_opened(parties, tmp_path):
    """Every file that Python, gpg and its agent open for writing, by the kernel's own word."""
    file = tmp_path / "sealed"
    file.write_bytes(good(parties, content=CANARY * 100_000))
    log = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-y", "-e", "trace=open,openat,creat,memfd_create", "-o", str(log)]
    command += [sys.executable, "-B", "-c", UNSEAL]
    arguments = [INCLUDE, str(parties.council.home), parties.council.fingerprint, str(file)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, check=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    )
    assert float(done.stdout.split()[2]) == len(CANARY) * 100_000
    calls = [
        line
        for line in log.read_text(errors="replace").splitlines()
        if "O_WRONLY" in line or "O_RDWR" in line or "creat(" in line
    ]
    written = {Path(line.split('"')[1]) for line in calls if "= -1" not in line and '"' in line}
    kept = {path for path in written if path != Path("/dev/null") and path != Path("/dev/tty")}
    assert all(path.parent == parties.council.home for path in kept), kept
    for path in (*kept, *parties.council.home.rglob("*"), *tmp_path.rglob("*")):
        if path.is_file():
            assert CANARY not in path.read_bytes(), path
