"""A whole file through stage 3; its samples are those of the suites."""

import csv
import io
from datetime import date

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import expectations, profiles, tabular
from family_exchange.adapters.staging import SQL_TYPES
from family_exchange.domain.column import DataClass
from family_exchange.domain.condition import Ages
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Verdict
from family_exchange.domain.profile import Profile
from family_exchange.stages import validate
from support import profiles as a_profile

FEEDS = profiles.feeds()


def rows_of(feed, which="good"):
    """The sample's rows as dictionaries, without its first line."""
    text = (expectations.ROOT / feed / f"v1.{which}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text.split("\n", 1)[1], newline="")))


AS_OF = "#family-exchange as_of=2026-10-31\n"


def plaintext(feed, rows, first_line=AS_OF):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, profiles.contract(feed).headers)
    writer.writeheader()
    writer.writerows(rows)
    return f"{first_line}{text.getvalue()}".encode()


def one(feed, first_line=AS_OF, **changes):
    """A file of one good row with changes."""
    return plaintext(feed, [{**rows_of(feed)[0], **changes}], first_line)


def council(*data_classes):
    """A council whose notice names these classes of data, or all of them."""
    basis = {"purposes": ["identify"], "article_6": ["6(1)(e)"], "article_9": ["9(2)(g)"], "article_10": ["para 36"]}
    named = [each for each in data_classes or map(str, DataClass) if each != DataClass.REFERENCE]
    written = a_profile.profile(
        data_classes=[{"data_class": each, **a_profile.ASSUMED} for each in named],
        legal={**a_profile.profile()["legal"], "bases": [{**basis, **a_profile.ASSUMED}]},
    )
    return Profile.model_validate(written)


def checked(feed, content, profile=None, contract=None, **kwargs):
    return validate.table(content, contract or profiles.contract(feed), profile, **kwargs)


def rules(validated):
    return [finding.rule for finding in validated.findings]


@pytest.mark.requirement("R-029")
@pytest.mark.parametrize("feed", FEEDS)
def test_what_is_accepted_has_the_contract_s_names_and_types(feed):
    accepted = checked(feed, plaintext(feed, rows_of(feed))).accepted.whole()
    contract = profiles.contract(feed)
    kept_as = {
        pl.String: "text", pl.Date: "date", pl.Int32: "integer", pl.Decimal(12, 2): "numeric", pl.Boolean: "boolean"
    }  # fmt: skip
    assert accepted.columns == ["row_no", *contract.canonicals]
    assert [kept_as[kept] for kept in accepted.dtypes[1:]] == [SQL_TYPES[column.type] for column in contract.columns]
    assert accepted["row_no"].to_list() == list(range(1, accepted.height + 1))


@pytest.mark.requirement("R-030")
def test_a_bad_identifier_is_left_out_and_the_row_stays():
    feed = "childrens_social_care"
    bad = {"pers_nhs_number": "9434765918", "pers_nino": "QQ123456A", "pers_upn": "R247962919251"}
    found = checked(feed, one(feed, **bad, addr_uprn="1.0E+11", addr_postcode="XXX XXX"))
    row = found.accepted.whole().row(0, named=True)
    assert [row[each] for each in ("nhs_number", "nino", "upn", "uprn", "postcode")] == [None] * 5
    assert (row["surname"], found.findings.rows_with_finding) == ("Testperson-A", 1)
    assert found.findings.verdict() is Verdict.ACCEPTED_WITH_FINDINGS


@pytest.mark.requirement("R-030")
def test_identifiers_are_kept_in_their_normal_form():
    feed = "childrens_social_care"
    typed = {"pers_nhs_number": "943-476 5919", "pers_nino": "ab 12 34 56 c", "addr_uprn": "0000123"}
    row = checked(feed, one(feed, **typed, addr_postcode="ec1a1bb")).accepted.whole().row(0, named=True)
    assert (row["nhs_number"], row["nino"], row["uprn"]) == ("9434765919", "AB123456C", "123")
    assert row["postcode"] == "EC1A 1BB"


@pytest.mark.requirement("R-030")
def test_a_temporary_upn_is_no_key_between_schools():
    found = checked("school_attendance", one("school_attendance", upn="W35020011400A"))
    assert found.accepted.whole()["upn"].to_list() == [None]
    assert rules(found) == ["SA-045"]


