"""A restored ledger and the journal: what is done again, and what a second time leaves alone."""

from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest

from family_exchange.adapters import database, keys, taken_up
from family_exchange.adapters.journal import What
from family_exchange.adapters.openpgp import OpenPGP, make_ring, stop_agent
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import Revocation
from family_exchange.domain.retention import Kind
from family_exchange.domain.seal import RegisteredKey
from support.council import council, recipient_server, rings
from support.register import AT

__all__ = ["council", "recipient_server", "rings"]

SEALED = b"sealed bytes"
DIGEST = sha256(SEALED).hexdigest()
TAKEN = {
    "file": "F00000012", "partner": "police", "feed": "police_incidents", "size": 12, "modified_at": 1,
    "seen_at": AT.isoformat(), "sha256": DIGEST, "landed": DIGEST,
}  # fmt: skip


@pytest.fixture
def restored(council):
    """The council's doors, as a restore has them, with one sealed file in the vault."""
    council.doors.vault.put(BytesIO(SEALED))
    return council


def done(restored, what, *more):
    doors = restored.doors
    with database.transaction(doors.database) as connection:
        return what(connection, doors.journal, *more)


def files(restored):
    return done(restored, taken_up.files, restored.doors.vault)


def ledger(restored):
    return restored.register.run("SELECT file_id, state, encode(ct_sha256, 'hex') FROM exchange.file ORDER BY 1")


def test_a_file_that_the_ledger_lost_is_there_again_under_its_own_id_as_if_just_seen(restored):
    restored.doors.journal.add(What.TAKEN, TAKEN)
    assert files(restored) == (["F00000012"], [])
    assert ledger(restored) == [("F00000012", "SEEN", DIGEST)]
    assert files(restored) == ([], [])


def test_numbers_go_on_beyond_all_that_the_journal_knows(restored):
    restored.doors.journal.add(What.TAKEN, TAKEN)
    files(restored)
    (new,) = restored.register.run(
        "INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at)"
        " VALUES ('a', 'b', 'x', 1, 1) RETURNING file_id"
    )[0]
    assert int(new.removeprefix("F")) > 12 + taken_up.BEYOND


def test_numbers_go_on_beyond_those_of_the_ledger_that_was_lost(restored):
    done(restored, taken_up.files, restored.doors.vault)
    with database.transaction(restored.doors.database) as connection:
        taken_up.files(connection, restored.doors.journal, restored.doors.vault, numbered=50000)
    assert restored.register.value("SELECT last_value FROM exchange.file_number") == 50000 + taken_up.BEYOND


def test_a_file_whose_landing_went_since_is_read_from_the_vault(restored):
    restored.register.file(file_id="F00000012", partner="police", state="SEEN", registered_at=None)
    restored.doors.journal.add(What.TAKEN, TAKEN)
    assert files(restored) == (["F00000012"], [])
    assert ledger(restored) == [("F00000012", "SEEN", DIGEST)]


def test_a_file_that_the_ledger_has_in_the_vault_is_left_alone(restored):
    restored.register.file(file_id="F00000012", partner="police", state="CLOSED", ct_sha256=bytes.fromhex(DIGEST))
    restored.doors.journal.add(What.TAKEN, TAKEN)
    assert files(restored) == ([], [])


def test_a_file_that_was_in_the_middle_then_is_taken_in_too(restored):
    """Records of it may have been destroyed since: they come back with it, and must go before anybody looks."""
    vaulted = restored.register.file(state="VAULTED", registered_at=None, ct_sha256=bytes.fromhex(DIGEST))
    restored.register.file(state="VAULTED", registered_at=None, ct_sha256=b"x" * 32)  # its bytes are gone
    restored.register.file(state="SEEN", registered_at=None)  # its landing file is there
    with database.transaction(restored.doors.database) as connection:
        assert taken_up.at_work(connection, restored.doors.vault) == [vaulted]
        assert not taken_up.unregistered(connection)
    restored.register.file(state="APPLIED", registered_at=None)
    with database.transaction(restored.doors.database) as connection:
        assert taken_up.unregistered(connection)


def test_a_file_without_bytes_is_named_so_that_its_partner_sends_it_again(restored):
    restored.doors.journal.add(What.TAKEN, {**TAKEN, "sha256": "00" * 32})
    assert files(restored) == ([], ["F00000012"])
    assert ledger(restored) == []


