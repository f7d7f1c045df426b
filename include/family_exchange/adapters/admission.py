"""How an opened file finds its place and its rows theirs: from the seal to staging, in the caller's one transaction."""

from dataclasses import dataclass, field
from datetime import date

from family_exchange.adapters import keys, ledger, staging
from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.findings import Digests
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import Busy
from family_exchange.domain.file import Reason, State, Verdict
from family_exchange.domain.findings import Findings
from family_exchange.domain.identity import Identity, Place, Placed, Sibling, Siblings, place

FEED_LOCK = 48
"""Namespace of the lock that lets one file of a partner's feed after the other find its place."""

HELD = "the file is unlike earlier ones; two people at the council look at it before its rows count"
"""What a partner is told of a file that a rule across periods holds."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a validated file holds, and what was found in it."""

    contract: str
    """Version."""
    as_of: date | None
    coverage_from: date | None
    coverage_to: date | None
    area: str | None
    columns_dropped: int
    findings: Findings
    accepted: Accepted = field(repr=False)
    """Typed rows to stage."""
    held: bool = False
    """Two people have to look at it before its rows count."""
    shape: tuple[tuple[str, str, int], ...] = ()
    """(column, code, rows): what the file is made of, in counts."""
    references: Digests = field(default_factory=dict, repr=False)
    """Keyed digest of the partner's own reference of each row with a finding."""
    workbook_sha256: bytes | None = None

    @property
    def counts(self) -> dict[str, Plain]:
        """What is told of the rows."""
        return {
            "rows_read": self.findings.rows_read,
            "rows_loaded": self.findings.rows_loaded,
            "rows_with_finding": self.findings.rows_with_finding,
            "rows_refused": self.findings.rows_refused,
            "columns_dropped": self.columns_dropped,
        }


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing of an authentic file can be taken."""

    reason: Reason
    detail: str


def admit(
    connection: Connection, file: File, signer: str, identity: Identity, contents: Contents | Refused | None
) -> None:
    """The file is where its place and its rows put it.

    Its rows come first: from the first event to the end of the transaction nobody else can write to the audit chain.

    Raises:
        Busy: meanwhile another file was accepted and this one would have to be read after all, or its signer's key was
            revoked.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (FEED_LOCK, f"{file.partner}/{file.feed}"))
    if not keys.still_counts(connection, signer):
        raise Busy(f"the key that signed file {file.file_id} was revoked while it was read; it is judged again")
    if original := same_bytes(connection, file):
        ledger.duplicate(connection, file.file_id, file.epoch, original)  # another worker was faster
        return
    placed = place(identity, siblings(connection, file, identity), waived=file.waived)
    taken = placed.place in {Place.NEWS, Place.HISTORY}
    _note_seal(connection, file, signer, identity, placed)
    staged = _put(connection, file, contents) if taken and isinstance(contents, Contents) else 0
    ledger.advance(connection, file.file_id, file.epoch, State.AUTHENTIC, {"signer": signer})
    if isinstance(contents, Refused) and placed.place is not Place.DUPLICATE:
        ledger.quarantine(connection, file.file_id, file.epoch, contents.reason, contents.detail)
    elif not taken:
        _end(connection, file, placed)
    elif contents is None:
        raise Busy(f"file {file.file_id} has to be read after all")
    elif isinstance(contents, Contents):
        _apply(connection, file, contents, staged)


_THEIRS = "FROM exchange.file WHERE partner = %(partner)s AND feed = %(feed)s AND state IN ('APPLIED','CLOSED')"
_SIBLINGS = f"""
    SELECT (SELECT file_id {_THEIRS} AND content_hmac = %(content)s AND file_id <> %(file)s),
           (SELECT file_id {_THEIRS} AND sig_id = %(signature)s AND file_id <> %(file)s),
           (SELECT file_id {_THEIRS} AND sequence = %(sequence)s AND file_id <> %(file)s),
           (SELECT max(signed_at) {_THEIRS}), (SELECT max(as_of) {_THEIRS}), day.*
      FROM (VALUES (1)) AS one(row)
      LEFT JOIN LATERAL (
           SELECT file_id, signed_at, sequence {_THEIRS} AND as_of = %(as_of)s
            ORDER BY CASE WHEN %(numbered)s THEN sequence END DESC NULLS LAST, signed_at DESC, file_id DESC
            LIMIT 1) AS day ON true
"""  # noqa: S608 - our own words; one question instead of five, for every file two or three times


def siblings(connection: Connection, file: File, identity: Identity) -> Siblings:
    """The accepted files of the same partner and feed that bear on the file's place."""
    asked = {
        "partner": file.partner,
        "feed": file.feed,
        "file": file.file_id,
        "content": identity.content,
        "signature": identity.signature,
        "sequence": identity.sequence,
        "as_of": identity.as_of,
        "numbered": identity.sequence is not None,
    }
    row = connection.execute(_SIBLINGS, asked).fetchone()
    assert row is not None  # noqa: S101 - one row, whatever there is
    content, signature, sequence, signed_at, as_of, *day = row
    return Siblings(
        same_content=content,
        same_signature=signature,
        same_sequence=sequence,
        newest_signed_at=signed_at,
        newest_as_of=as_of,
        same_day=Sibling(*day) if day[0] else None,
    )


