"""Who is who, decided on the command line."""

import json

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.commands import matching
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import match
from support.registry import COUNCIL, a_file, doors_to, person_of, query, same_person, with_staging

UPN = "A950000178301"


@pytest.fixture
def council(council_database, monkeypatch):
    """S1 and P1, who may be one person; the command line is at this council's doors."""
    url = with_staging(council_database)
    monkeypatch.setattr(matching, "doors", lambda _: doors_to(url))
    person = {"forename": "Emma", "surname": "Ashbarrow", "address_line_1": "12 High Street", "postcode": "CH1 1AA"}
    a_file(url, "school_attendance", [person | {"record_ref": "S1", "event_ref": "a", "date_of_birth": "2015-03-04"}])
    a_file(url, "police_incidents", [person | {"record_ref": "P1", "event_ref": "b", "event_on": "2026-08-01"}])
    match.people(doors_to(url))
    return url


def run(*words):
    return CliRunner().invoke(cli.application("match"), ["match", *words, "--council", COUNCIL])


def told(*words):
    answer = run(*words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


WHO = ("--by", "Jo Reviewer", "--reason", "looked at both files")


def test_the_list_shows_how_likely_since_when_and_which_kinds_agree(council):
    (found,) = told("list")
    assert {found["person"], found["other"]} == {person_of(council, "S1"), person_of(council, "P1")}
    assert found["agrees"] == "name, address"
    assert 0.5 < found["probability"] < 1
    in_words = run("list").output
    assert "Ashbarrow" not in in_words
    assert all(person_of(council, ref) in in_words for ref in ("S1", "P1")), "ids that cannot be copied"
    assert told("list", "--sort", "since") == [found]


def test_a_pair_is_shown_joined_listed_as_decided_and_undone(council):
    ids = [person_of(council, ref) for ref in ("S1", "P1")]
    shown = told("show", *ids, "--by", "Jo Reviewer")
    assert {each["name"]: each["standing"] for each in shown["comparisons"]}["birthday"] == "unknown"
    assert "may not be shown" not in run("show", *ids, "--by", "Jo Reviewer").output
    decision = told("join", *ids, *WHO)["decision"]
    assert same_person(council, "S1", "P1")
    assert told("list") == []
    (made,) = told("list", "--decisions")
    assert (made["decision"], made["what"], made["by"]) == (decision, "must_link", "Jo Reviewer")
    assert "1 parted" in run("undo", str(decision), *WHO).output
    assert [person_of(council, ref) for ref in ("S1", "P1")] == ids
    assert told("list", "--decisions") == []
    assert told("list", "--withdrawn")[0]["undone by"] == "Jo Reviewer"


def test_records_are_split_from_a_person(council):
    told("join", *[person_of(council, ref) for ref in ("S1", "P1")], *WHO)
    (record,) = query(council, "SELECT source_record_id FROM register.source_record WHERE record_ref = 'P1'")
    answer = run("split", person_of(council, "S1"), *record, *WHO)
    assert isinstance(answer.exception, NeedsDecision)
    assert "undo it first" in str(answer.exception)
    told("undo", "1", *WHO)
    assert told("list") != []


def test_nothing_is_shown_without_a_name(council):
    assert run("show", "P1", "P2").exit_code != 0
    assert query(council, "SELECT count(*) FROM audit.event WHERE kind = 'register.read'") == [(0,)]
