"""Whoever harmed somebody, or was harmed, sees nothing of the other side; a secret home is shown to nobody."""

from datetime import date

import pytest

from family_exchange.adapters.reading import reading
from family_exchange.domain.errors import NeedsDecision
from support.reading import READER, address, doors, fact, name
from support.register import Register

HERS, OLD = "7 Refuge Road", "1 Common Street"


@pytest.fixture
def register(council_database):
    return Register(council_database)


@pytest.fixture
def council(council_database):
    return doors(council_database)


def party(register, person, role, *, event="INC1", feed="police_domestic_abuse", **facts):
    return register.record(person, feed=feed, event_ref=event, facts={"role": role} | facts)


def protected(register):
    return sorted(register.run("SELECT person_id, from_person_id FROM register.protection"))


def told(council, *people, subject=None, purpose="support"):
    """What a reader is told of these people: every value, and the persons and families of every row."""
    with reading(council, purpose=purpose, by=READER, subject=subject) as reader:
        for person in people:
            try:
                reader.person(person)
            except NeedsDecision:
                continue
        ask = reader.connection.execute
        return {
            "values": sorted(
                str(value) for (of,) in ask("SELECT value FROM register.fact").fetchall() for value in of.values()
            ),
            "people": sorted({person for (person,) in ask("SELECT person_id FROM register.person").fetchall()}),
            "members": sorted(ask("SELECT family_id, person_id FROM register.family_member").fetchall()),
            "families": sorted(family for (family,) in ask("SELECT family_id FROM register.family").fetchall()),
            "feeds": sorted({feed for (feed,) in ask("SELECT feed FROM memory.source_record").fetchall()}),
            "evidence": sorted(ask("SELECT person_id, problem FROM register.evidence").fetchall()),
            "workers": sorted(worker for (worker,) in ask("SELECT name FROM register.family_worker").fetchall()),
            "proposals": sorted(each for (each,) in ask("SELECT proposal_id FROM register.proposal").fetchall()),
        }


@pytest.mark.requirement("R-012")
@pytest.mark.parametrize(
    ("feed", "harmed", "harming", "facts"),
    [
        ("police_domestic_abuse", "victim", "suspect", {}),
        ("police_domestic_abuse", "victim", "offender", {}),
        ("police_incidents", "victim", "offender", {"incident_type": "domestic_abuse"}),
        ("police_incidents", "witness", "suspect", {"da_flag": True}),
        ("domestic_abuse_support", "victim", "perpetrator", {}),
    ],
)
def test_who_was_harmed_is_protected_from_who_harmed(register, feed, harmed, harming, facts):
    her, him = register.person(), register.person()
    party(register, her, harmed, feed=feed, **facts)
    party(register, him, harming, feed=feed)
    assert protected(register) == [(her, him)]


def test_an_incident_that_is_no_abuse_protects_nobody(register):
    her, him = register.person(), register.person()
    for person, role in ((her, "victim"), (him, "suspect")):
        party(register, person, role, feed="police_incidents", incident_type="crime", da_flag=False)
    assert protected(register) == []


@pytest.mark.parametrize("changes", [{"event": "INC2"}, {"partner": "another-partner"}])
def test_parties_of_different_incidents_are_no_parties_to_each_other(register, changes):
    her, him = register.person(), register.person()
    register.record(her, feed="police_domestic_abuse", event_ref="INC1", facts={"role": "victim"})
    event = changes.get("event", "INC1")
    partner = changes.get("partner", "a-partner")
    register.record(him, feed="police_domestic_abuse", event_ref=event, partner=partner, facts={"role": "suspect"})
    assert protected(register) == []


def test_the_same_incident_in_two_files_of_the_police_is_one(register):
    her, him = register.person(), register.person()
    party(register, her, "victim", feed="police_domestic_abuse")
    party(register, him, "suspect", feed="police_incidents", incident_type="crime")
    assert protected(register) == [(her, him)]


