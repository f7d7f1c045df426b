"""One file from the landing folder to its receipt, against a real SFTP server, real gpg and a real PostgreSQL."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from family_exchange.adapters import database, keys, ledger, profiles
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import world
from family_exchange.demo.keys import encrypt_only
from family_exchange.domain.errors import Busy, TryLater
from family_exchange.domain.file import Reason, State
from family_exchange.domain.key import Revocation
from family_exchange.stages import acknowledge, intake, receive
from family_exchange.stages.office import CouncilOffice

FEED = "police_incidents"
GOOD = Path(__file__).parents[2] / "expectations" / FEED / "v1.good.csv"


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=200, seed=3, today=date(2026, 11, 22)) as stage:
        yield stage.tenants[0]


@pytest.fixture
def police(tenant):
    return tenant.partners["police"]


@pytest.fixture
def content(request):
    """A good file that no other test sends: its first line tells a day of its own."""
    rows = [row for row in GOOD.read_text().splitlines() if not row.startswith("#")]
    day = date(2025, 1, 1) + timedelta(days=crc32(request.node.name.encode()) % 600)
    covers = f"as_of=2026-10-31 coverage_from={day} coverage_to=2026-10-31 rows={len(rows) - 1}"
    preamble = f"#family-exchange feed={FEED} contract=v1 {covers}"
    return "\n".join([preamble, *rows, ""]).encode()


def put(partner, name, sealed, folder=f"/{FEED}"):
    with DropZone(partner.endpoint) as zone:
        zone.upload_new(folder, f".{name}.part", sealed)
        zone.rename(folder, f".{name}.part", name)


def sealed_by(partner, tenant, content):
    return partner.openpgp.seal(content, recipient=tenant.doors.settings.own_key)


def run(tenant):
    """States and reasons of the files that this run finished, by id."""
    found = receive.find(tenant.doors, FEED, settle=0.05)
    for file_id in found:
        intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
        acknowledge.partner(tenant.doors, file_id)
    with database.transaction(tenant.doors.database) as connection:
        return [ledger.read(connection, file_id) for file_id in found]


def receipt_of(tenant, partner, file):
    with DropZone(partner.endpoint) as zone:
        sealed = zone.read(f"/receipts/{file.file_id}.json.pgp")
    return json.loads(partner.openpgp.open_signed(sealed, tenant.doors.settings.own_key))


@pytest.mark.requirement("R-046")
def test_a_key_that_is_revoked_while_its_file_is_read_lets_nothing_in(tenant, police, content, monkeypatch):
    put(police, "revoked-meanwhile.csv.pgp", sealed_by(police, tenant, content))
    (file_id,) = receive.find(tenant.doors, FEED, settle=0.05)
    examined = CouncilOffice.examine

    def taken_back(office, desk, file, *, at):
        found = examined(office, desk, file, at=at)
        with database.transaction(tenant.doors.database) as connection:
            reason = Revocation.COMPROMISED
            keys.revoke(connection, police.openpgp.own_key, by="it.security", reason=reason, at=datetime.now(UTC))
        return found

    try:
        with monkeypatch.context() as patched:
            patched.setattr(CouncilOffice, "examine", taken_back)
            with pytest.raises(Busy, match="was revoked while it was read"):
                intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
        assert intake.take_in(tenant.doors, file_id, at=datetime.now(UTC)) is State.QUARANTINED
        with database.transaction(tenant.doors.database) as connection:
            file = ledger.read(connection, file_id)
            staged = connection.execute(
                "SELECT count(*) FROM staging.police_incidents WHERE file_id = %s", (file_id,)
            ).fetchone()
    finally:
        with database.transaction(tenant.doors.database) as connection:
            connection.execute(
                """UPDATE exchange.partner_key SET revoked_at = NULL, revoked_by = NULL, revoke_reason = NULL
                    WHERE fingerprint = %s""",
                (police.openpgp.own_key,),
            )
    assert (file.reason, file.signer, staged) == (Reason.SIGNER_REVOKED, None, (0,))
    acknowledge.partner(tenant.doors, file_id)


def test_a_good_file_is_closed_and_its_partner_told(tenant, police, content):
    put(police, "good.csv.pgp", sealed_by(police, tenant, content))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.CLOSED, None)
    told = receipt_of(tenant, police, file)
    assert told["verdict"] == "accepted"
    assert told["rows"]["read"] == told["rows"]["loaded"] == file.rows_loaded > 0
    assert told["name"] == "good.csv.pgp"
    assert run(tenant) == []


@pytest.mark.parametrize("again", ["the same bytes", "the same content sealed again"])
def test_what_was_sent_before_is_a_duplicate(tenant, police, content, again):
    first = sealed_by(police, tenant, content)
    put(police, f"{len(again)}-first.pgp", first)
    (original,) = run(tenant)
    second = first if again == "the same bytes" else sealed_by(police, tenant, content)
    put(police, f"{len(again)}-second.pgp", second)
    (copy,) = run(tenant)
    assert copy.state is State.DUPLICATE
    assert copy.duplicate_of == (original.duplicate_of or original.file_id)
    assert receipt_of(tenant, police, copy)["duplicate_of"] == copy.duplicate_of


def test_the_same_bytes_twice_at_once_are_one_file_and_one_duplicate(tenant, police, content):
    sealed = sealed_by(police, tenant, content)
    put(police, "at-once-a.pgp", sealed)
    put(police, "at-once-b.pgp", sealed)
    both = receive.find(tenant.doors, FEED, settle=0)
    office = CouncilOffice(tenant.doors)
    with office.desk() as desk:
        for file_id in both:  # both are in the vault before either is opened, as when two workers run side by side
            intake._bring_in(office, desk, desk.claim(file_id))
    assert sorted(file.state for file in run(tenant)) == [State.CLOSED, State.DUPLICATE]


def test_a_file_signed_by_another_partner_is_not_this_partners(tenant, police, content):
    other = tenant.partners["schools"]
    put(police, "foreign.pgp", sealed_by(other, tenant, content))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.SIGNER_NOT_PARTNER)


def test_an_unsigned_file_is_told_what_to_do(tenant, police, content):
    put(police, "unsigned.pgp", encrypt_only(police.openpgp, content, recipient=tenant.doors.settings.own_key))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.UNSIGNED)
    assert "Sign it with your registered key" in receipt_of(tenant, police, file)["what_to_do"]


def test_a_message_sealed_inside_another_is_refused(tenant, police, content):
    put(police, "nested.pgp", sealed_by(police, tenant, sealed_by(police, tenant, content)))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.CONTENT)


def test_one_odd_name_blocks_no_other_file(tenant, police, content):
    council = tenant.doors.profile.council
    folder = tenant.third_party.root.parents[1] / "drop-zone" / council / "police" / FEED
    odd = bytes(folder) + b"/\xff\xfe odd.pgp"
    Path(odd.decode(errors="surrogateescape")).write_bytes(sealed_by(police, tenant, content))
    put(
        police,
        "plain.pgp",
        sealed_by(police, tenant, content.replace(b"coverage_to=2026-10-31", b"coverage_to=2026-10-30")),
    )
    ends = {(file.state, file.reason) for file in run(tenant)}
    assert (State.QUARANTINED, Reason.NAME) in ends
    assert len(ends) == 2


def test_a_name_on_its_way_is_not_a_file_yet(tenant, police):
    with DropZone(police.endpoint) as zone:
        zone.upload_new(f"/{FEED}", "half.csv.pgp.filepart", b"half")
        zone.upload_new(f"/{FEED}", ".half.part", b"half")
    assert run(tenant) == []
    with DropZone(police.endpoint) as zone:
        zone.remove(f"/{FEED}", b".half.part")
    sleep_until_patience_ends(tenant)
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.CORRUPT)
    assert receipt_of(tenant, police, file)["name"] == "half.csv.pgp.filepart"
    with DropZone(police.endpoint) as zone:
        assert zone.exists(f"/{FEED}/half.csv.pgp.filepart"), "what we never had is never removed by us"
        zone.remove(f"/{FEED}", b"half.csv.pgp.filepart")


def sleep_until_patience_ends(tenant):
    """Time passes for the ledger, not for the test."""
    with database.transaction(tenant.doors.database) as connection:
        connection.execute("UPDATE exchange.file SET changed_at = changed_at - interval '1 day'")


def test_a_file_that_its_partner_took_back_is_gone(tenant, police, content):
    put(police, "regretted.pgp", sealed_by(police, tenant, content))
    (file_id,) = receive.find(tenant.doors, FEED, settle=0)
    with DropZone(police.endpoint) as zone:
        zone.remove(f"/{FEED}", b"regretted.pgp")
    assert intake.take_in(tenant.doors, file_id, at=datetime.now(UTC)) is State.GONE
    assert acknowledge.partner(tenant.doors, file_id) is State.GONE


def test_two_workers_cannot_have_one_file(tenant, police, content):
    put(police, "contested.pgp", sealed_by(police, tenant, content))
    (file_id,) = receive.find(tenant.doors, FEED, settle=0)
    with database.session(tenant.doors.database) as connection:
        assert database.hold(connection, ledger.LOCK, file_id)
        with pytest.raises(TryLater, match="another worker"):
            intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
    assert len(run(tenant)) == 1


def test_a_second_run_of_each_stage_changes_nothing(tenant, police, content):
    put(police, "twice.pgp", sealed_by(police, tenant, content))
    (file,) = run(tenant)
    with database.transaction(tenant.doors.database) as connection:
        before = connection.execute("SELECT seq FROM audit.head").fetchone()
    intake.take_in(tenant.doors, file.file_id, at=datetime.now(UTC))
    acknowledge.partner(tenant.doors, file.file_id)
    with database.transaction(tenant.doors.database) as connection:
        assert connection.execute("SELECT seq FROM audit.head").fetchone() == before
        assert ledger.read(connection, file.file_id) == file


def test_each_move_is_one_event_of_the_chain(tenant):
    with database.transaction(tenant.doors.database) as connection:
        files = ledger.files(connection)
        rows = connection.execute(
            """SELECT convert_from(event, 'UTF8')::jsonb -> 'body' ->> 'file', count(*)
                 FROM audit.event WHERE kind = 'file.' || lower('CLOSED') GROUP BY 1"""
        ).fetchall()
    assert dict(rows) == {file.file_id: 1 for file in files if file.state is State.CLOSED}


@pytest.mark.requirement("R-062")
def test_a_return_does_not_come_back_as_a_partners_file(tenant, police):
    fields = tenant.doors.profile.returns["nis"].fields
    content = (",".join(fields) + "\n" + "," * (len(fields) - 1) + "\n").encode()
    put(police, "results.pgp", sealed_by(police, tenant, content))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.RESEARCH_WALL)
    assert receipt_of(tenant, police, file)["what_to_do"]


def test_a_file_that_nobody_sealed_is_refused_and_kept_sealed(tenant, police, content):
    put(police, "open.csv", content)
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.NOT_OPENPGP)
    assert content[:40] not in tenant.doors.vault.path(file.ct_sha256).read_bytes()
    with DropZone(police.endpoint) as zone:
        assert not zone.exists(f"/{FEED}/open.csv")


def test_what_is_refused_behind_a_good_seal_still_says_who_signed_it(tenant, police, content):
    put(police, "columns.pgp", sealed_by(police, tenant, content.replace(b"surname", b"family_name")))
    (file,) = run(tenant)
    assert (file.state, file.reason) == (State.QUARANTINED, Reason.SCHEMA)
    told = receipt_of(tenant, police, file)
    assert told["signer"] == file.signer is not None
    assert told["signed_at"]
    assert "surname" in told["detail"]
