"""Each invariant holds of a council that worked as it should, and is told of when it is broken.

What breaks it is done in a transaction that is never committed, but for the chain of the audit log.
"""

from contextlib import contextmanager
from itertools import pairwise

import pytest

from family_exchange.adapters import database
from family_exchange.stages import deliver
from support import faults, invariants, openssh
from support.council import council, recipient_server, rings
from support.sending import a_sealed_return

__all__ = ["council", "recipient_server", "rings"]

HIDE = "ALTER TABLE audit.event DISABLE TRIGGER event_is_final"


@pytest.fixture(scope="module")
def intake():
    """A council that took in one file and set another aside."""
    with openssh.standing() as stage:
        tenant = stage.tenants[0]
        faults.put(tenant, "good.pgp", faults.sealed(tenant, faults.content()))
        faults.put(tenant, "bad.pgp", b"these bytes are no message" * 10)
        good, bad = sorted(faults.run(tenant), key=lambda file: file.state)
        assert (good.state, bad.state) == ("CLOSED", "QUARANTINED")
        yield tenant


@pytest.fixture
def sent(council):
    """A council of which one return has arrived; its files' events are written as if they had been taken in."""
    deliver.send(council.doors, a_sealed_return(council))
    for before, to in pairwise(("SEEN", "CLAIMED", "VAULTED", "AUTHENTIC", "VALID", "APPLIED", "CLOSED")):
        council.register.run(
            "SELECT audit.append(%s, 'x', jsonb_build_object('file', file_id, 'from', %s::text)) FROM exchange.file",
            f"file.{to.lower()}",
            before,
        )
    return council


@contextmanager
def after(doors, *statements):
    """The council as it would be; nothing of it stays."""
    with database.transaction(doors.database) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement
        yield connection
        connection.rollback()


def test_everything_holds_of_a_council_that_took_files_in(intake):
    assert invariants.broken(invariants.Scene(intake.doors, intake.third_party.root)) == []


def test_everything_holds_of_a_council_whose_return_arrived(sent):
    assert invariants.broken(invariants.Scene(sent.doors, sent.third_party.root)) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE exchange.file SET state = 'VALID' WHERE state = 'CLOSED'", "is not where its last move led"),
        (
            (
                "SELECT audit.append('file.applied', 'x', jsonb_build_object('file', file_id, 'from', 'VALID'))"
                " FROM exchange.file WHERE state = 'CLOSED'"
            ),
            "was applied more than once",
        ),
        (
            (
                "SELECT audit.append('file.claimed', 'x', jsonb_build_object('file', file_id, 'from', 'CLOSED'))"
                " FROM exchange.file WHERE state = 'CLOSED'"
            ),
            "has no one path",
        ),
    ],
)
def test_a_file_with_another_path_is_told_of(intake, statement, told):
    with after(intake.doors, statement) as connection:
        assert told in " ".join(invariants.paths_that_are_not_one(connection))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM staging.police_incidents WHERE row_no = 1", "rows of police_incidents are staged"),
        ("INSERT INTO staging.police_incidents SELECT * FROM staging.police_incidents", "are staged"),
        ("UPDATE staging.police_incidents SET file_id = 'F00000099'", "file F00000099"),
    ],
)
def test_rows_that_are_not_those_of_their_file_are_told_of(intake, statement, told):
    with after(intake.doors, statement) as connection:
        assert told in " ".join(invariants.effects_without_their_file(connection))


def test_records_of_a_file_that_is_not_applied_are_told_of(council):
    file_id = council.register.file(rows_loaded=0, rows_with_finding=0)
    council.register.record(council.register.person(), file_id)
    with after(council.doors, "SELECT 1") as connection:
        assert invariants.effects_without_their_file(connection) == []
    with after(council.doors, "UPDATE exchange.file SET state = 'QUARANTINED'") as connection:
        assert file_id in " ".join(invariants.effects_without_their_file(connection))


def test_a_landing_file_that_went_before_it_was_kept_is_told_of(intake):
    def told(connection):
        return " ".join(invariants.landing_files_deleted_too_early(connection, intake.doors.vault))

    with after(intake.doors, "UPDATE exchange.file SET state = 'APPLIED' WHERE state = 'CLOSED'") as connection:
        assert "left its landing folder before" in told(connection)
    digest = "UPDATE exchange.file SET ct_sha256 = sha256('another') WHERE state = 'CLOSED'"
    with after(intake.doors, digest) as connection:
        assert "are not whole in the vault" in told(connection)