def test_a_client_of_domestic_abuse_services_is_protected_from_who_harms_in_the_family(register):
    client, him, brother = register.person(), register.person(), register.person()
    register.family(client, him, brother)
    party(register, client, "victim", feed="domestic_abuse_support", event="CASE9")
    party(register, him, "offender", feed="police_domestic_abuse", event="INC5")
    register.record(brother, feed="police_incidents", facts={"role": "suspect", "incident_type": "crime"})
    assert protected(register) == [(client, him)]


def test_somebody_whom_probation_calls_a_perpetrator_harms_too(register):
    client, him = register.person(), register.person()
    register.family(client, him)
    party(register, client, "victim", feed="domestic_abuse_support", event="CASE9")
    assert protected(register) == []
    register.record(him, feed="probation_supervision", facts={"da_perpetrator": True})
    assert protected(register) == [(client, him)]


def test_a_role_that_the_police_took_back_protects_no_more(register):
    her, him = register.person(), register.person()
    party(register, her, "victim")
    register.record(him, feed="police_domestic_abuse", event_ref="INC1", facts={"role": "suspect"}, current=False)
    assert protected(register) == []


@pytest.fixture
def fled(register):
    """She lived with him and their child; she and the child live elsewhere now, with somebody who helped."""
    her, him, child, helper = (register.person() for _ in range(4))
    home, refuge = register.family(him), register.family(her, child, helper, from_on=date(2026, 7, 1))
    for person in (her, child):
        register.member(home, person, to_on=date(2026, 7, 1))
    theirs = party(register, her, "victim")
    his = party(register, him, "suspect")
    for person, surname, record in ((her, "Ashford", theirs), (him, "Bramble", his)):
        name(register, person, surname, record=record)
    address(register, her, HERS, slot="new")
    address(register, child, HERS)
    address(register, helper, HERS)
    address(register, him, OLD)
    school = register.record(child, feed="school_attendance", partner="schools")
    value = {"service": "school", "at": "URN 123456"}
    fact(register, child, "involvement", value, data_class="attendance", record=school)
    support = register.record(her, feed="domestic_abuse_support", partner="refuge-partner", facts={"role": "victim"})
    value = {"service": "domestic_abuse_support", "partner": "refuge-partner"}
    fact(register, her, "involvement", value, data_class="domestic_abuse", record=support)
    fact(
        register,
        him,
        "relationship",
        {"relationship": "parent"},
        data_class="family",
        slot="childrens_social_care|a-partner|HH-NEW",
    )
    for family, worker in ((home, "Home Worker"), (refuge, "Refuge Worker")):
        register.run(
            """INSERT INTO memory.family_worker (family_id, duty, name, organisation, valid, recorded_by)
               VALUES (%s, 'lead', %s, 'a service', '[2026-01-01,)', 'programme.lead')""",
            family,
            worker,
        )
    register.evidence(home, her, theirs)
    register.evidence(home, him, his)
    register.proposal(home)
    return {"her": her, "him": him, "child": child, "helper": helper, "home": home, "refuge": refuge}


@pytest.mark.requirement("R-012")
@pytest.mark.requirement("D-19")
def test_for_his_eyes_there_is_nothing_of_her_nor_of_the_way_to_her(council, fled):
    people = [fled[one] for one in ("her", "him", "child", "helper")]
    seen = told(council, *people, subject=fled["him"])
    assert seen["people"] == [fled["him"]]
    assert seen["members"] == [(fled["home"], fled["him"])]
    assert seen["families"] == [fled["home"]]
    assert seen["values"] == [OLD, "Ashley", "Bramble", "ZZ99 3AA"]
    assert seen["evidence"] == []
    assert seen["proposals"] == []
    assert seen["workers"] == []
    assert "police_domestic_abuse" not in seen["feeds"]


@pytest.mark.requirement("R-012")
def test_for_her_eyes_there_is_nothing_of_his_side(council, fled):
    people = [fled[one] for one in ("her", "him", "child", "helper")]
    seen = told(council, *people, subject=fled["her"])
    assert fled["him"] not in seen["people"]
    assert OLD not in seen["values"]
    assert "Bramble" not in seen["values"]
    assert HERS in seen["values"]
    assert "URN 123456" in seen["values"]
    assert fled["refuge"] in seen["families"]
    assert "Refuge Worker" in seen["workers"]
    assert "Home Worker" not in seen["workers"]


