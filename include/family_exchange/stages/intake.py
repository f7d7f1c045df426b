"""Stages 1 to 4 of one file: receive, unseal, validate, apply to staging; and what they came to.

Plaintext lives in this process's memory only, between the vault's ciphertext and the staged rows. The ledger moves in
three transactions: claimed; vaulted; and everything after the seal in one, so that a crash leaves nothing or all. A
worker may be killed at any instruction, run twice at once, or be run again by somebody: what is done stays done.
"""

import logging
from contextlib import suppress
from datetime import datetime

from family_exchange.adapters import database, fingerprint, ledger
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import Busy, DataRefused, NeedsDecision, NotReady, TryLater
from family_exchange.domain.file import ENDS, Reason, State, plain_name, temporary_name
from family_exchange.stages import receive, unseal
from family_exchange.stages.office import CouncilOffice
from family_exchange.stages.ports import Desk, Office

log = logging.getLogger(__name__)

DEATHS = 3
"""Workers that may die over one file without a word before it is set aside, so that others can be worked on."""

OURS = "work on the file broke off here again and again; two people of the council decide what becomes of it"
"""What a partner is told of a file that was set aside because of us."""

SAME_FAILURES = 3
"""How often the same unforeseen error may be met over one file before it is set aside."""


def take_in(doors: Doors, file_id: str, *, at: datetime) -> State:
    """The state that the file has reached: APPLIED, one of the ends, or where it was when it is not whole yet.

    A refusal is a result, not a failure: the file is quarantined with its reason, and the partner is told by the next
    stage. A second run, at the same time or later, changes nothing that the first one did.

    Raises:
        Busy: another worker has the file.
        TryLater: an endpoint, gpg or the database cannot serve now.
        NeedsDecision: somebody here must act first; the message says what to do.
    """
    return take_in_at(CouncilOffice(doors), file_id, at=at)


def take_in_at(office: Office, file_id: str, *, at: datetime) -> State:
    """As `take_in`."""
    with office.desk() as desk:
        if not desk.hold(file_id):
            raise Busy(f"another worker has file {file_id}")
        file = desk.read(file_id)
        if file.state in ENDS or file.state is State.APPLIED:
            return file.state
        file = desk.claim(file_id)
        faultpoint("intake.claimed")
        state = _set_aside_or_take_in(office, desk, file, at=at)
        faultpoint("intake.ended")
    log.info("file %s: %s", file_id, state)
    return state


def summary(doors: Doors, file_ids: list[str]) -> dict[str, int]:
    """Counts over the files: `files`, `applied`, `rows_loaded`, `rows_with_finding`, `rows_refused`."""
    with database.transaction(doors.database) as connection:
        return ledger.totals(connection, file_ids)


def _set_aside_or_take_in(office: Office, desk: Desk, file: File, *, at: datetime) -> State:
    if file.attempt > DEATHS:
        log.error("file %s: set aside after %d workers died over it", file.file_id, DEATHS)
        return desk.quarantine(file, Reason.CONTENT, OURS)
    try:
        return _take_in(office, desk, file, at=at)
    except DataRefused as refusal:
        return desk.quarantine(file, Reason(refusal.reason), refusal.detail)
    except receive.Vanished:
        return desk.gone(file)
    except NotReady:
        desk.still_arriving(file)
        return desk.read(file.file_id).state
    except (TryLater, NeedsDecision):
        with suppress(TryLater):  # the endpoint that failed may be the ledger's own
            desk.excuse(file)
        raise
    except Exception as error:
        failure = fingerprint.of(error)
        if desk.failed(file, failure) < SAME_FAILURES:
            raise
        log.error("file %s: set aside after the same error %d times: %s", file.file_id, SAME_FAILURES, failure)  # noqa: TRY400 - the error's own words may quote a value
        return desk.quarantine(file, Reason.CONTENT, OURS)


def _take_in(office: Office, desk: Desk, file: File, *, at: datetime) -> State:
    if file.state is State.CLAIMED:
        file = _bring_in(office, desk, file)
    if Reason.NAME not in file.waived and not plain_name(file.name_bytes):
        raise DataRefused(Reason.NAME, "the name holds characters that no agreed file name has")
    if file.landed_sha256 != file.ct_sha256:
        raise DataRefused(Reason.NOT_OPENPGP, "the file was left without any seal")
    if original := desk.same_ciphertext(file):
        return desk.duplicate(file, original)
    examined = office.examine(desk, file, at=at)
    faultpoint("intake.examined")
    state = desk.admit(file, examined.signer, examined.identity, examined.contents)
    faultpoint("intake.admitted")
    return state


def _bring_in(office: Office, desk: Desk, file: File) -> File:
    """The file, whose bytes are in the vault; a released one's are there already."""
    if temporary_name(file.name_bytes):
        raise DataRefused(Reason.CORRUPT, "the upload was never finished: it still has a temporary name")
    if file.ct_sha256 and office.vault.holds(file.ct_sha256):
        return desk.vaulted(file, receive.fetched_before(file))
    if file.ct_sha256 and file.landing_removed_at:
        raise NeedsDecision(unseal.lost(file))
    fetched = receive.fetch(office, file)
    faultpoint("intake.stored")
    office.taken(file, fetched)
    faultpoint("intake.journaled")
    file = desk.vaulted(file, fetched)
    faultpoint("intake.vaulted")
    return file
