"""The real way of a sealed file through a council's vault and `stages.unseal`, without a drop zone or a database."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from family_exchange.adapters.doors import Doors, make_secrets
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.seal import RegisteredKey
from family_exchange.stages import unseal
from support import registry
from support.keys import Parties, Ring
from support.sealed_files import CONTENT

SINCE = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Opener:
    """A council with its own key ring and vault below `state`, and the keys that it registered."""

    doors: Doors
    keys: dict[str, tuple[RegisteredKey, ...]]
    at: datetime | None = None
    sent: list[bytes] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.doors.settings.state

    def open(self, sealed: bytes, *, partner: str = "police", **changes: object) -> unseal.Opened:
        """The content of a file that lay in the partner's folder; raises what intake would see."""
        self.sent.append(sealed)
        stored = self.doors.vault.put(BytesIO(sealed))
        file = SimpleNamespace(file_id="F1", partner=partner, ct_sha256=stored.sha256, waived=frozenset())
        return unseal.file(self.doors, file, self.keys, at=self.at or datetime.now(UTC), **changes)

    def later(self, days: float) -> "Opener":
        """The same council on another day."""
        return replace(self, at=datetime.now(UTC) + timedelta(days=days))

    def refuses(self, sealed: bytes, reason: str, *, content: bytes = CONTENT, **of: object) -> None:
        """The file is refused for exactly this reason, and its content is in no file that did not come so."""
        with pytest.raises(DataRefused) as refusal:
            self.open(sealed, **of)
        assert refusal.value.reason == reason, refusal.value.reason
        assert {path.read_bytes() for path in self.files_with(content)} <= set(self.sent)

    def files_with(self, content: bytes) -> list[Path]:
        """The files of this council that hold these bytes as they are; a file in the vault is sealed."""
        folders = (self.state, self.doors.openpgp.home)
        found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert found
        return [path for path in found if content in path.read_bytes()]


def opener(ring: Ring, state: Path, keys: dict[str, tuple[RegisteredKey, ...]]) -> Opener:
    """A council whose key ring is `ring`."""
    make_secrets(state)
    (state / "gnupg").symlink_to(ring.home)
    doors = registry.doors_to("postgresql:///nowhere")
    settings = replace(doors.settings, state=state, own_key=ring.fingerprint)
    return Opener(replace(doors, settings=settings), keys)


def council_of(parties: Parties, state: Path) -> Opener:
    """The council of the parties: `police` registered three of its keys, `schools` one."""
    police = (parties.police, parties.withdrawn, parties.lapsed)
    keys = {
        "police": tuple(RegisteredKey(ring.fingerprint, SINCE) for ring in police),
        "schools": (RegisteredKey(parties.schools.fingerprint, SINCE),),
    }
    return opener(parties.council, state, keys)
