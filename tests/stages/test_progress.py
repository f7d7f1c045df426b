"""Each measure before support began and since; what is missing is never zero."""

from datetime import date

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import progress
from support import meanwhile
from support.register import IN_PERIOD, PERIOD

BEFORE = (date(2025, 10, 1), date(2026, 3, 31))


@pytest.mark.requirement("R-025")
def test_progress_is_told_against_the_period_before_support_began(council):
    register = council.register
    files = {feed: register.file(feed, coverage=(BEFORE[0], date(2026, 10, 31))) for feed in ("police_incidents",)}
    schools = register.file("school_attendance")

    def incidents(number, day, person):
        for _ in range(number):
            register.record(person, files["police_incidents"], event_on=day, facts={"role": "suspect"})

    calmer, troubled, steady = (register.person() for _ in range(3))
    incidents(3, date(2026, 1, 15), calmer)
    incidents(1, IN_PERIOD, calmer)
    incidents(2, IN_PERIOD, troubled)
    incidents(1, date(2026, 1, 15), steady)
    incidents(1, IN_PERIOD, steady)
    pupil = register.person()
    register.record(pupil, schools, feed="school_attendance", date_of_birth=date(2015, 1, 1), event_on=IN_PERIOD,
                    facts={"sessions_possible": 100, "sessions_unauthorised": 7})  # fmt: skip
    register.supported(calmer, troubled, steady, pupil, decided_on=date(2026, 5, 15))
    found = {one.measure: one for one in progress.of(council.doors, PERIOD)}
    told = found["incidents"]
    assert (told.people, told.compared, told.fell, told.same, told.rose) == (4, 4, 1, 2, 1)
    assert (told.at_start, told.in_period) == (4, 4)
    missed = found["sessions_unauthorised"]
    assert (missed.compared, missed.at_start, missed.in_period) == (0, 0, 0)
    assert missed.missing_at_start == {"not_collected": 4}
    assert missed.missing_in_period == {"not_applicable": 3}
    assert found["rent_arrears"].missing_in_period == {"not_collected": 4}


def test_whom_a_restriction_keeps_out_is_not_followed(council):
    person = council.register.person()
    council.register.record(person)
    council.register.supported(person)
    council.register.flag(person, "restriction")
    assert {one.people for one in progress.of(council.doors, PERIOD)} == {0}


def test_a_period_that_is_none_is_for_a_person(council):
    with pytest.raises(NeedsDecision, match="no such period"):
        progress.of(council.doors, "2026-Q1")


def test_a_file_that_is_taken_meanwhile_is_in_both_times_or_in_none(council, monkeypatch):
    register = council.register
    file = register.file(coverage=(BEFORE[0], date(2026, 10, 31)))
    person = register.person()

    def incidents(number, day):
        for _ in range(number):
            register.record(person, file, event_on=day, facts={"role": "suspect"})

    def told():
        (found,) = (one for one in progress.of(council.doors, PERIOD) if one.measure == "incidents")
        return found.at_start, found.in_period, found.fell

    incidents(1, date(2026, 1, 15))
    incidents(1, IN_PERIOD)
    register.supported(person, decided_on=date(2026, 5, 15))
    meanwhile.happens(
        monkeypatch,
        lambda: [incidents(2, day) for day in (date(2026, 1, 15), IN_PERIOD)],
        before="CREATE TEMP TABLE followed",
    )
    assert told() == (1, 1, 0)
    assert told() == (3, 3, 0)
