"""The two frameworks as they stand: each headline problem, whoever it is of, and what is published about it."""

from datetime import date

import pytest

from family_exchange.adapters import profiles
from family_exchange.domain import eligibility, problem
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Overrides
from family_exchange.domain.problem import Nomination, Row, Subject

ON = date(2026, 11, 22)
RECENT = date(2026, 9, 1)
TFP, SF = profiles.framework("TFP2015"), profiles.framework("SF2022")
WAKEFIELD = TFP.with_overrides(profiles.profile("wakefield").framework_on(ON).overrides)
EVERY_COUNCIL = profiles.councils()

CHILD = Subject("child", Role.CHILD, True, date(2014, 5, 5))
ADULT = Subject("adult", Role.ADULT, True, date(1985, 5, 5))


def aged(years, person="child"):
    born = date(ON.year - years, ON.month, ON.day)
    return Subject(person, Role.ADULT if years >= 18 else Role.CHILD, True, born)


def row(feed, **values):
    return Row("S1.1", "", feed, "", RECENT, {"event_on": RECENT} | values)


def met(framework, member, *rows, nominations=(), on=ON):
    """The problems that these rows of one member's evidence."""
    hers = [Row(f"S1.{n}", member.person, r.feed, r.event_ref or str(n), r.as_of, r.values) for n, r in enumerate(rows)]
    return {one.problem for one in problem.evidence(framework, [member], hers, nominations, on=on)}


def indicators_met(framework, member, *rows):
    hers = [Row(f"S1.{n}", member.person, r.feed, str(n), r.as_of, r.values) for n, r in enumerate(rows)]
    return {one.indicator for one in problem.evidence(framework, [member], hers, on=ON)}


@pytest.mark.parametrize(("framework", "problems", "least"), [(TFP, 6, 2), (SF, 10, 3)])
def test_a_framework_has_its_problems_its_threshold_and_its_days(framework, problems, least):
    assert (len(framework.problems), framework.min_problems, framework.version) == (problems, least, 3)
    assert TFP.valid_to == SF.valid_from == date(2022, 10, 3)


@pytest.mark.parametrize("framework", [TFP, SF])
def test_both_frameworks_read_every_feed_that_tells_of_a_problem(framework):
    read = framework.feeds | {sign.feed for sign in framework.signs}
    assert read == set(profiles.feeds())


@pytest.mark.requirement("R-114")
@pytest.mark.parametrize("framework", [TFP, SF])
def test_what_stands_without_a_feed_is_what_none_tells(framework):
    assert {each.problem for each in framework.without_feed} <= set(framework.problem_codes)
    assert all("no feed tells of it" in (each.note or "") for each in framework.without_feed)
    assert len(framework.without_feed) <= 5
    for code in framework.problem_codes:
        assert any(each.feed is not None for each in framework.indicators_of(code))
        assert any(each.kind == "nomination" for each in framework.indicators_of(code))
        assert any(each.referral for each in framework.indicators_of(code))


@pytest.mark.parametrize("framework", [TFP, SF])
def test_what_nobody_published_is_assumed_and_says_why(framework):
    for each in framework.indicators:
        assert each.status != "published"
        assert each.note


OFFENCE = row("police_incidents", role="offender", incident_type="crime", outcome="charged")


@pytest.mark.requirement("R-008")
@pytest.mark.parametrize("member", [CHILD, ADULT])
@pytest.mark.parametrize(("framework", "code"), [(TFP, "P1"), (SF, "O7")])
def test_parents_or_children_involved_in_crime_or_antisocial_behaviour(framework, code, member):
    assert met(framework, member, OFFENCE) == {code}
    assert met(framework, member, row("police_incidents", role="suspect", incident_type="asb")) == {code}
    assert (
        met(framework, member, row("police_incidents", role="witness", incident_type="crime", outcome="none")) == set()
    )
    behaviour = {"role": "perpetrator", "intervention": "warning", "intervention_date": RECENT}
    assert met(framework, member, row("anti_social_behaviour", **behaviour)) == {code}
    assert met(framework, member, row("anti_social_behaviour", **behaviour | {"role": "victim"})) == set()
    assert met(framework, member, row("youth_justice", disposal="youth_caution")) == {code}


@pytest.mark.requirement("R-008")
@pytest.mark.parametrize(
    ("values", "indicators"),
    [
        ({"order_type": "community_order"}, {"under_supervision"}),
        ({"order_type": "community_order", "supervision_end": date(2026, 12, 1)}, {"under_supervision"}),
        ({"order_type": "community_order", "supervision_end": ON}, set()),
        ({"order_type": "custody", "expected_release": date(2027, 6, 1)}, {"release_within_a_year"}),
        ({"order_type": "custody", "expected_release": date(2028, 6, 1)}, set()),
        ({"order_type": "custody"}, set()),
    ],
)
def test_an_order_counts_while_it_lasts_and_custody_when_release_is_near(values, indicators):
    assert indicators_met(TFP, ADULT, row("probation_supervision", **values)) == indicators


