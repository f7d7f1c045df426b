"""Where a file belongs, rule by rule, each beside the twin that the rule leaves alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.file import Reason
from family_exchange.domain.identity import LATE_BY, Identity, Place, Placed, Sibling, Siblings, place

LET_IN = {Reason.CONFLICT}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEW = Identity(b"content", "sig", NOON, date(2026, 11, 20), 7)
EARLIER = timedelta(hours=1)


def test_the_first_file_of_a_feed_is_news():
    assert place(NEW, Siblings()) == Placed(Place.NEWS)


def test_the_same_content_is_a_duplicate_whatever_else_it_says():
    assert place(NEW, Siblings(same_content="F1", same_sequence="F2", same_signature="F3")) == Placed(
        Place.DUPLICATE, "F1"
    )
    assert place(NEW, Siblings(same_content="F1"), waived=LET_IN).place is Place.DUPLICATE


@pytest.mark.parametrize("what", ["same_signature", "same_sequence"])
def test_the_same_number_or_signature_over_other_content_is_a_conflict(what):
    assert place(NEW, Siblings(**{what: "F2"})) == Placed(Place.CONFLICT, "F2")
    assert place(NEW, Siblings(**{what: "F2"}), waived=LET_IN).place is Place.NEWS


def test_an_earlier_day_is_history_and_a_later_one_news():
    known = Siblings(newest_as_of=date(2026, 11, 21), newest_signed_at=NOON + EARLIER)
    assert place(NEW, known).place is Place.HISTORY
    assert place(replace(NEW, as_of=date(2026, 11, 21)), known).place is Place.NEWS


def test_an_older_signature_that_tells_no_day_is_stale():
    silent = replace(NEW, as_of=None, sequence=None)
    assert place(silent, Siblings(newest_signed_at=NOON + EARLIER)).place is Place.STALE
    assert place(silent, Siblings(newest_signed_at=NOON - EARLIER)).place is Place.NEWS


def test_an_older_signature_about_a_day_that_is_known_is_stale():
    silent = replace(NEW, sequence=None)
    later = Siblings(same_day=Sibling("F4", NOON + EARLIER, None), newest_signed_at=NOON + EARLIER)
    earlier = Siblings(same_day=Sibling("F4", NOON - EARLIER, None), newest_signed_at=NOON - EARLIER)
    assert place(silent, later) == Placed(Place.STALE, "F4")
    assert place(silent, earlier).place is Place.NEWS


def test_a_lower_number_for_the_same_day_is_superseded_and_a_higher_one_corrects():
    assert place(NEW, Siblings(same_day=Sibling("F5", NOON, 8))) == Placed(Place.SUPERSEDED, "F5")
    assert place(NEW, Siblings(same_day=Sibling("F5", NOON + EARLIER, 6))).place is Place.NEWS


def test_a_signature_far_older_than_the_newest_is_stale_whatever_day_it_tells():
    assert place(NEW, Siblings(newest_signed_at=NOON + LATE_BY + EARLIER)).place is Place.STALE
    assert place(NEW, Siblings(newest_signed_at=NOON + LATE_BY)).place is Place.NEWS


def test_what_two_people_let_in_is_history_or_news():
    old = Siblings(newest_signed_at=NOON + LATE_BY + EARLIER, newest_as_of=date(2026, 12, 1))
    assert place(NEW, old, waived=LET_IN).place is Place.HISTORY


@given(st.permutations(range(5)))
def test_in_whatever_order_files_of_different_days_come_all_are_taken(order):
    """Each is signed on its own day; arriving late makes it history, never a refusal."""
    days = [date(2026, 11, 1) + timedelta(days=number) for number in range(5)]
    newest_day = newest_signed = None
    for number in order:
        signed = NOON + timedelta(days=number)
        new = Identity(bytes([number]), str(number), signed, days[number], number + 1)
        placed = place(new, Siblings(newest_signed_at=newest_signed, newest_as_of=newest_day)).place
        assert placed is (Place.HISTORY if newest_day and days[number] < newest_day else Place.NEWS)
        newest_day = max(days[number], newest_day or days[number])
        newest_signed = max(signed, newest_signed or signed)
