import re
import subprocess
import sys
from datetime import date

import pytest
import yaml

from family_exchange.adapters import profiles
from family_exchange.domain.indicator import Route
from support.agreements import a_copy_of_include, changed

TODAY = date(2026, 11, 22)


@pytest.fixture
def root(tmp_path):
    return a_copy_of_include(tmp_path)


def a_council(root, *, with_feed=None):
    """Some council, named by what it has: no test knows one by heart."""
    return next(
        council
        for council in profiles.councils(root=root)
        if with_feed is None or with_feed in profiles.profile(council, root=root).feeds
    )


def test_everything_that_is_agreed_is_sound():
    assert [str(problem) for problem in profiles.check()] == []


@pytest.mark.requirement("R-001")
def test_there_are_five_councils_and_each_says_who_it_is():
    found = [profiles.profile(council) for council in profiles.councils()]
    assert [profile.council for profile in found] == list(profiles.councils())
    assert len({profile.la_code for profile in found}) == len(found) == 5


@pytest.mark.requirement("R-053")
def test_every_council_makes_every_return():
    for council in profiles.councils():
        made = {code for code, promise in profiles.profile(council).returns.items() if promise.enabled}
        assert made == set(profiles.return_codes())


def test_one_council_is_the_demos():
    marked = [council for council in profiles.councils() if profiles.profile(council).demo_default]
    assert marked == [profiles.demo_council()]


def test_without_a_marked_council_the_demo_asks_for_one(root):
    changed(root, f"councils/{profiles.demo_council(root=root)}.yaml", "demo_default: true", "demo_default: false")
    with pytest.raises(profiles.NeedsDecision, match="--council"):
        profiles.demo_council(root=root)


def test_a_broken_profile_stops_neither_the_demo_nor_the_list_of_councils(root):
    broken = min(council for council in profiles.councils() if not profiles.profile(council).demo_default)
    (root / "councils" / f"{broken}.yaml").write_text("identity: [", encoding="utf-8")
    assert profiles.demo_council(root=root) == profiles.demo_council()
    assert profiles.councils(root=root) == profiles.councils()


def test_a_mistake_in_one_profile_is_named_and_the_others_are_still_read(root):
    broken, *others = profiles.councils(root=root)
    line = changed(root, f"councils/{broken}.yaml", "      - name: la_person_ref", "      - nam: la_person_ref")
    with pytest.raises(profiles.BadFile) as refused:
        profiles.profile(broken, root=root)
    first = refused.value
    assert (first.file, first.line) == (f"councils/{broken}.yaml", line)
    assert first.key.endswith(".nam")
    assert first.expected.startswith("expected one of name, note")
    for council in others:
        assert profiles.profile(council, root=root).council == council


def test_check_goes_through_every_file_and_never_stops_at_the_first(root):
    first, second, *_ = profiles.councils(root=root)
    changed(root, f"councils/{first}.yaml", "claim_model:", "claim_modell:")
    changed(root, f"councils/{second}.yaml", "min_problems: 2", "min_problems: 0")
    changed(root, "frameworks/SF2022.yaml", "min_problems: 3", "min_problems: 30")
    changed(root, "returns/fpd.yaml", "cohort: supported", "cohort: everybody")
    changed(root, "contracts/police_incidents/v1.yaml", "type: date", "type: dat")
    changed(root, "advice.yaml", "now:", "then:")
    files = {problem.file for problem in profiles.check(root=root)}
    assert files >= {
        f"councils/{first}.yaml",
        f"councils/{second}.yaml",
        "frameworks/SF2022.yaml",
        "returns/fpd.yaml",
        "contracts/police_incidents/v1.yaml",
        "advice.yaml",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shrunk_below: 0.2", "shrunk_below: 2", "every_feed.shrunk_below"),
        ("neet_destinations:", "neet_destination:", "feeds.neet_destination: expected a feed"),
        ("[activity_code, intended", "[activity, intended", "not activity"),
    ],
)
def test_limits_of_drift_are_about_feeds_and_headers_that_there_are(root, old, new, said):
    assert not any(problem.file == "drift.yaml" for problem in profiles.check(root=root))
    changed(root, "drift.yaml", old, new)
    (problem,) = [problem for problem in profiles.check(root=root) if problem.file == "drift.yaml"]
    assert said in str(problem)


