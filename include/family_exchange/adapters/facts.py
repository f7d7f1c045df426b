"""Facts about people with a memory: what was so in the world when, and since when we held it to be so."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import groupby
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from family_exchange.adapters import memory, said
from family_exchange.adapters.database import Connection
from family_exchange.adapters.memory import Reconciled
from family_exchange.domain import facts as rules_of
from family_exchange.domain import home, person
from family_exchange.domain.facts import UNPLACED, Lived, Rectified
from family_exchange.domain.home import Homes, Sighting


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is held to be true of a person."""

    person: str
    attribute: str
    slot: str
    value: dict[str, str] = field(repr=False)
    data_class: str
    valid_from: date | None
    """First day on which it was so; None: always, as a birth."""
    valid_to: date | None
    """First day on which it was so no more; None: still is, as far as is known."""
    feed: str | None
    partner: str | None
    """Who said so first; None: a rectification."""
    as_of: date | None
    """The newest day of which that partner speaks under the same reference; None: a rectification."""
    rectification: int | None
    known_since: datetime


def of(connection: Connection, persons: Sequence[str], *, on: date, known: datetime | None = None) -> list[Fact]:
    """What was so of these persons on the day `on`, as known at `known` (None: now), by person, attribute and slot.

    An id that pointed to another at that moment leads there. The moment holds for the rest of the transaction, as with
    `memory.as_known`.
    """
    memory.as_known(connection, known)
    rows = connection.execute(
        """WITH RECURSIVE up(asked, person_id, merged_into) AS (
             SELECT person_id, person_id, merged_into FROM register.person WHERE person_id = ANY(%(persons)s)
             UNION ALL SELECT u.asked, p.person_id, p.merged_into FROM up u
               JOIN register.person p ON p.person_id = u.merged_into)
           SELECT f.person_id, f.attribute, f.slot, f.value, f.data_class, lower(f.valid), upper(f.valid), r.feed,
                  r.partner, told.as_of, f.rectification_no, lower(f.recorded)
             FROM memory.fact f LEFT JOIN register.source_record r USING (source_record_id)
             LEFT JOIN LATERAL (
               SELECT max(s.as_of) AS as_of
                 FROM register.person_record p JOIN register.source_record s USING (source_record_id)
                WHERE p.person_id = f.person_id
                  AND (s.feed, s.partner, s.record_ref) = (r.feed, r.partner, r.record_ref)) told ON true
            WHERE f.person_id IN (SELECT person_id FROM up WHERE merged_into IS NULL)
              AND f.recorded @> register.as_known() AND f.valid @> %(on)s::date
            ORDER BY f.person_id, f.attribute, f.slot""",
        {"persons": list(persons), "on": on},
    )
    return [Fact(*row) for row in rows]


def bring_up(connection: Connection, rules: said.Rules, persons: Collection[str] | None) -> Reconciled:
    """The facts of these persons (None: of everybody) are what the source records and rectifications tell of them.

    Of ids that point to another there are none: they are that other's. A second call changes nothing.
    """
    _note_whom(connection, persons)
    said.note(connection, rules, "whom")
    connection.execute(_BELIEVED)
    _put_addresses(connection)
    connection.execute(_TIMELINES)
    connection.execute(_OF_BIRTHS)
    connection.execute("ANALYZE believed_fact")
    within = None if persons is None else sql.SQL("t.person_id IN (SELECT person_id FROM whom)")
    changed = memory.reconcile(connection, memory.FACT, "believed_fact", within=within)
    connection.execute("DROP TABLE believed_fact, placed, said, whom")
    return changed


