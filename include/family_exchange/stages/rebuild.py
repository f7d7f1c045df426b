"""Returns made again: as they were known on their day, or as they would be today, held against what was sent."""

from dataclasses import asdict, dataclass
from hashlib import sha256

from family_exchange.adapters import database, memory, register, return_rows, return_versions, returns, said
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.return_versions import Change, Differing
from family_exchange.adapters.returns import Return
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.return_file import plain
from family_exchange.stages import assemble

SENT, NOW = "sent_row", "now_row"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of making a return again."""

    return_id: str
    same: bool
    """True when the rows are, byte for byte, those that people signed off."""
    rows: int
    differing: Differing | None
    """None when the rows that were sent are destroyed: then only their digest can be compared."""
    records_destroyed: int
    """Source records that plans have destroyed since: the usual reason of a difference."""

    @property
    def counts(self) -> dict[str, object]:
        """Everything by name."""
        found: dict[str, object] = asdict(self.differing) if self.differing else {"sent_rows": "destroyed"}
        return {
            "return": self.return_id,
            "same": self.same,
            "rows": self.rows,
            **found,
            "records_destroyed": self.records_destroyed,
        }


def again(doors: Doors, code: str, period: str, *, version: int | None = None) -> Rebuilt:
    """The return's rows as known at the moment at which it was assembled, held against what was sent. Nothing is kept.

    The profile, the definition of the return and this program are today's: what they changed shows as a difference.

    Raises:
        NeedsDecision: there is no such return, or it was never assembled.
    """
    with database.one_moment(doors.database) as connection:
        found = returns.version(connection, code, period, version)
        if found.content_sha256 is None:
            raise NeedsDecision(f"return {found.return_id} was never assembled; there is nothing to rebuild")
        memory.as_known(connection, found.as_known_at)
        _make(connection, doors, found)
        text = plain(found.fields, (row.content for row in return_rows.made(connection)))
        return_versions.keep_made(connection, NOW)
        return_versions.keep_rows(connection, SENT, found.return_id)
        differing = None
        if found.destroyed_at is None:
            differing = return_versions.differing(connection, SENT, NOW)
        row = connection.execute("SELECT count(*) FROM now_row").fetchone()
        return Rebuilt(
            found.return_id,
            sha256(text).digest() == found.content_sha256,
            int(row[0]) if row else 0,
            differing,
            return_versions.records_destroyed(connection, found.as_known_at),
        )


def diff(
    doors: Doors, code: str, period: str, *, older: int | None = None, newer: int | None = None
) -> tuple[str, str, list[Change]]:
    """The two sides by name, and what became of each person from the one to the other.

    `older` is a version (None: the latest); `newer` another (None: what would be assembled now). Nothing is kept.

    Raises:
        NeedsDecision: there is no such version, or its rows are destroyed.
        TryLater: another worker is writing the register.
    """
    with database.one_moment(doors.database) as connection:
        old = returns.version(connection, code, period, older)
        _keep(connection, SENT, old)
        if newer is not None:
            new = returns.version(connection, code, period, newer)
            _keep(connection, NOW, new)
            return old.return_id, new.return_id, list(return_versions.changes(connection, SENT, NOW))
        if not database.lock_shared(connection, register.LOCK, "register"):
            raise TryLater("another worker is bringing the register up to date")
        _make(connection, doors, old)
        return_versions.keep_made(connection, NOW)
        return old.return_id, "now", list(return_versions.changes(connection, SENT, NOW))


def _make(connection: Connection, doors: Doors, found: Return) -> None:
    period = assemble.period_of(doors, found.code, found.period)
    fields = assemble.fields_of(found.code, found.fields)
    cohort = assemble.cohort_of(doors, found.code, period)
    return_rows.make(connection, fields, cohort, said.rules(doors.profile))


def _keep(connection: Connection, table: str, found: Return) -> None:
    if found.destroyed_at is not None:
        raise NeedsDecision(f"the rows of return {found.return_id} are destroyed; only its digest is left")
    if found.content_sha256 is None:
        raise NeedsDecision(f"return {found.return_id} was never assembled")
    return_versions.keep_rows(connection, table, found.return_id)
