"""What intake needs of the world around it; the platform's own doors fit, and so does the simulator of the tests.

Each method of a desk is one transaction that checks the worker's epoch: it happens whole, or not at all.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from family_exchange.adapters.admission import Contents, Refused
from family_exchange.adapters.desk import Fetched
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import Entry
from family_exchange.adapters.vault import Stored
from family_exchange.domain.file import Reason, State
from family_exchange.domain.identity import Identity, Siblings
from family_exchange.domain.profile import Profile

if TYPE_CHECKING:
    from _typeshed import SupportsRead, SupportsWrite


@dataclass(frozen=True, slots=True)
class Examined:
    """An opened file: who sealed it, what it says of itself, and what may be staged of it."""

    signer: str
    identity: Identity
    contents: Contents | Refused | None = None
    """None when the file's place already says that nothing of it will be staged; why, when nothing of it can be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner is sent, sealed to it: the same bytes whenever they are sent."""

    receipt: bytes = field(repr=False)
    workbook: bytes | None = field(default=None, repr=False)


class Desk(Protocol):
    """One worker at the ledger of one council's files."""

    def land(self, partner: str, feed: str, entries: Sequence[Entry]) -> None:
        """The ledger knows every entry of the folder, and which earlier ones are gone."""

    def unsettled(self, feed: str, settle: timedelta) -> timedelta:
        """How long until the last file under a final name has kept still for `settle`."""

    def waiting(self, feed: str, settle: timedelta, patience: timedelta) -> list[str]:
        """Ids of files that need work or an answer; no more than one run can bear."""

    def hold(self, file_id: str) -> bool:
        """True when this worker has the file to itself until its session ends."""

    def read(self, file_id: str) -> File:
        """The file as it stands."""

    def claim(self, file_id: str) -> File:
        """The file under a new epoch, CLAIMED if it was only seen; every earlier worker is fenced off."""

    def excuse(self, file: File) -> None:
        """This attempt says nothing against the file."""

    def failed(self, file: File, failure: str) -> int:
        """How often in a row this failure was met over the file."""

    def still_arriving(self, file: File) -> None:
        """What was copied is not whole; if the entry changes, the copy is forgotten."""

    def vaulted(self, file: File, fetched: Fetched) -> File:
        """The file, VAULTED."""

    def same_ciphertext(self, file: File) -> str | None:
        """The accepted file with the very same bytes."""

    def siblings(self, file: File, identity: Identity) -> Siblings:
        """The accepted files that bear on the file's place."""

    def admit(self, file: File, signer: str, identity: Identity, contents: Contents | Refused | None) -> State:
        """Where the file ended: applied with all its rows, or not at all with none."""

    def quarantine(self, file: File, reason: Reason, detail: str | None = None) -> State:
        """QUARANTINED, with its reason."""

    def duplicate(self, file: File, of: str) -> State:
        """DUPLICATE of an accepted file."""

    def gone(self, file: File) -> State:
        """GONE: there is nothing of it to keep."""

    def answered(self, file: File) -> None:
        """The partner has its receipt."""

    def close(self, file: File) -> None:
        """CLOSED."""

    def cleared(self, file: File) -> None:
        """The landing file is gone."""


class Zone(Protocol):
    """The drop zone, as one connection sees it."""

    def list(self, folder: str) -> list[Entry]:
        """Every entry of the folder, oldest first."""

    def entry(self, folder: str, name: bytes) -> Entry | None:
        """The folder's entry of this name; None when there is none."""

    def fetch(self, folder: str, name: bytes, target: "SupportsWrite[bytes]") -> int:
        """The number of bytes that were copied."""

    def upload_new(self, folder: str, temp_name: str, data: bytes) -> None:
        """A new file under a name that was free."""

    def rename(self, folder: str, old: str | bytes, new: str | bytes) -> None:
        """Another name, which was free."""

    def remove(self, folder: str, name: bytes, *, missing_ok: bool = False) -> None:
        """The entry is gone."""

    def exists(self, path: str) -> bool:
        """True when there is something of this name."""


class Store(Protocol):
    """Where sealed bytes are kept by their digest."""

    def need_room(self, size: int) -> None:
        """Nothing, when a file of so many bytes may be taken in; else NoRoom."""

    def put(self, read: "SupportsRead[bytes]") -> Stored:
        """The bytes, durable under their digest."""

    def holds(self, digest: bytes) -> bool:
        """True when bytes of this digest are there."""


class Office(Protocol):
    """One council's intake."""

    @property
    def profile(self) -> Profile:
        """The council's profile."""

    @property
    def vault(self) -> Store:
        """Where sealed bytes are kept."""

    @property
    def settle(self) -> timedelta:
        """How long a file must have kept still before it is taken."""

    @property
    def patience(self) -> timedelta:
        """How long a file that is not whole is waited for."""

    def desk(self) -> AbstractContextManager[Desk]:
        """A worker's place at the ledger."""

    def drop_zone(self) -> AbstractContextManager[Zone]:
        """A connection to the drop zone."""

    def sleep(self, pause: timedelta) -> None:
        """Wait."""

    def sealed_for_us(self, content: "SupportsRead[bytes]") -> bytes:
        """Content that a partner left open, sealed to the council itself."""

    def taken(self, file: File, fetched: Fetched) -> None:
        """The journal knows that the vault has the file, before the ledger says so and the landing file may go."""

    def examine(self, desk: Desk, file: File, *, at: datetime) -> Examined:
        """The file opened, placed and validated."""

    def answer(self, desk: Desk, file: File, workbook_name: str) -> Answer:
        """What its partner is sent."""
