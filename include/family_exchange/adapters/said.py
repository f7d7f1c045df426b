"""What partners and named persons say of somebody, and whose word stands: one place for facts, families and returns.

Every saying has a `preference`, a text that compares byte by byte: a rectification before all, then the feeds that the
profile trusts, then the newest day of which somebody speaks. Of sayings that differ, the one with the greatest stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from psycopg import sql

from family_exchange.adapters import linkage_model, profiles
from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import BIRTH_ESTIMATED
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.domain.contract import Service
from family_exchange.domain.facts import CLASSES, IDENTIFIERS
from family_exchange.domain.profile import Profile
from family_exchange.domain.register_rules import Attribute

RULE = "1"
"""Changes whenever this page gives other sayings of the same records: then every person is due."""

UNKNOWN = "unknown"
"""The slot of a day of birth that a clerk typed because a field must not be empty."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Whose word stands, and what tells of a service."""

    sources: Mapping[Attribute, tuple[str, ...]]
    """By attribute the feeds that are trusted most, in order."""
    placeholders: tuple[date, ...]
    services: tuple[tuple[str, Service], ...]
    """Feed and service."""

    @property
    def digest(self) -> str:
        """The same text for the same rules."""
        trusted = ";".join(f"{attribute}={','.join(feeds)}" for attribute, feeds in sorted(self.sources.items()))
        services = ";".join(f"{feed}:{one.model_dump_json()}" for feed, one in self.services)
        return f"{RULE}|{trusted}|{services}|{','.join(map(str, self.placeholders))}"


def rules(profile: Profile) -> Rules:
    """The rules of that council."""
    return Rules(
        {attribute: feeds for attribute in Attribute if (feeds := profile.choosing.sources(attribute))},
        tuple(sorted(linkage_model.of(profile.matching).placeholder_births)),
        _services(),
    )


@cache
def _services() -> tuple[tuple[str, Service], ...]:
    found: dict[tuple[str, str], Service] = {}
    for feed in profiles.feeds():
        for version in profiles.versions(feed):
            for one in profiles.contract(feed, version).services:
                found[feed, one.service] = one
    return tuple((feed, found[feed, service]) for feed, service in sorted(found))


WHOM = """
  below(person_id, root_id) AS (
    {roots}
    UNION
    SELECT p.person_id, b.root_id FROM below b JOIN register.person p ON p.merged_into = b.person_id)
"""
"""Persons with every id that means them; `roots` is a query of (person_id, root_id) of ids that point nowhere."""


def note(connection: Connection, rules: Rules, whom: str) -> None:
    """`said`, for this transaction: every saying about the persons in the temporary table `whom`.

    `whom` has `person_id`, one row for each id, and `root_id`, the person whom it means; `said.person_id` is the
    latter. Of a superseded row nothing is said, save by a feed without events: its older rows tell of the past. What
    such a feed said several times, word for word, is a saying for each day of which it was said.
    """
    connection.execute("DROP TABLE IF EXISTS said")
    query = sql.SQL(_SAID).format(
        whom=sql.Identifier(whom),
        identifiers=sql.SQL("").join(map(_identifier, IDENTIFIERS)),
        services=sql.SQL("").join(_service(feed, one) for feed, one in rules.services),
        trust=_trust(rules),
        classes=_classes(),
    )
    connection.execute(query, {"placeholders": list(rules.placeholders), "estimated": BIRTH_ESTIMATED})
    connection.execute("ANALYZE said")


