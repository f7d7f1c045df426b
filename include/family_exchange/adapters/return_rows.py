"""The rows of a return, made from the register by one statement and read back in one order.

What a return may hold is decided before this page: the fields are the profile's, the people are those of the cohort
whom no restriction or objection keeps out. This page only knows where each field's value stands.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.period import Period
from family_exchange.domain.return_definition import Nulls, ReturnField
from family_exchange.domain.return_rules import FILLER_BIRTHS, Flag, Row

_NEWEST = "ORDER BY s.as_of DESC, s.event_on DESC NULLS LAST, s.source_record_id DESC"
_IN_PERIOD = "s.event_on >= %(starts_on)s AND s.event_on < %(ends_before)s"


def _latest(expression: str, *, where: str | None = None) -> str:
    return f"(array_agg({expression} {_NEWEST}) FILTER (WHERE {where or f'{expression} IS NOT NULL'}))[1]"


def _pupils(column: str) -> str:
    return f"sum((s.facts ->> '{column}')::int) FILTER (WHERE s.feed = 'school_attendance' AND {_IN_PERIOD})"


def _incidents(condition: str) -> str:
    return f"""count(DISTINCT (s.partner, s.event_ref))
               FILTER (WHERE s.feed = 'police_incidents' AND {_IN_PERIOD} AND {condition})"""


def _open(prefix: str) -> str:
    """`Y` or `N` on the period's last day; null when the feed tells nothing of the person."""
    begun = f"coalesce((s.facts ->> '{prefix}_start_date')::date <= %(last_day)s, false)"
    going_on = f"coalesce((s.facts ->> '{prefix}_end_date')::date > %(last_day)s, true)"
    return f"""CASE bool_or({begun} AND {going_on}) FILTER (WHERE s.feed = 'childrens_social_care')
               WHEN true THEN 'Y' WHEN false THEN 'N' END"""


_KNOWN_OF_A_PERSON = {
    "name": "array_agg(ARRAY[s.forename, s.surname] " + _NEWEST + ") FILTER (WHERE s.surname IS NOT NULL)",
    "address": "array_agg(ARRAY[s.address_line_1, s.address_line_2, s.town, s.postcode] "
    + _NEWEST
    + ") FILTER (WHERE coalesce(s.address_line_1, s.postcode) IS NOT NULL)",
    "known_birth": _latest("s.date_of_birth", where="s.date_of_birth <> ALL(%(fillers)s::date[])"),
    "any_birth": _latest("s.date_of_birth"),
    "sex": _latest("s.sex"),
    "relationship": _latest("s.relationship"),
    "upn": _latest("s.upn"),
    "nino": _latest("s.nino"),
    "nhs_number": _latest("s.nhs_number"),
    "pnc_id": _latest("s.facts ->> 'pnc_id'"),
    "sessions_possible": _pupils("sessions_possible"),
    "sessions_authorised": _pupils("sessions_authorised"),
    "sessions_unauthorised": _pupils("sessions_unauthorised"),
    "exclusions": _pupils("fixed_term_exclusions"),
    "incidents": _incidents("s.facts ->> 'role' IN ('suspect', 'offender')"),
    "da_incidents": _incidents(
        "(s.facts ->> 'incident_type' = 'domestic_abuse' OR (s.facts ->> 'da_flag')::boolean IS TRUE)"
    ),
    "early_help_open": _open("earl"),
    "cin_open": _open("cine"),
    "cpp_open": _open("cppl"),
    "rent_arrears": _latest(
        "(s.facts ->> 'arrears_amount')::numeric(12, 2)",
        where="s.feed = 'housing_tenancies' AND s.facts ->> 'arrears_amount' IS NOT NULL"
        " AND (s.event_on IS NULL OR s.event_on >= %(starts_on)s)",
    ),
}
"""What all current records of one person come to: a name and an address stay together, each newest known."""

_BIRTH = "coalesce(k.known_birth, k.any_birth)"
_SOURCES = {
    "la_code": "%(la_code)s::text",
    "period": "%(period)s::text",
    "la_person_ref": "m.person_id",
    "family_ref": "m.family_id",
    "forenames": "k.name[1][1]",
    "surname": "k.name[1][2]",
    "date_of_birth": f"to_char({_BIRTH}, 'YYYY-MM-DD')",
    "sex": "coalesce(k.sex, 'U')",
    "address_line_1": "k.address[1][1]",
    "address_line_2": "k.address[1][2]",
    "town": "k.address[1][3]",
    "postcode": "k.address[1][4]",
    "relationship": "coalesce(k.relationship, m.role)",
    "date_screened": "to_char(least(m.proposed_on, m.supported_since), 'YYYY-MM-DD')",
    "group": "m.grouping",
    "support_start": "to_char(m.supported_since, 'YYYY-MM-DD')",
    "support_end": "to_char(m.ended_on, 'YYYY-MM-DD')",
    "intervention_status": "m.status",
    "referral_reason": "m.referral_reason",
    "upn": "k.upn",
    "nino": "k.nino",
    "nhs_number": "k.nhs_number",
    "pnc_id": "k.pnc_id",
    **{f"p{number}": f"CASE WHEN 'P{number}' = ANY(m.problems) THEN 'Y' ELSE 'N' END" for number in range(1, 7)},
}
"""Where the value of a field stands that is no measure, by the field's `source`."""

