"""What a partner is sent about one file: a receipt and, if anything was found, the workbook; sealed to it alone."""

import json

from family_exchange.adapters import audit, ledger
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.expectations import messages
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import Outcome, Reason, State
from family_exchange.stages.ports import Answer

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


def sealed(doors: Doors, connection: Connection, file: File) -> Answer:
    """The answer, signed by the council and sealed to the partner's newest key.

    Raises:
        NeedsDecision: no key is registered for the partner, so that nothing can be encrypted to it.
    """
    keys = ledger.keys(connection).get(file.partner, ())
    if not keys:
        raise NeedsDecision(f"partner {file.partner} has no registered key; add one with `keys add`")
    body = json.dumps(receipt(doors, connection, file), indent=1).encode()
    receipt_bytes = doors.openpgp.seal(body, recipient=keys[-1].fingerprint)
    workbook = doors.vault.path(file.workbook_sha256).read_bytes() if file.workbook_sha256 else None
    return Answer(receipt_bytes, workbook)


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