def test_a_worker_who_reads_both_sees_roles_and_needs_and_not_where_she_lives(council, fled):
    seen = told(council, fled["her"], fled["him"], fled["child"])
    assert HERS not in seen["values"]
    assert OLD in seen["values"]
    assert "Ashford" in seen["values"]
    assert sorted(seen["evidence"]) == sorted([(fled["her"], "P1"), (fled["him"], "P1")])
    assert "police_domestic_abuse" in seen["feeds"]


@pytest.fixture
def moved_out(register):
    """She fled from him to a home in which somebody helped, who lives elsewhere since; she is still there."""
    her, him, helper = (register.person() for _ in range(3))
    home, refuge = register.family(him), register.family(her, from_on=date(2026, 7, 1))
    register.member(home, her, to_on=date(2026, 7, 1))
    register.member(refuge, helper, from_on=date(2026, 7, 1), to_on=date(2026, 11, 1))
    address(register, her, HERS, slot="new", valid_from=date(2026, 7, 1))
    address(register, helper, HERS, valid_from=date(2026, 7, 1))
    before = register.record(helper)
    register.run(
        """INSERT INTO memory.fact (person_id, attribute, slot, value, data_class, valid, source_record_id)
           VALUES (%s, 'address', 'before', '{"address_line_1": "9 Earlier End"}', 'address',
                   '[2020-01-01,2026-07-01)', %s)""",
        helper,
        before,
    )
    return {"her": her, "him": him, "helper": helper}


def abused(register, people):
    party(register, people["her"], "victim")
    party(register, people["him"], "suspect")


@pytest.mark.requirement("R-012")
def test_who_moved_out_of_her_home_does_not_tell_him_where_it_is(register, council, moved_out):
    helper, him = moved_out["helper"], moved_out["him"]
    assert HERS in told(council, helper, subject=him)["values"], "as long as nobody is protected"
    abused(register, moved_out)
    seen = told(council, helper, subject=him)["values"]
    assert HERS not in seen
    assert "9 Earlier End" in seen, "what has nothing to do with her is told"
    assert HERS in told(council, helper, subject=moved_out["her"])["values"]


def test_nor_does_a_page_with_him_and_her_on_it(register, council, moved_out):
    abused(register, moved_out)
    assert HERS not in told(council, *moved_out.values())["values"]
    assert HERS in told(council, moved_out["her"], moved_out["helper"])["values"], "he is not on the page"


def test_nor_of_an_address_that_is_withheld_is_it_told_by_who_moved_out(register, council, moved_out):
    register.record(moved_out["her"], feed="childrens_social_care", facts={"address_withheld": True})
    assert HERS not in told(council, moved_out["helper"])["values"]
    assert HERS not in told(council, *moved_out.values())["values"]


@pytest.mark.requirement("R-012")
def test_a_home_that_she_left_is_no_secret(register, council, moved_out):
    abused(register, moved_out)
    register.run(
        "UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())"
        " WHERE person_id = %s AND to_on IS NULL",
        moved_out["her"],
    )
    assert HERS in told(council, moved_out["helper"], subject=moved_out["him"])["values"]


def test_a_worker_who_reads_her_alone_sees_where_she_lives(council, fled):
    assert HERS in told(council, fled["her"], fled["child"])["values"]


def test_an_id_of_hers_that_is_no_more_opens_nothing_for_him(register, council, fled):
    former = register.person(merged_into=fled["her"])
    assert told(council, former, subject=fled["him"])["people"] == []
    assert told(council, former, subject=fled["helper"])["people"] == [fled["her"]]


def test_an_id_of_his_that_is_no_more_is_he(register, council, fled):
    former = register.person(merged_into=fled["him"])
    assert told(council, fled["her"], subject=former)["people"] == []


def test_nobody_can_be_shown_to_somebody_who_is_not_there(council, fled):
    with (
        pytest.raises(NeedsDecision, match="for whose eyes"),
        reading(council, purpose="support", by=READER, subject="P0") as reader,
    ):
        reader.person(fled["her"])


