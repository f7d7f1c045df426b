import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from family_exchange.domain.framework import Framework, Overrides
from family_exchange.domain.indicator import Indicator, Route
from support import profiles as a


def test_a_framework_tells_the_indicators_of_a_problem():
    framework = Framework.model_validate(a.framework())
    assert [each.code for each in framework.indicators_of("P1")] == ["offence"]
    assert framework.problem_codes == ("P1", "P2")
    assert framework.rule == "TST2020/3"


@pytest.mark.requirement("R-114")
def test_a_problem_that_no_feed_can_evidence_has_no_indicator_and_says_what_would():
    framework = Framework.model_validate(a.framework())
    assert framework.indicators_of("P2") == ()
    assert [each.code for each in framework.without_feed] == ["health"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"indicators": [a.indicator(), a.indicator()]}, "each code once; offence repeats"),
        ({"indicators": [a.indicator(problem="P9")]}, "P9 is none"),
        ({"without_feed": []}, "what would evidence P2"),
        ({"min_problems": 3}, "no more problems"),
        ({"valid_to": "2019-01-01"}, "a day after `valid_from`"),
        ({"code": "tfp"}, "match pattern"),
    ],
)
def test_a_framework_that_does_not_hold_together_is_refused(changes, expected):
    with pytest.raises(ValidationError, match=expected):
        Framework.model_validate(a.framework(**changes))


RATE = {
    "numerator": ["missed"],
    "denominator": "possible",
    "op": "ge",
    "threshold": 0.1,
    "aggregate": "mean",
    "last": 3,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "rate"}, "`rate` goes with `kind: rate`"),
        ({"rate": RATE}, "`rate` goes with `kind: rate`"),
        ({"where": []}, "at least one condition"),
        ({"kind": "rate", "rate": RATE | {"denominator": None}}, "goes without a denominator"),
        ({"kind": "rate", "rate": RATE | {"aggregate": "sum"}}, "goes without a denominator"),
        ({"kind": "rate", "rate": RATE | {"op": "eq"}}, "Input should be"),
        ({"kind": "count"}, "`at_least` goes with"),
        ({"at_least": 3}, "`at_least` goes with"),
        ({"kind": "count", "at_least": 3, "where": []}, "at least one condition"),
        ({"kind": "nomination"}, "has no `feed`"),
        ({"feed": None}, "has no `feed`"),
        ({"kind": "nomination", "feed": None}, "goes without `where`"),
        ({"nominators": ["teacher"]}, "`nominators` goes with"),
    ],
)
def test_an_indicator_that_cannot_be_evaluated_is_refused(changes, expected):
    with pytest.raises(ValidationError, match=expected):
        Indicator.model_validate(a.indicator(**changes))


def test_an_indicator_names_every_column_that_it_reads():
    rate = a.indicator(kind="rate", rate=RATE)
    assert Indicator.model_validate(rate).columns == {"role", "missed", "possible"}
    windowed = a.indicator(window_months=12, window_column="ended_on")
    assert Indicator.model_validate(windowed).columns == {"role", "ended_on"}
    total = a.indicator(kind="rate", rate=RATE | {"denominator": None, "aggregate": "sum"}, where=[])
    assert Indicator.model_validate(total).columns == {"missed"}


@pytest.mark.requirement("R-018")
def test_an_indicator_says_by_which_route_it_is_known():
    nomination = a.indicator(kind="nomination", feed=None, where=[])
    routes = [Indicator.model_validate(each).route for each in (a.indicator(), a.indicator(referral=True), nomination)]
    assert routes == [Route.DATA, Route.REFERRAL, Route.NOMINATION]
    assert Indicator.model_validate(nomination).columns == frozenset()


@pytest.mark.requirement("R-018")
def test_what_a_council_cannot_be_told_is_named_and_a_referral_is_not_missed():
    indicators = [a.indicator(), a.indicator(code="referred", referral=True)]
    framework = Framework.model_validate(a.framework(indicators=indicators)).limited_to(lambda _: False)
    assert framework.indicators == ()
    assert [(each.code, each.status) for each in framework.without_feed] == [
        ("health", "assumed"),
        ("offence", "assumed"),
    ]


@pytest.mark.requirement("R-011")
def test_a_council_replaces_an_indicator_by_its_code_and_adds_a_new_one():
    overrides = Overrides.model_validate(
        {
            "problems": [{"code": "P1", "label": "in our words", **a.ASSUMED}],
            "indicators": [a.indicator(label="ours"), a.indicator(code="more", problem="P2")],
        }
    )
    framework = Framework.model_validate(a.framework()).with_overrides(overrides)
    assert [(each.code, each.label) for each in framework.indicators] == [("offence", "ours"), ("more", "an offence")]
    assert [problem.label for problem in framework.problems] == ["in our words", "health"]


def test_an_indicator_that_gets_a_feed_is_no_longer_without_one_and_the_other_way_round():
    framework = Framework.model_validate(a.framework())
    fed = framework.with_overrides(Overrides.model_validate({"indicators": [a.indicator(code="health", problem="P2")]}))
    assert fed.without_feed == ()
    unfed = {"code": "offence", "problem": "P1", "label": "no feed here", **a.ASSUMED}
    assert framework.with_overrides(Overrides.model_validate({"without_feed": [unfed]})).indicators == ()


@pytest.mark.parametrize(
    "overrides",
    [{"problems": [{"code": "P9", "label": "new", **a.ASSUMED}]}, {"indicators": [a.indicator(problem="P9")]}],
)
def test_an_override_of_a_problem_that_is_not_there_is_refused(overrides):
    with pytest.raises(ValueError, match="P9"):
        Framework.model_validate(a.framework()).with_overrides(Overrides.model_validate(overrides))


@given(codes=st.sets(st.sampled_from(["offence", "health", "more", "other"])))
def test_overriding_twice_equals_once_and_never_loses_a_problem(codes):
    overrides = Overrides.model_validate({"indicators": [a.indicator(code=code) for code in sorted(codes)]})
    framework = Framework.model_validate(a.framework(problems=[{"code": "P1", "label": "x", **a.ASSUMED}],
                                                     without_feed=[], min_problems=1))  # fmt: skip
    once = framework.with_overrides(overrides)
    assert once.with_overrides(overrides) == once
    assert {each.code for each in once.indicators} == codes | {"offence"}
