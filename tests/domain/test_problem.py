from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import problem
from family_exchange.domain.condition import Condition
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework, Indicator
from family_exchange.domain.problem import Row, Standing, Subject

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


def somebody(person="P1", *, role=Role.CHILD, born=date(2014, 5, 5), resident=True, in_education=False):
    return Subject(person, role, resident, born, in_education)


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


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(
    ("born", "resident", "in_education", "dependent"),
    [
        (date(2010, 11, 23), True, False, True),  # 15
        (date(2010, 11, 22), True, False, False),  # 16
        (date(2010, 11, 22), True, True, True),
        (date(2007, 11, 23), True, True, True),  # 18
        (date(2007, 11, 22), True, True, False),  # 19
        (date(2014, 1, 1), False, False, False),
        (date(2027, 1, 1), True, False, False),
        (None, True, True, False),
    ],
)
def test_a_dependent_child_lives_in_the_home_and_is_under_16_or_in_education(born, resident, in_education, dependent):
    one = somebody(born=born, resident=resident, in_education=in_education)
    assert problem.dependent_child(one, on=ON) is dependent


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(
    ("found", "counted"),
    [
        ({("P1", "father"), ("P4", "father")}, 1),
        ({("P1", "father"), ("P4", "father"), ("P2", "child")}, 2),
        ({("P2", "father"), ("P4", "father"), ("P2", "child")}, 2),
        ({("P1", "father"), ("P4", "father"), ("P1", "uncle")}, 2),
        ({("P2", "father"), ("P2", "child")}, 1),
        ({("P1", "sent away"), ("P2", "sent away")}, 2),
    ],
)
def test_an_adult_who_lives_elsewhere_counts_for_one_problem(found, counted):
    family = [
        somebody("father", role=Role.ADULT, resident=False),
        somebody("uncle", role=Role.ADULT, resident=False),
        somebody("sent away", role=Role.CHILD, resident=False),
        somebody("child"),
    ]
    assert len(problem.counted(found, family)) == counted


PROBLEMS = [f"P{number}" for number in range(1, 7)]


@pytest.mark.requirement("D-17")
@given(
    st.sets(st.tuples(st.sampled_from(PROBLEMS), st.sampled_from("abcd"))),
    st.sets(st.sampled_from("abcd")),
)
def test_what_counts_was_found_and_grows_with_what_is_found(found, elsewhere):
    family = [somebody(one, role=Role.ADULT, resident=one not in elsewhere) for one in "abcd"]
    counted = problem.counted(found, family)
    assert counted <= {code for code, _ in found}
    assert counted >= {code for code, person in found if person not in elsewhere}
    for one in elsewhere:
        without = problem.counted({each for each in found if each[1] != one}, family)
        assert len(without) <= len(counted) <= len(without) + 1


@pytest.mark.requirement("R-007")
def test_distinct_problems_count_and_indicators_do_not():
    framework = a_framework(an_indicator("one"), an_indicator("two"), absence(), min_problems=2)
    rows = [a_row("S1.1", role="offender"), a_row("S1.2", role="offender")]
    found = problem.evidence(framework, [somebody()], rows, on=ON)
    assert len(found) == 4
    problems = problem.counted({(one.problem, one.person) for one in found}, [somebody()])
    assert not problem.proposes(framework, problems, [somebody()], on=ON)


@pytest.mark.requirement("R-007")
@pytest.mark.parametrize(
    ("problems", "least", "proposed"), [(["P1"], 2, False), (["P1", "P2"], 2, True), (["P1", "P2"], 3, False)]
)
def test_a_family_is_proposed_from_its_profiles_number_of_problems(problems, least, proposed):
    third = an_indicator("help", "P3")
    framework = a_framework(an_indicator(), absence(), third, min_problems=least)
    assert problem.proposes(framework, problems, [somebody()], on=ON) is proposed


@pytest.mark.requirement("D-17")
def test_a_family_without_a_dependent_child_is_not_proposed_unless_the_framework_says_so():
    adult = somebody(role=Role.ADULT, born=date(1985, 1, 1))
    indicators = (an_indicator(), absence())
    assert not problem.proposes(a_framework(*indicators), ["P1", "P2"], [adult], on=ON)
    open_to_all = a_framework(*indicators, dependent_child=False)
    assert problem.proposes(open_to_all, ["P1", "P2"], [adult], on=ON)


@pytest.mark.requirement("D-11")
@pytest.mark.requirement("R-114")
def test_what_could_not_be_told_is_unknown_and_not_absent():
    without = [{"code": "work", "problem": "P4", "label": "work", "status": "assumed", "note": "no feed"}]
    problems = [{"code": code, "label": code, "status": "assumed", "note": "for a test"} for code in ("P1", "P2", "P4")]
    framework = a_framework(an_indicator(), absence(), without_feed=without, problems=problems)
    assert problem.standings(framework, met={"P1"}, told={"offence"}) == {
        "P1": Standing.MET,
        "P2": Standing.UNKNOWN,
        "P4": Standing.UNKNOWN,
    }
    assert problem.standings(framework, met=set(), told={"offence", "absence"}) == {
        "P1": Standing.NOT_MET,
        "P2": Standing.NOT_MET,
        "P4": Standing.UNKNOWN,
    }


def test_one_family_one_rule_and_the_same_problems_are_one_proposal():
    one = problem.proposal_id("H1", "TEST/1", ["P1", "P2"])
    assert one == problem.proposal_id("H1", "TEST/1", ["P2", "P1"])
    assert one != problem.proposal_id("H1", "TEST/2", ["P1", "P2"])
