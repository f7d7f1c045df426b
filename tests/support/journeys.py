"""Whole journeys for tests: a real world, with people whose names must never leave the register."""

import os
from contextlib import contextmanager, suppress
from datetime import date
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

from rich.console import Console

from family_exchange.adapters import database, profiles
from family_exchange.adapters import register as registry
from family_exchange.demo import journey

CANARY = "Qwyzzlefax"
TODAY = date(2026, 11, 22)


@contextmanager
def a_journey(**changes):
    """Everything still up at the journey's end, and what the terminal showed."""
    asked = {"councils": (profiles.demo_council(),), "people": 600, "seed": 7, "canary": CANARY} | changes
    terminal = Console(file=StringIO(), width=160)
    with journey.travelled(journey.Plan(**asked), console=terminal, today=TODAY) as (stage, report, up):
        yield SimpleNamespace(
            stage=stage,
            tenant=stage.tenants[0],
            report=report,
            summary=report.councils[0],
            up=up,
            terminal=terminal.file,
        )


def register_digest(tenant):
    """One digest over the whole register."""
    with database.transaction(tenant.doors.database) as connection:
        return registry.digest(connection)


def sent(tenant):
    """Every sealed return that the third party holds, by name."""
    root = tenant.third_party.root
    return {path.name: path.read_bytes() for part in ("inbox", "taken") for path in sorted((root / part).glob("*"))}


def on_disks(told):
    """Every file that the platform, its partners or its recipient left anywhere, but for the database's own."""
    found = []
    for place, below, names in os.walk(told.stage.folder):  # a folder that went meanwhile is passed over
        below[:] = [name for name in below if name != "pgdata"]
        found += [path for name in names if (path := Path(place, name)).is_file()]
    return found


def leaks(told, words):
    """Name of a file and word, for each of the words that stands in one as it is."""
    found = []
    for path in on_disks(told):
        with suppress(FileNotFoundError):  # a lock of gpg's
            content = path.read_bytes()
            found += [(path.name, word) for word in words if word.encode() in content]
    return found


def receipts(told, partner):
    """What lies in the partner's folder of receipts, sealed, by name."""
    council = told.tenant.doors.profile.council
    folder = told.stage.folder / "sftp" / "drop-zone" / council / partner.slug / "receipts"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
