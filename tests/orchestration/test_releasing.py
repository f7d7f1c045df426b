"""Which files in quarantine one run asks people about."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.orchestration import releasing
from family_exchange.stages import decide

WAITING = [f"F{number:08}/1" for number in range(1, 1501)]
DOORS = None
"""Nobody opens them here."""


def rung(*cases, **more):
    return {"held": [SimpleNamespace(extra={"ids": list(cases)} | more)]}


@pytest.fixture(autouse=True)
def many_wait(monkeypatch):
    monkeypatch.setattr(decide, "cases", lambda _: WAITING)


def test_a_run_asks_about_the_files_that_the_bell_named():
    assert releasing.cases(DOORS, rung(WAITING[3], WAITING[1])) == [WAITING[1], WAITING[3]]


def test_a_run_that_a_person_started_asks_about_no_more_files_than_airflow_maps():
    assert releasing.cases(DOORS, {}) == WAITING[: releasing.MOST_AT_ONCE]


def test_the_files_that_a_bell_named_come_before_those_that_it_could_not_name():
    asked = releasing.cases(DOORS, rung(WAITING[-1], all_ids=60))
    assert asked[:2] == [WAITING[-1], WAITING[0]]
    assert len(asked) == releasing.MOST_AT_ONCE


def test_a_file_that_waits_no_more_is_not_asked_about():
    with pytest.raises(AirflowSkipException):
        releasing.cases(DOORS, rung("F99999999/1"))
