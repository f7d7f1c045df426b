"""Stage 2: open a sealed file in memory, and let its content out only when the seal is wholly in order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.adapters.own_keys import OwnKeys
from family_exchange.domain import envelope, seal
from family_exchange.domain.envelope import Shape
from family_exchange.domain.errors import DataRefused, NeedsDecision, TryLater
from family_exchange.domain.file import Reason
from family_exchange.domain.research_wall import is_a_return
from family_exchange.domain.seal import RegisteredKey

LARGEST_PLAINTEXT = 512 * 1024 * 1024
"""Bytes that a sealed file may expand to."""

LOOK = 4096
"""Bytes at either end that tell a sealed message from a table."""

LONGEST = 120.0
"""Seconds that opening one file may take."""

OLDEST_SIGNATURE = timedelta(days=366)
"""How long before its arrival a file may have been signed."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An authentic file's content, in memory only."""

    signer: str
    sig_id: str
    signed_at: datetime
    plaintext: bytes = field(repr=False)


def file(
    doors: Doors,
    sealed: File,
    keys: dict[str, tuple[RegisteredKey, ...]],
    *,
    at: datetime,
    own: OwnKeys | None = None,
) -> Opened:
    """The content of `sealed`, whose seal is whole and made by a key registered for its partner.

    `own` are our keys at that time; None: the one in the settings.

    A second run gives the same: the vault's bytes do not change.

    Raises:
        DataRefused: the seal is not positively in order; the reason is the first that applies.
        TryLater: gpg, its agent or the vault's disk could not work now; says nothing about the file.
        NeedsDecision: the vault does not hold the file.
    """
    if sealed.ct_sha256 is None:
        raise TryLater(f"file {sealed.file_id} is not in the vault yet")
    try:
        unsealed = doors.openpgp.unseal(doors.vault.path(sealed.ct_sha256), cap=LARGEST_PLAINTEXT, timeout=LONGEST)
    except FileNotFoundError:
        raise NeedsDecision(lost(sealed)) from None
    except OSError as error:
        raise TryLater(f"the vault cannot be read now (errno {error.errno})") from None
    own = own or OwnKeys(frozenset({doors.settings.own_key}))
    policy = seal.Policy(
        own_keys=own.valid,
        retired_keys=doors.openpgp.with_subkeys(own.retired),
        partner_keys=keys.get(sealed.partner, ()),
        other_keys=frozenset(
            key.fingerprint for partner, registered in keys.items() if partner != sealed.partner for key in registered
        ),
        research_keys=frozenset({doors.settings.recipient_key}),
        now=at,
        max_age=None if Reason.STALE in sealed.waived else OLDEST_SIGNATURE,
        lapsed_let_in=Reason.SIGNER_EXPIRED in sealed.waived,
        cap=LARGEST_PLAINTEXT,
    )
    verdict = seal.decide(unsealed.outcome, policy)
    if isinstance(verdict, seal.Accepted):
        if sealed_again(unsealed.plaintext):
            raise DataRefused(Reason.CONTENT, f"file {sealed.file_id} holds another sealed message")
        if is_a_return(unsealed.plaintext[:LOOK], [each.fields for each in doors.profile.returns.values()]):
            raise DataRefused(Reason.RESEARCH_WALL, "the file has the columns of a return, and no return may come back")
        return Opened(verdict.signer, verdict.sig_id, verdict.signed_at, bytes(unsealed.plaintext))
    if isinstance(verdict, seal.Refused):
        raise DataRefused(verdict.reason, f"the seal of file {sealed.file_id} is not in order")
    raise TryLater(f"gpg could not open file {sealed.file_id} now ({verdict.code})")


def lost(sealed: File) -> str:
    """What people here are told when the vault does not hold what it should."""
    return f"the vault does not hold the sealed bytes of file {sealed.file_id}: bring them back, then clear this task"


def sealed_again(plaintext: bytes) -> bool:
    """True when what was sealed is itself an OpenPGP message: gpg opens one layer and says nothing of the next."""
    return envelope.look(plaintext[:LOOK], plaintext[-LOOK:]).shape is not Shape.UNKNOWN
