"""The partner's own check and the platform never differ, whatever the bytes."""

import csv
import io
import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from family_exchange.adapters import containers, expectations, profiles
from family_exchange.domain import versions
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason, Verdict
from family_exchange.domain.versions import AgreedVersion
from family_exchange.stages import check, unseal, validate
from support import mutations, safeguarding

FEEDS = profiles.feeds()
SIGNED = date(2026, 11, 20)
COUNCIL = profiles.profile(profiles.demo_council())
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def checked(content, feed="police_incidents", profile=None, **options):
    return check.file(content, feed, profile=profile, name="a file.csv", signed_on=SIGNED, **options)


def sample(feed, which):
    return (expectations.ROOT / feed / f"v1.{which}.csv").read_bytes()


def on_the_platform(content, feed, profile):
    """Verdict, reason, counts and findings as intake comes to them once the seal is open."""
    try:
        said = containers.manifest_of(content).contract
        version = versions.chosen(said, (), profiles.versions(feed), SIGNED)
        found = validate.table(content, profiles.contract(feed, version), profile, received_on=SIGNED).findings
    except DataRefused as refusal:
        return Verdict.REFUSED, refusal.reason, None, []
    verdict = found.verdict()
    counts = (found.rows_read, found.rows_loaded, found.rows_with_finding, found.rows_refused)
    told = [(each.table, each.row_no, each.column, each.rule, each.severity) for each in found]
    return verdict, Reason.CONTENT if verdict is Verdict.REFUSED else None, counts, told


def by_the_check(content, feed, profile):
    receipt = checked(content, feed, profile).receipt
    rows = receipt["rows"]
    counts = (rows["read"], rows["loaded"], rows["loaded_with_finding"], rows["refused"])
    told = [tuple(each[key] for key in ("table", "row", "column", "rule", "severity")) for each in receipt["findings"]]
    return receipt["verdict"], receipt["reason"], counts if rows["read"] is not None else None, told


@pytest.mark.parametrize("profile", [None, COUNCIL], ids=["no council", "a council"])
@pytest.mark.parametrize("feed", FEEDS)
def test_the_check_of_a_mutated_file_says_what_the_platform_says(feed, profile):
    @settings(UNHURRIED, max_examples=25)
    @given(mutations.mutated(feed))
    def law(content):
        assert by_the_check(content, feed, profile) == on_the_platform(content, feed, profile)

    law()


@settings(UNHURRIED, max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(FEEDS))
def test_no_bytes_make_the_check_fail(content, feed):
    assert checked(content, feed).about.verdict is Verdict.REFUSED


@pytest.mark.parametrize("feed", FEEDS)
def test_a_good_file_is_accepted_and_needs_no_workbook(feed):
    good = checked(sample(feed, "good"), feed)
    assert good.about.verdict is Verdict.ACCEPTED
    assert good.workbook is None
    assert good.receipt["findings"] == []


@pytest.mark.parametrize("feed", FEEDS)
def test_the_workbook_of_a_bad_file_has_a_line_for_each_finding(feed):
    bad = checked(sample(feed, "bad"), feed)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(bad.workbook))
    heading, *lines = workbook.get_sheet_by_name("Rows").to_python()
    place = {name: number for number, name in enumerate(heading)}
    shown = [(line[0] or None, line[place["Column"]] or None, line[place["Rule"]], line[-1]) for line in lines]
    told = [
        (each["row"], each["column"], each["rule"], "yes" if each["loaded"] else "no")
        for each in bad.receipt["findings"]
    ]
    assert shown == told
    assert len(told) == len(bad.validated.findings) > 0


def test_a_row_is_told_by_the_partners_own_reference():
    bad = checked(sample("police_incidents", "bad"))
    heading, *lines = CalamineWorkbook.from_filelike(io.BytesIO(bad.workbook)).get_sheet_by_name("Rows").to_python()
    assert heading[1:3] == ["incident_ref", "person_ref"]
    by_row = {line[0]: line[1:3] for line in lines}
    assert by_row[5.0] == ["INC-005", "P005"]
    assert by_row[1.0][0] == ""


