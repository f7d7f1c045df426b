"""C01 and C23: what other programs make, and what of it our gpg cannot vouch for."""

import itertools

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.seal import RegisteredKey
from support import newer, packets
from support.keys import parties
from support.programs import KINDS, PROGRAMS, missing, senders
from support.sealed_files import CONTENT, altered
from support.unsealing import SINCE, council_of, opener

__all__ = ["parties", "senders"]

EACH = [
    pytest.param(program, kind, armoured, id=f"{program}, {kind}, {'armoured' if armoured else 'binary'}")
    for (program, kind), armoured in itertools.product(
        [*itertools.product(PROGRAMS, KINDS), ("gosop", "rsa2048")], (False, True)
    )
]


@pytest.fixture
def council(senders, tmp_path):
    """What opens a file of this program: the sender's key is imported and registered as any other."""

    def having(program, kind):
        if missing(program):
            pytest.skip(f"{program} is not installed")
        ring = senders.councils[kind]
        imported = ring.door.import_key(senders.by[program, kind].public)
        return opener(ring, tmp_path / "state", {"police": (RegisteredKey(imported, SINCE),)})

    return having


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize(("program", "kind", "armoured"), EACH)
def test_what_a_partners_program_signs_and_encrypts_is_opened(program, kind, armoured, senders, council):
    opened = council(program, kind).open(senders.sealed(program, kind, CONTENT * 500, armoured=armoured))
    assert opened.plaintext == CONTENT * 500


@pytest.mark.parametrize(("program", "kind", "armoured"), EACH)
def test_what_it_only_encrypts_is_not(program, kind, armoured, senders, council):
    sealed = senders.sealed(program, kind, CONTENT, armoured=armoured, signed=False)
    council(program, kind).refuses(sealed, "UNSIGNED")


@pytest.mark.parametrize(("program", "kind", "armoured"), EACH)
def test_what_was_altered_on_its_way_is_not(program, kind, armoured, senders, council):
    sealed = senders.sealed(program, kind, CONTENT * 500, armoured=armoured)
    at = len(sealed) * 2 // 3 if armoured else len(sealed) - 30  # where no length of a part can stand
    other = b"A" if sealed[at : at + 1] != b"A" else b"B"
    changed = sealed[:at] + other + sealed[at + 1 :] if armoured else altered(sealed, at)
    council(program, kind).refuses(changed, "CORRUPT")


@pytest.mark.parametrize(
    "options", [("--zlib",), ("--bzip",), ("-z", "0"), ("--hash", "SHA512"), ("--cipher", "AES128")]
)
def test_rnp_may_compress_and_choose_among_good_algorithms(options, senders, council):
    assert (
        council("rnp", "curve25519").open(senders.sealed("rnp", "curve25519", CONTENT, *options)).plaintext == CONTENT
    )


@pytest.mark.parametrize("options", [("--hash", "SHA1"), ("--hash", "SHA3-256"), ("--cipher", "TRIPLEDES")])
def test_rnp_may_not_choose_a_weak_or_unknown_one(options, senders, council):
    council("rnp", "curve25519").refuses(senders.sealed("rnp", "curve25519", CONTENT, *options), "WEAK_ALGO")


@pytest.mark.parametrize("armoured", [False, True])
@pytest.mark.parametrize("mode", ["OCB", "EAX"])
def test_an_authenticated_mode_of_the_draft_is_refused_whole_or_altered(mode, armoured, senders, council):
    """gpg 2.2 opens it, and says of an altered one that it is whole: docs/adr/0022-newer-openpgp-is-refused.md."""
    opener = council("rnp", "curve25519")
    sealed = senders.sealed("rnp", "curve25519", CONTENT, f"--aead={mode}", armoured=armoured)
    changed = sealed if armoured else altered(sealed, len(sealed) - 3)
    for one in (sealed, changed):
        opener.refuses(one, "NOT_OPENPGP")


@pytest.mark.parametrize("message", [newer.SEALED, newer.SEALED_ARMOURED, newer.SIGNED])
def test_a_message_of_version_6_is_an_unsupported_format(message, parties, tmp_path):
    council_of(parties, tmp_path / "state").refuses(message, "NOT_OPENPGP")


def test_a_signature_of_version_6_inside_a_message_to_our_key_is_an_unsupported_format(parties, tmp_path):
    opener = council_of(parties, tmp_path / "state")
    opener.refuses(packets.sealed_around(newer.SIGNED_PACKETS, parties.council), "NOT_OPENPGP")
    assert opener.open(parties.police.sealed(CONTENT, parties.council)).plaintext == CONTENT


def test_a_key_of_version_6_is_not_taken_and_the_words_say_which_is(parties):
    with pytest.raises(NeedsDecision, match="version 4"):
        parties.council.door.import_key(newer.CERTIFICATE)
