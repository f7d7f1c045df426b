"""Every suite passes its good sample, names every bad row, and says what its contract says."""

import re

import pytest

from family_exchange.adapters import expectations, profiles, tabular
from family_exchange.domain.column import ColumnType, DataClass, Sensitivity
from family_exchange.domain.findings import Severity
from family_exchange.domain.suite import PERMANENT, VALID, ExpectationType, has_value, kind
from family_exchange.stages import validate
from support import plain_gx

FEEDS = profiles.feeds()
NARRATIVE = re.compile("note|comment|narrative|description|remark|picture|photo|image|text")


def plaintext(feed, which):
    return (expectations.ROOT / feed / f"v1.{which}.csv").read_bytes()


def checked(feed, which):
    return validate.table(plaintext(feed, which), profiles.contract(feed), None)


def announced(feed):
    """What each row of the bad sample says of itself in its second line of address: `breaks <rule> …`."""
    contract = profiles.contract(feed)
    rows = tabular.read(plaintext(feed, "bad"), contract).rows
    said = rows.select("row_no", contract.column("address_line_2").name).rows()
    return {
        (row_no, rule) for row_no, text in said for rule in re.findall(r"AGE|WITHHELD|[A-Z]{2}-[0-9]{3}", text or "")
    }


def rules_on(feed, column):
    return {
        each.type: each for each in expectations.load_suite(feed).row_rules if each.kwargs.column == column
    }  # fmt: skip


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize("feed", FEEDS)
def test_the_good_sample_passes_without_a_finding(feed):
    good = checked(feed, "good")
    assert list(good.findings) == []
    assert good.accepted.whole().height == good.findings.rows_read >= 10


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("feed", FEEDS)
def test_the_bad_sample_breaks_in_each_row_exactly_the_rules_that_the_row_announces(feed):
    found = checked(feed, "bad").findings
    assert {(finding.row_no, finding.rule) for finding in found} == announced(feed)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_rule_for_rows_is_broken_by_a_row_of_the_bad_sample(feed):
    rules = {each.meta.rule for each in expectations.load_suite(feed).row_rules}
    gate = profiles.contract(feed).age_gate
    assert {rule for _, rule in announced(feed)} - {"AGE", "WITHHELD"} == rules
    assert ("WITHHELD" in {rule for _, rule in announced(feed)}) == (profiles.contract(feed).withholding is not None)
    assert ("AGE" in {rule for _, rule in announced(feed)}) == (gate.min is not None or gate.max is not None)


@pytest.mark.parametrize("feed", FEEDS)
def test_the_samples_are_visibly_invented(feed):
    contract = profiles.contract(feed)
    for which in ("good", "bad"):
        rows = tabular.read(plaintext(feed, which), contract).rows
        names = rows.select(contract.column("surname").name, contract.column("forename").name).rows()
        addresses = rows[contract.column("town").name].drop_nulls().to_list()
        assert all("Testperson" in f"{surname} {forename}" or forename == "Bad" for surname, forename in names)
        assert all(town.startswith(("Testtown", "Testperson")) for town in addresses)


@pytest.mark.parametrize("feed", FEEDS)
def test_great_expectations_reads_the_suite_as_it_lies_there(feed):
    gx = expectations.great_expectations()
    written = plain_gx.suite_as_written(feed)
    read = gx.ExpectationSuite(**written).to_json_dict()
    assert [(each["type"], each["meta"], each["severity"]) for each in read["expectations"]] == [
        (each["type"], each["meta"], each["severity"]) for each in written["expectations"]
    ]
    assert (read["name"], read["id"]) == (f"{feed}.v1", None)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_rule_says_in_plain_words_what_to_do(feed):
    for each in expectations.load_suite(feed).expectations:
        assert re.match(r"[A-Z].*\.$", each.meta.message), each.meta.rule
        assert "regex" not in each.meta.message


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("feed", FEEDS)
def test_the_suite_says_what_the_contract_says(feed):
    contract, suite = profiles.contract(feed), expectations.load_suite(feed)
    for column in contract.columns:
        on_text, on_valid = rules_on(feed, column.name), rules_on(feed, column.name + VALID)
        assert (ExpectationType.NOT_NULL in on_text) == (not column.nullable), column.name
        assert has_value(column) == (ExpectationType.IN_SET in on_valid), column.name
        if column.type is ColumnType.CODE:
            assert on_text[ExpectationType.IN_SET].kwargs.value_set == column.codes, column.name
        if column.pattern:
            assert on_text[ExpectationType.MATCH].kwargs.regex == column.pattern, column.name
        if column.type is ColumnType.TEXT and not column.pattern and not kind(column):
            assert ExpectationType.LENGTH in on_text, column.name
    key = {contract.column(canonical).name for canonical in contract.key}
    unique = [each.kwargs.columns for each in suite.row_rules if each.type in UNIQUE]
    assert [set(columns) for columns in unique] == [key]
    assert {each.type for each in suite.table_rules} == {ExpectationType.ROW_COUNT, ExpectationType.COLUMN_SET}


UNIQUE = {ExpectationType.UNIQUE, ExpectationType.UNIQUE_TOGETHER}


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("feed", FEEDS)
def test_a_bad_identifier_is_left_out_and_never_costs_the_row(feed):
    dropping = {
        each.meta.column: each for each in expectations.load_suite(feed).expectations if each.meta.action
    }  # fmt: skip
    identifiers = {
        column.name
        for column in profiles.contract(feed).columns
        if kind(column) or column.sensitivity is Sensitivity.IDENTIFIER
    }
    assert set(dropping) == identifiers
    for each in expectations.load_suite(feed).row_rules:
        of_its_form = each.type is ExpectationType.MATCH or (each.kwargs.column or "").endswith((PERMANENT, VALID))
        on_identifier = of_its_form and each.meta.column in identifiers
        assert (each.meta.severity is Severity.WARNING) == on_identifier, each.meta.rule


@pytest.mark.requirement("R-031", "R-033")
@pytest.mark.parametrize("feed", FEEDS)
def test_no_column_can_hold_a_narrative_or_a_picture(feed):
    for column in profiles.contract(feed).columns:
        assert not NARRATIVE.search(column.name), column.name
        if column.type is ColumnType.TEXT and not column.pattern and not kind(column):
            length = rules_on(feed, column.name)[ExpectationType.LENGTH].kwargs.max_value
            assert length is not None
            assert length <= 200


@pytest.mark.requirement("R-028")
@pytest.mark.parametrize("feed", FEEDS)
def test_what_says_which_row_is_which_is_taken_in_by_every_council(feed):
    contract = profiles.contract(feed)
    for canonical in ("record_ref", "event_ref", "event_on"):
        if canonical in contract.canonicals:
            assert contract.column(canonical).data_class is DataClass.REFERENCE
