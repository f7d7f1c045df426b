"""What a named person puts right is not undone by the next file."""

import json
from dataclasses import replace
from datetime import date

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import assemble, facts, register
from support.council import of
from support.register import PERIOD, TODAY
from support.returns import rows, someone

BY, WHY = "rights.officer", "the person showed a passport"


def rectify(council, person, attribute, value, *, slot="", valid_from=date(2020, 1, 1), by=BY, reason=WHY):
    return facts.rectify(
        council.doors, person, attribute=attribute, slot=slot, value=value, valid_from=valid_from, by=by,
        reason=reason, today=TODAY,
    )  # fmt: skip


def held(council, person, attribute):
    found = council.register.run(
        "SELECT slot, value, rectification_no FROM register.fact WHERE person_id = %s AND attribute = %s"
        " AND valid @> %s::date",
        person,
        attribute,
        TODAY,
    )
    return sorted(found)


def next_file(council, person, **changes):
    council.register.record(person, as_of=date(2026, 11, 20), event_on=date(2026, 11, 19), **changes)
    council.register.run("INSERT INTO register.due VALUES ('facts', %s), ('families', %s) ON CONFLICT DO NOTHING",
                         person, person)  # fmt: skip
    register.families(council.doors, today=TODAY)


@pytest.mark.requirement("R-092")
def test_a_rectified_value_stands_in_facts_and_returns_whatever_the_next_file_says(council):
    one = of(council, "herefordshire")
    person = someone(one, nino="AB123456C")
    rectify(one, person, "name", '{"forename": "Ada", "surname": "Rightname"}')
    rectify(one, person, "birth", "1991-06-05")
    rectify(one, person, "address", '{"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}')
    rectify(one, person, "identifier", "ab 12 34 56 d", slot="nino")
    next_file(one, person, surname="Wrongname", address_line_1="9 Old Road", postcode="CH1 1AA", nino="AB123456C")
    assert [value["surname"] for _, value, _ in held(one, person, "name")] == ["Rightname"]
    assert [slot for slot, *_ in held(one, person, "address")] == ["address:CH4 4AB|3|M"]
    one.register.supported(person)
    content = rows(one)[person]
    assert (content["surname"], content["date_of_birth"]) == ("Rightname", "1991-06-05")
    assert (content["address_line_1"], content["nino"]) == ("3 Mill Lane", "AB123456D")


def test_a_withdrawn_rectification_leaves_what_partners_tell(council):
    person = someone(council, surname="Ofpartners")
    number = rectify(council, person, "name", '{"surname": "Rightname"}')
    assert facts.withdraw(council.doors, number, by=BY, today=TODAY) == person
    assert [value["surname"] for _, value, _ in held(council, person, "name")] == ["Ofpartners"]
    with pytest.raises(NeedsDecision, match="in force"):
        facts.withdraw(council.doors, number, by=BY, today=TODAY)
    told = council.register.run("SELECT value ->> 'surname' FROM memory.fact WHERE attribute = 'name'")
    assert ("Rightname",) in told


def test_one_home_of_several_is_rectified_alone(council):
    person = council.register.person()
    for day in (date(2026, 1, 31), date(2026, 6, 30)):
        for number, line, code in ((1, "12 High Street", "CH1 1AA"), (2, "3 Mill Lane", "CH4 4AB")):
            council.register.record(person, event_ref=f"{day}{number}", event_on=day, as_of=day, address_line_1=line,
                                    postcode=code)  # fmt: skip
    slot = "address:CH1 1AA|12|H"
    typed = '{"address_line_1": "12a High Street", "postcode": "CH1 1AA"}'
    rectify(council, person, "address", typed, slot=slot, valid_from=date(2026, 3, 1))
    found = {name: value["address_line_1"] for name, value, _ in held(council, person, "address")}
    assert found == {slot: "12a High Street", "address:CH4 4AB|3|M": "3 Mill Lane"}


def test_a_rectification_is_told_by_ids_alone(council):
    person = someone(council)
    number = rectify(council, person, "name", '{"surname": "Secretword"}', reason="Anothersecret")
    (body,) = council.register.audited("register.rectified")
    assert body == {"person": person, "rectification": number, "attribute": "name"}
    assert sorted(council.register.run("SELECT stage FROM register.due WHERE subject = %s", person)) == [
        ("families",), ("propose",)]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": " "}, "name"),
        ({"by": "exchange"}, "never by a machine"),
        ({"reason": ""}, "reason"),
        ({"valid_from": date(2027, 1, 1)}, "day that has come"),
        ({"attribute": "involvement"}, "one of"),
        ({"person": "P0"}, "no person of that id"),
        ({"attribute": "birth", "value": "2999-01-01"}, "lies ahead"),
        ({"attribute": "identifier", "slot": "nino", "value": "Secretword"}, "no valid nino"),
    ],
)
def test_what_cannot_be_rectified_is_refused_without_the_value(council, changes, words):
    person = someone(council)
    given = {"person": person, "attribute": "name", "value": '{"surname": "Secretword"}'} | changes
    with pytest.raises(NeedsDecision, match=words) as refused:
        rectify(council, given.pop("person"), given.pop("attribute"), given.pop("value"), **given)
    assert "Secretword" not in str(refused.value)
    assert council.register.value("SELECT count(*) FROM register.rectification") == 0


