from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import eligibility, problem
from family_exchange.domain.eligibility import Standing
from family_exchange.domain.family import Role
from family_exchange.domain.framework import DependentChild, Framework
from family_exchange.domain.indicator import Indicator
from family_exchange.domain.problem import Row, Subject

ON = date(2026, 11, 22)
USUAL = DependentChild(status="assumed", note="for a test")


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


def a_referral(code="referred", code_of="P1"):
    return an_indicator(code, code_of, feed="direct_referrals", referral=True)


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


def somebody(person="P1", *, role=Role.CHILD, born=date(2014, 5, 5), resident=True, **more):
    return Subject(person, role, resident, born, **more)


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(
    ("born", "resident", "kept", "dependent"),
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
def test_a_dependent_child_lives_in_the_home_and_is_under_16_or_kept(born, resident, kept, dependent):
    one = somebody(born=born, resident=resident, kept=kept)
    assert eligibility.dependent_child(one, USUAL, on=ON) is dependent


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
    assert len(eligibility.counted(found, family)) == counted


PROBLEMS = [f"P{number}" for number in range(1, 7)]


@pytest.mark.requirement("D-17")
@given(
    st.sets(st.tuples(st.sampled_from(PROBLEMS), st.sampled_from("abcd"))),
    st.sets(st.sampled_from("abcd")),
)
def test_what_counts_was_found_and_grows_with_what_is_found(found, elsewhere):
    family = [somebody(one, role=Role.ADULT, resident=one not in elsewhere) for one in "abcd"]
    counted = eligibility.counted(found, family)
    assert counted <= {code for code, _ in found}
    assert counted >= {code for code, person in found if person not in elsewhere}
    for one in elsewhere:
        without = eligibility.counted({each for each in found if each[1] != one}, family)
        assert len(without) <= len(counted) <= len(without) + 1


@pytest.mark.requirement("R-007")
def test_distinct_problems_count_and_indicators_do_not():
    absence = an_indicator("absence", "P2", feed="school_attendance")
    framework = a_framework(an_indicator("one"), an_indicator("two"), absence, min_problems=2)
    rows = [Row(f"S1.{n}", "P1", "police_incidents", "", ON, {"role": "offender"}) for n in (1, 2)]
    found = problem.evidence(framework, [somebody()], rows, on=ON)
    assert len(found) == 4
    problems = eligibility.counted({(one.problem, one.person) for one in found}, [somebody()])
    assert not eligibility.proposes(framework, problems, [somebody()], on=ON)


@pytest.mark.requirement("R-007")
@pytest.mark.parametrize(
    ("problems", "least", "proposed"), [(["P1"], 2, False), (["P1", "P2"], 2, True), (["P1", "P2"], 3, False)]
)
def test_a_family_is_proposed_from_its_profiles_number_of_problems(problems, least, proposed):
    third = an_indicator("help", "P3")
    framework = a_framework(an_indicator(), an_indicator("absence", "P2"), third, min_problems=least)
    assert eligibility.proposes(framework, problems, [somebody()], on=ON) is proposed


@pytest.mark.requirement("D-17")
def test_a_family_without_a_dependent_child_is_not_proposed_unless_the_framework_says_so():
    adult = somebody(role=Role.ADULT, born=date(1985, 1, 1))
    indicators = (an_indicator(), an_indicator("absence", "P2"))
    assert not eligibility.proposes(a_framework(*indicators), ["P1", "P2"], [adult], on=ON)
    open_to_all = a_framework(*indicators, dependent_child=None)
    assert eligibility.proposes(open_to_all, ["P1", "P2"], [adult], on=ON)


@pytest.mark.requirement("D-11")
@pytest.mark.requirement("R-114")
def test_what_could_not_be_told_is_unknown_and_not_absent():
    without = [{"code": "work", "problem": "P4", "label": "work", "status": "assumed", "note": "no feed"}]
    problems = [{"code": code, "label": code, "status": "assumed", "note": "for a test"} for code in ("P1", "P2", "P4")]
    framework = a_framework(an_indicator(), an_indicator("absence", "P2"), without_feed=without, problems=problems)
    assert eligibility.standings(framework, met={"P1"}, told={"offence"}, on=ON) == {
        "P1": Standing.MET,
        "P2": Standing.UNKNOWN,
        "P4": Standing.UNKNOWN,
    }
    assert eligibility.standings(framework, met=set(), told={"offence", "absence"}, on=ON) == {
        "P1": Standing.NOT_MET,
        "P2": Standing.NOT_MET,
        "P4": Standing.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        ({"offence", "old_offence"}, Standing.NOT_MET),
        ({"offence"}, Standing.NOT_MET),
        ({"old_offence"}, Standing.UNKNOWN),
    ],
)
def test_what_is_not_asked_for_on_the_day_is_not_awaited_and_shows_no_absence(told, standing):
    old = an_indicator("old_offence", feed="x", valid_to=ON)
    assert eligibility.standings(a_framework(an_indicator(), old), set(), told, on=ON) == {"P1": standing}
    assert eligibility.standings(a_framework(old), set(), {"old_offence"}, on=ON) == {"P1": Standing.UNKNOWN}


