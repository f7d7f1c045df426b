"""A council with real doors for the fault catalogue: send, run, read the receipt, and what must hold after a case."""

import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from family_exchange.adapters import database, ledger
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.file import ENDS, State, temporary_name
from family_exchange.stages import acknowledge, intake, receive
from support import invariants

FEED = "police_incidents"
GOOD = Path(__file__).parents[2] / "expectations" / FEED / "v1.good.csv"
CANARY = b"Testperson"
"""Stands in every good row's surname; it may be in PostgreSQL, and nowhere else."""

_numbers = count(1)


def content(*, rows=None, **says):
    """A good file that no other test sends: its first line has a number of its own, and what else it should say."""
    lines = [line for line in GOOD.read_text().splitlines() if not line.startswith("#")]
    kept = lines if rows is None else [lines[0], *lines[1 : rows + 1]]
    stated = {"feed": FEED, "contract": "v1", "as_of": "2026-10-31", "coverage_from": "2026-04-01"}
    stated |= {"coverage_to": "2026-10-31", "sequence": str(next(_numbers)), "rows": str(len(kept) - 1)}
    stated |= {key: str(value) for key, value in says.items()}
    first = "#family-exchange " + " ".join(f"{key}={value}" for key, value in stated.items() if value != "None")
    return "\n".join([first, *kept, ""]).encode()


def sealed(tenant, plain, partner="police"):
    """The bytes that the partner would upload."""
    return tenant.partners[partner].openpgp.seal(plain, recipient=tenant.doors.settings.own_key)


def put(tenant, name, data, partner="police", feed=FEED):
    """Upload as a well-behaved client does."""
    with DropZone(tenant.partners[partner].endpoint) as zone:
        zone.upload_new(f"/{feed}", ".uploading.part", data)
        zone.rename(f"/{feed}", ".uploading.part", name)


def run(tenant, feed=FEED, *, settle=0):
    """One run of intake; the files that it took up, as the ledger has them afterwards."""
    found = receive.find(tenant.doors, feed, settle=settle)
    for file_id in found:
        intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
        acknowledge.partner(tenant.doors, file_id)
    return [of(tenant, file_id) for file_id in found]


def of(tenant, file_id):
    with database.transaction(tenant.doors.database) as connection:
        return ledger.read(connection, file_id)


def time_passes(tenant):
    """A day goes by for every file that is waited for."""
    with database.transaction(tenant.doors.database) as connection:
        connection.execute("UPDATE exchange.file SET changed_at = changed_at - interval '1 day'")


def receipt_of(tenant, file, partner="police", answer=""):
    """The receipt as its partner reads it."""
    end = tenant.partners[partner]
    with DropZone(end.endpoint) as zone:
        data = zone.read(f"/receipts/{file.file_id}{answer}.json.pgp")
    return json.loads(end.openpgp.open_signed(data, tenant.doors.settings.own_key))


def landing(tenant, partner="police", feed=FEED):
    """Names of what lies in the partner's folder."""
    with DropZone(tenant.partners[partner].endpoint) as zone:
        return {entry.name for entry in zone.list(f"/{feed}")}


def place(tenant, partner="police", feed=FEED):
    """The partner's folder, for what no SFTP client would make."""
    root = tenant.third_party.root.parents[1] / "drop-zone" / tenant.doors.profile.council
    return root / partner / feed


def assert_invariants(tenant):
    """Every invariant of the design, whatever was done to the council before."""
    root = tenant.third_party.root.parents[1]
    disks = (tenant.doors.settings.state, root / "drop-zone" / tenant.doors.profile.council)
    scene = invariants.Scene(tenant.doors, tenant.third_party.root, frozenset({CANARY.decode()}), disks)
    found = invariants.broken(scene)
    assert not found, found


def assert_at_rest(tenant, feed=FEED):
    """Every invariant, and nothing left to do: each file ended, was answered, and has left the landing folder."""
    assert run(tenant, feed) == []
    assert_invariants(tenant)
    with database.transaction(tenant.doors.database) as connection:
        files = [file for file in ledger.files(connection, feed) if file.state is not State.GONE]
    assert {file.state for file in files} <= ENDS
    with DropZone(tenant.doors.settings.drop_zone) as zone:
        for partner in {file.partner for file in files}:
            names = {entry.name.decode() for entry in zone.list(f"/{partner}/receipts")}
            assert not any(temporary_name(name.encode()) for name in names)
            owed = {f"{file.file_id}.json.pgp" for file in files if file.partner == partner}
            assert owed <= names
