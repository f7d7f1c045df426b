"""The commands about proposals, as a person types them."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import settings
from family_exchange.domain.errors import NeedsDecision
from support.registry import COUNCIL, TODAY, a_file, doors_to, person_of, query, with_staging
from support.troubled import a_term, an_offence, bring_up


@pytest.fixture
def council(council_database):
    url = with_staging(council_database)
    a_file(url, "police_incidents", [an_offence()])
    a_file(url, "school_attendance", [a_term()])
    bring_up(url)
    return url


def run(url, *words):
    known = doors_to(url).settings
    nowhere = replace(known.drop_zone, host_key="ssh-ed25519 AAAA")
    environment = settings.as_environment(replace(known, drop_zone=nowhere, recipient=nowhere))
    return CliRunner().invoke(cli.application(words[0]), [*words, "--council", COUNCIL], env=environment)


def told(url, *words):
    answer = run(url, *words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def refused(url, *words):
    answer = run(url, *words)
    assert isinstance(answer.exception, NeedsDecision)
    return str(answer.exception)


@pytest.mark.requirement("R-016")
def test_the_work_list_says_what_waits_by_which_route_and_since_when(council):
    (waiting,) = told(council, "proposal", "list", "--sort", "recency", "--problem", "P1", "--at-least", "2")
    assert (waiting["problems"], waiting["routes"], waiting["newest"]) == (["P1", "P2"], ["data"], "2026-09-01")
    assert told(council, "proposal", "list", "--at-least", "3") == []
    assert told(council, "proposal", "list", "--route", "referral") == []
    assert "decision support, never a decision" in run(council, "proposal", "list").stdout
    assert "--problem is one of O1, O2, " in refused(council, "proposal", "list", "--problem", "arrears")


def test_a_proposal_is_shown_and_written_as_a_page_that_only_its_reader_may_open(council, tmp_path):
    (waiting,) = told(council, "proposal", "list")
    page = tmp_path / "why.html"
    page.write_text("an older page")
    lines = told(council, "proposal", "show", waiting["proposal"], "--by", "A. Reader", "--html", str(page))
    assert lines[0].startswith(f"{waiting['proposal']}: family {waiting['family']} by TFP2015/3")
    assert page.read_text().startswith("<!doctype html>")
    assert page.stat().st_mode & 0o777 == 0o600
    printed = run(council, "proposal", "show", waiting["proposal"], "--by", "A. Reader").stdout
    assert [line for line in printed.splitlines() if line] == [line for line in lines if line], "brackets too"
    assert "[data]: " in printed, "by which route a family came is told"
    assert run(council, "proposal", "show", waiting["proposal"]).exit_code == 2
    nowhere = str(tmp_path / "nowhere" / "why.html")
    words = ("proposal", "show", waiting["proposal"], "--by", "A. Reader", "--html", nowhere)
    assert "cannot be written there" in refused(council, *words)


@pytest.mark.requirement("R-015")
def test_a_past_day_is_computed_with_a_digest_that_stays_the_same(council):
    first = told(council, "propose", "--as-of", TODAY.isoformat())
    again = told(council, "propose", "--as-of", TODAY.isoformat(), "--as-known", first["as_known"])
    assert again == first
    assert len(first["proposals"]) == 1
    assert "--as-known goes with --as-of" in refused(council, "propose", "--as-known", first["as_known"])
    assert "a moment is given as" in refused(council, "propose", "--as-of", "2026-11-22", "--as-known", "yesterday")


def test_who_decides_a_second_time_is_told_that_it_changed_nothing(council):
    (waiting,) = told(council, "proposal", "list")
    words = ("proposal", "decide", waiting["proposal"], "--by", "P. Lead", "--reason", "they agreed", "--outcome")
    first = run(council, *words, "accepted").stdout
    assert "1 proposal decided: accepted" in first
    assert "decided before" not in first
    again = run(council, *words, "declined").stdout
    assert "0 proposals decided: declined" in again
    assert "1 had been decided before and stay so" in again


def test_a_nomination_is_recorded_listed_and_taken_back(council):
    words = ("--by", "T. Each", "--role", "teacher", "--reason", "seen at the gate")
    made = told(council, "nominate", person_of(council, "S1"), "--indicator", "crime_nomination", *words)
    (listed,) = told(council, "nomination", "list")
    assert (listed["nomination"], listed["indicator"]) == (made["nomination"], "crime_nomination")
    assert told(council, "nomination", "withdraw", str(made["nomination"]), "--by", "T. Each")["withdrawn"]
    assert query(council, "SELECT reason FROM register.nomination WHERE withdrawn_by = 'T. Each'") == [
        ("seen at the gate",)
    ]
    assert "one of crime_nomination" in refused(council, "nominate", "P0", "--indicator", "luck", *words)


def test_proposing_twice_changes_nothing(council):
    told(council, "propose")
    assert set(told(council, "propose").values()) == {0}
