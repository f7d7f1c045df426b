"""A sealed return's way to the recipient: the same bytes, under one name, at most once visible, and proved.

Uploaded under a name that no recipient reads, read back, and renamed; what the recipient holds is looked at before
anything is done. Source: docs/data-flow.md and docs/runbook on returns.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from family_exchange.adapters import database, recipient, return_rows, returns
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.journal import What
from family_exchange.adapters.recipient import INBOX, Seen
from family_exchange.adapters.returns import Return
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain import return_file, return_rules
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.return_file import Outcome, Receipt

log = logging.getLogger(__name__)

RECEIPT_WINDOW = timedelta(minutes=15)
"""How long a vanished file is taken for consumed, and its receipt awaited, before the same bytes are sent again."""

ARRIVED = frozenset({State.DELIVERED, State.ACKNOWLEDGED, State.REFUSED_BY_RECIPIENT})
MAYBE_VISIBLE = frozenset({State.RENAME_INTENT, State.SENT})


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt to deliver one return; its epoch fences every earlier one."""

    doors: Doors
    server: DropZone
    item: Return
    name: str
    sha256: bytes
    epoch: int

    @property
    def temporary(self) -> str:
        """What this attempt uploads under."""
        return return_file.temporary_name(self.name, self.epoch)


def send(doors: Doors, return_id: str, *, receipt_window: timedelta = RECEIPT_WINDOW) -> State:
    """DELIVERED: the recipient holds the sealed bytes under their final name, read back or receipted.

    A second run, after a crash at any point, looks first and ends with the same bytes under the same name; a return
    that has arrived is left alone.

    Raises:
        TryLater: another worker is at it, the endpoint is away, or what was sent vanished without a receipt so far.
        NeedsDecision: the return is not sealed or was voided, somebody in it has objected since, or the recipient
            holds other bytes under our name (CONFLICT).
    """
    with returns.held(doors.database, return_id):
        with database.transaction(doors.database) as connection:
            item = returns.read(connection, return_id)
            if item.state in ARRIVED:
                return item.state
            name, digest = _sealed(item)
            epoch = returns.claim(connection, return_id)
            if item.state in {State.SEALED, State.UPLOADING}:
                returns.advance(connection, return_id, epoch, State.CLAIMED, {})
        faultpoint("deliver.claimed")
        with doors.recipient() as server:
            _deliver(_Attempt(doors, server, item, name, digest, epoch), receipt_window)
    log.info("return %s: %s", return_id, State.DELIVERED)
    return State.DELIVERED


def receipt(doors: Doors, return_id: str) -> State:
    """ACKNOWLEDGED or REFUSED_BY_RECIPIENT by the recipient's signed receipt; DELIVERED while there is none.

    A second run with a receipt already taken in changes nothing.

    Raises:
        TryLater: another worker is at it, or the endpoint is away.
        NeedsDecision: the receipt's seal is not the recipient's, or it tells of other bytes (CONFLICT).
    """
    with returns.held(doors.database, return_id):
        with database.transaction(doors.database) as connection:
            item = returns.read(connection, return_id)
        if item.state is not State.DELIVERED:
            return item.state
        name, digest = _sealed(item)
        with doors.recipient() as server:
            found = recipient.receipt(server, _reader(doors), name)
        if found is None:
            return State.DELIVERED
        return _take_receipt(doors, item, found, ours=found.tells_of(name, digest))


def _deliver(attempt: _Attempt, receipt_window: timedelta) -> None:
    """Rules 4 to 9 of the delivery: look, clear, look again, upload, mean to rename, rename, look, tell."""
    if _arrived(attempt):
        return
    if attempt.item.state in MAYBE_VISIBLE:
        _wait_or_take_over(attempt, receipt_window)
    _clear_older(attempt)
    if _arrived(attempt):  # a rename of an older attempt may have landed between the look and the clearing
        return
    _upload(attempt)
    _intend(attempt)
    faultpoint("deliver.intended")
    try:
        attempt.server.rename(INBOX, attempt.temporary, attempt.name)
    except (FileExistsError, FileNotFoundError):
        log.info("return %s: the rename did not take effect; looking what stands there", attempt.item.return_id)
    else:
        faultpoint("deliver.renamed")
        _move(attempt, State.SENT, {})
    faultpoint("deliver.sent")
    if not _arrived(attempt):
        raise TryLater(f"return {attempt.item.return_id} was sent and is not visible; its receipt is awaited")


def _arrived(attempt: _Attempt) -> bool:
    """True when the recipient has our bytes, which the ledger now says too.

    Raises:
        NeedsDecision: it holds others under our name.
    """
    seen = recipient.look(attempt.server, _reader(attempt.doors), attempt.name, attempt.sha256)
    if seen is Seen.NOTHING:
        return False
    if seen is Seen.OTHER:
        _move(attempt, State.CONFLICT, {})
        raise NeedsDecision(f"the recipient holds other bytes under the name of return {attempt.item.return_id}")
    faultpoint("deliver.read_back")
    _move(attempt, State.DELIVERED, {"how": seen.value, "sha256": attempt.sha256.hex()})
    faultpoint("deliver.delivered")
    return True


