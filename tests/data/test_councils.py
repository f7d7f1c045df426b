"""What the five notices promise, looked up in the profiles: the golden copy of what each council may do."""

from collections import Counter
from datetime import date

import pytest

from family_exchange.adapters import profiles
from family_exchange.adapters.agreement import WHO_CLASSES
from family_exchange.domain.contract import PartnerType
from family_exchange.domain.profile import assumed, leaves

TODAY = date(2026, 11, 22)
COUNCILS = profiles.councils()
BOLTON, CHESHIRE, HALTON, HEREFORD, WAKEFIELD = COUNCILS
REFERENCES = {"la_code", "la_person_ref", "family_ref"}
PROBLEMS = {f"p{number}" for number in range(1, 7)}
ADDRESS = {"address_line_1", "address_line_2", "town", "postcode"}


def profile(council):
    return profiles.profile(council)


@pytest.mark.parametrize(
    ("council", "fields"),
    [
        pytest.param(
            CHESHIRE,
            {"forenames", "surname", "date_of_birth", "sex", "postcode", "nino", "upn", "group", "intervention_status"}
            | PROBLEMS,
            marks=[pytest.mark.requirement("R-054"), pytest.mark.requirement("R-037")],
        ),
        pytest.param(
            BOLTON,
            {"forenames", "surname", "date_of_birth", "sex", "group"} | ADDRESS | PROBLEMS,
            marks=pytest.mark.requirement("R-055"),
        ),
        pytest.param(
            HEREFORD,
            {"forenames", "surname", "date_of_birth", "nino", "group"} | ADDRESS,
            marks=pytest.mark.requirement("R-056"),
        ),
        (HALTON, {"forenames", "surname", "date_of_birth", "postcode", "group"}),
        (WAKEFIELD, {"forenames", "surname", "date_of_birth", "postcode", "group"}),
    ],
)
def test_the_study_gets_exactly_what_the_notice_names_and_the_councils_own_references(council, fields):
    assert set(profile(council).returns["nis"].fields) == fields | REFERENCES


@pytest.mark.parametrize("council", [HALTON, WAKEFIELD])
def test_a_field_list_that_no_notice_publishes_is_marked_as_assumed(council):
    statuses = {leaf.name: leaf.status for leaf in profile(council).returns["nis"].field_leaves}
    assert {statuses[name] for name in ("forenames", "surname", "date_of_birth", "postcode")} == {"assumed"}


@pytest.mark.requirement("R-057")
@pytest.mark.parametrize("council", COUNCILS)
def test_both_groups_are_sent_and_where_the_notice_is_silent_the_owner_has_to_confirm(council):
    promise = profile(council).returns["nis"]
    assert promise.comparison_group
    assert (promise.comparison_leaf.status == "assumed") == (council in {HALTON, CHESHIRE})


@pytest.mark.requirement("R-050")
@pytest.mark.parametrize("council", COUNCILS)
def test_progress_data_tells_of_supported_families_only(council):
    assert not profile(council).returns["fpd"].comparison_group
    assert profiles.return_definition("fpd").cohort == "supported"


@pytest.mark.requirement("R-049")
@pytest.mark.parametrize("council", COUNCILS)
@pytest.mark.parametrize("code", ["fpd", "nis"])
def test_a_year_has_two_periods(council, code):
    periods = [(period.start, period.end) for period in profile(council).returns[code].periods]
    assert periods == [("04-01", "09-30"), ("10-01", "03-31")]


@pytest.mark.requirement("R-058")
def test_every_return_goes_to_the_one_trusted_third_party():
    names = {profile(council).returns[code].recipient for council in COUNCILS for code in ("fpd", "nis")}
    assert names == {"Office for National Statistics", "Office of National Statistics (ONS)"}
    assert profile(BOLTON).returns["nis"].recipient_leaf.status == "published"
    assert profile(CHESHIRE).returns["nis"].recipient_leaf.status == "assumed"


