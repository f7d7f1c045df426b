"""The programme as a person types it: what is recorded, what it prints, and how it ends."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import settings
from family_exchange.domain.errors import NeedsDecision
from support.register import Register
from support.registry import COUNCIL, doors_to

SINCE = date(2026, 5, 15)


@pytest.fixture
def register(council_database, monkeypatch, tmp_path):
    here = doors_to(council_database).settings
    server = replace(here.drop_zone, host_key="ssh-ed25519 AAAA")
    for name, value in settings.as_environment(replace(here, drop_zone=server, recipient=server)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Register(council_database)


@pytest.fixture
def family(register):
    """A family on the programme, of one adult and one child."""
    adult, child = register.person(), register.person()
    register.record(adult, date_of_birth=date(1990, 5, 4))
    register.record(child, date_of_birth=date(2015, 5, 4))
    return register.supported(adult, child, decided_on=SINCE)


def typed(*words):
    answer = CliRunner().invoke(cli.application(words[0]), [*words, "--council", COUNCIL])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def told(*words):
    answer = typed(*words, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def by(*words):
    return (*words, "--by", "Manager B")


def members(register, family):
    return [one for (one,) in register.run(
        "SELECT person_id FROM register.family_member WHERE family_id = %s ORDER BY 1", family)]  # fmt: skip


@pytest.mark.requirement("R-021")
def test_a_status_is_typed_with_a_name_a_reason_and_a_day(register, family):
    words = by("family", "status", family, "--to", "closed", "--on", "2026-08-01", "--reason", "progress was made")
    assert told(*words) == {"family": family, "status": "closed", "before": "accepted", "on": "2026-08-01"}
    assert register.run("SELECT decided_by, reason FROM register.family_status WHERE status = 'closed'") == [
        ("Manager B", "progress was made")
    ]


def test_a_status_without_a_name_or_a_reason_is_not_taken(family):
    assert typed("family", "status", family, "--to", "closed", "--reason", "moved").exit_code == 2
    assert typed(*by("family", "status", family, "--to", "closed")).exit_code == 2
    with pytest.raises(NeedsDecision, match="reason"):
        typed(*by("family", "status", family, "--to", "closed", "--reason", " "))


def test_a_word_that_is_no_status_is_refused_and_the_list_is_shown(family):
    answer = typed(*by("family", "status", family, "--to", "enrolled", "--reason", "x"))
    assert answer.exit_code == 2
    assert "not_invited" in answer.output


def test_an_entry_is_corrected_by_its_first_day(register, family):
    told(*by("family", "status", family, "--to", "accepted", "--on", "2026-06-01", "--instead-of", str(SINCE),
             "--reason", "it was June"))  # fmt: skip
    assert register.run("SELECT lower(valid) FROM register.family_status") == [(date(2026, 6, 1),)]


@pytest.mark.requirement("R-023")
@pytest.mark.requirement("R-024")
def test_what_is_missing_is_listed_and_ends_with_1_until_it_is_there(register, family):
    adult, child = members(register, family)
    missing = typed("family", "exceptions", "--json")
    assert missing.exit_code == 1
    assert [(one["family"], one["gap"], one["person"]) for one in json.loads(missing.stdout)] == [
        (family, "no_lead_worker", None),
        (family, "nobody_said", adult),
        (family, "nobody_said", child),
    ]
    in_words = typed("family", "exceptions").output
    assert "no_lead_worker" in in_words
    assert "`family plan`" in " ".join(in_words.split())
    told(*by("family", "lead", family, "--name", "Worker W", "--organisation", "Early Help", "--on", str(SINCE)))
    told(*by("family", "plan", family, "--in", child, "--out", adult, "--reason", "supported elsewhere"))
    whole = typed("family", "exceptions", "--json")
    assert (whole.exit_code, json.loads(whole.stdout)) == (0, [])


def test_a_team_grows_and_shrinks_and_a_lead_worker_leaves(register, family):
    worker = ("--name", "Worker T", "--organisation", "School")
    told(*by("family", "team", family, *worker, "--on", "2026-06-01"))
    told(*by("family", "team", family, *worker, "--on", "2026-07-01", "--leaves"))
    told(*by("family", "lead", family, *worker, "--on", "2026-06-01"))
    told(*by("family", "lead", family, "--ends", "--on", "2026-08-01"))
    assert register.run("SELECT duty, lower(valid), upper(valid) FROM register.family_worker ORDER BY duty") == [
        ("lead", date(2026, 6, 1), date(2026, 8, 1)),
        ("team", date(2026, 6, 1), date(2026, 7, 1)),
    ]


def test_a_lead_worker_without_a_name_is_what_is_missing(register, family):
    with pytest.raises(NeedsDecision, match="the worker's name is missing"):
        typed(*by("family", "lead", family, "--organisation", "School"))


@pytest.mark.requirement("R-005")
def test_a_service_is_suggested_and_taken_back(register, family):
    told(*by("family", "suggest", family, "--service", "debt advice", "--reason", "asked", "--on", "2026-06-01"))
    told(*by("family", "suggest", family, "--service", "debt advice", "--ends", "--on", "2026-07-01"))
    assert register.run("SELECT service, upper(valid) FROM register.suggestion") == [("debt advice", date(2026, 7, 1))]


@pytest.mark.requirement("R-020")
def test_a_month_is_counted_in_numbers_only(family):
    month = f"{datetime.now(UTC):%Y-%m}"
    counted = told("register", "counts", "--month", month)
    assert counted["families"]["all"]["enrolled"] == 1
    assert set(counted["families"]) == {"data", "referral", "nomination", "all"}
    assert family not in typed("register", "counts", "--month", month).output
    with pytest.raises(NeedsDecision, match="YYYY-MM"):
        typed("register", "counts", "--month", "October")


@pytest.mark.requirement("R-019")
def test_a_persons_own_question_is_answered(register, family):
    adult, _ = members(register, family)
    (answer,) = told(*by("person", "eligibility", adult))["families"]
    assert (answer["family"], answer["status"], answer["status_since"]) == (family, "accepted", str(SINCE))
    assert "decision support" in typed(*by("person", "eligibility", adult)).output
    stranger = register.person()
    assert "no family of theirs is known" in typed(*by("person", "eligibility", stranger)).output
