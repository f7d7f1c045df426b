"""What a partner was answered leaves the drop zone with the file that it was about."""

from datetime import date

import pytest

from family_exchange.adapters import database, retention
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import State
from family_exchange.stages import certificate, purge
from support import periods
from support.periods import FEED, area, police, send, tenant

__all__ = ["area", "police", "send", "tenant"]

OFFICER = "protection.officer"
LATER = date(2027, 11, 22)


def lying(police):
    with DropZone(police.endpoint) as zone:
        return {entry.name.decode() for entry in zone.list("/receipts")}


def approved(tenant):
    plan_id = purge.plan(tenant.doors, today=LATER)
    purge.approve(tenant.doors, plan_id, by=OFFICER)
    return plan_id


def test_receipt_and_workbook_go_with_their_file_and_those_of_a_held_file_stay(tenant, police, send):
    files = [send(periods.table(FEED, 3, first=first, sex="?")) for first in (1, 101)]
    names = [{f"{file.file_id}.json.pgp", f"{file.file_id}.xlsx.pgp"} for file in files]
    assert lying(police) == names[0] | names[1]
    assert {file.state for file in files} <= {State.CLOSED, State.QUARANTINED}
    with database.transaction(tenant.doors.database) as connection:
        retention.place_hold(connection, "file", files[0].file_id, by=OFFICER, reason="an inquiry asks for it")
    plan_id = approved(tenant)
    assert purge.destroy(tenant.doors, plan_id)["file"] == 1
    assert lying(police) == names[0]
    assert certificate.issue(tenant.doors, plan_id)

    with database.transaction(tenant.doors.database) as connection:
        retention.release_hold(connection, 1, by=OFFICER)
    plan_id = approved(tenant)
    assert purge.destroy(tenant.doors, plan_id)["file"] == 1
    assert lying(police) == set()
    with DropZone(police.endpoint) as zone:
        zone.upload_new("/receipts", f"{files[0].file_id}.json.pgp", b"restored from a backup")
    with pytest.raises(NeedsDecision, match="left something in receipts"):
        certificate.issue(tenant.doors, plan_id)
