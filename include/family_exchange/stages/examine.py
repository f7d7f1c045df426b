"""What is in one vaulted file: its seal judged, its version found, its rows validated, its workbook made.

Everything that needs the plaintext happens here, in one process and in memory; what leaves are typed rows for staging,
counts, row numbers, keyed digests, and a workbook that is sealed to the partner before it is anywhere.
"""

from dataclasses import replace
from datetime import datetime
from io import BytesIO

from family_exchange.adapters import containers, keys, own_keys, profiles, tabular
from family_exchange.adapters.admission import Contents, Refused
from family_exchange.adapters.desk import Desk
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.domain import versions
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused, NotReady
from family_exchange.domain.file import Reason
from family_exchange.domain.identity import Identity, Place, place
from family_exchange.stages import book, compare, reply, unseal, validate
from family_exchange.stages.ports import Examined
from family_exchange.stages.unseal import Opened


def file(doors: Doors, desk: Desk, vaulted: File, *, at: datetime) -> Examined:
    """Who sealed the file, what it says of itself, and what may be staged of it; only its workbook is kept, sealed.

    A second run gives the same.

    Raises:
        DataRefused: the seal is not in order.
        NotReady: the file is not whole, and was written to so lately that the rest may yet come.
        TryLater: gpg or the database cannot serve now.
    """
    opened = _opened(doors, desk, vaulted, at=at)
    content = tabular.content_digest(doors.dedupe_key, opened.plaintext)
    identity = Identity(content, opened.sig_id, opened.signed_at)
    if desk.siblings(vaulted, identity).same_content:
        return Examined(opened.signer, identity)
    try:
        contract = _contract(doors, vaulted, opened)
        checked = validate.table(opened.plaintext, contract, doors.profile, received_on=opened.signed_at.date())
    except DataRefused as refusal:
        return Examined(opened.signer, identity, Refused(Reason(refusal.reason), refusal.detail))
    said = checked.said
    identity = Identity(content, opened.sig_id, opened.signed_at, said.as_of, said.sequence)
    placed = place(identity, desk.siblings(vaulted, identity), waived=vaulted.waived)
    checked = compare.with_others(desk.connection, vaulted, contract, checked, history=placed.place is Place.HISTORY)
    return Examined(opened.signer, identity, _contents(doors, desk, vaulted, contract, checked, at=at))


def _opened(doors: Doors, desk: Desk, vaulted: File, *, at: datetime) -> Opened:
    own = own_keys.at(desk.connection, doors.settings.own_key, at)
    try:
        return unseal.file(doors, vaulted, keys.registered(desk.connection), at=at, own=own)
    except DataRefused as refusal:
        until = vaulted.changed_at and vaulted.changed_at + doors.settings.patience
        if refusal.reason == Reason.CORRUPT and until and at < until:
            raise NotReady(f"file {vaulted.file_id} is not whole, and may still be on its way") from None
        raise


def _contract(doors: Doors, vaulted: File, opened: Opened) -> Contract:
    """The version that the file says it is of, if its partner may send that; or the one that it may send."""
    agreed = doors.profile.partner(vaulted.partner).versions.get(vaulted.feed, ())
    said = containers.manifest_of(opened.plaintext).contract
    version = versions.chosen(said, agreed, profiles.versions(vaulted.feed), opened.signed_at.date())
    return doors.contract(vaulted.feed, version)


def _contents(
    doors: Doors, desk: Desk, vaulted: File, contract: Contract, checked: validate.Validated, *, at: datetime
) -> Contents:
    told = replace(checked, findings=checked.findings.told())
    held = checked.findings.holds and Reason.CONTENT not in vaulted.waived
    known = reply.examined(reply.about(vaulted, doors.profile.council), told, held=held)
    since = reply.resent(desk.connection, known, reply.marks(told, doors.dedupe_key))
    workbook = book.workbook(known, told, contract, since)
    kept = None
    if workbook is not None:
        recipient = keys.recipient(desk.connection, vaulted.partner, at=at)
        kept = doors.vault.put(BytesIO(doors.openpgp.seal(workbook, recipient=recipient))).sha256
    return Contents(
        contract=checked.contract,
        as_of=checked.as_of,
        coverage_from=checked.coverage_from,
        coverage_to=checked.coverage_to,
        area=checked.said.area,
        columns_dropped=checked.columns_dropped,
        findings=checked.findings,
        accepted=checked.accepted,
        held=held,
        shape=checked.shape,
        references=reply.digests(checked, doors.dedupe_key),
        workbook_sha256=kept,
    )
