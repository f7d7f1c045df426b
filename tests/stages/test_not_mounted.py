"""A council's folder whose disk is away: what stands in its place is not what set-up made; nothing is done there."""

from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from family_exchange.adapters import database, settings
from family_exchange.adapters.journal import What
from family_exchange.commands.exchange import set_up
from family_exchange.domain.errors import Halted
from family_exchange.stages import backup, measure, purge, restore
from support.council import council, recipient_server, rings
from support.purging import SIX_YEARS_AGO, approved, count
from support.register import AT

__all__ = ["council", "recipient_server", "rings"]


@contextmanager
def away(doors):
    """The disk of the council's folder is not mounted: an empty folder stands there, and is empty afterwards."""
    state = doors.settings.state
    state.rename(aside := state.with_name("aside"))
    state.mkdir(mode=0o700)
    try:
        yield
        left = sorted(path.name for path in state.iterdir())
    finally:
        state.rename(state.with_name("was-empty"))
        aside.rename(state)
    assert left == [], "something was written where the disk is not"


ACTS = {
    "the database": lambda doors: doors.database,
    "an intake": lambda doors: doors.vault.put(BytesIO(b"sealed")),
    "the journal": lambda doors: doors.journal.add(What.REVOKED, {"fingerprint": "A"}),
    "a checkpoint": lambda doors: doors.checkpoints,
    "a letter": lambda doors: doors.outbox,
    "the key ring": lambda doors: doors.openpgp,
    "a plan": lambda doors: purge.plan(doors, today=AT.date()),
    "a backup": lambda doors: backup.take(doors, server=None, at=AT),
    "a place of backups": lambda doors: backup.prepare(doors, Path("/nonexistent"), b""),
    "a look at a backup": backup.verify,
    "the readings": lambda doors: measure.council(doors, at=AT),
    "somebody who closes it": lambda doors: restore.close(doors, by="it.security", why="incident", at=AT),
    "somebody who opens it": lambda doors: restore.reopen(doors, by="it.security"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_read_or_written_while_the_disk_is_away(council, act):
    with (
        away(council.doors),
        pytest.raises(Halted, match=r"cheshire-west-and-chester is not the one .* disk mounted\?"),
    ):
        act(council.doors)


def test_a_destruction_waits_until_the_disk_is_back(council):
    council.register.record(council.register.person(), retain_from=SIX_YEARS_AGO)
    plan_id = approved(council)
    with away(council.doors), pytest.raises(Halted):
        purge.destroy(council.doors, plan_id)
    assert count(council, "memory.source_record") == 1
    assert purge.destroy(council.doors, plan_id)["source_record"] == 1


def test_everything_opens_again_when_the_disk_is_back(council):
    doors = council.doors
    stored = doors.vault.put(BytesIO(b"sealed"))
    with away(doors), pytest.raises(Halted):
        _ = doors.vault
    assert doors.vault.whole(stored.sha256)
    with database.transaction(doors.database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_closed_council_is_not_open_because_its_disk_is_away(council):
    restore.close(council.doors, by="it.security", why="incident", at=AT)
    with away(council.doors), pytest.raises(Halted, match="disk mounted"):
        _ = council.doors.database
    with pytest.raises(Halted, match="closed"):
        _ = council.doors.database


def test_set_up_makes_no_other_keys_where_the_disk_of_a_council_with_files_is_not(council, monkeypatch):
    doors = council.doors
    for name, value in settings.as_environment(doors.settings).items():
        monkeypatch.setenv(name, value)
    council.register.file(ct_sha256=b"x" * 32)
    with away(doors), pytest.raises(Halted, match="its ledger has files: is its disk mounted"):
        set_up(doors.profile.council)
    secret = doors.dedupe_key
    set_up(doors.profile.council)
    assert doors.dedupe_key == secret


def test_set_up_makes_the_folder_of_a_council_without_any_files(council, monkeypatch, tmp_path):
    doors = replace(council.doors, settings=replace(council.doors.settings, state=tmp_path / "new"))
    for name, value in settings.as_environment(doors.settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Halted, match="set-up` makes it"):
        _ = doors.database
    set_up(doors.profile.council)
    assert doors.database == council.doors.database
