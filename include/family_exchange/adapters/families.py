"""The register's families: read where people were seen to live, and bring the stored families up to date with it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache

from psycopg import sql

from family_exchange.adapters import memory
from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import BIRTH_ESTIMATED
from family_exchange.domain import person
from family_exchange.domain.facts import KINDS_OF_BIRTH
from family_exchange.domain.family import KEPT_ELSEWHERE, PARENTS, Claim, Family, Tie, role_of
from family_exchange.domain.home import Homes, Sighting, told
from family_exchange.domain.person import NO_PLACEHOLDERS, Placeholders

TENANCY_START = "tenancy_start"
"""The canonical column of a tenancy's first day; its `event_on` is then the day on which the tenancy ended."""

LOOKED_AFTER = ("clea_start_date", "clea_end_date")
"""The canonical columns of the time in which a child is looked after: it then does not live in the family's home."""

_SHORT = 2
"""A part of a surname with no more letters ties nobody to anybody."""

_BORN = """
    CREATE TEMP TABLE person_born ON COMMIT DROP AS
    WITH RECURSIVE stated AS (
      SELECT p.person_id, r.date_of_birth AS born, r.current, r.as_of, r.relationship, r.feed,
             CASE WHEN r.date_of_birth IS NULL OR r.date_of_birth = ANY(%(placeholders)s) THEN 3
                  WHEN r.date_of_birth > r.first_as_of THEN 2
                  WHEN (r.facts ->> %(estimated)s)::boolean THEN 1 ELSE 0 END AS kind
        FROM register.source_record r JOIN register.person_record p USING (source_record_id)
       WHERE r.first_as_of <= %(today)s AND {among}),
    rectified AS (
      SELECT c.person_id, (c.value ->> 'day')::date AS born, array_position(%(kinds)s, c.slot) - 1 AS kind,
             c.rectification_no
        FROM register.rectification c
       WHERE c.attribute = 'birth' AND c.decided_at <= register.as_known()
         AND coalesce(c.withdrawn_at > register.as_known(), true)
      UNION ALL
      SELECT p.merged_into, r.born, r.kind, r.rectification_no
        FROM rectified r JOIN register.person p USING (person_id) WHERE p.merged_into IS NOT NULL)
    SELECT DISTINCT ON (person_id) person_id, CASE WHEN kind < 3 THEN born END AS born, relationship FROM (
      SELECT person_id, born, min(kind) AS kind, count(*) FILTER (WHERE current OR kind = 2) AS said,
             min(array_position(%(trusted)s::text[], feed)) AS trust, max(as_of) AS last_said, 0 AS rectified,
             max(max(relationship) FILTER (WHERE relationship = 'child')) OVER (PARTITION BY person_id) AS relationship
        FROM stated GROUP BY 1, 2
      UNION ALL
      SELECT c.person_id, c.born, c.kind, 1, 1, NULL, c.rectification_no,
             (SELECT max(s.relationship) FROM stated s WHERE s.person_id = c.person_id AND s.relationship = 'child')
        FROM rectified c WHERE c.person_id IN (SELECT person_id FROM stated)) weighed
     ORDER BY person_id, rectified DESC, kind = 3, said > 0 DESC, kind, trust, said DESC, last_said DESC, born
"""
_SIGHTINGS = """
    WITH dated AS (
      SELECT p.person_id, r.uprn, r.address_line_1, r.address_line_2, r.postcode, r.current,
             CASE WHEN r.event_ref = '' THEN r.first_as_of WHEN r.event_on <= r.first_as_of THEN r.event_on
                  ELSE least(r.event_on, r.as_of) END AS seen_from,
             CASE WHEN r.event_ref = '' THEN r.as_of WHEN r.event_on <= r.first_as_of THEN r.event_on
                  ELSE least(r.event_on, r.as_of) END AS seen_on,
             (r.facts ->> %(tenancy)s)::date AS began_on,
             CASE WHEN r.event_on <= r.first_as_of AND jsonb_exists(r.facts, %(tenancy)s) THEN r.event_on END
               AS ended_on
        FROM register.source_record r JOIN register.person_record p USING (source_record_id)
       WHERE (r.current OR r.event_ref = '') AND r.first_as_of <= %(today)s
         AND coalesce(r.uprn, r.address_line_1) IS NOT NULL)
    SELECT person_id, uprn, address_line_1, address_line_2, postcode,
           least(min(began_on), min(coalesce(ended_on, seen_from))), max(coalesce(ended_on, seen_on)),
           coalesce(bool_and(ended_on IS NOT NULL) FILTER (WHERE current), false)
      FROM dated GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
_LINES = ("address_line_1", "address_line_2", "postcode")
_RECTIFIED = """
    WITH RECURSIVE said AS (
      SELECT person_id, value, valid_from, rectification_no FROM register.rectification
       WHERE attribute = 'address' AND slot = '' AND valid_from <= %(today)s AND decided_at <= register.as_known()
         AND coalesce(withdrawn_at > register.as_known(), true)
      UNION ALL
      SELECT p.merged_into, s.value, s.valid_from, s.rectification_no
        FROM said s JOIN register.person p USING (person_id) WHERE p.merged_into IS NOT NULL)
    SELECT DISTINCT ON (person_id) person_id, value, valid_from FROM said
     WHERE person_id IN (SELECT person_id FROM register.person WHERE merged_into IS NULL)
     ORDER BY person_id, valid_from DESC, rectification_no DESC
