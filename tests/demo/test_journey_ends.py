"""However the demo ends, nothing of it is left: no process, no key, no file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

COMMAND = [
    sys.executable,
    "-c",
    "from family_exchange.cli import main; main()",
    "demo",
    "--without-airflow",
    "--people",
    "200",
]
PATIENCE = 600
"""Seconds, for a machine that has much else to do."""


def started(tmp_path, *options):
    return subprocess.Popen(
        [*COMMAND, *options],
        env={**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "200"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def left(folder):
    """Command lines of processes that still name the demo's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def nothing_is_left(folder):
    """An agent that was told to end does so in a moment."""
    deadline = monotonic() + PATIENCE
    while found := left(folder):
        assert monotonic() < deadline, found
        sleep(0.05)
    return True


@pytest.fixture
def short(tmp_path_factory):
    """A folder with a short name, which the server's user may enter: agents' sockets have little room for a path."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"fxt-{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder
    assert list(folder.iterdir()) == []
    folder.rmdir()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_leaves_nothing(short, ending):
    demo = started(short)
    for line in demo.stdout:
        if "receiving" in line:
            break
    assert left(short) != []
    demo.send_signal(ending)
    demo.communicate(timeout=PATIENCE)
    assert demo.returncode != 0
    assert nothing_is_left(short)


def test_a_visitor_who_leaves_takes_everything_down(short):
    demo = started(short, "--stay")
    shown = []
    for line in demo.stdout:
        shown.append(line)
        if "until Ctrl-C" in line:
            break
    (letter,) = [line.removeprefix("Letter: ").strip() for line in shown if line.startswith("Letter: ")]
    assert "key ends soon" in Path(letter).read_text()
    (commands,) = [line for line in shown if line.startswith("Commands: ")]
    settings = Path(commands.partition("; . ")[2].partition(";")[0])
    assert settings.stat().st_mode & 0o777 == 0o600
    asked = subprocess.run(
        ["sh", "-c", f'set -a; . {settings}; set +a; exec "$@"', "sh", *COMMAND[:3],
         "files", "list", "--council", "cheshire-west-and-chester", "--json"],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert {file["state"] for file in json.loads(asked.stdout)} >= {"CLOSED", "QUARANTINED"}
    demo.send_signal(signal.SIGTERM)
    out, _ = demo.communicate(timeout=PATIENCE)
    assert (demo.returncode, "stopping" in out) == (0, True)
    assert nothing_is_left(short)


def test_a_demo_that_ends_well_says_so_and_leaves_nothing(short):
    demo = started(short, "--json")
    out, _ = demo.communicate(timeout=PATIENCE)
    report = json.loads(out)
    assert (demo.returncode, report["whole"]) == (0, True)
    assert [line["state"] for line in report["councils"][0]["returns"]] == ["ACKNOWLEDGED"] * 2
    assert nothing_is_left(short)