@pytest.mark.requirement("R-030")
def test_columns_that_changed_places_leave_nothing_wrong_behind():
    feed = "childrens_social_care"
    found = checked(feed, one(feed, pers_surname="943 476 5919", pers_nhs_number="Testperson-A"))
    assert (found.accepted.whole().height, found.findings.verdict()) == (0, Verdict.REFUSED)
    found = checked(feed, one(feed, pers_upn="AB123456C", pers_nino="A950000178301"))
    assert found.accepted.whole().select("upn", "nino").row(0) == (None, None)


@pytest.mark.requirement("R-028", "R-035")
def test_columns_that_the_notice_does_not_name_are_dropped_and_counted():
    feed = "police_incidents"
    found = checked(feed, plaintext(feed, rows_of(feed)), council("name", "date_of_birth", "crime_asb"))
    assert found.accepted.whole().columns == [
        "row_no", "event_ref", "record_ref", "role", "incident_type", "event_on", "outcome", "surname", "forename",
        "date_of_birth",
    ]  # fmt: skip
    assert found.columns_dropped == len(profiles.contract(feed).columns) - 9
    assert found.findings.verdict() is Verdict.ACCEPTED


@pytest.mark.requirement("R-028")
@pytest.mark.parametrize("feed", FEEDS)
def test_what_is_not_taken_in_cannot_cost_a_row_either(feed):
    found = checked(feed, plaintext(feed, rows_of(feed, "bad")), council())
    least = checked(feed, plaintext(feed, rows_of(feed, "bad")), council("name"))
    named = {finding.column for finding in least.findings}
    taken = {c.name for c in profiles.contract(feed).columns if c.data_class in {DataClass.NAME, DataClass.REFERENCE}}
    assert named <= taken
    assert least.findings.rows_refused < found.findings.rows_refused


@pytest.mark.requirement("R-028")
def test_a_column_that_no_contract_knows_refuses_the_file():
    feed = "police_incidents"
    content = plaintext(feed, rows_of(feed)).replace(b"pnc_id\r\n", b"pnc_id,photo\r\n", 1)
    with pytest.raises(DataRefused, match="SCHEMA"):
        checked(feed, content)


@pytest.mark.requirement("D-15")
@pytest.mark.parametrize(
    ("born", "outside"),
    [
        ("2022-10-31", False),
        ("2022-11-01", True),
        ("2005-11-01", False),
        ("2005-10-31", True),
        ("2006-10-31", False),
        ("", False),
    ],
)
def test_a_feed_takes_nobody_outside_its_ages(born, outside):
    found = checked("school_attendance", one("school_attendance", date_of_birth=born))
    assert (rules(found), found.accepted.whole().height) == ((["AGE"], 0) if outside else ([], 1))


@pytest.mark.requirement("D-15")
@pytest.mark.parametrize(("born", "taken"), [("2008-10-31", 1), ("2008-11-01", 0)])
def test_a_police_feed_for_adults_takes_nobody_under_eighteen(born, taken):
    contract = profiles.contract("police_incidents").model_copy(update={"age_gate": Ages(min=18)})
    found = checked("police_incidents", one("police_incidents", date_of_birth=born), contract=contract)
    assert found.accepted.whole().height == taken
    assert found.findings.rows_refused == 1 - taken


@pytest.mark.requirement("D-15")
@pytest.mark.parametrize(
    ("as_of", "taken"), [("2026-02-28", 0), ("2026-03-01", 1), ("2028-02-28", 1), ("2024-02-29", 0)]
)
def test_who_was_born_on_29_february_grows_older_on_1_march(as_of, taken):
    contract = profiles.contract("police_incidents").model_copy(update={"age_gate": Ages(min=18)})
    content = one(
        "police_incidents",
        f"#family-exchange as_of={as_of}\n",
        date_of_birth="2008-02-29",
        incident_date="2024-01-01",
    )
    assert checked("police_incidents", content, contract=contract).accepted.whole().height == taken


@pytest.mark.requirement("D-15")
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.dates(date(1990, 1, 1), date(2026, 1, 1)), st.booleans()), min_size=3, max_size=30),
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_a_person_is_as_old_as_the_birthdays_that_have_come(births, day):
    born = [birth.replace(month=day.month, day=min(day.day, 28)) if same_day else birth for birth, same_day in births]
    row = rows_of("police_incidents")[0] | {"incident_date": "2026-01-01"}
    rows = [row | {"person_ref": f"P{number}", "date_of_birth": str(birth)} for number, birth in enumerate(born)]
    gate = Ages(min=18)
    contract = profiles.contract("police_incidents").model_copy(update={"age_gate": gate})
    found = checked("police_incidents", plaintext("police_incidents", rows, ""), contract=contract, received_on=day)
    young = {
        number
        for number, birth in enumerate(born, start=1)
        if day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day)) < gate.min
    }
    assert {finding.row_no for finding in found.findings if finding.rule == "AGE"} == young


