"""The pages that partners read say what contracts and suites say, all of it, and nothing that has passed."""

import re

import pytest

from family_exchange.adapters import expectations, feed_pages, profiles
from family_exchange.adapters.feed_words import FIRST_LINE, FORMATS, PURPOSES, ROLES, SENSITIVITIES
from family_exchange.domain import manifest
from family_exchange.domain.column import Purpose, Sensitivity
from family_exchange.domain.condition import Ages
from family_exchange.domain.container import Format, Role
from family_exchange.domain.file import Reason, Verdict
from family_exchange.domain.findings import AGE, WITHHELD

FEEDS = profiles.feeds()


def written(name):
    return (feed_pages.FOLDER / name).read_text(encoding="utf-8")


def contracts(feed):
    """The contract of each version, and of each table where it has tables."""
    for version in profiles.versions(feed):
        whole = profiles.contract(feed, version)
        yield from [whole.of_table(table.name) for table in whole.tables] or [whole]


def test_the_pages_are_those_that_make_feeds_would_write():
    made = feed_pages.pages()
    assert {page.name for page in feed_pages.FOLDER.iterdir()} == set(made), "run `make feeds`"
    for name, text in made.items():
        assert written(name) == text, f"{name} is out of date: run `make feeds`"


def test_every_feed_has_a_page_that_the_index_leads_to():
    index = written("README.md")
    for feed in FEEDS:
        assert f"]({feed}.md)" in index


@pytest.mark.parametrize("feed", FEEDS)
def test_a_page_has_every_column_every_code_and_every_rule(feed):
    page = written(f"{feed}.md")
    for contract in contracts(feed):
        suite = expectations.load_suite(feed, contract.suite)
        for column in contract.columns:
            assert f"| `{column.name}`" in page
            assert column.description.replace("|", "\\|") in page
            assert all(f"`{code}`" in page for code in column.codes)
        for rule in suite.expectations:
            assert f"| `{rule.meta.rule}` |" in page
            assert rule.meta.message.replace("|", "\\|") in page


@pytest.mark.parametrize("feed", FEEDS)
def test_the_age_gate_stands_on_the_page_where_there_is_one(feed):
    gates = [profiles.contract(feed, version).age_gate for version in profiles.versions(feed)]
    assert (f"| `{AGE}` |" in written(f"{feed}.md")) == any(gate != Ages() for gate in gates)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_page_says_which_columns_stay_empty_for_whose_sake(feed):
    page = written(f"{feed}.md")
    flags = [flag.name for contract in contracts(feed) if (flag := contract.withholding)]
    assert (f"| `{WITHHELD}` |" in page) == bool(flags)
    for flag in flags:
        assert f"if known and `{flag}` is not `Y`" in page


@pytest.mark.parametrize("feed", FEEDS)
def test_an_example_is_a_file_that_the_contract_would_take(feed):
    page = written(f"{feed}.md")
    for contract in contracts(feed):
        assert contract.file.delimiter.join(contract.headers) in page


def test_every_key_of_the_first_line_and_every_reason_and_verdict_is_explained():
    index = written("README.md")
    assert tuple(FIRST_LINE) == manifest.KEYS
    for word in (*manifest.KEYS, *Reason, *Verdict):
        assert f"| `{word}` |" in index


def test_the_example_of_a_first_line_is_one():
    (line,) = re.findall(rf"^{manifest.MARK} .*$", written("README.md"), re.MULTILINE)
    said = manifest.parsed(line)
    assert said.feed in FEEDS
    assert said.rows


def test_no_word_of_a_contract_is_left_without_a_meaning():
    assert set(PURPOSES) == set(Purpose)
    assert set(SENSITIVITIES) == set(Sensitivity)
    assert set(FORMATS) == set(Format)
    assert set(ROLES) == set(Role)


def test_every_table_is_a_table():
    for page in feed_pages.FOLDER.iterdir():
        for block in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, (page.name, block[:200])


def test_every_link_of_a_page_leads_somewhere():
    for page in feed_pages.FOLDER.iterdir():
        for target, heading in re.findall(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
            leads_to = page.parent / target
            assert leads_to.exists()
            ids = {
                line.lstrip("# ").lower().replace(" ", "-")
                for line in leads_to.read_text().splitlines()
                if line.startswith("#")
            }
            assert not heading or heading in ids


def test_a_page_of_a_feed_that_is_no_more_is_removed_and_a_second_run_changes_nothing(tmp_path):
    (tmp_path / "forgotten_feed.md").write_text("old")
    feed_pages.write(tmp_path)
    before = {page.name: page.read_bytes() for page in tmp_path.iterdir()}
    assert set(before) == set(feed_pages.pages())
    feed_pages.write(tmp_path)
    assert {page.name: page.read_bytes() for page in tmp_path.iterdir()} == before
