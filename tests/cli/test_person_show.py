"""What a person is told who reads about people on the command line; and what nobody is told, whatever they ask."""

import json
from datetime import date

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database
from family_exchange.commands import auditing, common, matching, person_show, preparing, proposals
from family_exchange.domain.errors import NeedsDecision
from support import meanwhile
from support.reading import COUNCIL, READER, address, doors, fact, name
from support.register import Register

HERS = "7 Refuge Road"
SECRETS = (HERS, "CH9 9ZZ", "URN 123456", "Dr Secret", "refuge-partner", "Newname")
READS = ("--by", READER, "--purpose")


@pytest.fixture
def register(council_database, monkeypatch):
    for module in (person_show, auditing, matching, proposals, preparing):
        monkeypatch.setattr(module, "doors", lambda _: doors(council_database))
    monkeypatch.setattr(common.console, "_width", 400)  # no value is cut in two
    return Register(council_database)


def run(*words):
    return CliRunner().invoke(cli.application(words[0]), [*words, "--council", COUNCIL])


def told(*words):
    answer = run(*words, "--json")
    assert answer.exit_code == 0, answer.exception or answer.output
    return json.loads(answer.stdout)


@pytest.fixture
def household(register):
    """An adult and a child on the programme, with a school, an attendance problem and a lead worker."""
    adult, child = register.person(), register.person()
    family = register.family(adult, child)
    school = register.record(child, feed="school_attendance", partner="schools", as_of=date(2026, 9, 30))
    name(register, adult, "Ashbarrow", record=register.record(adult, partner="police"))
    name(register, child, "Ashbarrow", record=school)
    value = {"service": "school", "partner": "schools", "at": "URN 777777", "since": "2025-09-01"}
    fact(register, child, "involvement", value, data_class="attendance", record=school, slot="s")
    register.evidence(family, child, school)
    register.run(
        """INSERT INTO memory.family_worker (family_id, duty, name, organisation, valid, recorded_by)
           VALUES (%s, 'lead', 'Lea Worker', 'Early Help', '[2026-01-01,)', 'programme.lead')""",
        family,
    )
    register.run(
        """INSERT INTO memory.suggestion (family_id, service, reason, valid, recorded_by)
           VALUES (%s, 'parenting course', 'they asked for it', '[2026-01-01,)', 'lea')""",
        family,
    )
    register.run(
        """INSERT INTO memory.plan_scope (family_id, person_id, in_plan, valid, recorded_by)
           VALUES (%s, %s, true, '[2026-01-01,)', 'lea')""",
        family,
        child,
    )
    return {"adult": adult, "child": child, "family": family, "record": school}


def test_a_person_is_shown_attribute_by_attribute_with_source_and_days(household):
    page = told("person", "show", household["child"], *READS, "support", "--as-of", "2026-10-01")
    (known,) = page["facts"]
    assert known["value"]["surname"] == "Ashbarrow"
    assert (known["partner"], known["feed"], known["as_of"]) == ("schools", "school_attendance", "2026-09-30")
    assert known["known_since"]
    assert page["families"][0]["family"] == household["family"]


@pytest.mark.requirement("R-026")
def test_services_are_shown_with_their_partner_and_no_case_note(household):
    answer = run("person", "show", household["child"], *READS, "support")
    assert "Schools of the area" in answer.output
    (service,) = told("person", "show", household["child"], *READS, "support")["services"]
    assert (service["what"], service["value"]["since"], service["as_of"]) == ("school", "2025-09-01", "2026-09-30")
    assert set(service["value"]) == {"service", "partner", "at", "since"}


