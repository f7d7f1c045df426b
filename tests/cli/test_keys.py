"""Keys on the command line: two people in two acts, a rotation, a revocation, and what the list says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from family_exchange.adapters import database, own_keys, settings
from family_exchange.adapters.doors import make_secrets
from family_exchange.adapters.openpgp import OpenPGP, make_key
from family_exchange.cli import application
from family_exchange.commands import keys as commands
from family_exchange.domain.errors import NeedsDecision
from support import registry
from support.keys import home, parties

__all__ = ["home", "parties"]


@pytest.fixture
def keys(council_database, home, parties, tmp_path, monkeypatch):
    """`keys …` of a council without keys but its own."""
    doors = registry.doors_to(council_database)
    make_secrets(tmp_path)
    (tmp_path / "gnupg").symlink_to(home)
    own = make_key(home, "council")
    OpenPGP(home, own).import_key(parties.schools.door.export_public(parties.schools.fingerprint))
    nowhere = replace(doors.settings.drop_zone, host_key="ssh-ed25519 AAAA")
    stated = replace(
        doors.settings,
        state=tmp_path,
        own_key=own,
        recipient_key=parties.schools.fingerprint,
        drop_zone=nowhere,
        recipient=nowhere,
    )
    for name, value in settings.as_environment(stated).items():
        monkeypatch.setenv(name, value)

    def run(*words):
        answer = CliRunner().invoke(application("keys"), ["keys", *words, "--council", doors.profile.council])
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    run.own = own
    run.url = council_database
    return run


@pytest.fixture
def given(parties, tmp_path):
    """A partner's public key as a file."""

    def file(name):
        ring = getattr(parties, name)
        path = tmp_path / f"{name}.asc"
        path.write_bytes(ring.door.export_public(ring.fingerprint))
        return str(path)

    return file


def listed(keys):
    return {one["fingerprint"]: one for one in json.loads(keys("list", "--json"))}


def test_a_key_is_added_by_one_and_approved_by_another(keys, given, parties):
    fingerprint = parties.police.fingerprint
    assert "second person" in keys("add", given("police"), "--partner", "police", "--by", "alice")
    assert listed(keys)[fingerprint] == {
        "kind": "openpgp", "partner": "police", "fingerprint": fingerprint, "from": f"{datetime.now(UTC):%Y-%m-%d}",
        "to": listed(keys)[fingerprint]["to"], "state": "pending", "who": "alice", "days left": None,
    }  # fmt: skip
    with pytest.raises(NeedsDecision, match="two different people"):
        keys("approve", fingerprint, "--by", " ALICE")
    keys("approve", fingerprint, "--by", "bob")
    valid = listed(keys)[fingerprint]
    assert (valid["state"], valid["who"]) == ("valid", "alice, bob")
    assert 728 <= valid["days left"] <= 730


def test_the_same_command_by_another_person_is_enough(keys, given, parties):
    for by in ("alice", "bob"):
        keys("add", given("police"), "--partner", "police", "--by", by)
    assert listed(keys)[parties.police.fingerprint]["state"] == "valid"


def test_a_key_is_revoked_by_one_for_a_reason_of_the_list(keys, given, parties):
    fingerprint = parties.police.fingerprint
    for by in ("alice", "bob"):
        keys("add", given("police"), "--partner", "police", "--by", by)
    with pytest.raises(AssertionError, match="Invalid value"):
        keys("revoke", fingerprint, "--by", "alice", "--reason", "because")
    assert "accepts nothing" in keys("revoke", fingerprint, "--by", "alice", "--reason", "compromised")
    assert listed(keys)[fingerprint]["state"] == "revoked"
    assert json.loads(keys("revoke", fingerprint, "--by", "bob", "--reason", "lost", "--json"))["confirmed"]
    assert listed(keys)[fingerprint]["who"] == "alice, bob; revoked by alice, bob"


def test_a_partners_key_is_rotated_with_an_overlap(keys, given, parties, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(commands, "now", lambda: datetime.now(UTC) - timedelta(days=1))
        for by in ("alice", "bob"):
            keys("add", given("police"), "--partner", "police", "--by", by)
    for by in ("alice", "bob"):
        keys("rotate", given("stranger"), "--partner", "police", "--overlap-days", "7", "--by", by)
    found = listed(keys)
    assert found[parties.police.fingerprint]["state"] == "retiring"
    assert found[parties.police.fingerprint]["days left"] == 7
    assert found[parties.stranger.fingerprint]["state"] == "valid"


def test_our_own_key_is_rotated_by_two(keys):
    assert listed(keys)[keys.own]["partner"] == "own"
    for by in ("alice", "Alice", "bob"):
        shown = json.loads(keys("rotate", "--own", "--overlap-days", "14", "--by", by, "--json"))
    assert (shown["added_by"], shown["approved_by"]) == ("alice", "bob")
    found = listed(keys)
    assert len(found) == 3
    assert (found[keys.own]["state"], found[keys.own]["days left"]) == ("retiring", 14)
    assert found[shown["fingerprint"]]["state"] == "valid"
    assert keys("export", shown["fingerprint"]).startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    with database.transaction(keys.url) as connection:
        assert own_keys.at(connection, keys.own, datetime.now(UTC)).valid == {keys.own, shown["fingerprint"]}


def test_the_recipients_key_is_listed_too(keys, parties):
    assert listed(keys)[parties.schools.fingerprint]["partner"] == "recipient"


@pytest.mark.parametrize(
    "words", [("rotate",), ("rotate", "--own", "--partner", "police"), ("rotate", "--partner", "police")]
)
def test_a_rotation_says_of_which_key(keys, words):
    with pytest.raises(NeedsDecision, match="--own"):
        keys(*words, "--by", "alice")


def test_a_partner_that_the_profile_does_not_know_has_no_key(keys, given):
    with pytest.raises(NeedsDecision, match="no such partner"):
        keys("add", given("police"), "--partner", "nobody", "--by", "alice")
