"""The recipient's folders as we see them: what stands under a name, what our attempts left, and what it receipted."""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain import return_file
from family_exchange.domain.errors import DataRefused, NeedsDecision
from family_exchange.domain.return_file import Receipt

INBOX, RECEIPTS = "/inbox", "/receipts"


class Seen(Enum):
    """What the recipient holds of a return."""

    NOTHING = "nothing"
    OUR_BYTES = "read_back"
    OUR_RECEIPT = "receipt"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reader:
    """How a receipt is opened: our own ring, and the one key that may have signed it."""

    openpgp: OpenPGP
    signer: str


def look(server: DropZone, reader: Reader, name: str, digest: bytes) -> Seen:
    """What the recipient holds under `name`, whose bytes must have this SHA-256.

    The receipt is asked last: the recipient writes it before it takes the file away, so whoever finds neither has seen
    a moment at which nothing had arrived.
    """
    try:
        there = sha256(server.read(f"{INBOX}/{name}")).digest()
    except FileNotFoundError:
        found = receipt(server, reader, name)
        if found is None:
            return Seen.NOTHING
        return Seen.OUR_RECEIPT if found.tells_of(name, digest) else Seen.OTHER
    return Seen.OUR_BYTES if there == digest else Seen.OTHER


def attempts(server: DropZone, name: str) -> dict[int, bytes]:
    """The temporary files for `name` that stand in the inbox, by the attempt that made them.

    Raises:
        NeedsDecision: the recipient has no inbox for us.
    """
    try:
        entries = server.list(INBOX)
    except FileNotFoundError:
        raise NeedsDecision(f"the recipient's server has no folder {INBOX}; ask the recipient") from None
    numbered = ((return_file.attempt_of(entry.name, name), entry.name) for entry in entries)
    return {number: entry for number, entry in numbered if number is not None}


def receipt(server: DropZone, reader: Reader, name: str) -> Receipt | None:
    """The recipient's receipt for `name`; None while there is none.

    Raises:
        NeedsDecision: there is something in its place that the recipient did not sign, or that states no receipt.
    """
    try:
        sealed = server.read(f"{RECEIPTS}/{return_file.receipt_name(name)}")
    except FileNotFoundError:
        return None
    try:
        return return_file.receipt(reader.openpgp.open_signed(sealed, reader.signer))
    except DataRefused as refusal:
        raise NeedsDecision(f"a receipt is not the recipient's own ({refusal.reason}); ask the recipient") from None
