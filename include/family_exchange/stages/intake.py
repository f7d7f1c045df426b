"""Stages 1 to 4 of one file: receive, unseal, validate, apply to staging; and what they came to.

Plaintext lives in this process's memory only, between the vault's ciphertext and the staged rows. The ledger moves in
three transactions: claimed; vaulted; and everything after the seal in one, so that a crash leaves nothing or all.
"""

import hmac
import logging
from datetime import datetime
from hashlib import sha256

from family_exchange.adapters import database, ledger, staging
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import DataRefused, TryLater
from family_exchange.domain.file import ENDS, Reason, State, Verdict, plain_name
from family_exchange.stages import receive, unseal, validate
from family_exchange.stages.unseal import Opened

log = logging.getLogger(__name__)


def take_in(doors: Doors, file_id: str, *, at: datetime) -> State:
    """The state that the file has reached: APPLIED, or one of the ends.

    A refusal is a result, not a failure: the file is quarantined with its reason, and the partner is told by the next
    stage. A second run, at the same time or later, changes nothing that the first one did.

    Raises:
        TryLater: another worker has the file, or an endpoint, gpg or the database cannot serve now.
    """
    with database.session(doors.database) as connection:
        if not database.hold(connection, ledger.LOCK, file_id):
            raise TryLater(f"another worker has file {file_id}")
        file = ledger.read(connection, file_id)
        if file.state in ENDS or file.state is State.APPLIED:
            return file.state
        with connection.transaction():
            epoch = ledger.claim(connection, file_id)
            if epoch is None:
                raise TryLater(f"file {file_id} cannot be claimed now")
            if file.state is State.SEEN:
                ledger.advance(connection, file_id, epoch, State.CLAIMED, {})
        try:
            _bring_in(doors, connection, ledger.read(connection, file_id))
            _admit(doors, connection, ledger.read(connection, file_id), at=at)
        except DataRefused as refusal:
            with connection.transaction():
                ledger.quarantine(connection, file_id, epoch, Reason(refusal.reason))
        except FileNotFoundError:
            with connection.transaction():
                ledger.advance(connection, file_id, epoch, State.GONE, {})
        state = ledger.read(connection, file_id).state
    log.info("file %s: %s", file_id, state)
    return state


def summary(doors: Doors, file_ids: list[str]) -> dict[str, int]:
    """Counts over the files: `files`, `applied`, `rows_loaded`, `rows_with_finding`, `rows_refused`."""
    with database.transaction(doors.database) as connection:
        return ledger.totals(connection, file_ids)


def _bring_in(doors: Doors, connection: Connection, file: File) -> None:
    """The file's bytes are in the vault."""
    if file.state is not State.CLAIMED:
        return
    stored = receive.fetch(doors, file)
    if stored.size != file.size:
        raise TryLater(f"file {file.file_id} changed while it was read")
    with connection.transaction():
        connection.execute(
            "UPDATE exchange.file SET ct_sha256 = %s WHERE file_id = %s AND epoch = %s",
            (stored.sha256, file.file_id, file.epoch),
        )
        body: dict[str, Plain] = {"sha256": stored.sha256.hex(), "bytes": stored.size}
        ledger.advance(connection, file.file_id, file.epoch, State.VAULTED, body)
    if not plain_name(file.name_bytes):
        raise DataRefused(Reason.NAME, "the name holds characters that no agreed file name has")


def _admit(doors: Doors, connection: Connection, file: File, *, at: datetime) -> None:
    """The file's rows are staged, or the file ended as a duplicate; one transaction from the seal to the rows."""
    if file.ct_sha256 and (original := ledger.same_ciphertext(connection, file, file.ct_sha256)):
        with connection.transaction():
            ledger.duplicate(connection, file.file_id, file.epoch, original)
        return
    opened = unseal.file(doors, file, ledger.keys(connection), at=at)
    content = hmac.new(doors.dedupe_key, _canonical(opened.plaintext), sha256).digest()
    original = ledger.same_content(connection, file, content)
    checked = (
        None
        if original
        else validate.table(
            opened.plaintext, doors.contract(file.feed), doors.profile, received_on=opened.signed_at.date()
        )
    )
    with connection.transaction():
        _note_seal(connection, file, opened, content)
        if file.state is State.VAULTED:
            ledger.advance(connection, file.file_id, file.epoch, State.AUTHENTIC, {"signer": opened.signer})
        if original:
            ledger.duplicate(connection, file.file_id, file.epoch, original)
        elif checked:
            _apply(connection, file, checked)


def _apply(connection: Connection, file: File, checked: validate.Validated) -> None:
    """Findings, counts and rows of one validated file, and its moves to VALID and APPLIED."""
    verdict = checked.findings.verdict()
    counts: dict[str, Plain] = {
        "rows_read": checked.findings.rows_read,
        "rows_loaded": checked.findings.rows_loaded,
        "rows_with_finding": checked.findings.rows_with_finding,
        "rows_refused": checked.findings.rows_refused,
        "columns_dropped": checked.columns_dropped,
    }
    connection.execute(
        """UPDATE exchange.file
              SET contract = %(contract)s, as_of = %(as_of)s, coverage_from = %(coverage_from)s,
                  coverage_to = %(coverage_to)s, verdict = %(verdict)s, rows_read = %(rows_read)s,
                  rows_loaded = %(rows_loaded)s, rows_with_finding = %(rows_with_finding)s,
                  rows_refused = %(rows_refused)s, columns_dropped = %(columns_dropped)s
            WHERE file_id = %(file_id)s AND epoch = %(epoch)s""",
        {
            "contract": checked.contract,
            "as_of": checked.as_of,
            "coverage_from": checked.coverage_from,
            "coverage_to": checked.coverage_to,
            "verdict": verdict,
            "file_id": file.file_id,
            "epoch": file.epoch,
            **counts,
        },
    )
    ledger.put_findings(connection, file.file_id, checked.findings)
    if verdict is Verdict.REFUSED:
        ledger.quarantine(connection, file.file_id, file.epoch, Reason.CONTENT)
        return
    ledger.advance(connection, file.file_id, file.epoch, State.VALID, {"verdict": verdict, **counts})
    staged = staging.put(connection, file.feed, file.file_id, checked.accepted)
    connection.execute("UPDATE exchange.file SET applied_at = clock_timestamp() WHERE file_id = %s", (file.file_id,))
    ledger.advance(connection, file.file_id, file.epoch, State.APPLIED, {"rows": staged})


def _note_seal(connection: Connection, file: File, opened: Opened, content: bytes) -> None:
    connection.execute(
        """UPDATE exchange.file SET signer = %s, sig_id = %s, signed_at = %s, content_hmac = %s
            WHERE file_id = %s AND epoch = %s""",
        (opened.signer, opened.sig_id, opened.signed_at, content, file.file_id, file.epoch),
    )


def _canonical(plaintext: bytes) -> bytes:
    """The content as it is compared: without a byte-order mark, with one kind of line ending."""
    return plaintext.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").rstrip(b"\n")
