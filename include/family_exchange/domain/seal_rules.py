"""The rules by which a seal is judged, over the status lines of one gpg run.

Each rule looks for one thing that must not be; the tables give their order. What passes them all has, positively,
everything that must hold. Source: GnuPG's doc/DETAILS, and what gpg 2.2 was seen to say (tests/domain/test_seal.py).
"""

from collections.abc import Callable
from datetime import timedelta

from family_exchange.domain.envelope import Shape
from family_exchange.domain.file import Reason
from family_exchange.domain.seal_said import Said, Signature, number
from family_exchange.domain.seal_terms import ALLOWANCE, RATIO, Policy, RegisteredKey

FUTURE = timedelta(minutes=5)
"""How far a partner's clock may be ahead of ours."""
CIPHERS = frozenset({7, 8, 9})
"""AES with 128, 192 and 256 bits, by OpenPGP's numbers."""
HASHES = frozenset({8, 9, 10})
"""SHA-256, SHA-384 and SHA-512."""

_KINDS = frozenset({"00", "01"})
_OUR_FAULTS = frozenset({7, 11, 31, 33, 62, 63, 77, 78, 80, 81, 85, 86, 87, 99})
"""libgpg-error codes of an agent that cannot work: secret key, passphrase, resources, time, agent, assuan, pinentry."""
_SYSTEM_FAULT = 0x8000
"""The bit that marks an error of the operating system, e.g. ENOMEM in the agent's locked memory."""
_STEPS = ("BEGIN_DECRYPTION", "DECRYPTION_OKAY", "END_DECRYPTION", "PLAINTEXT")
_MODERN_INTEGRITY = 2
_AUTHENTICATED = frozenset({1, 2})
_KEY_ID = 16
_ANONYMOUS = "0" * _KEY_ID
_NO_PUBLIC_KEY = "9"

Rule = Callable[[Said, Policy], bool]


def _too_expansive(said: Said, _policy: Policy) -> bool:
    return said.outcome.bytes_out > RATIO * said.outcome.bytes_in + ALLOWANCE


def _too_large(said: Said, policy: Policy) -> bool:
    return said.outcome.bytes_out > policy.cap


def _stopped(said: Said, _policy: Policy) -> bool:
    """Our reader stopped it for another cause than time: more status lines than an honest file has."""
    return not said.outcome.clean_eof and not said.outcome.timed_out


def _agent_failed(said: Said, _policy: Policy) -> bool:
    """The session key could not be had, and not because the file is damaged."""
    codes = [code & 0xFFFF for source, code in said.errors if source == "pkdecrypt_failed" and code >= 0]
    return not said.decrypted_with and any(code in _OUR_FAULTS or code & _SYSTEM_FAULT for code in codes)


def _own_key_unusable(said: Said, policy: Policy) -> bool:
    """The file names one of our keys, and gpg has no secret half for it now.

    For a recipient that is not named gpg tries, and considers, every key that we have.
    """
    considered = {words[0] for words in said.all("KEY_CONSIDERED") if words}
    named = not any(words[:1] == [_ANONYMOUS] for words in said.all("ENC_TO"))
    return named and said.any("NO_SECKEY") and not said.decrypted_with and not considered.isdisjoint(policy.own_keys)


def _ring_incomplete(said: Said, policy: Policy) -> bool:
    """The ring cannot be read, or lacks a key that the ledger has for this partner."""
    unknown = {words[-1] for words in said.all("ERRSIG") if words and _NO_PUBLIC_KEY in words[5:6]}
    registered = {key.fingerprint for key in policy.partner_keys}
    return any(source.startswith(("keydb", "add_keyblock")) for source, _ in said.errors) or bool(unknown & registered)


def _silent(said: Said) -> bool:
    """True when gpg found no packet that it could name."""
    return not said.any("ENC_TO", "NEED_PASSPHRASE_SYM", "BEGIN_DECRYPTION", "PLAINTEXT", "NEWSIG")


def _not_openpgp(said: Said, _policy: Policy) -> bool:
    """Nothing that we know, or encrypted in a newer way without gpg saying that it authenticated it.

    gpg 2.2 opens messages of a draft's authenticated mode and calls altered ones whole.
    """
    outside = said.outcome.envelope
    return (outside.newer and said.method[2] not in _AUTHENTICATED) or (
        _silent(said) and outside.shape is Shape.UNKNOWN
    )


