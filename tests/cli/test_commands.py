"""The command line as a person types it, in a world of its own; what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from datetime import date

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database, places, profiles, settings
from family_exchange.demo import by_hand, world
from family_exchange.domain.errors import NeedsDecision, NoRoom, TryLater
from family_exchange.stages import rounds

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=300, seed=5, today=TODAY) as stage:
        (only,) = stage.tenants
        world.drop(only)
        yield only


@pytest.fixture(scope="module")
def travelled(tenant):
    by_hand.run(tenant, today=TODAY, say=lambda _: None)
    return tenant


def family_exchange(*words, environment=None):
    known = {name: value for name, value in os.environ.items() if not name.startswith("FAMILY_EXCHANGE")}
    return subprocess.run(
        [sys.executable, "-c", "from family_exchange.cli import main; main()", *words],
        env=known | (environment or {}), capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def asked(tenant, *words):
    environment = settings.as_environment(tenant.doors.settings)
    return family_exchange(*words, "--council", tenant.doors.profile.council, environment=environment)


def told(answer):
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_the_ledger_lists_every_file_with_its_end(travelled):
    files = told(asked(travelled, "files", "list", "--json"))
    assert {file["state"] for file in files} == {"CLOSED", "QUARANTINED", "DUPLICATE"}
    assert {file["reason"] for file in files if file["reason"]} == {"UNSIGNED", "SCHEMA", "CORRUPT"}


def test_a_files_findings_name_rows_columns_and_rules(travelled):
    files = told(asked(travelled, "files", "list", "--json"))
    partly = next(file for file in files if file["refused"])
    shown = told(asked(travelled, "files", "show", partly["file"], "--json"))
    assert {"row_no", "column_name", "rule", "severity", "table_name"} == set(shown["findings"][0])
    assert "name_bytes" not in shown


@pytest.mark.requirement("R-079")
def test_the_audit_is_whole(travelled):
    verdict = told(asked(travelled, "audit", "verify", "--json"))
    assert verdict["whole"]
    assert verdict["checkpoints"] >= 1


def test_a_return_row_leads_back_to_the_files_rows(travelled):
    steps = told(asked(travelled, "trace", "fpd-2026-H1-v1#1", "--json"))
    assert {"file row", "person", "family", "evidence", "proposal", "return row"} <= {step["kind"] for step in steps}
    row = next(step["id"] for step in steps if step["kind"] == "file row")
    back = told(asked(travelled, "trace", row, "--json"))
    assert "fpd-2026-H1-v1#1" in {step["id"] for step in back}


def test_returns_are_listed_with_their_state(travelled):
    returns = told(asked(travelled, "return", "list", "--json"))
    assert {one["state"] for one in returns} == {"ACKNOWLEDGED"}


def test_keys_of_partners_are_listed(travelled):
    listed = told(asked(travelled, "keys", "list", "--json"))
    assert {one["partner"] for one in listed} == {*travelled.partners, "own", "recipient"}


@pytest.mark.requirement("D-16")
def test_a_hold_keeps_what_is_due(travelled):
    placed = told(
        asked(
            travelled, "retention", "hold", "council", "all", "--by", "a.person", "--reason", "open complaint", "--json"
        )
    )
    under_hold = told(asked(travelled, "retention", "plan", "--today", "2126-01-01", "--json"))
    released = told(asked(travelled, "retention", "release", str(placed["hold"]), "--by", "a.person", "--json"))
    afterwards = told(asked(travelled, "retention", "plan", "--today", "2126-01-01", "--json"))
    assert released == {"released": True}
    assert under_hold["source_record"] == 0 < afterwards["source_record"]


def test_a_plan_of_a_day_to_come_shows_what_will_be_due_and_destroys_nothing(travelled):
    plan = told(asked(travelled, "retention", "plan", "--today", "2127-01-01", "--json"))
    answer = asked(travelled, "retention", "purge", plan["plan"], "--by", "a.person")
    assert answer.returncode == 2
    assert "has not come yet" in answer.stderr
    with database.transaction(travelled.doors.database) as connection:
        assert connection.execute("SELECT count(*) FROM register.source_record").fetchone()[0] > 0


def test_a_key_takes_two_different_people(travelled, tmp_path):
    file = tmp_path / "key.asc"
    ring = travelled.third_party.openpgp
    file.write_bytes(ring.export_public(ring.own_key))
    added = told(asked(travelled, "keys", "add", str(file), "--partner", "police", "--by", "a.person", "--json"))
    assert added["approved_by"] is None
    answer = asked(travelled, "keys", "approve", added["fingerprint"], "--by", "A.Person")
    assert answer.returncode == 2
    assert "two different people" in answer.stderr


@pytest.mark.parametrize("setting", ["DATABASE", "STATE", "OPENPGP_KEY", "DROP_ZONE", "RECIPIENT"])
def test_a_missing_setting_is_one_clear_line(travelled, setting):
    council = travelled.doors.profile.council
    environment = settings.as_environment(travelled.doors.settings)
    name = settings.variable(council, setting)
    del environment[name]
    answer = family_exchange("files", "list", "--council", council, environment=environment)
    assert answer.returncode == 2
    assert name in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_council_without_a_profile_is_told_which_there_are():
    answer = family_exchange("files", "list", "--council", "atlantis")
    assert answer.returncode == 2
    assert profiles.demo_council() in answer.stderr


def test_a_feed_that_nobody_sends_is_told_and_not_passed_over(tenant):
    answer = asked(tenant, "receive", "--feed", "police_incident")
    assert answer.returncode == 2
    assert "police_incidents" in answer.stderr


@pytest.mark.parametrize(
    ("stop", "seen"), [(NeedsDecision, "all"), (TryLater, "all"), (ValueError, "all"), (NoRoom, "one")]
)
def test_a_feed_that_stops_keeps_no_other_back_unless_nothing_may_go_on(tenant, monkeypatch, stop, seen):
    fed = []

    def once(_, feed):
        fed.append(feed)
        if len(fed) == 1:
            raise stop("the first one stops")
        return []

    monkeypatch.setattr(rounds, "once", once)
    words = ["receive", "--json", "--council", tenant.doors.profile.council]
    answer = CliRunner().invoke(cli.application("receive"), words, env=settings.as_environment(tenant.doors.settings))
    assert isinstance(answer.exception, stop)
    every = list(tenant.doors.profile.active_feeds)
    assert len(every) > 1
    assert fed == (every if seen == "all" else every[:1])


def test_profiles_are_sound():
    answer = family_exchange("profile", "check", "--json")
    assert told(answer)["problems"] == []


@pytest.mark.parametrize("feed", profiles.feeds())
@pytest.mark.parametrize(("sample", "ends"), [("good", 0), ("bad", 1)])
def test_a_partner_can_check_a_file_before_sending(feed, sample, ends):
    words = ["check", f"{places.EXPECTATIONS}/{feed}/v1.{sample}.csv", "--feed", feed, "--json"]
    answer = CliRunner().invoke(cli.application("check"), words)  # a process of its own: `test_wheel.py`
    assert answer.exit_code == ends, answer.stderr
    report = json.loads(answer.stdout)
    assert report["verdict"] == ("accepted" if sample == "good" else report["verdict"])
    assert bool(report["lines"]) == (sample == "bad")


def test_synth_writes_files_and_the_truth(tmp_path):
    answer = family_exchange(
        "synth",
        "--council",
        profiles.demo_council(),
        "--people",
        "200",
        "--seed",
        "3",
        "--out",
        str(tmp_path),
        "--json",
    )
    assert told(answer)["files"] > 4
    assert (tmp_path / "truth.csv").exists()
