"""A council's database with people in it becomes one with a memory, and goes back, and shows the same."""

from datetime import date
from itertools import islice

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

SHOWN = {
    "source_record": "source_record_id, record_ref, surname, facts, current, recorded_at",
    "person": "person_id, merged_into, recorded_at",
    "person_record": "source_record_id, person_id, how, weight",
    "possible_match": "person_a, person_b, probability",
    "family": "family_id, basis",
    "family_member": "family_id, person_id, from_on, to_on, role, resident",
    "evidence": "evidence_id, family_id, person_id, source_record_id, problem, indicator, framework, as_of",
    "proposal": "proposal_id, family_id, framework, problems, unknown, proposed_on",
    "decision": "decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason, recorded_at",
}
"""What both say of the register, by name."""

BEFORE = """
INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at, state, as_of, registered_at)
  VALUES ('F1', 'a-partner', 'police_incidents', 'x', 1, 1, 'CLOSED', '2026-10-31', now());
INSERT INTO register.source_record
    (source_record_id, file_id, row_no, partner, feed, record_ref, surname, as_of, category, current)
  VALUES ('S1.1', 'F1', 1, 'a-partner', 'police_incidents', 'R1', 'Thornfield', '2026-09-30', 'data_matching', false),
         ('S1.2', 'F1', 2, 'a-partner', 'police_incidents', 'R1', 'Thornfield', '2026-10-31', 'data_matching', true),
         ('S1.3', 'F1', 3, 'a-partner', 'police_incidents', 'R2', 'Thornfield', '2026-10-31', 'data_matching', true);
INSERT INTO register.person (person_id) VALUES ('P1'), ('P3');
INSERT INTO register.person (person_id, merged_into) VALUES ('P2', 'P1');
INSERT INTO register.person_record (source_record_id, person_id, how, weight)
  VALUES ('S1.1', 'P1', 'new', NULL), ('S1.2', 'P1', 'reference', NULL), ('S1.3', 'P3', 'score', 12.5);
INSERT INTO register.possible_match (person_a, person_b, probability) VALUES ('P1', 'P3', 0.7);
INSERT INTO register.family (family_id, basis) VALUES ('H1', 'uprn'), ('H2', 'address'), ('H3', 'household');
INSERT INTO register.family_member (family_id, person_id, from_on, to_on, role)
  VALUES ('H1', 'P1', '2024-01-01', '2025-01-01', 'adult'), ('H1', 'P1', '2026-01-01', NULL, 'adult'),
         ('H2', 'P3', '2026-01-01', NULL, 'child'), ('H3', 'P3', '2025-01-01', NULL, 'child');
INSERT INTO register.evidence
    (evidence_id, family_id, person_id, source_record_id, problem, indicator, framework, as_of)
  VALUES ('E1', 'H1', 'P1', 'S1.2', 'P1', 'P1-offence', 'TFP2015/1', '2026-10-31');
INSERT INTO register.proposal (proposal_id, family_id, framework, problems, unknown, proposed_on)
  VALUES ('Q1', 'H1', 'TFP2015/1', '{P1,P2}', '{P3}', '2026-01-05'),
         ('Q2', 'H1', 'TFP2015/1', '{P1,P2,P4}', '{}', '2026-06-05'),
         ('Q3', 'H1', 'TFP2015/1', '{P1,P5}', '{}', '2026-09-05'),
         ('Q4', 'H2', 'TFP2015/1', '{P1,P2}', '{}', '2026-06-05'),
         ('Q5', 'H3', 'TFP2015/1', '{P1,P2}', '{}', '2026-06-05');
INSERT INTO register.decision
    (decision_id, proposal_id, outcome, decided_by, decided_on, supported_since, reason)
  VALUES ('D1', 'Q1', 'declined', 'panel.chair', '2026-02-01', NULL, 'not now'),
         ('D2', 'Q2', 'accepted', 'panel.chair', '2026-07-01', '2026-06-20', 'they said yes'),
         ('D3', 'Q3', 'not_invited', 'panel.chair', '2026-10-01', NULL, 'is supported'),
         ('D4', 'Q4', 'not_invited', 'panel.chair', '2026-07-01', NULL, 'moved away');
"""


@pytest.fixture
def council(empty_database):
    """A database of the revision before the memory, with people; and the way to another revision."""
    engine = create_engine(make_url(empty_database).set(drivername="postgresql+psycopg"))
    config = Config()
    config.set_main_option("script_location", "include/family_exchange/migrations")
    config.attributes["connection"] = engine
    command.upgrade(config, "0002")
    asked(empty_database, BEFORE)
    yield empty_database, config
    engine.dispose()


def asked(url, query):
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def shown(url):
    return {
        table: sorted(asked(url, f"SELECT {columns} FROM register.{table}"), key=str)
        for table, columns in SHOWN.items()
    }


