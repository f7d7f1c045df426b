"""Bad lines, silent servers, and files that change under our hands: tried again later, nothing half-done believed."""

import asyncio
import errno
import os
import socket
import threading
import time
from dataclasses import replace
from io import BytesIO

import asyncssh
import pytest

from family_exchange.adapters.sftp import listing_digest
from family_exchange.demo import sftpserver
from family_exchange.domain.errors import TryLater
from support.proxy import bad_line
from support.sftp import demo_site

CONTENT = os.urandom(1 << 20) * 6


class Acting(BytesIO):
    """A target that does something, once, when the first bytes arrive."""

    def __init__(self, act):
        super().__init__()
        self.act = act

    def write(self, content):
        act, self.act = self.act, None
        if act:
            act()
        return super().write(content)


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        left = [thread for thread in set(threading.enumerate()) - before if "ransport" in repr(thread)]
        if not left:
            return
        time.sleep(0.02)
    raise AssertionError(left)


def test_a_server_that_is_not_there_is_tried_again(site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with pytest.raises(TryLater, match=rf"127\.0\.0\.1:{free} does not answer"), site.zone(port=free):
        pass


def test_a_name_that_nobody_knows_is_tried_again(site):
    with pytest.raises(TryLater, match=r"drop\.invalid"), site.zone(host="drop.invalid"):
        pass


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-Quiet\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_that_falls_silent_is_not_waited_for(greeting, site):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer():
            plug, _ = listener.accept()
            plugs.append(plug)
            plug.sendall(greeting)

        plugs = []
        threading.Thread(target=answer, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(TryLater, match=f":{port}"), site.zone(port=port, connect_seconds=0.4):
            pass
        assert time.monotonic() - started < 60
        for plug in plugs:
            plug.close()


@pytest.mark.parametrize("failure", ["cut", "reset", "silence"])
@pytest.mark.parametrize("after", [10, 1000, 2000])
def test_a_line_that_fails_during_the_greeting_or_log_in(failure, after, site):
    with bad_line(site.endpoint.port, after=after, failure=failure) as line:
        started = time.monotonic()
        with pytest.raises(TryLater), site.zone(port=line.port, connect_seconds=0.6, silence_seconds=0.6) as zone:
            zone.list(site.folder())
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("failure", ["cut", "reset", "silence"])
def test_a_line_that_fails_during_a_fetch(failure, site):
    site.put(b"a.pgp", CONTENT)
    with (
        bad_line(site.endpoint.port, after=2 << 20, failure=failure) as line,
        pytest.raises(TryLater, match=f":{line.port}"),
        site.zone(port=line.port, silence_seconds=0.6) as zone,
    ):
        zone.fetch(site.folder(), b"a.pgp", BytesIO())
    with site.zone() as zone:
        assert zone.read(f"{site.folder()}/a.pgp") == CONTENT


@pytest.mark.parametrize("failure", ["cut", "silence"])
def test_a_line_that_fails_during_an_upload_leaves_nothing_under_a_final_name(failure, site):
    with (
        bad_line(site.endpoint.port, after=5000, failure=failure) as line,
        pytest.raises(TryLater),
        site.zone(port=line.port, silence_seconds=0.6) as zone,
    ):
        zone.upload_new(site.folder(), ".a.part", CONTENT)
    with site.zone() as zone:
        assert {entry.name for entry in zone.list(site.folder())} <= {b".a.part"}
        zone.remove(site.folder(), b".a.part", missing_ok=True)
        zone.upload_new(site.folder(), ".a.part", CONTENT)
        zone.rename(site.folder(), ".a.part", "a.pgp")
    assert site.content(b"a.pgp") == CONTENT


def test_a_file_that_is_cut_while_it_is_read_is_not_taken(site):
    site.put(b"a.pgp", CONTENT)
    target = Acting(lambda: os.truncate(site.disk(b"a.pgp"), 1000))
    with site.zone() as zone, pytest.raises(TryLater):
        zone.fetch(site.folder(), b"a.pgp", target)


def test_a_file_that_grows_while_it_is_read_is_taken_as_it_was(site):
    site.put(b"a.pgp", CONTENT)

    def grow():
        with site.disk(b"a.pgp").open("ab") as file:
            file.write(b"more")

    target = Acting(grow)
    with site.zone() as zone:
        assert zone.fetch(site.folder(), b"a.pgp", target) == len(CONTENT)
    assert target.getvalue() == CONTENT


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_own_end(site):
    site.put(b"a.pgp", CONTENT)
    site.put(b"new", b"new")
    target = Acting(lambda: site.disk(b"new").rename(site.disk(b"a.pgp")))
    with site.zone() as zone:
        zone.fetch(site.folder(), b"a.pgp", target)
        assert target.getvalue() == CONTENT
        assert zone.read(f"{site.folder()}/a.pgp") == b"new"


def test_a_full_disk_of_ours_ends_the_fetch_and_not_the_zone(site):
    site.put(b"a.pgp", CONTENT)
    site.put(b"b.pgp", b"small")

    def full():
        raise OSError(errno.ENOSPC, "full")

    with site.zone() as zone:
        with pytest.raises(TryLater):
            zone.fetch(site.folder(), b"a.pgp", Acting(full))
        assert zone.read(f"{site.folder()}/b.pgp") == b"small"
        assert [entry.name for entry in zone.list(site.folder())] == [b"a.pgp", b"b.pgp"]


def test_a_file_that_went_between_listing_and_fetching_is_missing(site):
    site.put(b"a.pgp")
    with site.zone() as zone:
        (entry,) = zone.list(site.folder())
        site.disk(b"a.pgp").unlink()
        with pytest.raises(FileNotFoundError):
            zone.fetch(site.folder(), entry.name, BytesIO())


def test_a_folder_cannot_be_removed_as_a_file(site):
    site.disk(b"folder").mkdir()
    with site.zone() as zone, pytest.raises(TryLater):
        zone.remove(site.folder(), b"folder")
    assert site.disk(b"folder").is_dir()


class Sparing(sftpserver.Room):
    """Gives less at once than it was asked for, as a server may."""

    def read(self, file_obj, offset, size):
        return super().read(file_obj, offset, min(size, 10_000))


class Forgetful(sftpserver.Room):
    """Says yes to every write, and drops what comes after the first."""

    def write(self, file_obj, offset, data):
        return super().write(file_obj, offset, data) if offset == 0 else len(data)


class Full(sftpserver.Room):
    """Has room for the beginning only, and says so."""

    def write(self, file_obj, offset, data):
        if offset > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(file_obj, offset, data)


class Mute(sftpserver.Room):
    """Puts a name into its errors, in no encoding."""

    def remove(self, path):
        raise asyncssh.SFTPFailure("cannot remove jane-doe-1984")


def test_a_server_that_gives_little_at_once_is_asked_again(tmp_path):
    with demo_site(tmp_path, room=Sparing) as site:
        site.put(b"a.pgp", CONTENT)
        with site.zone() as zone:
            assert zone.read(f"{site.folder()}/a.pgp") == CONTENT


@pytest.mark.parametrize("room", [Forgetful, Full])
def test_a_server_that_keeps_less_than_it_was_given_is_found_out(room, tmp_path):
    with demo_site(tmp_path, room=room) as site, site.zone() as zone:
        zone.upload_new(site.folder(), "small", b"content")
        with pytest.raises(TryLater):
            zone.upload_new(site.folder(), "large", CONTENT)


def test_what_a_server_says_is_not_repeated(tmp_path):
    with demo_site(tmp_path, room=Mute) as site, site.zone() as zone:
        with pytest.raises(TryLater) as raised:
            zone.remove(site.folder(), b"a.pgp")
        assert "jane" not in str(raised.value)
        assert raised.value.__suppress_context__


@pytest.mark.parametrize("after", [10, 1500, 4000])
def test_a_watch_over_a_bad_line_is_tried_again(after, site):
    for number in range(50):
        site.put(f"{number}.pgp".encode())
    with (
        bad_line(site.endpoint.port, after=after, failure="cut") as line,
        pytest.raises(TryLater, match=f":{line.port}"),
    ):
        asyncio.run(listing_digest(replace(site.endpoint, port=line.port), [site.folder()]))
