"""What a partner is told of one file: the receipt, and what changed since an earlier file.

The same functions serve the platform and the partner's own check, so both say the same. Nothing here names a value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from family_exchange.adapters import resends
from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import File, StoredFinding
from family_exchange.domain.advice import CONTACT
from family_exchange.domain.answer import About, Counts, with_outcome
from family_exchange.domain.file import ACCEPTED, Outcome, Reason, State, Verdict
from family_exchange.domain.findings import Finding, Severity, row_key
from family_exchange.domain.resend import Mark, Resent, changes, digest
from family_exchange.stages.validate import Validated

RECEIPT = 2
"""Version of the receipt's form."""


def about(file: File, council: str) -> About:
    """The file as the ledger knows it."""
    counted = (file.rows_read, file.rows_loaded, file.rows_with_finding, file.rows_refused, file.columns_dropped)
    known = [count for count in counted if count is not None]
    return About(
        feed=file.feed,
        name=file.name_bytes.decode(errors="backslashreplace"),
        council=council,
        file_id=file.file_id,
        partner=file.partner,
        contract=file.contract,
        received_at=file.seen_at,
        size=file.size,
        sha256=file.ct_sha256.hex() if file.ct_sha256 else None,
        signer=file.signer,
        signed_at=file.signed_at,
        as_of=file.as_of,
        coverage_from=file.coverage_from,
        coverage_to=file.coverage_to,
        area=file.area,
        sequence=file.sequence,
        state=State.CLOSED if file.state is State.APPLIED else file.state,
        verdict=file.verdict,
        reason=file.reason,
        detail=file.detail,
        duplicate_of=file.duplicate_of,
        superseded_by=file.superseded_by,
        conflicts_with=file.conflicts_with,
        history=file.history,
        counts=Counts(*known) if len(known) == len(counted) else None,
    )


def examined(known: About, checked: Validated, *, held: bool = False) -> About:
    """What is known of the file once it was validated; `held`: two people have to look at it."""
    found, verdict = checked.findings, checked.findings.verdict()
    return replace(
        known,
        contract=checked.contract,
        as_of=checked.as_of,
        coverage_from=checked.coverage_from,
        coverage_to=checked.coverage_to,
        area=checked.said.area,
        sequence=checked.said.sequence,
        state=State.QUARANTINED if held else None,
        verdict=verdict,
        reason=Reason.CONTENT if held or verdict is Verdict.REFUSED else None,
        counts=Counts(
            found.rows_read, found.rows_loaded, found.rows_with_finding, found.rows_refused, checked.columns_dropped
        ),
    )


def digests(checked: Validated, key: bytes) -> dict[int | tuple[str, int] | None, bytes]:
    """The keyed digest of the partner's own reference of each row with a finding; a row without one is left out."""
    made = ((row, digest(key, reference)) for row, reference in checked.references.items())
    return {row: hashed for row, hashed in made if hashed}


def marks(checked: Validated, key: bytes) -> list[Mark] | None:
    """What was found, as it can be recognised in another file; None when that is more than files are compared by."""
    if len(checked.findings) > resends.MOST:
        return None
    hashed = digests(checked, key)
    return [
        Mark(found.rule, found.column, found.table, found.row_no, hashed.get(row_key(found.table, found.row_no)))
        for found in checked.findings
    ]


def resent(connection: Connection, known: About, found: Sequence[Mark] | None) -> Resent | None:
    """The earlier file that this one mends, and what changed; None when there is none, or this one has no rows read."""
    if known.counts is None:
        return None
    earlier = resends.earlier(connection, known)
    if earlier is None:
        return None
    before = resends.marks(connection, earlier.file_id)
    comparable = found is not None and before is not None and not (earlier.reason and not before)
    return Resent(
        earlier,
        changes=changes(before or (), found or ()) if comparable else None,
        reason_gone=earlier.reason if earlier.reason is not known.reason else None,
    )


def receipt(
    known: About,
    findings: Iterable[Finding],
    *,
    said: Mapping[str, str],
    since: Resent | None,
    workbook_name: str | None,
    audit: tuple[int, str] | None,
) -> dict[str, object]:
    """What the partner is told, ready for JSON: ids, days, counts, rows, columns and rules.

    `findings` come row by row, those of the file as a whole first. `audit` is the signed position of the audit chain:
    every partner becomes a witness that no event was removed.
    """
    counts = known.counts
    return {
        "receipt": RECEIPT,
        "council": known.council,
        "file": known.file_id,
        "name": known.name,
        "partner": known.partner,
        "feed": known.feed,
        "contract": known.contract,
        "received_at": _moment(known.received_at),
        "size": known.size,
        "sha256": known.sha256,
        "signer": known.signer,
        "signed_at": _moment(known.signed_at),
        "says": {
            "as_of": _day(known.as_of),
            "coverage_from": _day(known.coverage_from),
            "coverage_to": _day(known.coverage_to),
            "area": known.area,
            "sequence": known.sequence,
        },
        "state": known.state,
        "verdict": known.verdict,
        "reason": known.reason,
        "detail": known.detail,
        "what_to_do": known.what_to_do,
        "duplicate_of": known.duplicate_of,
        "superseded_by": known.superseded_by,
        "conflicts_with": known.conflicts_with,
        "adds_to_the_past_only": known.history,
        "rows": {
            "read": counts and counts.read,
            Outcome.LOADED: counts and counts.loaded,
            Outcome.LOADED_WITH_FINDING: counts and counts.with_finding,
            Outcome.REFUSED: counts and counts.refused,
        },
        "columns_not_taken": counts and counts.columns_dropped,
        "findings": list(_findings(findings, said, taken=known.state in {None, *ACCEPTED})),
        "workbook": workbook_name,
        "changes": since and _since(since),
        "audit": audit and {"seq": audit[0], "hash": audit[1]},
    }


def as_found(stored: Iterable[StoredFinding]) -> Iterator[Finding]:
    """The ledger's findings as validation made them, without those that are for the council only."""
    for each in stored:
        if each.severity == Severity.NOTE:
            continue
        yield Finding(each.row_no, each.column_name, each.rule, Severity(each.severity), each.table_name)


def _findings(findings: Iterable[Finding], said: Mapping[str, str], *, taken: bool) -> Iterator[dict[str, object]]:
    for each, loaded in with_outcome(findings, taken=taken):
        yield {
            "table": each.table,
            "row": each.row_no,
            "column": each.column,
            "rule": each.rule,
            "severity": each.severity,
            "fix": said.get(each.rule, CONTACT),
            "loaded": loaded,
        }


def _since(since: Resent) -> dict[str, object]:
    earlier, changed = since.earlier, since.changes
    return {
        "since": {
            "file": earlier.file_id,
            "name": earlier.name,
            "received_at": _moment(earlier.received_at),
            "verdict": earlier.verdict,
            "reason": earlier.reason,
        },
        "reason_no_longer_applies": since.reason_gone,
        "fixed": changed and len(changed.fixed),
        "still_wrong": changed and len(changed.still),
        "new": changed and len(changed.new),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