_SAID = """
CREATE TEMP TABLE said ON COMMIT DROP AS
WITH RECURSIVE told AS (
  SELECT w.root_id, r.*,
         d.said_on, d.stands,
         CASE WHEN r.event_ref <> '' THEN least(coalesce(r.event_on, d.said_on), d.said_on) ELSE d.said_on END AS day,
         CASE WHEN r.date_of_birth = ANY(%(placeholders)s) THEN 'unknown'
              WHEN r.date_of_birth > r.first_as_of THEN 'expected'
              WHEN (r.facts ->> %(estimated)s)::boolean THEN 'estimated' ELSE 'actual' END AS kind
    FROM {whom} w JOIN register.person_record p USING (person_id)
    JOIN register.source_record r USING (source_record_id)
    CROSS JOIN LATERAL (
      SELECT r.as_of, r.current
      UNION ALL
      SELECT r.first_as_of, false WHERE r.event_ref = '' AND r.first_as_of < r.as_of
      UNION ALL
      SELECT DISTINCT a.as_of, false FROM memory.source_sighting a
       WHERE r.event_ref = '' AND a.source_record_id = r.source_record_id AND a.recorded_at <= register.as_known()
         AND a.as_of > r.first_as_of AND a.as_of < r.as_of) d(said_on, stands)
   WHERE r.current OR r.event_ref = '')
SELECT t.root_id AS person_id, s.attribute, s.slot, jsonb_strip_nulls(s.value) AS value, s.data_class,
       s.from_on, s.to_on, s.began_on, t.stands AS current,
       (lpad((99 - coalesce({trust}, 99))::text, 2, '0') || '|'
         || to_char(CASE s.attribute WHEN 'involvement' THEN t.said_on ELSE s.from_on END, 'YYYY-MM-DD') || '|'
         || to_char(t.said_on, 'YYYY-MM-DD') || '|' || coalesce(to_char(t.event_on, 'YYYY-MM-DD'), '') || '|'
         || t.source_record_id) COLLATE "C" AS preference,
       t.source_record_id, NULL::bigint AS rectification_no
  FROM told t CROSS JOIN LATERAL (
    SELECT 'name', '', jsonb_build_object('forename', t.forename, 'surname', t.surname),
           'name', t.day, NULL::date, NULL::date WHERE t.surname IS NOT NULL
    UNION ALL
    SELECT 'birth', t.kind, jsonb_build_object('day', to_char(t.date_of_birth, 'YYYY-MM-DD')),
           'date_of_birth', t.day, NULL, NULL WHERE t.date_of_birth IS NOT NULL
    UNION ALL
    SELECT 'sex', '', jsonb_build_object('sex', t.sex), 'sex', t.day, NULL, NULL WHERE t.sex IN ('F', 'M')
    UNION ALL
    SELECT 'address', '', jsonb_build_object('address_line_1', t.address_line_1, 'address_line_2', t.address_line_2,
                                             'town', t.town, 'postcode', t.postcode, 'uprn', t.uprn),
           'address', t.day,
           CASE WHEN jsonb_exists(t.facts, 'tenancy_start') AND t.event_on <= t.first_as_of THEN t.event_on END,
           (t.facts ->> 'tenancy_start')::date WHERE coalesce(t.uprn, t.address_line_1, t.postcode) IS NOT NULL
    UNION ALL
    SELECT 'relationship', concat_ws('|', t.feed, t.partner, t.household_ref),
           jsonb_build_object('relationship', t.relationship), 'family', t.day,
           CASE WHEN jsonb_exists(t.facts, 'tenancy_start') AND t.event_on <= t.first_as_of
                THEN t.event_on + 1 END, NULL
     WHERE t.relationship IS NOT NULL{identifiers}{services}
  ) s(attribute, slot, value, data_class, from_on, to_on, began_on)
UNION ALL
SELECT w.root_id, c.attribute, c.slot, c.value, {classes}, c.valid_from, NULL, NULL, true,
       ('~|' || to_char(c.valid_from, 'YYYY-MM-DD') || '|' || lpad(c.rectification_no::text, 12, '0')) COLLATE "C",
       NULL, c.rectification_no
  FROM {whom} w JOIN register.rectification c USING (person_id)
 WHERE c.decided_at <= register.as_known() AND coalesce(c.withdrawn_at > register.as_known(), true)
"""


def _identifier(kind: str) -> sql.Composable:
    return sql.SQL(
        """
    UNION ALL
    SELECT 'identifier', {kind}, jsonb_build_object('number', {number}), {data_class}, t.day, NULL, NULL
     WHERE {number} IS NOT NULL"""
    ).format(kind=sql.Literal(kind), number=_column(kind), data_class=sql.Literal(str(IDENTIFIERS[kind])))


def _service(feed: str, one: Service) -> sql.Composable:
    """A row when the record is of that feed and tells since when."""
    since: sql.Composable = sql.SQL("t.day")
    event: sql.Composable = sql.SQL("t.record_ref")
    until: sql.Composable = sql.SQL("({}) + 1").format(_day(one.until)) if one.until else sql.SQL("NULL::date")
    parts: list[sql.Composable] = [sql.SQL("'service', {}, 'partner', t.partner").format(sql.Literal(one.service))]
    if one.since:
        since, event = _day(one.since), sql.SQL("coalesce(nullif(t.event_ref, ''), t.record_ref)")
        parts.append(sql.SQL("'since', {}").format(since))
    if one.until:
        parts.append(sql.SQL("'until', {}").format(_day(one.until)))
    if one.at:
        parts.append(sql.SQL("'at', {}").format(_column(one.at)))
    if one.holds_months:
        until = sql.SQL("coalesce({}, ({} + make_interval(months => {}))::date)").format(
            until, since, sql.Literal(one.holds_months)
        )
    return sql.SQL(
        """
    UNION ALL
    SELECT 'involvement', concat_ws('|', t.feed, t.partner, {event}, {service}), jsonb_build_object({parts}),
           {data_class}, {since}, {until}, NULL WHERE t.feed = {feed} AND {since} IS NOT NULL"""
    ).format(
        event=event,
        service=sql.Literal(one.service),
        parts=sql.SQL(", ").join(parts),
        data_class=sql.Literal(str(one.data_class)),
        since=since,
        until=until,
        feed=sql.Literal(feed),
    )


