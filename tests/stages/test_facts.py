"""What is known of a person, since when, and whose word stands."""

from datetime import date

import pytest

from family_exchange.adapters import database, facts
from family_exchange.stages import match, register
from support.registry import TODAY, a_file, doors_to, person_of, query, with_staging


@pytest.fixture
def council(council_database):
    return with_staging(council_database)


def child(**changes):
    base = {"record_ref": "C1", "forename": "Ada", "surname": "Ashbarrow", "date_of_birth": date(2015, 3, 4)}
    return base | {"address_line_1": "12 High Street", "postcode": "CH1 1AA", "sex": "F"} | changes


def send(url, *rows, as_of, feed="childrens_social_care", **how):
    a_file(url, feed, list(rows), as_of=as_of, **how)
    match.people(doors_to(url))
    register.families(doors_to(url), today=TODAY)


def known(url, ref="C1", *, on, at=None):
    with database.transaction(url) as connection:
        return {
            (fact.attribute, fact.slot): fact for fact in facts.of(connection, [person_of(url, ref)], on=on, known=at)
        }


def test_a_name_is_so_until_another_is_told(council):
    send(council, child(), as_of=date(2024, 3, 31))
    send(council, child(), as_of=date(2025, 3, 31))
    send(council, child(surname="Kestwick"), as_of=date(2026, 3, 31))
    names = query(council, "SELECT value, valid FROM register.fact WHERE attribute = 'name' ORDER BY valid")
    assert [value["surname"] for value, _ in names] == ["Ashbarrow", "Kestwick"]
    assert known(council, on=date(2025, 6, 1))["name", ""].value["surname"] == "Ashbarrow"
