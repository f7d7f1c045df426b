"""A delivery that nobody interrupts, and the ones that the recipient, a rights flag or another worker does."""

import json
from datetime import timedelta
from hashlib import sha256

import psycopg
import pytest

from family_exchange.adapters import database, returns
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import assemble, deliver
from support.register import AT, PERIOD
from support.sending import AT_ONCE, Garbling, Greedy, Interrupted, a_sealed_return, ledger, through, visible


@pytest.fixture
def sealed(council):
    return a_sealed_return(council)


def states(council):
    return [
        kind.removeprefix("return.")
        for (kind,) in council.register.run("SELECT kind FROM audit.event WHERE kind LIKE 'return.%%' ORDER BY seq")
    ]


def write_receipt(council, name, *, ring=None, **changes):
    """A receipt as the recipient, or somebody else, would write it."""
    body = {
        "name": name,
        "sha256": next(iter(visible(council, name))),
        "size": 1,
        "received_at": AT.isoformat(),
        "outcome": "accepted",
    } | changes
    text = (ring or council.third_party.openpgp).seal(
        json.dumps(body).encode(), recipient=council.doors.settings.own_key
    )
    (council.third_party.root / "receipts" / f"{name}.json.pgp").write_bytes(text)


@pytest.mark.requirement("R-059")
def test_a_sealed_return_arrives_and_is_acknowledged(council, sealed):
    assert deliver.send(council.doors, sealed) is State.DELIVERED
    found = ledger(council, sealed)
    assert council.inbox == [found.final_name]
    assert sha256(council.final(found.final_name)).digest() == found.ct_sha256
    assert deliver.receipt(council.doors, sealed) is State.DELIVERED
    assert council.third_party.answer(at=AT) == [found.final_name]
    assert deliver.receipt(council.doors, sealed) is State.ACKNOWLEDGED
    assert states(council)[-7:] == [
        "sealed", "claimed", "uploading", "rename_intent", "sent", "delivered", "acknowledged",
    ]  # fmt: skip
    kept = council.register.value("SELECT receipt FROM returns.return")
    assert (kept["sha256"], kept["outcome"]) == (found.ct_sha256.hex(), "accepted")


def test_a_second_run_of_anything_changes_nothing(council, sealed):
    deliver.send(council.doors, sealed)
    council.third_party.answer(at=AT)
    deliver.receipt(council.doors, sealed)
    before = council.register.run("SELECT * FROM returns.return"), states(council), visible_all(council)
    assert deliver.send(council.doors, sealed) is State.ACKNOWLEDGED
    assert deliver.receipt(council.doors, sealed) is State.ACKNOWLEDGED
    assert assemble.seal(council.doors, sealed) == sealed
    assert council.third_party.answer(at=AT) == []
    assert (council.register.run("SELECT * FROM returns.return"), states(council), visible_all(council)) == before


def visible_all(council):
    return {path.name: path.read_bytes() for path in council.third_party.root.rglob("*") if path.is_file()}


def test_what_is_not_sealed_is_not_sent(council):
    return_id = assemble.draft(council.doors, "fpd", PERIOD)
    with pytest.raises(NeedsDecision, match="seal it first"):
        deliver.send(council.doors, return_id)
    assert council.inbox == []


def test_one_worker_at_a_time(council, sealed, monkeypatch):
    monkeypatch.setattr(database, "MOMENT_SECONDS", 0.1)
    with returns.held(council.doors.database, sealed), pytest.raises(TryLater, match="another worker"):
        deliver.send(council.doors, sealed)
    assert deliver.send(council.doors, sealed) is State.DELIVERED


# --- the release gate ---


@pytest.mark.requirement("R-068")
@pytest.mark.requirement("R-093")
def test_a_flag_set_after_the_sign_off_voids_the_return_before_anything_is_visible(council, sealed):
    person = council.register.value("SELECT person_id FROM returns.return_row WHERE row_no = 1")
    council.register.flag(person, "objection_research")
    with pytest.raises(NeedsDecision, match="assemble it again"):
        deliver.send(council.doors, sealed)
    assert council.inbox == []
    assert ledger(council, sealed).state is State.VOID
    again = assemble.draft(council.doors, "nis", PERIOD)
    assert again == "nis-2026-H1-v2"
    assert person not in {one for (one,) in council.register.run(
        "SELECT person_id FROM returns.return_row WHERE return_id = %s", again
    )}  # fmt: skip
    with pytest.raises(NeedsDecision, match="is VOID"):
        deliver.send(council.doors, sealed)


@pytest.mark.requirement("R-093")
def test_a_flag_set_while_the_bytes_travel_still_wins(council, sealed):
    person = council.register.value("SELECT person_id FROM returns.return_row WHERE row_no = 1")
    server = Interrupted(
        council.doors.settings.recipient,
        before="upload_new",
        do=lambda: council.register.flag(person, "restriction"),
    )
    with pytest.raises(NeedsDecision, match="assemble it again"):
        deliver.send(through(council, server).doors, sealed)
    assert council.inbox == []


def test_a_flag_on_somebody_else_holds_nothing_up(council, sealed):
    council.register.flag(council.register.person(), "restriction")
    assert deliver.send(council.doors, sealed) is State.DELIVERED
    assert ledger(council, sealed).rights_epoch == 1