_COUNTED = frozenset({"incidents", "da_incidents"})
"""Measures of which a covered period without a row means zero."""

MEASURES = frozenset(_KNOWN_OF_A_PERSON) - {"name", "address", "known_birth", "any_birth"}
SOURCES = frozenset(_SOURCES) | MEASURES
"""Every `source` that a return definition may name."""

_TOLD_OF_THE_PERIOD = """(
        NOT EXISTS (SELECT 1 FROM register.family_member e WHERE e.person_id = m.person_id AND e.from_on < m.from_on)
        AND EXISTS (SELECT 1 FROM register.person_record pr JOIN register.source_record s USING (source_record_id)
                      JOIN exchange.file f USING (file_id)
                     WHERE pr.person_id IN (m.person_id, r.root_id)
                       AND f.coverage_from < %(ends_before)s AND f.coverage_to >= %(starts_on)s))"""
"""A membership's first day is the day on which somebody first saw it; a partner that sends how things stand at the end
of its file's coverage dates it after the period that the file tells of. Somebody whom no other family is known to have
had before is then a member of that period too."""

_MEMBERS = f"""
  episode AS (
    SELECT family_id, unnest(range_agg(valid)) AS valid FROM register.family_status
     WHERE status = 'accepted' GROUP BY family_id),
  supported AS (
    SELECT DISTINCT ON (e.family_id) e.family_id, p.proposed_on, p.problems, lower(e.valid) AS supported_since,
           CASE WHEN upper(e.valid) <= %(last_day)s THEN upper(e.valid) END AS ended_on,
           CASE WHEN upper(e.valid) <= %(last_day)s THEN 'closed' ELSE 'accepted' END AS status,
           s.referral_reason, 'I' AS grouping
      FROM episode e
      JOIN register.family_status s ON s.family_id = e.family_id AND s.valid <@ e.valid AND s.status = 'accepted'
      JOIN register.proposal_history p USING (proposal_id)
     WHERE lower(e.valid) <= %(last_day)s AND (%(comparison)s OR e.valid && daterange(%(starts_on)s, %(ends_before)s))
     ORDER BY e.family_id, e.valid DESC, s.valid, p.proposal_id),
  assessed AS (
    SELECT DISTINCT ON (p.family_id) p.family_id, p.proposed_on, p.problems, NULL::date AS supported_since,
           NULL::date AS ended_on, coalesce(s.status, 'identified') AS status, s.referral_reason, 'C' AS grouping
      FROM register.proposal_history p
      LEFT JOIN register.family_status s ON s.family_id = p.family_id AND s.valid @> %(last_day)s::date
     WHERE %(comparison)s AND p.ended IS DISTINCT FROM 'corrected' AND NOT EXISTS (
           SELECT 1 FROM register.family_status a WHERE a.family_id = p.family_id AND a.status = 'accepted')
     ORDER BY p.family_id, p.proposed_on, p.proposal_id),
  root(person_id, root_id) AS (
    SELECT person_id, person_id FROM register.person WHERE merged_into IS NULL
    UNION ALL SELECT p.person_id, r.root_id FROM root r JOIN register.person p ON p.merged_into = r.person_id),
  member AS (
    SELECT DISTINCT ON (r.root_id) r.root_id AS person_id, m.family_id, m.role,
           f.proposed_on, f.problems, f.supported_since, f.ended_on, f.status, f.referral_reason, f.grouping
      FROM (SELECT * FROM supported UNION ALL SELECT * FROM assessed) f
      JOIN register.family_member m USING (family_id)
      JOIN root r USING (person_id)
     WHERE (m.from_on < least(%(ends_before)s, f.ended_on) OR {_TOLD_OF_THE_PERIOD})
       AND (m.to_on IS NULL OR m.to_on > greatest(%(starts_on)s::date, f.supported_since))
     ORDER BY r.root_id, f.grouping DESC, m.from_on DESC, m.family_id COLLATE "C"),
  known AS (
    SELECT r.root_id AS person_id, {", ".join(f"{value} AS {name}" for name, value in _KNOWN_OF_A_PERSON.items())}
      FROM register.source_record s
      JOIN register.person_record pr USING (source_record_id)
      JOIN root r ON r.person_id = pr.person_id
     WHERE s.current AND r.root_id IN (SELECT person_id FROM member)
     GROUP BY r.root_id)"""  # noqa: S608 - our own expressions


@dataclass(frozen=True, slots=True)
class Cohort:
    """Whom a return covers, and as what."""

    la_code: str
    period: Period
    comparison_group: bool
    """True when families only assessed are in it too."""
    excluding: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Assembled:
    """How many people are in, and how many a restriction or an objection kept out."""

    rows: int
    excluded: int