"""
_TIES = """
    SELECT p.person_id, b.born, b.relationship,
           array_agg(DISTINCT r.surname) FILTER (WHERE r.surname IS NOT NULL),
           array_agg(DISTINCT concat_ws('|', r.feed, r.partner, r.household_ref))
             FILTER (WHERE r.household_ref IS NOT NULL)
      FROM register.source_record r JOIN register.person_record p USING (source_record_id)
      JOIN person_born b USING (person_id)
     WHERE r.first_as_of <= %(today)s GROUP BY 1, 2, 3 ORDER BY 1
"""
_CLAIMS = """
    SELECT concat_ws('|', r.feed, r.partner, r.household_ref), p.person_id, min(r.first_as_of),
           bool_or(r.current AND jsonb_exists(r.facts, %(start)s) AND NOT jsonb_exists(r.facts, %(end)s)),
           b.born, max(r.relationship)
      FROM register.source_record r JOIN register.person_record p USING (source_record_id)
      JOIN person_born b USING (person_id)
     WHERE r.household_ref IS NOT NULL AND r.relationship = ANY(%(kept)s) AND r.first_as_of <= %(today)s
       AND r.feed IN (SELECT DISTINCT feed FROM register.source_record WHERE relationship = ANY(%(parents)s))
     GROUP BY 1, 2, 5 HAVING bool_or(r.current) ORDER BY 1, 2
