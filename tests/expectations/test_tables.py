"""The suites of a bundle's tables: every good sample passes, every bad row breaks what it says, the contract agrees."""

import csv
import re
from io import StringIO

import pytest

from family_exchange.adapters import expectations, profiles
from family_exchange.domain.column import ColumnType
from family_exchange.domain.findings import MESSAGES
from family_exchange.domain.suite import VALID, ExpectationType, has_value
from family_exchange.stages import validate
from support import containers

CONTRACT = profiles.contract("childrens_social_care", "v2")
TABLES = [table.name for table in CONTRACT.tables]
RULE = re.compile("WITHHELD|[A-Z]{4}-[0-9]{3}")


def sample(table, which):
    return (expectations.ROOT / CONTRACT.feed / f"v2.{table}.{which}.csv").read_bytes()


def announced(table):
    """What the key of each row of the bad sample says; a row without a key says that it has none."""
    _, *lines = sample(table, "bad").decode().splitlines(keepends=True)
    keys = [next(iter(row.values())) for row in csv.DictReader(StringIO("".join(lines)))]
    named = [RULE.findall(key) for key in keys]
    without_key = f"{next(rules[0] for rules in named if rules)[:4]}-011"
    return {(row, rule) for row, rules in enumerate(named, 1) for rule in rules or [without_key]}


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize("table", TABLES)
def test_the_good_sample_of_a_table_passes_without_a_finding(table):
    good = validate.table(sample(table, "good"), CONTRACT.of_table(table), None)
    assert list(good.findings) == []
    assert good.findings.rows_read >= 1


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("table", TABLES)
def test_each_row_of_the_bad_sample_breaks_exactly_the_rules_that_its_key_announces(table):
    found = validate.table(sample(table, "bad"), CONTRACT.of_table(table), None).findings
    assert {(each.row_no, each.rule) for each in found} == announced(table)
    rules = {each.meta.rule for each in expectations.load_suite(CONTRACT.feed, f"v2.{table}").row_rules}
    secret = {"WITHHELD"} if CONTRACT.of_table(table).withholding else set()
    assert {rule for _, rule in announced(table)} == rules | secret


def test_the_good_samples_together_are_a_bundle_without_a_finding():
    members = {f"{table}.csv": sample(table, "good").partition(b"\n")[2] for table in TABLES}
    line = sample(TABLES[0], "good").partition(b"\n")[0].rpartition(b" rows=")[0]
    checked = validate.table(containers.archive({**members, "manifest.txt": line}), CONTRACT, None)
    assert list(checked.findings) == []
    rows = checked.accepted.whole()
    assert rows.height == 7
    assert rows["event_ref"].drop_nulls().to_list() == ["ssd_early_help_episodes:EH0001"]


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("table", TABLES)
def test_the_suite_of_a_table_says_what_the_contract_says(table):
    contract, suite = CONTRACT.of_table(table), expectations.load_suite(CONTRACT.feed, f"v2.{table}")
    rules = {(each.type, each.kwargs.column): each.kwargs for each in suite.row_rules}
    for column in contract.columns:
        assert ((ExpectationType.NOT_NULL, column.name) in rules) == (not column.nullable), column.name
        assert has_value(column) == ((ExpectationType.IN_SET, column.name + VALID) in rules), column.name
        if column.type is ColumnType.CODE:
            assert rules[ExpectationType.IN_SET, column.name].value_set == column.codes, column.name
        if column.pattern:
            assert rules[ExpectationType.MATCH, column.name].regex == column.pattern, column.name
    assert (ExpectationType.UNIQUE, contract.column(contract.key[0]).name) in rules


def test_no_two_rules_of_a_version_have_the_same_code_and_every_one_says_what_to_do():
    suites = [expectations.load_suite(CONTRACT.feed, f"v2.{table}") for table in TABLES]
    codes = [each.meta.rule for suite in suites for each in suite.expectations]
    assert len({*codes}) == len(codes)
    said = expectations.messages(CONTRACT.feed, "v2")
    assert {*codes, *MESSAGES} <= {*said}
    assert all(re.match(r"[A-Z].*\.$", message) for message in said.values())
