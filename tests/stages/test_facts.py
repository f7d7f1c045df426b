"""What is known of a person: when it was so, since when we know, and whose word stands."""

from datetime import date

import pytest
from psycopg.types.json import Jsonb

from family_exchange.adapters import database, letting_go, memory, profiles
from family_exchange.adapters import facts as stored
from family_exchange.domain.profile import Profile
from family_exchange.domain.register_rules import Precedence, RegisterRules
from family_exchange.stages import facts
from support.register import TODAY, Register

PROFILE = profiles.profile("cheshire-west-and-chester")
HIGH_STREET = {"address_line_1": "12 High Street", "postcode": "CH1 1AA"}
MILL_LANE = {"address_line_1": "3 Mill Lane", "postcode": "CH4 4AB"}


@pytest.fixture
def register(council_database):
    return Register(council_database)


def trusting(attribute, *feeds) -> Profile:
    rule = Precedence(sources=feeds, status="assumed", note="for a test")
    return PROFILE.model_copy(update={"choosing": RegisterRules(precedence={attribute: rule})})


def bring_up(register, *persons, profile=PROFILE):
    with register.open() as connection:
        memory.touch(connection, persons)
        return facts.bring_up(connection, profile, today=TODAY)


def snapshot(register, person, as_of, *, ref="C1", feed="childrens_social_care", **changes):
    """A row of a feed without events: the newest of a reference is current, older ones tell of the past."""
    register.run("ALTER TABLE memory.source_record DISABLE TRIGGER only_supersedes")
    register.run(
        """UPDATE memory.source_record SET superseded_at = clock_timestamp()
            WHERE record_ref = %s AND as_of < %s AND superseded_at IS NULL""",
        ref,
        as_of,
    )
    base = {"feed": feed, "record_ref": ref, "event_ref": "", "event_on": None, "postcode": None, "as_of": as_of}
    return register.record(person, **(base | changes))


def known(register, person, on, *, at=None):
    with register.open() as connection:
        return {(one.attribute, one.slot): one for one in stored.of(connection, [person], on=on, known=at)}


def timeline(register, attribute):
    return [
        (value, span.lower, span.upper)
        for value, span in register.run(
            "SELECT value, valid FROM register.fact WHERE attribute = %s ORDER BY slot, valid", attribute
        )
    ]


def moment(register):
    with register.open() as connection:
        return database.clock(connection)


def test_a_name_is_so_from_the_day_it_is_told_until_another_is(register):
    person = register.person()
    for year, surname in ((2023, "Ashbarrow"), (2024, "Ashbarrow"), (2025, "Kestwick")):
        snapshot(register, person, date(year, 3, 31), forename="Ada", surname=surname)
    bring_up(register, person)
    assert timeline(register, "name") == [
        ({"forename": "Ada", "surname": "Ashbarrow"}, date(2023, 3, 31), date(2025, 3, 31)),
        ({"forename": "Ada", "surname": "Kestwick"}, date(2025, 3, 31), None),
    ]
    told = known(register, person, date(2024, 6, 1))["name", ""]
    assert (told.feed, told.as_of, told.valid_to) == ("childrens_social_care", date(2025, 3, 31), date(2025, 3, 31))


def test_what_was_so_and_what_was_known_are_two_questions(register):
    person = register.person()
    snapshot(register, person, date(2024, 3, 31), surname="Ashbarrow")
    bring_up(register, person)
    before = moment(register)
    register.record(person, event_on=date(2024, 9, 1), as_of=date(2026, 1, 31), surname="Kestwick")
    bring_up(register, person)
    on = date(2025, 1, 1)
    assert known(register, person, on)["name", ""].value["surname"] == "Kestwick"
    assert known(register, person, on, at=before)["name", ""].value["surname"] == "Ashbarrow"
    assert known(register, person, date(2024, 5, 1))["name", ""].value["surname"] == "Ashbarrow"