def same_bytes(connection: Connection, file: File) -> str | None:
    """The id of another accepted file of this partner and feed with the very same bytes."""
    asked = {"partner": file.partner, "feed": file.feed, "file": file.file_id, "bytes": file.ct_sha256}
    row = connection.execute(
        f"SELECT file_id {_THEIRS} AND ct_sha256 = %(bytes)s AND file_id <> %(file)s",
        asked,
    ).fetchone()
    return str(row[0]) if row else None


def _note_seal(connection: Connection, file: File, signer: str, identity: Identity, placed: Placed) -> None:
    """What two people let in against another file keeps neither its number nor its signature's id."""
    connection.execute(
        """UPDATE exchange.file
              SET signer = %(signer)s, sig_id = %(signature)s, signed_at = %(signed_at)s,
                  content_hmac = %(content)s, as_of = %(as_of)s, sequence = %(sequence)s, history = %(history)s
            WHERE file_id = %(file)s""",
        {
            "signer": signer,
            "signature": identity.signature if Reason.CONFLICT not in file.waived else None,
            "signed_at": identity.signed_at,
            "content": identity.content,
            "as_of": identity.as_of,
            "sequence": identity.sequence if Reason.CONFLICT not in file.waived else None,
            "history": placed.place is Place.HISTORY,
            "file": file.file_id,
        },
    )


def _end(connection: Connection, file: File, placed: Placed) -> None:
    """The file's place alone decides: nothing of it is staged."""
    file_id, epoch = file.file_id, file.epoch
    match placed.place:
        case Place.DUPLICATE:
            ledger.duplicate(connection, file_id, epoch, str(placed.other))
        case Place.SUPERSEDED:
            connection.execute(
                "UPDATE exchange.file SET superseded_by = %s WHERE file_id = %s", (placed.other, file_id)
            )
            ledger.advance(connection, file_id, epoch, State.SUPERSEDED, {"by": str(placed.other)})
        case Place.CONFLICT:
            connection.execute(
                "UPDATE exchange.file SET conflicts_with = %s WHERE file_id = %s", (placed.other, file_id)
            )
            ledger.quarantine(connection, file_id, epoch, Reason.CONFLICT)
        case _:
            ledger.quarantine(connection, file_id, epoch, Reason.STALE)


def _put(connection: Connection, file: File, contents: Contents) -> int:
    """Findings, counts and rows of one validated file are stored; how many rows count."""
    verdict = contents.findings.verdict()
    _note_contents(connection, file, contents, verdict)
    ledger.put_findings(connection, file.file_id, contents.findings, contents.references)
    ledger.put_shape(connection, file.file_id, contents.shape)
    if verdict is Verdict.REFUSED or contents.held:
        return 0
    return staging.put(connection, file.feed, file.file_id, contents.accepted)


def _apply(connection: Connection, file: File, contents: Contents, staged: int) -> None:
    """The moves of one validated file whose rows are stored: to VALID and APPLIED, or to quarantine."""
    file_id, epoch = file.file_id, file.epoch
    verdict = contents.findings.verdict()
    if verdict is Verdict.REFUSED or contents.held:
        ledger.quarantine(connection, file_id, epoch, Reason.CONTENT, HELD if contents.held else None)
        return
    ledger.advance(connection, file_id, epoch, State.VALID, {"verdict": verdict, **contents.counts})
    connection.execute("UPDATE exchange.file SET applied_at = clock_timestamp() WHERE file_id = %s", (file_id,))
    ledger.advance(connection, file_id, epoch, State.APPLIED, {"rows": staged})


def _note_contents(connection: Connection, file: File, contents: Contents, verdict: Verdict) -> None:
    connection.execute(
        """UPDATE exchange.file
              SET contract = %(contract)s, as_of = %(as_of)s, coverage_from = %(coverage_from)s,
                  coverage_to = %(coverage_to)s, area = %(area)s, verdict = %(verdict)s, reason = NULL, detail = NULL,
                  rows_read = %(rows_read)s, rows_loaded = %(rows_loaded)s,
                  rows_with_finding = %(rows_with_finding)s, rows_refused = %(rows_refused)s,
                  columns_dropped = %(columns_dropped)s, workbook_sha256 = %(workbook)s
            WHERE file_id = %(file_id)s""",
        {
            "contract": contents.contract,
            "as_of": contents.as_of,
            "coverage_from": contents.coverage_from,
            "coverage_to": contents.coverage_to,
            "area": contents.area,
            "verdict": verdict,
            "workbook": contents.workbook_sha256,
            "file_id": file.file_id,
            **contents.counts,
        },
    )