@pytest.mark.parametrize(
    ("council", "category", "years", "source"),
    [
        pytest.param(CHESHIRE, "adult_social_care", 6, 79, marks=pytest.mark.requirement("R-099")),
        pytest.param(CHESHIRE, "looked_after_children", 75, 80, marks=pytest.mark.requirement("R-100")),
        pytest.param(CHESHIRE, "special_educational_needs", 31, 81, marks=pytest.mark.requirement("R-101")),
        pytest.param(CHESHIRE, "children_other", 25, 82, marks=pytest.mark.requirement("R-102")),
        pytest.param(CHESHIRE, "vulnerable_adults", 10, 83, marks=pytest.mark.requirement("R-103")),
        pytest.param(CHESHIRE, "mental_health", 20, 84, marks=pytest.mark.requirement("R-104")),
        pytest.param(HEREFORD, "nis_return", 6, 22, marks=pytest.mark.requirement("R-106")),
        pytest.param(HALTON, "nis_return", 7, 44, marks=pytest.mark.requirement("R-107")),
        pytest.param(WAKEFIELD, "nis_return", 5, 53, marks=pytest.mark.requirement("R-108")),
        pytest.param(BOLTON, "nis_return", None, 68, marks=pytest.mark.requirement("R-109")),
    ],
)
def test_a_period_that_a_notice_publishes_is_kept_to_the_letter(council, category, years, source):
    rule = profile(council).retention_rule(category)
    assert (rule.years, rule.status) == (years, "published")
    assert rule.source == f"{profile(council).notice.file}:{source}"


def test_the_published_range_is_reviewed_at_its_lower_end_and_ends_at_its_upper():
    rule = profile(CHESHIRE).retention_rule("vulnerable_adults")
    assert (rule.years, rule.max_years, rule.action) == (10, 30, "review")


@pytest.mark.parametrize(
    ("council", "trigger", "event"),
    [
        (BOLTON, "event", "research_project_concluded"),
        (HEREFORD, "event", "programme_end"),
        (HALTON, "return_accepted", None),
        (WAKEFIELD, "return_accepted", None),
    ],
)
def test_the_clock_of_research_data_starts_where_the_notice_says_or_is_assumed_to(council, trigger, event):
    rule = profile(council).retention_rule("nis_return")
    assert (rule.trigger, rule.event) == (trigger, event)
    assert (rule.trigger_status == "assumed") == (trigger == "return_accepted")


@pytest.mark.requirement("R-110")
@pytest.mark.parametrize("council", COUNCILS)
@pytest.mark.parametrize("category", ["partner_file", "quarantined_file", "staged_file"])
def test_what_the_platform_only_works_with_is_kept_for_days(council, category):
    rule = profile(council).retention_rule(category)
    assert rule.days is not None
    assert rule.days <= 90


@pytest.mark.requirement("R-007")
@pytest.mark.parametrize("council", COUNCILS)
def test_the_notice_in_force_decides_so_two_of_six_problems_count(council):
    choice = profile(council).framework_on(TODAY)
    assert (choice.code, choice.min_problems) == ("TFP2015", 2)
    assert (choice.status == "published") == (council in {BOLTON, WAKEFIELD})
    assert (profile(council).criteria_published.value, council in {BOLTON, WAKEFIELD}) in {(True, True), (False, False)}


@pytest.mark.requirement("R-011")
def test_young_people_of_16_to_18_and_rent_arrears_of_any_amount_count_where_the_notice_says_so():
    framework = profiles.framework_in_force(profile(WAKEFIELD), TODAY)
    young = next(each for each in framework.without_feed if each.code == "not_in_education_or_work")
    assert (young.age.min, young.age.max, young.status) == (16, 18, "published")
    arrears = next(each for each in framework.indicators if each.code == "rent_arrears")
    assert (arrears.where[0].op, arrears.where[0].value, arrears.status) == ("gt", 0, "published")


@pytest.mark.requirement("R-009")
def test_regular_attendance_is_a_rate_over_three_terms():
    rate = next(i.rate for i in profiles.framework("TFP2015").indicators_of("P2") if i.rate and i.rate.denominator)
    assert (rate.numerator, rate.op, float(rate.threshold), rate.aggregate, rate.last) == (
        ("sessions_unauthorised",),
        "ge",
        0.1,
        "mean",
        3,
    )


