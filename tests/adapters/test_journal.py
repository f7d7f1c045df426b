"""The journal beside the database, and the mark of a closed council."""

import json
import stat
from datetime import UTC, datetime

import pytest

from family_exchange.adapters import closing, journal
from family_exchange.adapters.closing import Closed
from family_exchange.adapters.journal import FILE, Journal, What
from family_exchange.domain.errors import Halted, NeedsDecision, TryLater
from family_exchange.domain.retention import Kind
from support.registry import doors_to

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def two(tmp_path):
    return Journal((tmp_path / "here", tmp_path / "there"))


def destroyed(*ids, kind=Kind.SOURCE_RECORD, objects=()):
    return {"kind": kind, "ids": list(ids), "objects": list(objects)}


def test_a_line_is_in_each_copy_and_is_read_once(two):
    two.add(What.DESTROYED, destroyed("S1.2", "S1.1"))
    two.add(What.DESTROYED, destroyed("F1", kind=Kind.FILE, objects=["ab"]))
    assert two.destroyed(Kind.SOURCE_RECORD) == (["S1.1", "S1.2"], [])
    assert two.destroyed(Kind.FILE) == (["F1"], ["ab"])
    here, there = (journal.content(folder) for folder in two.folders)
    assert here == there
    assert len(here.splitlines()) == 2


@pytest.mark.parametrize("lost", [0, 1])
def test_one_copy_is_enough(two, lost):
    two.add(What.DESTROYED, destroyed("S1.1"))
    (two.folders[lost] / FILE).unlink()
    assert two.destroyed(Kind.SOURCE_RECORD) == (["S1.1"], [])


def test_what_a_writer_began_when_it_died_counts_for_nothing_and_spoils_nothing(two):
    two.add(What.DESTROYED, destroyed("S1.1"))
    for folder in two.folders:
        with (folder / FILE).open("ab") as log:
            log.write(b'{"what":"destroyed","kind":"source_record","ids":["S9')
    two.add(What.DESTROYED, destroyed("S1.2"))
    assert two.destroyed(Kind.SOURCE_RECORD) == (["S1.1", "S1.2"], [])


def test_only_its_owner_reads_it(two):
    two.add(What.SENDING, {"return": "fpd-2026-H1-v1"})
    assert stat.S_IMODE((two.folders[0] / FILE).stat().st_mode) == 0o600
    assert [line["return"] for line in two.lines(What.SENDING)] == ["fpd-2026-H1-v1"]


def test_a_disk_that_refuses_stops_what_was_to_follow(tmp_path):
    (tmp_path / "full").touch()  # a file where the folder should be
    with pytest.raises(TryLater, match="the journal cannot be written now"):
        Journal((tmp_path / "full",)).add(What.TAKEN, {})


def test_a_journal_that_is_there_is_not_written_over(tmp_path):
    journal.bring_back(tmp_path / "new", b'{"what":"taken"}\n')
    journal.bring_back(tmp_path / "new", b'{"what":"sending"}\n')
    assert journal.content(tmp_path / "new") == b'{"what":"taken"}\n'


@pytest.fixture
def doors(council_database, tmp_path):
    doors = doors_to(council_database)
    return type(doors)(doors.profile, type(doors.settings)(**{**_fields(doors.settings), "state": tmp_path}))


def _fields(settings):
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def test_a_closed_council_gives_nobody_its_database_but_a_restore(doors, tmp_path):
    assert doors.database
    closing.close(tmp_path, Closed(AT, "it.security", "incident"))
    with pytest.raises(Halted, match=r"this council is closed \(incident\).*two people open it"):
        _ = doors.database
    assert type(doors)(doors.profile, doors.settings, inside=True).database
    closing.open_again(tmp_path)
    assert doors.database


def test_the_mark_keeps_who_agreed_to_open_and_what_a_restore_found(tmp_path):
    mark = Closed(AT, "it.security", "restore", restored={"last_event": 7})
    closing.close(tmp_path, mark)
    closing.agree(tmp_path, "one")
    found = closing.agree(tmp_path, "two")
    assert closing.of(tmp_path) == found
    assert (found.since, found.opened_by, found.restored) == (AT, ("one", "two"), {"last_event": 7})


def test_nobody_agrees_to_open_what_is_open(tmp_path):
    with pytest.raises(NeedsDecision, match="this council is open"):
        closing.agree(tmp_path, "one")


@pytest.mark.parametrize("spoilt", [b"", b"{}", b'{"since": "soon"}', json.dumps([1]).encode()])
def test_a_mark_that_cannot_be_read_closes(tmp_path, spoilt):
    (tmp_path / closing.FILE).write_bytes(spoilt)
    with pytest.raises(Halted, match="cannot be read; look at it first"):
        closing.require_open(tmp_path)


def test_the_mark_is_whole_or_not_there(tmp_path):
    closing.close(tmp_path, Closed(AT, "it.security", "leak"))
    assert [path.name for path in tmp_path.iterdir()] == [closing.FILE]


def test_a_place_that_is_not_mounted_is_noticed_and_not_made(tmp_path):
    with pytest.raises(TryLater, match="the journal cannot be written now"):
        Journal((tmp_path / "place" / "council" / "journal",)).add(What.TAKEN, {})
    assert not (tmp_path / "place").exists()
