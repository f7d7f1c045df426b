"""What is in one vaulted file: its seal judged, its place among its siblings found, its rows validated.

Everything that needs the plaintext happens here, in one process and in memory; what leaves are typed rows for staging,
counts, row numbers, keyed digests, and a workbook that is sealed to the partner before it is anywhere.
"""

import hmac
from datetime import datetime
from hashlib import sha256

from family_exchange.adapters import ledger
from family_exchange.adapters.desk import Contents, Desk
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import DataRefused, NotReady
from family_exchange.domain.file import Reason
from family_exchange.domain.identity import Identity
from family_exchange.stages import unseal, validate
from family_exchange.stages.ports import Examined
from family_exchange.stages.unseal import Opened


def file(doors: Doors, desk: Desk, vaulted: File, *, at: datetime) -> Examined:
    """Who sealed the file, what it says of itself, and what may be staged of it; nothing is stored.

    A second run gives the same.

    Raises:
        DataRefused: the seal is not in order, or the content cannot be read.
        NotReady: the file is not whole, and was written to so lately that the rest may yet come.
        TryLater: gpg or the database cannot serve now.
    """
    opened = _opened(doors, desk, vaulted, at=at)
    content = hmac.new(doors.dedupe_key, _canonical(opened.plaintext), sha256).digest()
    identity = Identity(content, opened.sig_id, opened.signed_at)
    if desk.siblings(vaulted, identity).same_content:
        return Examined(opened.signer, identity)
    checked = validate.table(
        opened.plaintext, doors.contract(vaulted.feed), doors.profile, received_on=opened.signed_at.date()
    )
    said = checked.said
    identity = Identity(content, opened.sig_id, opened.signed_at, said.as_of, said.sequence)
    return Examined(opened.signer, identity, _contents(checked))


def _opened(doors: Doors, desk: Desk, vaulted: File, *, at: datetime) -> Opened:
    try:
        return unseal.file(doors, vaulted, ledger.keys(desk.connection), at=at)
    except DataRefused as refusal:
        if (
            refusal.reason == Reason.CORRUPT
            and vaulted.changed_at
            and at < vaulted.changed_at + doors.settings.patience
        ):
            raise NotReady(f"file {vaulted.file_id} is not whole, and may still be on its way") from None
        raise


def _contents(checked: validate.Validated) -> Contents:
    return Contents(
        contract=checked.contract,
        as_of=checked.as_of,
        coverage_from=checked.coverage_from,
        coverage_to=checked.coverage_to,
        area=checked.said.area,
        columns_dropped=checked.columns_dropped,
        findings=checked.findings,
        accepted=checked.accepted,
    )


def _canonical(plaintext: bytes) -> bytes:
    """The content as it is compared: without a byte-order mark, with one kind of line ending."""
    return plaintext.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip(b"\n")
