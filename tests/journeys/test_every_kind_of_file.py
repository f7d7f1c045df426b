"""Files of every kind of misbehaviour, through the real drop zone and the real intake, beside what their index says."""

import csv
import io
import json
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import count
from time import time

import pytest
from python_calamine import CalamineWorkbook

from family_exchange.adapters import database, expectations, ledger, profiles
from family_exchange.adapters.ledger import File
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import synthetic, world
from family_exchange.demo.synthetic import Misbehaviour, PartnerFile
from family_exchange.demo.synthetic.mischief import rows_of
from family_exchange.domain.file import State, Verdict
from family_exchange.domain.findings import Severity
from family_exchange.domain.versions import AgreedVersion
from family_exchange.stages import rounds
from family_exchange.stages.office import CouncilOffice
from support import faults
from support.journeys import TODAY

BUNDLE = "childrens_social_care"
FEEDS = {BUNDLE, "police_incidents", "school_attendance", "housing_tenancies", "direct_referrals", "school_exclusions"}
"""What is connected: everything that the demo connects, one feed as a bundle, and two feeds more."""
PEOPLE = 800
"""Enough for files that others can be held against."""


def connected(profile):
    """The profile as it would be if `FEEDS` were connected, and social care had moved to bundles."""
    versions = {BUNDLE: (AgreedVersion(version="v2"),)}
    partners = []
    for partner in profile.partners:
        calendars = {
            feed: each.model_copy(update={"active": feed in FEEDS}) for feed, each in partner.calendars.items()
        }
        agreed = {feed: versions[feed] for feed in partner.feeds if feed in versions}
        partners.append(partner.model_copy(update={"calendars": calendars, "versions": agreed}))
    return profile.model_copy(update={"partners": tuple(partners)})


@dataclass(frozen=True)
class Sent:
    """One file that was sent, and what became of it."""

    file: PartnerFile
    said: dict
    """Its line in `files.csv`."""
    wrong: set
    """Its `(table, row, rule)` in `findings.csv`."""
    ledger: File
    found: list
    receipt: dict
    book: bytes | None


@pytest.fixture(scope="module")
def tenant():
    profile = profiles.profile(profiles.demo_council())
    with world.standing((profile.council,), people=synthetic.FEWEST, seed=7, today=TODAY) as stage:
        (tenant,) = stage.tenants
        made = synthetic.everything(profile, people=PEOPLE, seed=7, today=TODAY, all_feeds=True)
        files = [file for file in made.files if file.feed in FEEDS and (file.feed, file.contract) != (BUNDLE, "v1")]
        doors = replace(tenant.doors, profile=connected(profile))
        yield replace(tenant, doors=doors, made=replace(made, files=tuple(files)))


@pytest.fixture(scope="module")
def sent(tenant, tmp_path_factory):
    """Every file, dropped in the order of the index, taken in and answered."""
    world.drop(tenant)
    moments = count(time() - 2 * len(tenant.made.files))
    for file, moment in zip(tenant.made.files, moments, strict=False):  # SFTP tells whole seconds, and we are faster
        os.utime(faults.place(tenant, file.partner, file.feed) / file.name, (moment, moment))
    with CouncilOffice(tenant.doors).kept_open() as office:
        for feed in tenant.doors.profile.active_feeds:
            while rounds.once(office, feed):
                pass
    return list(became(tenant, tmp_path_factory.mktemp("index")))


def became(tenant, index):
    synthetic.write(tenant.made, index)
    said = {(row["partner"], row["feed"], row["name"]): row for row in listed(index / "files.csv")}
    wrong = defaultdict(set)
    for row in listed(index / "findings.csv"):
        wrong[row["partner"], row["feed"], row["name"]].add((row["table"], int(row["row"]), row["rule"]))
    with database.transaction(tenant.doors.database) as connection:
        known = {(file.partner, file.feed, file.name_bytes.decode()): file for file in ledger.files(connection)}
        assert known.keys() == said.keys()
        found = {file.file_id: ledger.findings(connection, file.file_id) for file in known.values()}
    answers = {slug: answers_to(tenant, slug) for slug in tenant.partners}
    for file in tenant.made.files:
        key = file.partner, file.feed, file.name
        file_id, answered = known[key].file_id, answers[file.partner]
        receipt = json.loads(answered[f"{file_id}.json.pgp"])
        book = answered.get(f"{file_id}.xlsx.pgp")
        yield Sent(file, said[key], wrong[key], known[key], found[file_id], receipt, book)


