from datetime import date
from decimal import Decimal

import pytest

from family_exchange.domain import problem
from family_exchange.domain.condition import Condition
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Sign
from family_exchange.domain.problem import Nomination, Row, Subject

ON = date(2026, 11, 22)
AS_OF = date(2026, 10, 31)


def an_indicator(code="offence", code_of="P1", **changes):
    base = {
        "code": code,
        "problem": code_of,
        "label": "a label",
        "feed": "police_incidents",
        "kind": "any_row",
        "where": [{"column": "role", "op": "eq", "value": "offender"}],
        "status": "assumed",
        "note": "for a test",
    }
    return Indicator.model_validate(base | changes)


def absence(measure="overall", threshold="0.10", **rate):
    numerator = ["sessions_unauthorised"] + (["sessions_authorised"] if measure == "overall" else [])
    return an_indicator(
        "absence",
        "P2",
        feed="school_attendance",
        kind="rate",
        where=[],
        rate={
            "numerator": numerator,
            "denominator": "sessions_possible",
            "op": "ge",
            "threshold": threshold,
            "aggregate": "mean",
            "last": 3,
        }
        | rate,
    )


def a_framework(*indicators, **changes):
    codes = sorted({indicator.problem for indicator in indicators})
    base = {
        "code": "TEST",
        "version": 1,
        "title": "a framework",
        "valid_from": date(2015, 4, 1),
        "min_problems": 1,
        "problems": [{"code": code, "label": code, "status": "assumed", "note": "for a test"} for code in codes],
        "indicators": indicators,
    }
    return Framework.model_validate(base | changes)


def a_row(record="S1.1", person="P1", feed="police_incidents", event="", **values):
    return Row(record, person, feed, event, AS_OF, values)


def a_term(number, *, possible=100, authorised=0, unauthorised=0):
    days = [date(2025, 7, 20), date(2025, 12, 19), date(2026, 3, 27), date(2026, 7, 20)]
    return a_row(
        f"S2.{number}",
        feed="school_attendance",
        event=f"term {number}",
        event_on=days[number],
        sessions_possible=possible,
        sessions_authorised=authorised,
        sessions_unauthorised=unauthorised,
    )


def somebody(person="P1", *, role=Role.CHILD, born=date(2014, 5, 5), resident=True, **more):
    return Subject(person, role, resident, born, **more)


def met(framework, rows, *family):
    found = problem.evidence(framework, family or (somebody(),), rows, on=ON)
    return {one.problem for one in found}


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("eq", "offender", {"offender"}),
        ("in", ["offender", "suspect"], {"offender", "suspect"}),
        ("present", None, {"offender", "suspect", ""}),
        ("absent", None, {None}),
    ],
)
def test_a_condition_compares_words(op, value, holds):
    condition = Condition.model_validate({"column": "role", "op": op, "value": value})
    stated = ["offender", "suspect", "", None]
    assert {one for one in stated if problem.fulfils(condition, {"role": one})} == holds


@pytest.mark.parametrize(
    ("op", "holds"),
    [("ge", {500, 501}), ("gt", {501}), ("le", {499, 500}), ("lt", {499}), ("eq", {500})],
)
def test_a_condition_compares_figures_and_days(op, holds):
    amount = Condition.model_validate({"column": "amount", "op": op, "value": 500})
    assert {one for one in (499, 500, 501) if problem.fulfils(amount, {"amount": Decimal(one)})} == holds
    day = Condition.model_validate({"column": "day", "op": op, "value": date(2026, 1, 2)})
    days = {499: date(2026, 1, 1), 500: date(2026, 1, 2), 501: date(2026, 1, 3)}
    assert {one for one, stated in days.items() if problem.fulfils(day, {"day": stated})} == holds
    assert not problem.fulfils(amount, {"amount": None})
    assert not problem.fulfils(amount, {})


@pytest.mark.requirement("R-008")
@pytest.mark.parametrize("role", [Role.ADULT, Role.CHILD])
def test_the_crime_of_a_parent_or_of_a_child_is_a_problem(role):
    born = date(1985, 1, 1) if role is Role.ADULT else date(2012, 1, 1)
    assert met(a_framework(an_indicator()), [a_row(role="offender")], somebody(role=role, born=born)) == {"P1"}


def test_somebody_elses_row_evidences_nothing():
    assert met(a_framework(an_indicator()), [a_row(role="offender", person="P2")]) == set()


@pytest.mark.requirement("R-009")
def test_a_pupil_flips_with_the_threshold_and_with_the_measure():
    terms = [a_term(number, authorised=8, unauthorised=4) for number in (1, 2, 3)]
    assert met(a_framework(absence("overall", "0.10")), terms) == {"P2"}
    assert met(a_framework(absence("overall", "0.15")), terms) == set()
    assert met(a_framework(absence("unauthorised", "0.10")), terms) == set()