def test_nobody_due_and_nothing_changes(register):
    person = register.person()
    register.record(person, **HIGH_STREET)
    assert bring_up(register)["facts"] > 0
    rows = register.run("SELECT * FROM memory.fact ORDER BY fact_no")
    assert bring_up(register, person) == {"facts": 0, "facts_closed": 0}
    assert bring_up(register) == {"facts": 0, "facts_closed": 0}
    assert register.run("SELECT * FROM memory.fact ORDER BY fact_no") == rows


def test_a_restatement_of_an_event_replaces_what_it_said(register):
    person = register.person()
    register.record(person, record_ref="R1", event_ref="E1", surname="Wrongname", current=False)
    register.record(person, record_ref="R1", event_ref="E1", surname="Rightname")
    bring_up(register, person)
    assert [value["surname"] for value, *_ in timeline(register, "name")] == ["Rightname"]


@pytest.mark.requirement("D-20")
def test_kinds_of_birth_are_never_mixed(register):
    person, filled = register.person(), register.person()
    snapshot(register, person, date(2024, 1, 31), date_of_birth=date(2024, 6, 1))
    snapshot(register, person, date(2024, 7, 31), date_of_birth=date(2024, 6, 9))
    register.record(person, date_of_birth=date(2024, 6, 15), facts={"pers_dob_estimated": True})
    register.record(filled, date_of_birth=date(1900, 1, 1))
    bring_up(register)
    births = register.run("SELECT person_id, slot, value ->> 'day' FROM register.fact WHERE attribute = 'birth'")
    assert sorted(births) == [
        (person, "actual", "2024-06-09"),
        (person, "estimated", "2024-06-15"),
        (person, "expected", "2024-06-01"),
    ]
    assert ("birth", "expected") in known(register, person, date(2024, 2, 1))
    assert ("birth", "expected") not in known(register, person, date(2024, 7, 1))


def test_a_child_of_two_households_has_two_homes_and_a_move_ends_one(register):
    child, mover = register.person(), register.person()
    for as_of in (date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30)):
        snapshot(register, child, as_of, ref="C1", **HIGH_STREET)
        snapshot(register, child, as_of, ref="S1", feed="school_attendance", **MILL_LANE)
    snapshot(register, mover, date(2025, 3, 31), ref="C2", **HIGH_STREET)
    snapshot(register, mover, date(2025, 9, 30), ref="C2", **MILL_LANE)
    bring_up(register)
    day = date(2025, 12, 1)
    homes = sorted(slot for attribute, slot in known(register, child, day) if attribute == "address")
    assert homes == ["address:CH1 1AA|12|H", "address:CH4 4AB|3|M"]
    assert [slot for attribute, slot in known(register, mover, day) if attribute == "address"] == homes[1:]
    assert ("address", homes[0]) in known(register, mover, date(2025, 9, 29))


def test_an_address_that_names_no_home_is_kept_apart(register):
    person = register.person()
    register.record(person, address_line_1=None, postcode="ZZ99 3AA")
    bring_up(register)
    assert known(register, person, TODAY)["address", "unplaced"].value == {"postcode": "ZZ99 3AA"}


@pytest.mark.requirement("R-005")
@pytest.mark.requirement("R-026")
def test_a_service_is_involved_from_its_first_day_to_its_last(register):
    person = register.person()
    episode = {"earl_start_date": "2025-02-01"}
    snapshot(register, person, date(2025, 3, 31), facts=episode | {"cine_start_date": "2025-01-10"})
    bring_up(register, person)
    slot = "childrens_social_care|a-partner|C1|early_help"
    assert known(register, person, TODAY)["involvement", slot].value == {
        "service": "early_help",
        "partner": "a-partner",
        "since": "2025-02-01",
    }
    snapshot(register, person, date(2025, 9, 30), facts=episode | {"earl_end_date": "2025-08-31"})
    bring_up(register, person)
    ended = known(register, person, date(2025, 8, 31))["involvement", slot]
    assert (ended.data_class, ended.valid_to, ended.partner) == ("early_help", date(2025, 9, 1), "a-partner")
    assert ("involvement", slot) not in known(register, person, date(2025, 9, 1))


