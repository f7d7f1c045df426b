"""`family-exchange model`: what a person trains and compares, from the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database, linkage_model, profiles, register, settings
from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.demo import synthetic
from family_exchange.domain.errors import NeedsDecision
from support.people_matching import COUNCIL
from support.registry import doors_to, load, with_staging


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic")
    synthetic.write(synthetic.council(profiles.profile(COUNCIL), people=1500, seed=6), out)
    return out


def model(*words, environment=None):
    typed = ["model", *map(str, words)]
    return CliRunner().invoke(cli.application("model"), typed, catch_exceptions=False, env=environment)


def test_a_model_is_trained_on_a_folder_and_compared_by_its_truth(folder, tmp_path):
    out = tmp_path / "v7.json"
    trained = model("train", "--council", COUNCIL, "--files", folder, "--out", out, "--json")
    assert trained.exit_code == 0
    told = json.loads(trained.stdout)
    assert told["version"] == linkage_model.read(out).version == "v7"
    assert told["statements"] > 500
    assert told["moved"] > 0
    answer = model("compare", "v1", out, "--council", COUNCIL, "--truth", folder, "--json")
    assert answer.exit_code == 0
    compared = json.loads(answer.stdout)
    assert [each["model"] for each in compared["quality"]] == ["v1", "v7"]
    assert all(each["precision"] > 0.99 and each["recall"] > 0.9 for each in compared["quality"])
    assert compared["grades"]
    assert {"comparison", "level", "old_bits", "new_bits"} == set(compared["weights"][0])
    shown = model("compare", "v2", "v2", "--council", COUNCIL, "--files", folder)
    assert shown.exit_code == 0
    assert "Weights that move" in shown.stdout


def test_a_model_is_trained_on_the_councils_own_register(council_database, tmp_path):
    url = with_staging(council_database)
    profile = profiles.profile(COUNCIL)
    load(url, synthetic.council(profile, people=1500, seed=6), profile)
    with database.transaction(url) as connection:
        register.take(connection, profiles.contract)
    out = tmp_path / "v8.json"
    there = SftpEndpoint("localhost", 1, "nobody", Path("/dev/null"), "ssh-ed25519 AAAA")
    environment = settings.as_environment(replace(doors_to(url).settings, drop_zone=there, recipient=there))
    trained = model("train", "--council", COUNCIL, "--out", out, "--json", environment=environment)
    assert trained.exit_code == 0
    assert linkage_model.read(out).trained[-1].on == COUNCIL


def test_a_version_that_is_there_is_never_written_over(folder, tmp_path):
    out = tmp_path / "v7.json"
    out.write_text("{}")
    with pytest.raises(NeedsDecision, match="never written over"):
        model("train", "--council", COUNCIL, "--files", folder, "--out", out)
    assert out.read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "--council", COUNCIL, "--files", ".", "--out", "mine.json"), "version"),
        (("compare", "v1", "nothing.json", "--council", COUNCIL, "--files", "."), "v1, v2, v3, v4"),
        (("compare", "v1", "v2", "--council", "atlantis", "--files", "."), "no such profile"),
        (("compare", "v1", "v2", "--council", COUNCIL, "--files", "/nonexistent"), "synth"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(words, says):
    with pytest.raises(NeedsDecision, match=says):
        model(*words)
