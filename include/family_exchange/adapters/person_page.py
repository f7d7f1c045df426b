"""What a reader is told of people: each thing with who said it, of which day it speaks, and since when we know it.

Every query runs under the role of the reader's purpose (`adapters.reading`), so what may not be seen is not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from family_exchange.adapters import profiles
from family_exchange.adapters.database import Connection
from family_exchange.adapters.reading import Reader
from family_exchange.domain.framework import Framework
from family_exchange.domain.profile import Profile

INVOLVEMENT = "involvement"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is known of a person."""

    person: str
    attribute: str
    what: str
    """Which of several: the kind of a number or of a birthday, or the service; empty where there is one only."""
    value: Mapping[str, str] = field(repr=False)
    valid_from: date | None
    valid_to: date | None
    """First day on which it was so no more; None: still is, as far as is known."""
    partner: str | None
    """Who said so; None: not shown here, or a rectification."""
    feed: str | None
    as_of: date | None
    """The newest day of which that partner speaks of the person in that feed."""
    known_since: datetime
    rectified: bool


@dataclass(frozen=True, slots=True)
class Need:
    """A problem that is evidenced now."""

    person: str | None
    """None: somebody nominated the whole family."""
    family: str
    problem: str
    label: str
    rule: str
    """The rule that found it, in words."""
    partner: str | None
    feed: str | None
    event_on: date | None
    as_of: date


@dataclass(frozen=True, slots=True)
class Membership:
    """A time in which a person belongs to a family."""

    family: str
    person: str
    from_on: date
    to_on: date | None
    role: str
    resident: bool


@dataclass(frozen=True, slots=True)
class PersonPage:
    """What is known of one person."""

    person: str
    asked: str
    """The id that was asked for, if it is another: it points to this person."""
    facts: tuple[Told, ...]
    services: tuple[Told, ...]
    """Services that are involved on the day, with whoever runs them; nothing of what they do."""
    needs: tuple[Need, ...] | None
    """None: not for this purpose."""
    families: tuple[Membership, ...]


def of(reader: Reader, profile: Profile, person: str, *, on: date, whole: bool = False) -> PersonPage:
    """What is known of the person on that day; with `whole` also of every other day, as far as it is known now.

    Raises:
        NeedsDecision: there is nothing of such a person that may be shown.
    """
    real = reader.person(person)
    facts = told(reader.connection, [real], on=on, whole=whole)
    return PersonPage(
        person=real,
        asked=person,
        facts=tuple(one for one in facts if one.attribute != INVOLVEMENT),
        services=tuple(one for one in facts if one.attribute == INVOLVEMENT),
        needs=needs(reader.connection, profile, [real], on=on),
        families=memberships(reader.connection, [real], on=on, whole=whole),
    )


def told(connection: Connection, people: Sequence[str], *, on: date, whole: bool = False) -> list[Told]:
    """What is known of these people, by person and attribute; `whole`: of every day, the newest first."""
    rows = connection.execute(
        """WITH spoken AS MATERIALIZED (
             SELECT p.person_id, r.feed, r.partner, max(greatest(r.as_of, a.as_of)) AS as_of
               FROM register.person_record p JOIN memory.source_record r USING (source_record_id)
               LEFT JOIN memory.source_sighting a
                 ON a.source_record_id = r.source_record_id AND a.recorded_at <= register.as_known()
              WHERE p.person_id = ANY(%(people)s) AND r.recorded_at <= register.as_known() GROUP BY 1, 2, 3)
           SELECT f.person_id, f.attribute,
                  CASE f.attribute WHEN 'involvement' THEN coalesce(f.value ->> 'service', '')
                                   WHEN 'birth' THEN f.slot WHEN 'identifier' THEN f.slot ELSE '' END,
                  f.value, lower(f.valid), upper(f.valid), r.partner, r.feed, s.as_of, lower(f.recorded),
                  f.rectification_no IS NOT NULL
             FROM memory.fact f LEFT JOIN memory.source_record r USING (source_record_id)
             LEFT JOIN spoken s ON (s.person_id, s.feed, s.partner) = (f.person_id, r.feed, r.partner)
            WHERE f.person_id = ANY(%(people)s) AND f.recorded @> register.as_known()
              AND (%(whole)s OR f.valid @> %(on)s::date)
            ORDER BY f.person_id, array_position(%(order)s::text[], f.attribute), 3, lower(f.valid) DESC NULLS LAST,
                     f.fact_no""",
        {"people": list(people), "on": on, "whole": whole, "order": list(_ORDER)},
    )
    return [Told(*row) for row in rows]


