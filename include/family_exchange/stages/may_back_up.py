"""What must be so before a backup is prepared or taken: what is wrong then would be found out at the restore only."""

from datetime import datetime, timedelta
from pathlib import Path

from family_exchange.adapters import backup_place, closing
from family_exchange.adapters.backup_place import Place
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.errors import NeedsDecision

WRONG_CLOCK = timedelta(hours=1)
"""So far may clocks of machines that take backups be apart."""


def ours(doors: Doors, place: Place) -> str | None:
    """The key of ours by which the place knows a council of this name; None: it knows none.

    Raises:
        NeedsDecision: another installation keeps its backups there, or an older one of this council does.
    """
    theirs = place.own / backup_place.COUNCIL_KEY
    if not theirs.exists():
        return None
    key = doors.openpgp.look_at(theirs.read_bytes()).fingerprint
    if not OpenPGP(doors.openpgp.home, key).has_secret_key():
        raise NeedsDecision(
            f"the place holds backups of this council under another key, {key}: restore from them, or give this "
            "installation a place of its own (docs/backup.md)"
        )
    return key


def same_recovery_key(doors: Doors, root: Path, public: bytes) -> None:
    """Nothing, when the place knows no recovery key yet, or this one.

    Raises:
        NeedsDecision: it knows another one; a council whose key is not that of its server's log cannot be restored.
    """
    there = root / backup_place.RECOVERY_KEY
    if not there.exists():
        return
    theirs, given = (doors.openpgp.look_at(key).fingerprint for key in (there.read_bytes(), public))
    if theirs != given:
        raise NeedsDecision(
            f"the server's log at {root} is sealed to the recovery key {theirs}: councils of one server share it; to "
            f"change it, put the new one at {there} first"
        )


def now(doors: Doors, place: Place, at: datetime) -> None:
    """Nothing, when what is copied now may be the newest backup.

    Raises:
        NeedsDecision: a restore did not come to its end, or the newest backup is of a later moment than now.
    """
    mark = closing.of(doors.settings.state)
    if mark and mark.why == closing.RESTORE and not mark.restored:
        raise NeedsDecision("a restore is at work or broke off: what lies here now must not become the newest backup")
    ahead = [page.backup for page in place.manifests() if page.taken_at > at + WRONG_CLOCK]
    if ahead:
        raise NeedsDecision(
            f"backup {ahead[-1]} is of a later moment than now: mend this machine's clock, or put {place.own}/"
            f"{ahead[-1]} aside, because the newest backup is the one that is restored"
        )
