"""What people decided about files in quarantine: who, what, on what ground; two different people make it happen."""

import json
from dataclasses import dataclass

from family_exchange.adapters import audit, ledger
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection, lock
from family_exchange.adapters.ledger import LOCK, File
from family_exchange.domain import ids
from family_exchange.domain.errors import Busy, NeedsDecision
from family_exchange.domain.file import Reason, State
from family_exchange.domain.findings import Severity
from family_exchange.domain.key import require_person, same_person
from family_exchange.domain.release import (
    NEVER,
    Action,
    Ground,
    Vote,
    case_parts,
    outcome,
    require_ground,
    require_new_voice,
    require_release,
    waives,
)

LONGEST_NOTE = 2000
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file in quarantine, as people decide about it; ids, rules and names of those who spoke."""

    file: File
    rules: tuple[str, ...]
    """The rules that hold it."""
    votes: tuple[Vote, ...]

    @property
    def case(self) -> str:
        """The file's id and this very quarantine of it: an answer to another one does not count."""
        return f"{self.file.file_id}/{self.file.epoch}"

    @property
    def releasable(self) -> bool:
        """False when it may only be rejected."""
        return self.file.reason not in NEVER

    @property
    def waives(self) -> Reason | None:
        """What a release sets aside; None: the file is only looked at again."""
        return waives(self.file.reason, held=bool(self.rules)) if self.file.reason else None


def decide(
    connection: Connection,
    file_id: str,
    action: Action,
    *,
    by: str,
    ground: Ground,
    note: str | None = None,
    epoch: int | None = None,
) -> Action | None:
    """What two different people now agree on, done in the caller's transaction; None: another person has to speak.

    A released file is CLAIMED again, so that intake takes it from the vault and its partner gets another receipt; a
    rejected one ends. `epoch` is that of the quarantine that the person looked at; None: whichever it is in.

    Raises:
        Busy: a worker is at the file just now.
        NeedsDecision: it is not in that quarantine, the person has spoken already, or the action or ground may not be.
    """
    require_person(by)
    require_ground(action, ground)
    if note is not None and len(note) > LONGEST_NOTE:
        raise NeedsDecision(f"the note is longer than {LONGEST_NOTE} characters; say it shorter")
    if not lock(connection, LOCK, file_id):
        raise Busy(f"another worker has file {file_id}; decide again in a moment")
    waiting = _waiting(connection, _in_quarantine(connection, file_id, epoch))
    require_release(waiting.file.reason, action)
    require_new_voice(waiting.votes, by)
    vote = Vote(by.strip(), action, ground)
    _keep(connection, waiting.file, vote, note)
    agreed = outcome((*waiting.votes, vote))
    if agreed is not None:
        other = next(each for each in waiting.votes if each.action is agreed)
        _do(connection, waiting, agreed, by=vote.by, other=other.by)
    return agreed


def in_quarantine(connection: Connection) -> list[Waiting]:
    """Every file that waits for people and is not destroyed yet, oldest first."""
    ids = connection.execute(
        """SELECT file_id FROM exchange.file WHERE state = 'QUARANTINED' AND vault_destroyed_at IS NULL
            ORDER BY file_id"""
    ).fetchall()
    return [_waiting(connection, ledger.read(connection, str(file_id))) for (file_id,) in ids]


def of_case(connection: Connection, case: str) -> Waiting | None:
    """The file of this case; None when that quarantine of it is over.

    Raises:
        KeyError: the ledger has no such file.
        NeedsDecision: it is the name of no case.
    """
    file_id, epoch = case_parts(case)
    file = ledger.read(connection, file_id)
    if file.state is not State.QUARANTINED or file.epoch != epoch:
        return None
    return _waiting(connection, file)


def spoke(connection: Connection, case: str, by: str) -> Action | None:
    """What this person said in this case; None: nothing."""
    return next((vote.action for vote in _votes(connection, *case_parts(case)) if same_person(vote.by, by)), None)