def test_check_of_one_council_leaves_the_other_profiles_out(root):
    first, second, *_ = profiles.councils(root=root)
    changed(root, f"councils/{first}.yaml", "claim_model:", "claim_modell:")
    assert profiles.check(second, root=root) == []
    assert {problem.file for problem in profiles.check(first, root=root)} == {f"councils/{first}.yaml"}


def test_a_file_that_changes_is_read_again(root):
    council = a_council(root)
    assert profiles.profile(council, root=root).matching.possible == 0.5
    changed(root, f"councils/{council}.yaml", "possible: 0.5", "possible: 0.25")
    assert profiles.profile(council, root=root).matching.possible == 0.25


def test_an_unknown_council_is_refused_by_the_file_that_is_not_there():
    with pytest.raises(profiles.BadFile, match=r"councils/nowhere.yaml:1 the file: expected this file"):
        profiles.profile("nowhere")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("frameworks/TFP2015.yaml", lambda root: profiles.framework("TFP2015", root=root)),
        ("returns/nis.yaml", lambda root: profiles.return_definition("nis", root=root)),
        ("contracts/police_incidents/v1.yaml", lambda root: profiles.contract("police_incidents", root=root)),
    ],
)
def test_a_file_under_another_name_than_its_own_is_refused(root, name, call):
    folder, _, file = name.rpartition("/")
    other = {"TFP2015.yaml": "SF2022.yaml", "nis.yaml": "fpd.yaml", "v1.yaml": "../school_attendance/v1.yaml"}[file]
    (root / name).write_bytes((root / folder / other).read_bytes())
    with pytest.raises(profiles.BadFile, match="expected"):
        call(root)


@pytest.mark.requirement("R-113")
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('.txt:{line}"', '.txt:9999"', "expected a line of"),
        ('source: "{slug}.txt', 'source: "other.txt', "expected a line of the council's own notice"),
        ("quote: ", "quote: words that stand nowhere, ", "expected"),
    ],
)
def test_a_source_that_does_not_resolve_is_refused(root, old, new, expected):
    council = a_council(root)
    leaf = profiles.profile(council, root=root).purposes[0]
    line = leaf.source.partition(":")[2]
    changed(root, f"councils/{council}.yaml", old.format(line=line, slug=council), new)
    assert any(expected in problem.expected for problem in profiles.check(council, root=root))


def only_problem(root, council):
    problems = profiles.check(council, root=root)
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


@pytest.mark.requirement("R-053")
def test_a_field_that_the_notice_does_not_disclose_cannot_be_sent(root):
    council = next(c for c in profiles.councils() if not profiles.profile(c).collects("nhs_number"))
    changed(root, f"councils/{council}.yaml", "{name: forenames,", "{name: nhs_number,")
    problem = only_problem(root, council)
    assert problem.key.startswith("returns.nis.fields[")
    assert problem.expected == "expected a field that the notice discloses; nhs_number is not"


def test_a_field_that_no_return_has_is_refused(root):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", "{name: forenames,", "{name: shoe_size,")
    assert only_problem(root, council).expected.endswith("found an unknown field")


def test_a_field_that_every_row_needs_cannot_be_left_out(root):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", "name: la_person_ref", "name: date_screened")
    assert only_problem(root, council).expected == "expected la_person_ref among them"


@pytest.mark.requirement("R-098")
def test_a_category_that_a_feed_needs_must_have_a_rule(root):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", "category: education", "category: lessons")
    problem = only_problem(root, council)
    assert (problem.key, problem.expected) == (
        "retention",
        "expected a rule for education, which school_attendance needs",
    )


@pytest.mark.requirement("R-039")
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("feeds: [police_incidents", "feeds: [school_attendance", "expected a partner of type education"),
        ("feeds: [police_incidents", "feeds: [weather", "expected this file; it is not there"),
    ],
)
def test_a_partner_sends_only_feeds_that_are_agreed_for_its_kind(root, old, new, expected):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", old, new)
    assert expected in [problem.expected for problem in profiles.check(council, root=root)]


@pytest.mark.requirement("R-034")
@pytest.mark.parametrize(
    ("data_class", "expected"),
    [
        ("ethnicity", "expected a line of the notice from which ethnicity follows"),
        ("police_reference", "expected a line of the notice from which police_reference follows"),
        ("housing", None),
    ],
)
def test_what_is_specially_guarded_is_taken_in_only_where_the_notice_says_so(root, data_class, expected):
    council = next(c for c in profiles.councils() if not profiles.profile(c).collects(data_class))
    added = f"data_classes:\n  - {{data_class: {data_class}, status: assumed, note: a guess}}"
    changed(root, f"councils/{council}.yaml", "data_classes:", added)
    found = [(problem.key, problem.expected) for problem in profiles.check(council, root=root)]
    assert [key for key, _ in found] == (["data_classes[0]"] if expected else [])
    assert all(said.startswith(expected) for _, said in found)