def test_a_file_that_was_destroyed_since_is_not_taken_up(restored):
    restored.doors.journal.add(What.TAKEN, TAKEN)
    restored.doors.journal.add(What.DESTROYED, {"kind": Kind.FILE, "ids": ["F00000012"], "objects": [DIGEST]})
    assert files(restored) == ([], ["F00000012"])


def test_an_id_that_means_another_file_stops_the_restore(restored):
    restored.register.file(file_id="F00000012", partner="housing", state="SEEN", registered_at=None)
    restored.doors.journal.add(What.TAKEN, TAKEN)
    with pytest.raises(NeedsDecision, match="F00000012 of the journal is another one"):
        files(restored)


@pytest.mark.requirement("R-111")
def test_what_was_destroyed_is_destroyed_again_and_a_second_time_finds_nothing(restored):
    register, doors = restored.register, restored.doors
    gone, kept = (register.record(register.person()) for _ in range(2))
    doors.journal.add(What.DESTROYED, {"kind": Kind.SOURCE_RECORD, "ids": [gone], "objects": []})
    doors.journal.add(What.DESTROYED, {"kind": Kind.OBJECT, "ids": [DIGEST], "objects": [DIGEST]})
    with database.session(doors.database) as connection:
        assert taken_up.left_over(connection, doors.journal, doors.vault) == 2
        again = taken_up.destroy_again(connection, doors.journal, doors.vault)
        assert again == {"source_record": 1, "object": 1}
        assert taken_up.left_over(connection, doors.journal, doors.vault) == 0
        assert not taken_up.destroy_again(connection, doors.journal, doors.vault)
    assert register.run("SELECT source_record_id FROM memory.source_record") == [(kept,)]
    assert register.value("SELECT count(*) FROM memory.person") == 1
    assert not doors.vault.holds(bytes.fromhex(DIGEST))
    assert len(register.audited("purge.destroyed_again")) == 1


def test_what_was_to_be_destroyed_and_is_not_known_to_be_stays(restored):
    """A hold may have been placed before it went; whoever held it must find it."""
    record = restored.register.record(restored.register.person())
    told = {"kind": Kind.SOURCE_RECORD, "ids": [record], "objects": []}
    restored.doors.journal.add(What.DESTROYING, told)
    with database.session(restored.doors.database) as connection:
        assert not taken_up.destroy_again(connection, restored.doors.journal, restored.doors.vault)
        assert taken_up.left_over(connection, restored.doors.journal, restored.doors.vault) == 0
        restored.doors.journal.add(What.DESTROYED, told)
        again = taken_up.destroy_again(connection, restored.doors.journal, restored.doors.vault)
    assert again == {"source_record": 1}


def test_the_same_bytes_that_came_again_later_are_taken_up(restored):
    doors = restored.doors
    doors.journal.add(What.DESTROYED, {"kind": Kind.FILE, "ids": ["F00000003"], "objects": [DIGEST]})
    doors.journal.add(What.TAKEN, TAKEN)
    with database.session(doors.database) as connection:
        assert not taken_up.destroy_again(connection, doors.journal, doors.vault)
    assert files(restored) == (["F00000012"], [])


def test_staged_rows_that_the_register_has_not_taken_are_no_copy_and_stay(restored):
    restored.register.file(file_id="F00000012", state="APPLIED", registered_at=None, staging_cleared_at=None)
    restored.doors.journal.add(What.DESTROYED, {"kind": Kind.STAGED_FILE, "ids": ["F00000012"], "objects": []})
    with database.session(restored.doors.database) as connection:
        assert not taken_up.destroy_again(connection, restored.doors.journal, restored.doors.vault)


def sending(restored, return_id="fpd-2026-H1-v1"):
    restored.doors.journal.add(What.SENDING, {"return": return_id, "name": f"{return_id}_x.csv.pgp", "sha256": DIGEST})


def returned(restored):
    return restored.register.run("SELECT return_id, state, encode(ct_sha256, 'hex') FROM returns.return ORDER BY 1")


def test_a_return_that_was_sent_and_lost_uses_up_its_number(restored):
    sending(restored)
    assert done(restored, taken_up.unaccounted) == ["fpd-2026-H1-v1"]
    assert done(restored, taken_up.sent, {"fpd": ("a", "b")}) == ["fpd-2026-H1-v1"]
    assert returned(restored) == [("fpd-2026-H1-v1", "VOID", DIGEST)]
    assert done(restored, taken_up.unaccounted) == []
    assert done(restored, taken_up.sent, {}) == []


