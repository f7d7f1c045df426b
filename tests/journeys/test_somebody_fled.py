"""She fled from him with their child: from partners' rows to what anybody may see, through every stage, a year long."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database, profiles, staging
from family_exchange.commands import common, person_show
from family_exchange.domain.resemblance import Standing
from family_exchange.stages import match, propose, register, review
from support.registry import COUNCIL, TODAY, a_file, doors_to, person_of, query

OLD = {"address_line_1": "14 Common Street", "postcode": "CH1 1AA"}
NEW = {"address_line_1": "7 Hidden Road", "postcode": "CH9 9ZZ"}
HER = {"forename": "Marianne", "surname": "Ashbarrow", "date_of_birth": "1990-05-04", "sex": "F"}
HIM = {"forename": "Bernard", "surname": "Ashbarrow", "date_of_birth": "1987-02-11", "sex": "M"}
CHILD = {"forename": "Felix", "surname": "Ashbarrow", "date_of_birth": "2016-09-12", "sex": "M"}
FEEDS = ("housing_tenancies", "police_domestic_abuse", "school_attendance")


@pytest.fixture
def url(council_database, monkeypatch):
    with database.transaction(council_database) as connection:
        staging.create_tables(connection, [profiles.contract(feed) for feed in FEEDS])
    monkeypatch.setattr(person_show, "doors", lambda _: doors_to(council_database))
    monkeypatch.setattr(common.console, "_width", 400)
    return council_database


def sent(url, as_of, rows):
    """Files of that day, by feed; the register is brought up to date with each."""
    partners = {"housing_tenancies": "housing", "police_domestic_abuse": "police", "school_attendance": "schools"}
    for feed, people in rows.items():
        a_file(url, feed, people, as_of=as_of, partner=partners[feed])
    doors = doors_to(url)
    match.people(doors)
    register.families(doors, today=TODAY)
    propose.families(doors, today=TODAY)


def tenants(home, *people):
    return [
        person | home | {"household_ref": home["postcode"], "record_ref": ref, "tenancy_start": "2020-01-01"}
        for ref, person in people
    ]


def at_school(home):
    school = {"record_ref": "S-CHILD", "event_ref": "2026-1", "school_urn": "123456", "sessions_possible": 100}
    return [CHILD | home | school | {"sessions_unauthorised": 20}]


def incident(**her):
    both = {"event_ref": "INC1", "event_on": "2026-06-20", "crime_recorded": True, "outcome": "none"}
    return [
        HER | both | {"record_ref": "P-HER", "role": "victim", "address_withheld": False} | her,
        HIM | both | OLD | {"record_ref": "P-HIM", "role": "suspect", "address_withheld": False},
    ]


def show(url, what, item, *more, purpose="support"):
    words = [what, "show", item, "--council", COUNCIL, "--by", "ada.lead", "--purpose", purpose, "--history", *more]
    found = [CliRunner().invoke(cli.application(what), [*words, *how]) for how in ((), ("--json",))]
    return "\n".join(one.output + str(one.exception or "") for one in found)


def everything(url, *more):
    """What every page about everybody shows."""
    people = query(url, "SELECT person_id FROM register.person")
    families = query(url, "SELECT family_id FROM register.family")
    return "\n".join(
        show(url, what, item, *more, purpose=purpose)
        for purpose in ("identify", "support")
        for what, items in (("person", people), ("family", families))
        for (item,) in items
    )


@pytest.mark.requirement("D-19")
@pytest.mark.requirement("R-012")
def test_he_finds_her_nowhere_and_whoever_supports_her_knows_where_she_is(url):
    sent(
        url,
        date(2026, 5, 31),
        {"housing_tenancies": tenants(OLD, ("T-HER", HER), ("T-HIM", HIM)), "school_attendance": at_school(OLD)},
    )
    her, him, child = (person_of(url, ref) for ref in ("T-HER", "T-HIM", "S-CHILD"))
    assert OLD["postcode"] in show(url, "person", her, "--for", him)

    sent(
        url,
        date(2026, 9, 30),
        {
            "police_domestic_abuse": incident(**NEW),
            "housing_tenancies": tenants(OLD, ("T-HIM", HIM)) + tenants(NEW, ("T-HER2", HER)),
            "school_attendance": at_school(NEW),
        },
    )
    assert person_of(url, "T-HER2") == person_of(url, "P-HER") == her
    assert query(url, "SELECT person_id, from_person_id FROM register.protection") == [(her, him)]

    his = everything(url, "--for", him)
    assert OLD["address_line_1"] in his
    for secret in (*NEW.values(), "123456", "Marianne", "Felix", "domestic_abuse", "victim", "suspect"):
        assert secret not in his

    hers = show(url, "person", her, "--for", her) + show(url, "person", child, "--for", her)
    assert NEW["address_line_1"] in hers
    assert "123456" in hers
    assert "Bernard" not in hers
    assert NEW["address_line_1"] in show(url, "person", her)


@pytest.mark.requirement("D-19")
def test_once_she_says_that_nobody_may_know_nobody_is_told_what_earlier_files_told(url):
    sent(
        url, date(2026, 5, 31), {"housing_tenancies": tenants(NEW, ("T-HER", HER)), "school_attendance": at_school(NEW)}
    )
    assert NEW["address_line_1"] in everything(url)
    sent(url, date(2026, 9, 30), {"police_domestic_abuse": incident(address_withheld=True)})
    seen = everything(url)
    assert "Marianne" in seen
    assert NEW["address_line_1"] not in seen
    assert NEW["postcode"] not in seen
    record = json.loads(show_json(url, person_of(url, "T-HER")))
    assert {one["attribute"] for one in record["facts"]} >= {"name", "birth", "sex"}


@pytest.mark.requirement("D-19")
def test_his_home_beside_her_does_not_tell_where_she_is(url):
    together = tenants(OLD, ("T-HER", HER), ("T-HIM", HIM))
    sent(url, date(2026, 5, 31), {"housing_tenancies": together})
    her, him = person_of(url, "T-HER"), person_of(url, "T-HIM")

    def side_by_side():
        found = review.side_by_side(doors_to(url), her, him, by="ada.lead", purpose="identify")
        (home,) = (each for each in found.weighed.comparisons if each.name == "address")
        return found, home

    before, home = side_by_side()
    assert home.standing is Standing.AGREES
    assert OLD["postcode"] in repr(before.values["address"])

    sent(url, date(2026, 9, 30), {"police_domestic_abuse": incident()})
    found, home = side_by_side()
    assert (home.standing, home.bits, found.values["address"]) == (Standing.UNKNOWN, 0.0, None)
    assert OLD["postcode"] not in repr(found)
    assert found.weighed.weight == pytest.approx(
        found.weighed.prior + sum(each.bits for each in found.weighed.comparisons), abs=1e-6
    )


def show_json(url, person):
    words = ["person", "show", person, "--council", COUNCIL, "--by", "ada.lead", "--purpose", "support", "--json"]
    return CliRunner().invoke(cli.application("person"), words).stdout