@pytest.mark.requirement("R-035")
def test_a_feed_of_which_only_names_could_be_kept_is_refused(root):
    council = next(
        c for c in profiles.councils() if not profiles.profile(c).collects("housing")
        and not profiles.profile(c).collects("financial") and profiles.profile(c).collects("crime_asb")
    )  # fmt: skip
    changed(root, f"councils/{council}.yaml", "type: education", "type: housing")
    changed(root, f"councils/{council}.yaml", "feeds: [school_attendance", "feeds: [housing_tenancies")
    changed(root, "contracts/housing_tenancies/v1.yaml", "data_class: crime_asb", "data_class: housing")
    expected = "expected a feed of which the notice discloses more than who somebody is"
    assert expected in [problem.expected for problem in profiles.check(council, root=root)]


def test_a_broken_contract_stops_the_councils_that_need_it_and_no_other(root):
    changed(root, "contracts/housing_tenancies/v1.yaml", "type: decimal", "type: dezimal")
    taken = {council: "housing_tenancies" in profiles.profile(council).feeds for council in profiles.councils()}
    assert set(taken.values()) == {True, False}
    for council, needs_it in taken.items():
        if needs_it:
            with pytest.raises(profiles.BadFile, match=r"contracts/housing_tenancies/v1\.yaml"):
                profiles.profile(council, root=root)
        else:
            council_profile = profiles.profile(council, root=root)
            assert profiles.framework_in_force(council_profile, TODAY, root=root).indicators


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("column: asb_case", "column: asb_matter", "expected columns of housing_tenancies; it has no asb_matter"),
        ("value: open", "value: ajar", "expected codes of asb_case: open, closed, none"),
        ("value: [suspect, offender]", "value: [suspect, crook]", "expected codes of role"),
        ("feed: school_attendance", "feed: weather", "expected a feed with a sound contract"),
        ("source: bolton.txt:27", "source: bolton.txt:2", "it is blank"),
    ],
)
def test_an_indicator_that_no_feed_can_answer_is_refused(root, old, new, expected):
    changed(root, "frameworks/TFP2015.yaml", old, new)
    found = [problem for problem in profiles.check(root=root) if problem.file == "frameworks/TFP2015.yaml"]
    assert any(expected in problem.expected for problem in found)


@pytest.mark.requirement("R-007", "R-014")
def test_the_framework_in_force_carries_the_councils_threshold_and_its_own_words(root):
    council = next(c for c in profiles.councils() if profiles.profile(c).framework_on(TODAY).overrides.problems)
    in_force = profiles.framework_in_force(profiles.profile(council), TODAY)
    as_published = profiles.framework("TFP2015")
    assert in_force.min_problems == 2
    assert in_force.problem_codes == as_published.problem_codes
    assert in_force.problems != as_published.problems
    changed(root, f"councils/{council}.yaml", "min_problems: 2", "min_problems: 3")
    assert profiles.framework_in_force(profiles.profile(council, root=root), TODAY, root=root).min_problems == 3


def test_a_council_can_choose_the_later_framework(root):
    council = next(c for c in profiles.councils() if not profiles.profile(c).framework_on(TODAY).overrides.problems)
    changed(root, f"councils/{council}.yaml", "code: TFP2015", "code: SF2022")
    changed(root, f"councils/{council}.yaml", "min_problems: 2", "min_problems: 3")
    in_force = profiles.framework_in_force(profiles.profile(council, root=root), TODAY, root=root)
    assert (in_force.code, in_force.min_problems, len(in_force.problems)) == ("SF2022", 3, 10)


def test_a_threshold_above_the_number_of_problems_is_refused(root):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", "min_problems: 2", "min_problems: 7")
    assert only_problem(root, council).expected == "expected at most 6"