def test_a_rectified_birth_makes_a_child_of_an_adult(council):
    person, child = someone(council, date_of_birth=date(1980, 1, 1)), someone(council, date_of_birth=date(2020, 1, 1))
    for one in (person, child):
        next_file(council, one, address_line_1="12 High Street", postcode="CH1 1AA", date_of_birth=None)
    roles = "SELECT role FROM register.family_member WHERE person_id = %s"
    assert council.register.run(roles, person) == [("adult",)]
    rectify(council, person, "birth", "2015-01-01")
    register.families(council.doors, today=TODAY)
    assert council.register.run(roles, person) == [("child",)]


def test_the_profile_says_which_address_is_the_last_known(council):
    one = of(council, "herefordshire")
    person = one.register.person()
    one.register.record(person, feed="childrens_social_care", event_ref="", as_of=date(2026, 1, 31), event_on=None,
                        address_line_1="1 Trusted Road")  # fmt: skip
    one.register.record(person, as_of=date(2026, 9, 30), address_line_1="2 Newer Road")
    one.register.supported(person)
    assert rows(one)[person]["address_line_1"] == "2 Newer Road"
    choosing = one.doors.profile.choosing
    rule = choosing.precedence["address"].model_copy(update={"sources": ("childrens_social_care",)})
    rules = choosing.model_copy(update={"precedence": {"address": rule}})
    trusting = replace(one.doors, profile=one.doors.profile.model_copy(update={"choosing": rules}))
    assemble.void(trusting, f"nis-{PERIOD}-v1", by=BY, reason=assemble.Why.ROWS_WRONG)
    assert rows(replace(one, doors=trusting))[person]["address_line_1"] == "1 Trusted Road"


def test_a_rectified_address_brings_somebody_into_the_family_that_lives_there(council):
    home, wrong = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}, {"address_line_1": "9 Old Road"}
    child, mother = (someone(council, date_of_birth=date(year, 1, 1)) for year in (2016, 1990))
    next_file(council, child, **home, date_of_birth=date(2016, 1, 1))
    next_file(council, mother, **wrong, postcode="CH4 4AB")
    together = "SELECT count(*) FROM register.family_member WHERE person_id = %s AND to_on IS NULL"
    assert council.register.value(together, mother) == 0
    rectify(council, mother, "address", json.dumps(home), valid_from=date(2026, 1, 1))
    next_file(council, mother, **wrong, postcode="CH4 4AB", event_ref="later")
    assert council.register.value(together, mother) == 1
    number = council.register.value("SELECT rectification_no FROM register.rectification")
    facts.withdraw(council.doors, number, by=BY, today=TODAY)
    register.families(council.doors, today=TODAY)
    assert council.register.value(together, mother) == 0


def test_an_address_that_leads_to_no_home_is_rectified_in_its_own_slot(council):
    person = someone(council)
    next_file(council, person, address_line_1=None, postcode="CH9 9ZZ", event_ref="vague")
    assert "unplaced" in [slot for slot, *_ in held(council, person, "address")]
    number = rectify(council, person, "address", '{"postcode": "CH4 4AB"}', slot="unplaced", valid_from=TODAY)
    assert [found for found in held(council, person, "address") if found[0] == "unplaced"] == [
        ("unplaced", {"postcode": "CH4 4AB"}, number)
    ]


def test_families_follow_on_the_same_day_when_the_profile_trusts_another_feed(council):
    one = of(council, "herefordshire")
    home = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}
    person = someone(one, feed="childrens_social_care", event_ref="", date_of_birth=date(2015, 1, 1), **home)
    next_file(one, someone(one, date_of_birth=date(2020, 1, 1)), date_of_birth=date(2020, 1, 1), **home)
    for event in ("a", "b"):
        next_file(one, person, event_ref=event, date_of_birth=date(1980, 1, 1), **home)
    roles = "SELECT role FROM register.family_member WHERE person_id = %s"
    assert one.register.run(roles, person) == [("adult",)]
    choosing = one.doors.profile.choosing
    rule = choosing.precedence["birth"].model_copy(update={"sources": ("childrens_social_care",)})
    rules = choosing.model_copy(update={"precedence": {"birth": rule}})
    trusting = replace(one.doors, profile=one.doors.profile.model_copy(update={"choosing": rules}))
    register.families(trusting, today=TODAY)
    assert one.register.run(roles, person) == [("child",)]