def terms(*, possible=100, authorised=(0, 0, 0), unauthorised=(0, 0, 0)):
    ends = (date(2025, 12, 19), date(2026, 3, 27), date(2026, 7, 20))
    return [
        row("school_attendance", event_on=end, sessions_possible=possible, sessions_authorised=one,
            sessions_unauthorised=other, fixed_term_exclusions=0)
        for end, one, other in zip(ends, authorised, unauthorised, strict=True)
    ]  # fmt: skip


def attending(numerator, op, threshold, aggregate="mean", **more):
    rate = {"numerator": numerator, "denominator": "sessions_possible", "op": op, "threshold": threshold, "last": 3}
    indicator = {
        "code": "unauthorised_absence", "problem": "P2", "label": "a published variant", "feed": "school_attendance",
        "kind": "rate", "rate": rate | {"aggregate": aggregate} | more, "role": "child", "age": {"min": 4, "max": 17},
        "status": "assumed", "note": "another council publishes it",
    }  # fmt: skip
    return TFP.with_overrides(Overrides.model_validate({"indicators": [indicator]}))


OVERALL, UNAUTHORISED = ["sessions_authorised", "sessions_unauthorised"], ["sessions_unauthorised"]
VARIANTS = {
    "Derby: more than 10 per cent unauthorised, averaged over three terms": attending(UNAUTHORISED, "gt", "0.10"),
    "Shropshire: 10 per cent or more of all sessions": attending(OVERALL, "ge", "0.10"),
    "Lincolnshire: 15 per cent or more unauthorised in each term": attending(UNAUTHORISED, "ge", "0.15", "each"),
    "Surrey until 2015: not above 85 per cent attendance in each term": attending(OVERALL, "ge", "0.15", "each"),
    "Surrey from 2015: not above 90 per cent attendance in each term": attending(OVERALL, "ge", "0.10", "each"),
}  # fmt: skip


@pytest.mark.requirement("R-009")
@pytest.mark.parametrize(
    ("pupil", "met_by"),
    [
        # exactly 10 per cent without leave in every term
        (terms(unauthorised=(10, 10, 10)), ("Shropshire", "Surrey from")),
        # 11 without leave on average, one term at 3
        (terms(unauthorised=(3, 15, 15)), ("Derby", "Shropshire")),
        # 12 with leave in every term
        (terms(authorised=(12, 12, 12)), ("Shropshire", "Surrey from")),
        # 15 without leave in every term
        (terms(unauthorised=(15, 15, 15)), ("Derby", "Shropshire", "Lincolnshire", "Surrey until", "Surrey from")),
        # 15 in every term, some of it with leave
        (terms(authorised=(6, 6, 6), unauthorised=(9, 9, 9)), ("Shropshire", "Surrey until", "Surrey from")),
        # 9 in every term
        (terms(unauthorised=(9, 9, 9)), ()),
    ],
)
def test_one_pupil_flips_with_each_of_the_five_published_variants(pupil, met_by):
    found = {name for name, framework in VARIANTS.items() if met(framework, CHILD, *pupil) == {"P2"}}
    assert found == {name for name in VARIANTS if name.startswith(met_by)} - ({*VARIANTS} if not met_by else set())


@pytest.mark.requirement("R-009")
def test_a_term_of_too_few_sessions_says_nothing():
    few = terms(possible=10, unauthorised=(9, 9, 9))
    assert met(attending(UNAUTHORISED, "ge", "0.10"), CHILD, *few) == {"P2"}
    assert met(attending(UNAUTHORISED, "ge", "0.10", least_denominator=20), CHILD, *few) == set()


@pytest.mark.requirement("R-009")
@pytest.mark.parametrize(("framework", "code"), [(TFP, "P2"), (SF, "O1")])
def test_children_who_have_not_been_attending_school_regularly(framework, code):
    assert met(framework, CHILD, *terms(unauthorised=(12, 12, 12))) == {code}
    assert met(framework, CHILD, row("school_exclusions", category="PERM")) == {code}
    suspended = [row("school_exclusions", category="SUSP") for _ in range(3)]
    assert met(framework, CHILD, *suspended) == {code}
    assert met(framework, CHILD, *suspended[:2]) == set()
    assert met(framework, ADULT, row("school_exclusions", category="PERM")) == set()


