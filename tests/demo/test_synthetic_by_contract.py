"""Good and misbehaving files of every feed: each is exactly as good or as bad as it says of itself."""

import re
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import profiles
from family_exchange.demo import synthetic
from family_exchange.demo.synthetic import Misbehaviour, agreements, bundle, pattern, span, written
from family_exchange.demo.synthetic.broken_rows import broken_rows
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.expected import expected
from family_exchange.demo.synthetic.meaning import repeats
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.domain import drift
from family_exchange.domain.contract import PartnerType
from family_exchange.domain.file import Verdict
from family_exchange.domain.findings import AGE, WITHHELD
from family_exchange.stages import check, validate
from support.synthetic_files import PROFILE, PROFILES, rows

DURING = span.span(synthetic.TODAY)
SMALL = min(PROFILES, key=lambda profile: len(profile.feeds))
"""The council with which the fewest feeds are agreed."""
VERSIONS = [
    (feed, version)
    for feed in profiles.feeds()
    for version in profiles.versions(feed)
    if not profiles.contract(feed, version).tables
]
PATTERNS = sorted(
    {column.pattern for feed, version in VERSIONS for column in profiles.contract(feed, version).columns} - {None}
)
seeds = st.integers(0, 10**9)
every_feed = pytest.mark.parametrize(("feed", "version"), VERSIONS)
a_few = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def town():
    return synthetic.population(PROFILE, people=1500)


def writer(town, feed, version, seed):
    return Writer(Random(seed), agreements.agreed(feed, version), town, DURING)


def said(sheet, contract):
    """The platform's findings as `row → rules`."""
    found = {}
    for finding in validate.table(sheet.content(DURING), contract, None).findings:
        found.setdefault(finding.row_no, set()).add(finding.rule)
    return found


# --- rows ------------------------------------------------------------------------------------------------------


@every_feed
def test_a_good_file_of_any_feed_has_no_finding(town, feed, version):
    @a_few
    @given(seed=seeds)
    def holds(seed):
        sheet = writer(town, feed, version, seed).sheet()
        assert len(sheet.rows) >= 12
        assert said(sheet, profiles.contract(feed, version)) == {}

    holds()


@every_feed
def test_each_rule_is_broken_by_a_row_that_the_platform_finds_under_it_and_under_no_other_than_is_said(
    town, feed, version
):
    @a_few
    @given(seed=seeds)
    def holds(seed):
        made, missing = broken_rows(writer(town, feed, version, seed), Random(seed))
        contract = profiles.contract(feed, version)
        sheet = Sheet(feed, contract.headers, [tuple(bad.row.values()) for bad in made], contract=version)
        assert missing == []
        assert said(sheet, contract) == {number: set(bad.breaks) for number, bad in enumerate(made, start=1)}

    holds()


@every_feed
def test_every_rule_for_rows_has_its_row_and_most_rows_break_nothing_else(town, feed, version):
    made, _ = broken_rows(writer(town, feed, version, 1), Random(1))
    agreed = agreements.agreed(feed, version)
    gate = agreed.contract.age_gate
    gated = {AGE} if gate.min is not None or gate.max is not None else set()
    gated |= {WITHHELD} if agreed.secret else set()
    assert {bad.rule for bad in made} == {rule.meta.rule for rule in agreed.suite.row_rules} | gated
    assert sum(len(bad.breaks) == 1 for bad in made) >= 0.85 * len(made)


@every_feed
def test_somebody_is_written_down_alike_in_every_row(town, feed, version):
    sheet = writer(town, feed, version, 3).sheet()
    contract = profiles.contract(feed, version)
    ref = contract.headers.index(contract.column("record_ref").name)
    births = contract.headers.index(contract.column("date_of_birth").name)
    for row in sheet.rows:
        assert row[births] in {"", sheet.meant[row[ref]].born.strftime(contract.file.date_format)}