def test_a_second_form_of_a_return_is_told_of(sent):
    inbox = sent.third_party.root / "inbox"
    (name,) = sent.inbox
    (sent.third_party.root / "taken").mkdir()
    (sent.third_party.root / "taken" / name).write_bytes((inbox / name).read_bytes())
    with after(sent.doors, "SELECT 1") as connection:
        assert invariants.returns_seen_in_two_forms(connection, sent.third_party.root) == []
        (inbox / name).write_bytes(b"other bytes")
        assert "2 forms of return" in " ".join(invariants.returns_seen_in_two_forms(connection, sent.third_party.root))
        (inbox / name).rename(inbox / "another")
        assert "no return of ours" in " ".join(invariants.returns_seen_in_two_forms(connection, sent.third_party.root))


def test_a_return_that_is_said_to_have_arrived_without_proof_is_told_of(sent):
    with after(sent.doors, "UPDATE returns.return SET ct_sha256 = sha256('another')") as connection:
        assert "without proof" in " ".join(invariants.returns_seen_in_two_forms(connection, None))


def test_a_change_without_its_event_is_told_of(intake, sent):
    with after(
        intake.doors, "UPDATE exchange.file SET file_id = 'F00000077' WHERE state = 'QUARANTINED'"
    ) as connection:
        assert invariants.changes_without_an_event(connection) == ["file F00000077 moved and no event says so"]
    with after(sent.doors, "UPDATE returns.return SET state = 'SENT'") as connection:
        assert "is not where its last event says" in " ".join(invariants.changes_without_an_event(connection))
    with after(sent.doors, "DELETE FROM returns.sign_off") as connection:
        assert invariants.changes_without_an_event(connection) == ["there are 0 sign-offs and 2 events of them"]


def test_a_broken_chain_is_told_of(sent):
    assert invariants.audit_chain_is_broken(sent.doors) == []
    sent.register.run(HIDE)
    sent.register.run("UPDATE audit.event SET actor = 'somebody' WHERE seq = 2")
    assert "does not hold at event 2" in " ".join(invariants.audit_chain_is_broken(sent.doors))


def test_a_word_of_a_name_is_found_in_what_was_left_anywhere(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "task.log").write_text("all is well")
    words = frozenset({"Qwyzzlefax"})
    assert invariants.leaks((tmp_path,), words) == []
    (tmp_path / "folder" / "task.log").write_text("all is well with Qwyzzlefax")
    (told,) = invariants.leaks((tmp_path,), words)
    assert "Qwyzzlefax" not in told
    (tmp_path / "folder" / "task.log").rename(tmp_path / "folder" / "of-Qwyzzlefax.txt")
    assert len(invariants.leaks((tmp_path / "folder" / "of-Qwyzzlefax.txt",), words)) == 1


def test_somebody_in_a_return_who_had_said_no_before_is_told_of(sent):
    person = sent.register.value("SELECT person_id FROM returns.return_row LIMIT 1")
    sent.register.flag(person)
    with after(sent.doors, "SELECT 1") as connection:
        assert invariants.people_released_against_their_will(connection) == []
    earlier = "UPDATE rights.flag_status SET recorded_at = recorded_at - interval '1 day'"
    with after(sent.doors, earlier) as connection:
        assert "1 people who had said no" in " ".join(invariants.people_released_against_their_will(connection))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM returns.sign_off WHERE signed_by = 'programme.lead'", "without two people"),
        ("UPDATE returns.sign_off SET content_sha256 = sha256('another')", "without two people"),
        (
            (
                "ALTER TABLE memory.decision DISABLE TRIGGER only_closes;"
                " UPDATE memory.decision SET decided_by = 'exchange'"
            ),
            "was decided by nobody",
        ),
        (
            (
                "INSERT INTO rights.purge_plan (plan_id, planned_on, state, items, digest)"
                " VALUES ('D1', '2026-11-22', 'DESTROYED', 0, '')"
            ),
            "destroyed that nobody approved: D1",
        ),
        (
            (
                "INSERT INTO register.identity_decision (kind, side_a, side_b, decided_by, reason)"
                " VALUES ('must_link', '{a}', '{b}', 'machine', 'x')"
            ),
            "joined or kept apart by nobody",
        ),
        (
            'SELECT audit.append(\'file.claimed\', \'x\', \'{"file": "F9", "from": "QUARANTINED"}\')',
            "two people did not release: F9",
        ),
    ],
)
def test_what_nobody_decided_is_told_of(sent, statement, told):
    with after(sent.doors, "SELECT 1") as connection:
        assert invariants.acts_of_a_machine(connection) == []
    with after(sent.doors, statement) as connection:
        assert told in " ".join(invariants.acts_of_a_machine(connection))