@pytest.mark.requirement("D-15")
def test_ages_are_told_on_the_day_of_arrival_or_of_the_event_when_the_file_says_no_day():
    young = one("police_incidents", "", date_of_birth="2016-06-01", incident_date="2026-05-01")
    assert rules(checked("police_incidents", young)) == ["AGE"]
    arrived = checked("police_incidents", young, received_on=date(2026, 7, 1))
    assert (rules(arrived), arrived.as_of) == ([], date(2026, 7, 1))


@pytest.mark.requirement("D-11")
def test_a_file_says_which_days_it_knows_of_and_silence_stays_silence():
    said = "#family-exchange as_of=2026-10-31 coverage_from=2026-04-01 coverage_to=2026-09-30\n"
    found = checked("police_incidents", one("police_incidents", said))
    assert (found.as_of, found.coverage_from, found.coverage_to) == (
        date(2026, 10, 31), date(2026, 4, 1), date(2026, 9, 30)
    )  # fmt: skip
    silent = checked("police_incidents", one("police_incidents", ""))
    assert (silent.as_of, silent.coverage_from, silent.coverage_to) == (None, None, None)


@pytest.mark.requirement("R-001")
def test_a_file_for_another_council_is_refused():
    content = one("police_incidents", "#family-exchange council=elsewhere\n")
    with pytest.raises(DataRefused, match="CONTENT"):
        checked("police_incidents", content, council())
    assert checked("police_incidents", one("police_incidents", "#family-exchange council=anywhere\n"), council())


@pytest.mark.requirement("D-20")
def test_an_estimated_date_of_birth_says_so_beside_it():
    feed = "childrens_social_care"
    content = plaintext(feed, rows_of(feed))
    rows = checked(feed, content).accepted.whole().select("date_of_birth", "pers_dob_estimated").rows()
    assert (date(2027, 3, 1), True) in rows
    assert (date(2010, 9, 1), False) in rows


@pytest.mark.parametrize("day", ["31/02/2026", "2026-02-30", "01/04/2026", "45000", "26-04-01", "2026-4-1", "20260401"])
def test_a_date_is_never_guessed(day):
    found = checked("police_incidents", one("police_incidents", incident_date=day))
    assert (rules(found), found.accepted.whole().height) == (["PI-052"], 0)


def test_a_file_of_which_every_row_is_bad_is_refused():
    found = checked("police_incidents", one("police_incidents", surname="", role=""))
    assert (found.findings.verdict(), found.accepted.whole().height) == (Verdict.REFUSED, 0)


def test_a_row_twice_is_refused_in_both_places():
    row = rows_of("housing_tenancies")[0]
    found = checked("housing_tenancies", plaintext("housing_tenancies", [row, row, rows_of("housing_tenancies")[1]]))
    assert [(finding.row_no, finding.rule) for finding in found.findings] == [(1, "HT-003"), (2, "HT-003")]
    assert found.accepted.whole()["row_no"].to_list() == [3]


@pytest.mark.parametrize("feed", FEEDS)
def test_the_order_of_rows_changes_nothing_but_their_numbers(feed):
    rows = rows_of(feed, "bad")
    as_sent = checked(feed, plaintext(feed, rows))

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.permutations(rows))
    def law(shuffled):
        again = checked(feed, plaintext(feed, shuffled))
        assert again.findings.by_rule() == as_sent.findings.by_rule()
        assert sorted(map(str, again.accepted.whole().drop("row_no").rows())) == sorted(
            map(str, as_sent.accepted.whole().drop("row_no").rows())
        )

    law()


@pytest.mark.parametrize("feed", FEEDS)
def test_a_second_run_gives_the_same(feed):
    content = plaintext(feed, rows_of(feed, "bad"))
    first, second = checked(feed, content), checked(feed, content)
    assert first.findings == second.findings
    assert first.accepted.whole().equals(second.accepted.whole())


def test_the_row_numbers_column_is_the_reader_s():
    assert tabular.ROW_NO == "row_no"
