"""The countdown of a key's last days."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain.expiry import STEPS, KeyEnd, days_left, first, reached
from family_exchange.domain.key import Kind

END = datetime(2026, 12, 31, 10, tzinfo=UTC)
KEY = KeyEnd("police", Kind.OPENPGP, "A" * 40, END)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (91, ()),
        (90, (90,)),
        (31, (90,)),
        (30, (90, 30)),
        (14, (90, 30, 14)),
        (7, (90, 30, 14, 7)),
        (2, (90, 30, 14, 7)),
        (1, (90, 30, 14, 7, 1)),
        (0, (90, 30, 14, 7, 1)),
        (-5, (90, 30, 14, 7, 1)),
    ],
)
def test_a_step_is_reached_on_its_day_and_stays_reached(left, expected):
    assert reached(KEY, END.date() - timedelta(days=left)) == expected


def test_a_key_without_an_end_counts_nothing_down():
    assert reached(KeyEnd("own", Kind.OPENPGP, "A" * 40, None), date(2999, 1, 1)) == ()
    assert days_left(None, date(2999, 1, 1)) is None


def test_a_replaced_key_is_told_of_until_it_ends_and_not_after():
    replaced = KeyEnd("police", Kind.OPENPGP, "A" * 40, END, replaced=True)
    assert reached(replaced, END.date()) == STEPS
    assert reached(replaced, END.date() + timedelta(days=1)) == ()


def test_the_first_end_counts():
    assert first(None, END, END - timedelta(days=1)) == END - timedelta(days=1)
    assert first(None, None) is None


def test_days_are_counted_in_utc():
    late = datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert days_left(late, date(2026, 6, 30)) == 0


@given(day=st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_each_step_is_reached_once_and_in_order(day):
    today, tomorrow = reached(KEY, day), reached(KEY, day + timedelta(days=1))
    assert tomorrow[: len(today)] == today
    assert list(today) == sorted(today, reverse=True)
