"""Rows of a council's register, put there directly; every person is visibly invented."""

from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count

from psycopg.types.json import Jsonb

from family_exchange.adapters import database, programme

PERIOD = "2026-H1"
IN_PERIOD = date(2026, 6, 15)
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
COVERED = (date(2026, 4, 1), date(2026, 10, 31))

_numbers = count(1)

AS_IF_SENT = "ALTER TABLE memory.source_record DISABLE TRIGGER only_supersedes"
"""What a partner sent is never edited; a test may write it as if it had been sent so."""


class Register:
    """A council's database to write into and to ask; each call is one transaction."""

    def __init__(self, url):
        self.url = url

    @contextmanager
    def open(self):
        with database.transaction(self.url) as connection:
            yield connection

    def run(self, query, *parameters):
        with self.open() as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def value(self, query, *parameters):
        return self.run(query, *parameters)[0][0]

    def file(self, feed="police_incidents", *, state="CLOSED", coverage=COVERED, **changes):
        """The id of a file that the register has taken."""
        values = {
            "partner": "a-partner",
            "feed": feed,
            "name_bytes": b"x",
            "size": 1,
            "modified_at": 1,
            "state": state,
            "as_of": date(2026, 10, 31),
            "coverage_from": coverage[0] if coverage else None,
            "coverage_to": coverage[1] if coverage else None,
            "registered_at": AT,
            "staging_cleared_at": AT,
        } | changes
        return self._insert("exchange.file", values, "file_id")

    def person(self, *, merged_into=None):
        """The id of a new person."""
        person_id = self._insert("memory.person", {"person_id": f"P{next(_numbers):016d}"}, "person_id")
        if merged_into is not None:
            self._insert("memory.person_pointer", {"person_id": person_id, "points_to": merged_into}, "person_id")
        return person_id

    def record(self, person_id, file_id=None, **changes):
        """The id of a source record of that person."""
        number = next(_numbers)
        facts = changes.pop("facts", {})
        if not changes.pop("current", True):
            changes["superseded_at"] = AT
        values = {
            "source_record_id": f"S{number:08d}.1",
            "file_id": file_id or self.file(),
            "row_no": number,
            "partner": "a-partner",
            "feed": "police_incidents",
            "record_ref": f"R{number}",
            "event_ref": f"E{number}",
            "forename": "Ashley",
            "surname": "Testperson",
            "date_of_birth": date(1990, 5, 4),
            "sex": "F",
            "postcode": "ZZ99 3AA",
            "as_of": date(2026, 10, 31),
            "event_on": IN_PERIOD,
            "category": "crime_asb",
            "retain_from": IN_PERIOD,
            "facts": Jsonb(facts),
        } | changes
        record_id = self._insert("memory.source_record", values, "source_record_id")
        self._insert(
            "memory.person_record",
            {"source_record_id": record_id, "person_id": person_id, "how": "new"},
            "person_id",
        )
        return record_id

    def family(self, *people, from_on=date(2025, 1, 1), to_on=None):
        """The id of a family of these people."""
        family_id = self._insert(
            "memory.family", {"family_id": f"H{next(_numbers):016d}", "basis": "address"}, "family_id"
        )
        for person_id in people:
            self.member(family_id, person_id, from_on=from_on, to_on=to_on)
        return family_id

    def member(self, family_id, person_id, *, from_on=date(2025, 1, 1), to_on=None, role="adult"):
        values = {"family_id": family_id, "person_id": person_id, "from_on": from_on, "to_on": to_on, "role": role}
        self._insert("memory.family_member", values, "family_id")

    def proposal(self, family_id, *, proposed_on=date(2026, 5, 1), problems=("P1", "P2")):
        values = {
            "proposal_id": f"Q{next(_numbers):016d}",
            "family_id": family_id,
            "framework": "TFP2015/1",
            "problems": list(problems),
            "proposed_on": proposed_on,
        }
        proposal_id = self._insert("memory.proposal", values, "proposal_id")
        return self._insert("memory.proposal_standing", {"proposal_id": proposal_id}, "proposal_id")

    def decision(self, proposal_id, *, outcome="accepted", decided_on=date(2026, 5, 15)):
        """The id of a decision; the family has the status that follows from it."""
        since = decided_on if outcome == "accepted" else None
        values = {
            "decision_id": f"D{next(_numbers):016d}",
            "proposal_id": proposal_id,
            "outcome": outcome,
            "decided_by": "programme.lead",
            "decided_on": decided_on,
            "supported_since": since,
            "reason": "assessed together with the family",
        }
        decision_id = self._insert("memory.decision", values, "decision_id")
        said = {"by": values["decided_by"], "reason": values["reason"], "on": decided_on, "begins": decided_on}
        with self.open() as connection:
            programme.follow(connection, [proposal_id], outcome, **said)
        return decision_id

    def supported(self, *people, decided_on=date(2026, 5, 15), problems=("P1", "P2"), **membership):
        """The id of a family on the programme since `decided_on`."""
        family_id = self.family(*people, **membership)
        self.decision(self.proposal(family_id, problems=problems), decided_on=decided_on)
        return family_id

    def evidence(self, family_id, person_id, record_id):
        values = {
            "evidence_id": f"V{next(_numbers):016d}",
            "family_id": family_id,
            "person_id": person_id,
            "source_record_id": record_id,
            "problem": "P1",
            "indicator": "crime_offence",
            "framework": "TFP2015/1",
            "as_of": date(2026, 10, 31),
        }
        return self._insert("memory.evidence", values, "evidence_id")

    def flag(self, person_id, kind="restriction", status="received"):
        values = {
            "person_id": person_id,
            "kind": kind,
            "status": status,
            "recorded_by": "rights.officer",
            "reason": "asked for it",
        }
        return self._insert("rights.flag", values, "flag_id")

    def audited(self, kind):
        """The bodies of every audit event of that kind, oldest first."""
        return [
            body
            for (body,) in self.run(
                "SELECT convert_from(event, 'UTF8')::jsonb -> 'body' FROM audit.event WHERE kind = %s ORDER BY seq",
                kind,
            )
        ]

    def _insert(self, table, values, returning):
        columns = ", ".join(values)
        places = ", ".join(["%s"] * len(values))
        return self.value(f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {returning}", *values.values())