@pytest.mark.parametrize("revision", ["head", "0005"])
def test_what_is_stated_stays_on_the_way_there_and_back_and_goes_with_its_record(council, revision):
    url, config = council
    command.upgrade(config, "0005")
    asked(url, "DELETE FROM memory.statement")
    for number, record in enumerate(("S1.1", "S1.3")):
        asked(
            url,
            f"""INSERT INTO memory.statement (stated, source_record_id, key, forename, surname, birth, sex, dwelling,
                       postcode, uprn, nhs_number, upn, nino, pnc, cro, crn, noms, blocks)
                VALUES (md5('{number}')::uuid, '{record}', 'k', '', '', 'unknown', '', '', '', '', '', '', '', '', '',
                        '', '', '{{7,{number}}}')""",
        )
    command.upgrade(config, "head")
    if revision != "head":
        command.downgrade(config, revision)
    stated = "SELECT source_record_id FROM memory.statement WHERE blocks && '{7}' ORDER BY 1"
    assert asked(url, stated) == [("S1.1",), ("S1.3",)]
    asked(url, "DELETE FROM memory.person_record; DELETE FROM memory.source_record WHERE source_record_id = 'S1.3'")
    assert asked(url, stated) == [("S1.1",)]


def test_a_register_shows_after_the_upgrade_and_back_what_it_showed_before(council):
    url, config = council
    before = shown(url)
    assert all(before.values())
    command.upgrade(config, "head")
    assert shown(url) == before
    command.downgrade(config, "0002")
    assert shown(url) == before
    command.upgrade(config, "head")
    assert shown(url) == before


def test_every_revision_on_the_way_shows_the_same(council):
    url, config = council
    before = shown(url)
    steps = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    for revision in reversed(steps[: steps.index("0002")]):
        command.upgrade(config, revision)
        assert asked(url, "SELECT version_num FROM alembic_version") == [(revision,)]
        assert shown(url) == before, revision


def test_an_upgrade_that_breaks_off_at_its_end_leaves_the_revision_before_whole(council):
    url, config = council
    head, previous = (step.revision for step in islice(ScriptDirectory.from_config(config).walk_revisions(), 2))
    command.upgrade(config, previous)
    before = shown(url)
    asked(url, f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET lock_timeout = '200ms'")
    config.attributes["connection"].dispose()  # a new session has the new setting
    with psycopg.connect(url) as somebody:
        somebody.execute("LOCK TABLE alembic_version IN SHARE MODE")  # so that its very last statement fails
        with pytest.raises(OperationalError, match="lock timeout"):
            command.upgrade(config, head)
    assert asked(url, "SELECT version_num FROM alembic_version") == [(previous,)]
    assert shown(url) == before
    command.upgrade(config, head)
    assert shown(url) == before


def test_who_was_decided_about_before_has_the_status_that_came_of_it(council):
    url, config = council
    command.upgrade(config, "head")
    found = asked(
        url,
        "SELECT family_id, status, lower(valid), upper(valid), decided_by, reason, proposal_id"
        " FROM register.family_status ORDER BY 1, 3",
    )
    assert found == [
        ("H1", "declined", date(2026, 2, 1), date(2026, 6, 20), "panel.chair", "not now", "Q1"),
        ("H1", "accepted", date(2026, 6, 20), None, "panel.chair", "they said yes", "Q2"),
        ("H2", "not_invited", date(2026, 7, 1), None, "panel.chair", "moved away", "Q4"),
    ]


def test_everything_is_due_after_the_upgrade(council):
    url, config = council
    command.upgrade(config, "head")
    assert asked(url, "SELECT stage FROM register.due WHERE subject = '*' ORDER BY 1") == [
        ("facts",),
        ("families",),
        ("propose",),
    ]


def test_what_stood_no_more_is_no_proposal_after_the_way_back(council):
    url, config = council
    command.upgrade(config, "head")
    asked(
        url,
        "UPDATE memory.proposal_standing SET recorded = tstzrange(lower(recorded), clock_timestamp()), ended = 'lapsed'"
        " WHERE proposal_id IN ('Q4', 'Q5')",
    )
    command.downgrade(config, "0002")
    kept = [proposal for (proposal,) in asked(url, "SELECT proposal_id FROM register.proposal ORDER BY 1")]
    assert kept == ["Q1", "Q2", "Q3", "Q4"]  # somebody decided about the fourth


def test_whose_decision_was_a_mistake_waits_for_one_after_the_upgrade_and_has_it_after_the_way_back(council):
    url, config = council
    command.upgrade(config, "0008")
    asked(
        url,
        """UPDATE memory.family_status SET recorded = tstzrange(lower(recorded), clock_timestamp())
            WHERE family_id = 'H2';
           INSERT INTO memory.family_status (family_id, status, valid, decided_by, reason)
           VALUES ('H2', 'identified', '[2026-07-01,)', 'panel.chair', 'it was the neighbours')""",
    )
    command.upgrade(config, "head")
    decided = "SELECT decision_id FROM register.decision ORDER BY 1"
    assert asked(url, decided) == [("D1",), ("D2",), ("D3",)]
    asked(
        url,
        """INSERT INTO memory.decision (decision_id, proposal_id, outcome, decided_by, decided_on, reason)
           VALUES ('D5', 'Q4', 'declined', 'panel.chair', '2026-07-02', 'they said no')""",
    )
    command.downgrade(config, "0008")
    assert asked(url, decided) == [("D1",), ("D2",), ("D3",), ("D5",)]
    asked(url, "DELETE FROM memory.decision WHERE decision_id = 'D5'")
