"""What a backup takes, what it lets go of, and what it says when it cannot; the way back is tests/journeys."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from family_exchange.adapters import audit, backup_place, closing, database, recovery_key, returns, server_copy
from family_exchange.adapters.closing import Closed
from family_exchange.adapters.journal import Journal, What
from family_exchange.adapters.vault import Vault
from family_exchange.domain.backup import KEPT, Base
from family_exchange.domain.errors import Busy, NeedsDecision
from family_exchange.domain.retention import Kind
from family_exchange.stages import backup, restore
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
    assert {part.name for part in page.parts} == {"keys.pgp", "checkpoints.log", "journal.log", "vault.list"}
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


def test_a_copy_that_lacks_a_file_is_not_whole_however_sound_the_others_are(prepared):
    prepared.doors.vault.put(BytesIO(b"others"))
    take(prepared)
    assert "vault" not in wrong(prepared)
    place_of(prepared).vault.destroy(sha256(b"others").digest())
    assert "vault" in wrong(prepared)


def test_a_file_that_was_destroyed_is_not_missed(prepared):
    doors, gone = prepared.doors, prepared.doors.vault.put(BytesIO(b"others")).sha256
    doors.journal.add(What.DESTROYED, {"kind": Kind.OBJECT, "ids": [gone.hex()], "objects": [gone.hex()]})
    doors.vault.destroy(gone)
    take(prepared)
    assert "vault" not in wrong(prepared)


def test_what_a_backup_under_way_lets_go_of_is_neither_missed_nor_damaged(prepared, monkeypatch):
    doors, gone = prepared.doors, prepared.doors.vault.put(BytesIO(b"others")).sha256
    take(prepared)
    listed = backup._listed

    def let_go(place, page):
        doors.vault.destroy(gone)
        doors.journal.add(What.DESTROYED, {"kind": Kind.OBJECT, "ids": [gone.hex()], "objects": [gone.hex()]})
        place.vault.destroy(gone)
        return listed(place, page)

    monkeypatch.setattr(backup, "_listed", let_go)
    assert "vault" not in wrong(prepared), "it was there when the looking began"
    assert "vault" not in wrong(prepared), "the page of the backup under way is not there yet"
    place_of(prepared).vault.destroy(sha256(b"sealed bytes").digest())
    assert "vault" in wrong(prepared), "nobody destroyed this one"


def test_a_backup_that_is_let_go_of_while_they_are_listed_is_none(prepared, monkeypatch):
    going, kept = take(prepared, AT - timedelta(hours=1)), take(prepared)
    place, read = place_of(prepared), Path.read_bytes

    def let_go(path):
        if path == place.part(going.backup, "manifest.json"):
            place.forget(going)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", let_go)
    assert [page.backup for page in place.manifests()] == [kept.backup]


def looked(council):
    return {one.what: one for one in restore.agreement(council.doors)}


def test_an_open_council_that_works_while_it_is_looked_at_agrees(council, monkeypatch):
    doors, register = council.doors, council.register
    digests = {name: doors.vault.put(BytesIO(name)).sha256 for name in (b"kept", b"going")}
    lines = {name: register.file(ct_sha256=digest) for name, digest in digests.items()}
    whole, left = Vault.whole, [True]

    def meanwhile(vault, digest):
        if left and left.pop():
            doors.vault.destroy(digests[b"going"])
            register.run("UPDATE exchange.file SET vault_destroyed_at = now() WHERE file_id = %s", lines[b"going"])
            register.file(ct_sha256=doors.vault.put(BytesIO(b"coming")).sha256)
        return whole(vault, digest)

    monkeypatch.setattr(Vault, "whole", meanwhile)
    found = looked(council)
    assert found["vault"].good, found["vault"].told
    assert found["unclaimed"].told.startswith("0 objects")
    doors.vault.destroy(digests[b"kept"])
    doors.vault.put(BytesIO(b"nobody's"))
    found = looked(council)
    assert not found["vault"].good
    assert found["unclaimed"].told.startswith("1 objects")


def test_a_return_that_is_sent_while_a_council_is_looked_at_is_known(council, monkeypatch):
    lines, left = Journal.lines, [True]

    def send(return_id, digest):
        council.doors.journal.add(What.SENDING, {"return": return_id, "sha256": digest.hex(), "name": "x"})

    def meanwhile(journal, what):
        if what is What.SENDING and left and left.pop():
            with council.register.open() as connection:
                at = database.clock(connection)
                returns.create(connection, "fpd", "2026-H1", 1, fields=(), at=at)
                returns.note_seal(connection, "fpd-2026-H1-v1", sha256=b"1" * 32, size=1, final_name="x")
            send("fpd-2026-H1-v1", b"1" * 32)
        return lines(journal, what)

    monkeypatch.setattr(Journal, "lines", meanwhile)
    assert looked(council)["returns"].good
    send("fpd-2026-H1-v2", b"2" * 32)
    assert not looked(council)["returns"].good, "nobody sealed this one"


def test_nobody_closes_a_council_over_the_mark_of_a_restore_that_is_at_work(council):
    doors = council.doors
    with closing.alone(doors.settings.state), pytest.raises(Busy, match="restores this council or opens it"):
        restore.close(doors, by="it.security", why="incident", at=AT)
    assert closing.of(doors.settings.state) is None
    restore.close(doors, by="it.security", why="incident", at=AT)
    assert closing.of(doors.settings.state).why == "incident"


def test_the_second_journal_gets_what_it_lacks_when_its_disk_came_back_empty(prepared):
    prepared.doors.journal.add(What.SENDING, {"return": "x"})
    copy = place_of(prepared).journal / "journal.log"
    copy.write_bytes(b"")
    prepared.doors.journal.add(What.SENDING, {"return": "y"})
    take(prepared)
    assert [json.loads(line)["return"] for line in copy.read_text().splitlines()] == ["y", "x"]


def test_a_clock_that_ran_ahead_lets_go_of_no_backup_and_is_told_once_it_is_right_again(prepared):
    take(prepared)
    ahead = take(prepared, datetime.now(UTC) + 2 * KEPT).backup
    assert len(place_of(prepared).manifests()) == 2
    with pytest.raises(NeedsDecision, match=f"backup {ahead} is of a later moment than now"):
        take(prepared)


def test_what_lies_there_while_a_restore_is_not_done_never_becomes_the_newest_backup(prepared):
    closing.close(prepared.doors.settings.state, Closed(AT, "it.security", "restore"))
    with pytest.raises(NeedsDecision, match="a restore is at work or broke off"):
        take(prepared)
    closing.close(prepared.doors.settings.state, Closed(AT, "it.security", "maintenance"))
    assert take(prepared).events == 0


def test_one_person_alone_never_opens_what_does_not_agree(prepared):
    doors = prepared.doors
    restore.close(doors, by="it.security", why="incident", at=AT)
    assert not restore.reopen(doors, by="it.security"), "everything agrees, and one person is missing"
    doors.journal.add(What.SENDING, {"return": "fpd-2026-H1-v9", "sha256": "00" * 32, "name": "x"})
    with pytest.raises(NeedsDecision, match="returns"):
        restore.reopen(doors, by="programme.lead")
    assert not restore.reopen(doors, by="programme.lead", although=True), "the other one agreed when all was well"
    assert not restore.reopen(doors, by="Programme Lead", although=True)
    assert restore.reopen(doors, by="it.security", although=True)


def test_councils_of_one_place_share_one_recovery_key(prepared, tmp_path):
    """Otherwise the server's log is sealed to the key of whoever came last, and nobody else can be restored."""
    place = place_of(prepared)
    before = (place.root / "recovery.asc").read_bytes()
    recovery_key.make(tmp_path / "other", needed=2, total=2)
    with pytest.raises(NeedsDecision, match="councils of one server share it"):
        backup.prepare(prepared.doors, place.root, (tmp_path / "other" / "recovery.asc").read_bytes())
    assert (place.root / "recovery.asc").read_bytes() == before
    backup.prepare(prepared.doors, place.root, before)


def test_a_place_where_another_installation_backs_up_a_council_of_this_name_is_left_alone(prepared, rings):
    place = place_of(prepared)
    theirs = rings.stranger.export_public(rings.stranger.own_key)
    (place.own / "council.asc").write_bytes(theirs)
    with pytest.raises(NeedsDecision, match=f"under another key, {rings.stranger.own_key}"):
        take(prepared)
    with pytest.raises(NeedsDecision, match="restore from them"):
        backup.prepare(prepared.doors, place.root, (place.root / "recovery.asc").read_bytes())
    assert (place.own / "council.asc").read_bytes() == theirs
    assert place.manifests() == []


def test_a_copy_of_another_server_is_not_taken_for_ours(prepared):
    place, (sealed, other) = place_of(prepared), (prepared.doors.settings.state / "base", "1")
    for server in (other, server_copy.number(prepared.doors.settings.database)):
        sealed.write_bytes(b"a copy")
        place.keep_base(
            Base(f"{AT:%Y%m%dT%H%M%S}.{server[:6]:0>6}Z", AT, AT, 18, server, 16 << 20, "0" * 23 + "1", "", 6), sealed
        )
        page = take(prepared)
        assert (page.base and page.base.server) == (None if server == other else server)


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