def test_a_flag_cannot_be_outrun_by_the_release(council, sealed):
    person = council.register.value("SELECT person_id FROM returns.return_row WHERE row_no = 1")
    with psycopg.connect(council.doors.database) as officer:
        officer.execute(
            """INSERT INTO rights.flag (person_id, kind, status, recorded_by, reason)
               VALUES (%s, 'restriction', 'received', 'rights.officer', 'asked for it')""",
            (person,),
        )
        with psycopg.connect(council.doors.database) as sender:
            sender.execute("SET lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                returns.rights_epoch(sender)
        officer.rollback()


# --- what else the recipient may hold ---


def test_other_bytes_under_our_name_halt_everything(council, sealed):
    name = ledger(council, sealed).final_name
    (council.third_party.root / "inbox" / name).write_bytes(b"somebody else's")
    with pytest.raises(NeedsDecision, match="holds other bytes"):
        deliver.send(council.doors, sealed)
    assert ledger(council, sealed).state is State.CONFLICT
    assert council.final(name) == b"somebody else's"
    with pytest.raises(NeedsDecision, match="is CONFLICT"):
        deliver.send(council.doors, sealed)


def test_other_bytes_that_appear_during_the_upload_are_not_overwritten(council, sealed):
    name = ledger(council, sealed).final_name
    server = Interrupted(
        council.doors.settings.recipient,
        before="rename",
        do=lambda: (council.third_party.root / "inbox" / name).write_bytes(b"somebody else's"),
    )
    with pytest.raises(NeedsDecision, match="holds other bytes"):
        deliver.send(through(council, server).doors, sealed)
    assert visible(council, name) == {sha256(b"somebody else's").hexdigest()}
    assert ledger(council, sealed).state is State.CONFLICT


def test_a_receipt_of_other_bytes_halts(council, sealed):
    deliver.send(council.doors, sealed)
    name = ledger(council, sealed).final_name
    write_receipt(council, name, sha256="0" * 64)
    with pytest.raises(NeedsDecision, match="tells of other bytes"):
        deliver.receipt(council.doors, sealed)
    assert ledger(council, sealed).state is State.CONFLICT


def test_a_receipt_that_somebody_else_signed_is_none(council, sealed, rings):
    deliver.send(council.doors, sealed)
    write_receipt(council, ledger(council, sealed).final_name, ring=rings.stranger)
    with pytest.raises(NeedsDecision, match="not the recipient's own"):
        deliver.receipt(council.doors, sealed)
    assert ledger(council, sealed).state is State.DELIVERED


@pytest.mark.requirement("R-052")
def test_a_refused_return_is_followed_by_the_next_version(council, sealed):
    deliver.send(council.doors, sealed)
    found = ledger(council, sealed)
    write_receipt(council, found.final_name, outcome="refused")
    assert deliver.receipt(council.doors, sealed) is State.REFUSED_BY_RECIPIENT
    assert assemble.draft(council.doors, "nis", PERIOD) == "nis-2026-H1-v2"
    assert ledger(council, sealed).ct_sha256 == found.ct_sha256


def test_a_recipient_that_takes_the_file_at_once_is_believed_by_its_receipt(council, sealed):
    deliver.send(council.doors, sealed)
    council.third_party.answer(at=AT)
    council.register.run("UPDATE returns.return SET state = 'SENT'")  # as a crash before the read-back leaves it
    assert deliver.send(council.doors, sealed) is State.DELIVERED
    (_, last) = council.register.audited("return.delivered")
    assert last["how"] == "receipt"


def test_a_file_that_vanished_is_awaited_before_the_same_bytes_go_out_again(council, sealed):
    deliver.send(council.doors, sealed)
    found = ledger(council, sealed)
    bytes_sent = council.final(found.final_name)
    (council.third_party.root / "inbox" / found.final_name).unlink()
    council.register.run("UPDATE returns.return SET state = 'RENAME_INTENT'")
    with pytest.raises(TryLater, match="its receipt is awaited"):
        deliver.send(council.doors, sealed, receipt_window=timedelta(minutes=5))
    assert council.inbox == []
    assert deliver.send(council.doors, sealed, receipt_window=AT_ONCE) is State.DELIVERED
    assert council.final(found.final_name) == bytes_sent
    assert council.register.audited("return.claimed")[-1]["possible_duplicate"] is True


def test_a_file_that_vanishes_at_once_is_awaited(council, sealed):
    with pytest.raises(TryLater, match="its receipt is awaited"):
        deliver.send(through(council, Greedy(council.doors.settings.recipient)).doors, sealed)
    assert ledger(council, sealed).state is State.SENT


def test_what_the_server_garbles_never_becomes_visible(council, sealed):
    with pytest.raises(TryLater, match="kept other bytes"):
        deliver.send(through(council, Garbling(council.doors.settings.recipient)).doors, sealed)
    assert council.inbox == []
    assert deliver.send(council.doors, sealed) is State.DELIVERED


def test_an_older_rename_that_lands_late_is_found_before_anything_is_uploaded(council, sealed):
    found = ledger(council, sealed)
    bytes_sent = council.doors.vault.path(found.ct_sha256).read_bytes()
    server = Interrupted(
        council.doors.settings.recipient,
        before="list",
        do=lambda: (council.third_party.root / "inbox" / found.final_name).write_bytes(bytes_sent),
    )
    assert deliver.send(through(council, server).doors, sealed) is State.DELIVERED
    assert council.register.audited("return.uploading") == []


def test_a_recipient_refuses_what_the_council_did_not_seal(council, sealed, rings):
    name = ledger(council, sealed).final_name
    forged = rings.stranger.seal(b"not from the council", recipient=rings.council_key)
    for _ in range(2):
        (council.third_party.root / "inbox" / name).write_bytes(forged)
        assert council.third_party.answer(at=AT) == [name]
    assert council.inbox == []
    assert not (council.third_party.root / "taken" / name).exists()


def test_a_recipient_without_an_inbox_is_for_a_person(council, sealed):
    (council.third_party.root / "inbox").rmdir()
    with pytest.raises(NeedsDecision, match="no folder /inbox"):
        deliver.send(council.doors, sealed)
