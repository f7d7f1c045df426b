"""Backups that are taken by themselves: by rounds, of which each does what is due and none ends by what goes wrong."""

import json
import os
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from family_exchange.adapters import backup_place, database
from family_exchange.adapters.backup_place import Place
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import backup, keep
from family_exchange.stages.keep import Keeping
from support.archiving import hub, kept
from support.council import council, doors_of, recipient_server, rings

__all__ = ["council", "hub", "kept", "recipient_server", "rings"]


@pytest.fixture
def council_database(hub, kept):
    """The URL of a migrated council database on the server that is copied."""
    name = f"k{uuid4().hex[:12]}"
    url = hub.server.create_database(name, name)
    database.migrate(url)
    hub.hand_out(kept)
    yield url
    hub.server.drop_database(name, name)


@pytest.fixture
def root(kept, tmp_path):
    """A place of backups with a recovery key, to which the server hands its log; no copy lies there yet."""
    folder = tmp_path / "place"
    (folder / "server").mkdir(parents=True)
    (folder / "server" / "wal").symlink_to(kept.place / "server" / "wal")
    backup_place.accept(folder, (kept.place / "recovery.asc").read_bytes())
    return folder


class Rounds:
    """Rounds at moments of its own, told as `what: told`."""

    def __init__(self, root, server, *councils):
        self.root, self.councils = root, councils
        self.at = datetime.now(UTC)
        self.keeping = Keeping(root, server, hour=(self.at.hour + 12) % 24)  # the night is far, whatever the clock says

    def __call__(self, later=timedelta()):
        self.at += later
        found = list(keep.one_round(self.councils, self.keeping, lambda: self.at))
        return [(one.what.partition(": ")[2], one.good) for one in found]

    def bases(self):
        return len(Place(self.root, "").bases())


def marks(council, name):
    return json.loads((council.doors.settings.state / "backups" / name).read_text())


def test_the_first_round_prepares_the_council_copies_the_server_and_looks_at_it(council, hub, root):
    rounds = Rounds(root, hub.copier, council.doors)
    assert rounds() == [("ready", True), ("server and files", True), ("verified", True)]
    assert marks(council, "place.json")["folder"] == str(root)
    assert marks(council, "looked.json") == {"at": rounds.at.isoformat(), "wrong": []}
    assert [one.what for one in backup.verify(council.doors) if not one.good] == []


def test_the_rounds_after_it_copy_files_until_the_next_night(council, hub, root):
    rounds = Rounds(root, hub.copier, council.doors)
    rounds()
    assert rounds(timedelta(minutes=5)) == [("files", True)]
    assert rounds.bases() == 1
    assert rounds(timedelta(days=1)) == [("server and files", True), ("verified", True)]
    assert rounds.bases() == 2


def test_one_council_takes_the_server_and_the_others_their_files_after_it(council, hub, root, tmp_path, rings):
    settings = council.doors.settings
    second = doors_of(council.doors.profile, settings.database, rings, settings.recipient, tmp_path / "second")
    rounds = Rounds(root, hub.copier, council.doors, second)
    assert [what for what, _ in rounds()].count("server and files") == 1
    assert rounds.bases() == 1


def test_a_server_that_cannot_be_copied_keeps_no_files_from_being_copied(council, root):
    away = "postgresql://copier:none@127.0.0.1:1/postgres?connect_timeout=1"
    rounds = Rounds(root, away, council.doors)
    assert rounds() == [("ready", True), ("server and files", False)]
    assert rounds.bases() == 0


def test_a_council_that_fails_keeps_no_other_from_its_backup(council, hub, root, tmp_path, rings):
    settings = council.doors.settings
    bare = doors_of(council.doors.profile, settings.database, rings, settings.recipient, tmp_path / "bare")
    (bare.settings.state / "gnupg").unlink()
    rounds = Rounds(root, hub.copier, bare, council.doors)
    assert rounds() == [("ready", False), ("ready", True), ("server and files", True), ("verified", True)]


def test_what_is_wrong_with_a_backup_is_noted_where_the_doctor_and_the_health_check_look(council, hub, root):
    rounds = Rounds(root, hub.copier, council.doors)
    rounds()
    (page,) = Place(root, council.doors.profile.council).manifests()
    Place(root, "").base_file(page.base).write_bytes(b"spoilt")
    found = list(keep.looked_at(council.doors, rounds.at))
    assert [one.good for one in found] == [False], found
    assert marks(council, "looked.json")["wrong"] == ["database"], found


def test_another_recovery_key_prepares_everything_again_and_copies_the_server_at_once(council, hub, root, rings):
    rounds = Rounds(root, hub.copier, council.doors)
    rounds()
    backup_place.accept(root, rings.stranger.export_public(rings.stranger.own_key))
    later = rounds.at.timestamp() + 3600  # than the copy was begun, however long that took
    os.utime(root / "recovery.asc", (later, later))
    assert [what for what, _ in rounds(timedelta(hours=2))] == ["ready", "server and files", "verified"]


def test_backups_of_a_council_that_were_made_under_a_key_of_others_are_never_written_over(council, hub, root, rings):
    place = Place(root, council.doors.profile.council)
    place.own.mkdir()
    (place.own / "council.asc").write_bytes(rings.stranger.export_public(rings.stranger.own_key))
    before = (place.own / "council.asc").read_bytes()
    rounds = Rounds(root, hub.copier, council.doors)
    assert rounds() == [("ready", False)]
    assert (place.own / "council.asc").read_bytes() == before


def test_a_key_that_comes_again_is_no_other_key(root, kept):
    before = (root / "recovery.asc").stat().st_mtime_ns
    backup_place.accept(root, (kept.place / "recovery.asc").read_bytes())
    assert (root / "recovery.asc").stat().st_mtime_ns == before
    assert keep.is_asked(root)
    assert not keep.is_asked(root / "server")


def test_a_key_for_a_place_that_is_not_mounted_is_refused(tmp_path):
    with pytest.raises(NeedsDecision, match="is its disk mounted"):
        backup_place.accept(tmp_path / "nowhere", b"")
