"""What a partner finds in its folder after each try, beside what its own check had said of the same file."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest
from python_calamine import CalamineWorkbook

from family_exchange.adapters import database, expectations, ledger, profiles
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import world
from family_exchange.domain.file import Reason, State
from family_exchange.stages import acknowledge, check, intake, receive

FEED = "police_incidents"


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=200, seed=3, today=date(2026, 11, 22)) as stage:
        yield stage.tenants[0]


def sample(which, feed=FEED):
    return (expectations.ROOT / feed / f"v1.{which}.csv").read_text(encoding="utf-8")


def of_day(text, day, **words):
    """The sample as a file of its own: it speaks of that day, and says what the words say."""
    rows = list(csv.reader(io.StringIO(text.partition("\n")[2])))
    said = "".join(f" {key}={value}" for key, value in words.items())
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return f"#family-exchange as_of={day}{said}\n{table.getvalue()}".encode()


class Answered:
    """One file that was sent, and what came back."""

    def __init__(self, tenant, content, *, name, feed=FEED):
        (partner,) = [tenant.partners[each.slug] for each in tenant.doors.profile.partners_for(feed)]
        with DropZone(partner.endpoint) as zone:
            sealed = partner.openpgp.seal(content, recipient=tenant.doors.settings.own_key)
            zone.upload_new(f"/{feed}", ".on-its-way.part", sealed)
            zone.rename(f"/{feed}", ".on-its-way.part", name)
        (file_id,) = receive.find(tenant.doors, feed, settle=0.05)
        intake.take_in(tenant.doors, file_id, at=datetime.now(UTC))
        acknowledge.partner(tenant.doors, file_id)
        with database.transaction(tenant.doors.database) as connection:
            self.file = ledger.read(connection, file_id)
            self.found = ledger.findings(connection, file_id)
        with DropZone(partner.endpoint) as zone:

            def opened(end):
                sealed = zone.read(f"/receipts/{file_id}.{end}.pgp")
                return bytes(partner.openpgp.open_signed(sealed, tenant.doors.settings.own_key))

            self.receipt = json.loads(opened("json"))
            self.book = opened("xlsx") if self.receipt["workbook"] else None
        self.check = check.file(
            content, feed, profile=tenant.doors.profile, name=name, signed_on=self.file.signed_at.astimezone(UTC).date()
        )  # fmt: skip

    def sheet(self, name):
        return CalamineWorkbook.from_filelike(io.BytesIO(self.book)).get_sheet_by_name(name).to_python()


CASES = {
    "good": lambda feed: of_day(sample("good", feed), "2026-11-01"),
    "bad": lambda feed: of_day(sample("bad", feed), "2026-11-02"),
    "no first line": lambda feed: sample("bad", feed).partition("\n")[2].encode(),
    "another layout": lambda _: b"a,b\n1,2\n",
    "an open quote": lambda feed: of_day(sample("good", feed), "2026-11-03") + b'"',
    "not text": lambda _: bytes(range(128, 256)),
    "nothing": lambda _: b"\n",
    "too few rows": lambda feed: of_day(sample("good", feed), "2026-11-04", rows=999),
    "another council": lambda feed: of_day(sample("good", feed), "2026-11-05", council="elsewhere"),
    "only a header": lambda feed: sample("good", feed).split("\n")[1].encode(),
}


@pytest.mark.parametrize("feed", [FEED, "school_attendance", "housing_tenancies"])
@pytest.mark.parametrize("case", CASES)
def test_the_platform_stores_and_answers_what_the_partners_check_said(tenant, case, feed):
    answered = Answered(tenant, CASES[case](feed), name=f"{case}.pgp".replace(" ", "-"), feed=feed)
    file, about, receipt = answered.file, answered.check.about, answered.receipt
    assert (file.verdict, file.reason) == (about.verdict, about.reason)
    counts = (file.rows_read, file.rows_loaded, file.rows_with_finding, file.rows_refused, file.columns_dropped)
    said = about.counts
    assert counts == (
        (said.read, said.loaded, said.with_finding, said.refused, said.columns_dropped) if said else (None,) * 5
    )
    mine = answered.check.receipt
    assert [(each.row_no, each.column_name, each.rule, each.severity) for each in answered.found] == [
        (each["row"], each["column"], each["rule"], each["severity"]) for each in mine["findings"]
    ]
    same = ["feed", "verdict", "reason", "detail", "rows", "columns_not_taken", "findings"]
    same += ["contract", "says"] if said else []
    assert {key: receipt[key] for key in same} == {key: json.loads(json.dumps(mine[key])) for key in same}


def test_the_workbook_beside_a_receipt_is_the_one_that_the_check_would_write(tenant):
    answered = Answered(tenant, of_day(sample("bad"), "2026-11-11"), name="book.pgp")
    assert answered.receipt["workbook"] == f"{answered.file.file_id}.xlsx.pgp"
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(answered.check.workbook)).get_sheet_by_name("Rows").to_python()
    assert answered.sheet("Rows") == theirs
    facts = {line[0]: line[1] for line in answered.sheet("Summary")}
    assert facts["File"] == "book.pgp"
    assert facts["File number"] == answered.file.file_id


def test_a_good_file_that_mends_nothing_gets_no_workbook(tenant):
    first = Answered(tenant, of_day(sample("good"), "2026-11-12", sequence=51), name="fine.pgp")
    second = Answered(tenant, of_day(sample("good"), "2026-11-12", sequence=52), name="fine-too.pgp")
    assert second.receipt["changes"]["since"]["file"] == first.file.file_id
    assert second.receipt["changes"]["fixed"] == 0
    assert second.book is None


def test_the_sealed_workbook_is_in_the_vault_and_nowhere_in_the_clear(tenant):
    answered = Answered(tenant, of_day(sample("bad"), "2026-11-13"), name="vault.pgp")
    kept = tenant.doors.vault.path(answered.file.workbook_sha256)
    assert kept.exists()
    assert b"PK\x03\x04" not in kept.read_bytes()[:64]


def mended(text, *, row, column, value):
    """The sample with one cell changed."""
    first, header, *rows = text.splitlines()
    table = list(csv.reader([header, *rows]))
    table[row][table[0].index(column)] = value
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(table)
    return f"{first}\n{written.getvalue()}"


def test_after_a_resend_the_partner_reads_what_was_fixed_is_still_wrong_and_is_new(tenant):
    first = Answered(tenant, of_day(sample("bad"), "2026-11-21", sequence=71), name="first.pgp")
    better = mended(mended(sample("bad"), row=5, column="role", value="victim"), row=37, column="role", value="")
    second = Answered(tenant, of_day(better, "2026-11-21", sequence=72), name="second.pgp")
    changed = second.receipt["changes"]
    assert changed["since"]["file"] == first.file.file_id
    assert (changed["fixed"], changed["still_wrong"], changed["new"]) == (1, len(first.found) - 1, 1)
    by_what = {line[0]: line for line in second.sheet("Changes")[1:] if line[0] != "still wrong"}
    assert by_what["fixed"][1] == 5.0
    assert by_what["new"][1] == 37.0
    assert by_what["new"][2:4] != ["", ""]


def test_after_a_refusal_the_partner_reads_that_its_reason_is_gone(tenant):
    refused = Answered(tenant, b"a,b,c\n1,2,3\n", name="other-layout.pgp", feed="school_attendance")
    assert refused.file.reason is Reason.SCHEMA
    assert "pupil_ref" in refused.receipt["detail"]
    good = Answered(
        tenant, of_day(sample("good", "school_attendance"), "2026-11-17"), name="layout.pgp", feed="school_attendance"
    )
    assert good.file.state is State.CLOSED
    assert good.receipt["changes"]["since"]["file"] == refused.file.file_id
    assert good.receipt["changes"]["reason_no_longer_applies"] == "SCHEMA"


def test_a_receipt_names_what_was_signed_and_how_it_was_understood(tenant):
    answered = Answered(
        tenant, of_day(sample("good"), "2026-11-23", area="E08000036", sequence=90), name="understood.pgp"
    )
    receipt = answered.receipt
    assert receipt["receipt"] == 2
    assert receipt["says"] | {"coverage_from": None, "coverage_to": None} == receipt["says"]
    assert (receipt["says"]["area"], receipt["says"]["sequence"]) == ("E08000036", 90)
    assert receipt["signer"] == answered.file.signer
    assert receipt["sha256"] == answered.file.ct_sha256.hex()
    assert receipt["audit"]["seq"] > 0
