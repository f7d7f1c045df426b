"""Receipts and workbooks in the partners' folders of the drop zone, once their file's time is up."""

from collections.abc import Iterator, Sequence

from family_exchange.adapters.database import Connection
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.file import answer_names

Answered = tuple[str, str, int]
"""Partner, file and how many answers it had."""


def of(connection: Connection, file_id: str) -> Answered | None:
    """What was answered about the file; None: nothing."""
    row = connection.execute(
        "SELECT partner, file_id, answers FROM exchange.file WHERE file_id = %s AND answers > 0", (file_id,)
    ).fetchone()
    return (str(row[0]), str(row[1]), int(row[2])) if row else None


def listed(connection: Connection, plan_id: str) -> list[tuple[Answered, bool]]:
    """The answered files of a plan, and whether their answers must be gone."""
    rows = connection.execute(
        """SELECT f.partner, f.file_id, f.answers, i.outcome = 'destroyed'
             FROM rights.purge_item i JOIN exchange.file f ON f.file_id = i.item_id
            WHERE i.plan_id = %s AND i.kind = 'file' AND f.answers > 0 ORDER BY f.file_id""",
        (plan_id,),
    )
    return [((str(partner), str(file_id), int(answers)), bool(gone)) for partner, file_id, answers, gone in rows]


def withdraw(zone: DropZone, answered: Answered) -> None:
    """Nothing that was answered about the file is in its partner's folder; a second run finds nothing to remove."""
    for name in _names(answered):
        zone.remove(_folder(answered[0]), name, missing_ok=True)


def lying(zone: DropZone, answered: Sequence[Answered]) -> set[str]:
    """The files about which something lies in their partners' folders still."""
    found: set[str] = set()
    for partner in sorted({partner for partner, *_ in answered}):
        try:
            there = {entry.name for entry in zone.list(_folder(partner))}
        except FileNotFoundError:  # the partner's log-in is gone, and all that it had
            continue
        found |= {one[1] for one in answered if one[0] == partner and there & {*_names(one)}}
    return found


def _names(answered: Answered) -> Iterator[bytes]:
    """Everything that was answered about the file."""
    _, file_id, answers = answered
    return (name.encode() for number in range(1, answers + 1) for name in answer_names(file_id, number))


def _folder(partner: str) -> str:
    return f"/{partner}/receipts"
