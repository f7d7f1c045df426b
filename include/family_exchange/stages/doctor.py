"""Look at everything that an installation stands on, and say how it stands; nothing is changed by looking."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from time import monotonic

from family_exchange.adapters import (
    doctor_backup,
    doctor_database,
    doctor_files,
    doctor_keys,
    doctor_machine,
    doctor_roles,
    doctor_sftp,
    doctor_versions,
    fingerprint,
)
from family_exchange.adapters.doors import Doors
from family_exchange.domain.doctor import Finding, Room, bad, unseen
from family_exchange.domain.errors import ExchangeError

SECONDS = 60.0
"""How long one check may take before it is left alone."""


@dataclass(frozen=True, slots=True)
class Check:
    """One look."""

    room: Room
    subject: str
    look: Callable[[], Iterable[Finding]]
    council: str | None = None


def of_machine() -> list[Check]:
    """What concerns every council here."""
    return [
        Check(Room.CLOCKS, "this machine's clock", doctor_machine.clock),
        Check(Room.DISKS, "the folder for temporary files", doctor_machine.temporary),
        Check(Room.DISKS, "memory", doctor_machine.memory),
        Check(Room.DISKS, "swap", doctor_machine.swap),
        Check(Room.FILES, "core dumps", doctor_machine.core_dumps),
        Check(Room.VERSIONS, "programs and packages", doctor_versions.installed),
    ]


def of_council(doors: Doors, *, composed: bool = False) -> list[Check]:
    """What concerns one council: its database, servers, keys, folder, backups; `composed`: by docker-compose.yml."""
    state, url = doors.settings.state, doors.settings.database  # a closed council is looked at, too
    rooms: list[tuple[Room, str, Callable[[], Iterable[Finding]]]] = [
        (Room.DATABASE, "the server", partial(doctor_database.server, url, composed=composed)),
        (Room.DATABASE, "the server's log", partial(doctor_database.log_settings, url)),
        (Room.DATABASE, "durability", partial(doctor_database.durability, url)),
        (Room.DATABASE, "log-ins and roles", partial(doctor_roles.roles, url)),
        (Room.DATABASE, "row-level security", partial(doctor_database.row_security, url)),
        (Room.DATABASE, "migrations", partial(doctor_database.migrations, url)),
        (Room.CLOCKS, "the database's clock", partial(doctor_database.clock, url)),
        (Room.DISKS, "the database's disk", partial(doctor_database.disk, url, doors.settings, composed=composed)),
        (Room.SFTP, "drop zone", partial(doctor_sftp.drop_zone, doors)),
        (Room.SFTP, "recipient", partial(doctor_sftp.recipient, doors)),
        (Room.KEYS, "own key", partial(doctor_keys.own, doors)),
        (Room.KEYS, "key ring", partial(doctor_keys.ring, doors)),
        (Room.KEYS, "keys in force", partial(doctor_keys.in_force, doors)),
        (Room.DISKS, "the council's folder", partial(doctor_machine.state_disk, doors.settings)),
        (Room.FILES, "the council's folder", partial(doctor_files.state, state)),
        (Room.FILES, "private keys of log-ins", partial(doctor_files.private_keys, doors.settings)),
        (Room.FILES, "open or closed", partial(doctor_files.closed, state)),
        (Room.BACKUPS, "backups", partial(doctor_backup.backup, doors, composed=composed)),
    ]
    return [Check(room, subject, look, doors.profile.council) for room, subject, look in rooms]


def examine(checks: Sequence[Check], *, seconds: float = SECONDS) -> list[Finding]:
    """What the checks found, in their order; each has `seconds` from now on, and none stops another.

    A check that is cut tells what it found until then, and that it was cut. A second run finds the same.
    """
    looks = [_Look(check) for check in checks]
    deadline = monotonic() + seconds
    for look in looks:
        look.start()
    return [finding for look in looks for finding in look.found_by(deadline, seconds)]


class _Look(Thread):
    """One check under way; a thread that nobody waits for when it hangs."""

    def __init__(self, check: Check) -> None:
        super().__init__(daemon=True, name=f"look at {check.subject}")
        self._check = check
        self._found: list[Finding] = []

    def run(self) -> None:
        """Find; whatever goes wrong is a finding too."""
        room, subject = self._check.room, self._check.subject
        try:
            for finding in self._check.look():
                self._found.append(finding)
        except ExchangeError as error:
            self._found.append(bad(room, subject, str(error), "mend what it names, then look again"))
        except Exception as error:  # noqa: BLE001 - a look that breaks off must not end the others
            why = f"the look broke off: {fingerprint.of(error)}"
            self._found.append(unseen(room, subject, why, "tell those who run the exchange, with this line"))

    def found_by(self, deadline: float, seconds: float) -> Iterator[Finding]:
        """What was found until then."""
        self.join(max(0.0, deadline - monotonic()))
        cut = self.is_alive()
        for finding in tuple(self._found):
            yield replace(finding, council=self._check.council)
        if cut:
            why = f"it did not end within {seconds:g} seconds"
            advice = "look whether what it asks hangs; --seconds gives it more time"
            yield replace(unseen(self._check.room, self._check.subject, why, advice), council=self._check.council)