"""


def note_births(
    connection: Connection,
    placeholders: Iterable[date],
    *,
    today: date,
    among: str | None = None,
    trusted: Sequence[str] = (),
) -> None:
    """`person_born`, for this transaction: each person's likeliest date of birth, actual before estimated.

    A rectified one stands before all; of several, the one of the most `trusted` feed, then the one that most current
    records state, then the newest: as `said.BIRTHS`. `relationship` is `child` when somebody says so. With `among`, of
    the persons in the temporary table of that name alone.
    """
    connection.execute("DROP TABLE IF EXISTS person_born")
    those = sql.SQL("p.person_id IN (SELECT person_id FROM {})").format(sql.Identifier(among)) if among else None
    query = sql.SQL(_BORN).format(among=those or sql.SQL("true"))
    parameters = {
        "placeholders": sorted(placeholders),
        "estimated": BIRTH_ESTIMATED,
        "today": today,
        "kinds": [str(kind) for kind in KINDS_OF_BIRTH],
        "trusted": list(trusted),
    }
    connection.execute(query, parameters)
    connection.execute("ALTER TABLE person_born ADD PRIMARY KEY (person_id)")
    connection.execute("ANALYZE person_born")


def sightings(
    connection: Connection, *, today: date, placeholders: Placeholders = NO_PLACEHOLDERS
) -> tuple[list[Sighting], Homes]:
    """Where everybody was seen to live, and the homes; a record without an address tells nothing.

    Where a named person says that somebody lives, no record tells of another home from that day on. A postcode that
    stands for none tells of no home; a place that `placeholders` call shared is a home that many share.
    """

    @cache  # for this call: a home is told of many times
    def dwelling_key(line_1: str | None, line_2: str | None, postcode: str | None) -> str:
        return person.dwelling_key(line_1, line_2, postcode, placeholders)

    @cache
    def is_shared(line_1: str | None, line_2: str | None) -> bool:
        return person.is_shared_place(line_1, line_2, placeholders)

    shared: set[tuple[str, str]] = set()

    def place(uprn: str | None, line_1: str | None, line_2: str | None, postcode: str | None) -> tuple[str, str]:
        found = person.uprn(uprn), dwelling_key(line_1, line_2, postcode)
        if found[0] in placeholders.shared_uprns or is_shared(line_1, line_2):
            shared.add(found)
        return found

    stated = [
        (who, *place(uprn, line_1, line_2, postcode), from_on, seen_on, ended)
        for who, uprn, line_1, line_2, postcode, from_on, seen_on, ended in connection.execute(
            _SIGHTINGS, {"tenancy": TENANCY_START, "today": today}
        )
    ]
    rectified = [
        (str(who), *place(value.get("uprn"), *map(value.get, _LINES)), from_on)
        for who, value, from_on in connection.execute(_RECTIFIED, {"today": today})
    ]
    homes = Homes(((uprn, dwelling) for _, uprn, dwelling, *_ in (*stated, *rectified)), shared)
    found = [
        Sighting(who, home, from_on, seen_on, ended)
        for who, uprn, dwelling, from_on, seen_on, ended in stated
        if (home := homes.name(uprn, dwelling))
    ]
    only = {who: (homes.name(uprn, dwelling), since) for who, uprn, dwelling, since in rectified}
    return [*told(found, only, today=today)], homes


def ties(connection: Connection, *, today: date) -> dict[str, Tie]:
    """What ties each person to others; needs `note_births`."""
    standard_name = cache(person.standard_name)  # for this call: a surname is told of many times

    def parts(surnames: Iterable[str]) -> frozenset[str]:
        return frozenset(part for name in surnames for part in standard_name(name).split() if len(part) > _SHORT)

    return {
        who: Tie(born, relationship, parts(surnames or ()), frozenset(households or ()))
        for who, born, relationship, surnames, households in connection.execute(_TIES, {"today": today})
    }


def claims(connection: Connection, *, today: date) -> dict[str, list[Claim]]:
    """Whom a partner that knows parents counts to one family, by its household reference; needs `note_births`."""
    started, ended = LOOKED_AFTER
    parameters = {
        "start": started, "end": ended, "kept": sorted(KEPT_ELSEWHERE), "parents": sorted(PARENTS), "today": today
    }  # fmt: skip
    found: dict[str, list[Claim]] = {}
    for household, who, from_on, away, born, relationship in connection.execute(_CLAIMS, parameters):
        claim = Claim(who, from_on, role_of(born, relationship, on=today), bool(away))
        found.setdefault(household, []).append(claim)
    return found


def ids(connection: Connection) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The family ids in use with the people of each, and by person the ids of those who turned out to be them."""
    used = {
        str(family): list(people)
        for family, people in connection.execute(
            """SELECT family_id, array_remove(array_agg(DISTINCT person_id), NULL)
                 FROM memory.family LEFT JOIN register.family_member USING (family_id) GROUP BY 1 ORDER BY 1"""
        )
    }
    former: dict[str, list[str]] = {}
    for survivor, merged in connection.execute(
        "SELECT merged_into, person_id FROM register.person WHERE merged_into IS NOT NULL ORDER BY 1, 2"
    ):
        former.setdefault(str(survivor), []).append(str(merged))
    return used, former


def save(connection: Connection, families: Mapping[str, Family]) -> dict[str, int]:
    """The stored families are `families`, by id; only what differs is written, and is due to be assessed again.

    Counts: `families` (new), `members` (new or changed), `members_left` (memberships that no record tells of now).
    """
    connection.execute(
        """CREATE TEMP TABLE membership (family_id text, person_id text, from_on date, to_on date, role text,
                                         resident boolean, basis text) ON COMMIT DROP"""
    )
    with connection.cursor() as cursor, cursor.copy("COPY membership FROM STDIN") as copy:
        for family_id, family in families.items():
            basis = family.keys[0].partition(":")[0]
            for one in family.members:
                copy.write_row((family_id, one.person, one.from_on, one.to_on, one.role, one.resident, basis))
    connection.execute("ANALYZE membership")
    added = connection.execute(
        """INSERT INTO memory.family (family_id, basis) SELECT DISTINCT family_id, basis FROM membership ORDER BY 1
           ON CONFLICT (family_id) DO NOTHING"""
    ).rowcount
    row = connection.execute(
        """SELECT count(*) FROM register.family_member m WHERE NOT EXISTS (
             SELECT FROM membership n
              WHERE (n.family_id, n.person_id, n.from_on) = (m.family_id, m.person_id, m.from_on))"""
    ).fetchone()
    began = connection.execute("SELECT clock_timestamp()").fetchone()
    members = memory.reconcile(connection, memory.FAMILY_MEMBER, "membership")
    changed = connection.execute(
        """SELECT DISTINCT family_id FROM memory.family_member
            WHERE lower(recorded) >= %(began)s OR upper(recorded) >= %(began)s""",
        {"began": began and began[0]},
    )
    memory.make_due(connection, "propose", (str(family) for (family,) in changed))
    connection.execute("DROP TABLE membership")
    return {"families": added, "members": members.added, "members_left": int(row[0]) if row else 0}
