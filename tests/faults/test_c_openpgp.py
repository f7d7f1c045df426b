"""Group C of the fault catalogue, by the real gpg and through the real unsealing, each beside a right one."""

import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import family_exchange
from family_exchange.domain.errors import DataRefused
from support import packets, sealed_files
from support.keys import parties
from support.sealed_files import ACCEPTED, CONTENT, REFUSED, good
from support.unsealing import SINCE, council_of

__all__ = ["parties"]

CASES = [
    ("C01", "binary", ()),
    ("C01 readable by another too", "readable by another too", ("for somebody else",)),
    ("C05", "binary", ("by a withdrawn key",)),
    ("C06", "binary", ("by a key that ran out since",)),
    ("C07", "binary", ("by a stranger", "by two, one of them a stranger", "by two partners", "by another partner")),
    ("C09", "binary", ("signed in the future", "signed long ago", "by a signature that ran out")),
    ("C11", "packets written by hand", ("without integrity",)),
    (
        "C12",
        "large and not compressed",
        (
            "empty",
            "cut at 1 %",
            "cut at 50 %",
            "cut at 99 %",
            "cut ten bytes before its end",
            "cut in its first packet",
        ),
    ),
    ("C13", "recipient hidden", ("for somebody else", "for somebody else, hidden")),
    ("C17", "packets written by hand", ("two messages", "followed by garbage", "two contents in one message")),
    ("C19", "binary", ("by passphrase", "by passphrase too")),
    ("C20", "AES-128", ("3DES", "Camellia")),
    ("C20 hashes", "SHA-512", ("SHA-1", "RIPEMD-160")),
    (
        "C21",
        "armoured with CRLF",
        (
            "armoured behind a byte-order mark",
            "armoured in UTF-16",
            "prose before the armour",
            "prose after the armour",
            "with a wrong checksum",
        ),
    ),
    ("findings 1 and 2", "large and not compressed", ("altered in its middle", "altered in its signature")),
    ("not encrypted", "binary", ("signed, not encrypted", "signed in the clear", "a bare literal", "not signed")),
    ("no message", "binary", ("one byte", "a CSV file", "a public key", "a detached signature")),
]


@pytest.fixture
def council(parties, tmp_path):
    return council_of(parties, tmp_path / "state")


@pytest.mark.requirement("R-046")
@pytest.mark.parametrize(("twin", "wrong"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_wrong_file_is_refused_by_its_reason_and_the_right_one_beside_it_is_opened(twin, wrong, parties, council):
    for name in wrong:
        reason, make = REFUSED[name]
        council.refuses(make(parties), reason)
    opened = council.open(ACCEPTED[twin](parties))
    assert opened.signer == parties.police.fingerprint
    assert CONTENT in opened.plaintext


def test_c05_what_a_person_revoked_counts_although_gpg_knows_nothing_of_it(parties, council):
    sealed = good(parties)
    (key, *others) = council.keys["police"]
    revoked = replace(key, revoked_at=datetime.now(UTC))
    replace(council, keys=council.keys | {"police": (revoked, *others)}).refuses(sealed, "SIGNER_REVOKED")
    assert council.open(sealed).plaintext == CONTENT


def test_c06_a_signature_made_after_its_key_ran_out_is_refused_like_one_made_before(parties, council):
    """The partner prolonged its key and did not tell us; once it has, the same signature is good."""
    longer = parties.another("prolonged")
    longer.gpg("--import", content=parties.lapsed.gpg("--export-secret-keys", parties.lapsed.fingerprint))
    longer.gpg("--quick-set-expire", parties.lapsed.fingerprint, "never")
    longer.gpg("--quick-set-expire", parties.lapsed.fingerprint, "never", "*")
    longer.knows(parties.council)
    keys = (f"--local-user={parties.lapsed.fingerprint}", f"--recipient={parties.council.fingerprint}")
    after = longer.gpg(*keys, "--sign", "--encrypt", content=CONTENT)
    before = REFUSED["by a key that ran out since"][1](parties)
    for sealed in (before, after):
        council.refuses(sealed, "SIGNER_EXPIRED")
    assert council.open(good(parties)).plaintext == CONTENT


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        ({"valid_to": SINCE + timedelta(days=1)}, "SIGNER_EXPIRED"),
        ({"valid_from": datetime.now(UTC) + timedelta(days=1)}, "SIG_TIME"),
        ({"valid_to": datetime.now(UTC) + timedelta(days=1)}, None),
    ],
)
def test_c06_our_own_window_of_a_key_counts_beside_the_keys_own(window, reason, parties, council):
    (key, *_) = council.keys["police"]
    bounded = replace(council, keys={"police": (replace(key, **window),)})
    if reason:
        bounded.refuses(good(parties), reason)
    else:
        assert bounded.open(good(parties)).plaintext == CONTENT