@pytest.mark.requirement("R-114", "R-035")
@pytest.mark.parametrize("council", profiles.councils())
def test_a_problem_of_which_a_council_takes_nothing_in_is_unknown_there(council):
    taken = profiles.profile(council)
    in_force = profiles.framework_in_force(taken, TODAY)
    fed = {each.problem for each in in_force.indicators if each.route is Route.DATA}
    unknown = set(in_force.problem_codes) - fed
    assert ("P5" in unknown) == (not taken.collects("domestic_abuse"))
    assert ("P4" in unknown) == ("housing_tenancies" not in taken.feeds)
    assert "P6" in unknown
    assert unknown <= {each.problem for each in in_force.without_feed}


def test_an_override_of_a_problem_that_the_framework_has_not_is_refused(root):
    council = next(c for c in profiles.councils() if profiles.profile(c).framework_on(TODAY).overrides.problems)
    changed(root, f"councils/{council}.yaml", "code: P1\n", "code: P9\n")
    assert only_problem(root, council).expected == "overrides name problems that the framework has not: P9"


def test_a_profile_under_another_name_than_its_own_is_refused(root):
    first, second, *_ = profiles.councils(root=root)
    (root / "councils" / f"{first}.yaml").write_bytes((root / "councils" / f"{second}.yaml").read_bytes())
    problem = only_problem(root, first)
    assert (problem.key, problem.expected) == ("identity.slug", "expected the name of the file")


@pytest.mark.requirement("R-003")
def test_a_feed_that_serves_no_purpose_of_the_notice_is_refused(root):
    council = a_council(root)
    contract = root / "contracts" / "school_attendance" / "v1.yaml"
    only = re.sub(r"purposes: \[.*?\]", "purposes: [statistics]", contract.read_text(encoding="utf-8"))
    contract.write_text(only, encoding="utf-8")
    path = root / "councils" / f"{council}.yaml"
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    profile["purposes"] = [each for each in profile["purposes"] if each["purpose"] != "statistics"]
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    assert only_problem(root, council).expected == "expected a feed that serves a purpose of the notice"


@pytest.mark.requirement("R-084", "R-096")
def test_repealed_law_and_stale_contacts_are_shown_with_what_holds_now():
    shown = {council: " ".join(str(each) for each in profiles.advice(council)) for council in profiles.councils()}
    everything = " ".join(shown.values())
    for old in ("Data Protection Act 1998", "gcsx.gov.uk", "08456 30 60 60", "Article 6 Part g"):
        assert f"`{old}` no longer holds; now:" in everything
    assert "department[" not in everything


@pytest.mark.requirement("R-001")
def test_no_councils_name_stands_in_code():
    words = {word for c in profiles.councils() for word in (c, profiles.profile(c).name.casefold())}
    words |= {word for name in profiles.councils() for word in name.split("-") if len(word) > 5}
    project = profiles.ROOT.parent
    for folder in (project / "include" / "family_exchange", project / "dags", project / "plugins"):
        for path in folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8").casefold()
            assert not [word for word in words if word in text], path.relative_to(project)


HEAVY = ("polars", "pandas", "great_expectations", "duckdb", "splink", "paramiko", "psycopg", "sqlalchemy", "airflow")


def test_reading_every_profile_is_quick_and_loads_no_heavy_library():
    code = f"""
import sys, time
started = time.perf_counter()
from family_exchange.adapters import profiles
from family_exchange.domain.indicator import Route
for council in profiles.councils():
    profiles.profile(council)
took = time.process_time()
heavy = sorted(set({HEAVY!r}) & set(sys.modules))
assert not heavy, heavy
assert took < 30, took
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(profiles.ROOT)})


@pytest.mark.parametrize(
    ("agreed", "expected"),
    [
        ("police_incidents: [{version: v1, until: 2026-12-31}]", None),
        ("police_incidents: [{version: v9}]", "expected versions that have a contract; not v9"),
        ("weather: [{version: v1}]", "expected a feed of the partner"),
    ],
)
def test_a_partner_may_send_only_versions_that_have_a_contract(root, agreed, expected):
    council = a_council(root)
    changed(root, f"councils/{council}.yaml", "  - slug: police\n", f"  - slug: police\n    versions: {{{agreed}}}\n")
    assert [problem.expected for problem in profiles.check(council, root=root)] == ([expected] if expected else [])


def test_the_versions_of_a_feed_are_known_oldest_first(root):
    folder = root / "contracts" / "police_incidents"
    for version in ("v2", "v10"):
        (folder / f"{version}.yaml").write_bytes((folder / "v1.yaml").read_bytes())
    assert profiles.versions("police_incidents", root=root) == ("v1", "v2", "v10")
