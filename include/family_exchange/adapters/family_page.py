"""What a reader is told of a family: its people, who supports it and how, what they need, and who is involved."""

from dataclasses import dataclass
from datetime import date

from family_exchange.adapters import person_page
from family_exchange.adapters.database import Connection
from family_exchange.adapters.person_page import INVOLVEMENT, Membership, Need, Told
from family_exchange.adapters.reading import Reader
from family_exchange.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Spell:
    """Something that was so for a while."""

    what: str
    detail: str | None
    from_on: date | None
    to_on: date | None
    by: str
    """Who said so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whether a member is in the plan."""

    person: str
    in_plan: bool
    reason: str | None
    from_on: date | None
    to_on: date | None


@dataclass(frozen=True, slots=True)
class FamilyPage:
    """What is known of one family. What is None is not for this purpose."""

    family: str
    members: tuple[Membership, ...]
    facts: tuple[Told, ...]
    services: tuple[Told, ...]
    """By member: services that are involved on the day, with whoever runs them; nothing of what they do."""
    needs: tuple[Need, ...] | None
    suggestions: tuple[Spell, ...] | None
    status: tuple[Spell, ...] | None
    """On the day: one at most."""
    lead_worker: tuple[Spell, ...] | None
    team: tuple[Spell, ...] | None
    plan: tuple[Place, ...] | None


def of(reader: Reader, profile: Profile, family: str, *, on: date, whole: bool = False) -> FamilyPage:
    """What is known of the family on that day; with `whole` also of every other day.

    Raises:
        NeedsDecision: there is nothing of such a family that may be shown.
    """
    everybody = reader.family(family)
    ask = reader.connection
    members = tuple(one for one in person_page.memberships(ask, everybody, on=on, whole=whole) if one.family == family)
    people = sorted({one.person for one in members})
    facts = person_page.told(ask, people, on=on, whole=whole)
    needs = person_page.needs(ask, profile, people, on=on)
    workers = {duty: _spells(ask, _WORKER, family, on, duty=duty, whole=whole) for duty in ("lead", "team")}
    return FamilyPage(
        family=family,
        members=members,
        facts=tuple(one for one in facts if one.attribute != INVOLVEMENT),
        services=tuple(one for one in facts if one.attribute == INVOLVEMENT),
        needs=None if needs is None else tuple(one for one in needs if one.family == family),
        suggestions=_spells(ask, _SUGGESTION, family, on, whole=whole),
        status=_spells(ask, _STATUS, family, on, whole=whole),
        lead_worker=workers["lead"],
        team=workers["team"],
        plan=_plan(ask, family, on, whole=whole),
    )


_SPELL = """
    SELECT {what}, {detail}, lower(valid), upper(valid), {by} FROM register.{view}
     WHERE family_id = %(family)s AND {of} AND (%(whole)s OR valid @> %(on)s::date) ORDER BY lower(valid) DESC, 1
"""
_STATUS = ("family_status", "status", "reason", "decided_by", "true")
_WORKER = ("family_worker", "name", "organisation", "recorded_by", "duty = %(duty)s")
_SUGGESTION = ("suggestion", "service", "reason", "recorded_by", "true")


def _spells(
    connection: Connection,
    table: tuple[str, str, str, str, str],
    family: str,
    on: date,
    *,
    whole: bool,
    duty: str = "",
) -> tuple[Spell, ...] | None:
    view, what, detail, by, of = table
    if not person_page.may_ask(connection, view):
        return None
    query = _SPELL.format(view=view, what=what, detail=detail, by=by, of=of)
    rows = connection.execute(query.encode(), {"family": family, "on": on, "whole": whole, "duty": duty})
    return tuple(Spell(*row) for row in rows)


def _plan(connection: Connection, family: str, on: date, *, whole: bool) -> tuple[Place, ...] | None:
    if not person_page.may_ask(connection, "plan_scope"):
        return None
    rows = connection.execute(_PLAN, {"family": family, "on": on, "whole": whole})
    return tuple(Place(*row) for row in rows)


_PLAN = """
    WITH said AS (
      SELECT coalesce(t.points_to, s.person_id) AS person, s.person_id AS said_of, s.in_plan, s.reason, s.valid
        FROM register.plan_scope s
        LEFT JOIN memory.person_pointer t ON t.person_id = s.person_id AND t.recorded @> register.as_known()
       WHERE s.family_id = %(family)s)
    SELECT person, in_plan, reason, lower(valid), upper(valid) FROM said s
     WHERE (%(whole)s OR valid @> %(on)s::date)
       AND NOT EXISTS (SELECT FROM said o WHERE o.person = s.person AND o.said_of <> s.said_of AND o.valid && s.valid
                          AND (o.said_of = o.person, lower(o.valid), s.said_of)
                            > (s.said_of = s.person, lower(s.valid), o.said_of))
     ORDER BY person, lower(valid) DESC
"""
"""What was said of an id that became another's holds for that other, unless something else was said of them since.

Of several such ids the newest word holds: as among the exceptions, in `gaps`.
"""