def listed(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def answers_to(tenant, slug):
    """Everything in the partner's folder of receipts, as it opens it with its own key and over its own log-in."""
    partner = tenant.partners[slug]
    with DropZone(partner.endpoint) as zone:
        sealed = {
            entry.name.decode(): zone.read(f"/receipts/{entry.name.decode()}") for entry in zone.list("/receipts")
        }
    council = tenant.doors.settings.own_key
    return {name: bytes(partner.openpgp.open_signed(each, council)) for name, each in sealed.items()}


def rules_left_out(tenant, file):
    """The rules that read a column which the council may not have: the platform never sees what they are about."""
    contract = profiles.contract(file.feed, file.contract)
    left_out = set()
    for part in [contract.of_table(table.name) for table in contract.tables] or [contract]:
        gone = {each.name for each in part.columns if not tenant.doors.profile.collects(each.data_class)}
        suite = expectations.load_suite(part.feed, part.suite)
        kept = {each.meta.rule for each in suite.without(frozenset(gone), part).expectations}
        left_out |= {each.meta.rule for each in suite.expectations} - kept
    return left_out


def sheet(book, name):
    """The lines of a sheet by their headings."""
    heading, *lines = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_name(name).to_python()
    return [dict(zip(heading, line, strict=True)) for line in lines]


def own(sent, sample):
    """The partner's other files of the same feed, by what is wrong with them."""
    return {
        each.file.misbehaviour: each.ledger.file_id
        for each in sent
        if (each.file.partner, each.file.feed) == (sample.file.partner, sample.file.feed)
    }


def test_every_kind_of_misbehaviour_is_among_the_files(sent):
    assert {each.file.misbehaviour for each in sent} == {None, *Misbehaviour}
    assert {each.file.feed for each in sent} == FEEDS


def test_every_file_ends_where_its_index_says(sent):
    ended = {each.file.name: (each.ledger.state, each.ledger.reason or "") for each in sent}
    assert ended == {each.file.name: (each.said["ends"], each.said["reason"]) for each in sent}


def test_a_file_that_repeats_another_comes_after_it_or_contradicts_it_names_it(sent):
    for each in sent:
        others = own(sent, each)
        named = each.ledger.duplicate_of, each.ledger.superseded_by, each.ledger.conflicts_with
        standing = others[Misbehaviour.NEXT_SEQUENCE]
        assert named == {
            Misbehaviour.SENT_TWICE: (others[None], None, None),
            Misbehaviour.OLDER_SEQUENCE: (None, standing, None),
            Misbehaviour.SAME_SEQUENCE: (None, None, standing),
        }.get(each.file.misbehaviour, (None, None, None)), each.file.name
        assert (each.receipt["duplicate_of"], each.receipt["superseded_by"], each.receipt["conflicts_with"]) == named


NOT_LOOKED_INTO = {Misbehaviour.SENT_TWICE, Misbehaviour.UNSIGNED, Misbehaviour.CUT_SHORT}
"""What is known already, or cannot be trusted, is not read."""


def test_the_ledger_holds_the_findings_of_the_index(tenant, sent):
    told = 0
    for each in sent:
        left_out = rules_left_out(tenant, each.file)
        expected = {(table, row, rule) for table, row, rule in each.wrong if rule not in left_out}
        if each.file.misbehaviour in NOT_LOOKED_INTO:
            expected = set()
        in_rows = {
            (found.table_name or "", found.row_no, found.rule)
            for found in each.found
            if found.row_no is not None and not found.rule.startswith("ACROSS-")  # what other feeds know is in no file
        }
        assert in_rows == expected, each.file.name
        told += len(expected)
    assert told > 200


def test_only_files_that_are_held_have_a_finding_about_the_file_as_a_whole(sent):
    held = {Misbehaviour.SHRUNK, Misbehaviour.DRIFTED_CODE, Misbehaviour.EMPTIED_COLUMN}
    for each in sent:
        whole = {found.severity for found in each.found if found.row_no is None}
        assert whole == ({Severity.HOLD} if each.file.misbehaviour in held else set()), each.file.name


def test_each_receipt_says_what_the_ledger_says_and_what_to_do(sent):
    for each in sent:
        receipt, file = each.receipt, each.ledger
        assert (receipt["name"], receipt["file"], receipt["state"]) == (each.file.name, file.file_id, file.state)
        assert (receipt["reason"], receipt["verdict"]) == (file.reason, file.verdict)
        assert receipt["sha256"] == file.ct_sha256.hex()
        assert receipt["what_to_do"].startswith("Nothing to do") == (
            file.state in {State.DUPLICATE, State.SUPERSEDED}
            or (file.state is State.CLOSED and file.verdict is Verdict.ACCEPTED)
        ), each.file.name
        assert [(line["table"], line["row"], line["column"], line["rule"]) for line in receipt["findings"]] == [
            (found.table_name, found.row_no, found.column_name, found.rule)
            for found in each.found
            if found.severity != Severity.NOTE
        ], each.file.name


def test_each_workbook_shows_what_its_receipt_says(sent):
    books = [each for each in sent if each.book]
    assert {each.file.feed for each in books} == FEEDS
    for each in sent:
        assert (each.receipt["workbook"] is not None) == (each.book is not None)
        assert each.book is not None or not each.receipt["findings"]
    for each in books:
        lines = sheet(each.book, "Rows")
        assert [(shown(line["Row"]), line["Column"] or None, line["Rule"], line["Row loaded"]) for line in lines] == [
            (told["row"], told["column"], told["rule"], "yes" if told["loaded"] else "no")
            for told in each.receipt["findings"]
        ], each.file.name
        assert [line.get("Table") or None for line in lines] == [told["table"] for told in each.receipt["findings"]]


def shown(number):
    return int(number) if number != "" else None


def test_a_workbook_names_each_row_by_the_partners_own_reference(sent):
    looked_at = 0
    for each in sent:
        contract = profiles.contract(each.file.feed, each.file.contract)
        if each.book is None or contract.tables:
            continue
        rows = rows_of(each.file.content, contract.file.delimiter)
        keys = [contract.column(key).name for key in contract.key]
        for line in sheet(each.book, "Rows"):
            if line["Row"] != "":
                assert [str(line[key]).strip() for key in keys] == [
                    rows[int(line["Row"]) - 1][key].strip() for key in keys
                ]
                looked_at += 1
    assert looked_at > 200


def test_afterwards_everything_is_at_rest(tenant, sent):
    for feed in sorted(FEEDS):
        faults.assert_at_rest(tenant, feed)
