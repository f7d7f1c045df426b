"""The door to SFTP against two real servers: the demo's and OpenSSH's."""

import os
import stat
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters.sftp import Entry
from family_exchange.demo import keys
from family_exchange.domain.errors import DataRefused, NeedsDecision

ODD = b"weekly\xff\xfe.csv.pgp"


def fetched(zone, site, name):
    target = BytesIO()
    size = zone.fetch(site.folder(), name, target)
    assert size == len(target.getvalue())
    return target.getvalue()


def test_a_folder_is_listed_oldest_first_with_what_kind_each_entry_is(site):
    site.put(b"second.pgp", b"22", modified_at=2000)
    site.put(b"first.pgp", b"1", modified_at=1000)
    site.put(b"also second.pgp", b"", modified_at=2000)
    site.disk(b"folder").mkdir()
    os.mkfifo(site.disk(b"pipe"))
    site.disk(b"link.pgp").symlink_to("/etc/passwd")
    with site.zone() as zone:
        entries = zone.list(site.folder())
    regular = [entry for entry in entries if entry.regular]
    assert regular == [
        Entry(b"first.pgp", 1, 1000, regular=True),
        Entry(b"also second.pgp", 0, 2000, regular=True),
        Entry(b"second.pgp", 2, 2000, regular=True),
    ]
    assert {entry.name for entry in entries if not entry.regular} == {b"folder", b"pipe", b"link.pgp"}


def test_a_closing_slash_in_the_folder_changes_nothing(site):
    site.put(b"a")
    with site.zone() as zone:
        assert zone.list(site.folder() + "/") == zone.list(site.folder())


def test_one_odd_name_never_blocks_the_others(site):
    site.put(b"good.csv.pgp", b"good")
    site.put(ODD, b"odd")
    with site.zone() as zone:
        assert {entry.name for entry in zone.list(site.folder())} == {b"good.csv.pgp", ODD}
        assert fetched(zone, site, b"good.csv.pgp") == b"good"
        assert fetched(zone, site, ODD) == b"odd"
        zone.remove(site.folder(), ODD)
        assert [entry.name for entry in zone.list(site.folder())] == [b"good.csv.pgp"]


@pytest.mark.parametrize(
    "name",
    [
        b"a\nb.csv.pgp",
        b"--output=x",
        b"-rf",
        b"$(id)",
        b";",
        b"x" * 255,
        "\u202ecod.pgp".encode(),
        b" x .",
        b"*",
        b"\\..\\x",
        b"%2e%2e",
    ],
)
def test_a_name_is_only_a_name(name, site):
    site.put(name, b"content")
    site.put(b"other", b"other")
    with site.zone() as zone:
        assert name in {entry.name for entry in zone.list(site.folder())}
        assert fetched(zone, site, name) == b"content"
        zone.remove(site.folder(), name)
    assert [path.name for path in site.disk().iterdir()] == ["other"]


@pytest.mark.parametrize("name", [b"../x", b"..", b".", b"a/b", b"/etc/passwd", b"a\0b"])
def test_no_name_leads_out_of_its_folder(name, site):
    with site.zone() as zone:
        for work in (lambda: zone.remove(site.folder(), name), lambda: zone.fetch(site.folder(), name, BytesIO())):
            with pytest.raises(ValueError, match="one part"):
                work()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
@given(size=st.one_of(st.sampled_from([0, 1, 32767, 32768, 32769, 64 * 32768, 3_000_001]), st.integers(0, 400_000)))
def test_what_goes_up_comes_down_unchanged(site, size):
    content = os.urandom(size)
    with site.zone() as zone:
        zone.upload_new(site.folder(), ".x.part", content)
        assert zone.read(f"{site.folder()}/.x.part") == content
        assert fetched(zone, site, b".x.part") == content
        zone.remove(site.folder(), b".x.part")


def test_both_servers_are_asked_to_make_an_upload_durable(site):
    with site.zone() as zone:
        assert "fsync@openssh.com" in zone._session.offers


def test_an_upload_never_touches_what_is_there(site):
    site.put(b"taken.part", b"theirs")
    with site.zone() as zone, pytest.raises(FileExistsError):
        zone.upload_new(site.folder(), "taken.part", b"ours")
    assert site.content(b"taken.part") == b"theirs"


def test_a_rename_gives_the_new_name_and_takes_the_old(site):
    with site.zone() as zone:
        zone.upload_new(site.folder(), ".r.part", b"ours")
        zone.rename(site.folder(), ".r.part", "r.pgp")
        assert zone.read(f"{site.folder()}/r.pgp") == b"ours"
        assert not zone.exists(f"{site.folder()}/.r.part")


def test_a_rename_never_overwrites(site):
    site.put(b"r.pgp", b"theirs")
    with site.zone() as zone:
        zone.upload_new(site.folder(), ".r.part", b"ours")
        with pytest.raises(FileExistsError):
            zone.rename(site.folder(), ".r.part", "r.pgp")
        assert zone.exists(f"{site.folder()}/.r.part")
    assert site.content(b"r.pgp") == b"theirs"


