"""Group B: names are bytes that anybody may choose, and not every entry of a folder is a file."""

import logging
import os
import resource
import socket
import stat
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from family_exchange.adapters import database, ledger
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.file import Reason, State
from support import faults

REFUSED = {
    "a line break": b"a\nb.csv.pgp",
    "an option": b"--output=x",
    "options": b"-rf",
    "a direction mark": "\u202egpp.vsc.pgp".encode(),
    "a blank at its end": b"weekly.csv.pgp ",
    "a way upwards": b"x\\..\\y.csv.pgp",
    "no encoding": b"weekly\xff\xfe.pgp",
    "a home folder": b"~root",
    "a terminal's command": b"\x1b[2J.pgp",
}
TAKEN = {
    "a shell's command": b"$(id).pgp",
    "two commands": b"; id ;.pgp",
    "255 bytes": b"x" * 251 + b".pgp",
    "a full stop at its end": b"weekly.csv.pgp.",
    "another system's device": b"CON.csv",
    "an escaped way upwards": b"%2e%2e%2fx.pgp",
    "a template": b"{{ var.value.x }}.pgp",
    "another script": "wöchentlich-週.pgp".encode(),
}


@pytest.fixture(scope="module")
def started():
    """Arguments of every program that this process starts, from now on."""
    seen, listening = [], True

    def note(event, arguments):
        if listening and event in {"subprocess.Popen", "os.posix_spawn", "os.exec"}:
            seen.append([os.fsencode(one) for one in (arguments[1] or ())])

    sys.addaudithook(note)
    yield seen
    listening = False


def put(tenant, name, sealed):
    with DropZone(tenant.partners["police"].endpoint) as zone:
        zone.upload_new(f"/{faults.FEED}", ".on-its-way.part", sealed)
        zone.rename(f"/{faults.FEED}", b".on-its-way.part", name)


def twin(tenant, name="twin.csv.pgp"):
    """A good file of another day: whichever is taken first, neither replaces the other."""
    faults.put(tenant, name, faults.sealed(tenant, faults.content(as_of="2026-11-01")))


@pytest.mark.parametrize("kind", [*REFUSED, *TAKEN])
def test_a_name_is_taken_or_refused_and_blocks_nobody(tenant, started, caplog, kind):
    caplog.set_level(logging.DEBUG)
    name = (REFUSED | TAKEN)[kind]
    put(tenant, name, faults.sealed(tenant, faults.content()))
    twin(tenant)
    ends = {file.name_bytes: (file.state, file.reason) for file in faults.run(tenant)}
    refused = (State.QUARANTINED, Reason.NAME)
    assert ends == {name: refused if kind in REFUSED else (State.CLOSED, None), b"twin.csv.pgp": (State.CLOSED, None)}
    faults.assert_at_rest(tenant)
    assert started, "programs were started, and none was told the name"
    assert not [arguments for arguments in started if any(name in one for one in arguments)]
    assert name.decode(errors="replace") not in caplog.text
    assert not Path("x").exists()


def test_its_own_name_is_told_to_the_partner_alone(tenant):
    put(tenant, REFUSED["no encoding"], faults.sealed(tenant, faults.content()))
    (file,) = faults.run(tenant)
    assert faults.receipt_of(tenant, file)["name"].startswith("weekly")


# B03 entries that are no files

KINDS = ("pipe", "socket", "folder", "device", "link")


def make(kind, path):
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))  # zeros without an end
    else:
        os.chdir(path.parent)  # the name of a socket is short
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind(path.name)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_file_is_told_and_never_opened(tenant, kind, monkeypatch):
    if kind == "device" and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    monkeypatch.chdir(".")  # and back
    path = faults.place(tenant) / f"{kind}.csv.pgp"
    make(kind, path)
    twin(tenant)
    faults.time_passes(tenant)
    faults.run(tenant)
    faults.time_passes(tenant)
    began = time.monotonic()
    files = {file.name_bytes: file for file in faults.run(tenant)} | {
        file.name_bytes: file for file in every(tenant) if file.name_bytes == path.name.encode()
    }
    assert time.monotonic() - began < 300
    odd = files[path.name.encode()]
    assert (odd.state, odd.reason) == (State.QUARANTINED, Reason.NOT_REGULAR)
    assert faults.receipt_of(tenant, odd)["reason"] == "NOT_REGULAR"
    assert path.exists() or path.is_symlink(), "what we never had is never removed by us"
    path.rmdir() if kind == "folder" else path.unlink()
    faults.assert_at_rest(tenant)


def every(tenant):
    with database.transaction(tenant.doors.database) as connection:
        return ledger.files(connection)


# B06 sizes


def test_a_file_with_a_hole_of_ten_gibibytes_is_refused_before_it_is_read(tenant):
    path = faults.place(tenant) / "hole.pgp"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    (file,) = faults.run(tenant)
    assert time.monotonic() - began < 60
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.TOO_LARGE)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10
    assert path.exists()
    path.unlink()
    faults.assert_at_rest(tenant)


@pytest.mark.parametrize("size", [0, 1, 63])
def test_a_file_of_nothing_is_waited_for_and_then_told(tenant, size):
    faults.put(tenant, f"nothing-{size}.pgp", b"\xc1" * size)
    assert faults.run(tenant) == []
    faults.time_passes(tenant)
    (file,) = faults.run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.NOT_OPENPGP)
    faults.assert_at_rest(tenant)


# B08, B09 names that are alike


@pytest.mark.parametrize(
    "twins",
    [("Weekly.pgp", "weekly.pgp"), tuple(unicodedata.normalize(form, "Zoë.pgp") for form in ("NFC", "NFD"))],
    ids=["by case", "by composition"],
)
def test_names_that_look_alike_are_two_files_and_content_decides(tenant, twins):
    first, second = twins
    faults.put(tenant, first, faults.sealed(tenant, faults.content()))
    twin(tenant, second)
    assert [file.state for file in faults.run(tenant)] == [State.CLOSED, State.CLOSED]
    same = faults.sealed(tenant, faults.content())
    for name in twins:
        faults.put(tenant, name, same)
    assert sorted(file.state for file in faults.run(tenant)) == [State.CLOSED, State.DUPLICATE]
    faults.assert_at_rest(tenant)


def test_a_name_that_is_used_again_is_another_file(tenant):
    sealed = [faults.sealed(tenant, faults.content()) for _ in range(3)]
    files = []
    for each in sealed:
        faults.put(tenant, "weekly.csv.pgp", each)
        files += faults.run(tenant)
    assert [file.state for file in files] == [State.CLOSED] * 3
    assert [tenant.doors.vault.path(file.ct_sha256).read_bytes() for file in files] == sealed
    faults.assert_at_rest(tenant)