def _note_whom(connection: Connection, persons: Collection[str] | None) -> None:
    """`whom`: the ids that are asked for, those that they point to, and all that point there, each with its person."""
    if persons is None:
        roots = sql.SQL("SELECT person_id, person_id FROM register.person WHERE merged_into IS NULL")
        query = sql.SQL("CREATE TEMP TABLE whom ON COMMIT DROP AS WITH RECURSIVE {below} SELECT * FROM below")
        connection.execute(query.format(below=sql.SQL(said.WHOM).format(roots=roots)))
    else:
        roots = sql.SQL("SELECT person_id, person_id FROM up WHERE merged_into IS NULL")
        query = sql.SQL(
            """CREATE TEMP TABLE whom ON COMMIT DROP AS
               WITH RECURSIVE up(person_id, merged_into) AS (
                 SELECT person_id, merged_into FROM register.person WHERE person_id = ANY(%s)
                 UNION SELECT p.person_id, p.merged_into FROM up u
                   JOIN register.person p ON p.person_id = u.merged_into), {below}
               SELECT * FROM below"""
        )
        connection.execute(query.format(below=sql.SQL(said.WHOM).format(roots=roots)), (sorted(persons),))
    connection.execute("ANALYZE whom")


_BELIEVED = """
CREATE TEMP TABLE believed_fact (person_id text, attribute text, slot text, value jsonb, data_class text,
  valid daterange, source_record_id text, rectification_no bigint) ON COMMIT DROP
"""

_TIMELINES = """
INSERT INTO believed_fact
WITH cut AS (
  SELECT person_id, min(from_on) AS cut_on FROM said
   WHERE attribute = 'address' AND rectification_no IS NOT NULL AND slot IN ('', 'unplaced') GROUP BY 1),
line AS (
  SELECT s.person_id, s.attribute, s.slot AS at, s.value, s.data_class, s.from_on, s.to_on, s.preference,
         s.source_record_id, s.rectification_no FROM said s WHERE s.attribute NOT IN ('birth', 'address')
  UNION ALL
  SELECT person_id, s.attribute, 'unplaced', s.value, s.data_class, s.from_on, c.cut_on, s.preference,
         s.source_record_id, NULL
    FROM said s LEFT JOIN cut c USING (person_id)
   WHERE s.attribute = 'address' AND s.rectification_no IS NULL AND (c.cut_on IS NULL OR s.from_on < c.cut_on)
     AND NOT EXISTS (SELECT FROM placed p WHERE (p.person_id, p.value) = (s.person_id, s.value))),
best AS (
  SELECT DISTINCT person_id, attribute, at, from_on,
         max(preference) OVER (PARTITION BY person_id, attribute, at ORDER BY from_on) AS preference
    FROM line),
span AS (
  SELECT b.person_id, b.attribute, b.at, l.value, l.data_class, l.source_record_id, l.rectification_no, b.from_on,
         least(lead(b.from_on) OVER (PARTITION BY b.person_id, b.attribute, b.at ORDER BY b.from_on),
               coalesce(l.to_on, 'infinity')) AS to_on
    FROM best b JOIN line l USING (person_id, attribute, at, preference)),
island AS (
  SELECT *, sum(starts) OVER (PARTITION BY person_id, attribute, at ORDER BY from_on) AS number FROM (
    SELECT *, CASE WHEN lag(to_on) OVER w = from_on AND lag(value) OVER w = value
                    AND lag(rectification_no) OVER w IS NOT DISTINCT FROM rectification_no THEN 0 ELSE 1 END AS starts
      FROM span WHERE from_on < to_on WINDOW w AS (PARTITION BY person_id, attribute, at ORDER BY from_on)) marked)
SELECT person_id, attribute, at, value,
       (array_agg(data_class ORDER BY from_on))[1],
       daterange(min(from_on), nullif(max(to_on), 'infinity')), (array_agg(source_record_id ORDER BY from_on))[1],
       rectification_no
  FROM island GROUP BY person_id, attribute, at, number, value, rectification_no
"""

_OF_BIRTHS = f"""
INSERT INTO believed_fact
SELECT person_id, 'birth', slot, value, 'date_of_birth',
       CASE WHEN slot <> 'expected' THEN daterange(NULL, NULL)
            ELSE daterange(first_said, actual) END, source_record_id, rectification_no
  FROM (SELECT *, max(born) FILTER (WHERE slot = 'actual') OVER (PARTITION BY person_id) AS actual
          FROM ({said.BIRTHS}) births) b
 WHERE slot <> 'unknown' AND NOT (slot = 'expected' AND actual IS NOT NULL AND actual <= first_said)
"""  # noqa: S608 - our own words