def test_one_family_one_rule_and_the_same_problems_are_one_proposal():
    one = eligibility.proposal_id("H1", "TEST/1", ["P1", "P2"])
    assert one == eligibility.proposal_id("H1", "TEST/1", ["P2", "P1"])
    assert one != eligibility.proposal_id("H1", "TEST/2", ["P1", "P2"])


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(("cap", "counts"), [(1, 1), (2, 2), (3, 3), (None, 3)])
def test_the_cap_of_an_adult_elsewhere_is_the_frameworks(cap, counts):
    father = somebody("father", role=Role.ADULT, resident=False)
    found = {("P1", "father"), ("P4", "father"), ("P5", "father")}
    assert len(eligibility.counted(found, [father, somebody("child")], cap)) == counts


def test_a_nomination_of_the_whole_family_counts_whoever_lives_elsewhere():
    father = somebody("father", role=Role.ADULT, resident=False)
    found = {("P1", "father"), ("P4", "father"), ("P5", None)}
    assert len(eligibility.counted(found, [father])) == 2


EXPECTING = {"shown_by": [], "status": "assumed", "note": "for a test"}


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(
    ("member", "holds"),
    [
        ({"expecting": True}, True),
        ({"expecting": True, "resident": False}, False),
        ({"role": Role.CHILD, "born": date(2027, 1, 1)}, True),
        ({}, False),
    ],
)
def test_a_family_that_expects_a_child_counts_where_the_framework_says_so(member, holds):
    one = somebody(**{"role": Role.ADULT, "born": date(1995, 1, 1)} | member)
    expectant = a_framework(an_indicator(), expectant_parent=EXPECTING)
    assert eligibility.proposes(expectant, ["P1"], [one], on=ON) is holds
    assert not eligibility.proposes(a_framework(an_indicator()), ["P1"], [one], on=ON)


@pytest.mark.requirement("R-018")
def test_nobody_waits_for_a_referral_or_a_nomination():
    nominated = an_indicator("nominated", kind="nomination", feed=None, where=[])
    framework = a_framework(an_indicator(), a_referral(), nominated)
    told = eligibility.told(framework, {"police_incidents"})
    assert eligibility.standings(framework, set(), told, on=ON) == {"P1": Standing.NOT_MET}
    assert eligibility.standings(framework, set(), eligibility.told(framework, set()), on=ON) == {
        "P1": Standing.UNKNOWN
    }


def test_a_problem_that_only_somebodys_word_can_show_is_unknown_until_it_is_said():
    framework = a_framework(a_referral())
    assert eligibility.standings(framework, set(), eligibility.told(framework, set()), on=ON) == {
        "P1": Standing.UNKNOWN
    }
    assert eligibility.standings(framework, {"P1"}, set(), on=ON) == {"P1": Standing.MET}


def test_an_assessment_says_what_counts_what_does_not_and_what_nobody_could_tell():
    framework = a_framework(
        an_indicator(), an_indicator("absence", "P2"), an_indicator("rent", "P4"), an_indicator("help", "P3", feed="x"),
        min_problems=2,
    )  # fmt: skip
    family = [somebody("child"), somebody("father", role=Role.ADULT, resident=False)]
    found = {("P1", "father"), ("P4", "father"), ("P2", "child")}
    one = eligibility.assess(framework, family, found, {"police_incidents"}, on=ON)
    assert (one.proposed, one.problems, one.capped, one.unknown) == (True, ("P1", "P2"), ("P4",), ("P3",))
