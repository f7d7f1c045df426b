from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from family_exchange.domain.calendar import (
    LEARNED_FROM,
    LEAST_LEARNED_FROM,
    Arrival,
    State,
    expected,
    meant_for,
    standings,
    usual,
)
from support.calendars import LONDON, LONG_AGO, TERMS, a_calendar, london

WEEKLY = a_calendar("week", "monday", grace_days=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - with UTC
calendars = st.one_of(
    st.builds(a_calendar, st.just("day"), st.sampled_from(["each day", "working days"])),
    st.builds(a_calendar, st.just("week"), st.sampled_from(["monday", "thursday", "sunday"])),
    st.builds(
        a_calendar,
        st.sampled_from(["month", "term", "quarter", "half_year"]),
        st.sampled_from(["day 1", "day 31", "working day 1", "working day 12"]),
        hour=st.integers(0, 23),
        grace_days=st.integers(0, 9),
    ),
)


def due_days(calendar, first, last):
    found = expected(calendar, TERMS, since=london(*first), until=london(*last))
    return [each.due_on for each in found]


def the_next(calendar, *moment, arrivals=(), since=LONG_AGO):
    return standings(calendar, TERMS, arrivals, london(*moment), since=since)[-1]


@pytest.mark.parametrize(
    ("calendar", "days"),
    [
        (a_calendar("month", "day 5", grace_days=0), [(2, 5), (3, 5), (4, 5), (5, 5)]),
        (a_calendar("month", "day 31", grace_days=0), [(1, 31), (2, 29), (3, 31), (4, 30)]),
        (a_calendar("month", "working day 3", grace_days=0), [(2, 3), (3, 3), (4, 5), (5, 4)]),
        (a_calendar("quarter", "day 15", grace_days=0), [(4, 15)]),
        (a_calendar("half_year", "working day 2", grace_days=0), [(4, 4)]),
    ],
)
def test_a_file_is_due_on_the_day_after_the_period_that_the_calendar_names(calendar, days):
    assert due_days(calendar, (2028, 1, 31), (2028, 5, 20)) == [date(2028, *each) for each in days]


def test_a_file_for_a_term_is_due_after_its_end_and_holidays_do_not_count():
    termly = a_calendar("term", "working day 5", grace_days=0)
    assert due_days(termly, (2026, 12, 1), (2027, 8, 30)) == [date(2026, 12, 29), date(2027, 4, 5), date(2027, 7, 29)]
    assert due_days(a_calendar("term", "day 1", grace_days=0), (2026, 12, 1), (2027, 1, 1)) == [date(2026, 12, 19)]


def test_a_daily_file_may_rest_on_weekends_and_bank_holidays():
    each_day = a_calendar("day", "each day", grace_days=0)
    working = a_calendar("day", "working days", grace_days=0)
    assert len(due_days(each_day, (2026, 4, 2), (2026, 4, 9))) == 7
    assert due_days(working, (2026, 4, 2), (2026, 4, 9)) == [date(2026, 4, 2), date(2026, 4, 7), date(2026, 4, 8)]


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2027, 3, 22), 12), (date(2027, 3, 29), 11), (date(2026, 10, 19), 11), (date(2026, 10, 26), 12)],
)
def test_noon_in_london_is_noon_on_londons_clocks_before_and_after_both_changes(day, utc_hour):
    (file,) = expected(
        WEEKLY, (), since=london(day.year, day.month, day.day), until=london(day.year, day.month, day.day) + 2 * DAY
    )
    assert (file.due_on, file.due_at.hour) == (day, utc_hour)
    assert file.deadline.astimezone(LONDON).hour == 12


def test_the_hour_that_a_spring_night_leaves_out_and_the_one_that_an_autumn_night_has_twice_are_one_instant_each():
    nightly = a_calendar("day", "each day", hour=1, grace_days=0)
    (spring,) = expected(nightly, (), since=london(2027, 3, 27, 12), until=london(2027, 3, 28, 12))
    (autumn,) = expected(nightly, (), since=london(2026, 10, 24, 12), until=london(2026, 10, 25, 12))
    assert spring.due_at == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert autumn.due_at == datetime(2026, 10, 25, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ((2026, 11, 30, 23, 59), State.NOTHING_EXPECTED),
        ((2026, 12, 1), State.EXPECTED),
        ((2026, 12, 6, 11, 59), State.EXPECTED),
        ((2026, 12, 6, 12), State.LATE_SOON),
        ((2026, 12, 9, 11, 59), State.LATE_SOON),
    ],
)
def test_before_the_deadline_a_file_is_not_expected_then_expected_then_late_soon(moment, state):
    assert the_next(a_calendar(), *moment).state is state


