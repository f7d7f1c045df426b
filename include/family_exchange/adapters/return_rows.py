"""The rows of a return, made from the register as it is known, and read back in one order.

What a return may hold is decided before this page: the fields are the profile's, the people are those of the cohort
whom no restriction or objection keeps out. Where each field's value stands is in `return_values`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from family_exchange.adapters import database, said
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.adapters.return_values import BIRTH, COUNTS, content
from family_exchange.adapters.said import Rules
from family_exchange.adapters.sound import SOUND
from family_exchange.domain.period import Period
from family_exchange.domain.return_definition import ReturnField
from family_exchange.domain.return_rules import Flag, Row

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
  {SOUND.strip()},
  assessed AS (
    SELECT DISTINCT ON (p.family_id) p.family_id, p.proposed_on, p.problems, NULL::date AS supported_since,
           NULL::date AS ended_on, coalesce(s.status, 'identified') AS status, s.referral_reason, 'C' AS grouping
      FROM sound p
      LEFT JOIN register.family_status s ON s.family_id = p.family_id AND s.valid @> %(last_day)s::date
     WHERE %(comparison)s AND NOT EXISTS (
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
     ORDER BY r.root_id, f.grouping DESC, m.from_on DESC, m.family_id COLLATE "C")"""  # noqa: S608 - our own expressions


