"""What a purge writes down outside the database, so that a restored one lets go of the same things, and no others."""

from io import BytesIO

import pytest

from family_exchange.adapters import database, retention, taken_up
from family_exchange.adapters.journal import Journal, What
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.retention import Kind
from family_exchange.stages import purge
from support.purging import OFFICER, SIX_YEARS_AGO, approved, count, purged

AGAIN = "INSERT INTO memory.source_sighting (source_record_id, as_of, file_id, row_no) VALUES (%s, '2026-01-05', %s, 3)"


@pytest.fixture
def due(council):
    """The id of the council's only record, which is due."""
    return council.register.record(council.register.person(), retain_from=SIX_YEARS_AGO)


def restored(council):
    """What a restore destroys again."""
    with database.session(council.doors.database) as connection:
        return taken_up.destroy_again(connection, council.doors.journal, council.doors.vault)


def fill(council):
    """The second copy of the journal lies on a disk that refuses."""
    folder = council.doors.settings.state / "backups"
    folder.mkdir(exist_ok=True)
    (folder / "place.json").write_text('{"folder": "/proc/nothing", "recovery_key": "x"}')


@pytest.mark.requirement("R-111")
def test_rows_that_said_a_destroyed_record_again_do_not_bring_it_back(council, due):
    """Read anew into an older register, where the first record is destroyed already, such a row is a record itself."""
    late = council.register.file()
    council.register.run(AGAIN, due, late)
    assert purged(council)["source_record"] == 1
    new = f"S{late.removeprefix('F')}.3"
    council.register.record(council.register.person(), late, source_record_id=new)
    assert restored(council) == {"source_record": 1}
    assert count(council, "memory.source_record") == 0


def test_a_hold_that_was_placed_while_the_journal_could_not_be_written_outlives_a_restore(council, due):
    plan_id = approved(council)
    fill(council)
    with pytest.raises(TryLater, match="the journal cannot be written now"):
        purge.destroy(council.doors, plan_id)
    (council.doors.settings.state / "backups" / "place.json").unlink()
    with database.transaction(council.doors.database) as connection:
        retention.place_hold(connection, "council", "", by=OFFICER, reason="an inquiry asks for it")
    assert purge.destroy(council.doors, plan_id)["held"] == 1
    assert not restored(council)
    assert count(council, "memory.source_record") == 1


def test_what_went_is_said_by_the_next_run_when_a_disk_refused_just_then(council, due, monkeypatch):
    plan_id = approved(council)
    add = Journal.add

    def refusing(self, what, told):
        if what is What.DESTROYED:
            raise TryLater("the journal cannot be written now")
        add(self, what, told)

    monkeypatch.setattr(Journal, "add", refusing)
    with pytest.raises(TryLater):
        purge.destroy(council.doors, plan_id)
    monkeypatch.undo()
    assert council.doors.journal.destroyed(Kind.SOURCE_RECORD) == ([], [])
    assert purge.destroy(council.doors, plan_id)["source_record"] == 1
    assert council.doors.journal.destroyed(Kind.SOURCE_RECORD) == ([due], [])
    assert council.doors.journal.unfinished() == []


def test_bytes_on_a_disk_that_is_not_mounted_are_not_called_destroyed(council):
    stored = council.doors.vault.put(BytesIO(b"sealed"))
    council.register.file(ct_sha256=stored.sha256, receipt_at="2020-01-01T12:00Z")
    plan_id, vault = approved(council), council.doors.settings.state / "vault"
    vault.rename(away := vault.with_name("away"))
    vault.mkdir()
    with pytest.raises(NeedsDecision, match=r"the vault is empty, .* is its disk mounted"):
        purge.destroy(council.doors, plan_id)
    vault.rmdir()
    away.rename(vault)
    assert purge.destroy(council.doors, plan_id)["file"] == 1
    assert council.doors.vault.is_empty()


def test_bytes_that_another_file_needs_are_not_said_to_be_gone(council):

    stored = council.doors.vault.put(BytesIO(b"the same"))
    first = council.register.file(ct_sha256=stored.sha256, receipt_at="2020-01-01T12:00Z")
    council.register.file(ct_sha256=stored.sha256, state="DUPLICATE")
    assert purged(council)["file"] == 1
    assert council.doors.journal.destroyed(Kind.FILE) == ([first], [])
    assert council.doors.vault.holds(stored.sha256)