def _unreadable(said: Said, _policy: Policy) -> bool:
    return _silent(said) or said.outcome.envelope.shape is Shape.GARBLED


def _without_integrity(said: Said, _policy: Policy) -> bool:
    return said.any("DECRYPTION_INFO") and said.method[0] == 0 and said.method[2] == 0


def _newer_inside(said: Said, _policy: Policy) -> bool:
    """Whole and unaltered, but what is sealed starts with a packet that gpg does not know: a version 6 signature."""
    return said.any("GOODMDC") and said.any("NODATA") and not said.any("PLAINTEXT")


def _nested_too_deep(said: Said, _policy: Policy) -> bool:
    """Whole, but packed into itself so often that gpg would not unpack it: nobody does that to send a table."""
    return said.any("GOODMDC") and said.any("UNEXPECTED") and not said.any("PLAINTEXT")


def _second_content(said: Said, _policy: Policy) -> bool:
    whole = not said.any("BADMDC")  # what was altered can look like anything inside
    return whole and any(source in {"decryption.early_plaintext", "proc_pkt.plaintext"} for source, _ in said.errors)


def _not_for_us(said: Said, _policy: Policy) -> bool:
    """Not encrypted at all, to others only, or open to whoever knows a passphrase."""
    encrypted = said.any("ENC_TO", "NEED_PASSPHRASE_SYM", "BEGIN_DECRYPTION")
    closed = said.any("NO_SECKEY", "NEED_PASSPHRASE_SYM") and not said.decrypted_with
    return not encrypted or closed or said.outcome.envelope.by_passphrase


def _not_whole(said: Said, _policy: Policy) -> bool:
    """Something that a whole message has is missing, or gpg says that it was altered."""
    mdc, _, aead = said.method
    authentic = (mdc == _MODERN_INTEGRITY and said.any("GOODMDC")) or aead in _AUTHENTICATED
    complete = all(said.any(one) for one in _STEPS)
    return not (authentic and complete) or said.any("BADMDC", "DECRYPTION_FAILED", "NODATA", "UNEXPECTED", "TRUNCATED")


def _not_alone(said: Said, _policy: Policy) -> bool:
    """More than one message, or a message with something around it."""
    return not said.once(*_STEPS) or said.outcome.envelope.shape not in {Shape.BINARY, Shape.ARMOURED}


def _not_our_key(said: Said, policy: Policy) -> bool:
    """Opened with a key that is not ours now, or sealed to one that we replaced: gpg names recipients by short ids."""
    retired = {key[-_KEY_ID:] for key in policy.retired_keys}
    named = {word for words in said.all("ENC_TO") for word in words[:1]}
    return said.decrypted_with.isdisjoint(policy.own_keys) or not retired.isdisjoint(named)


def _unsigned(said: Said, _policy: Policy) -> bool:
    return not said.any("NEWSIG", "VALIDSIG", "ERRSIG", "BADSIG")


def _bad_signature(said: Said, _policy: Policy) -> bool:
    return said.any("BADSIG")


def _key_unknown(said: Said, _policy: Policy) -> bool:
    return said.any("NO_PUBKEY") or any(_NO_PUBLIC_KEY in words[5:6] for words in said.all("ERRSIG"))


def _weak_and_rejected(said: Said, _policy: Policy) -> bool:
    """True when gpg did not even check the signature: it holds the hash to be broken."""
    return any(number(word) not in HASHES for words in said.all("ERRSIG") for word in words[2:3])


def _of_research(said: Said, policy: Policy) -> bool:
    return any(one.signer in policy.research_keys and not _registered(one, policy) for one in said.signatures)


def _of_another_partner(said: Said, policy: Policy) -> bool:
    return any(one.signer in policy.other_keys and not _registered(one, policy) for one in said.signatures)


def _of_nobody(said: Said, policy: Policy) -> bool:
    return any(not _registered(one, policy) for one in said.signatures)


def _revoked(said: Said, policy: Policy) -> bool:
    keys = [key for one in said.signatures for key in _registered(one, policy)]
    withdrawn = any(key.revoked_at is not None and key.revoked_at <= policy.now for key in keys)
    return withdrawn or said.any("REVKEYSIG", "KEYREVOKED")


def _expired(said: Said, policy: Policy) -> bool:
    over = any(
        key.valid_to is not None and one.signed_at >= key.valid_to
        for one in said.signatures
        for key in _registered(one, policy)
    )
    return over or (said.any("EXPKEYSIG") and not _made_in_time(said, policy))