@pytest.mark.requirement("R-005")
def test_a_family_is_shown_with_services_needs_and_what_is_suggested(register, household):
    page = told("family", "show", household["family"], *READS, "support")
    assert [one["what"] for one in page["services"]] == ["school"]
    assert [(one["person"], one["problem"]) for one in page["needs"]] == [(household["child"], "P1")]
    assert page["needs"][0]["label"] != "P1"
    assert [one["what"] for one in page["suggestions"]] == ["parenting course"]
    assert page["lead_worker"][0]["what"] == "Lea Worker"
    assert [(one["person"], one["in_plan"]) for one in page["plan"]] == [(household["child"], True)]
    assert page["status"] == []
    read = {event["person"] for event in register.audited("register.read")}
    assert read == {household["adult"], household["child"]}
    in_words = run("family", "show", household["family"], *READS, "support").output
    assert "parenting course" in in_words
    assert page["needs"][0]["event_on"] in in_words.split("Needs as last assessed")[1].split("Suggested")[0]


def test_a_page_is_of_one_moment_whatever_is_written_meanwhile(register, household, monkeypatch):
    def over():
        for table in ("family_worker", "suggestion", "plan_scope"):
            register.run(f"UPDATE memory.{table} SET recorded = tstzrange(lower(recorded), clock_timestamp())")

    def parts():
        page = told("family", "show", household["family"], *READS, "support")
        return [len(page[part]) for part in ("lead_worker", "suggestions", "plan")]

    meanwhile.happens(monkeypatch, over, before="register.suggestion")
    assert parts() == [1, 1, 1]
    assert parts() == [0, 0, 0]


def test_a_page_of_an_earlier_day_shows_no_need_of_a_later_one(household):
    child = household["child"]
    assert told("person", "show", child, *READS, "support")["needs"]
    assert told("person", "show", child, *READS, "support", "--as-of", "2026-01-31")["needs"] == []


def test_what_is_not_for_a_purpose_is_said_and_not_shown(household):
    page = told("family", "show", household["family"], *READS, "identify")
    assert page["suggestions"] is None
    assert page["needs"]
    assert "not for this purpose" in run("family", "show", household["family"], *READS, "identify").output


def test_a_place_in_the_plan_stays_with_a_person_who_turned_out_to_be_another(register, household):
    was = register.person(merged_into=household["adult"])
    stranger = register.person()
    for person, reason in ((was, "under the former id"), (stranger, "of somebody else")):
        register.run(
            """INSERT INTO memory.plan_scope (family_id, person_id, in_plan, reason, valid, recorded_by)
               VALUES (%s, %s, false, %s, '[2026-02-01,)', 'lea')""",
            household["family"],
            person,
            reason,
        )
    show = ("family", "show", household["family"], *READS, "support")
    assert [(one["person"], one["reason"]) for one in told(*show)["plan"] if one["reason"]] == [
        (household["adult"], "under the former id")
    ]
    register.run(
        """INSERT INTO memory.plan_scope (family_id, person_id, in_plan, valid, recorded_by)
           VALUES (%s, %s, true, '[2026-03-01,)', 'lea')""",
        household["family"],
        household["adult"],
    )
    plan = [one for one in told(*show)["plan"] if one["person"] == household["adult"]]
    assert [one["in_plan"] for one in plan] == [True]


def test_of_two_former_ids_the_newest_word_about_a_place_in_the_plan_holds_as_among_the_exceptions(register, household):
    for since, reason in (("2026-02-01", "said first"), ("2026-03-01", "said later")):
        register.run(
            """INSERT INTO memory.plan_scope (family_id, person_id, in_plan, reason, valid, recorded_by)
               VALUES (%s, %s, false, %s, daterange(%s, NULL), 'lea')""",
            household["family"],
            register.person(merged_into=household["adult"]),
            reason,
            since,
        )
    plan = told("family", "show", household["family"], *READS, "support")["plan"]
    assert [one["reason"] for one in plan if one["person"] == household["adult"]] == ["said later"]


def test_an_id_that_points_to_another_says_so(register, household):
    former = register.person(merged_into=household["child"])
    answer = run("person", "show", former, *READS, "support")
    assert f"{former} is the same person as {household['child']}" in answer.output
    assert "is the same person" not in run("person", "show", household["child"], *READS, "support").output