def test_of_many_renames_to_one_name_exactly_one_wins(site):
    won = []
    with site.zone() as zone:
        for number in range(5):
            zone.upload_new(site.folder(), f".{number}.part", str(number).encode())
        for number in range(5):
            try:
                zone.rename(site.folder(), f".{number}.part", "final")
            except FileExistsError:
                continue
            won.append(number)
    assert won == [0]
    assert site.content(b"final") == b"0"


def test_what_is_not_there_is_said_to_be_missing(site):
    with site.zone() as zone:
        missing = f"{site.folder()}/nothing"
        assert not zone.exists(missing)
        for work in (
            lambda: zone.list(missing),
            lambda: zone.read(missing),
            lambda: zone.fetch(site.folder(), b"nothing", BytesIO()),
            lambda: zone.remove(site.folder(), b"nothing"),
            lambda: zone.rename(site.folder(), "nothing", "something"),
            lambda: zone.upload_new(missing, "x", b""),
        ):
            with pytest.raises(FileNotFoundError, match="no such entry at 127"):
                work()
        zone.remove(site.folder(), b"nothing", missing_ok=True)


@pytest.mark.requirement("R-080")
def test_an_error_tells_no_name(site):
    with site.zone() as zone, pytest.raises(FileNotFoundError) as raised:
        zone.fetch(site.folder(), b"jane-doe-1984.csv", BytesIO())
    assert "jane" not in f"{raised.value!r} {raised.value.__cause__!r}"
    assert raised.value.__suppress_context__
    assert "jane" not in repr(Entry(b"jane-doe", 1, 1, regular=True))


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_is_not_a_file_is_not_opened(kind, site):
    make = {"pipe": os.mkfifo, "folder": Path.mkdir, "link": lambda path: path.symlink_to("/etc/passwd")}
    make[kind](site.disk(b"x.pgp"))
    site.put(b"good", b"good")
    with site.zone() as zone:
        with pytest.raises(DataRefused, match="NOT_REGULAR"):
            zone.fetch(site.folder(), b"x.pgp", BytesIO())
        assert fetched(zone, site, b"good") == b"good"


def test_a_large_hole_costs_nothing_to_list(site):
    with site.disk(b"hole").open("wb") as file:
        file.truncate(10 << 30)
    with site.zone() as zone:
        assert [entry.size for entry in zone.list(site.folder())] == [10 << 30]


def test_a_folder_is_made_once(site):
    with site.zone() as zone:
        zone.make_folder(site.folder("police/new"))
        zone.make_folder(site.folder("police/new"))
        assert zone.list(site.folder("police/new")) == []


def test_a_folder_in_a_folder_that_is_not_there_cannot_be_made(site):
    with site.zone() as zone, pytest.raises(FileNotFoundError):
        zone.make_folder(site.folder("nowhere/new"))


def test_many_entries_are_all_listed(site):
    for number in range(700):
        site.put(f"{number:04}.pgp".encode(), modified_at=5000 - number)
    with site.zone() as zone:
        names = [entry.name for entry in zone.list(site.folder())]
    assert names == [f"{number:04}.pgp".encode() for number in reversed(range(700))]


def test_files_are_ours_alone_where_the_server_lets_us(site):
    with site.zone() as zone:
        zone.upload_new(site.folder(), "x", b"x")
    assert stat.S_IMODE(site.disk(b"x").stat().st_mode) & 0o022 == 0


@pytest.mark.requirement("R-080")
def test_another_host_key_than_the_pinned_one_stops_everything(site, tmp_path):
    other = keys.ssh(tmp_path, "other").public_key
    for wrong in (other, "ssh-rsa AAAA", "nonsense", ""):
        with (
            pytest.raises(NeedsDecision, match=r"127\.0\.0\.1:\d+ does not show the pinned host key"),
            site.zone(host_key=wrong),
        ):
            pass


def test_a_pinned_key_may_carry_a_comment(site):
    with site.zone(host_key=f"{site.endpoint.host_key} drop zone of Halton") as zone:
        assert zone.exists(site.folder())


def test_another_key_of_ours_is_not_let_in(site, tmp_path):
    stranger = keys.ssh(tmp_path, "stranger").private_key
    with pytest.raises(NeedsDecision, match="does not let us in"), site.zone(private_key=stranger):
        pass


def test_an_unknown_user_is_not_let_in(site):
    with pytest.raises(NeedsDecision, match="does not let us in"), site.zone(username="nobody-here"):
        pass


@pytest.mark.parametrize(
    "content", [None, "", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_a_private_key_that_cannot_be_read_is_named(content, site, tmp_path):
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    with pytest.raises(NeedsDecision, match=str(key)), site.zone(private_key=key):
        pass


def test_a_zone_is_used_inside_its_block_only(site):
    zone = site.zone()
    with pytest.raises(RuntimeError, match="with"):
        zone.list(site.folder())
    with zone:
        assert zone.list(site.folder()) == []
    with pytest.raises(RuntimeError, match="with"):
        zone.list(site.folder())
    with zone:
        assert zone.list(site.folder()) == []
