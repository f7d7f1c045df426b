"""Pages of backups, which one reaches a moment, how long they stay, and gaps of the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import backup
from family_exchange.domain.backup import KEPT, Base, Manifest, Part
from family_exchange.domain.errors import NeedsDecision

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
MIB = 1 << 20
BASE = Base("b", NOW, NOW + timedelta(minutes=5), 15, "77", 16 * MIB, "0000000100000000000000FE", "ab" * 32, 9)
PAGE = Manifest("n", "bolton", NOW, BASE, (Part("keys.pgp", "cd" * 32, 5),), 2, "ef" * 32, 41, "01" * 32, "02" * 32)


@pytest.mark.parametrize("page", [PAGE, replace(PAGE, base=None, parts=())])
def test_a_manifest_reads_as_it_was_written(page):
    assert backup.manifest(backup.text(page)) == page


def test_the_page_of_a_copy_reads_as_it_was_written():
    assert backup.base(backup.text(BASE)) == BASE


@pytest.mark.parametrize("stated", [b"", b"[]", b"{}", b'{"backup": "n"}', b"\xff"])
def test_what_is_no_page_is_refused(stated):
    for read in (backup.manifest, backup.base):
        with pytest.raises(NeedsDecision, match="use another"):
            read(stated)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (timedelta(minutes=5), 0),  # the very moment at which it was complete
        (timedelta(days=1), 0),
        (timedelta(days=1, minutes=5), 1),
        (None, 1),
    ],
)
def test_the_newest_copy_that_was_complete_reaches_a_moment(asked, expected):
    later = replace(BASE, base="later", began_at=NOW + timedelta(days=1), ended_at=NOW + timedelta(days=1, minutes=5))
    moment = None if asked is None else NOW + asked
    assert backup.reaching([later, BASE], moment) == (BASE, later)[expected]


def test_no_copy_reaches_a_moment_before_the_first_was_complete():
    with pytest.raises(NeedsDecision, match="complete by then"):
        backup.reaching([BASE], NOW + timedelta(minutes=4))


def test_a_backup_stays_for_its_time_and_not_longer():
    taken = [NOW - KEPT - timedelta(seconds=1), NOW - KEPT, NOW]
    assert backup.over(taken, NOW) == {taken[0]}


@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=400)), max_size=8))
def test_the_newest_backup_always_stays(ages):
    taken = [NOW - age for age in ages]
    gone = backup.over(taken, NOW)
    assert not taken or max(taken) not in gone
    assert all(each < NOW - KEPT for each in gone)


def test_a_log_without_gaps_runs_over_the_end_of_a_number():
    there = ["0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000", "00000002.history"]
    assert backup.gaps(there, BASE.first_piece, 16 * MIB) == ()
    assert backup.gaps([*there[:1], *there[2:]], BASE.first_piece, 16 * MIB) == (there[1],)
    assert backup.gaps(there[1:], BASE.first_piece, 16 * MIB) == (there[0],)


def test_larger_pieces_are_counted_as_they_are():
    there = ["000000010000000000000003", "000000010000000100000000"]
    assert backup.gaps(there, there[0], 1024 * MIB) == ()
    assert backup.gaps(there, there[0], 512 * MIB) == tuple(f"00000001000000000000000{n}" for n in (4, 5, 6, 7))


def test_an_empty_log_has_no_gap_to_name():
    assert backup.gaps([], BASE.first_piece, 16 * MIB) == ()


@pytest.mark.parametrize(
    ("newest", "due"),
    [
        (None, True),
        (NOW - timedelta(hours=3), True),  # of yesterday evening
        (NOW - timedelta(minutes=119), False),  # of this night
    ],
)
def test_the_server_is_copied_once_a_night_after_its_hour(newest, due):
    long_ago = NOW - timedelta(days=90)
    assert backup.whole_is_due(newest, key_since=long_ago, hour=1, now=NOW) == due


def test_before_its_hour_the_copy_of_the_night_before_is_enough():
    long_ago, yesterday = NOW - timedelta(days=90), NOW - timedelta(hours=20)
    assert not backup.whole_is_due(yesterday, key_since=long_ago, hour=4, now=NOW)
    assert backup.whole_is_due(yesterday, key_since=long_ago, hour=3, now=NOW)


def test_another_recovery_key_needs_a_copy_that_is_sealed_to_it():
    newest = NOW - timedelta(minutes=10)
    assert backup.whole_is_due(newest, key_since=NOW - timedelta(minutes=5), hour=1, now=NOW)
    assert not backup.whole_is_due(newest, key_since=NOW - timedelta(minutes=15), hour=1, now=NOW)