def test_history_shows_what_was_and_a_day_only_what_was_so_then(register, household):
    child = household["child"]
    address(register, child, "1 Old Street", slot="old", valid_from=date(2019, 1, 1))
    register.run("ALTER TABLE memory.fact DISABLE TRIGGER only_closes")
    register.run("UPDATE memory.fact SET valid = '[2019-01-01,2020-01-01)' WHERE slot = 'old'")
    assert "1 Old Street" not in run("person", "show", child, *READS, "support").output
    assert "1 Old Street" in run("person", "show", child, *READS, "support", "--history").output
    assert "1 Old Street" in run("person", "show", child, *READS, "support", "--as-of", "2019-06-01").output


def test_what_was_not_known_yet_is_not_shown_as_it_was_known_then(household):
    child = household["child"]
    answer = run("person", "show", child, *READS, "support", "--as-known", "2020-01-01")
    assert isinstance(answer.exception, NeedsDecision)
    with_all = told("person", "show", child, *READS, "support", "--as-known", "2100-01-01")
    assert with_all["facts"]


@pytest.mark.requirement("R-003")
def test_a_command_without_a_purpose_of_the_profile_is_refused(register, household):
    assert run("person", "show", household["child"], "--by", READER).exit_code == 2
    for command, item in (("person", "child"), ("family", "family")):
        answer = run(command, "show", household[item], *READS, "curiosity")
        assert isinstance(answer.exception, NeedsDecision)
        assert "its purposes are" in str(answer.exception)
    assert register.audited("register.read") == []


@pytest.mark.requirement("R-004")
def test_planning_reads_nobody_on_the_command_line_either(register, household):
    answer = run("person", "show", household["child"], *READS, "plan_services")
    assert "in the audit" in str(answer.exception)
    assert register.audited("register.read_refused") == [{"purpose": "plan_services"}]


@pytest.fixture
def fled(register):
    """She fled from him to a refuge with their child; everything that could tell where is in the register."""
    her, him, child = register.person(), register.person(), register.person()
    home, refuge = register.family(him), register.family(her, child, from_on=date(2026, 7, 1))
    for person in (her, child):
        register.member(home, person, to_on=date(2026, 7, 1))
    secret = {"address_line_1": HERS, "postcode": "CH9 9ZZ"}
    party = {"feed": "police_domestic_abuse", "partner": "police", "event_ref": "INC1"}
    hers = register.record(her, facts={"role": "victim"}, **party)
    his = register.record(him, facts={"role": "suspect"}, **party)
    name(register, him, "Bramble", record=his)
    name(register, her, "Newname", record=hers)
    for person, feed, partner in ((her, "housing_tenancies", "housing"), (child, "school_attendance", "schools")):
        record = register.record(person, feed=feed, partner=partner, surname="Newname", **secret)
        fact(register, person, "address", secret, data_class="address", record=record, slot="new")
    tied = {"service": "school", "partner": "schools", "at": "URN 123456"}
    fact(register, child, "involvement", tied, data_class="attendance", record=record, slot="s")
    support = register.record(
        her,
        feed="domestic_abuse_support",
        partner="refuge-partner",
        facts={"role": "victim", "service_type": "refuge", "doctor": "Dr Secret"},
    )
    served = {"service": "domestic_abuse_support", "partner": "refuge-partner"}
    fact(register, her, "involvement", served, data_class="domestic_abuse", record=support, slot="d")
    for family in (home, refuge):
        register.evidence(family, her, hers)
        register.run(
            """INSERT INTO memory.family_worker (family_id, duty, name, organisation, valid, recorded_by)
               VALUES (%s, 'lead', 'Lea Worker', 'refuge-partner', '[2026-01-01,)', 'programme.lead')""",
            family,
        )
    proposal = register.proposal(home)
    pair = sorted((her, him))
    register.run("INSERT INTO register.possible_match VALUES (%s, %s, 0.7)", *pair)
    return {"her": her, "him": him, "child": child, "home": home, "refuge": refuge, "proposal": proposal}


