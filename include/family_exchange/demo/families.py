"""What the named people of the demo do about families: most join, some say no, and nearly all are looked after.

It is what they would do with `family-exchange family …`, by the same stages. Who does what is told by the order of the
families' ids, so that both ways of the demo come to the same.
"""

from datetime import date

from family_exchange.adapters import database
from family_exchange.adapters.doors import Doors
from family_exchange.demo.cast import LEAD_WORKERS, PROGRAMME_LEAD, REASON
from family_exchange.domain.programme import Status
from family_exchange.stages import programme, propose

EVERY = 12
"""Of so many families one is an exception of each kind."""
SAYS_NO, NOT_ASKED = 4, 7
"""The places among so many of a family that declines, and of one that is not asked."""
NO_LEAD, NO_REASON, NOT_SAID = 3, 6, 9
"""The places of a family without a lead worker, of one with a member outside the plan for no stated reason, and of one
of whose members nobody said anything."""


def say_no(doors: Doors, *, today: date) -> int:
    """How many of the proposed families said no, or are not asked; the others may be accepted."""
    proposed = sorted({one.family for one in propose.work_list(doors)})
    answers = {SAYS_NO: (Status.DECLINED, "family_said_no"), NOT_ASKED: (Status.NOT_INVITED, "supported_elsewhere")}
    said = 0
    for place, family in enumerate(proposed):
        if place % EVERY in answers:
            status, reason = answers[place % EVERY]
            programme.status(doors, family, status, by=PROGRAMME_LEAD, reason=reason, on=today, today=today)
            said += 1
    return said


def look_after(doors: Doors, *, today: date, since: date) -> int:
    """How many families are on the programme; nearly all have a lead worker, and everybody a place in the plan."""
    supported = _supported(doors, today)
    for place, (family, members) in enumerate(supported.items()):
        name, organisation = LEAD_WORKERS[place % len(LEAD_WORKERS)]
        kind = place % EVERY
        if kind != NO_LEAD:
            programme.lead(
                doors, family, name=name, organisation=organisation, on=since, by=PROGRAMME_LEAD, today=today
            )
        left_out = members[-1:] if kind in {NO_REASON, NOT_SAID} and len(members) > 1 else []
        inside = [person for person in members if person not in left_out]
        outside = left_out if kind == NO_REASON else []
        if inside:
            programme.plan(doors, family, inside=inside, outside=outside, on=today, by=PROGRAMME_LEAD, today=today)
        if kind == NO_LEAD:
            programme.suggest(
                doors, family, service="parenting course", reason=REASON, on=today, by=PROGRAMME_LEAD, today=today
            )
    return len(supported)


def _supported(doors: Doors, today: date) -> dict[str, list[str]]:
    with database.transaction(doors.database) as connection:
        rows = connection.execute(
            """SELECT s.family_id, array_agg(DISTINCT m.person_id ORDER BY m.person_id)
                 FROM register.family_status s JOIN register.family_member m USING (family_id)
                WHERE s.status = 'accepted' AND s.valid @> %(on)s::date
                  AND m.from_on <= %(on)s AND (m.to_on IS NULL OR m.to_on > %(on)s)
                GROUP BY 1 ORDER BY 1""",
            {"on": today},
        )
        return {str(family): list(members) for family, members in rows}
