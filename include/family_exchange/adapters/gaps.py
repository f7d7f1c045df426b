"""What is missing in the support of families, asked of the whole register at once; ids, codes and days only."""

from dataclasses import dataclass
from datetime import date

from family_exchange.adapters.database import Connection
from family_exchange.domain.family import Role
from family_exchange.domain.problem import Subject
from family_exchange.domain.programme import Gap


@dataclass(frozen=True, slots=True)
class Missing:
    """One exception: a family, perhaps one of its members, and what is missing."""

    family: str
    gap: Gap
    person: str | None
    supported_since: date


def supported(connection: Connection, *, on: date) -> dict[str, date]:
    """The families on the programme on that day, and since when."""
    rows = connection.execute(
        """SELECT family_id, lower(valid) FROM register.family_status WHERE status = 'accepted' AND valid @> %s::date
            ORDER BY family_id""",
        (on,),
    )
    return {str(family): since for family, since in rows}


def in_support(connection: Connection, *, on: date) -> list[Missing]:
    """Supported families without a lead worker, a member, or a word about a member's place in the plan; in order."""
    rows = connection.execute(_GAPS, {"on": on})
    return [Missing(family, Gap(gap), person, since) for family, gap, person, since in rows]


def subjects(connection: Connection) -> dict[str, list[Subject]]:
    """The members of each family that `evidence.assess` looked at in this transaction."""
    found: dict[str, list[Subject]] = {}
    for family, person, role, resident, born, kept, expecting in connection.execute(
        "SELECT family_id, person_id, role, resident, born, kept, expecting FROM subject ORDER BY 1, 2"
    ):
        found.setdefault(family, []).append(Subject(person, Role(role), resident, born, kept, expecting))
    return found


_GAPS = """
    WITH RECURSIVE supported AS (
      SELECT family_id, lower(valid) AS since FROM register.family_status
       WHERE status = 'accepted' AND valid @> %(on)s::date),
    member AS (
      SELECT DISTINCT family_id, person_id FROM register.family_member JOIN supported USING (family_id)
       WHERE from_on <= %(on)s AND (to_on IS NULL OR to_on > %(on)s)),
    said AS (
      SELECT family_id, person_id, in_plan, reason, lower(valid) AS since
        FROM register.plan_scope JOIN supported USING (family_id) WHERE valid @> %(on)s::date),
    way AS (
      SELECT DISTINCT person_id AS said_of, person_id FROM said
      UNION SELECT w.said_of, p.merged_into FROM way w JOIN register.person p USING (person_id)
             WHERE p.merged_into IS NOT NULL),
    scope AS (
      SELECT DISTINCT ON (m.family_id, m.person_id) m.family_id, m.person_id, s.in_plan, s.reason
        FROM member m JOIN way w USING (person_id) JOIN said s ON (s.family_id, s.person_id) = (m.family_id, w.said_of)
       ORDER BY m.family_id, m.person_id, (s.person_id = m.person_id) DESC, s.since DESC, s.person_id)
    SELECT family_id, 'no_lead_worker' AS gap, NULL AS person_id, since FROM supported s
     WHERE NOT EXISTS (SELECT FROM register.family_worker w
                        WHERE w.family_id = s.family_id AND w.duty = 'lead' AND w.valid @> %(on)s::date)
    UNION ALL
    SELECT family_id, 'no_member', NULL, since FROM supported s
     WHERE NOT EXISTS (SELECT FROM member m WHERE m.family_id = s.family_id)
    UNION ALL
    SELECT family_id, 'nobody_said', person_id, since FROM supported JOIN member USING (family_id)
      LEFT JOIN scope USING (family_id, person_id) WHERE in_plan IS NULL
    UNION ALL
    SELECT family_id, 'outside_without_reason', person_id, since FROM supported JOIN scope USING (family_id)
     WHERE NOT in_plan AND coalesce(btrim(reason), '') = ''
    ORDER BY 1, 2, 3
"""
"""What was said of an id that turned out to be another person's is said of that person, as in `family_page`."""
