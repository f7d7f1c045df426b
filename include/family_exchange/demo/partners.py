"""Partners as they see the exchange: their own keys, their own log-in, and what they leave in the drop zone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import keys
from family_exchange.demo.synthetic import PartnerFile

CUT = 3
"""A file that is cut short keeps all but one part in this many."""


@dataclass(frozen=True, slots=True)
class PartnerEnd:
    """One partner: its key ring, which knows the council's key too, and its place in the drop zone."""

    slug: str
    openpgp: OpenPGP
    endpoint: SftpEndpoint


def leave(partners: Mapping[str, PartnerEnd], files: Iterable[PartnerFile], *, council_key: str) -> int:
    """The number of files that their partners uploaded, sealed as each of them should, or should not, be.

    Each is uploaded under a temporary name and renamed when it is whole.

    Raises:
        TryLater: the drop zone does not answer.
        NeedsDecision: it does not let a partner in.
    """
    sent: dict[bytes, bytes] = {}
    number = 0
    for file in files:
        partner = partners[file.partner]
        twice = file.misbehaviour == "sent_twice"
        sealed = sent[file.content] if twice else _sealed(partner, file, council_key)
        sent[file.content] = sealed
        with DropZone(partner.endpoint) as zone:
            zone.upload_new(f"/{file.feed}", f".{file.name}.part", sealed)
            zone.rename(f"/{file.feed}", f".{file.name}.part", file.name)
        number += 1
    return number


def _sealed(partner: PartnerEnd, file: PartnerFile, council_key: str) -> bytes:
    if file.misbehaviour == "unsigned":
        return keys.encrypt_only(partner.openpgp, file.content, recipient=council_key)
    sealed = partner.openpgp.seal(file.content, recipient=council_key)
    return sealed[: len(sealed) - len(sealed) // CUT] if file.misbehaviour == "cut_short" else sealed