_LEAVE_HOMES_OUT = """
    WITH hidden AS (
      SELECT DISTINCT w.root_id AS person_id
        FROM whom w JOIN register.person_record USING (person_id) JOIN register.source_record s USING (source_record_id)
       WHERE s.current
         AND ((s.facts ->> 'address_withheld' = 'true'
               AND NOT EXISTS (SELECT FROM register.source_record later
                                WHERE (later.feed, later.partner, later.record_ref) = (s.feed, s.partner, s.record_ref)
                                  AND later.current AND later.as_of > s.as_of
                                  AND later.facts ->> 'address_withheld' = 'false'))
              OR (s.feed = 'domestic_abuse_support' AND s.facts ->> 'service_type' = 'refuge'
                  AND s.facts ->> 'role' = 'victim' AND NOT jsonb_exists(s.facts, 'support_end'))))
    UPDATE last_known l SET address = NULL
     WHERE person_id IN (SELECT person_id FROM hidden)
        OR person_id IN (SELECT child.person_id FROM hidden h
                           JOIN register.family_member m ON m.person_id = h.person_id AND m.resident AND m.to_on IS NULL
                           JOIN register.family_member child ON child.family_id = m.family_id AND child.role = 'child'
                            AND child.resident AND child.to_on IS NULL)
"""
"""An address that must stay secret goes nowhere, whoever told it before; nor does one of a child who lives there."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Whom a return covers, and as what."""

    la_code: str
    period: Period
    comparison_group: bool
    """True when families only assessed are in it too."""
    excluding: tuple[Flag, ...]
    kept_back: tuple[str, ...] = ()
    """Feeds of which a law of its own lets this recipient have nothing; who somebody is comes from the others."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """How many people are in, and how many a restriction or an objection kept out."""

    rows: int
    excluded: int


def covered(connection: Connection, feeds: Collection[str], period: Period) -> frozenset[str]:
    """The feeds whose registered files together cover every day of the period."""
    rows = connection.execute(
        """SELECT feed FROM exchange.file
            WHERE feed = ANY(%s) AND state IN ('APPLIED','CLOSED') AND registered_at <= register.as_known()
              AND coverage_from <= coverage_to
            GROUP BY feed HAVING range_agg(daterange(coverage_from, coverage_to, '[]')) @> daterange(%s, %s)""",
        (list(feeds), period.starts_on, period.ends_before),
    )
    return frozenset(str(feed) for (feed,) in rows)


def flagged(kinds: Collection[Flag]) -> str:
    """The people whom one of these flags keeps out, undecided or upheld as known: a query of ids, to be `linked`."""
    names = ", ".join(f"'{kind}'" for kind in kinds)
    return f"""SELECT f.person_id FROM rights.flag f WHERE f.kind IN ({names}) AND (
                 SELECT s.status FROM rights.flag_status s
                  WHERE s.flag_id = f.flag_id AND s.recorded_at <= register.as_known()
                  ORDER BY s.recorded_at DESC LIMIT 1) IN ('received', 'upheld')"""  # noqa: S608 - words of ours


def flags_stand(connection: Connection) -> None:
    """Nobody's restriction or objection changes until this transaction ends; one that is being written is waited for.

    Its stamp may be older than the return's while its row is not there yet: a rebuild would keep out whom the return
    does not. One that is written for long is a `LockNotAvailable`.
    """
    database.wait_at_most(connection, database.MOMENT_SECONDS)
    connection.execute("LOCK TABLE rights.flag IN SHARE MODE")
    database.wait_at_most(connection, None)


def assemble(
    connection: Connection, return_id: str, fields: Collection[ReturnField], cohort: Cohort, rules: Rules
) -> Assembled:
    """The return's rows are those that `make` makes, in one fixed order.

    Raises:
        NeedsDecision: a field's source is not one that returns know.
    """
    make(connection, fields, cohort, rules)
    row = connection.execute(
        """WITH stored AS (
             INSERT INTO returns.return_row (return_id, row_no, person_id, family_id, content)
             SELECT %s, row_no, person_id, family_id, content FROM made_row WHERE NOT kept_out RETURNING 1)
           SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM made_row WHERE kept_out)""",
        (return_id,),
    ).fetchone()
    assert row is not None  # noqa: S101 - two counts always give a row
    return Assembled(rows=int(row[0]), excluded=int(row[1]))


def make(connection: Connection, fields: Collection[ReturnField], cohort: Cohort, rules: Rules) -> None:
    """`made_row`, for this transaction: the rows of that cohort as the register shows it, and who is kept out of them.

    Each has exactly these fields. Somebody whose known date of birth is after the period was nobody's member yet, and
    has no row.

    Raises:
        NeedsDecision: a field's source is not one that returns know.
    """
    there = covered(connection, {feed for field in fields for feed in field.feeds}, cohort.period)
    parameters = {
        "la_code": cohort.la_code,
        "period": cohort.period.name,
        "comparison": cohort.comparison_group,
        **bounds(cohort.period),
    }
    _member(connection, parameters)
    know(connection, rules, cohort.period, "return_member", kept_back=cohort.kept_back)
    connection.execute(_LEAVE_HOMES_OUT)
    connection.execute(
        f"""CREATE TEMP TABLE made_row ON COMMIT DROP AS WITH RECURSIVE {linked(flagged(cohort.excluding))}
            SELECT row_number() OVER (PARTITION BY m.person_id IN (SELECT person_id FROM linked)
                                      ORDER BY m.family_id COLLATE "C", m.person_id COLLATE "C") AS row_no,
                   m.person_id, m.family_id, {content(fields, there)} AS content,
                   m.person_id IN (SELECT person_id FROM linked) AS kept_out
              FROM return_member m LEFT JOIN last_known l USING (person_id) LEFT JOIN counted k USING (person_id)
             WHERE {BIRTH} IS NULL OR {BIRTH} <= %(last_day)s""".encode(),  # noqa: S608 - our own expressions
        parameters,
    )


def bounds(period: Period) -> dict[str, date]:
    """The parameters that measures need."""
    return {"starts_on": period.starts_on, "ends_before": period.ends_before, "last_day": period.last_day}


def _member(connection: Connection, parameters: Mapping[str, object]) -> None:
    connection.execute("DROP TABLE IF EXISTS return_member, made_row")
    connection.execute(
        f"CREATE TEMP TABLE return_member ON COMMIT DROP AS WITH RECURSIVE {_MEMBERS} SELECT * FROM member".encode(),  # noqa: S608 - as above
        dict(parameters),
    )
    connection.execute("ANALYZE return_member")


def know(
    connection: Connection, rules: Rules, period: Period, members: str, *, kept_back: tuple[str, ...] = ()
) -> None:
    """`last_known` and `counted`, for this transaction, of each `person_id` in the temporary table `members`.

    What the feeds `kept_back` say is passed over.
    """
    connection.execute("DROP TABLE IF EXISTS whom, last_known, counted")
    roots = sql.SQL("SELECT person_id, person_id FROM {}").format(sql.Identifier(members))
    connection.execute(
        sql.SQL("CREATE TEMP TABLE whom ON COMMIT DROP AS WITH RECURSIVE {} SELECT * FROM below").format(
            sql.SQL(said.WHOM).format(roots=roots)
        )
    )
    connection.execute("ANALYZE whom")
    said.note(connection, rules, "whom")
    if kept_back:
        connection.execute(
            """DELETE FROM said USING register.source_record r
                WHERE r.source_record_id = said.source_record_id AND r.feed = ANY(%s)""",
            (list(kept_back),),
        )
    connection.execute(f"CREATE TEMP TABLE last_known ON COMMIT DROP AS {said.LAST_KNOWN}".encode())
    connection.execute(
        f"""CREATE TEMP TABLE counted ON COMMIT DROP AS
            SELECT w.root_id AS person_id, {COUNTS}
              FROM whom w JOIN register.person_record USING (person_id)
              JOIN register.source_record s USING (source_record_id)
             WHERE s.current GROUP BY w.root_id""".encode(),  # noqa: S608 - as above
        bounds(period),
    )
    connection.execute("ANALYZE last_known")
    connection.execute("ANALYZE counted")


def made(connection: Connection) -> Iterator[Row]:
    """The rows that `make` made, in the order in which they would be sent."""
    with connection.cursor(name="made_rows") as cursor:
        cursor.itersize = 5_000
        cursor.execute("SELECT row_no, content FROM made_row WHERE NOT kept_out ORDER BY row_no")
        for row_no, content in cursor:
            yield Row(int(row_no), content)


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
