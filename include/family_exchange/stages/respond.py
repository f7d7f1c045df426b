"""What a partner is sent about one file: a receipt and, if anything was found, the workbook; sealed to it alone."""

import json
from datetime import datetime

from family_exchange.adapters import audit, expectations, keys, ledger, profiles, resends
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.stages import reply
from family_exchange.stages.ports import Answer


def sealed(doors: Doors, connection: Connection, file: File, *, workbook_name: str, at: datetime) -> Answer:
    """The answer, signed by the council and sealed to the partner's newest key.

    Raises:
        NeedsDecision: no key is registered for the partner, so that nothing can be encrypted to it.
    """
    recipient = keys.recipient(connection, file.partner, at=at)
    workbook = doors.vault.path(file.workbook_sha256).read_bytes() if file.workbook_sha256 else None
    told = receipt(doors, connection, file, workbook_name=workbook_name if workbook else None)
    body = json.dumps(told, indent=1).encode()
    return Answer(doors.openpgp.seal(body, recipient=recipient), workbook)


def receipt(doors: Doors, connection: Connection, file: File, *, workbook_name: str | None = None) -> dict[str, object]:
    """What the partner is told; ids, counts, rows, columns and rules.

    It carries the signed position of the audit chain: every partner becomes a witness that no event was removed.
    """
    known = reply.about(file, doors.profile.council)
    return reply.receipt(
        known,
        reply.as_found(ledger.findings(connection, file.file_id)),
        said=expectations.messages(file.feed, file.contract or profiles.versions(file.feed)[0]),
        since=reply.resent(connection, known, resends.marks(connection, file.file_id)),
        workbook_name=workbook_name,
        audit=audit.checkpoint(connection, doors.checkpoints, doors.signing_key),
    )
