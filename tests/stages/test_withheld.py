"""An address that must stay secret, sent nevertheless: it is kept nowhere, and its sender is told."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from family_exchange.adapters import database, ledger, profiles, tabular
from family_exchange.adapters.sftp import DropZone
from family_exchange.adapters.sheet import Sheet
from family_exchange.demo import world
from family_exchange.domain.file import State
from family_exchange.domain.findings import WITHHELD, Findings, Severity
from family_exchange.stages import acknowledge, check, intake, match, receive, register, validate
from support import containers
from support import safeguarding as a

FEED, TODAY = "police_domestic_abuse", date(2026, 11, 22)
WITH_SECRETS = ["domestic_abuse_support", FEED]
ADDRESS = ("address_line_1", "address_line_2", "town", "postcode")
SECRET = ("7 Zzsecret Refuge", "Zzsecret", "Zzsecretton", "M1 1AE")
KNOWN = ("8 Zztwin Street", "Zztwin", "Zztwinton", "M1 1AD")
NOTHING = (None, None, None, None)


def row(feed, ref, flag, address):
    """A good row under that reference, with that flag and that address."""
    sample = (profiles.places.EXPECTATIONS / feed / "v1.good.csv").read_text(encoding="utf-8").split("\n", 1)[1]
    first = next(csv.DictReader(io.StringIO(sample)))
    ref_column = profiles.contract(feed).column("record_ref").name
    named = {"surname": f"Testperson-{ref}", ref_column: ref, "address_withheld": flag}
    return {**first, **named, **dict(zip(ADDRESS, address, strict=True))}


def plaintext(feed, *rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    covers = "as_of=2026-10-31 coverage_from=2026-04-01 coverage_to=2026-10-31"
    return f"#family-exchange feed={feed} contract=v1 {covers}\n{text.getvalue()}".encode()


def checked(feed, *rows):
    return validate.table(plaintext(feed, *rows), profiles.contract(feed), None)


def addresses(validated):
    return validated.accepted.whole().select(ADDRESS).rows()


@pytest.mark.requirement("R-028")
@pytest.mark.parametrize("feed", WITH_SECRETS)
def test_a_withheld_address_is_emptied_and_told_and_its_row_and_its_twin_stay(feed):
    found = checked(feed, row(feed, "P1", "Y", SECRET), row(feed, "P2", "N", KNOWN), row(feed, "P3", "Y", [""] * 4))
    assert addresses(found) == [NOTHING, KNOWN, NOTHING]
    assert [(each.row_no, each.column, each.rule, each.severity) for each in found.findings] == [
        (1, "address_withheld", WITHHELD, Severity.WARNING)
    ]


@pytest.mark.parametrize("feed", WITH_SECRETS)
@pytest.mark.parametrize("place", range(len(ADDRESS)))
def test_any_part_of_an_address_is_withheld(feed, place):
    part = [text if number == place else "" for number, text in enumerate(SECRET)]
    found = checked(feed, row(feed, "P1", "Y", part))
    assert addresses(found) == [NOTHING]
    assert [each.rule for each in found.findings] == [WITHHELD]


@pytest.mark.parametrize("feed", WITH_SECRETS)
@pytest.mark.parametrize("flag", ["", "yes", "y", "TRUE", "1", "-"])
def test_a_flag_that_does_not_say_yes_or_no_costs_the_row(feed, flag):
    found = checked(feed, row(feed, "P1", flag, SECRET), row(feed, "P2", "N", KNOWN))
    assert addresses(found) == [KNOWN]
    assert WITHHELD not in found.findings.by_rule()


@pytest.mark.parametrize(("flag", "kept"), [("Y", NOTHING), ("", NOTHING), ("yes", NOTHING), ("N", KNOWN)])
def test_what_is_withheld_hangs_on_no_rule(flag, kept):
    contract = profiles.contract(FEED)
    sheet = Sheet(tabular.read(plaintext(FEED, row(FEED, "P1", flag, KNOWN)), contract), frozenset(), None)
    assert sheet.accepted(Findings(1)).whole().select(ADDRESS).rows() == [kept]


def test_without_its_flag_no_address_comes_in():
    contract = profiles.contract(FEED)
    table = tabular.read(plaintext(FEED, row(FEED, "P1", "N", KNOWN)), contract)
    sheet = Sheet(table, frozenset({"address_withheld"}), None)
    assert sheet.accepted(Findings(1)).whole().select(ADDRESS).rows() == [NOTHING]


@pytest.mark.requirement("R-028")
def test_a_placement_that_must_stay_secret_is_in_no_row_of_a_bundle_and_an_earlier_home_does_not_stand_in_for_it():
    def lived(key, person, since, postcode, town, flag):
        return {
            "addr_table_id": key, "addr_person_id": person, "addr_address_start_date": since,
            "addr_address_postcode": postcode, "addr_address_json": json.dumps({"TOWN": town}),
            "addr_address_withheld": flag,
        }  # fmt: skip

    rows = a.tables(
        person=[a.person("P1"), a.person("P2")],
        address=[
            lived("A1", "P1", "2020-01-01", "M1 1AD", "Zztwinton", "N"),
            lived("A2", "P1", "2026-01-01", "M1 1AE", "Zzsecretton", "Y"),
            lived("A3", "P2", "2026-01-01", "M1 1AD", "Zztwinton", ""),
        ],
    )
    found = validate.table(a.bundle(rows), a.contract(), None)
    kept = {each["record_ref"]: (each["town"], each["postcode"]) for each in found.accepted.whole().rows(named=True)}
    assert kept == {"P1": (None, None), "P2": ("Zztwinton", "M1 1AD")}
    assert [(each.table, each.row_no, each.rule) for each in found.findings] == [("ssd_address", 2, WITHHELD)]


def test_a_table_of_a_bundle_has_a_flag_of_its_own():
    contract = a.contract()
    flags = {table.name: contract.of_table(table.name).withholding for table in contract.tables}
    assert {name for name, flag in flags.items() if flag} == {"ssd_address"}


def test_a_bundle_from_a_system_without_such_a_flag_is_read_as_before():
    rows = a.tables(person=[a.person("P1")], address=[{
        "addr_table_id": "A1", "addr_person_id": "P1", "addr_address_start_date": "2020-01-01",
        "addr_address_postcode": "M1 1AD",
    }])  # fmt: skip
    texts = {f"{table}.csv": a.as_csv(table, each) for table, each in rows.items()}
    assert texts["ssd_address.csv"].count(",addr_address_withheld\n") == 1
    texts["ssd_address.csv"] = texts["ssd_address.csv"].replace(",addr_address_withheld\n", "\n").replace(",\n", "\n")
    found = validate.table(containers.archive({**texts, "manifest.txt": a.MANIFEST}), a.contract(), None)
    assert found.accepted.whole()["postcode"].to_list() == ["M1 1AD"]
    assert list(found.findings) == []


def test_the_partners_own_check_tells_it_too_and_repeats_nothing():
    said = check.file(plaintext(FEED, row(FEED, "P1", "Y", SECRET)), FEED, profile=None, name="x.csv", signed_on=TODAY)
    told = json.dumps(said.receipt)
    assert WITHHELD in told
    assert "it was not kept. Send it empty" in told
    assert said.workbook
    assert "Zzsecret" not in told


# --- from the landing folder to the register ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=200, seed=3, today=TODAY) as stage:
        yield stage.tenants[0]


@pytest.fixture
def doors(tenant):
    """The council's doors, with every feed that is agreed connected."""
    profile = tenant.doors.profile
    connected = tuple(partner.model_copy(update={"calendars": {}}) for partner in profile.partners)
    return replace(tenant.doors, profile=profile.model_copy(update={"partners": connected}))