def test_a_school_is_involved_until_it_tells_no_more(register):
    person = register.person()
    register.record(person, feed="school_attendance", event_on=date(2025, 7, 20), facts={"school_urn": "100001"})
    bring_up(register)
    there = [one.value.get("at") for one in known(register, person, date(2025, 9, 1)).values()]
    assert "100001" in there
    assert not [one for one in known(register, person, date(2026, 2, 1)).values() if one.attribute == "involvement"]


@pytest.mark.requirement("R-029")
def test_the_profile_says_whose_word_stands(register):
    person = register.person()
    snapshot(register, person, date(2025, 3, 31), ref="C1", surname="Trusted")
    snapshot(register, person, date(2025, 9, 30), ref="H1", feed="housing_tenancies", surname="Newer")
    bring_up(register, person)
    assert known(register, person, TODAY)["name", ""].value["surname"] == "Newer"
    counts = bring_up(register, profile=trusting("name", "childrens_social_care"))
    assert counts["facts_closed"] > 0
    assert known(register, person, TODAY)["name", ""].value["surname"] == "Trusted"


def test_facts_are_the_persons_whom_an_id_points_to(register):
    survivor = register.person()
    merged = register.person(merged_into=survivor)
    register.record(survivor, as_of=date(2025, 1, 1), nino="AB123456C")
    register.record(merged, as_of=date(2025, 2, 1), nhs_number="9434765919")
    bring_up(register, merged)
    assert {person for (person,) in register.run("SELECT person_id FROM register.fact")} == {survivor}
    found = known(register, merged, TODAY)
    assert found["identifier", "nino"].value == {"number": "AB123456C"}
    assert found["identifier", "nhs_number"].data_class == "nhs_number"


def test_a_fact_is_closed_and_never_changed(register):
    person = register.person()
    register.record(person)
    bring_up(register)
    with pytest.raises(database.DatabaseRefused, match="FX003"):
        register.run("UPDATE memory.fact SET value = %s", Jsonb({"surname": "Otherwise"}))


def test_what_was_rectified_about_somebody_destroyed_is_gone_wherever_it_had_led(register):
    survivor = register.person()
    merged = register.person(merged_into=survivor)
    register.record(survivor)
    record = register.record(merged)
    register.run(
        """INSERT INTO register.rectification (person_id, attribute, value, valid_from, decided_by, reason)
           VALUES (%s, 'name', '{"surname": "Secretname"}', '2020-01-01', 'rights.officer', 'a passport')""",
        merged,
    )
    bring_up(register)
    told = "SELECT person_id FROM memory.fact WHERE value ->> 'surname' = 'Secretname'"
    assert register.run(told) == [(survivor,)]
    register.run("UPDATE memory.person_pointer SET recorded = tstzrange(lower(recorded), clock_timestamp())")
    bring_up(register, survivor, merged)
    assert set(register.run(told)) == {(survivor,), (merged,)}
    with register.open() as connection:
        letting_go.source_records(connection, [record])
    assert register.run(told) == []
    assert register.value("SELECT count(*) FROM register.rectification") == 0
    assert bring_up(register, survivor) == {"facts": 0, "facts_closed": 0}


def test_of_a_destroyed_record_nothing_is_left_and_the_others_say_what_they_say(register):
    person = register.person()
    first = register.record(person, as_of=date(2025, 1, 1), surname="Ashbarrow")
    register.record(person, as_of=date(2025, 6, 1), surname="Ashbarrow")
    bring_up(register)
    with register.open() as connection:
        letting_go.source_records(connection, [first])
    assert timeline(register, "name") == []
    with register.open() as connection:
        facts.bring_up(connection, PROFILE, today=TODAY)
    assert [span_from for _, span_from, _ in timeline(register, "name")] == [date(2025, 6, 1)]
