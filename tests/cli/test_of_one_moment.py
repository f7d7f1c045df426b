"""What a command tells is of one moment, whatever another worker commits between its statements."""

import json

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.adapters import database, decisions
from family_exchange.commands import auditing, deciding, exchange
from family_exchange.commands import register as registers
from family_exchange.domain.release import Action, Ground
from support import meanwhile
from support.reading import COUNCIL, doors
from support.register import Register


@pytest.fixture
def register(council_database, monkeypatch):
    for module in (auditing, exchange, deciding, registers):
        monkeypatch.setattr(module, "doors", lambda _: doors(council_database))
    return Register(council_database)


def told(*words):
    answer = CliRunner().invoke(cli.application(words[0]), [*words, "--council", COUNCIL, "--json"])
    assert answer.exit_code == 0, answer.exception or answer.output
    return json.loads(answer.stdout)


@pytest.fixture
def held(register):
    """A file in quarantine with one finding, about which one person has spoken."""
    file_id = register.file(state="QUARANTINED", reason="CONTENT", contract="v1", epoch=1)
    register.run(
        """INSERT INTO exchange.finding (file_id, finding_no, row_no, column_name, rule, severity)
           VALUES (%s, 1, 1, 'postcode', 'rows_fell', 'hold')""",
        file_id,
    )
    release(register, file_id, "Ann First")
    return file_id


def release(register, file_id, by):
    with database.transaction(register.url) as connection:
        decisions.decide(connection, file_id, Action.RELEASE, by=by, ground=Ground.PARTNER_CONFIRMED)


def test_a_file_that_is_released_meanwhile_is_shown_with_what_was_found_in_it(register, held, monkeypatch):
    meanwhile.happens(monkeypatch, lambda: release(register, held, "Bob Second"), before="FROM exchange.finding")
    shown = told("files", "show", held)
    assert (shown["state"], len(shown["findings"])) == ("QUARANTINED", 1)
    shown = told("files", "show", held)
    assert (shown["state"], shown["findings"]) == ("CLAIMED", [])


def test_the_files_that_wait_are_listed_with_the_rules_that_hold_them(register, held, monkeypatch):
    meanwhile.happens(monkeypatch, lambda: release(register, held, "Bob Second"), before="SELECT DISTINCT rule")
    (waits,) = told("files", "list", "--held")
    assert (waits["reason"], waits["rules"]) == ("CONTENT", "rows_fell")
    assert waits["said so far"].startswith("release by Ann First")
    assert told("files", "list", "--held") == []


@pytest.fixture
def person(register):
    person = register.person()
    register.record(person)
    register.supported(person)
    return person


def test_the_way_of_a_record_is_that_of_one_moment(register, person, monkeypatch):
    def moved():
        register.run("UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())")
        register.family(person)

    before = told("trace", person)
    assert {"family", "proposal"} <= {step["kind"] for step in before}
    meanwhile.happens(monkeypatch, moved, before="m.role")
    assert told("trace", person) == before
    assert "proposal" not in {step["kind"] for step in told("trace", person)}


def test_the_number_of_a_register_is_that_of_a_register_that_there_was(register, person, monkeypatch):
    before = told("register", "digest")
    meanwhile.happens(monkeypatch, lambda: register.supported(register.person()), before="register.family_status t")
    assert told("register", "digest") == before
    assert told("register", "digest") != before