def _made_in_time(said: Said, policy: Policy) -> bool:
    """True when two people let in what was signed before any part of its key ran out."""
    ends = [number(words[0]) if words else 0 for words in said.all("KEYEXPIRED")]
    made = [one.signed_at.timestamp() for one in said.signatures]
    return policy.lapsed_let_in and bool(ends) and bool(made) and max(made) < min(ends)


def _at_a_wrong_time(said: Said, policy: Policy) -> bool:
    """The signature ran out, lies in the future, or is older than the key's registration."""
    early = any(one.signed_at < key.valid_from for one in said.signatures for key in _registered(one, policy))
    return early or said.any("EXPSIG") or any(one.signed_at - policy.now > FUTURE for one in said.signatures)


def _stale(said: Said, policy: Policy) -> bool:
    oldest = policy.max_age
    return oldest is not None and any(policy.now - one.signed_at > oldest for one in said.signatures)


def _weak(said: Said, _policy: Policy) -> bool:
    return said.method[1] not in CIPHERS or any(one.hash_algorithm not in HASHES for one in said.signatures)


def _signature_in_doubt(said: Said, policy: Policy) -> bool:
    """Anything but as many good, valid and identified signatures as there are signatures, all over the content."""
    good = said.count["GOODSIG"] + (said.count["EXPKEYSIG"] if _made_in_time(said, policy) else 0)
    numbers = {good, *(said.count[one] for one in ("NEWSIG", "VALIDSIG", "SIG_ID"))}
    numbers |= {len(said.signatures), len(said.signature_ids)}
    return len(numbers) != 1 or said.any("ERRSIG") or any(one.kind not in _KINDS for one in said.signatures)


def _otherwise_failed(said: Said, _policy: Policy) -> bool:
    return said.outcome.rc != 0 or said.any("ERROR", "FAILURE", "NEED_PASSPHRASE_SYM")


def _registered(made: Signature, policy: Policy) -> list[RegisteredKey]:
    """The partner's registrations of the key that made the signature; empty for anybody else's key."""
    return [key for key in policy.partner_keys if key.fingerprint == made.signer]


BOUNDS: tuple[tuple[Reason, Rule], ...] = (
    (Reason.EXPANSION, _too_expansive),
    (Reason.TOO_LARGE, _too_large),
    (Reason.CORRUPT, _stopped),
)
"""Why our reader stops before gpg does."""

OUR_OWN: tuple[tuple[str, Rule], ...] = (
    ("TIMEOUT", lambda said, _policy: said.outcome.timed_out),
    ("SIGNAL", lambda said, _policy: said.outcome.rc < 0),
    ("AGENT", _agent_failed),
    ("OWN_KEY", _own_key_unusable),
    ("KEY_RING", _ring_incomplete),
)
"""What says nothing about the file."""

RULES: tuple[tuple[Reason, Rule], ...] = (
    (Reason.NOT_OPENPGP, _not_openpgp),
    (Reason.CORRUPT, _unreadable),
    (Reason.NO_INTEGRITY, _without_integrity),
    (Reason.NOT_OPENPGP, _newer_inside),
    (Reason.EXPANSION, _nested_too_deep),
    (Reason.MULTI_MESSAGE, _second_content),
    (Reason.WRONG_RECIPIENT, _not_for_us),
    (Reason.CORRUPT, _not_whole),
    (Reason.MULTI_MESSAGE, _not_alone),
    (Reason.WRONG_RECIPIENT, _not_our_key),
    (Reason.UNSIGNED, _unsigned),
    (Reason.BAD_SIGNATURE, _bad_signature),
    (Reason.UNKNOWN_SIGNER, _key_unknown),
    (Reason.WEAK_ALGO, _weak_and_rejected),
    (Reason.RESEARCH_WALL, _of_research),
    (Reason.SIGNER_NOT_PARTNER, _of_another_partner),
    (Reason.UNKNOWN_SIGNER, _of_nobody),
    (Reason.SIGNER_REVOKED, _revoked),
    (Reason.SIGNER_EXPIRED, _expired),
    (Reason.SIG_TIME, _at_a_wrong_time),
    (Reason.STALE, _stale),
    (Reason.WEAK_ALGO, _weak),
    (Reason.BAD_SIGNATURE, _signature_in_doubt),
    (Reason.CORRUPT, _otherwise_failed),
)
"""In this order; what passes them all has everything that must hold."""