_ORDER = ("name", "birth", "sex", "address", "identifier", "relationship", INVOLVEMENT)


def needs(connection: Connection, profile: Profile, people: Sequence[str], *, on: date) -> tuple[Need, ...] | None:
    """What is evidenced of these people and of their families as a whole; None: not for this purpose.

    As last assessed, and never of a later day than the one asked for.
    """
    if not may_ask(connection, "evidence"):
        return None
    families = sorted({one.family for one in memberships(connection, people, on=on)})
    rows = connection.execute(
        """SELECT e.person_id, e.family_id, e.problem, e.indicator, e.framework, r.partner, r.feed, r.event_on, e.as_of
             FROM (SELECT * FROM register.evidence WHERE person_id = ANY(%(people)s)
                   UNION ALL
                   SELECT * FROM register.evidence WHERE family_id = ANY(%(families)s) AND person_id IS NULL) e
             LEFT JOIN memory.source_record r USING (source_record_id)
            WHERE coalesce(r.event_on, e.as_of) <= %(on)s
            ORDER BY e.problem, e.indicator, e.person_id, e.as_of DESC, e.evidence_id""",
        {"people": list(people), "families": families, "on": on},
    ).fetchall()
    words = _Words(profile, on)
    return tuple(
        Need(person, family, problem, *words.of(framework, problem, indicator), partner, feed, event_on, as_of)
        for person, family, problem, indicator, framework, partner, feed, event_on, as_of in rows
    )


def memberships(
    connection: Connection, people: Sequence[str], *, on: date, whole: bool = False
) -> tuple[Membership, ...]:
    """The families that these people belong to on that day; `whole`: or on any other."""
    rows = connection.execute(
        """SELECT family_id, person_id, from_on, to_on, role, resident FROM register.family_member
            WHERE person_id = ANY(%(people)s)
              AND (%(whole)s OR (from_on <= %(on)s AND (to_on IS NULL OR to_on > %(on)s)))
            ORDER BY family_id, role, person_id, from_on""",
        {"people": list(people), "on": on, "whole": whole},
    )
    return tuple(Membership(*row) for row in rows)


def may_ask(connection: Connection, view: str) -> bool:
    """True when the reader's purpose may ask of that view of the room `register` at all."""
    row = connection.execute("SELECT has_table_privilege('register.' || %s, 'SELECT')", (view,)).fetchone()
    return bool(row and row[0])


class _Words:
    """What problems and rules are called."""

    def __init__(self, profile: Profile, on: date) -> None:
        self._profile = profile
        self._on = on
        self._known: dict[str, Framework | None] = {}

    def of(self, framework: str, problem: str, indicator: str) -> tuple[str, str]:
        """The problem's label and the rule in words; their codes when no file has them any more."""
        found = self._framework(framework.partition("/")[0])
        if found is None:
            return problem, indicator.replace("_", " ")
        label = next((one.label for one in found.problems if one.code == problem), problem)
        rule = found.indicator(indicator)
        return label, rule.label if rule else indicator.replace("_", " ")

    def _framework(self, code: str) -> Framework | None:
        if code not in self._known:
            now = profiles.framework_in_force(self._profile, self._on)
            others = (profiles.framework(code) for _ in range(code in profiles.framework_codes()))
            self._known[code] = now if now.code == code else next(others, None)
        return self._known[code]


def partner_names(profile: Profile, slugs: Iterable[str | None]) -> dict[str, str]:
    """What to call the partners, so that somebody can be in touch with them."""
    wanted = set(slugs)
    return {one.slug: one.name for one in profile.partners if one.slug in wanted}
