"""Putting right, rebuilding and comparing, as a person types it; no output holds anybody's values."""

import json
import os
import subprocess
import sys

import pytest

from family_exchange.adapters import settings
from family_exchange.stages import assemble
from support.council import council, recipient_server, rings  # noqa: F401 - fixtures
from support.register import PERIOD
from support.returns import someone

SECRET = "Secretname"


@pytest.fixture
def sent(council):  # noqa: F811 - the fixture of that name
    person = someone(council)
    council.register.supported(person, someone(council))
    assemble.draft(council.doors, "nis", PERIOD)
    return council, person


def asked(one, *words, typed=None):
    known = {name: value for name, value in os.environ.items() if not name.startswith("FAMILY_EXCHANGE")}
    return subprocess.run(
        [sys.executable, "-c", "from family_exchange.cli import main; main()", *words,
         "--council", one.doors.profile.council, "--json"],
        env=known | settings.as_environment(one.doors.settings), input=typed, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip


def test_what_is_rectified_from_standard_input_is_told_by_the_next_return_and_by_no_output(sent):
    one, person = sent
    words = ("subject", "rectify", person, "--attribute", "name", "--value", "-", "--valid-from", "2026-01-01",
             "--by", "rights.officer", "--reason", "a passport")  # fmt: skip
    put = asked(one, *words, typed=json.dumps({"forename": "Ada", "surname": SECRET}) + "\n")
    assert put.returncode == 0, put.stderr
    number = json.loads(put.stdout)["rectification"]
    diff = asked(one, "return", "diff", "--return", "nis", "--period", PERIOD)
    assert json.loads(diff.stdout)["changes"] == [
        {"what": "changed", "person": person, "family": json.loads(diff.stdout)["changes"][0]["family"],
         "fields": "forenames, surname"}]  # fmt: skip
    assert SECRET not in put.stdout + put.stderr + diff.stdout + diff.stderr
    withdrawn = asked(one, "subject", "withdraw", str(number), "--by", "rights.officer")
    assert json.loads(withdrawn.stdout) == {"withdrawn": number, "person": person}
    again = asked(one, "subject", "withdraw", str(number), "--by", "rights.officer")
    assert (again.returncode, "audit show --about" in again.stderr) == (2, True)
    refused = asked(one, *words, typed=SECRET)
    assert (refused.returncode, SECRET in refused.stderr) == (2, False)


def test_a_rebuilt_return_ends_with_1_when_it_is_not_what_was_sent(sent):
    one, _ = sent
    words = ("return", "rebuild", "--return", "nis", "--period", PERIOD, "--version", "1")
    same = asked(one, *words)
    assert (same.returncode, json.loads(same.stdout)["same"]) == (0, True)
    one.register.run("UPDATE returns.return SET content_sha256 = 'x'")
    other = asked(one, *words)
    assert (other.returncode, json.loads(other.stdout)["same"]) == (1, False)


def test_progress_is_printed_in_counts(sent):
    one, person = sent
    answer = asked(one, "return", "progress", "--period", PERIOD)
    found = {line["measure"]: line for line in json.loads(answer.stdout)}
    assert found["rent_arrears"]["not_collected in period"] == found["rent_arrears"]["people"] == 2
    assert person not in answer.stdout
