"""A file that is unlike its partner's earlier ones waits for two people; through the real intake."""

import pytest

from family_exchange.domain import drift
from family_exchange.domain.file import Reason, State, Verdict
from support import periods
from support.periods import FEED, area, police, send, tenant

__all__ = ["area", "police", "send", "tenant"]


@pytest.mark.parametrize(
    ("rows", "held"),
    [(5, {drift.SHRANK}), (70, set()), (1001, {drift.GREW})],
)
def test_a_file_that_shrank_by_95_in_a_hundred_is_held_and_by_30_is_not(tenant, police, send, rows, held):
    periods.usual(send)
    file = send(periods.table(FEED, rows, first=1000))
    assert periods.rules(tenant, file) == held
    if not held:
        assert (file.state, file.verdict, file.waived) == (State.CLOSED, Verdict.ACCEPTED, frozenset())
        return
    assert (file.state, file.reason, file.verdict) == (
        State.QUARANTINED,
        Reason.CONTENT,
        Verdict.ACCEPTED_WITH_FINDINGS,
    )
    assert file.rows_read == file.rows_loaded == rows
    assert periods.staged(tenant.doors, file) == 0
    told = periods.receipt(tenant, police, file)
    assert (told["state"], told["reason"]) == ("QUARANTINED", "CONTENT")
    assert "two people" in told["detail"]
    assert [(found["rule"], found["row"], found["loaded"]) for found in told["findings"]] == [(*held, None, False)]
    assert told["findings"][0]["fix"] == drift.MESSAGES[told["findings"][0]["rule"]]


def test_the_first_files_of_a_partner_are_held_against_nothing(send):
    assert send(periods.table(FEED, 100)).state is State.CLOSED
    assert send(periods.table(FEED, 5, first=500)).state is State.CLOSED


@pytest.mark.parametrize(
    ("cells", "held"),
    [
        ({"postcode": ""}, {drift.EMPTIED}),
        ({"outcome": "cautioned"}, {drift.CODE_NEW, drift.CODES_MOVED}),
        ({"postcode": "M1 1AA"}, set()),
    ],
)
def test_a_column_that_went_empty_and_a_code_that_took_over_hold_a_file(tenant, send, cells, held):
    periods.usual(send, number=2)
    file = send(periods.table(FEED, 100, first=1000, **cells))
    found = periods.rules(tenant, file)
    assert found <= held
    assert bool(found) == bool(held) == (file.reason is Reason.CONTENT)


def test_an_areas_files_are_no_measure_for_those_of_another(tenant, police, send, area):
    periods.usual(send)
    rows = periods.table(FEED, 5, first=1000)
    elsewhere = periods.content(FEED, rows, area=f"{area}-other")
    assert periods.sent(tenant, police, FEED, "elsewhere.pgp", elsewhere).state is State.CLOSED
    assert send(periods.table(FEED, 5, first=2000)).state is State.QUARANTINED


def test_what_adds_to_the_past_only_is_never_held(tenant, send):
    for place, day in enumerate(("2027-01-01", "2027-01-02", "2027-01-03")):
        assert send(periods.table(FEED, 100, first=200 * place), as_of=day).state is State.CLOSED
    past = send(periods.table(FEED, 5, first=1000), as_of="2026-12-30")
    assert (past.state, past.history) == (State.CLOSED, True)
    present = send(periods.table(FEED, 5, first=2000), as_of="2027-01-04")
    assert (present.state, present.reason) == (State.QUARANTINED, Reason.CONTENT)