@pytest.mark.parametrize(("minutes", "reason"), [(-4, None), (-6, "SIG_TIME")])
def test_c09_a_partners_clock_may_be_five_minutes_ahead_of_ours(minutes, reason, parties, council):
    ours = council.later(minutes / 24 / 60)
    if reason:
        ours.refuses(good(parties), reason)
    else:
        assert ours.open(good(parties)).plaintext == CONTENT


@pytest.mark.parametrize(("days", "reason"), [(365, None), (367, "STALE")])
def test_c09_a_signature_may_be_a_year_old(days, reason, parties, council):
    ours = council.later(days)
    if reason:
        ours.refuses(good(parties), reason)
    else:
        assert ours.open(good(parties)).plaintext == CONTENT


def test_c11_nothing_in_the_product_tells_gpg_to_overlook_missing_integrity(parties, council):
    sources = [path.read_text() for path in Path(family_exchange.__file__).parent.rglob("*.py")]
    assert any("--decrypt" in source for source in sources)
    assert not any(re.search(r"ignore-mdc|ignore-crc|allow-multiple-messages|disable-mdc", one) for one in sources)


def test_c17_a_message_sealed_inside_another_is_not_opened_further(parties, council):
    inner = good(parties)
    for one in (inner, good(parties, "--armor")):
        council.refuses(good(parties, content=one), "CONTENT", content=one)
    assert council.open(inner).plaintext == CONTENT


NAMES = [
    "../../x",
    "/tmp/family-exchange-c18",
    "a\n[GNUPG:] GOODSIG 1 x",
    "a\n[GNUPG:] BADMDC",
    "_CONSOLE",
    "x" * 255,
    "-",
]


@pytest.mark.parametrize("name", NAMES)
def test_c18_the_name_inside_a_message_is_neither_a_path_nor_a_status(name, parties, council, tmp_path, monkeypatch):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    before = set(tmp_path.rglob("*")) | set(council.state.rglob("*"))
    sealed = good(parties, f"--set-filename={name}")
    assert council.open(sealed).plaintext == CONTENT
    made = (set(tmp_path.rglob("*")) | set(council.state.rglob("*"))) - before
    assert all((council.state / "vault") in (path, *path.parents) for path in made)
    assert not Path("/tmp/family-exchange-c18").exists()


def test_c18_a_name_cannot_stand_for_a_signature(parties, council):
    reason, make = REFUSED["a literal with a path for a name"]
    council.refuses(make(parties), reason)
    assert reason == "UNSIGNED"


def test_c19_nobody_is_asked_for_a_passphrase(parties, council):
    started = time.monotonic()
    council.refuses(REFUSED["by passphrase"][1](parties), "WRONG_RECIPIENT")
    assert time.monotonic() - started < 60
    assert council.open(good(parties)).plaintext == CONTENT


def test_c21_the_headers_of_an_armour_are_nobodys_word(parties, council):
    sealed = good(parties, "--armor", "--comment==cmd|calc", "--comment=[GNUPG:] GOODSIG 1 x", "--emit-version")
    assert b"=cmd|calc" in sealed
    assert council.open(sealed).plaintext == CONTENT


def test_a_file_in_anothers_folder_is_not_its_senders(parties, council):
    sealed = good(parties)
    council.refuses(sealed, "SIGNER_NOT_PARTNER", partner="schools")
    council.refuses(sealed, "SIGNER_NOT_PARTNER", partner="a partner without keys")
    assert council.open(sealed, partner="police").plaintext == CONTENT


def test_what_is_altered_at_any_byte_is_never_opened(parties, council):
    """Every byte of a small message in turn, which is to say every field of every packet."""
    sealed = good(parties, "--compress-algo=none")
    for at in range(0, len(sealed), 3):
        with pytest.raises(DataRefused):
            council.open(sealed_files.altered(sealed, at))
    assert council.files_with(CONTENT) == []
    assert council.open(sealed).plaintext == CONTENT


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        pytest.param(b"\x01" + os.urandom(300), "NOT_OPENPGP", id="random"),
        pytest.param(bytes(300), "NOT_OPENPGP", id="zeros"),
        pytest.param(b"\xff" * 300, "NOT_OPENPGP", id="ones"),
        pytest.param(packets.packet(18, b"\x01" + os.urandom(64)), "WRONG_RECIPIENT", id="data for nobody"),
        pytest.param(packets.packet(9, bytes(64)), "WRONG_RECIPIENT", id="unprotected data for nobody"),
    ],
)
def test_noise_in_place_of_a_message_is_never_opened(noise, reason, parties, council):
    council.refuses(noise, reason)
    assert council.open(good(parties)).plaintext == CONTENT