def test_a_return_that_was_only_assembled_then_is_given_up_since_its_sealing_is_lost(restored):
    restored.register.run(
        """INSERT INTO returns.return (return_id, code, period, version, state, fields, as_known_at, rights_epoch)
           VALUES ('fpd-2026-H1-v1', 'fpd', '2026-H1', 1, 'SIGNED_OFF', '{}', now(), 0)"""
    )
    sending(restored)
    assert done(restored, taken_up.sent, {}) == ["fpd-2026-H1-v1"]
    assert returned(restored) == [("fpd-2026-H1-v1", "VOID", DIGEST)]


def test_a_return_that_was_sealed_then_is_the_same_one(restored):
    restored.register.run(
        """INSERT INTO returns.return (return_id, code, period, version, state, fields, as_known_at, rights_epoch,
                                       ct_sha256)
           VALUES ('fpd-2026-H1-v1', 'fpd', '2026-H1', 1, 'SEALED', '{}', now(), 0, decode(%s, 'hex'))""",
        DIGEST,
    )
    sending(restored)
    assert done(restored, taken_up.sent, {}) == []
    assert returned(restored) == [("fpd-2026-H1-v1", "SEALED", DIGEST)]


def sealed_as(restored, digest):
    restored.register.run(
        """INSERT INTO returns.return (return_id, code, period, version, state, fields, as_known_at, rights_epoch,
                                       ct_sha256)
           VALUES ('fpd-2026-H1-v1', 'fpd', '2026-H1', 1, 'SEALED', '{}', now(), 0, decode(%s, 'hex'))""",
        digest,
    )


def test_a_return_that_was_sealed_anew_after_an_earlier_restore_and_then_sent_is_given_up_as_sent(restored):
    """The ledger has the bytes of the first sealing, which nobody ever sent."""
    sealed_as(restored, "ab" * 32)
    sending(restored)
    assert done(restored, taken_up.sent, {}) == ["fpd-2026-H1-v1"]
    assert returned(restored) == [("fpd-2026-H1-v1", "VOID", DIGEST)]


def test_a_return_that_may_have_been_sent_twice_is_left_to_people_who_ask_the_recipient(restored):
    sealed_as(restored, "ab" * 32)
    sending(restored)
    restored.doors.journal.add(What.SENDING, {"return": "fpd-2026-H1-v1", "name": "x", "sha256": "ab" * 32})
    assert done(restored, taken_up.sent, {}) == []
    assert done(restored, taken_up.unaccounted) == ["fpd-2026-H1-v1"]


def test_a_ring_that_is_older_than_the_ledger_gets_the_keys_that_two_people_registered(restored, rings, tmp_path):
    make_ring(empty := tmp_path / "r")
    ring, key = OpenPGP(empty, restored.doors.settings.own_key), rings.stranger.own_key
    material = rings.stranger.export_public(key).decode()
    with database.transaction(restored.doors.database) as connection:
        known = RegisteredKey(key, AT - timedelta(days=1), AT + timedelta(days=700), None)
        keys.register(connection, "police", known, added_by="one", approved_by="two")
        connection.execute("UPDATE exchange.partner_key SET material = %s", (material,))
        assert taken_up.keys_in_ring(connection, ring) == 1
        assert [*ring.held()] == [key]
        assert taken_up.keys_in_ring(connection, ring) == 0
    stop_agent(empty)


def test_a_key_that_was_revoked_is_revoked_again_once(restored):
    fingerprint = "A" * 40
    with database.transaction(restored.doors.database) as connection:
        key = RegisteredKey(fingerprint, AT - timedelta(days=1), AT + timedelta(days=700), None)
        keys.register(connection, "police", key, added_by="one", approved_by="two")
    told = {"fingerprint": fingerprint, "by": "one", "reason": next(iter(Revocation))}
    restored.doors.journal.add(What.REVOKED, told)
    restored.doors.journal.add(What.REVOKED, {**told, "fingerprint": "B" * 40})
    assert done(restored, taken_up.revoke_again, AT) == 1
    assert done(restored, taken_up.revoke_again, AT) == 0
    assert restored.register.value("SELECT revoked_by FROM exchange.partner_key") == "one"