def test_a_row_of_a_bundle_is_told_with_its_table():
    episode = {"cine_referral_id": "C1", "cine_person_id": "P9", "cine_referral_date": "2026-01-05"}
    rows = safeguarding.tables(person=[safeguarding.person("P1")], cin_episodes=[episode])
    bundle = safeguarding.bundle(rows)
    told = checked(bundle, "childrens_social_care")
    book = CalamineWorkbook.from_filelike(io.BytesIO(told.workbook))
    heading, line, *_ = book.get_sheet_by_name("Rows").to_python()
    assert heading[:3] == ["Row", "Table", "your reference"]
    assert line[1:3] == [told.receipt["findings"][0]["table"], "C1"]
    assert book.get_sheet_by_name("Summary").to_python()[-1][3] == line[1]
    assert by_the_check(bundle, "childrens_social_care", None) == on_the_platform(bundle, "childrens_social_care", None)


def test_what_cannot_be_read_says_why_in_the_readers_words():
    refused = checked(b"a,b\n1,2\n").about
    assert (refused.verdict, refused.reason, refused.counts) == (Verdict.REFUSED, Reason.SCHEMA, None)
    assert "incident_ref" in refused.detail
    assert not refused.detail.startswith("SCHEMA")


def test_a_council_that_does_not_take_a_column_in_does_not_look_at_it():
    feed = next(
        feed for feed in COUNCIL.feeds if checked(sample(feed, "good"), feed, COUNCIL).about.counts.columns_dropped
    )
    assert checked(sample(feed, "good"), feed).about.counts.columns_dropped == 0


def test_the_day_of_signing_stands_in_for_a_day_that_the_file_does_not_say():
    content = sample("police_incidents", "good").partition(b"\n")[2]
    assert checked(content).about.as_of == SIGNED
    assert checked(sample("police_incidents", "good")).about.as_of == date(2026, 10, 31)


def test_a_version_that_was_not_agreed_is_refused_as_the_platform_refuses_it():
    agreed = (AgreedVersion(version="v1", until=date(2026, 1, 1)),)
    assert checked(sample("police_incidents", "good"), agreed=agreed).about.reason is Reason.SCHEMA
    assert checked(sample("police_incidents", "good"), agreed=(AgreedVersion(version="v1"),)).about.reason is None


@pytest.mark.parametrize("armoured", [True, False])
def test_a_file_that_is_sealed_already_is_not_checked(armoured):
    sealed = b"-----BEGIN PGP MESSAGE-----\n\nwV4D\n" if armoured else b"\x85\x01\x0c\x03" + b"\0" * 300
    refused = checked(sealed).about
    assert refused.reason is Reason.CONTENT
    assert "before it is sealed" in refused.detail


def test_a_file_beyond_the_cap_is_refused_unread(monkeypatch):
    monkeypatch.setattr(unseal, "LARGEST_PLAINTEXT", 100)
    assert checked(sample("police_incidents", "good")).about.reason is Reason.TOO_LARGE
    assert checked(b"a" * 100).about.reason is not Reason.TOO_LARGE


@pytest.mark.parametrize("feed", FEEDS)
def test_no_value_of_a_file_is_in_its_receipt_or_in_what_is_printed(feed):
    first, header, *rows = sample(feed, "bad").decode().splitlines()
    table = csv.reader(rows)
    marked = [[f"Canary-{number}" if number % 2 else cell for number, cell in enumerate(cells)] for cells in table]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(marked)
    told = checked(f"{first}\n{header}\n{text.getvalue()}".encode(), feed)
    assert told.receipt["findings"]
    for said in (json.dumps(told.receipt), repr(told), repr(told.validated)):
        assert "Canary" not in said
        assert "Testperson" not in said


def test_a_second_check_gives_the_same_bytes():
    content = sample("police_incidents", "bad")
    assert checked(content).workbook == checked(content).workbook
