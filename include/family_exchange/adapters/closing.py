"""A closed council: nothing reads or writes its database until two people have opened it again.

The mark is a file in the council's own folder, which every worker of the council shares: it holds while the database is
away, and is there before a restored one can be reached.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from family_exchange.adapters import durable
from family_exchange.domain.errors import Busy, Halted, NeedsDecision
from family_exchange.domain.key import among

FILE = "closed.json"
_LOCK = "closed.lock"
RESTORE = "restore"
"""Why a restored council is closed, from the beginning of the restore on."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a council is closed, and who has agreed to open it."""

    since: datetime
    by: str
    why: str
    """`restore`, or a word of the closed list of `backup close`."""
    opened_by: tuple[str, ...] = ()
    although: tuple[str, ...] = ()
    """Those of them who said so in spite of what does not agree."""
    restored: dict[str, object] = field(default_factory=dict)
    """What a restore found; empty before it has come so far, and when nothing was restored."""


def of(state: Path) -> Closed | None:
    """How the council of this folder is closed; None: it is open.

    Raises:
        NeedsDecision: the mark cannot be read.
    """
    try:
        said = json.loads((state / FILE).read_bytes())
        return Closed(
            since=datetime.fromisoformat(said["since"]),
            by=str(said["by"]),
            why=str(said["why"]),
            opened_by=tuple(map(str, said["opened_by"])),
            although=tuple(map(str, said.get("although", ()))),
            restored=dict(said["restored"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise Halted(f"{state / FILE} closes this council and cannot be read; look at it first") from None


def require_open(state: Path) -> None:
    """Nothing, when the council is open.

    Raises:
        Halted: it is closed.
    """
    if (found := of(state)) is not None:
        raise Halted(
            f"this council is closed ({found.why}); `family-exchange backup check` says what is still wrong, and two "
            "people open it with `backup open`"
        )


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """While the block runs, nobody else restores this council, and nobody opens it.

    Raises:
        Busy: somebody does.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (state / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("somebody restores this council or opens it just now; look at `backup check` first") from None
        yield


def close(state: Path, closed: Closed) -> None:
    """The council is closed, durably; what an earlier mark said is gone."""
    _write(state, closed)


def agree(state: Path, by: str, *, although: bool = False) -> Closed:
    """The mark, with one more person who agrees to open; `although`: in spite of what does not agree.

    Raises:
        NeedsDecision: the council is open.
    """
    found = of(state)
    if found is None:
        raise NeedsDecision("this council is open")
    opened_by = found.opened_by if among(by, found.opened_by) else (*found.opened_by, by)
    agreed = replace(found, opened_by=opened_by, although=(*found.although, by) if although else found.although)
    _write(state, agreed)
    return agreed


def open_again(state: Path) -> None:
    """The council is open."""
    (state / FILE).unlink(missing_ok=True)
    durable.sync_folder(state)


def _write(state: Path, closed: Closed) -> None:
    durable.write(state / FILE, json.dumps(asdict(closed), default=str, sort_keys=True).encode())