def test_from_its_deadline_a_file_is_overdue_until_the_next_deadline_takes_its_place():
    overdue, following = standings(a_calendar(), (), [], london(2026, 12, 9, 12), since=LONG_AGO)
    assert (overdue.expected.due_on, overdue.state) == (date(2026, 12, 7), State.OVERDUE)
    assert (following.expected.due_on, following.state) == (date(2027, 1, 8), State.NOTHING_EXPECTED)
    (last, _) = standings(a_calendar(), (), [], london(2027, 1, 10, 12), since=LONG_AGO)
    assert last.expected.due_on == date(2027, 1, 8)


def test_a_file_that_came_is_received_and_one_that_was_refused_is_not():
    came = Arrival(london(2026, 12, 3), None)
    refused = Arrival(london(2026, 12, 2), None, "UNSIGNED")
    moment = (2026, 12, 7, 12)
    assert the_next(a_calendar(), *moment, arrivals=[came]).state is State.RECEIVED
    assert the_next(a_calendar(), *moment, arrivals=[refused, came]).state is State.RECEIVED
    standing = the_next(a_calendar(), *moment, arrivals=[refused])
    assert (standing.state, standing.refused_for) == (State.LATE_SOON, ("UNSIGNED",))


def test_what_comes_later_than_the_moment_asked_for_has_not_come():
    came = Arrival(london(2026, 12, 3), None)
    assert the_next(a_calendar(), 2026, 12, 2, 12, arrivals=[came]).state is State.EXPECTED


def test_an_old_file_that_comes_late_is_not_taken_for_the_next_one():
    late = Arrival(london(2026, 12, 14), date(2026, 11, 30))
    overdue, following = standings(a_calendar(), (), [late], london(2027, 1, 7, 13), since=LONG_AGO)
    assert (overdue.state, following.state) == (State.RECEIVED, State.LATE_SOON)
    newer = Arrival(london(2027, 1, 4), date(2026, 12, 31))
    assert the_next(a_calendar(), 2027, 1, 7, 13, arrivals=[late, newer]).state is State.RECEIVED


def test_a_file_that_comes_within_the_days_of_grace_counts_for_the_file_that_was_due():
    came = Arrival(london(2026, 12, 8), date(2026, 12, 8))
    received, following = standings(a_calendar(), (), [came], london(2026, 12, 9, 12), since=LONG_AGO)
    assert (received.state, following.state) == (State.RECEIVED, State.NOTHING_EXPECTED)


def test_nothing_was_expected_before_the_partner_could_send():
    since = london(2026, 12, 7, 12)
    told = standings(a_calendar(), (), [], london(2026, 12, 9, 12), since=since)
    assert [each.expected.due_on for each in told] == [date(2027, 1, 8)]
    told = standings(a_calendar(), (), [], london(2026, 12, 9, 12), since=since - HOUR)
    assert [each.state for each in told] == [State.OVERDUE, State.NOTHING_EXPECTED]


@given(calendar=calendars, at=moments)
def test_an_inactive_feed_is_silent(calendar, at):
    paused = calendar.model_copy(update={"active": False})
    assert standings(paused, TERMS, [], at, since=LONG_AGO) == ()


def test_terms_that_have_run_out_expect_nothing():
    termly = a_calendar("term", "day 1")
    (last,) = standings(termly, TERMS, [], london(2027, 9, 1), since=LONG_AGO)
    assert last.expected.due_on == date(2027, 7, 23)
    assert standings(termly, (), [], london(2027, 9, 1), since=LONG_AGO) == ()


@given(calendar=calendars, at=moments)
def test_deadlines_come_one_after_the_other_and_the_time_before_each_belongs_to_one_file(calendar, at):
    found = expected(calendar, TERMS, since=at, until=at + 400 * DAY)
    assert all(first.deadline < second.deadline for first, second in pairwise(found))
    assert all(first.due_on < second.due_on for first, second in pairwise(found))
    assert all(each.opens_at <= each.due_at <= each.deadline for each in found)
    for index, each in enumerate(found):
        assert meant_for(Arrival(each.deadline, None), found) == index
        later = index + 1 if index + 1 < len(found) else None
        assert meant_for(Arrival(each.deadline + timedelta(microseconds=1), None), found) == later


@given(calendar=calendars, at=moments, split=st.integers(1, 399))
def test_what_is_expected_does_not_depend_on_how_the_time_is_cut(calendar, at, split):
    cut, end = at + split * DAY, at + 400 * DAY
    parts = expected(calendar, TERMS, since=at, until=cut) + expected(calendar, TERMS, since=cut, until=end)
    assert parts == expected(calendar, TERMS, since=at, until=end)


@given(calendar=calendars, at=moments, minutes=st.lists(st.integers(0, 60 * 24 * 300), max_size=20))
def test_a_feed_is_overdue_only_when_nothing_came_in_the_time_of_that_file(calendar, at, minutes):
    arrivals = [Arrival(at - timedelta(minutes=each), None) for each in minutes]
    for standing in standings(calendar, TERMS, arrivals, at, since=LONG_AGO):
        file = standing.expected
        before = expected(calendar, TERMS, since=file.deadline - 400 * DAY, until=file.deadline - timedelta(seconds=1))
        start = before[-1].deadline if before else LONG_AGO
        came = any(start < each.at <= file.deadline for each in arrivals)
        assert (standing.state is State.RECEIVED) == came
        if not came:
            assert (standing.state is State.OVERDUE) == (at >= file.deadline)


