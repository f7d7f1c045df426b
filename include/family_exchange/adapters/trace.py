"""Record lineage both ways: partner file row ↔ person ↔ family ↔ evidence ↔ proposal ↔ return row; ids only.

What is evidenced of somebody is not told: that is a read of their record, which `proposal show` writes into the audit.
"""

from dataclasses import dataclass

from family_exchange.adapters.database import Connection


@dataclass(frozen=True, slots=True)
class Step:
    """One thing on the way, and why it is there."""

    kind: str
    item: str
    because: str


_PEOPLE = """
WITH people AS (
    SELECT person_id FROM register.person WHERE person_id = %(id)s
    UNION SELECT person_id FROM register.person_record WHERE source_record_id = %(id)s
    UNION SELECT p.person_id FROM register.person_record p
            JOIN register.source_sighting s USING (source_record_id)
           WHERE %(id)s IN (s.file_id, 'S' || substr(s.file_id, 2) || '.' || s.row_no)
    UNION SELECT person_id FROM register.family_member WHERE family_id = %(id)s
    UNION SELECT m.person_id FROM register.family_member m
            JOIN register.proposal p USING (family_id) WHERE p.proposal_id = %(id)s
    UNION SELECT person_id FROM register.evidence WHERE evidence_id = %(id)s AND person_id IS NOT NULL
    UNION SELECT person_id FROM returns.return_row WHERE return_id || '#' || row_no = %(id)s
), families AS (
    SELECT DISTINCT family_id FROM register.family_member JOIN people USING (person_id)
)
"""

_STEPS = (
    (
        "file row",
        """SELECT s.source_record_id, 'file ' || s.file_id || ' row ' || s.row_no
             FROM register.source_sighting s
             JOIN register.person_record USING (source_record_id) JOIN people USING (person_id)
            ORDER BY 1, s.as_of, s.file_id, s.row_no""",
    ),
    (
        "person",
        """SELECT r.person_id, count(*) || ' records, ' || string_agg(DISTINCT r.how, ', ' ORDER BY r.how)
             FROM register.person_record r JOIN people USING (person_id) GROUP BY 1 ORDER BY 1""",
    ),
    (
        "family",
        """SELECT m.family_id, m.person_id || ' as ' || m.role || ' from ' || m.from_on
             FROM register.family_member m JOIN people USING (person_id) ORDER BY 1, 2""",
    ),
    (
        "evidence",
        """SELECT e.evidence_id, coalesce('record ' || e.source_record_id, 'nomination ' || e.nomination_no)
             FROM register.evidence e
            WHERE e.person_id IN (SELECT person_id FROM people)
               OR (e.person_id IS NULL AND e.family_id IN (SELECT family_id FROM families)) ORDER BY 1""",
    ),
    (
        "proposal",
        """SELECT p.proposal_id,
                  array_to_string(p.problems, ' ') || coalesce(', ' || d.outcome || ' by ' || d.decided_by, '')
             FROM register.proposal p JOIN families USING (family_id)
             LEFT JOIN register.decision d USING (proposal_id) ORDER BY 1""",
    ),
    (
        "return row",
        """SELECT w.return_id || '#' || w.row_no, w.person_id || ', return ' || lower(r.state)
             FROM returns.return_row w JOIN people USING (person_id)
             JOIN returns.return r USING (return_id) ORDER BY 1""",
    ),
)


def of(connection: Connection, record: str) -> list[Step]:
    """Everything on the way of `record` (file, source record, person, family, proposal, evidence or `return#row`).

    Empty when the id is nowhere.
    """
    return [
        Step(kind, str(item), str(because))
        for kind, query in _STEPS
        for item, because in connection.execute((_PEOPLE + query).encode(), {"id": record})
    ]