def _in_quarantine(connection: Connection, file_id: str, epoch: int | None) -> File:
    row = connection.execute(
        "SELECT vault_destroyed_at FROM exchange.file WHERE file_id = %s FOR UPDATE", (file_id,)
    ).fetchone()  # a purge that is at it ends first
    try:
        file = ledger.read(connection, file_id)
    except KeyError:
        raise NeedsDecision(
            f"there is no file {ids.said(file_id)}; `files list --held` shows those that wait"
        ) from None
    if file.state is not State.QUARANTINED:
        raise NeedsDecision(
            f"file {file_id} is {file.state} and waits for nobody; `files list --held` shows those that do"
        )
    if row and row[0]:
        raise NeedsDecision(f"file {file_id} was destroyed, for its time was up; ask its partner to send it again")
    if epoch is not None and epoch != file.epoch:
        raise NeedsDecision(f"file {file_id} was worked on since; look at it again (`files show`), then decide")
    return file


def _waiting(connection: Connection, file: File) -> Waiting:
    rules = connection.execute(
        "SELECT DISTINCT rule FROM exchange.finding WHERE file_id = %s AND severity = %s ORDER BY rule",
        (file.file_id, Severity.HOLD),
    ).fetchall()
    return Waiting(file, tuple(str(rule) for (rule,) in rules), _votes(connection, file.file_id, file.epoch))


def _votes(connection: Connection, file_id: str, epoch: int) -> tuple[Vote, ...]:
    rows = connection.execute(
        """SELECT decided_by, action, reason FROM exchange.file_decision
            WHERE file_id = %s AND epoch = %s ORDER BY decision_no""",
        (file_id, epoch),
    )
    return tuple(Vote(str(by), Action(action), Ground(ground)) for by, action, ground in rows)


def _keep(connection: Connection, file: File, vote: Vote, note: str | None) -> None:
    """The vote is recorded; the note stays in its table, whatever somebody typed into it."""
    connection.execute(
        """INSERT INTO exchange.file_decision (file_id, epoch, action, decided_by, reason, note)
           VALUES (%s, %s, %s, %s, %s, %s)""",
        (file.file_id, file.epoch, vote.action, vote.by, vote.ground, note or None),
    )
    body: dict[str, Plain] = {
        "file": file.file_id,
        "epoch": file.epoch,
        "quarantined_for": file.reason,
        "action": vote.action,
        "ground": vote.ground,
    }
    audit.append(connection, "file.decided", vote.by, body)


def _do(connection: Connection, waiting: Waiting, agreed: Action, *, by: str, other: str) -> None:
    """The file moves, with one audit event that names both; its partner is to be answered again.

    A released file stands as if it had just come, but for its bytes: what was found in it is found again, or not.
    An answer that nobody noted may lie there all the same: its name is used up, so that the next one gets another. A
    new epoch fences off whoever was at the file, and what was said about this quarantine never counts for another.
    """
    file = waiting.file
    body: dict[str, Plain] = {
        "decided_by": [other, by],
        "quarantined_for": file.reason,
        "rules": list(waiting.rules),
    }
    connection.execute(
        """UPDATE exchange.file SET epoch = epoch + 1, answers = answers + (receipt_at IS NULL)::int, receipt_at = NULL
            WHERE file_id = %s""",
        (file.file_id,),
    )
    if agreed is Action.REJECT:
        _advance(connection, file, State.REJECTED, by, body)
        return
    waived = sorted({*file.waived, *([waiting.waives] if waiting.waives else [])})
    connection.execute(
        """UPDATE exchange.file
              SET waived = %s, reason = NULL, detail = NULL, verdict = NULL, conflicts_with = NULL,
                  rows_read = NULL, rows_loaded = NULL, rows_with_finding = NULL, rows_refused = NULL,
                  columns_dropped = NULL, workbook_sha256 = NULL
            WHERE file_id = %s""",
        (" ".join(waived) or None, file.file_id),
    )
    connection.execute("DELETE FROM exchange.finding WHERE file_id = %s", (file.file_id,))
    connection.execute("DELETE FROM exchange.file_shape WHERE file_id = %s", (file.file_id,))
    _advance(connection, file, State.CLAIMED, by, {**body, "waived": list(waived)})


def _advance(connection: Connection, file: File, to: State, by: str, body: dict[str, Plain]) -> None:
    connection.execute(
        "SELECT exchange.advance(%s, %s, %s, %s, %s::jsonb)", (file.file_id, file.epoch + 1, to, by, json.dumps(body))
    )