def test_two_partners_of_one_feed_know_other_people(town):
    north, south = (writer(town, "dwp_benefits", "v1", 3).sheet(place=place, of=2) for place in (0, 1))
    assert north.meant
    assert south.meant
    assert not {each.number for each in north.meant.values()} & {each.number for each in south.meant.values()}


def test_rows_repeat_only_where_all_of_a_key_is_there():
    pair = [{"a": "1", "b": ""}, {"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": " 1", "b": "2"}]
    assert repeats(pair, ["a", "b"]) == {2, 3}


@pytest.mark.parametrize(
    "wanted", [*PATTERNS, "^a|b{2}$", "^[^0-9 ./-]+$", r"^x\.y[\]a-c]{0,3}(?:no|yes)?$", "^[A-Z]{2,}.*$"]
)
def test_text_by_a_pattern_matches_it(wanted):
    @settings(max_examples=30, deadline=None)
    @given(seed=seeds)
    def holds(seed):
        assert re.search(wanted, pattern.text(wanted, Random(seed)))

    holds()


# --- bundles ---------------------------------------------------------------------------------------------------

BUNDLES = [
    profiles.contract(feed, version)
    for feed in profiles.feeds()
    for version in profiles.versions(feed)
    if profiles.contract(feed, version).tables
]


@pytest.mark.parametrize("contract", BUNDLES, ids=lambda contract: f"{contract.feed}-{contract.version}")
def test_a_good_bundle_has_no_finding_and_its_tables_tell_of_the_same_people(town, contract):
    @a_few
    @given(seed=seeds)
    def holds(seed):
        writer = bundle.BundleWriter(Random(seed), contract, town, DURING)
        tables, sheet = writer.tables()
        checked = validate.table(writer.content(tables), contract, None)
        assert list(checked.findings) == []
        assert set(checked.accepted.whole()["record_ref"]) == set(sheet.meant)
        for table in contract.tables:
            assert tables[table.name], table.name
            who = contract.of_table(table.name).column("record_ref").name
            assert {row[who] for row in tables[table.name]} <= set(sheet.meant)

    holds()


# --- files -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything():
    return synthetic.everything(PROFILE, people=800, seed=5, all_feeds=True)


def test_every_version_of_every_feed_has_a_good_file(everything):
    there = {(file.feed, file.contract) for file in everything.files if file.misbehaviour is None}
    assert there == {(feed, version) for feed in profiles.feeds() for version in profiles.versions(feed)}


def test_without_the_asking_there_are_only_feeds_that_the_council_takes():
    made = synthetic.everything(SMALL, people=200, seed=5)
    assert {file.feed for file in made.files} == set(SMALL.feeds)


def test_each_file_gets_the_verdict_that_its_line_promises(everything):
    for file in everything.files:
        told = check.file(
            file.content,
            file.feed,
            version=file.contract,
            profile=PROFILE if file.misbehaviour == "other_council" else None,
            name=file.name,
            signed_on=synthetic.TODAY,
        ).about
        answer = expected(file.misbehaviour, bundle=file.name.endswith(".zip"))
        assert told.verdict is written.verdict(file, written.findings(file)), file.name
        assert answer.readable == (told.counts is not None), file.name
        assert answer.readable or told.reason == answer.reason, file.name


def test_the_platform_finds_in_each_file_the_rows_and_rules_that_are_listed(everything):
    for file in everything.files:
        if expected(file.misbehaviour).readable:
            found = {}
            for finding in validate.table(file.content, profiles.contract(file.feed, file.contract), None).findings:
                found.setdefault((finding.table or "", finding.row_no), set()).add(finding.rule)
            assert found == written.findings(file), file.name


def test_nothing_is_found_where_nothing_is_wrong(everything):
    quiet = {"shrunk", "drifted_code", "emptied_column", "next_sequence", "older_sequence", "formulas", "odd_names"}
    for file in everything.files:
        if file.misbehaviour in quiet:
            assert written.verdict(file, written.findings(file)) is Verdict.ACCEPTED, file.name


