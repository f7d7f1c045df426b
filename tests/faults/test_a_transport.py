"""Group A, what travels: slow, replaced and vanishing files, servers and lines that fail; over OpenSSH's own server."""

import csv
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from family_exchange.adapters import sftp
from family_exchange.domain.errors import TryLater
from family_exchange.domain.file import TEMPORARY_ENDINGS, Reason, State
from family_exchange.stages import intake, receive, rounds
from family_exchange.stages.office import CouncilOffice
from support import faults, hostile, openssh
from support.proxy import bad_line
from support.sftp import need_sshd

WIDE = 18_000
"""Blanks after each cell: a file of a dozen rows then takes more than one window of answers to fetch."""


def ends(files):
    return [(file.state, file.reason) for file in files]


def upload(tenant, name, **says):
    faults.put(tenant, name, faults.sealed(tenant, faults.content(**says)))


def wide(content):
    first, header, *rows = content.decode().splitlines()
    text = StringIO()
    for row in csv.reader(rows):
        csv.writer(text, lineterminator="\n").writerow([cell + WIDE * " " for cell in row])
    return f"{first}\n{header}\n{text.getvalue()}".encode()


@pytest.fixture(scope="module")
def large(tenant):
    """Sealed files of several megabytes each."""
    return [faults.sealed(tenant, wide(faults.content())) for _ in range(3)]


@pytest.fixture(autouse=True)
def at_rest(tenant):
    yield
    faults.assert_at_rest(tenant)


@pytest.mark.skipif(os.geteuid() != 0, reason="users of their own need root; the demo's server stands in")
def test_the_catalogue_runs_against_openssh(tenant):
    need_sshd()
    assert openssh.possible()
    with socket.create_connection(("127.0.0.1", tenant.doors.settings.drop_zone.port)) as plug:
        assert b"OpenSSH" in plug.recv(100)


# A02 slow uploads, temporary names


def test_an_upload_that_grows_is_left_until_it_keeps_still(tenant, monkeypatch):
    sealed = faults.sealed(tenant, faults.content())
    left = [sealed[at : at + 300] for at in range(0, len(sealed), 300)]
    path = faults.place(tenant) / "slow.pgp"
    path.write_bytes(left.pop(0))

    def pause(*_):
        faults.time_passes(tenant)  # what has not grown by now was long enough still
        if left:
            with path.open("ab") as file:
                file.write(left.pop(0))

    monkeypatch.setattr(CouncilOffice, "sleep", pause)
    while left:
        assert receive.find(tenant.doors, faults.FEED, settle=600) == []
    faults.assert_invariants(tenant)
    assert ends(faults.run(tenant, settle=600)) == [(State.CLOSED, None)]


@pytest.mark.parametrize("temporary", [b".final.pgp", *(b"final.pgp" + ending for ending in TEMPORARY_ENDINGS)])
def test_a_file_under_a_temporary_name_is_taken_once_under_its_final_one(tenant, temporary):
    sealed = faults.sealed(tenant, faults.content())
    with sftp.DropZone(tenant.partners["police"].endpoint) as zone:
        zone.upload_new(f"/{faults.FEED}", "other", sealed)
        zone.rename(f"/{faults.FEED}", "other", temporary)
        assert faults.run(tenant) == []
        zone.rename(f"/{faults.FEED}", temporary, "final.pgp")
    assert ends(faults.run(tenant)) == [(State.CLOSED, None)]
    assert faults.run(tenant) == []


