"""Stage 5 of one file: tell the partner, on the same channel, what became of it; then clear the landing folder.

The receipt is JSON, signed by the council and encrypted to the partner. It names rows, columns and rules, never a
value.
"""

import json
import logging

from family_exchange.adapters import audit, database, ledger
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.expectations import messages
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.file import ENDS, Outcome, Reason, State
from family_exchange.stages import receive

log = logging.getLogger(__name__)

WHAT_TO_DO = {
    Reason.UNSIGNED: "Sign the file with your registered key, encrypt it to us, and send it again.",
    Reason.CORRUPT: "The file did not arrive whole. Send it again.",
    Reason.SCHEMA: "The columns are not those of the agreed contract. Compare them and send the file again.",
    Reason.HEADER: "The header row is not in order. Compare it with the agreed contract and send the file again.",
    Reason.CONTENT: "No row could be taken, or the count in the file's first line is not its number of rows.",
    Reason.ENCODING: "The text is not UTF-8. Export it as UTF-8 and send it again.",
    Reason.CSV_SYNTAX: "The rows cannot be told apart: look for an unclosed quote or a row with missing cells.",
    Reason.WRONG_RECIPIENT: "The file is not encrypted to our current key. Ask us for it, and send the file again.",
}
"""Plain advice by reason; any other reason asks the partner to speak to us."""

OTHERWISE = "Speak to your contact at the council and give this receipt's file number."


def partner(doors: Doors, file_id: str) -> State:
    """The file's final state: its receipt is in the partner's folder, and the landing file is gone.

    A second run finds the receipt in place and writes no other; it removes the landing file if that was not yet done.

    Raises:
        TryLater: another worker has the file, it is not finished, or the drop zone does not answer.
        NeedsDecision: no key is registered for the partner, so that nothing can be encrypted to it.
    """
    with database.session(doors.database) as connection:
        if not database.hold(connection, ledger.LOCK, file_id):
            raise TryLater(f"another worker has file {file_id}")
        file = ledger.read(connection, file_id)
        if file.state is State.GONE:
            return file.state
        if file.state not in ENDS and file.state is not State.APPLIED:
            raise TryLater(f"file {file_id} is not finished")
        with doors.drop_zone() as zone:
            if file.receipt_at is None:
                _place(doors, connection, zone, file)
            _close(connection, file)
            _clear_landing(connection, zone, file)
        return ledger.read(connection, file_id).state


def receipt(doors: Doors, connection: Connection, file: File) -> dict[str, object]:
    """What the partner is told; ids, counts, rows, columns and rules.

    It carries the signed position of the audit chain: every partner becomes a witness that no event was removed.
    """
    advice = WHAT_TO_DO.get(file.reason, OTHERWISE) if file.reason else None
    said = messages(file.feed, file.contract or "v1")
    seq, head = audit.checkpoint(connection, doors.checkpoints, doors.signing_key)
    return {
        "receipt": 1,
        "council": doors.profile.council,
        "file": file.file_id,
        "name": file.name_bytes.decode(errors="backslashreplace"),
        "feed": file.feed,
        "sha256": file.ct_sha256.hex() if file.ct_sha256 else None,
        "size": file.size,
        "received_at": file.seen_at.isoformat(timespec="seconds"),
        "state": State.CLOSED if file.state is State.APPLIED else file.state,
        "verdict": file.verdict,
        "reason": file.reason,
        "what_to_do": advice,
        "duplicate_of": file.duplicate_of,
        "rows": {
            "read": file.rows_read,
            Outcome.LOADED: file.rows_loaded,
            Outcome.LOADED_WITH_FINDING: file.rows_with_finding,
            Outcome.REFUSED: file.rows_refused,
        },
        "columns_not_taken": file.columns_dropped,
        "findings": [
            {
                "row": finding.row_no,
                "column": finding.column_name,
                "rule": finding.rule,
                "severity": finding.severity,
                "fix": said.get(finding.rule, OTHERWISE),
            }
            for finding in ledger.findings(connection, file.file_id)
        ],
        "audit": {"seq": seq, "hash": head},
    }


def _place(doors: Doors, connection: Connection, zone: DropZone, file: File) -> None:
    """The receipt is in `receipts/`: uploaded under a temporary name, renamed; one that is there already stays."""
    keys = ledger.keys(connection).get(file.partner, ())
    if not keys:
        raise NeedsDecision(f"partner {file.partner} has no registered key; add one with `keys add`")
    folder, final = f"/{file.partner}/receipts", f"{file.file_id}.json.pgp"
    if not zone.exists(f"{folder}/{final}"):
        body = json.dumps(receipt(doors, connection, file), indent=1).encode()
        sealed = doors.openpgp.seal(body, recipient=keys[-1].fingerprint)
        temporary = f".{file.file_id}.{file.epoch}.part"
        zone.remove(folder, temporary.encode(), missing_ok=True)
        zone.upload_new(folder, temporary, sealed)
        zone.rename(folder, temporary, final)
    with connection.transaction():
        connection.execute(
            "UPDATE exchange.file SET receipt_at = clock_timestamp() WHERE file_id = %s", (file.file_id,)
        )
        audit.append(connection, "file.answered", ledger.ACTOR, {"file": file.file_id})


def _close(connection: Connection, file: File) -> None:
    if file.state is State.APPLIED:
        with connection.transaction():
            epoch = ledger.claim(connection, file.file_id)
            if epoch is not None:
                ledger.advance(connection, file.file_id, epoch, State.CLOSED, {})


def _clear_landing(connection: Connection, zone: DropZone, file: File) -> None:
    """The landing file is gone, if it is still the one that we read; one that took its place is another file.

    What is not in the vault (a pipe, a link, a file beyond the cap) stays where it is: nothing is lost by us.
    """
    if file.landing_removed_at is not None or file.ct_sha256 is None:
        return
    folder = receive.folder(file)
    same = [
        entry
        for entry in zone.list(folder)
        if (entry.name, entry.size, entry.modified_at) == (file.name_bytes, file.size, file.modified_at)
    ]
    if same:
        zone.remove(folder, file.name_bytes, missing_ok=True)
    with connection.transaction():
        connection.execute(
            "UPDATE exchange.file SET landing_removed_at = clock_timestamp() WHERE file_id = %s", (file.file_id,)
        )
        audit.append(connection, "file.landing_cleared", ledger.ACTOR, {"file": file.file_id})