@pytest.mark.requirement("R-010")
@pytest.mark.parametrize(("framework", "code"), [(TFP, "P3"), (SF, "O6")])
def test_the_child_who_is_missing_needs_help_and_not_whoever_saw_it_last(framework, code):
    for role, holds in (("victim", True), ("witness", False), ("suspect", False)):
        told = row("police_incidents", incident_type="missing", role=role, outcome="none")
        assert met(framework, CHILD, told) == ({code} if holds else set())


LONG_AGO = date(2024, 3, 31)


@pytest.mark.parametrize(
    ("tenancy", "ended_on", "tfp", "sf"),
    [
        ({"asb_case": "open"}, None, {"P1"}, {"O7"}),
        ({"asb_case": "open"}, date(2026, 12, 31), {"P1"}, {"O7"}),
        ({"asb_case": "open"}, RECENT, set(), set()),
        ({"notice_seeking_possession": True}, None, {"P4"}, {"O9"}),
        ({"notice_seeking_possession": True}, RECENT, set(), set()),
        ({"eviction": True}, None, {"P4"}, {"O9"}),
        ({"eviction": True}, RECENT, {"P4"}, {"O9"}),
        ({"eviction": True}, LONG_AGO, set(), set()),
    ],
)
def test_what_is_said_of_a_tenancy_holds_while_it_runs_and_an_eviction_for_a_year(tenancy, ended_on, tfp, sf):
    told = row("housing_tenancies", **tenancy, event_on=ended_on)
    assert (met(TFP, ADULT, told), met(SF, ADULT, told)) == (tfp, sf)


@pytest.mark.requirement("R-010")
@pytest.mark.parametrize("born", [date(2010, 1, 1), date(2026, 1, 1), date(2027, 2, 1)])
@pytest.mark.parametrize("start", ["earl_start_date", "cine_start_date", "cppl_start_date"])
def test_children_of_all_ages_who_need_help_born_and_unborn(start, born):
    member = Subject("child", Role.CHILD, True, born)
    end = start.replace("start", "end")
    assert met(TFP, member, row("childrens_social_care", **{start: RECENT})) == {"P3"}
    assert met(TFP, member, row("childrens_social_care", **{start: RECENT, end: date(2026, 12, 1)})) == {"P3"}
    assert met(TFP, member, row("childrens_social_care", **{start: date(2026, 12, 1)})) == set()
    assert met(TFP, member, row("childrens_social_care", **{start: date(2024, 1, 1), end: date(2025, 1, 1)})) == set()


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize(("years", "holds"), [(15, False), (16, True), (17, True), (18, True), (19, False)])
@pytest.mark.parametrize(("framework", "code"), [(WAKEFIELD, "P4"), (TFP, "P4"), (SF, "O10")])
def test_young_people_of_16_to_18_who_neither_learn_nor_work(framework, code, years, holds):
    idle = row("neet_destinations", activity_code="610")
    assert met(framework, aged(years), idle) == ({code} if holds else set())
    assert met(framework, aged(years), row("neet_destinations", activity_code="220")) == set()


@pytest.mark.requirement("R-011")
def test_rent_arrears_of_any_amount_are_enough_in_the_council_that_publishes_them_and_set_nothing_else():
    small = row("housing_tenancies", arrears_amount=1)
    assert met(WAKEFIELD, ADULT, small) == {"P4"}
    assert met(TFP, ADULT, small) == set()
    assert met(WAKEFIELD, CHILD, small) == set()
    named = {each.code: each for each in WAKEFIELD.indicators}
    for code in ("rent_arrears", "not_in_education_or_work"):
        assert (named[code].status, named[code].source) == ("published", "wakefield.txt:16")


@pytest.mark.requirement("R-011")
@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({"benefit_type": "JSA"}, True),
        ({"benefit_type": "CA"}, False),
        ({"benefit_type": "UC", "uc_conditionality": "searching_for_work"}, True),
        ({"benefit_type": "UC", "uc_conditionality": "working_no_requirements"}, False),
        ({"benefit_type": "ESA", "award_to": date(2026, 10, 1)}, False),
        ({"benefit_type": "ESA", "award_to": date(2026, 12, 31)}, True),
    ],
)
@pytest.mark.parametrize(("framework", "code"), [(TFP, "P4"), (SF, "O10")])
def test_adults_out_of_work(framework, code, values, holds):
    assert met(framework, ADULT, row("dwp_benefits", **values)) == ({code} if holds else set())