def test_an_upload_that_was_cut_off_is_waited_for_and_then_told(tenant):
    waiting = hostile.patient(tenant)
    sealed = faults.sealed(tenant, faults.content())
    faults.put(tenant, "cut.pgp", sealed[: len(sealed) // 2])
    (file,) = faults.run(waiting)
    assert file.state is State.VAULTED
    faults.assert_invariants(tenant)
    faults.time_passes(tenant)
    (file,) = faults.run(waiting)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.CORRUPT)
    assert faults.receipt_of(tenant, file)["reason"] == "CORRUPT"


def test_an_upload_that_was_cut_off_and_went_on_is_taken_whole(tenant):
    waiting = hostile.patient(tenant)
    sealed = faults.sealed(tenant, faults.content())
    faults.put(tenant, "resumed.pgp", sealed[: len(sealed) // 2])
    (half,) = faults.run(waiting)
    with (faults.place(tenant) / "resumed.pgp").open("ab") as file:
        file.write(sealed[len(sealed) // 2 :])
    (whole,) = faults.run(waiting)
    assert (whole.state, faults.of(tenant, half.file_id).state) == (State.CLOSED, State.GONE)


# A04 replaced while it is read


def test_a_file_that_is_replaced_while_it_is_read_is_two_files(tenant, large):
    place = faults.place(tenant)
    (place / "weekly.pgp").write_bytes(large[0])
    (place / ".next.part").write_bytes(large[1])
    replacing = hostile.acting(at="read", act=lambda: (place / ".next.part").replace(place / "weekly.pgp"))
    (first,) = faults.run(hostile.through(tenant, replacing))
    (second,) = faults.run(tenant)
    assert ends([first, second]) == [(State.CLOSED, None)] * 2
    kept = [tenant.doors.vault.path(file.ct_sha256).read_bytes() for file in (first, second)]
    assert kept == large[:2]


# A05 deleted, cut while it is read


def test_a_file_that_is_deleted_before_it_is_opened_is_gone(tenant):
    upload(tenant, "regretted.pgp")
    path = faults.place(tenant) / "regretted.pgp"
    (file,) = faults.run(hostile.through(tenant, hostile.acting(at="open", act=path.unlink)))
    assert file.state is State.GONE


def test_a_file_that_is_cut_while_it_is_read_is_not_taken(tenant, large):
    path = faults.place(tenant) / "cut-now.pgp"
    path.write_bytes(large[2])
    cutting = hostile.through(tenant, hostile.acting(at="read", act=lambda: os.truncate(path, 5000)))
    with pytest.raises(TryLater):
        faults.run(cutting)
    faults.assert_invariants(tenant)
    path.write_bytes(large[2])
    files = faults.run(tenant)
    assert (State.CLOSED, None) in ends(files)


# A09 servers and lines that fail


def test_a_server_that_is_down_costs_a_moment_and_no_file(tenant):
    upload(tenant, "waits.pgp")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with hostile.nothing_leaks():
        for _ in range(3):
            with pytest.raises(TryLater, match="does not answer"):
                faults.run(hostile.by_port(tenant, free))
    assert ends(faults.run(tenant)) == [(State.CLOSED, None)]


def test_a_server_that_takes_the_call_and_says_nothing_is_not_waited_for(tenant):
    upload(tenant, "patient.pgp")
    with socket.create_server(("127.0.0.1", 0)) as silent, hostile.nothing_leaks():
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(TryLater):
                faults.run(hostile.by_port(tenant, silent.getsockname()[1], connect_seconds=0.3))
        assert time.monotonic() - began < 40
    assert sftp.CONNECT_SECONDS <= 15
    assert sftp.SILENCE_SECONDS <= 60
    assert ends(faults.run(tenant)) == [(State.CLOSED, None)]


@pytest.mark.parametrize("failure", ["cut", "reset", "silence"])
def test_a_line_that_fails_anywhere_in_a_round_leaves_a_round_to_do(tenant, failure):
    """Over one line for the whole round, so that it fails in each of its steps."""
    for after in (1500, 2900, 3600, 4700, 5500, 6500):
        upload(tenant, f"line-{after}.pgp")
        with hostile.nothing_leaks():
            with bad_line(tenant.doors.settings.drop_zone.port, after=after, failure=failure) as line:
                poor = hostile.by_port(tenant, line.port, connect_seconds=3, silence_seconds=0.4)
                with CouncilOffice(poor.doors).kept_open() as office, suppress(TryLater):
                    rounds.once(office, faults.FEED, settle=timedelta(0))
            faults.assert_invariants(tenant)
        faults.run(tenant)
        faults.assert_at_rest(tenant)


def test_a_large_file_over_a_half_open_line_is_fetched_again_from_its_start(tenant):
    sealed = faults.sealed(tenant, wide(faults.content()))
    faults.put(tenant, "large.pgp", sealed)
    with bad_line(tenant.doors.settings.drop_zone.port, after=2 << 20, failure="silence") as line:
        poor = hostile.by_port(tenant, line.port, silence_seconds=0.4)
        with CouncilOffice(poor.doors).kept_open() as office:
            began = time.monotonic()
            with pytest.raises(TryLater):
                rounds.once(office, faults.FEED, settle=timedelta(0))
            assert time.monotonic() - began < 55
    faults.assert_invariants(tenant)
    (file,) = faults.run(tenant)
    assert (file.state, file.attempt) == (State.CLOSED, 0)
    assert tenant.doors.vault.path(file.ct_sha256).read_bytes() == sealed


def test_a_partner_that_takes_away_what_we_set_aside_harms_nobody(tenant):
    upload(tenant, "meddled.pgp")
    (file_id,) = receive.find(tenant.doors, faults.FEED, settle=0)
    intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
    with sftp.DropZone(tenant.partners["police"].endpoint) as zone:
        zone.rename(f"/{faults.FEED}", "meddled.pgp", b".fx-" + file_id.encode())
    taking = hostile.acting(at="open", act=lambda: next(faults.place(tenant).glob(".fx-*")).unlink())
    assert ends(faults.run(hostile.through(tenant, taking))) == [(State.CLOSED, None)]
