"""Where the value of each field of a return stands, as SQL over a member `m`, what is last known `l`, and measures `k`.

Who somebody is comes from `adapters.said`, as facts do; a measure is counted over the current records of the period.
"""

from collections.abc import Collection

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.facts import IDENTIFIERS
from family_exchange.domain.return_definition import Nulls, ReturnField

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


_COUNTED_OF_A_PERSON = {
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
"""What all current records of one person come to in a period."""

BIRTH = "l.born"
_SOURCES = {
    "la_code": "%(la_code)s::text",
    "period": "%(period)s::text",
    "la_person_ref": "m.person_id",
    "family_ref": "m.family_id",
    "forenames": "l.name ->> 'forename'",
    "surname": "l.name ->> 'surname'",
    "date_of_birth": f"to_char({BIRTH}, 'YYYY-MM-DD')",
    "sex": "coalesce(l.sex ->> 'sex', 'U')",
    "address_line_1": "l.address ->> 'address_line_1'",
    "address_line_2": "l.address ->> 'address_line_2'",
    "town": "l.address ->> 'town'",
    "postcode": "l.address ->> 'postcode'",
    "relationship": "coalesce(l.relationship ->> 'relationship', m.role)",
    "date_screened": "to_char(least(m.proposed_on, m.supported_since), 'YYYY-MM-DD')",
    "group": "m.grouping",
    "support_start": "to_char(m.supported_since, 'YYYY-MM-DD')",
    "support_end": "to_char(m.ended_on, 'YYYY-MM-DD')",
    "intervention_status": "m.status",
    "referral_reason": "m.referral_reason",
    **{kind: f"l.{kind} ->> 'number'" for kind in IDENTIFIERS},
    **{f"p{number}": f"CASE WHEN 'P{number}' = ANY(m.problems) THEN 'Y' ELSE 'N' END" for number in range(1, 7)},
}
"""Where the value of a field stands that is no measure, by the field's `source`."""

_COUNTED = frozenset({"incidents", "da_incidents"})
"""Measures of which a covered period without a row means zero."""

MEASURES = frozenset(_COUNTED_OF_A_PERSON)
SOURCES = frozenset(_SOURCES) | MEASURES
"""Every `source` that a return definition may name."""

COUNTS = ", ".join(f"{value} AS {name}" for name, value in _COUNTED_OF_A_PERSON.items())
"""Every measure, over the source records `s` of one person; needs the parameters of `return_rows.bounds`."""


def value(field: ReturnField, there: Collection[str]) -> str:
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
        grown_up = f"{BIRTH} <= (%(last_day)s::date - interval '18 years')"
        empty = f"CASE WHEN {grown_up} THEN '{Nulls.NOT_APPLICABLE}' ELSE {empty} END"
    return f"coalesce(k.{field.source}::text, {empty})"


def content(fields: Collection[ReturnField], there: Collection[str]) -> str:
    """The SQL of an object of all these fields as text; `there` are the feeds that cover the period.

    Raises:
        NeedsDecision: a field's source is not one that this page knows.
    """
    return "jsonb_build_object({})".format(", ".join(f"'{each.name}', ({value(each, there)})::text" for each in fields))