def _put_addresses(connection: Connection) -> None:
    """`placed`: which address is which home of each person; and the facts of each home, from the first day there on."""
    connection.execute(
        """CREATE TEMP TABLE placed (person_id text, value jsonb, home text, PRIMARY KEY (person_id, value))
           ON COMMIT DROP"""
    )
    connection.execute(
        """CREATE TEMP TABLE lived (person_id text, home text, from_on date, to_on date, rectification_no bigint)
           ON COMMIT DROP"""
    )
    placed: list[tuple[str, Jsonb, str]] = []
    lived: list[tuple[str, Lived]] = []
    for who, addresses, sightings, rectified in _homes(connection):
        placed += [(who, Jsonb(value), name) for value, name in addresses]
        lived += [(who, one) for one in rules_of.lived(home.stays(sightings), rectified)]
    with connection.cursor() as cursor, cursor.copy("COPY placed FROM STDIN") as copy:
        for row in placed:
            copy.write_row(row)
    with connection.cursor() as cursor, cursor.copy("COPY lived FROM STDIN") as copy:
        for who, one in lived:
            copy.write_row((who, one.home, one.from_on, one.to_on, one.rectification))
    connection.execute("ANALYZE placed")
    connection.execute("ANALYZE lived")
    connection.execute(_ADDRESSES)
    connection.execute("DROP TABLE lived")


_ADDRESSES = """
INSERT INTO believed_fact
WITH worded AS (
  SELECT DISTINCT ON (person_id, home) person_id, home, value
    FROM said JOIN placed USING (person_id, value)
   WHERE attribute = 'address' AND rectification_no IS NULL ORDER BY person_id, home, preference DESC),
first AS (
  SELECT DISTINCT ON (person_id, value) person_id, value, source_record_id
    FROM said WHERE attribute = 'address' AND rectification_no IS NULL ORDER BY person_id, value, preference)
SELECT l.person_id, 'address', l.home, coalesce(c.value, w.value), 'address', daterange(l.from_on, l.to_on),
       CASE WHEN c.value IS NULL THEN f.source_record_id END, l.rectification_no
  FROM lived l LEFT JOIN register.rectification c USING (rectification_no)
  LEFT JOIN worded w ON c.value IS NULL AND (w.person_id, w.home) = (l.person_id, l.home)
  LEFT JOIN first f ON c.value IS NULL AND (f.person_id, f.value) = (w.person_id, w.value)
"""

_SEEN = """
SELECT person_id, value, slot, least(min(began_on), min(coalesce(to_on, from_on))), max(coalesce(to_on, from_on)),
       coalesce(bool_and(to_on IS NOT NULL) FILTER (WHERE current), false), rectification_no
  FROM said WHERE attribute = 'address' GROUP BY 1, 2, 3, rectification_no ORDER BY 1, 2
"""

_Seen = tuple[str, list[tuple[dict[str, Any], str]], list[Sighting], list[Rectified]]


def _homes(connection: Connection) -> Iterator[_Seen]:
    """Of each person: which address is which home, the sightings there, and what was rectified."""
    dwelling_key = cache(person.dwelling_key)  # for this call: a home is told of many times
    with connection.cursor(name="seen") as cursor:
        cursor.itersize = 20_000
        cursor.execute(_SEEN)
        for who, rows in groupby(cursor, key=lambda row: str(row[0])):
            stated = [
                (person.uprn(value.get("uprn")), dwelling_key(*_lines(value)), value, *rest) for _, value, *rest in rows
            ]
            homes = Homes((uprn, dwelling) for uprn, dwelling, *_ in stated)
            addresses, sightings, rectified = {}, [], []
            for uprn, dwelling, value, slot, from_on, seen_on, ended, number in stated:
                name = homes.name(uprn, dwelling)
                if number is not None:
                    rectified.append(Rectified(number, slot or name or UNPLACED, from_on, only=bool(slot)))
                elif name:
                    addresses[name, str(value)] = (value, name)
                    sightings.append(Sighting(who, name, from_on, seen_on, ended))
            yield who, list(addresses.values()), sightings, rectified


def _lines(value: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    return value.get("address_line_1"), value.get("address_line_2"), value.get("postcode")