@pytest.mark.requirement("R-009")
@pytest.mark.parametrize(
    ("rate", "holds"),
    [
        ({}, True),  # 45 of 300 over the last three terms
        ({"op": "gt", "threshold": "0.15"}, False),
        ({"op": "ge", "threshold": "0.15"}, True),
        ({"aggregate": "each"}, False),  # one of the three terms is at 5 per cent
        ({"aggregate": "each", "last": 1, "threshold": "0.30"}, True),
        ({"last": 2, "threshold": "0.18"}, False),
        ({"last": 4, "threshold": "0.30"}, True),  # the term before them was worse
        ({"least_denominator": 101}, False),  # no term says enough
    ],
)
def test_an_attendance_rate_follows_every_part_of_its_rule(rate, holds):
    terms = [
        a_term(0, unauthorised=90),
        a_term(1, unauthorised=10),
        a_term(2, unauthorised=5),
        a_term(3, unauthorised=30),
    ]
    assert met(a_framework(absence("unauthorised", **rate)), terms) == ({"P2"} if holds else set())


def test_a_term_told_twice_counts_as_it_was_told_last():
    earlier = a_row(
        "S1.9", feed="school_attendance", event="term 3", event_on=date(2026, 7, 20), sessions_possible=100,
        sessions_unauthorised=99,
    )  # fmt: skip
    assert met(a_framework(absence()), [earlier, a_term(3)]) == set()


def test_a_sum_needs_no_denominator():
    exclusions = an_indicator(
        "exclusions", "P2", feed="school_attendance", kind="rate", where=[],
        rate={"numerator": ["sessions_unauthorised"], "op": "ge", "threshold": 3, "aggregate": "sum", "last": 3},
    )  # fmt: skip
    assert met(a_framework(exclusions), [a_term(number, unauthorised=1) for number in (1, 2, 3)]) == {"P2"}
    assert met(a_framework(exclusions), [a_term(number, unauthorised=1) for number in (2, 3)]) == set()


@pytest.mark.requirement("R-010")
@pytest.mark.parametrize("episode", ["earl_start_date", "cine_start_date", "cppl_start_date"])
@pytest.mark.parametrize("born", [date(2010, 1, 1), date(2026, 1, 1), date(2027, 2, 1)])
def test_help_in_need_and_protection_each_evidence_help_for_children_born_and_unborn(episode, born):
    open_episode = an_indicator(
        "help", "P3", feed="childrens_social_care", role="child", age={"max": 17},
        where=[{"column": episode, "op": "present"}, {"column": episode.replace("start", "end"), "op": "absent"}],
    )  # fmt: skip
    row = a_row(feed="childrens_social_care", **{episode: date(2026, 5, 1)})
    assert met(a_framework(open_episode), [row], somebody(born=born)) == {"P3"}


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize(("age", "holds"), [(15, False), (16, True), (18, True), (19, False)])
def test_the_age_gate_of_young_people_without_work_is_16_to_18(age, holds):
    neet = an_indicator("neet", "P4", age={"min": 16, "max": 18}, where=[{"column": "neet", "op": "eq", "value": True}])
    born = date(ON.year - age, 11, 22)
    role = Role.ADULT if age >= 18 else Role.CHILD
    found = met(a_framework(neet), [a_row(neet=True)], somebody(born=born, role=role))
    assert found == ({"P4"} if holds else set())


def test_an_unknown_age_meets_no_age_gate():
    gated = an_indicator(age={"max": 17})
    assert met(a_framework(gated), [a_row(role="offender")], somebody(born=None)) == set()


@pytest.mark.requirement("R-012")
@pytest.mark.parametrize("part", ["victim", "offender"])
def test_victim_and_perpetrator_each_evidence_abuse(part):
    abuse = [an_indicator(f"abuse_{one}", "P5", where=[{"column": "role", "op": "eq", "value": one}])
             for one in ("victim", "offender")]  # fmt: skip
    found = problem.evidence(a_framework(*abuse), [somebody()], [a_row(role=part)], on=ON)
    assert [(one.problem, one.indicator) for one in found] == [("P5", f"abuse_{part}")]


@pytest.mark.requirement("R-013")
@pytest.mark.parametrize("column", ["mental_health", "substance_misuse"])
@pytest.mark.parametrize("role", list(Role))
def test_health_problems_of_adults_and_children_are_a_problem(column, role):
    health = an_indicator(column, "P6", where=[{"column": column, "op": "eq", "value": True}])
    assert met(a_framework(health), [a_row(**{column: True})], somebody(role=role)) == {"P6"}


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2025, 11, 22), False),
        (date(2025, 11, 23), True),
        (ON, True),
        (date(2026, 11, 23), False),
        (None, False),
    ],
)
def test_a_window_ends_today_and_begins_a_day_after_the_same_day_months_before(day, holds):
    recent = an_indicator(window_months=12)
    assert met(a_framework(recent), [a_row(role="offender", event_on=day)]) == ({"P1"} if holds else set())


