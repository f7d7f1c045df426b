"""A delivery killed at every point: run again, and again, the recipient has one file with one SHA-256."""

import pytest

from family_exchange.domain.delivery import State
from family_exchange.stages import deliver
from support.register import AT
from support.sending import AT_ONCE, a_sealed_return, ledger, send_and_die, visible

POINTS = (
    "deliver.claimed",
    "deliver.cleared",
    "deliver.uploading",
    "deliver.uploaded",
    "deliver.intended",
    "deliver.renamed",
    "deliver.sent",
    "deliver.read_back",
    "deliver.delivered",
)
KILLED = -9


def assert_delivered_once(council, return_id):
    found = ledger(council, return_id)
    assert visible(council, found.final_name) == {found.ct_sha256.hex()}
    assert [name for name in council.inbox if name != found.final_name] == []
    bodies = council.register.audited("return.delivered")
    assert len(bodies) == 1
    assert bodies[0]["sha256"] == found.ct_sha256.hex()


@pytest.mark.requirement("R-059")
@pytest.mark.parametrize("point", POINTS)
def test_a_delivery_cut_off_anywhere_ends_as_one_file(council, point):
    return_id = a_sealed_return(council)
    assert send_and_die(council, return_id, point) == KILLED
    assert visible(council, ledger(council, return_id).final_name) <= {ledger(council, return_id).ct_sha256.hex()}
    assert deliver.send(council.doors, return_id) is State.DELIVERED
    assert deliver.send(council.doors, return_id) is State.DELIVERED
    assert_delivered_once(council, return_id)


@pytest.mark.parametrize("point", ["deliver.intended", "deliver.renamed", "deliver.sent"])
def test_a_recipient_that_is_quicker_than_the_rerun_changes_nothing(council, point):
    return_id = a_sealed_return(council)
    assert send_and_die(council, return_id, point) == KILLED
    council.third_party.answer(at=AT)
    assert deliver.send(council.doors, return_id) is State.DELIVERED
    council.third_party.answer(at=AT)
    assert deliver.receipt(council.doors, return_id) is State.ACKNOWLEDGED
    assert_delivered_once(council, return_id)


def test_a_takeover_that_is_cut_off_too_still_ends_as_one_file(council):
    return_id = a_sealed_return(council)
    assert send_and_die(council, return_id, "deliver.intended") == KILLED
    assert send_and_die(council, return_id, "deliver.taken_over") == KILLED
    assert send_and_die(council, return_id, "deliver.uploaded") == KILLED
    assert deliver.send(council.doors, return_id, receipt_window=AT_ONCE) is State.DELIVERED
    assert_delivered_once(council, return_id)


def test_a_process_that_meets_no_fault_ends_well(council):
    return_id = a_sealed_return(council)
    assert send_and_die(council, return_id, "no.such.point") == 0
    assert ledger(council, return_id).state is State.DELIVERED
