"""One council's intake with its real doors: PostgreSQL, the SFTP server, the vault, gpg."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import TYPE_CHECKING, cast

from family_exchange.adapters import database
from family_exchange.adapters import desk as desks
from family_exchange.adapters.desk import Fetched
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.journal import What
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import Busy, DataRefused, NotReady
from family_exchange.domain.profile import Profile
from family_exchange.stages import examine, respond
from family_exchange.stages.ports import Answer, Desk, Examined, Store, Zone

if TYPE_CHECKING:
    from _typeshed import SupportsRead


@dataclass(frozen=True, slots=True)
class CouncilOffice:
    """See `stages.ports.Office`."""

    doors: Doors

    @property
    def profile(self) -> Profile:
        """The council's profile."""
        return self.doors.profile

    @property
    def vault(self) -> Store:
        """Where sealed bytes are kept."""
        return self.doors.vault

    @property
    def settle(self) -> timedelta:
        """How long a file must have kept still before it is taken."""
        return self.doors.settings.settle

    @property
    def patience(self) -> timedelta:
        """How long a file that is not whole is waited for."""
        return self.doors.settings.patience

    def desk(self) -> AbstractContextManager[Desk]:
        """A worker's place at the ledger."""
        return desks.opened(self.doors.database)

    def drop_zone(self) -> AbstractContextManager[Zone]:
        """A connection to the drop zone."""
        return self.doors.drop_zone()

    def sleep(self, pause: timedelta) -> None:
        """Wait."""
        sleep(pause.total_seconds())

    def sealed_for_us(self, content: "SupportsRead[bytes]") -> bytes:
        """Content that a partner left open, sealed to the council itself."""
        return self.doors.openpgp.seal(content.read(-1), recipient=self.doors.settings.own_key)

    def taken(self, file: File, fetched: Fetched) -> None:
        """The journal knows that the vault has the file: a restored ledger may not, when the landing file is gone."""
        told = {"file": file.file_id, "partner": file.partner, "feed": file.feed, "size": file.size}
        told |= {"modified_at": file.modified_at, "seen_at": file.seen_at.isoformat()}
        told |= {"sha256": fetched.stored.sha256.hex(), "landed": fetched.landed.hex()}
        self.doors.journal.add(What.TAKEN, told)

    def examine(self, desk: Desk, file: File, *, at: datetime) -> Examined:
        """The file opened, placed and validated."""
        with database.errors_of_ours():
            return examine.file(self.doors, cast("desks.Desk", desk), file, at=at)

    def answer(self, desk: Desk, file: File, workbook_name: str) -> Answer:
        """What its partner is sent."""
        connection = cast("desks.Desk", desk).connection
        with database.errors_of_ours():
            return respond.sealed(self.doors, connection, file, workbook_name=workbook_name, at=datetime.now(UTC))

    @contextmanager
    def kept_open(self) -> Iterator["KeptOffice"]:
        """The same office for many files in one thread: one database session and one SFTP connection for all of them.

        Each desk still lets go of what it held, and a connection that failed is made anew for the next file.
        """
        office = KeptOffice(self.doors, Kept(database.Kept(lambda: self.doors.database)))
        try:
            yield office
        finally:
            office.close()


@dataclass(slots=True)
class Kept:
    """What stays open between two files."""

    connection: database.Kept
    zone: DropZone | None = None


@dataclass(frozen=True, slots=True)
class KeptOffice(CouncilOffice):
    """See `CouncilOffice.kept_open`."""

    kept: Kept = field(repr=False)

    def desk(self) -> AbstractContextManager[Desk]:
        """A worker's place at the ledger; one at a time."""
        return desks.kept(self.kept.connection)

    @contextmanager
    def drop_zone(self) -> Iterator[Zone]:
        """The connection to the drop zone; one user at a time."""
        if self.kept.zone is None or not self.kept.zone.connected:
            self._hang_up()
            self.kept.zone = self.doors.drop_zone().__enter__()
        try:
            yield self.kept.zone
        except (DataRefused, FileNotFoundError, NotReady, Busy):
            raise  # each says something of a file, and nothing against the line
        except BaseException:
            self._hang_up()
            raise

    def close(self) -> None:
        """Both connections are gone."""
        self._hang_up()
        self.kept.connection.close()

    def _hang_up(self) -> None:
        if self.kept.zone is not None:
            self.kept.zone.__exit__(None, None, None)
            self.kept.zone = None
