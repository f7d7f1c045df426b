"""What a backup takes, what it lets go of, and what it says when it cannot; the way back is tests/journeys."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO

import pytest

from family_exchange.adapters import audit, backup_place, database
from family_exchange.adapters.journal import What
from family_exchange.domain.backup import KEPT
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.retention import Kind
from family_exchange.stages import backup
from support.archiving import kept
from support.council import council, recipient_server, rings

__all__ = ["council", "kept", "recipient_server", "rings"]

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture
def prepared(council, kept, tmp_path):
    """The council with one sealed file, and a place of backups of its own."""
    council.doors.vault.put(BytesIO(b"sealed bytes"))
    place = tmp_path / "place"
    place.mkdir()
    backup.prepare(council.doors, place, (kept.place / "recovery.asc").read_bytes())
    return council


def take(council, at=AT):
    return backup.take(council.doors, server=None, at=at)


def place_of(council):
    return backup_place.said(council.doors.settings.state, council.doors.settings.council)[0]


def wrong(council):
    return {one.what for one in backup.verify(council.doors) if not one.good}


def test_a_backup_holds_keys_journal_checkpoints_and_every_sealed_file(prepared):
    with database.transaction(prepared.doors.database) as connection:
        audit.append(connection, "test.happened", "a test", {})
        audit.checkpoint(connection, prepared.doors.checkpoints, prepared.doors.signing_key)
    page = take(prepared)
    assert {part.name for part in page.parts} == {"keys.pgp", "checkpoints.log", "journal.log"}
    assert (page.objects, page.events) == (1, 1)
    assert wrong(prepared) == {"database"}  # nobody has copied a server yet
    last = json.loads((prepared.doors.settings.state / "backups" / "last.json").read_text())
    assert datetime.fromisoformat(last["taken_at"]) == AT


@pytest.mark.requirement("R-080")
def test_no_secret_lies_at_the_place_in_the_open(prepared):
    take(prepared)
    secrets = prepared.doors.settings.state / "secrets"
    at_the_place = b"".join(path.read_bytes() for path in place_of(prepared).root.rglob("*") if path.is_file())
    assert not any(file.read_bytes() in at_the_place for file in secrets.iterdir())
    assert b"PRIVATE KEY" not in at_the_place
    assert b"sealed bytes" in at_the_place  # so the test would see it


def test_what_was_destroyed_leaves_the_copy_of_the_vault_and_what_only_went_missing_stays(prepared):
    doors, place = prepared.doors, place_of(prepared)
    lost, gone = sha256(b"sealed bytes").digest(), doors.vault.put(BytesIO(b"others")).sha256
    take(prepared)
    doors.journal.add(What.DESTROYED, {"kind": Kind.OBJECT, "ids": [gone.hex()], "objects": [gone.hex()]})
    doors.vault.destroy(gone)
    doors.vault.destroy(lost)
    take(prepared, AT + timedelta(hours=1))
    assert list(place.vault.held()) == [lost]


def test_a_damaged_file_of_the_vault_is_never_copied_over(prepared):
    (digest,) = prepared.doors.vault.held()
    prepared.doors.vault.path(digest).write_bytes(b"spoilt")
    with pytest.raises(NeedsDecision, match=f"object {digest.hex()} of the vault is damaged"):
        take(prepared)
    assert list(place_of(prepared).vault.held()) == []


def test_backups_are_kept_for_their_time_and_what_broke_off_is_swept(prepared):
    place = place_of(prepared)
    old, edge = (take(prepared, AT - KEPT + age).backup for age in (timedelta(seconds=-1), timedelta()))
    (place.own / "20260101T000000.000000Z").mkdir()
    newest = take(prepared).backup
    assert [page.backup for page in place.manifests()] == [edge, newest]
    assert {path.name for path in place.own.glob("2*")} == {edge, newest}
    assert old not in {path.name for path in place.own.iterdir()}


def test_a_place_that_is_not_mounted_is_told(prepared):
    place = place_of(prepared)
    place.root.rename(place.root.with_name("elsewhere"))
    with pytest.raises(NeedsDecision, match="is not there: is its disk mounted"):
        take(prepared)


def test_a_council_without_a_place_is_told_what_says_so(council):
    with pytest.raises(NeedsDecision, match="`family-exchange backup prepare` does"):
        take(council)
    with pytest.raises(NeedsDecision, match="`family-exchange backup prepare` does"):
        backup.verify(council.doors)


def test_there_is_nothing_to_verify_before_the_first_backup(prepared):
    with pytest.raises(NeedsDecision, match="there is no backup of"):
        backup.verify(prepared.doors)


def test_the_journal_is_written_at_the_place_from_then_on(prepared):
    prepared.doors.journal.add(What.SENDING, {"return": "x"})
    assert b'"return":"x"' in (place_of(prepared).journal / "journal.log").read_bytes()