def everything_kept(connection):
    """`table or view → its rows as text`, of all there are."""
    tables = connection.execute(
        """SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
            WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""
    ).fetchall()
    return {name: str(connection.execute(f"SELECT t::text FROM {name} t").fetchall()) for (name,) in tables}


def unpacked(workbook):
    """Every part of a workbook, one after the other."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def told(tenant, partner, name):
    with DropZone(partner.endpoint) as zone:
        return partner.openpgp.open_signed(zone.read(f"/receipts/{name}"), tenant.doors.settings.own_key)


@pytest.mark.requirement("R-028")
def test_a_withheld_address_is_in_no_table_no_receipt_and_no_workbook_and_its_twin_is_in_the_register(tenant, doors):
    police = tenant.partners["police"]
    content = plaintext(FEED, row(FEED, "P1", "Y", SECRET), row(FEED, "P2", "N", KNOWN))
    with DropZone(police.endpoint) as zone:
        zone.upload_new(f"/{FEED}", "da.csv.pgp", police.openpgp.seal(content, recipient=doors.settings.own_key))
    (file_id,) = receive.find(doors, FEED, settle=0.05)
    intake.take_in(doors, file_id, at=datetime.now(UTC))
    acknowledge.partner(doors, file_id)
    match.people(doors)
    register.families(doors, today=TODAY)
    with database.transaction(doors.database) as connection:
        file, kept = ledger.read(connection, file_id), everything_kept(connection)
    assert (file.state, file.rows_loaded, file.rows_with_finding) == (State.CLOSED, 1, 1)
    assert {table for table, text in kept.items() if "zzsecret" in text.lower() or "M1 1AE" in text} == set()
    assert "register.source_record" in {table for table, text in kept.items() if "Zztwin" in text}
    receipt = told(tenant, police, f"{file_id}.json.pgp").decode()
    workbook = unpacked(told(tenant, police, f"{file_id}.xlsx.pgp"))
    assert WITHHELD in receipt
    assert WITHHELD in workbook
    assert not [text for text in (receipt, workbook) if "Zzsecret" in text or "M1 1AE" in text]
