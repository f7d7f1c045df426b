"""Which returns a delivery run takes: what rang, what Airflow forgot to ring for, and what is on its way."""

import pytest

from family_exchange.domain.delivery import State
from family_exchange.orchestration import delivering
from family_exchange.stages import assemble, deliver
from support.council import council, recipient_server, rings
from support.register import AT, PERIOD
from support.sending import a_sealed_return

__all__ = ["council", "recipient_server", "rings"]


@pytest.fixture
def nis(council):
    return a_sealed_return(council)


@pytest.fixture
def fpd(council):
    return a_sealed_return(council, "fpd")


def listed(council, *rung_for, period=PERIOD):
    return delivering.to_deliver(council.doors, period=period, rung_for=set(rung_for))


def test_a_sealed_return_whose_event_was_lost_goes_with_the_one_that_rang(council, nis, fpd):
    assert listed(council, fpd) == [fpd, nis]
    assert listed(council, fpd, period="2025-H2") == [fpd]


def test_what_another_run_sends_is_left_to_it(council, nis, fpd):
    assert deliver.send(council.doors, nis) is State.DELIVERED
    assert listed(council, fpd) == [fpd]


def test_a_run_that_is_cleared_takes_what_rang_for_it_again(council, nis):
    assert deliver.send(council.doors, nis) is State.DELIVERED
    council.third_party.answer(at=AT)
    assert deliver.receipt(council.doors, nis) is State.ACKNOWLEDGED
    assert listed(council, nis) == [nis]


def test_a_run_that_a_person_starts_takes_all_that_is_on_its_way(council, nis, fpd):
    assert deliver.send(council.doors, nis) is State.DELIVERED
    assert listed(council) == listed(council, period=None) == [fpd, nis]
    assert listed(council, period="2025-H2") == []


def test_a_return_that_was_given_up_is_not_sent(council, nis):
    assemble.void(council.doors, nis, by="programme.lead", reason=assemble.Why.ROWS_WRONG)
    assert listed(council, nis) == listed(council) == []