@pytest.mark.requirement("R-029", "R-034", "R-035")
@pytest.mark.parametrize(
    ("data_class", "councils"),
    [
        ("ethnicity", {CHESHIRE}),
        ("nhs_number", {CHESHIRE, WAKEFIELD}),
        ("nino", {CHESHIRE, WAKEFIELD, HEREFORD}),
        ("upn", {CHESHIRE, WAKEFIELD}),
        ("police_reference", {WAKEFIELD}),
        ("justice_reference", set()),
        ("housing", {CHESHIRE, WAKEFIELD}),
        ("domestic_abuse", {BOLTON, CHESHIRE, HEREFORD, WAKEFIELD}),
        ("sex", {BOLTON, CHESHIRE, HALTON, WAKEFIELD}),
        ("name", set(COUNCILS)),
        ("mental_health", {CHESHIRE}),
    ],
)
def test_a_class_of_data_is_taken_in_only_where_the_notice_names_it(data_class, councils):
    assert {council for council in COUNCILS if profile(council).collects(data_class)} == councils


@pytest.mark.parametrize(
    ("council", "feeds"),
    [
        (CHESHIRE, {"police_incidents", "school_attendance", "childrens_social_care", "housing_tenancies"}),
        (WAKEFIELD, {"police_incidents", "school_attendance", "childrens_social_care", "housing_tenancies"}),
        (BOLTON, {"police_incidents", "school_attendance", "childrens_social_care"}),
        (HALTON, {"police_incidents", "school_attendance", "childrens_social_care"}),
        (HEREFORD, {"police_incidents", "school_attendance", "childrens_social_care"}),
    ],
)
def test_a_council_takes_the_feeds_of_the_partners_that_its_notice_names(council, feeds):
    assert set(profile(council).active_feeds) == feeds


def leading_class(contract):
    """The class of data that the feed is about: that of most of its columns beyond who somebody is."""
    told = Counter(column.data_class for column in contract.columns if column.data_class not in WHO_CLASSES)
    return told.most_common(1)[0][0]


def named_types(profile_of_it):
    """The types of partner that the council's notice names, in its own words or by what they mean."""
    partners = (*profile_of_it.partners, *profile_of_it.named_partners)
    return {partner.type for partner in partners if partner.status != "assumed"}


@pytest.mark.requirement("R-034", "R-035", "R-036")
@pytest.mark.parametrize("feed", profiles.feeds())
@pytest.mark.parametrize("council", COUNCILS)
def test_a_feed_is_agreed_exactly_where_the_notice_names_such_a_partner_and_what_the_feed_is_about(council, feed):
    contract, its = profiles.contract(feed), profile(council)
    covered = bool(named_types(its) & set(contract.partner_types)) and its.collects(leading_class(contract))
    senders = [partner for partner in its.partners if feed in partner.feeds]
    only_assumed = bool(senders) and all(partner.status == "assumed" for partner in senders)
    assert bool(senders) == (covered or only_assumed)
    assert not only_assumed or (council, feed) in {(BOLTON, "police_incidents"), (BOLTON, "school_attendance")}


@pytest.mark.parametrize(
    ("council", "feed", "why"),
    [
        (HALTON, "housing_tenancies", "housing"),
        (HEREFORD, "housing_tenancies", "housing"),
        (HALTON, "police_domestic_abuse", "domestic_abuse"),
        (HALTON, "school_exclusions", "behaviour"),
        (HEREFORD, "health_visiting", "health"),
        (WAKEFIELD, "mental_health_contacts", "mental_health"),
        (HALTON, "substance_misuse_treatment", {"substance_misuse", "public_health"}),
        (WAKEFIELD, "domestic_abuse_support", {"domestic_abuse"}),
        (WAKEFIELD, "youth_justice", {"youth_justice"}),
        (BOLTON, "dwp_benefits", {"dwp"}),
    ],
)
def test_a_feed_stays_out_because_the_notice_names_no_such_data_or_no_such_partner(council, feed, why):
    assert feed not in profile(council).feeds
    if isinstance(why, str):
        assert leading_class(profiles.contract(feed)) == why
        assert not profile(council).collects(why)
    else:
        assert set(profiles.contract(feed).partner_types) == why
        assert not why & named_types(profile(council))


@pytest.mark.requirement("R-036")
@pytest.mark.parametrize("council", COUNCILS)
def test_every_agreed_feed_has_an_approver_a_day_an_end_and_the_version_of_the_notice(council):
    for partner in profile(council).partners:
        agreed = partner.agreement
        assert agreed.approved_by
        assert agreed.approved_on < agreed.expires_on
        assert agreed.notice_version == profile(council).notice.version


@pytest.mark.parametrize("council", COUNCILS)
def test_what_is_agreed_and_not_connected_is_not_received(council):
    its = profile(council)
    waiting = set(its.feeds) - set(its.active_feeds)
    assert waiting
    assert all(its.partners_for(feed) == () for feed in waiting)


