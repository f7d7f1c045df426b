#!/opt/venv/bin/python
"""Keeps backups: the container that is up for it. `keeper.py accept` takes the recovery key's public half.

`keeper.py keep` makes a round every BACKUP_SECONDS, and at once when the recovery key comes: each council is prepared,
its files are copied; after BACKUP_HOUR (UTC) the whole server is, and what is there is looked at. `keeper.py accept`
reads recovery.asc from standard input. docs/backup.md has the whole of it.
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from councils import PLACE, REPLICATION_URL, STATE, environment, served
from family_exchange.adapters import backup_place, fingerprint, settings
from family_exchange.adapters.doors import opened
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.errors import ExchangeError
from family_exchange.stages import keep
from family_exchange.stages.backup import Looked
from family_exchange.stages.keep import Keeping

LOOK = 2.0
"""Seconds between two looks whether the recovery key has come."""
AGAIN = 60.0
"""Seconds after which a round is tried again in which something went wrong."""
WAITS = (
    f"no recovery key lies at {PLACE}: nothing is backed up, and the database's log is not kept. Make one "
    "(docs/backup.md) and hand it in: docker compose exec -T keeper keeper accept < recovery.asc"
)

GONE = (
    f"no recovery key lies at {PLACE} any more: nothing is backed up, councils-db holds back its log until its disk is "
    "full. Is the disk of backups mounted? Councils take nothing in meanwhile"
)


def forever() -> None:
    """One round after the other; what goes wrong in the same way again is not printed again."""
    keeping = Keeping(PLACE, REPLICATION_URL.read_text().strip(), int(os.environ.get("BACKUP_HOUR", "1")))
    every, wrong = float(os.environ.get("BACKUP_SECONDS", "300")), set()
    while True:
        began, key = time.monotonic(), _changed()
        found = [Looked("", _waits(), good=False)] if key is None else _round(keeping)
        for one in found:
            if one.good or one.told not in wrong:
                print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {one.what} {one.told}".replace("  ", " "), flush=True)
        wrong = {one.told for one in found if not one.good}
        pause = min(every, AGAIN) if wrong else every
        while time.monotonic() - began < pause and _changed() == key:
            time.sleep(LOOK)


def _round(keeping: Keeping) -> list[Looked]:
    """What is worth a line: all but that files were copied, as every few minutes."""
    try:
        variables = environment()
        whole = [council for council in served() if settings.variable(council, "DATABASE") in variables]
        lacking = sorted(set(served()) - set(whole))
        doors = [opened(council, settings.from_environment(council, variables)) for council in whole]
        found = list(keep.one_round(doors, keeping, lambda: datetime.now(UTC)))
    except ExchangeError as error:
        return [Looked("", str(error), good=False)]
    except OSError as error:
        return [Looked("", f"no round was made: {fingerprint.of(error)}", good=False)]
    said = [f"{council} is not set up whole (docs/compose.md): it is not backed up" for council in lacking]
    return [*(Looked("", words, good=False) for words in said), *(each for each in found if not _is_usual(each))]


def _waits() -> str:
    """Why there is nothing to do: nobody has handed a key in yet, or what was there is away."""
    said = any((STATE / council / backup_place.SAID).exists() for council in served())
    return GONE if said else WAITS


def _is_usual(one: Looked) -> bool:
    return one.good and one.what.endswith(": files")


def accept(public: bytes) -> None:
    """The recovery key lies at the place from now on."""
    with tempfile.TemporaryDirectory() as ring:
        found = OpenPGP(Path(ring), "").look_at(public)
    if not found.can("e"):
        sys.exit("nothing can be sealed to this key: hand in recovery.asc, as `backup key` made it")
    backup_place.accept(PLACE, public)
    print(f"the recovery key is {found.fingerprint}: compare it with what `backup key` said; the first backup begins")


def _changed() -> int | None:
    """What tells this recovery key from the one before; None: there is none."""
    try:
        return (PLACE / backup_place.RECOVERY_KEY).stat().st_mtime_ns
    except OSError:
        return None


if __name__ == "__main__":
    try:
        {"keep": forever, "accept": lambda: accept(sys.stdin.buffer.read())}[sys.argv[1]]()
    except ExchangeError as error:
        sys.exit(str(error))
