import json
from email import message_from_bytes
from email.policy import SMTP
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from family_exchange.adapters import database
from family_exchange.demo.by_hand import run
from family_exchange.domain.errors import DataRefused
from support import invariants
from support.journeys import CANARY, TODAY, leaks, on_disks, receipts, register_digest, sent


def ledger_of(tenant):
    with database.transaction(tenant.doors.database) as connection:
        rows = connection.execute("SELECT state, reason, count(*) FROM exchange.file GROUP BY 1, 2").fetchall()
    return {(state, reason): number for state, reason, number in rows}


def test_every_file_ends_where_it_should(by_hand):
    found = ledger_of(by_hand.tenant)
    assert found.pop(("CLOSED", None)) == 5
    assert found == {
        ("QUARANTINED", "UNSIGNED"): 1,
        ("QUARANTINED", "SCHEMA"): 1,
        ("QUARANTINED", "CORRUPT"): 1,
        ("DUPLICATE", None): 1,
    }


def test_the_journey_is_whole(by_hand):
    assert by_hand.summary.whole
    assert by_hand.summary.rows_refused > 0
    assert by_hand.summary.proposed > 0
    assert by_hand.summary.destroyed > 0
    assert {line.state for line in by_hand.summary.returns} == {"ACKNOWLEDGED"}


@pytest.mark.requirement("R-057")
def test_every_invariant_holds(by_hand):
    tenant = by_hand.tenant
    words = frozenset({CANARY, *tenant.made.canaries})
    scene = invariants.Scene(tenant.doors, tenant.third_party.root, words, (tenant.doors.settings.state,))
    assert invariants.broken(scene) == []


def test_most_families_join_some_do_not_and_a_few_exceptions_are_left_to_be_seen(by_hand):
    summary = by_hand.summary
    assert summary.supported + summary.said_no == summary.decided == summary.proposed
    assert summary.supported > summary.comparison == summary.said_no > 0
    assert 0 < summary.exceptions < summary.supported


def test_the_partner_can_read_its_receipts(by_hand):
    tenant = by_hand.tenant
    for partner in tenant.partners.values():
        told = [
            json.loads(partner.openpgp.open_signed(sealed, tenant.doors.settings.own_key))
            for name, sealed in receipts(by_hand, partner).items()
            if name.endswith(".json.pgp")
        ]
        assert told
        assert all(receipt["audit"]["seq"] > 0 for receipt in told)
        refused = [receipt for receipt in told if receipt["state"] == "QUARANTINED"]
        assert all(receipt["what_to_do"] for receipt in refused)


def test_the_landing_folders_are_empty(by_hand):
    root = by_hand.stage.folder / "sftp" / "drop-zone"
    assert [path for path in root.rglob("*") if path.is_file() and "receipts" not in path.parts] == []


@pytest.mark.requirement("R-022")
def test_each_decision_has_a_named_person(by_hand):
    with database.transaction(by_hand.tenant.doors.database) as connection:
        rows = connection.execute("SELECT DISTINCT decided_by FROM register.decision").fetchall()
    assert rows == [("programme.lead",)]


@pytest.mark.requirement("R-053")
def test_a_return_holds_only_what_the_notice_discloses(by_hand):
    tenant = by_hand.tenant
    for taken in sorted((tenant.third_party.root / "taken").iterdir()):
        code = taken.name.split("_")[1]
        content = tenant.third_party.openpgp.open_signed(taken.read_bytes(), tenant.doors.settings.own_key).decode()
        header = content.splitlines()[0].split(",")
        assert header == list(tenant.doors.profile.returns[code].fields)


@pytest.mark.requirement("R-080")
def test_no_canary_leaves_the_register(by_hand):
    words = (CANARY, *by_hand.tenant.made.canaries)
    assert [word for word in words if word in by_hand.terminal.getvalue()] == []
    kinds = {path.suffix for path in on_disks(by_hand)}
    assert {".eml", ".pgp", ".log"} <= kinds
    assert leaks(by_hand, words) == []


def test_the_letter_to_the_council_is_for_one_of_its_mailboxes_and_says_what_to_do(by_hand):
    doors = by_hand.tenant.doors
    (letter,) = (message_from_bytes(path.read_bytes(), policy=SMTP) for path in doors.outbox.iterdir())
    assert letter["To"] in {mailbox.email for mailbox in doors.profile.mailboxes.values()}
    assert "key ends soon" in letter["Subject"]
    assert "Register its successor now" in letter.get_content()
    assert by_hand.summary.letters == (str(doors.outbox / "1.eml"),)


@pytest.mark.requirement("R-080")
def test_only_its_partner_can_open_a_receipt_or_a_workbook(by_hand):
    tenant = by_hand.tenant
    council = tenant.doors.settings.own_key
    seen = set()
    for partner in tenant.partners.values():
        for name, sealed in receipts(by_hand, partner).items():
            assert partner.openpgp.open_signed(sealed, council)
            kind = partner.slug, name.partition(".")[2]
            if kind in seen:
                continue
            seen.add(kind)
            others = [other.openpgp for other in tenant.partners.values() if other is not partner]
            for ring in (*others, tenant.doors.openpgp, tenant.third_party.openpgp):
                with pytest.raises(DataRefused):
                    ring.open_signed(sealed, council)
    assert {kind for _, kind in seen} == {"json.pgp", "xlsx.pgp"}


@pytest.mark.requirement("R-080")
def test_a_partners_reference_of_a_row_stands_in_its_sealed_workbook_and_nowhere_else(by_hand):
    tenant = by_hand.tenant
    told = set()
    for partner in tenant.partners.values():
        for name, sealed in receipts(by_hand, partner).items():
            if name.endswith(".xlsx.pgp"):
                book = partner.openpgp.open_signed(sealed, tenant.doors.settings.own_key)
                lines = rows_of(book)[1:]
                told |= {line[1] for line in lines if line[1]}
    assert len(told) > 5
    assert leaks(by_hand, told) == []
    assert [reference for reference in told if reference in by_hand.terminal.getvalue()] == []


def rows_of(book):
    return CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_name("Rows").to_python()


def test_the_same_journey_again_changes_nothing(by_hand):
    before = register_digest(by_hand.tenant), sent(by_hand.tenant)
    run(by_hand.tenant, today=TODAY, say=lambda _: None)
    assert (register_digest(by_hand.tenant), sent(by_hand.tenant)) == before
