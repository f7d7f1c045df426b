"""Stage 5 of one file: tell the partner, on the same channel, what became of it; then clear the landing folder.

The receipt is signed by the council and encrypted to the partner, and so is the workbook beside it. They name rows,
columns and rules, never a value.
"""

import logging
from uuid import uuid4

from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import Busy
from family_exchange.domain.file import ENDS, State, answer_names
from family_exchange.stages import receive
from family_exchange.stages.office import CouncilOffice
from family_exchange.stages.ports import Desk, Office, Zone

log = logging.getLogger(__name__)


def partner(doors: Doors, file_id: str) -> State:
    """The file's state; if it is final, its receipt is in the partner's folder, and the landing file is gone.

    A second run finds the receipt in place and writes no other; it removes the landing file if that was not yet done.
    A file that is still worked on, or not whole yet, is left for a later run.

    Raises:
        Busy: another worker has the file.
        TryLater: the drop zone does not answer.
        NeedsDecision: no key is registered for the partner, so that nothing can be encrypted to it.
    """
    return partner_at(CouncilOffice(doors), file_id)


def partner_at(office: Office, file_id: str) -> State:
    """As `partner`."""
    with office.desk() as desk:
        if not desk.hold(file_id):
            raise Busy(f"another worker has file {file_id}")
        file = desk.read(file_id)
        if not _unanswered(file):
            return file.state
        if file.state is State.APPLIED:
            file = desk.claim(file_id)  # an ended file keeps its epoch: people decide about that very quarantine
        with office.drop_zone() as zone:
            if file.receipt_at is None:
                _place(office, desk, zone, file)
            if file.state is State.APPLIED:
                desk.close(file)
                faultpoint("acknowledge.closed")
            _clear_landing(desk, zone, desk.read(file_id))
        state = desk.read(file_id).state
    log.info("file %s: answered, %s", file_id, state)
    return state


def _unanswered(file: File) -> bool:
    """True when something is left to do: a receipt, closing, or the landing file."""
    if file.state is State.GONE or (file.state not in ENDS and file.state is not State.APPLIED):
        return False
    cleared = file.landing_removed_at is not None or file.ct_sha256 is None
    return file.state is State.APPLIED or file.receipt_at is None or not cleared


def _place(office: Office, desk: Desk, zone: Zone, file: File) -> None:
    """The answer is in `receipts/`: the workbook first, then the receipt that names it; what is there already stays."""
    receipt, workbook = answer_names(file.file_id, file.answers + 1)
    folder = f"/{file.partner}/receipts"
    if not zone.exists(f"{folder}/{receipt}"):
        answer = office.answer(desk, file, workbook)
        if answer.workbook is not None:
            _upload(zone, folder, workbook, answer.workbook)
            faultpoint("acknowledge.workbook")
        _upload(zone, folder, receipt, answer.receipt)
    faultpoint("acknowledge.placed")
    desk.answered(file)
    faultpoint("acknowledge.answered")


def _upload(zone: Zone, folder: str, final: str, data: bytes) -> None:
    """The bytes stand under their final name, all of them; another worker's stay if it was faster.

    Each attempt writes under a name of its own: one that was overtaken can never rename what another still writes.
    """
    temporary = f".{final}.{uuid4().hex[:8]}.part"
    zone.upload_new(folder, temporary, data)
    faultpoint("acknowledge.uploaded")
    try:
        zone.rename(folder, temporary, final)
    except FileExistsError:
        zone.remove(folder, temporary.encode(), missing_ok=True)
    except FileNotFoundError:  # a look at the drop zone swept it up, which it does once the answer is there
        raise Busy("another worker has answered meanwhile") from None


def _clear_landing(desk: Desk, zone: Zone, file: File) -> None:
    """The landing file is gone, if it is still the one that we have; one that took its place is another file.

    What is not in the vault (a pipe, a link, a file beyond the cap) stays where it is: nothing is lost by us.
    """
    if file.landing_removed_at is not None or file.ct_sha256 is None:
        return
    receive.clear(zone, file)
    desk.cleared(file)
    faultpoint("acknowledge.cleared")
