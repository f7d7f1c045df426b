"""A bundle of tables: what is found between them, and the rows that they are joined to."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from family_exchange.adapters import profiles
from family_exchange.domain.column import DataClass
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Verdict
from family_exchange.stages import validate
from support import containers
from support import safeguarding as a

AS_OF = date(2026, 10, 31)


def checked(rows, profile=None, **kwargs):
    return validate.table(a.bundle(rows, **kwargs), a.contract(), profile)


def joined(rows, profile=None):
    return checked(rows, profile).accepted.whole().rows(named=True)


def found(rows):
    return [(each.table, each.row_no, each.rule) for each in checked(rows).findings]


def cin(key, person, start="2026-01-05", end=""):
    return {"cine_referral_id": key, "cine_person_id": person, "cine_referral_date": start, "cine_close_date": end}


def number(key, person, kind, value, **cells):
    return {
        "link_table_id": key, "link_person_id": person, "link_identifier_type": kind, "link_identifier_value": value,
        **cells,
    }  # fmt: skip


def address(key, person, start, end="", postcode="", json=""):
    return {
        "addr_table_id": key, "addr_person_id": person, "addr_address_start_date": start, "addr_address_end_date": end,
        "addr_address_postcode": postcode, "addr_address_json": json,
    }  # fmt: skip


def test_a_person_without_episodes_gives_one_row():
    (row,) = joined(a.tables(person=[a.person("P1")]))
    assert (row["row_no"], row["record_ref"], row["event_ref"], row["event_on"]) == (1, "P1", None, None)


def test_a_person_has_one_row_with_the_latest_episode_of_each_table_and_one_for_each_earlier_one():
    plan = {"cppl_cp_plan_id": "K1", "cppl_person_id": "P1", "cppl_cp_plan_start_date": "2026-02-01"}
    rows = a.tables(
        person=[a.person("P1"), a.person("P2")],
        cin_episodes=[cin("C2", "P1"), cin("C1", "P1", "2024-01-05", "2024-06-30")],
        cp_plans=[plan],
    )
    own, other, earlier = joined(rows)
    assert (own["event_ref"], own["cine_start_date"], own["cppl_start_date"]) == (
        None, date(2026, 1, 5), date(2026, 2, 1),
    )  # fmt: skip
    assert own["event_on"] == AS_OF
    assert other["record_ref"] == "P2"
    assert (earlier["event_ref"], earlier["surname"]) == ("ssd_cin_episodes:C1", "Testperson-P1")
    assert (earlier["cine_end_date"], earlier["event_on"]) == (date(2024, 6, 30), date(2024, 6, 30))
    assert earlier["cppl_start_date"] is None
    assert earlier["row_no"] == 4


def test_a_workbook_with_a_sheet_for_each_table_gives_the_same_as_the_archive():
    rows = a.tables(person=[a.person("P1")], cin_episodes=[cin("C1", "P1"), cin("C2", "P9")])
    ours, same = checked(rows), validate.table(a.workbook(rows), a.contract(), None)
    assert list(same.findings) == list(ours.findings)
    assert_frame_equal(same.accepted.whole(), ours.accepted.whole())


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("cin_episodes", cin("C1", "P9")),
        ("family", {"fami_table_id": "F1", "fami_family_id": "FAM", "fami_person_id": "P9"}),
        ("address", address("A1", "P9", "2020-01-01")),
        ("linked_identifiers", number("L1", "P9", "NHS Number", "9434765919")),
    ],
)
def test_a_row_of_somebody_who_is_not_among_the_persons_is_refused_in_its_table(table, row):
    rows = a.tables(person=[a.person("P1")], **{table: [row]})
    assert found(rows) == [(f"ssd_{table}", 1, "PERSON")]
    result = checked(rows)
    assert result.findings.verdict() is Verdict.PARTLY_ACCEPTED
    assert result.references == {(f"ssd_{table}", 1): (next(iter(row.values())),)}
    assert [each["record_ref"] for each in joined(rows)] == ["P1"]


def test_who_is_refused_takes_nothing_else_in():
    rows = a.tables(person=[a.person("P1"), a.person("P2", pers_surname="")], cin_episodes=[cin("C1", "P2")])
    assert found(rows) == [("ssd_person", 2, "PERS-031"), ("ssd_cin_episodes", 1, "PERSON")]
    assert len(joined(rows)) == 1


def test_a_merged_duplicate_is_left_out_with_all_that_belongs_to_it():
    merged = a.person("P2", pers_duplicated_dttm="2026-01-01 09:00")
    rows = a.tables(person=[a.person("P1"), merged], cin_episodes=[cin("C1", "P2")])
    assert found(rows) == [("ssd_person", 2, "MERGED"), ("ssd_cin_episodes", 1, "MERGED")]
    assert [each["record_ref"] for each in joined(rows)] == ["P1"]


def test_the_surrogate_for_nothing_is_nothing():
    rows = a.tables(
        person=[a.person("P1")],
        family=[{"fami_table_id": "F1", "fami_family_id": "-1", "fami_person_id": "P1"}],
        cin_episodes=[cin("C1", "-1")],
    )
    assert ("ssd_cin_episodes", 1, "CINE-021") in found(rows)
    assert joined(rows)[0]["household_ref"] is None


@pytest.mark.parametrize("junk", ["XXX XXX", "xxxxxx", "nopostcode", "NOPOSTCODE", "CON", "-1", ""])
def test_a_placeholder_for_a_postcode_is_no_postcode_and_no_finding(junk):
    rows = a.tables(person=[a.person("P1")], address=[address("A1", "P1", "2020-01-01", postcode=junk)])
    assert found(rows) == []
    assert joined(rows)[0].get("postcode") is None


def test_the_address_is_the_latest_that_has_begun_and_not_ended():
    street = '{{"FLAT": "2", "HOUSE": "7", "STREET": "{}", "TOWN": "Testtown", "UPRN": "100023336956", "ROOM": ""}}'
    rows = a.tables(
        person=[a.person("P1")],
        address=[
            address("A1", "P1", "2020-01-01", "", "M1 1AA", street.format("Old Street")),
            address("A2", "P1", "2024-01-01", "", "m601nw", street.format("New Street")),
            address("A3", "P1", "2025-01-01", "2025-12-31", "CR2 6XH", street.format("Short Street")),
            address("A4", "P1", "2027-01-01", "", "CR2 6XH", street.format("Coming Street")),
            address("A5", "P1", "", "", "CR2 6XH", street.format("Undated Street")),
        ],
    )
    (row,) = joined(rows)
    assert (row["address_line_1"], row["address_line_2"], row["town"]) == ("7 New Street", "2", "Testtown")
    assert (row["postcode"], row["uprn"]) == ("M60 1NW", "100023336956")


def test_an_address_that_cannot_be_read_is_left_out_and_named():
    rows = a.tables(person=[a.person("P1")], address=[address("A1", "P1", "2020-01-01", json='{"HOUSE": }')])
    assert found(rows) == [("ssd_address", 1, "UNUSED")]
    assert joined(rows)[0].get("address_line_1") is None


def test_numbers_go_to_their_columns_when_they_are_valid_and_others_are_counted():
    rows = a.tables(
        person=[a.person("P1")],
        linked_identifiers=[
            number("L1", "P1", "NHS Number", "943 476 5919"),
            number("L2", "P1", "National Insurance Number", "ab123456c", link_valid_from_date="2020-01-01"),
            number("L3", "P1", "National Insurance Number", "AB123456D", link_valid_to_date="2019-12-31"),
            number("L4", "P1", "Unique Pupil Number", "A950000178301"),
            number("L5", "P1", "YOT Number", "Y1"),
            number("L6", "P1", "NHS Number", "9434765910"),
            number("L7", "P1", "Unique Pupil Number", "W35020011400A"),
        ],
    )
    (row,) = joined(rows)
    assert (row["nhs_number"], row["nino"], row["upn"]) == ("9434765919", "AB123456C", "A950000178301")
    assert found(rows) == [("ssd_linked_identifiers", row_no, "UNUSED") for row_no in (5, 6, 7)]


@pytest.mark.parametrize(
    ("known", "expected", "born", "estimated"),
    [
        ("2012-02-29", "", date(2012, 2, 29), False),
        ("", "2012-02-15", date(2012, 2, 15), True),
        ("2012-02-29", "2012-02-15", date(2012, 2, 29), False),
        ("", "", None, None),
    ],
)
def test_an_estimated_day_of_birth_is_taken_for_want_of_a_better_one_and_marked(known, expected, born, estimated):
    (row,) = joined(a.tables(person=[a.person("P1", pers_dob=known, pers_expected_dob=expected)]))
    assert (row["date_of_birth"], row["pers_dob_estimated"]) == (born, estimated)


def test_the_manifest_counts_the_rows_of_all_tables():
    rows = a.tables(person=[a.person("P1")], cin_episodes=[cin("C1", "P1")])
    assert checked(rows, manifest=f"{a.MANIFEST} rows=2").said.rows == 2
    with pytest.raises(DataRefused, match="CONTENT: the manifest promises 3 rows; the tables have 2"):
        checked(rows, manifest=f"{a.MANIFEST} rows=3")


def test_a_bundle_needs_no_manifest_but_every_table():
    rows = a.tables(person=[a.person("P1")])
    assert checked(rows, manifest="").said.as_of is None
    without = {name: each for name, each in rows.items() if name != "ssd_missing"}
    with pytest.raises(DataRefused, match=r"SCHEMA: .*missing: ssd_missing.csv"):
        checked(without)


@pytest.mark.parametrize(
    "name", ["ssd_person.CSV", "../ssd_person.csv", "x/ssd_person.csv", "Canary-7f3a.csv", "x.zip"]
)
def test_a_member_of_another_name_is_refused_and_its_name_not_repeated(name):
    members = {f"{table}.csv": a.as_csv(table, []) for table in a.tables()}
    with pytest.raises(DataRefused, match=r"SCHEMA: .*1 with names that the contract does not have") as refusal:
        validate.table(containers.archive({**members, name: "x"}), a.contract(), None)
    assert "Canary" not in str(refusal.value)


@pytest.mark.parametrize("manifest", ["family-exchange", f"{a.MANIFEST}\n{a.MANIFEST}", "pers_person_id"])
def test_a_manifest_that_is_not_one_line_is_refused(manifest):
    with pytest.raises(DataRefused, match="HEADER"):
        checked(a.tables(person=[a.person("P1")]), manifest=manifest)


def test_a_bundle_without_persons_is_refused():
    with pytest.raises(DataRefused, match="CONTENT: the file has no rows"):
        checked(a.tables(cin_episodes=[cin("C1", "P1")]))


@pytest.mark.requirement("R-028")
@pytest.mark.parametrize("council", profiles.councils())
def test_no_column_is_joined_that_the_councils_notice_does_not_name(council):
    profile = profiles.profile(council)
    rows = a.tables(
        person=[a.person("P1")],
        address=[address("A1", "P1", "2020-01-01", "", "M1 1AA", '{"HOUSE": "7"}')],
        linked_identifiers=[number("L1", "P1", "National Insurance Number", "AB123456C")],
    )
    taken = {c.canonical for c in a.contract().columns if profile.collects(c.data_class)}
    result = checked(rows, profile)
    assert {*result.accepted.whole().columns} <= {"row_no", *taken}
    assert ("nino" in taken) == profile.collects(DataClass.NINO)
    assert ("UNUSED" in result.findings.by_rule()) == ("nino" not in taken)


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_but_their_numbers(shuffled):
    people = [a.person(f"P{n}") for n in range(4)]
    episodes = [cin(f"C{n}", f"P{n % 3}", f"202{n % 4}-01-05", "2025-01-01") for n in range(9)]
    families = [
        {"fami_table_id": f"F{n}", "fami_family_id": f"FAM{n}", "fami_person_id": f"P{n % 4}"} for n in range(6)
    ]
    before = checked(a.tables(person=people, cin_episodes=episodes, family=families)).accepted.whole()
    for rows in (people, episodes, families):
        shuffled.shuffle(rows)
    after = checked(a.tables(person=people, cin_episodes=episodes, family=families)).accepted.whole()
    key = ["record_ref", "event_ref"]
    assert_frame_equal(before.drop("row_no").sort(key), after.drop("row_no").sort(key))
