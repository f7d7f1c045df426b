"""`family-exchange doctor`, as a person types it."""

import json
import re

import pytest

from family_exchange.commands.doctor import NEEDED
from family_exchange.orchestration import connections
from support.doctoring import COUNCIL, sound

__all__ = ["sound"]


def test_all_good_ends_with_0_and_is_short(sound):
    answer = sound.ask("--council", COUNCIL)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Nothing is to be done." in answer.stdout
    assert f"good  files of {COUNCIL}" in answer.stdout
    assert "fsync" not in answer.stdout
    assert "fsync" in sound.ask("--all").stdout


def test_findings_end_with_1_and_say_what_to_do_and_no_secret(sound):
    state = sound.doors.settings.state
    state.chmod(0o755)
    try:
        answer, data = sound.ask(), sound.ask("--json")
    finally:
        state.chmod(0o700)
    assert answer.returncode == data.returncode == 1
    assert "mode 0755" in answer.stdout
    assert "chmod 0700" in answer.stdout
    said = json.loads(data.stdout)
    (bad,) = [finding for finding in said["findings"] if finding["grade"] == "bad"]
    assert (bad["council"], bad["room"], bad["subject"]) == (COUNCIL, "files", "the council's folder")
    assert (said["ends_with"], said["counts"]["bad"]) == (1, 1)
    password = re.search(r"sound:([^@]+)@", sound.doors.database)[1]
    assert password not in answer.stdout + answer.stderr + data.stdout


def test_what_could_not_be_looked_at_ends_with_2(sound):
    answer = sound.ask("--seconds", "0", "--json")
    assert answer.returncode == 2, answer.stdout
    grades = {finding["grade"] for finding in json.loads(answer.stdout)["findings"]}
    assert "could not look" in grades
    assert not grades & {"bad", "warning"}


def test_every_missing_setting_is_named_at_once(sound):
    answer = sound.ask("--council", COUNCIL, "--json", without=("STATE", "RECIPIENT_KEY"))
    assert answer.returncode == 1
    found = [finding["found"] for finding in json.loads(answer.stdout)["findings"] if finding["room"] == "settings"]
    prefix = "FAMILY_EXCHANGE__CHESHIRE_WEST_AND_CHESTER__"
    assert found == [f"{prefix}STATE is not set", f"{prefix}RECIPIENT_KEY is not set"]


def test_a_setting_that_cannot_be_read_is_named(sound):
    wrong = {"FAMILY_EXCHANGE__CHESHIRE_WEST_AND_CHESTER__DROP_ZONE": "sftp://nobody"}
    answer = sound.ask("--council", COUNCIL, "--json", **wrong)
    assert answer.returncode == 1
    (finding,) = [one for one in json.loads(answer.stdout)["findings"] if one["room"] == "settings"]
    assert "its user is absent" in finding["found"]


def test_a_settings_file_that_others_may_read_is_found(sound):
    file = sound.folder / ".env"
    file.write_text("# nothing\n")
    file.chmod(0o644)
    try:
        answer = sound.ask()
    finally:
        file.unlink()
    assert answer.returncode == 1
    assert ".env with the passwords" in answer.stdout


def test_a_council_that_nobody_knows_is_one_clear_line(sound):
    answer = sound.ask("--council", "nowhere")
    assert answer.returncode == 2
    assert answer.stderr.startswith("stopped: there is no profile of that name")


def test_settings_may_come_from_airflows_connections_and_airflow_is_left_as_it_is(sound, tmp_path):
    home = tmp_path / "airflow"
    home.mkdir(mode=0o700)
    stated = connections.as_variables(sound.doors.settings)
    answer = sound.ask("--from-airflow", "--json", without=NEEDED, AIRFLOW_HOME=home, **stated)
    said = json.loads(answer.stdout)
    found = {(one["council"], one["room"], one["subject"]): one for one in said["findings"]}
    assert found[None, "settings", COUNCIL]["found"] == "every setting is there"
    assert found[COUNCIL, "database", "migrations"]["grade"] == "good"
    assert found[COUNCIL, "SFTP servers", "drop zone: log-in"]["grade"] == "good"
    assert list(home.iterdir()) == []


def test_where_the_compose_file_gives_airflow_alone_no_council_is_missed(sound):
    answer = sound.ask("--json", without=NEEDED, FAMILY_EXCHANGE__COMPOSED="airflow")
    (found,) = [one for one in json.loads(answer.stdout)["findings"] if one["room"] == "settings"]
    assert (found["grade"], "run --rm desk" in found["advice"]) == ("note", True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_installation_without_councils_says_where_settings_go(sound, words):
    answer = sound.ask(*words, without=NEEDED)
    assert answer.returncode == 1
    assert "no council has settings here" in answer.stdout
