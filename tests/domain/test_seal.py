"""The judgement of a seal over what gpg really said, and over what it never should."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from family_exchange.domain import seal
from family_exchange.domain.envelope import Envelope, Shape
from family_exchange.domain.file import Reason

RECORDED = Path(__file__).with_name("recorded_by_gpg.txt")
SINCE = datetime(2025, 1, 1, tzinfo=UTC)
CAP = 64 << 20


@dataclass(frozen=True)
class Recording:
    expected: str
    outcome: seal.Outcome


def recordings() -> tuple[dict[str, str], dict[str, Recording]]:
    head, *sections = RECORDED.read_text().split("\n== ")
    facts = dict(line.split(" = ") for line in head.splitlines() if " = " in line)
    found = {}
    for section in sections:
        title, *lines = section.splitlines()
        name, expected, rest = title.split(" | ")
        rc, bytes_in, bytes_out, shape, by_passphrase = rest.split()
        found[name] = Recording(
            expected,
            seal.Outcome(
                rc=int(rc),
                status=tuple(line for line in lines if line),
                bytes_in=int(bytes_in),
                bytes_out=int(bytes_out),
                clean_eof=int(rc) >= 0,
                envelope=Envelope(Shape(shape), by_passphrase == "yes"),
            ),
        )
    return facts, found


FACTS, FOUND = recordings()
POLICE, COUNCIL, SCHOOLS = FACTS["police"], FACTS["council"], FACTS["schools"]
SIGNED_AT = datetime.fromisoformat(FACTS["now"])
GOOD = FOUND["binary"].outcome


def a_policy(**changes):
    agreed = {
        "own_keys": frozenset({COUNCIL}),
        "partner_keys": tuple(seal.RegisteredKey(FACTS[name], SINCE) for name in ("police", "withdrawn", "lapsed")),
        "other_keys": frozenset({SCHOOLS}),
        "now": SIGNED_AT,
        "cap": CAP,
        "max_age": timedelta(days=366),
    }
    return seal.Policy(**(agreed | changes))


def police_key(**changes):
    return (seal.RegisteredKey(**({"fingerprint": POLICE, "valid_from": SINCE} | changes)),)


def saying(*lines, rc=2, **changes):
    whole = {"rc": rc, "status": lines, "bytes_in": 300, "bytes_out": 0, "clean_eof": True}
    return seal.Outcome(**(whole | {"envelope": Envelope(Shape.BINARY)} | changes))


@pytest.mark.parametrize("name", FOUND)
def test_each_recorded_run_is_judged_as_the_file_deserves(name):
    verdict = seal.decide(FOUND[name].outcome, a_policy())
    if FOUND[name].expected == "accepted":
        assert isinstance(verdict, seal.Accepted)
        assert verdict.signer == POLICE
    else:
        assert verdict == seal.Refused(Reason(FOUND[name].expected))


def test_every_reason_that_a_seal_can_give_was_seen_from_a_real_gpg():
    of_content = {"NAME", "NOT_REGULAR", "ENCODING", "CSV_SYNTAX", "HEADER", "SCHEMA", "CONTENT", "CONFLICT"}
    elsewhere = of_content | {"TOO_LARGE", "RESEARCH_WALL"}
    assert {one.expected for one in FOUND.values()} == {reason for reason in Reason if reason not in elsewhere} | {
        "accepted"
    }


OUR_OWN = {
    "the agent's locked memory is full": (
        "AGENT",
        saying("ENC_TO 1 18 0", f"KEY_CONSIDERED {COUNCIL} 0", "ERROR pkdecrypt_failed 16810070"),
    ),
    "the key wants a passphrase that nobody can type": ("AGENT", saying("ERROR pkdecrypt_failed 67108949")),
    "the agent cannot be started, or the secret file is gone": (
        "OWN_KEY",
        saying("ENC_TO 1 18 0", f"KEY_CONSIDERED {COUNCIL} 0", "NO_SECKEY 1", "BEGIN_DECRYPTION", "DECRYPTION_FAILED"),
    ),
    "the ring is gone": (
        "KEY_RING",
        saying("ERROR add_keyblock_resource 33587281", "ENC_TO 1 18 0", "ERROR keydb_search 33554445", "NO_SECKEY 1"),
    ),
    "the ring lost a key that the ledger has": (
        "KEY_RING",
        saying(f"NEWSIG {POLICE}", f"ERRSIG 1 22 10 00 1795323997 9 {POLICE}", "NO_PUBKEY 1"),
    ),
    "gpg was killed": ("SIGNAL", saying(rc=-9)),
    "time was up": ("TIMEOUT", replace(GOOD, rc=-9, clean_eof=False, timed_out=True)),
}


@pytest.mark.parametrize("name", OUR_OWN)
def test_a_failure_of_ours_is_never_blamed_on_the_file(name):
    code, outcome = OUR_OWN[name]
    assert seal.decide(outcome, a_policy()) == seal.Retry(code)


def test_a_damaged_session_packet_is_the_files_own_fault():
    outcome = saying("ENC_TO 1 18 0", f"KEY_CONSIDERED {COUNCIL} 0", "ERROR pkdecrypt_failed 16777226")
    assert seal.decide(outcome, a_policy()) == seal.Refused(Reason.CORRUPT)


@pytest.mark.parametrize(
    ("bytes_in", "bytes_out", "expected"),
    [
        (1000, CAP, Reason.EXPANSION),
        (1000, 200 * 1000 + (1 << 20) + 1, Reason.EXPANSION),
        (CAP, CAP + 1, Reason.TOO_LARGE),
        (0, (1 << 20) + 1, Reason.EXPANSION),
    ],
)
def test_more_than_we_agreed_to_read_is_refused_before_anything_else(bytes_in, bytes_out, expected):
    outcome = replace(GOOD, bytes_in=bytes_in, bytes_out=bytes_out, rc=-9, clean_eof=False)
    assert seal.decide(outcome, a_policy()) == seal.Refused(expected)


def test_the_last_byte_that_is_allowed_is_allowed():
    for bytes_in, bytes_out in ((1000, 200 * 1000 + (1 << 20)), (CAP, CAP)):
        assert bytes_out == seal.output_limit(bytes_in, CAP)
        outcome = replace(GOOD, bytes_in=bytes_in, bytes_out=bytes_out)
        assert isinstance(seal.decide(outcome, a_policy()), seal.Accepted)


def test_a_run_that_we_cut_short_is_never_accepted():
    assert seal.decide(replace(GOOD, clean_eof=False), a_policy()) == seal.Refused(Reason.CORRUPT)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"own_keys": frozenset({SCHOOLS})}, Reason.WRONG_RECIPIENT),
        ({"partner_keys": ()}, Reason.UNKNOWN_SIGNER),
        ({"partner_keys": (), "other_keys": frozenset({POLICE})}, Reason.SIGNER_NOT_PARTNER),
        ({"partner_keys": (), "research_keys": frozenset({POLICE})}, Reason.RESEARCH_WALL),
        ({"research_keys": frozenset({SCHOOLS})}, None),
        ({"partner_keys": police_key(), "other_keys": frozenset({POLICE})}, None),
        ({"partner_keys": police_key(revoked_at=SIGNED_AT)}, Reason.SIGNER_REVOKED),
        ({"partner_keys": police_key(revoked_at=SIGNED_AT + timedelta(days=1))}, None),
        ({"partner_keys": police_key(valid_to=SIGNED_AT)}, Reason.SIGNER_EXPIRED),
        ({"partner_keys": police_key(valid_to=SIGNED_AT + timedelta(minutes=1))}, None),
        ({"partner_keys": police_key(valid_from=SIGNED_AT + timedelta(minutes=1))}, Reason.SIG_TIME),
        ({"now": SIGNED_AT - timedelta(minutes=4)}, None),
        ({"now": SIGNED_AT - timedelta(minutes=6)}, Reason.SIG_TIME),
        ({"now": SIGNED_AT + timedelta(days=365)}, None),
        ({"now": SIGNED_AT + timedelta(days=367)}, Reason.STALE),
        ({"now": SIGNED_AT + timedelta(days=3670), "max_age": None}, None),
    ],
)
def test_what_we_agreed_decides_over_what_gpg_can_compute(changes, expected):
    verdict = seal.decide(GOOD, a_policy(**changes))
    assert isinstance(verdict, seal.Accepted) if expected is None else verdict == seal.Refused(expected)


def test_our_encryption_key_may_be_named_by_itself():
    subkey = next(line.split()[1] for line in GOOD.status if line.startswith("DECRYPTION_KEY"))
    assert isinstance(seal.decide(GOOD, a_policy(own_keys=frozenset({subkey}))), seal.Accepted)


def test_a_receipt_may_be_of_any_time_but_of_one_signer_only():
    policy = seal.at_any_time(signer=POLICE, own_key=COUNCIL, cap=CAP)
    assert isinstance(seal.decide(GOOD, policy), seal.Accepted)
    assert isinstance(seal.decide(FOUND["signed long ago"].outcome, policy), seal.Accepted)
    assert seal.decide(FOUND["by another partner"].outcome, policy) == seal.Refused(Reason.UNKNOWN_SIGNER)


def test_an_authenticated_mode_counts_as_integrity():
    newer = tuple(line.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 2") for line in GOOD.status)
    newer = tuple(line for line in newer if line != "GOODMDC")
    assert isinstance(seal.decide(replace(GOOD, status=newer), a_policy()), seal.Accepted)


def test_what_gpg_calls_whole_without_naming_how_it_knows_is_refused():
    """gpg 2.2 says the same of an altered message of this kind: docs/adr/0022-newer-openpgp-is-refused.md."""
    status = tuple(line.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 0") for line in GOOD.status)
    newer = Envelope(Shape.BINARY, newer=True)
    assert seal.decide(replace(GOOD, status=status, envelope=newer), a_policy()) == seal.Refused(Reason.NOT_OPENPGP)
    named = tuple(line.replace("DECRYPTION_INFO 2 9 0", "DECRYPTION_INFO 0 9 2") for line in GOOD.status)
    assert isinstance(seal.decide(replace(GOOD, status=named, envelope=newer), a_policy()), seal.Accepted)


def test_a_signature_that_gpg_does_not_know_is_not_taken_for_a_second_message():
    opened = ("ENC_TO 1 18 0", f"DECRYPTION_KEY {COUNCIL} {COUNCIL} u", "BEGIN_DECRYPTION", "DECRYPTION_INFO 2 9 0")
    closed = ("DECRYPTION_OKAY", "GOODMDC", "END_DECRYPTION", "ERROR proc_pkt.plaintext 89_BAD_DATA", "NODATA 3")
    assert seal.decide(saying(*opened, "NODATA 3", *closed), a_policy()) == seal.Refused(Reason.NOT_OPENPGP)


def test_a_nest_that_gpg_would_not_unpack_is_an_expansion():
    opened = ("ENC_TO 1 18 0", f"DECRYPTION_KEY {COUNCIL} {COUNCIL} u", "BEGIN_DECRYPTION", "DECRYPTION_INFO 2 9 0")
    closed = ("UNEXPECTED 1", "DECRYPTION_OKAY", "GOODMDC", "END_DECRYPTION", "ERROR proc_pkt.plaintext 89_BAD_DATA")
    assert seal.decide(saying(*opened, *closed), a_policy()) == seal.Refused(Reason.EXPANSION)


ESSENTIAL = {
    "DECRYPTION_KEY", "BEGIN_DECRYPTION", "DECRYPTION_INFO", "PLAINTEXT", "NEWSIG", "SIG_ID", "GOODSIG", "VALIDSIG",
    "DECRYPTION_OKAY", "GOODMDC", "END_DECRYPTION",
}  # fmt: skip
DAMNING = (
    "BADSIG 1 x", "ERRSIG 1 22 10 00 1795323997 9 F", "EXPSIG 1 x", "EXPKEYSIG 1 x", "REVKEYSIG 1 x", "NO_PUBKEY 1",
    "KEYREVOKED", "BADMDC", "DECRYPTION_FAILED", "NODATA 3", "UNEXPECTED 0", "ERROR x 1", "FAILURE gpg-exit 1",
    "TRUNCATED 1", "NEED_PASSPHRASE_SYM 9 3 2", "NEWSIG", "PLAINTEXT 62 0 ", "BEGIN_DECRYPTION",
)  # fmt: skip


@pytest.mark.parametrize("keyword", sorted(ESSENTIAL))
def test_without_any_one_of_these_lines_nothing_is_accepted(keyword):
    fewer = tuple(line for line in GOOD.status if line.split()[0] != keyword)
    assert len(fewer) < len(GOOD.status)
    assert isinstance(seal.decide(replace(GOOD, status=fewer), a_policy()), seal.Refused)


@pytest.mark.parametrize("line", DAMNING)
def test_with_any_one_of_these_lines_nothing_is_accepted(line):
    for at in range(len(GOOD.status) + 1):
        more = (*GOOD.status[:at], line, *GOOD.status[at:])
        assert isinstance(seal.decide(replace(GOOD, status=more), a_policy()), seal.Refused), at


@pytest.mark.parametrize("shape", [Shape.SURROUNDED, Shape.UNKNOWN, Shape.GARBLED])
def test_a_message_with_an_unclear_outside_is_not_accepted(shape):
    assert isinstance(seal.decide(replace(GOOD, envelope=Envelope(shape)), a_policy()), seal.Refused)


KEYWORDS = st.sampled_from(sorted({line.split()[0] for one in FOUND.values() for line in one.outcome.status}))
WORDS = st.one_of(
    st.sampled_from([POLICE, COUNCIL, SCHOOLS, "0", "2", "9", "10", "00", "1795326087", "pkdecrypt_failed", "²", "-1"]),
    st.text(max_size=12),
    st.integers().map(str),
)
LINES = st.one_of(
    st.builds(lambda keyword, words: " ".join([keyword, *words]), KEYWORDS, st.lists(WORDS, max_size=11)),
    st.sampled_from([line for one in FOUND.values() for line in one.outcome.status]),
    st.text(max_size=40),
)
OUTCOMES = st.builds(
    seal.Outcome,
    rc=st.sampled_from([0, 0, 0, 1, 2, -9]),
    status=st.one_of(
        st.lists(LINES, max_size=25).map(tuple),
        st.permutations(GOOD.status).map(tuple),
        st.lists(st.sampled_from(GOOD.status), max_size=30).map(tuple),
    ),
    bytes_in=st.integers(0, 1 << 40),
    bytes_out=st.integers(0, 1 << 27),
    clean_eof=st.booleans(),
    timed_out=st.booleans(),
    envelope=st.builds(Envelope, st.sampled_from(Shape), st.booleans(), st.booleans()),
)


@given(outcome=OUTCOMES)
def test_whatever_gpg_says_there_is_a_verdict_and_acceptance_has_everything(outcome):
    verdict = seal.decide(outcome, a_policy())
    assert isinstance(verdict, seal.Accepted | seal.Refused | seal.Retry)
    if isinstance(verdict, seal.Accepted):
        said = Counter(line.split()[0] for line in outcome.status if line.split())
        assert outcome.rc == 0
        assert outcome.clean_eof
        assert not outcome.timed_out
        assert outcome.bytes_out <= CAP
        assert outcome.envelope.shape in {Shape.BINARY, Shape.ARMOURED}
        assert not outcome.envelope.by_passphrase
        assert all(said[keyword] >= 1 for keyword in ESSENTIAL - {"GOODMDC"})
        assert said["NEWSIG"] == said["GOODSIG"] == said["VALIDSIG"] == said["SIG_ID"]
        assert not any(said[line.split()[0]] for line in DAMNING if line.split()[0] not in ESSENTIAL)
        assert verdict.signer in {key.fingerprint for key in a_policy().partner_keys}


@given(cut=st.integers(0, len(GOOD.status) - 1))
def test_gpg_that_stops_in_the_middle_is_never_believed(cut):
    assert not isinstance(seal.decide(replace(GOOD, status=GOOD.status[:cut]), a_policy()), seal.Accepted)


LAPSED = FOUND["by a key that ran out since"].outcome
ENDED = "KEYEXPIRED 1751371200"


def test_two_people_may_let_in_what_was_signed_before_its_key_ran_out():
    assert seal.decide(LAPSED, a_policy(max_age=None)) == seal.Refused(Reason.SIGNER_EXPIRED)
    assert seal.decide(LAPSED, a_policy(lapsed_let_in=True)) == seal.Refused(Reason.STALE)
    let_in = seal.decide(LAPSED, a_policy(lapsed_let_in=True, max_age=None))
    assert isinstance(let_in, seal.Accepted)
    assert let_in.signer == FACTS["lapsed"]


@pytest.mark.parametrize(
    "end",
    ["KEYEXPIRED 1749556800", "KEYEXPIRED 1700000000", "KEYEXPIRED", "KEYEXPIRED soon", "KEYEXPIRED 0"],
)
def test_nobody_lets_in_what_was_signed_when_the_key_had_run_out_or_may_have(end):
    later = replace(LAPSED, status=tuple(end if line == ENDED else line for line in LAPSED.status))
    assert seal.decide(later, a_policy(lapsed_let_in=True)) == seal.Refused(Reason.SIGNER_EXPIRED)


def test_nobody_lets_in_a_key_whose_registration_was_over_or_that_was_revoked():
    over = seal.RegisteredKey(FACTS["lapsed"], SINCE, valid_to=SINCE + timedelta(days=1))
    policy = a_policy(lapsed_let_in=True, partner_keys=(over,))
    assert seal.decide(LAPSED, policy) == seal.Refused(Reason.SIGNER_EXPIRED)
    gone = replace(over, valid_to=None, revoked_at=SINCE)
    assert seal.decide(LAPSED, replace(policy, partner_keys=(gone,))) == seal.Refused(Reason.SIGNER_REVOKED)


@pytest.mark.parametrize("name", [name for name in FOUND if name != "by a key that ran out since"])
def test_letting_in_a_lapsed_key_changes_nothing_for_any_other_file(name):
    assert seal.decide(FOUND[name].outcome, a_policy(lapsed_let_in=True)) == seal.decide(
        FOUND[name].outcome, a_policy()
    )