@pytest.mark.parametrize(
    ("on", "months", "start"),
    [
        (date(2026, 11, 22), 12, date(2025, 11, 22)),
        (date(2026, 8, 31), 6, date(2026, 2, 28)),
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
    ],
)
def test_a_window_is_counted_in_calendar_months(on, months, start):
    assert problem.window_start(on, months) == start


@pytest.mark.parametrize(
    ("op", "holds"),
    [
        ("begun", {"past", "today"}),
        ("open", {"ahead", "none"}),
        ("ahead", {"ahead"}),
    ],
)
def test_a_condition_compares_a_date_with_the_day_asked_for(op, holds):
    condition = Condition.model_validate({"column": "ended_on", "op": op})
    days = {"past": date(2026, 11, 21), "today": ON, "ahead": date(2026, 11, 23), "none": None}
    assert {name for name, day in days.items() if problem.fulfils(condition, {"ended_on": day}, on=ON)} == holds
    with pytest.raises(ValueError, match="needs a day"):
        problem.fulfils(condition, {"ended_on": ON})


@pytest.mark.parametrize(
    ("day", "holds"),
    [(ON, False), (date(2026, 11, 23), True), (date(2027, 11, 22), True), (date(2027, 11, 23), False), (None, False)],
)
def test_a_window_may_lie_ahead(day, holds):
    release = an_indicator(ahead_months=12, window_column="release_on")
    row = a_row(role="offender", release_on=day)
    assert met(a_framework(release), [row]) == ({"P1"} if holds else set())


def test_events_are_counted_once_however_often_they_are_told():
    three = an_indicator(kind="count", at_least=3)
    told = [a_row(f"S1.{number}", event=event, role="offender") for number, event in enumerate("aab")]
    assert met(a_framework(three), told) == set()
    assert met(a_framework(three), [*told, a_row("S1.9", event="c", role="offender")]) == {"P1"}


def test_an_indicator_is_asked_for_while_it_is_valid():
    row = a_row(role="offender")
    for changes, holds in (
        ({"valid_from": ON}, True),
        ({"valid_from": date(2026, 11, 23)}, False),
        ({"valid_to": ON}, False),
        ({"valid_to": date(2026, 11, 23)}, True),
    ):
        assert met(a_framework(an_indicator(**changes)), [row]) == ({"P1"} if holds else set())


def a_nomination(indicator="gangs", person="P1", on=date(2026, 9, 1), profession="youth_worker"):
    return Nomination(7, indicator, on, profession, person)


def nominating(**changes):
    base = {"kind": "nomination", "feed": None, "where": [], "window_months": 12}
    return an_indicator("gangs", **base | changes)


@pytest.mark.parametrize(
    ("said", "rule", "holds"),
    [
        (a_nomination(), {}, True),
        (a_nomination(indicator="debts"), {}, False),
        (a_nomination(person="P2"), {}, False),
        (a_nomination(person=None), {}, True),
        (a_nomination(person=None), {"role": "adult"}, True),
        (a_nomination(), {"role": "adult"}, False),
        (a_nomination(), {"nominators": ["police_officer"]}, False),
        (a_nomination(), {"nominators": ["police_officer", "youth_worker"]}, True),
        (a_nomination(on=date(2025, 11, 22)), {}, False),
        (a_nomination(on=date(2025, 11, 23)), {}, True),
        (a_nomination(on=date(2026, 11, 23)), {}, False),
    ],
)
def test_a_professional_nominates_a_family_or_a_member_for_a_while(said, rule, holds):
    found = problem.evidence(a_framework(nominating(**rule)), [somebody()], [], [said], on=ON)
    expected = [("P1", "gangs", said.person, None, said.nominated_on, 7)] if holds else []
    assert [(e.problem, e.indicator, e.person, e.source_record, e.as_of, e.nomination) for e in found] == expected


def test_a_sign_is_looked_for_in_the_rows_of_its_feed():
    sign = Sign.model_validate({"feed": "health_visiting", "where": [{"column": "due_on", "op": "ahead"}]})
    expecting = a_row(feed="health_visiting", due_on=date(2027, 2, 1))
    assert problem.shows(sign, [expecting], on=ON)
    assert not problem.shows(sign, [expecting], on=date(2027, 2, 1))
    assert not problem.shows(sign, [a_row(feed="school_attendance", due_on=date(2027, 2, 1))], on=ON)
