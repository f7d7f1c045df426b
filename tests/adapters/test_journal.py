"""The journal beside the database, and the mark of a closed council."""

import json
import stat
from datetime import UTC, datetime

import pytest

from family_exchange.adapters import closing, journal
from family_exchange.adapters.closing import Closed
from family_exchange.adapters.doors import make_secrets
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


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 30])
def test_a_certificate_that_was_cut_off_at_a_brace_of_its_own_spoils_nothing(two, cut):
    body = json.dumps({"stores": [{"store": {"a": {}}}], "key": "ab"})
    two.add(What.CERTIFIED, {"body": body})
    for folder in two.folders:
        whole = (folder / FILE).read_bytes()
        (folder / FILE).write_bytes(whole + whole[: whole.rindex(b"}", 0, -cut) + 1])
    two.add(What.DESTROYED, destroyed("S1.1"))
    assert [line["body"] for line in two.lines(What.CERTIFIED)] == [body]
    assert two.destroyed(Kind.SOURCE_RECORD) == (["S1.1"], [])


def test_what_was_to_be_destroyed_counts_once_it_is_and_is_unfinished_until_then(two):
    one, other = ({"at": at, **destroyed("F1", kind=Kind.FILE, objects=["ab", "cd"])} for at in ("1", "2"))
    two.add(What.DESTROYING, one)
    assert two.destroyed(Kind.FILE) == ([], [])
    assert two.objects_gone() == set()
    assert two.unfinished() == [one]
    two.add(What.DESTROYING, other)
    two.add(What.DESTROYED, {**other, "objects": ["cd"]})
    assert two.destroyed(Kind.FILE) == (["F1"], ["cd"])
    assert two.unfinished() == [one]


def test_bytes_that_came_again_after_they_were_destroyed_are_not_gone(two):
    two.add(What.TAKEN, {"file": "F1", "sha256": "ab"})
    two.add(What.DESTROYED, destroyed("F1", kind=Kind.FILE, objects=["ab"]))
    assert two.objects_gone() == {b"\xab"}
    two.add(What.TAKEN, {"file": "F2", "sha256": "ab"})
    assert two.objects_gone() == set()


def test_only_its_owner_reads_it(two):
    two.add(What.SENDING, {"return": "fpd-2026-H1-v1"})
    assert stat.S_IMODE((two.folders[0] / FILE).stat().st_mode) == 0o600
    assert [line["return"] for line in two.lines(What.SENDING)] == ["fpd-2026-H1-v1"]


def test_a_disk_that_refuses_stops_what_was_to_follow(tmp_path):
    (tmp_path / "full").touch()  # a file where the folder should be
    with pytest.raises(TryLater, match="the journal cannot be written now"):
        Journal((tmp_path / "full",)).add(What.TAKEN, {})


def test_a_journal_that_is_brought_back_keeps_its_lines_and_gets_those_that_it_lacks(tmp_path):
    taken, sending = b'{"what":"taken"}\n', b'{"what":"sending"}\n'
    assert journal.bring_back(tmp_path / "new", taken) == 1
    assert journal.bring_back(tmp_path / "new", sending + taken + b'{"what":"ta') == 1
    assert journal.bring_back(tmp_path / "new", taken + sending) == 0
    assert journal.content(tmp_path / "new") == taken + sending


def test_a_journal_of_nothing_is_a_journal(tmp_path):
    assert journal.bring_back(tmp_path / "new", b"") == 0
    assert (tmp_path / "new" / FILE).exists()


def test_what_died_while_it_was_brought_back_is_finished_by_the_next(tmp_path):
    taken, sending = b'{"what":"taken"}\n', b'{"what":"sending"}\n'
    (tmp_path / FILE).write_bytes((taken + sending)[:-5])
    assert journal.bring_back(tmp_path, taken + sending) == 1
    assert [line["what"] for line in Journal((tmp_path,)).every()] == ["taken", "sending"]


@pytest.fixture
def doors(council_database, tmp_path):
    doors = doors_to(council_database)
    make_secrets(tmp_path)
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