def weekly_files(leads):
    """What was expected on so many Mondays, and came by so many minutes before noon."""
    every = expected(WEEKLY, (), since=london(2026, 1, 1), until=london(2026, 12, 31))[: len(leads)]
    return [(file, file.due_at - timedelta(minutes=lead)) for file, lead in zip(every, leads, strict=True)]


def the_monday(learned):
    return expected(WEEKLY, (), since=learned[-1][0].deadline if learned else london(2026, 1, 1), until=LATER)[0]


LATER = london(2027, 2, 1)


def test_without_history_a_weekly_file_is_asked_for_a_day_before_and_a_daily_one_two_hours_before():
    monday = the_monday([])
    assert usual(WEEKLY, monday, []) == monday.due_at - DAY
    nightly = a_calendar("day", "each day", hour=6, grace_days=0)
    (night,) = expected(nightly, (), since=london(2026, 7, 1, 7), until=london(2026, 7, 2, 7))
    assert usual(nightly, night, []) == night.due_at - 2 * HOUR


def test_the_usual_hour_is_learned_from_four_files_on():
    learned = weekly_files([300] * LEAST_LEARNED_FROM)
    monday = the_monday(learned)
    assert usual(WEEKLY, monday, learned) == monday.due_at - 5 * HOUR
    assert usual(WEEKLY, monday, learned[1:]) == monday.due_at - DAY


def test_a_single_straggler_among_ten_does_not_change_the_usual_hour():
    learned = weekly_files([240] * 9 + [10])
    assert usual(WEEKLY, the_monday(learned), learned) == the_monday(learned).due_at - 4 * HOUR
    two = weekly_files([240] * 8 + [10, 10])
    assert usual(WEEKLY, the_monday(two), two) == the_monday(two).due_at


@given(leads=st.lists(st.integers(-24 * 60, 5 * 24 * 60), min_size=LEAST_LEARNED_FROM, max_size=LEARNED_FROM))
def test_nine_in_ten_of_the_files_learned_from_had_come_by_the_usual_moment(leads):
    learned = weekly_files(leads)
    monday = the_monday(learned)
    usual_at = usual(WEEKLY, monday, learned)
    assert sum(monday.due_at - timedelta(minutes=lead) > usual_at for lead in leads) <= len(leads) / 10
    assert usual_at <= monday.deadline
    assert usual_at.minute % 15 == 0


def test_the_usual_hour_is_that_of_londons_clocks_when_they_change_between_two_files():
    learned = [
        (file, london(file.due_on.year, file.due_on.month, file.due_on.day, 7)) for file, _ in weekly_files([0] * 40)
    ]
    march = [pair for pair in learned if pair[0].due_on <= date(2026, 3, 23)]
    (after,) = expected(WEEKLY, (), since=london(2026, 3, 25), until=london(2026, 3, 31, 13))
    assert usual(WEEKLY, after, march).astimezone(LONDON).hour == 7


def test_a_file_that_came_before_the_clocks_changed_and_was_due_after_tells_the_hour_of_the_clocks():
    (due,) = expected(WEEKLY, (), since=london(2027, 3, 25), until=london(2027, 3, 31))
    (following,) = expected(WEEKLY, (), since=london(2027, 4, 1), until=london(2027, 4, 7))
    learned = [(due, london(2027, 3, 27, 7))] * LEAST_LEARNED_FROM
    assert usual(WEEKLY, following, learned) == london(2027, 4, 3, 7)


def test_the_usual_hour_is_learned_only_from_files_that_came_in_time():
    every = expected(WEEKLY, (), since=london(2026, 9, 1), until=london(2026, 10, 31))
    in_time = [Arrival(file.due_at - 3 * HOUR, file.due_on) for file in every[:5]]
    chased = [Arrival(file.deadline + 4 * DAY, file.due_on) for file in every[5:]]
    standing = standings(WEEKLY, (), [*in_time, *chased], every[-1].deadline + HOUR, since=LONG_AGO)[-1]
    assert standing.usual_at == standing.expected.due_at - 3 * HOUR
    assert standing.learned_from == 5


@pytest.mark.parametrize(
    ("every", "by"),
    [
        ("day", "monday"),
        ("week", "day 1"),
        ("week", "Monday"),
        ("month", "day 32"),
        ("month", "day 0"),
        ("month", "working days"),
        ("term", "friday"),
    ],
)
def test_a_calendar_whose_day_does_not_fit_is_refused(every, by):
    with pytest.raises(ValidationError, match="expected"):
        a_calendar(every, by)
