"""Whether a sealed file may be opened: what gpg said, held against what we agreed.

An exit code of 0 is not acceptance: gpg ends well on files that nobody signed, that nobody encrypted, or whose
signer's key was revoked. So `decide` accepts only what positively has everything, and names the first reason that
applies otherwise. Source: docs/adr/0004-gpg-driven.md; GnuPG's doc/DETAILS for the status lines.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from family_exchange.domain.file import Reason
from family_exchange.domain.seal_rules import BOUNDS, OUR_OWN, RULES
from family_exchange.domain.seal_said import Said
from family_exchange.domain.seal_terms import Outcome, Policy, RegisteredKey, output_limit

__all__ = [
    "Accepted",
    "Decision",
    "Outcome",
    "Policy",
    "Refused",
    "RegisteredKey",
    "Retry",
    "at_any_time",
    "decide",
    "output_limit",
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The file is the partner's, whole, for us."""

    signer: str
    """Fingerprint of the signer's primary key."""
    sig_id: str
    """gpg's name for this very signature; the same again is a replay."""
    signed_at: datetime
    recipients: int = 1
    """Keys that the file was encrypted to; more than one: others can read it too."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The file may not be opened, now or later."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Retry:
    """Our own side failed: the file was not judged."""

    code: str
    """What failed, in a word for the log."""


Decision = Accepted | Refused | Retry


def at_any_time(*, signer: str, own_key: str, cap: int) -> Policy:
    """The policy for a message that must be `signer`'s, whenever it was signed; for receipts."""
    return Policy(
        own_keys=frozenset({own_key}),
        partner_keys=(RegisteredKey(signer, datetime.min.replace(tzinfo=UTC)),),
        other_keys=frozenset(),
        now=datetime.max.replace(tzinfo=UTC),
        cap=cap,
    )


def decide(outcome: Outcome, policy: Policy) -> Decision:
    """Accepted only when everything that must hold does; otherwise the first reason of `RULES` that applies.

    A failure of our own agent, ring or time is `Retry`: it says nothing about the file.
    """
    said = Said(outcome)
    for reason, applies in BOUNDS:
        if applies(said, policy):
            return Refused(reason)
    for code, failed in OUR_OWN:
        if failed(said, policy):
            return Retry(code)
    for reason, applies in RULES:
        if applies(said, policy):
            return Refused(reason)
    return Accepted(
        signer=said.signatures[0].signer,
        sig_id=said.signature_ids[0],
        signed_at=said.signatures[0].signed_at,
        recipients=said.count["ENC_TO"],
    )
