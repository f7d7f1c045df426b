"""One council's intake with its real doors: PostgreSQL, the SFTP server, the vault, gpg."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import TYPE_CHECKING, cast

from family_exchange.adapters import desk as desks
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.ledger import File
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

    def examine(self, desk: Desk, file: File, *, at: datetime) -> Examined:
        """The file opened, placed and validated."""
        return examine.file(self.doors, cast("desks.Desk", desk), file, at=at)

    def answer(self, desk: Desk, file: File, workbook_name: str) -> Answer:
        """What its partner is sent."""
        connection = cast("desks.Desk", desk).connection
        return respond.sealed(self.doors, connection, file, workbook_name=workbook_name, at=datetime.now(UTC))