def every_page(fled, *more):
    """The output of every command that shows something of the register, for every purpose and everybody in it."""
    for purpose in ("identify", "support", "monitor", "evaluate_local", "evaluate_national"):
        for who in ("her", "him", "child"):
            yield run("person", "show", fled[who], *READS, purpose, "--history", *more)
        for family in ("home", "refuge"):
            yield run("family", "show", fled[family], *READS, purpose, "--history", *more)


@pytest.mark.requirement("D-19")
@pytest.mark.requirement("R-012")
def test_nothing_that_is_made_for_his_eyes_tells_where_she_is_or_that_she_said_anything(fled):
    pages = list(every_page(fled, "--for", fled["him"])) + list(every_page(fled, "--for", fled["him"], "--json"))
    seen = "\n".join(page.output + str(page.exception or "") for page in pages)
    assert any(page.exit_code == 0 for page in pages)
    assert "Bramble" in seen
    for secret in (*SECRETS, "domestic", "victim", "suspect", "INC1", "P1"):
        assert secret not in seen.replace(fled["refuge"], "").replace(fled["him"], "").replace(fled["home"], "")


@pytest.mark.requirement("D-19")
def test_no_page_that_anybody_can_ask_for_tells_a_refuges_address(fled):
    pages = list(every_page(fled)) + list(every_page(fled, "--json"))
    seen = "\n".join(page.output + str(page.exception or "") for page in pages)
    assert "Newname" in seen
    assert HERS not in seen
    assert "CH9 9ZZ" not in seen


@pytest.mark.requirement("D-19")
def test_neither_proposals_nor_matches_nor_the_trace_tell_where_she_is(register, fled):
    pages = [
        run("proposal", "show", fled["proposal"], "--by", READER),
        run("match", "list"),
        run("match", "show", fled["her"], fled["him"], "--by", READER),
        run("match", "show", fled["her"], fled["child"], "--by", READER, "--json"),
        *(run("trace", fled[one]) for one in ("her", "him", "child", "home", "refuge", "proposal")),
        run("audit", "show"),
    ]
    assert [page.exit_code for page in pages] == [0] * len(pages)
    seen = "\n".join(page.output for page in pages)
    assert fled["her"] in seen
    for secret in (HERS, "CH9 9ZZ", "URN 123456", "Dr Secret"):
        assert secret not in seen


def test_the_server_is_made_ready_by_a_command_that_may_run_again(server, register):
    url = server.url("postgres")
    for _ in range(2):
        data = told("database", "prepare", "--superuser-url", url)
        assert data["missing"] == []
    with database.transaction(register.url) as connection:
        connection.execute("SET LOCAL ROLE fx_monitor")
        assert connection.execute("SELECT count(*) FROM register.person").fetchone() == (0,)


def test_a_superusers_address_that_is_none_is_refused_in_one_clear_line(register):
    answer = run("database", "prepare", "--superuser-url", "postgresql://postgres:hush@[nowhere/postgres")
    assert isinstance(answer.exception, NeedsDecision)
    assert "postgresql://login:password@host:5432/postgres" in str(answer.exception)
    assert "hush" not in f"{answer.output}{answer.exception}"


def test_rectified_values_say_so(register, household):
    number = register.value(
        """INSERT INTO register.rectification (person_id, attribute, value, valid_from, decided_by, reason)
           VALUES (%s, 'sex', %s, '2026-01-01', 'rights.officer', 'proof was shown') RETURNING rectification_no""",
        household["adult"],
        Jsonb({"sex": "F"}),
    )
    register.run(
        """INSERT INTO memory.fact (person_id, attribute, value, data_class, valid, rectification_no)
           VALUES (%s, 'sex', %s, 'sex', '[2026-01-01,)', %s)""",
        household["adult"],
        Jsonb({"sex": "F"}),
        number,
    )
    facts = told("person", "show", household["adult"], *READS, "support")["facts"]
    assert [(one["attribute"], one["rectified"]) for one in facts] == [("name", False), ("sex", True)]