@pytest.mark.requirement("R-012")
@pytest.mark.parametrize(("framework", "code"), [(TFP, "P5"), (SF, "O8")])
@pytest.mark.parametrize(
    ("told", "side"),
    [
        (row("police_incidents", incident_type="domestic_abuse", role="victim"), "victim"),
        (row("police_incidents", incident_type="domestic_abuse", role="suspect"), "perpetrator"),
        (row("police_incidents", incident_type="crime", da_flag=True, role="victim"), "victim"),
        (row("police_domestic_abuse", role="victim"), "victim"),
        (row("police_domestic_abuse", role="offender"), "perpetrator"),
        (row("domestic_abuse_support", role="victim"), "victim"),
        (row("domestic_abuse_support", role="perpetrator"), "perpetrator"),
        (row("probation_supervision", order_type="custody", da_perpetrator=True), "perpetrator"),
    ],
)
def test_victims_and_perpetrators_both_count_and_are_kept_apart(framework, code, told, side):
    assert met(framework, ADULT, told) == {code}
    assert {name.rpartition("_")[2] for name in indicators_met(framework, ADULT, told)} == {side}


@pytest.mark.requirement("R-013")
@pytest.mark.parametrize("member", [CHILD, ADULT])
def test_parents_or_children_with_a_range_of_health_problems(member):
    care = row("mental_health_contacts", referral_status="open")
    treatment = row("substance_misuse_treatment", consent=True, treatment_status="in_treatment")
    assert met(TFP, member, care) == {"P6"}
    assert met(TFP, member, treatment) == {"P6"}
    assert met(SF, member, care) == {"O3"}
    assert met(SF, member, treatment) == {"O4"}
    assert met(TFP, member, row("mental_health_contacts", referral_status="discharged")) == set()
    assert met(TFP, member, row("substance_misuse_treatment", consent=False, treatment_status="in_treatment")) == set()


@pytest.mark.requirement("R-014")
def test_councils_that_publish_no_criteria_choose_the_national_framework_and_say_so():
    published = {council: profiles.profile(council).criteria_published.value for council in EVERY_COUNCIL}
    assert [council for council, told in published.items() if told] == ["bolton", "wakefield"]
    for council in EVERY_COUNCIL:
        choice = profiles.profile(council).framework_on(ON)
        assert choice.code == "TFP2015"
        assert bool(choice.overrides.indicators) == (council == "wakefield")


def test_early_years_relationships_and_housing_are_outcomes_of_their_own():
    baby = Subject("baby", Role.CHILD, True, date(2026, 6, 1))
    help_ = {"relationship": "child", "contact_type": "one_year", "service_level": "specialist"}
    assert met(SF, baby, row("health_visiting", **help_)) == {"O2"}
    assert met(SF, CHILD, row("health_visiting", **help_)) == set()
    assert met(SF, CHILD, row("childrens_social_care", earl_start_date=RECENT)) == {"O5"}
    assert met(SF, ADULT, row("housing_tenancies", notice_seeking_possession=True, event_on=None)) == {"O9"}


@pytest.mark.requirement("R-018")
@pytest.mark.parametrize("framework", [TFP, SF])
def test_a_referrer_names_the_needs_and_they_are_labelled(framework):
    referral = row("direct_referrals", need_crime_asb=True, need_money=True, need_school=False)
    found = indicators_met(framework, ADULT, referral)
    assert found == {"crime_referral", "money_referral"}
    assert {each.route for each in framework.indicators if each.code in found} == {"referral"}


@pytest.mark.parametrize("framework", [TFP, SF])
def test_a_professional_may_nominate_for_every_problem(framework):
    for each in framework.indicators:
        if each.kind == "nomination":
            said = Nomination(1, each.code, RECENT, "teacher", None)
            assert met(framework, CHILD, nominations=[said]) == {each.problem}


@pytest.mark.requirement("D-17")
def test_the_guidance_of_2022_counts_expectant_parents_and_the_framework_of_2015_does_not():
    expecting = Subject("mother", Role.ADULT, True, date(1995, 1, 1), expecting=True)
    assert eligibility.has_a_child(SF, [expecting], on=ON)
    assert not eligibility.has_a_child(TFP, [expecting], on=ON)
    antenatal = row("health_visiting", expected_date_of_birth=date(2027, 2, 1))
    assert SF.expectant_parent
    assert all(problem.shows(sign, [antenatal], on=ON) for sign in SF.expectant_parent.shown_by)


@pytest.mark.requirement("D-17")
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (row("school_attendance", sessions_possible=120), True),
        (row("school_attendance", sessions_possible=0), False),
        (row("school_attendance", event_on=date(2025, 7, 20), sessions_possible=120), False),
        (row("neet_destinations", activity_code="220"), True),  # college
        (row("neet_destinations", activity_code="380"), True),  # training
        (row("neet_destinations", activity_code="610"), True),  # out of work, at home
        (row("neet_destinations", activity_code="310"), False),  # at work
    ],
)
def test_a_young_person_stays_dependent_in_education_in_training_or_out_of_work(told, kept):
    assert TFP.dependent_child
    assert any(problem.shows(sign, [told], on=ON) for sign in TFP.dependent_child.kept_by) is kept
