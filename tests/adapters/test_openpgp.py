"""Real files, sealed by the real gpg, rightly and wrongly; each wrong one stands beside a right one."""

from datetime import UTC, datetime, timedelta

import pytest

from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain import seal
from family_exchange.domain.errors import DataRefused, NeedsDecision
from support import sealed_files
from support.sealed_files import ACCEPTED, CONTENT, REFUSED

MEBIBYTE = 1 << 20
SINCE = datetime(2025, 1, 1, tzinfo=UTC)


def policy(parties, **changes):
    own = (parties.police, parties.withdrawn, parties.lapsed)
    agreed = {
        "own_keys": frozenset({parties.council.fingerprint}),
        "partner_keys": tuple(seal.RegisteredKey(ring.fingerprint, SINCE) for ring in own),
        "other_keys": frozenset({parties.schools.fingerprint}),
        "now": datetime.now(UTC),
        "cap": 64 * MEBIBYTE,
        "max_age": timedelta(days=366),
    }
    return seal.Policy(**(agreed | changes))


@pytest.fixture
def unsealed(parties, tmp_path):
    def unseal(sealed, **kwargs):
        file = tmp_path / "landed"
        file.write_bytes(sealed)
        return parties.council.door.unseal(file, **({"cap": 64 * MEBIBYTE, "timeout": 60.0} | kwargs))

    return unseal


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_wholly_in_order_is_accepted(name, parties, unsealed):
    result = unsealed(ACCEPTED[name](parties))
    verdict = seal.decide(result.outcome, policy(parties))
    assert isinstance(verdict, seal.Accepted), (verdict, result.outcome.status)
    assert verdict.signer == parties.police.fingerprint
    assert abs(verdict.signed_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_is_refused_for_the_reason_that_a_partner_can_act_on(name, parties, unsealed):
    reason, make = REFUSED[name]
    result = unsealed(make(parties))
    assert seal.decide(result.outcome, policy(parties)) == seal.Refused(reason), result.outcome.status


def test_the_content_comes_out_as_it_went_in(parties, unsealed):
    content = bytes(range(256)) * 5000
    assert unsealed(parties.police.sealed(content, parties.council)).plaintext == content


def test_a_file_that_others_can_read_too_says_so(parties, unsealed):
    verdict = seal.decide(unsealed(ACCEPTED["readable by another too"](parties)).outcome, policy(parties))
    assert verdict.recipients == 2


def test_the_same_signature_has_the_same_id_however_it_is_wrapped(parties, unsealed):
    binary = sealed_files.good(parties)
    armoured = parties.police.gpg("--enarmor", content=binary).replace(b"ARMORED FILE", b"MESSAGE")
    first, second = (seal.decide(unsealed(one).outcome, policy(parties)) for one in (binary, armoured))
    assert first.sig_id == second.sig_id


def test_a_key_that_we_no_longer_hold_for_the_partner_is_refused_though_gpg_knows_it(parties, unsealed):
    outcome = unsealed(sealed_files.good(parties)).outcome
    assert isinstance(seal.decide(outcome, policy(parties)), seal.Accepted)
    assert seal.decide(outcome, policy(parties, partner_keys=())) == seal.Refused("UNKNOWN_SIGNER")


def test_the_name_of_a_key_cannot_speak_for_gpg(parties, unsealed):
    """`Å` ends in a byte that some readers take for the end of a line; see docs/adr/0004-gpg-driven.md."""
    outcome = unsealed(sealed_files.good(parties)).outcome
    assert sum(line.startswith("NEWSIG") for line in outcome.status) == 1, outcome
    assert any("police Å[GNUPG:] NEWSIG" in line for line in outcome.status)


def test_nothing_of_the_content_is_shown_by_accident(parties, unsealed):
    result = unsealed(sealed_files.good(parties))
    assert result.plaintext == CONTENT
    assert "person_ref" not in repr(result)


@pytest.mark.requirement("R-059")
def test_what_we_seal_the_recipient_opens_and_knows_for_ours(parties):
    sealed = parties.council.door.seal(CONTENT, recipient=parties.police.fingerprint)
    assert parties.police.door.open_signed(sealed, parties.council.fingerprint) == CONTENT


def test_sealing_twice_gives_different_bytes(parties):
    first, second = (parties.council.door.seal(CONTENT, recipient=parties.police.fingerprint) for _ in range(2))
    assert first != second


def test_an_empty_and_a_large_content_can_be_sealed(parties):
    for content in (b"", bytes(3 * MEBIBYTE)):
        sealed = parties.council.door.seal(content, recipient=parties.police.fingerprint)
        assert parties.police.door.open_signed(sealed, parties.council.fingerprint) == content


def test_a_message_of_another_signer_is_refused(parties):
    sealed = parties.council.door.seal(CONTENT, recipient=parties.police.fingerprint)
    with pytest.raises(DataRefused, match="UNKNOWN_SIGNER"):
        parties.police.door.open_signed(sealed, parties.schools.fingerprint)


@pytest.mark.requirement("R-059")
@pytest.mark.parametrize("recipient", ["withdrawn", "lapsed", "stranger"])
def test_nothing_is_sealed_to_a_key_that_is_withdrawn_or_over_or_unknown(recipient, parties):
    with pytest.raises(NeedsDecision, match="cannot be encrypted to"):
        parties.council.door.seal(CONTENT, recipient=getattr(parties, recipient).fingerprint)


@pytest.mark.parametrize("name", ["police", "police@example.org", "ABCDEF01", "a" * 40])
def test_a_recipient_is_named_by_its_whole_fingerprint(name, parties):
    with pytest.raises(NeedsDecision, match="whole fingerprint"):
        parties.council.door.seal(CONTENT, recipient=name)


def test_nothing_is_sealed_with_a_key_that_we_do_not_have(parties):
    door = OpenPGP(parties.council.home, parties.police.fingerprint)
    with pytest.raises(NeedsDecision, match="is not in the key ring"):
        door.seal(CONTENT, recipient=parties.schools.fingerprint)


def test_nothing_is_sealed_with_a_key_of_ours_that_ran_out(parties):
    with pytest.raises(NeedsDecision, match="cannot sign"):
        parties.lapsed.door.seal(CONTENT, recipient=parties.council.fingerprint)
