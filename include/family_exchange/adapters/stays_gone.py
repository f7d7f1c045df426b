"""What the journal says was destroyed, of files that a restored register has not taken yet: it goes when it takes them.

A file that waits in quarantine, or still lies at its partner, may be taken in long after a restore, and what was
destroyed of it meanwhile would come back. Its ids are kept among what is due until then, or until the file is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from family_exchange.adapters import memory
from family_exchange.adapters.database import Connection
from family_exchange.adapters.journal import Journal
from family_exchange.domain.file import ENDS, State
from family_exchange.domain.retention import Kind

STAGE = "gone"

_NEVER_TAKEN = ENDS - {State.CLOSED, State.QUARANTINED}

_FILE = "CASE WHEN subject LIKE 'S%%' THEN 'F' || split_part(substr(subject, 2), '.', 1) ELSE subject END"
"""The id of the file that a record's id, or its own, tells of."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What must not come back of some files."""

    records: tuple[str, ...]
    """Ids of source records."""
    staged: tuple[str, ...]
    """Ids of files whose staged rows were destroyed."""


def note(connection: Connection, journal: Journal) -> int:
    """How many things will go as soon as the register takes their files, in the caller's transaction.

    A second run changes nothing.
    """
    rows = connection.execute(
        "SELECT file_id FROM exchange.file WHERE registered_at IS NULL AND state <> ALL(%s)", (sorted(_NEVER_TAKEN),)
    )
    waiting = {str(file_id) for (file_id,) in rows}
    records = [each for each in journal.destroyed(Kind.SOURCE_RECORD)[0] if _file_of(each) in waiting]
    staged = [each for each in journal.destroyed(Kind.STAGED_FILE)[0] if each in waiting]
    memory.make_due(connection, STAGE, [*records, *staged])
    return len(records) + len(staged)


def of_files(connection: Connection, files: Sequence[str]) -> Gone:
    """What must not come back of these files, which the register has just taken; it is not asked for again."""
    gone = _forgotten(connection, files)
    records = [each for each in gone if each.startswith("S")]
    rows = connection.execute(
        "SELECT source_record_id FROM memory.source_record WHERE source_record_id = ANY(%s) ORDER BY 1", (records,)
    )
    return Gone(tuple(str(each) for (each,) in rows), tuple(sorted({*gone} - {*records})))


def forget(connection: Connection, file_id: str) -> None:
    """The file is gone, and can never be taken in."""
    _forgotten(connection, [file_id])


def _forgotten(connection: Connection, files: Sequence[str]) -> list[str]:
    rows = connection.execute(
        f"DELETE FROM register.due WHERE stage = %s AND {_FILE} = ANY(%s) RETURNING subject".encode(),  # noqa: S608 - our own words
        (STAGE, list(files)),
    )
    return [str(subject) for (subject,) in rows]


def _file_of(record: str) -> str:
    return "F" + record.removeprefix("S").partition(".")[0]