def _day(column: str) -> sql.Composed:
    return sql.SQL("({})::date").format(_column(column))


def _column(canonical: str) -> sql.Composable:
    if canonical in IDENTITY_COLUMNS:
        return sql.Identifier("t", canonical)
    return sql.SQL("(t.facts ->> {})").format(sql.Literal(canonical))


def _classes() -> sql.Composable:
    """The data class of a rectification `c`."""
    attributes = [(sql.Literal(str(each)), sql.Literal(str(of))) for each, of in CLASSES.items()]
    kinds = [(sql.Literal(kind), sql.Literal(str(of))) for kind, of in IDENTIFIERS.items()]
    return sql.SQL("CASE c.attribute {} ELSE CASE c.slot {} END END").format(
        *(
            sql.SQL(" ").join(sql.SQL("WHEN {} THEN {}").format(*pair) for pair in pairs)
            for pairs in (attributes, kinds)
        )
    )


def _trust(rules: Rules) -> sql.Composable:
    """The place of the feed among those that are trusted of the attribute; null when it is not named."""
    cases = [
        sql.SQL("WHEN {} THEN array_position({}::text[], t.feed)").format(
            sql.Literal(str(attribute)), sql.Literal(list(feeds))
        )
        for attribute, feeds in sorted(rules.sources.items())
    ]
    return sql.SQL("CASE s.attribute {} END").format(sql.SQL(" ").join(cases)) if cases else sql.SQL("NULL::int")


BIRTHS = """
  SELECT DISTINCT ON (person_id, slot) person_id, slot, value, (value ->> 'day')::date AS born, first_said,
         CASE WHEN rectification_no IS NULL THEN source_record_id END AS source_record_id, rectification_no
    FROM (SELECT *, said > 0 OR NOT bool_or(said > 0 AND slot <> 'unknown') OVER (PARTITION BY person_id) AS counts
            FROM (SELECT person_id, slot, value, min(from_on) AS first_said, max(rectification_no) AS rectification_no,
                         count(*) FILTER (WHERE stands) AS said,
                         coalesce(max(preference) FILTER (WHERE stands), max(preference)) AS newest,
                         min(source_record_id COLLATE "C") AS source_record_id
                    FROM (SELECT *, current OR slot = 'expected' AS stands FROM said WHERE attribute = 'birth') each
                   GROUP BY 1, 2, 3) stated) weighed
   WHERE counts ORDER BY person_id, slot, left(newest, 2) DESC, said DESC, newest DESC
"""
"""Of each kind of birth the day that stands: rectified, most trusted, said by most current records, newest.

What only superseded records say counts when no current one says anything; `families.note_births` does the same."""

BEST_BIRTH = f"""
  SELECT DISTINCT ON (person_id) person_id, slot AS birth, born FROM ({BIRTHS}) births
   ORDER BY person_id, rectification_no IS NULL, array_position(ARRAY['actual','estimated','expected','unknown'], slot)
"""  # noqa: S608 - our own words
"""Of each person the birth that stands: rectified before any other, actual before estimated before expected."""

LAST_KNOWN = f"""
  SELECT w.person_id, {
    ", ".join(
        f"(array_agg(value ORDER BY preference DESC) FILTER (WHERE attribute = '{attribute}'{more}))[1] AS {name}"
        for attribute, more, name in (
            ("name", "", "name"),
            ("sex", "", "sex"),
            ("address", "", "address"),
            ("relationship", "", "relationship"),
            *(("identifier", f" AND slot = '{kind}'", kind) for kind in IDENTIFIERS),
        )
    )
}, max(born) AS born, max(birth) AS birth
    FROM said w LEFT JOIN ({BEST_BIRTH}) b USING (person_id) GROUP BY w.person_id
"""  # noqa: S608 - our own words
"""Of each person the last known value of everything that a return may hold; the address whichever home it is of."""
