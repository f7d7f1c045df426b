"""Throw-away keys: for their owner alone, and good enough for the real programs."""

import stat

import pytest

from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.demo import keys
from family_exchange.domain import seal


def test_an_ssh_key_is_for_its_owner_alone(tmp_path):
    log_in = keys.ssh(tmp_path / "ssh", "police")
    assert stat.S_IMODE(log_in.private_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(log_in.private_key.parent.stat().st_mode) == 0o700
    assert log_in.public_key.startswith("ssh-ed25519 ")
    assert keys.ssh(tmp_path / "ssh", "schools").public_key != log_in.public_key


def test_a_ring_of_the_demo_seals_and_opens(home):
    door = OpenPGP(home, keys.openpgp(home, "Halton council"))
    assert door.open_signed(door.seal(b"x", recipient=door.own_key), door.own_key) == b"x"


def test_a_partner_can_forget_to_sign(parties, tmp_path):
    file = tmp_path / "landed"
    file.write_bytes(keys.encrypt_only(parties.police.door, b"a,b\n", recipient=parties.council.fingerprint))
    outcome = parties.council.door.unseal(file, cap=1000, timeout=60).outcome
    policy = seal.at_any_time(signer=parties.police.fingerprint, own_key=parties.council.fingerprint, cap=1000)
    assert seal.decide(outcome, policy) == seal.Refused("UNSIGNED")
    with pytest.raises(RuntimeError, match="could not encrypt"):
        keys.encrypt_only(parties.police.door, b"a,b\n", recipient="0" * 40)
