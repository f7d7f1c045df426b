from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from family_exchange.domain.column import DataClass
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.profile import Profile, assumed
from support import profiles as a


def a_profile(**changes):
    return Profile.model_validate(a.profile(**changes))


def test_a_profile_says_who_the_council_is():
    profile = a_profile()
    assert (profile.council, profile.name, profile.la_code) == ("anywhere", "Anywhere Council", "999")
    assert profile.programme == "Our Programme"
    assert profile.feeds == ("police_incidents",)


def test_the_partners_of_a_feed_stand_in_the_order_of_the_profile():
    profile = a_profile(partners=[a.partner(), a.partner(slug="other-police"), a.partner(slug="z", feeds=["other"])])
    assert [partner.slug for partner in profile.partners_for("police_incidents")] == ["police", "other-police"]
    assert profile.partners_for("nothing") == ()
    assert profile.partner("z").feeds == ("other",)


def test_a_partner_without_an_agreement_is_for_a_person_to_decide():
    with pytest.raises(NeedsDecision, match="anywhere has no partner stranger"):
        a_profile().partner("stranger")


@pytest.mark.requirement("R-028")
@given(data_class=st.sampled_from(DataClass))
def test_only_what_the_notice_names_is_collected_and_references_always_are(data_class):
    assert a_profile().collects(data_class) == (data_class in {DataClass.NAME, DataClass.REFERENCE})


@pytest.mark.requirement("R-002")
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2018, 1, 7), "Old Department"),
        (date(2018, 1, 8), "New Department"),
        (date(2026, 11, 22), "New Department"),
    ],
)
def test_the_department_is_called_what_it_was_called_on_the_day(day, expected):
    assert a_profile().department_on(day) == expected


@pytest.mark.requirement("R-014")
def test_the_framework_in_force_is_chosen_by_day():
    choices = [
        {"code": "TFP2015", "min_problems": 2, "until": date(2022, 10, 3), **a.ASSUMED},
        {"code": "SF2022", "min_problems": 3, "valid_from": date(2022, 10, 3), "until": date(2025, 4, 1), **a.ASSUMED},
    ]
    profile = a_profile(frameworks=choices)
    assert profile.framework_on(date(2022, 10, 2)).code == "TFP2015"
    assert profile.framework_on(date(2022, 10, 3)).min_problems == 3
    with pytest.raises(NeedsDecision, match="chooses no framework for 2025-04-01"):
        profile.framework_on(date(2025, 4, 1))


@pytest.mark.requirement("R-003")
def test_a_purpose_that_the_notice_does_not_give_is_not_allowed():
    profile = a_profile()
    assert profile.allows("identify")
    assert not profile.allows("statistics")


@pytest.mark.requirement("R-082")
def test_nothing_runs_for_a_purpose_without_a_lawful_basis():
    profile = a_profile()
    assert profile.basis_for("identify").article_6 == ("6(1)(e)",)
    with pytest.raises(NeedsDecision, match="no lawful basis for the purpose statistics"):
        profile.basis_for("statistics")


@pytest.mark.requirement("R-098")
def test_a_category_without_a_rule_is_for_a_person_to_decide():
    profile = a_profile()
    assert profile.retention_rule("crime_asb").years == 6
    with pytest.raises(NeedsDecision, match="no retention rule for mental_health"):
        profile.retention_rule("mental_health")


def test_a_return_gives_its_values_without_their_sources():
    promise = a_profile().returns["nis"]
    assert (promise.enabled, promise.recipient, promise.comparison_group) == (True, "the recipient", True)
    assert (promise.sign_offs, promise.due_working_days, promise.fields) == (2, 30, ("la_code",))
    assert promise.periods[0].code == "H1"


def basis(**changes):
    return {"purposes": ["identify"], "article_6": ["6(1)(e)"], **a.ASSUMED, **changes}


def legal(**changes):
    return {"bases": [basis(**changes)], "consent": a.leaf(value=False), "mandatory": a.leaf(value=True)}


def collecting(*data_classes):
    return [{"data_class": data_class, **a.ASSUMED} for data_class in data_classes]


