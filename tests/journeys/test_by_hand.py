import json
from pathlib import Path

import pytest

from family_exchange.adapters import database
from family_exchange.demo.by_hand import run
from support.journeys import CANARY, TODAY, register_digest, sent


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


def test_the_partner_can_read_its_receipts(by_hand):
    tenant = by_hand.tenant
    for partner in tenant.partners.values():
        folder = by_hand.stage.folder / "sftp" / "drop-zone" / tenant.doors.profile.council / partner.slug / "receipts"
        receipts = [
            json.loads(partner.openpgp.open_signed(path.read_bytes(), tenant.doors.settings.own_key))
            for path in sorted(folder.glob("*.json.pgp"))
        ]
        assert receipts
        assert all(receipt["audit"]["seq"] > 0 for receipt in receipts)
        refused = [receipt for receipt in receipts if receipt["state"] == "QUARANTINED"]
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
    leaks = [word for word in (CANARY, *by_hand.tenant.made.canaries) if word in by_hand.terminal.getvalue()]
    assert leaks == []
    log = Path(by_hand.stage.folder / "postgres" / "postgres.log").read_text(errors="replace")
    assert [word for word in by_hand.tenant.made.canaries if word in log] == []


def test_the_same_journey_again_changes_nothing(by_hand):
    before = register_digest(by_hand.tenant), sent(by_hand.tenant)
    run(by_hand.tenant, today=TODAY, say=lambda _: None)
    assert (register_digest(by_hand.tenant), sent(by_hand.tenant)) == before