@pytest.mark.requirement("R-040")
def test_every_kind_of_partner_that_a_notice_names_is_known():
    named = {p.type for c in COUNCILS for p in (*profile(c).partners, *profile(c).named_partners)}
    assert named == set(PartnerType)


@pytest.mark.requirement("R-083")
def test_the_one_council_that_lists_its_statutes_has_all_sixteen():
    profile_of_it = profile(CHESHIRE)
    assert len(profile_of_it.legal.statutes) == 16
    assert [s.source for s in profile_of_it.legal.statutes] == [f"{CHESHIRE}.txt:{line}" for line in range(25, 41)]


@pytest.mark.requirement("R-082")
def test_a_basis_is_kept_as_published_and_as_it_must_be_read():
    basis = profile(CHESHIRE).basis_for("identify")
    assert [each.value for each in basis.as_published][1] == "General Data Protection Legislation Article 6 Part g"
    assert basis.article_9[0].startswith("UK GDPR Article 9(2)(g)")
    assert basis.article_10 == ("Data Protection Act 2018 Schedule 1 Part 3 paragraph 36",)
    assert basis.status == "interpreted"


@pytest.mark.requirement("R-003", "R-004")
@pytest.mark.parametrize("council", COUNCILS)
def test_planning_and_statistics_use_anonymised_data_only(council):
    identifiable = {each.purpose: each.identifiable for each in profile(council).purposes}
    assert not identifiable["plan_services"]
    assert not identifiable["statistics"]
    assert identifiable["identify"]


@pytest.mark.requirement("R-073", "R-074")
@pytest.mark.parametrize("council", COUNCILS)
def test_local_research_takes_no_more_than_the_notice_gives(council):
    research = profile(council).local_research
    assert research.may_reuse_nis_dataset.value == (council == WAKEFIELD)
    assert research.include_not_invited.value == (council in {BOLTON, WAKEFIELD})


@pytest.mark.requirement("R-069")
def test_the_national_datasets_stand_as_the_notice_lists_them():
    datasets = profile(BOLTON).national_datasets
    assert [len(each.datasets) for each in datasets] == [2, 2, 1, 4, 1, 1]


@pytest.mark.requirement("R-022", "R-087", "R-091", "R-097")
@pytest.mark.parametrize("council", COUNCILS)
def test_rights_hold_everywhere_even_where_the_notice_is_silent(council):
    rights = profile(council).rights
    granted = (rights.access, rights.rectification, rights.restriction, rights.objection, rights.complaint)
    assert all(right.value for right in (*granted, rights.objection_to_research))
    assert not rights.charge.value
    assert not rights.automated_decisions.value
    assert profile(council).uk_only.value


@pytest.mark.requirement("R-095", "R-096")
@pytest.mark.parametrize("council", COUNCILS)
def test_every_council_says_whom_to_ask_and_whom_to_complain_to(council):
    assert profile(council).contact("data_protection")
    assert profile(council).contact("regulator")


@pytest.mark.requirement("R-023")
def test_a_lead_worker_is_promised_by_one_notice():
    assert [council for council in COUNCILS if profile(council).lead_worker.value] == [WAKEFIELD]


@pytest.mark.parametrize("council", COUNCILS)
def test_every_published_leaf_names_a_line_and_every_assumed_one_says_why(council):
    found = [leaf for _, leaf in leaves(profile(council))]
    assert sum(leaf.status == "published" for leaf in found) >= 30
    assert all(leaf.note for leaf in found if leaf.status == "assumed")
    assert len(assumed(profile(council))) < len(found)


@pytest.mark.parametrize("council", COUNCILS)
def test_what_tells_rows_apart_is_of_a_class_that_the_notice_allows(council):
    """A workbook names the key of a row with a finding, and a keyed digest of it is kept: neither may be dropped."""
    read = profile(council)
    feeds = {feed for partner in read.partners for feed in partner.feeds}
    layouts = [profiles.contract(feed, version) for feed in feeds for version in profiles.versions(feed)]
    layouts += [layout.of_table(table.name) for layout in layouts for table in layout.tables]
    assert layouts
    dropped = [
        (layout.feed, layout.version, key)
        for layout in layouts
        for key in layout.key
        if not read.collects(layout.column(key).data_class)
    ]
    assert dropped == []