@pytest.mark.requirement("R-034")
@pytest.mark.parametrize(
    ("data_class", "condition"),
    [
        ("ethnicity", "article_9"),
        ("health", "article_9"),
        ("crime_asb", "article_10"),
        ("justice_reference", "article_10"),
    ],
)
def test_a_sensitive_class_needs_its_condition(data_class, condition):
    with pytest.raises(ValidationError, match=f"expected an `{condition}`, which {data_class} need"):
        a_profile(data_classes=collecting(data_class))
    assert a_profile(data_classes=collecting(data_class), legal=legal(**{condition: ["a condition"]}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"purposes": [{"purpose": "identify", **a.ASSUMED}] * 2}, "identify repeats"),
        ({"data_classes": collecting("name", "name")}, "name repeats"),
        ({"partners": [a.partner(), a.partner()]}, "police repeats"),
        ({"retention": [*a.OWN_RULES, a.rule("crime_asb")]}, "crime_asb repeats"),
        ({"retention": a.OWN_RULES[1:]}, "expected a rule for nis_return"),
        ({"purposes": [{"purpose": "monitor", **a.ASSUMED}]}, "a basis for the purposes monitor"),
        ({"contacts": [{"kind": "regulator", "value": "x", **a.ASSUMED}]}, "one of the kind data_protection"),
        ({"frameworks": []}, "at least 1 item"),
        ({"matching": {"certain": 0.5, "possible": 0.5, **a.ASSUMED}}, "must be below"),
        ({"uk_only": a.leaf(value=False)}, "Input should be True"),
        ({"returns": {"nis": a.return_promise(sign_offs=a.leaf(1))}}, "greater than or equal to 2"),
        ({"returns": {"nis": a.return_promise(fields=[{"name": "x", **a.ASSUMED}] * 2)}}, "`fields` repeat x"),
    ],
)
def test_a_profile_that_does_not_hold_together_is_refused(changes, expected):
    with pytest.raises(ValidationError, match=expected):
        a_profile(**changes)


@pytest.mark.requirement("R-036", "R-112")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"notice_version": 2}, "expected 1, the version of the notice in force"),
        ({"approved_by": ""}, "at least 1 character"),
        ({"expires_on": date(2026, 4, 1)}, "must be after `approved_on`"),
        ({"gateways": []}, "at least 1 item"),
    ],
)
def test_a_feed_needs_an_agreement_that_somebody_approved_under_the_notice_in_force(change, expected):
    with pytest.raises(ValidationError, match=expected):
        a_profile(partners=[a.partner(agreement=a.agreement(**change))])


@pytest.mark.requirement("R-098")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"days": 30}, "not both"),
        ({"years": None}, "give `years`, `days` or an `event`"),
        ({"max_years": 6}, "`max_years` goes with fewer"),
        ({"years": None, "days": 1, "max_years": 2}, "`max_years` goes with fewer"),
        ({"trigger": "event"}, "`event` goes with `trigger: event`"),
        ({"event": "programme_end"}, "`event` goes with `trigger: event`"),
        ({"trigger_status": "assumed"}, "needs a `trigger_note`"),
    ],
)
def test_a_retention_rule_that_could_be_read_two_ways_is_refused(change, expected):
    with pytest.raises(ValidationError, match=expected):
        a_profile(retention=[*a.OWN_RULES[:-1], a.rule("crime_asb", **change)])


@pytest.mark.requirement("R-109")
def test_an_event_alone_ends_a_period():
    rule = a.rule("crime_asb", years=None, trigger="event", event="research_project_concluded")
    profile = a_profile(retention=[*a.OWN_RULES[:-1], rule])
    assert profile.retention_rule("crime_asb").event == "research_project_concluded"


def test_what_is_only_assumed_is_listed_by_its_key_path_as_the_file_writes_it():
    published = {"status": "published", "source": "anywhere.txt:1", "note": None}
    rules = [a.rule(rule["category"], **published) for rule in a.OWN_RULES]
    rules[0] = a.rule("nis_return", **published, trigger_status="assumed", trigger_note="why")
    paths = assumed(a_profile(retention=rules, claim_model=a.leaf("none", **published)))
    assert "identity.la_code" in paths
    assert "returns.nis.fields[0]" in paths
    assert "returns.nis.enabled" in paths
    assert "partners[0].agreement" in paths
    assert "retention[0].trigger" in paths
    assert not {"claim_model", "retention[1]", "retention[1].trigger"} & set(paths)