def _wait_or_take_over(attempt: _Attempt, receipt_window: timedelta) -> None:
    """CLAIMED, when the rename of the last attempt did not happen, or its receipt was awaited long enough.

    While that attempt's temporary file stands, nothing was renamed. Otherwise the recipient may have consumed the
    file: the same bytes go out again only after the window, and the recipient tells them by name and digest.
    """
    item = attempt.item
    not_renamed = item.intent_epoch in recipient.attempts(attempt.server, attempt.name)
    if not not_renamed and (item.intent_age or timedelta(0)) < receipt_window:
        raise TryLater(f"return {item.return_id} may have been taken already; its receipt is awaited")
    _move(attempt, State.CLAIMED, {"possible_duplicate": not not_renamed})
    faultpoint("deliver.taken_over")


def _clear_older(attempt: _Attempt) -> None:
    for number, entry in recipient.attempts(attempt.server, attempt.name).items():
        if number < attempt.epoch:
            attempt.server.remove(INBOX, entry, missing_ok=True)
    faultpoint("deliver.cleared")


def _upload(attempt: _Attempt) -> None:
    """The sealed bytes stand under the temporary name, read back and equal."""
    if not attempt.doors.vault.whole(attempt.sha256):
        raise NeedsDecision(f"the vault's object of return {attempt.item.return_id} is damaged or gone; restore it")
    sealed = attempt.doors.vault.path(attempt.sha256).read_bytes()
    _move(attempt, State.UPLOADING, {})
    faultpoint("deliver.uploading")
    attempt.server.upload_new(INBOX, attempt.temporary, sealed)
    faultpoint("deliver.uploaded")
    if attempt.server.read(f"{INBOX}/{attempt.temporary}") != sealed:
        attempt.server.remove(INBOX, attempt.temporary.encode(), missing_ok=True)
        raise TryLater(f"the recipient's server kept other bytes of return {attempt.item.return_id}")


def _intend(attempt: _Attempt) -> None:
    """RENAME_INTENT, committed before the rename, together with the release gate: nobody in it has objected since.

    Raises:
        TryLater: a later attempt has taken over; our own temporary file is gone again.
        NeedsDecision: somebody has objected; the return is VOID, and nothing of it was ever visible.
    """
    item = attempt.item
    try:
        with database.transaction(attempt.doors.database) as connection:
            rights = returns.rights_epoch(connection)
            hit = return_rows.flagged_rows(connection, item.return_id, return_rules.excluding(item.code))
            if hit:
                returns.advance(connection, item.return_id, attempt.epoch, State.VOID, {"people": len(hit)})
            else:
                sending = {"return": item.return_id, "name": attempt.name, "sha256": attempt.sha256.hex()}
                attempt.doors.journal.add(What.SENDING, sending)
                returns.advance(connection, item.return_id, attempt.epoch, State.RENAME_INTENT, {"rights": rights})
                returns.note_intent(connection, item.return_id, epoch=attempt.epoch, rights_epoch=rights)
    except TryLater:
        attempt.server.remove(INBOX, attempt.temporary.encode(), missing_ok=True)
        raise
    if hit:
        attempt.server.remove(INBOX, attempt.temporary.encode(), missing_ok=True)
        raise NeedsDecision(f"somebody in return {item.return_id} may not be in it any more; assemble it again")


def _move(attempt: _Attempt, to: State, body: Mapping[str, Plain]) -> None:
    """The return is in state `to`, with its instants and its audit event, unless a later attempt has taken over."""
    with database.transaction(attempt.doors.database) as connection:
        returns.advance(connection, attempt.item.return_id, attempt.epoch, to, body)
        if to is State.SENT:
            returns.note_sent(connection, attempt.item.return_id)
        elif to is State.DELIVERED:
            returns.note_delivered(connection, attempt.item.return_id)


def _reader(doors: Doors) -> recipient.Reader:
    return recipient.Reader(doors.openpgp, doors.settings.recipient_key)


def _sealed(item: Return) -> tuple[str, bytes]:
    """The return's final name and the digest of its sealed bytes.

    Raises:
        NeedsDecision: it has none, or it may not be sent.
    """
    if item.state in {State.VOID, State.CONFLICT}:
        raise NeedsDecision(f"return {item.return_id} is {item.state}; see the runbook before anything is sent")
    if item.state in {State.DRAFT, State.ASSEMBLED, State.SIGNED_OFF} or not (item.final_name and item.ct_sha256):
        raise NeedsDecision(f"return {item.return_id} is {item.state}; seal it first")
    return item.final_name, item.ct_sha256


def _take_receipt(doors: Doors, item: Return, found: Receipt, *, ours: bool) -> State:
    accepted = found.outcome is Outcome.ACCEPTED
    state = State.ACKNOWLEDGED if accepted else State.REFUSED_BY_RECIPIENT
    with database.transaction(doors.database) as connection:
        epoch = returns.claim(connection, item.return_id)
        if not ours:
            returns.advance(connection, item.return_id, epoch, State.CONFLICT, {"receipt_sha256": found.sha256})
        else:
            returns.note_receipt(connection, item.return_id, found)
            body: dict[str, Plain] = {"sha256": found.sha256, "outcome": found.outcome}
            returns.advance(connection, item.return_id, epoch, state, body)
    if not ours:
        raise NeedsDecision(
            f"the recipient's receipt of return {item.return_id} tells of other bytes; ask the recipient"
        )
    log.info("return %s: %s", item.return_id, state)
    return state
