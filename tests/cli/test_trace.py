"""The way of a record leads to what is evidenced of somebody, and does not tell it: that is a read of their record."""

import json

import pytest
from typer.testing import CliRunner

from family_exchange import cli
from family_exchange.commands import auditing
from support.reading import COUNCIL, doors
from support.register import Register

NOMINATED = """
    WITH said AS (
      INSERT INTO register.nomination ({of}, indicator, framework, nominated_by, role, reason, nominated_on)
      VALUES (%(id)s, 'abuse_nomination', 'TFP2015', 'T. Each', 'teacher', 'worried', '2026-10-01')
      RETURNING nomination_no, person_id)
    INSERT INTO memory.evidence
           (evidence_id, family_id, person_id, nomination_no, problem, indicator, framework, as_of)
    SELECT 'V' || nomination_no, %(family)s, person_id, nomination_no, 'P5', 'abuse_nomination', 'TFP2015/1',
           '2026-10-01' FROM said
"""


@pytest.fixture
def register(council_database, monkeypatch):
    monkeypatch.setattr(auditing, "doors", lambda council: doors(council_database))
    return Register(council_database)


@pytest.mark.requirement("D-19")
def test_the_trace_leads_to_evidence_and_does_not_tell_what_is_evidenced(register):
    person, other = register.person(), register.person()
    family = register.family(person, other)
    record = register.record(person, feed="police_domestic_abuse", facts={"role": "victim"})
    held = register.evidence(family, person, record)
    for of, one in (("person_id", person), ("family_id", family)):
        with register.open() as connection:
            connection.execute(NOMINATED.format(of=of), {"id": one, "family": family})
    answer = CliRunner().invoke(cli.application("trace"), ["trace", person, "--json", "--council", COUNCIL])
    assert answer.exit_code == 0
    steps = {step["id"]: step["because"] for step in json.loads(answer.stdout) if step["kind"] == "evidence"}
    assert steps == {held: f"record {record}", "V1": "nomination 1", "V2": "nomination 2"}
    for told in ("abuse", "crime_offence", "P1", "P5"):
        assert told not in answer.output.replace(held, "").replace(person, "").replace(other, "")