def test_a_second_read_for_ones_own_eyes_does_not_undo_the_first_for_his(council, fled):
    with reading(council, purpose="support", by=READER, subject=fled["him"]) as reader:
        reader.person(fled["him"])
        reader.connection.execute("SELECT register.read_person(%s, 'support', %s)", (fled["her"], READER))
        rows = reader.connection.execute("SELECT person_id FROM register.person").fetchall()
        assert rows == [(fled["him"],)]


def test_records_that_are_hers_now_are_hidden_from_him_also_as_they_were_known_as_his(register, council, fled):
    wrongly = register.record(fled["her"], surname="Wronglyjoined")
    name(register, fled["him"], "Wronglyjoined", record=wrongly, slot="also")
    register.run(
        """INSERT INTO memory.person_record (source_record_id, person_id, how, recorded)
           VALUES (%s, %s, 'score', '[2026-01-01,2026-02-01)')""",
        wrongly,
        fled["him"],
    )
    assert "Wronglyjoined" not in told(council, fled["him"], subject=fled["him"])["values"]
    assert "Wronglyjoined" in told(council, fled["him"])["values"]


def test_somebody_who_may_be_her_is_hidden_from_him_as_she_is(register, council, fled):
    double = register.person()
    address(register, double, HERS)
    assert HERS in told(council, double, subject=fled["him"])["values"]
    pair = sorted((double, fled["her"]))
    register.run("INSERT INTO register.possible_match (person_a, person_b, probability) VALUES (%s, %s, 0.7)", *pair)
    assert told(council, double, subject=fled["him"])["people"] == []
    assert told(council, double, subject=fled["helper"])["people"] == [double]


@pytest.mark.requirement("D-19")
@pytest.mark.parametrize("purpose", ["identify", "support", "monitor"])
def test_a_withheld_address_that_is_known_from_elsewhere_is_shown_to_nobody(register, council, purpose):
    her, child, neighbour = (register.person() for _ in range(3))
    register.family(her, child)
    record = register.record(her, feed="police_domestic_abuse", facts={"role": "victim", "address_withheld": True})
    for person in (her, child, neighbour):
        told_by = register.record(person, feed="school_attendance")
        address(register, person, HERS, record=told_by)
        name(register, person, "Ashford", record=told_by)
    name(register, her, "Withheld", record=record, slot="x")
    for person in (her, child):
        values = told(council, person, purpose=purpose)["values"]
        assert "Ashford" in values
        assert HERS not in values
    assert HERS in told(council, neighbour, purpose=purpose)["values"]


def test_an_address_that_may_be_known_again_is_shown_again(register, council):
    her = register.person()
    earlier, later = date(2026, 1, 31), date(2026, 6, 30)
    for as_of, withheld in ((earlier, True), (later, False)):
        facts = {"role": "victim", "address_withheld": withheld}
        register.record(her, feed="police_domestic_abuse", record_ref="R-HER", as_of=as_of, facts=facts)
    address(register, her, HERS)
    assert HERS in told(council, her)["values"]


def test_a_refuge_is_secret_whoever_tells_of_it(register, council):
    her, other = register.person(), register.person()
    for person, service in ((her, "refuge"), (other, "outreach")):
        register.record(person, feed="domestic_abuse_support", facts={"role": "victim", "service_type": service})
        address(register, person, HERS)
    assert HERS not in told(council, her)["values"]
    assert HERS in told(council, other)["values"]


def test_who_is_who_is_decided_without_a_secret_address(register, council):
    her = register.person()
    register.record(her, feed="police_domestic_abuse", facts={"role": "victim", "address_withheld": True})
    register.record(her, feed="school_attendance", address_line_1=HERS, surname="Ashford")
    with reading(council, purpose="identify", by=READER) as reader:
        reader.person(her)
        stated = {value for (value,) in reader.connection.execute("SELECT value FROM register.stated").fetchall()}
    assert "Ashford" in stated
    assert HERS not in stated