def covered(connection: Connection, feeds: Collection[str], period: Period) -> frozenset[str]:
    """The feeds whose registered files together cover every day of the period."""
    rows = connection.execute(
        """SELECT feed FROM exchange.file
            WHERE feed = ANY(%s) AND state IN ('APPLIED','CLOSED') AND registered_at IS NOT NULL
              AND coverage_from <= coverage_to
            GROUP BY feed HAVING range_agg(daterange(coverage_from, coverage_to, '[]')) @> daterange(%s, %s)""",
        (list(feeds), period.starts_on, period.ends_before),
    )
    return frozenset(str(feed) for (feed,) in rows)


def flagged(kinds: Collection[Flag]) -> str:
    """The people whom one of these flags keeps out, undecided or upheld: a query of ids, to be `linked`."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return f"SELECT person_id FROM rights.flag WHERE status IN ('received', 'upheld') AND kind IN ({names})"  # noqa: S608 - words of ours


def assemble(connection: Connection, return_id: str, fields: Collection[ReturnField], cohort: Cohort) -> Assembled:
    """The return's rows are those of its cohort as known now, each with exactly these fields, in one fixed order.

    Somebody whose known date of birth is after the period was nobody's member yet, and has no row.

    Raises:
        NeedsDecision: a field's source is not one that this page knows.
    """
    with_feeds = {feed for field in fields for feed in field.feeds}
    there = covered(connection, with_feeds, cohort.period)
    content = ", ".join(f"'{field.name}', ({_value(field, there)})::text" for field in fields)
    row = connection.execute(
        f"""WITH RECURSIVE {linked(flagged(cohort.excluding))}, {_MEMBERS},
          made AS (
            SELECT m.person_id, m.family_id, jsonb_build_object({content}) AS content,
                   m.person_id IN (SELECT person_id FROM linked) AS kept_out
              FROM member m LEFT JOIN known k ON k.person_id = m.person_id
             WHERE {_BIRTH} IS NULL OR {_BIRTH} <= %(last_day)s),
          stored AS (
            INSERT INTO returns.return_row (return_id, row_no, person_id, family_id, content)
            SELECT %(return_id)s, row_number() OVER (ORDER BY family_id COLLATE "C", person_id COLLATE "C"),
                   person_id, family_id, content
              FROM made WHERE NOT kept_out
            RETURNING 1)
          SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM made WHERE kept_out)""".encode(),  # noqa: S608 - our own expressions
        {
            "return_id": return_id,
            "la_code": cohort.la_code,
            "period": cohort.period.name,
            "starts_on": cohort.period.starts_on,
            "ends_before": cohort.period.ends_before,
            "last_day": cohort.period.last_day,
            "comparison": cohort.comparison_group,
            "fillers": sorted(FILLER_BIRTHS),
        },
    ).fetchone()
    assert row is not None  # noqa: S101 - two counts always give a row
    return Assembled(rows=int(row[0]), excluded=int(row[1]))


def rows(connection: Connection, return_id: str) -> Iterator[Row]:
    """The return's rows in the order in which they are sent; they travel in batches."""
    with connection.cursor(name="return_rows") as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            "SELECT row_no, content FROM returns.return_row WHERE return_id = %s ORDER BY row_no", (return_id,)
        )
        for row_no, content in cursor:
            yield Row(int(row_no), content)


def flagged_rows(connection: Connection, return_id: str, kinds: Collection[Flag]) -> frozenset[int]:
    """The rows of people who may not be in the return any more."""
    found = connection.execute(
        f"""WITH RECURSIVE {linked(flagged(kinds))}
            SELECT row_no FROM returns.return_row JOIN linked USING (person_id) WHERE return_id = %s""".encode(),  # noqa: S608 - our own queries
        (return_id,),
    )
    return frozenset(int(row_no) for (row_no,) in found)


def _value(field: ReturnField, there: Collection[str]) -> str:
    """The SQL of one field; a measure whose feeds do not cover the period is never a number."""
    if field.source in _SOURCES and not field.measure:
        return _SOURCES[field.source]
    if field.source not in MEASURES:
        raise NeedsDecision(
            f"return field {field.name} has the source {field.source}, which the register does not know"
        )
    if not field.measure:
        return f"k.{field.source}"
    if not set(field.feeds) <= set(there):
        return f"'{Nulls.NOT_COLLECTED}'"
    if field.source in _COUNTED:
        return f"coalesce(k.{field.source}, 0)"
    empty = f"'{Nulls.NONE_RECORDED}'"
    if Nulls.NOT_APPLICABLE in field.nulls:
        grown_up = f"{_BIRTH} <= (%(last_day)s::date - interval '18 years')"
        empty = f"CASE WHEN {grown_up} THEN '{Nulls.NOT_APPLICABLE}' ELSE {empty} END"
    return f"coalesce(k.{field.source}::text, {empty})"
