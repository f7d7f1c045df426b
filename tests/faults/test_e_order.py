"""Group E, files that come out of order or contradict each other: what is known of the present never goes back."""

import time
from datetime import date, timedelta
from itertools import permutations

import pytest

from family_exchange.domain.file import Reason, State
from support import faults

FIRST = date(2026, 9, 1)
ORDERS = list(permutations(range(3)))


@pytest.fixture(autouse=True)
def at_rest(tenant):
    yield
    faults.assert_at_rest(tenant)


def sent(tenant, content, name="a.pgp"):
    faults.put(tenant, name, faults.sealed(tenant, content))
    (file,) = faults.run(tenant)
    return file


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_file_of_an_earlier_day_becomes_history_in_whatever_order_they_come(tenant, order):
    begin = FIRST + timedelta(days=10 * ORDERS.index(order))
    newest = None
    for number in order:
        day = begin + timedelta(days=number)
        file = sent(tenant, faults.content(as_of=day, coverage_to=day))
        assert (file.state, file.as_of) == (State.CLOSED, day)
        assert file.history == (newest is not None and day < newest)
        newest = max(day, newest or day)


def test_the_same_number_with_other_content_is_a_conflict_that_names_both(tenant):
    one, other = faults.content(sequence=900_001), faults.content(sequence=900_001, rows=11)
    first, second = sent(tenant, one), sent(tenant, other)
    assert first.state is State.CLOSED
    assert (second.state, second.reason, second.conflicts_with) == (
        State.QUARANTINED,
        Reason.CONFLICT,
        first.file_id,
    )
    assert first.file_id in str(faults.receipt_of(tenant, second))
    assert faults.of(tenant, first.file_id) == first


def test_the_same_number_with_the_same_content_is_a_duplicate(tenant):
    content = faults.content(sequence=900_002)
    first, second = sent(tenant, content), sent(tenant, content)
    assert (second.state, second.duplicate_of) == (State.DUPLICATE, first.file_id)


def test_an_older_signature_under_a_new_name_is_stale(tenant):
    older = faults.sealed(tenant, faults.content(as_of=None, coverage_from=None, coverage_to=None, sequence=None))
    moment = time.time()
    while int(time.time()) <= int(moment) + 1:  # a signature tells the second
        time.sleep(0.05)
    newer = faults.sealed(
        tenant, faults.content(as_of=None, coverage_from=None, coverage_to=None, sequence=None, rows=11)
    )
    faults.put(tenant, "newer.pgp", newer)
    (first,) = faults.run(tenant)
    faults.put(tenant, "brand-new.pgp", older)
    (second,) = faults.run(tenant)
    assert first.state is State.CLOSED
    assert (second.state, second.reason) == (State.QUARANTINED, Reason.STALE)


def test_a_lower_number_of_the_same_day_is_superseded_by_the_higher(tenant):
    day = FIRST + timedelta(days=79)
    early, late = (faults.content(as_of=day, sequence=number) for number in (910_001, 910_002))
    higher, lower = sent(tenant, late), sent(tenant, early)
    assert higher.state is State.CLOSED
    assert (lower.state, lower.superseded_by) == (State.SUPERSEDED, higher.file_id)


def test_the_same_numbers_in_their_order_are_both_taken(tenant):
    day = FIRST + timedelta(days=80)
    early, late = (faults.content(as_of=day, sequence=number) for number in (910_003, 910_004))
    assert [sent(tenant, each).state for each in (early, late)] == [State.CLOSED] * 2
