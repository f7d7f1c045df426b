"""The monthly count report: how many families were assessed, eligible, asked and supported, by how they came.

After `memory.as_known` the same queries count what was known then, so a month that is over counts the same for ever,
but for families whose records were destroyed since.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

from family_exchange.adapters.database import Connection
from family_exchange.adapters.sound import SOUND
from family_exchange.adapters.worklist import REFERRALS
from family_exchange.domain.indicator import Route


@dataclass(frozen=True, slots=True)
class Counts:
    """Families on the last day that is counted."""

    assessed: int = 0
    """In the register: the rules look at every one of them."""
    eligible: int = 0
    """The rules proposed them, and nothing has shown since that this was a mistake."""
    invited: int = 0
    enrolled: int = 0
    """On the programme."""
    declined: int = 0
    not_invited: int = 0
    closed: int = 0
    comparison: int = 0
    """Eligible, and never on the programme."""

    def as_plain(self) -> Mapping[str, int]:
        """For machines."""
        return asdict(self)


def counts(connection: Connection, *, on: date) -> dict[Route, Counts]:
    """The counts of each route, also of one by which no family came; every family has one route."""
    found = dict.fromkeys(Route, Counts())
    for route, *numbers in connection.execute(_COUNTS.encode(), {"on": on, "referrals": REFERRALS}):
        found[Route(route)] = Counts(*map(int, numbers))
    return found


_COUNTS = f"""
    WITH RECURSIVE {SOUND},
    member AS (
      SELECT DISTINCT family_id, person_id FROM register.family_member
       WHERE from_on <= %(on)s AND (to_on IS NULL OR to_on > %(on)s)),
    status AS (
      SELECT family_id, status, route FROM register.family_status WHERE valid @> %(on)s::date),
    family AS (SELECT family_id FROM member UNION SELECT family_id FROM status),
    proposed AS (SELECT DISTINCT family_id FROM sound WHERE proposed_on <= %(on)s),
    ever AS (
      SELECT DISTINCT family_id FROM register.family_status WHERE status = 'accepted' AND lower(valid) <= %(on)s),
    referred AS (
      SELECT DISTINCT m.family_id FROM register.source_record s JOIN register.person_record USING (source_record_id)
        JOIN member m USING (person_id) WHERE s.feed = %(referrals)s AND s.current),
    named AS (
      SELECT person_id, family_id FROM register.nomination
       WHERE recorded_at <= register.as_known() AND nominated_on <= %(on)s
         AND (withdrawn_at IS NULL OR withdrawn_at > register.as_known())),
    way AS (
      SELECT person_id FROM named WHERE person_id IS NOT NULL
      UNION SELECT p.merged_into FROM way w JOIN register.person p USING (person_id) WHERE p.merged_into IS NOT NULL),
    nominated AS (
      SELECT family_id FROM named WHERE family_id IS NOT NULL
      UNION SELECT family_id FROM way JOIN member USING (person_id)),
    told AS (
      SELECT f.family_id, s.status, p.family_id IS NOT NULL AS eligible, e.family_id IS NOT NULL AS ever,
             coalesce(s.route, CASE WHEN r.family_id IS NOT NULL THEN 'referral'
                                    WHEN n.family_id IS NOT NULL THEN 'nomination' ELSE 'data' END) AS route
        FROM family f LEFT JOIN status s USING (family_id) LEFT JOIN proposed p USING (family_id)
        LEFT JOIN ever e USING (family_id) LEFT JOIN referred r USING (family_id)
        LEFT JOIN nominated n USING (family_id))
    SELECT route, count(*), count(*) FILTER (WHERE eligible), count(*) FILTER (WHERE status = 'invited'),
           count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'declined'),
           count(*) FILTER (WHERE status = 'not_invited'), count(*) FILTER (WHERE status = 'closed'),
           count(*) FILTER (WHERE eligible AND NOT ever)
      FROM told GROUP BY route
"""  # noqa: S608 - our own words