def test_every_kind_of_mischief_is_there_for_every_feed_that_can_show_it(everything):
    kinds = {}
    for file in everything.files:
        kinds.setdefault((file.feed, file.contract), set()).add(file.misbehaviour)
    assert set().union(*kinds.values()) == {None, *Misbehaviour}
    for feed, there in kinds.items():
        assert {*Misbehaviour} - there <= {"drifted_code", "emptied_column", "missing_table"}, feed


def test_a_shrunk_file_is_a_small_part_of_the_good_one(everything):
    tables = [file for file in everything.files if file.name.endswith(".csv")]
    good = {(file.partner, file.feed): len(rows(file)) for file in tables if file.misbehaviour is None}
    shrunk = [file for file in tables if file.misbehaviour == "shrunk"]
    assert len(shrunk) == len(good)
    for file in shrunk:
        assert 0 < len(rows(file)) <= 0.1 * good[file.partner, file.feed]


HELD = {
    "shrunk": {drift.SHRANK},
    "drifted_code": {drift.CODE_GONE, drift.CODE_NEW, drift.CODES_MOVED},
    "emptied_column": {drift.EMPTIED},
}


def test_a_file_that_should_be_held_is_unlike_those_that_are_sent_before_it_and_they_are_like_each_other(everything):
    shapes, seen = {}, set()
    for file in everything.files:
        before = shapes.setdefault((file.partner, file.feed, file.contract), [])
        if file.misbehaviour in {*HELD, None, "next_sequence", "formulas", "odd_names"}:
            checked = validate.table(file.content, profiles.contract(file.feed, file.contract), None)
            shape = drift.Shape(checked.shape, checked.coverage_from, checked.coverage_to)
            found = {sign.rule for sign in drift.signs(shape, before, profiles.drift().limits(file.feed))}
            if file.misbehaviour not in HELD:
                assert not found, file.name
                before.append(shape)
            elif min(each.rows for each in before) >= 75:
                assert found & HELD[file.misbehaviour], file.name
                seen.add(file.misbehaviour)
    assert seen == set(HELD)


def test_formulas_stand_in_the_file_as_they_were_typed(everything):
    for file in everything.files:
        if file.misbehaviour == "formulas" and file.name.endswith(".csv"):
            assert b"=cmd|" in file.content, file.name


def test_the_same_arguments_give_the_same_files():
    one, other = (synthetic.everything(SMALL, people=200, seed=9) for _ in range(2))
    assert [(file.name, file.content) for file in one.files] == [(file.name, file.content) for file in other.files]


def test_the_files_of_the_demo_are_among_them_byte_for_byte():
    demo = synthetic.council(SMALL, people=200, seed=9).files
    assert synthetic.everything(SMALL, people=200, seed=9).files[: len(demo)] == demo


def test_a_council_that_takes_another_feed_gets_a_good_file_of_it_that_tells_of_the_canary():
    sender = PROFILE.partners[0].model_copy(
        update={"slug": "benefits", "type": PartnerType.DWP, "feeds": ("dwp_benefits",)}
    )
    profile = PROFILE.model_copy(update={"partners": (*PROFILE.partners, sender)})
    made = synthetic.council(profile, people=300, canary="Zzcanaryqq")
    (file,) = [file for file in made.files if file.feed == "dwp_benefits" and file.partner == "benefits"]
    assert file.misbehaviour is None
    assert b"Zzcanaryqq" in file.content


def test_the_folder_says_of_each_file_what_is_wrong_and_what_to_expect(everything, tmp_path):
    paths = synthetic.write(everything, tmp_path)
    readme = (tmp_path / "README.txt").read_text()
    listed = (tmp_path / "files.csv").read_text().splitlines()
    assert len(listed) == len(everything.files) + 1
    assert listed[0] == "partner,feed,name,misbehaviour,contract,wrong,check,ends,reason,aside"
    for kind in {file.misbehaviour for file in everything.files} - {None}:
        assert f"  {kind} " in readme
    assert len(set(paths)) == len(everything.files) + 4
