"""Where content may be while a whole intake runs: by the kernel's own word, in no file that anybody writes."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from family_exchange.adapters import database, ledger, profiles, settings
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import world
from family_exchange.demo.keys import encrypt_only
from family_exchange.domain.file import Reason, State

FEED = "police_incidents"
GOOD = Path(__file__).parents[2] / "expectations" / FEED / "v1.good.csv"
CANARY = b"Quillfeather"


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=200, seed=3, today=date(2026, 11, 22)) as stage:
        yield stage.tenants[0]


def written(trace: Path) -> set[Path]:
    """The files that any process of the trace opened for writing."""
    calls = [line for line in trace.read_text(errors="replace").splitlines() if '"' in line and "= -1" not in line]
    wrote = [line for line in calls if "O_WRONLY" in line or "O_RDWR" in line or "creat(" in line]
    return {Path(line.split('"')[1]) for line in wrote}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.requirement("R-046")
def test_an_intake_writes_its_vault_and_its_key_ring_and_no_content(tenant, tmp_path):
    police, own = tenant.partners["police"], tenant.doors.settings.own_key
    content = GOOD.read_bytes().replace(b"Testperson-A", CANARY)
    assert CANARY in content
    with DropZone(police.endpoint) as zone:
        zone.upload_new(f"/{FEED}", "good.pgp", police.openpgp.seal(content, recipient=own))
        zone.upload_new(f"/{FEED}", "unsigned.pgp", encrypt_only(police.openpgp, content, recipient=own))
    ours = replace(tenant.doors.settings, settle=timedelta(0))
    environment = os.environ | settings.as_environment(ours) | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=open,openat,creat", "-o", str(trace), sys.executable, "-B", "-c"]
    command += ["from family_exchange.cli import main; main()", "receive", "--council", ours.council, "--feed", FEED]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    with database.transaction(tenant.doors.database) as connection:
        ends = {(file.state, file.reason) for file in ledger.files(connection)}
    assert ends == {(State.CLOSED, None), (State.QUARANTINED, Reason.UNSIGNED)}
    opened = written(trace)
    assert any(ours.state / "vault" in path.parents for path in opened)
    allowed = (ours.state, Path("/dev"), Path("/proc"), tmp_path)
    assert [path for path in opened if not any(one in path.parents for one in allowed)] == []
    for folder in (ours.state, tmp_path):
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert [path for path in files if CANARY in path.read_bytes()] == []
