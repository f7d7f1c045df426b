"""Does support make a difference: each measure of the progress return, before a family's support began and since."""

from datetime import timedelta
from itertools import groupby

from psycopg import sql

from family_exchange.adapters import database, return_rows, return_values, said
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.domain import progress
from family_exchange.domain.period import Period, calendar
from family_exchange.domain.progress import Measured, Progress
from family_exchange.domain.return_definition import ReturnField
from family_exchange.stages import assemble

CODE = "fpd"


def of(doors: Doors, name: str) -> list[Progress]:
    """The progress of everybody whom the period's progress data covers, measure by measure; counts and sums only.

    A family's start is the last whole period before its support began. A measure that no feed covered then or now is
    missing there, never zero. Nothing is kept; whom a restriction or an objection keeps out is not counted.

    Raises:
        NeedsDecision: the council makes no such return, or there is no such period.
    """
    period = assemble.period_of(doors, CODE, name)
    names = assemble.promise_of(doors, CODE).fields
    fields = tuple(field for field in assemble.fields_of(CODE, names) if field.measure)
    with database.one_moment(doors.database) as connection:
        return_rows.make(connection, fields, assemble.cohort_of(doors, CODE, period), said.rules(doors.profile))
        connection.execute(
            """CREATE TEMP TABLE followed ON COMMIT DROP AS
               SELECT r.person_id, m.supported_since, r.content FROM made_row r JOIN return_member m USING (person_id)
                WHERE NOT r.kept_out"""
        )
        started: dict[str, dict[str, str]] = {}
        for before, people in _starts(connection, doors):
            started |= _values(connection, doors, fields, before, people)
        rows = connection.execute("SELECT person_id, content FROM followed ORDER BY person_id").fetchall()
    measured = (
        Measured(field.name, started.get(person, {}).get(field.name), content[field.name])
        for person, content in rows
        for field in fields
    )
    return progress.progress((field.name for field in fields), measured)


def _starts(connection: Connection, doors: Doors) -> list[tuple[Period, list[str]]]:
    """Who has their start in which period."""
    periods = calendar(assemble.promise_of(doors, CODE).periods)
    rows = connection.execute("SELECT person_id, supported_since FROM followed").fetchall()
    dated = [(periods.containing(periods.containing(since).starts_on - timedelta(days=1)), who) for who, since in rows]
    dated.sort(key=lambda each: (each[0].starts_on, each[1]))
    return [(period, [who for _, who in group]) for period, group in groupby(dated, key=lambda each: each[0])]


def _values(
    connection: Connection, doors: Doors, fields: tuple[ReturnField, ...], period: Period, people: list[str]
) -> dict[str, dict[str, str]]:
    """Person → measure → its value in that period."""
    connection.execute("DROP TABLE IF EXISTS starting")
    connection.execute("CREATE TEMP TABLE starting ON COMMIT DROP AS SELECT unnest(%s::text[]) AS person_id", (people,))
    return_rows.know(connection, said.rules(doors.profile), period, "starting")
    there = return_rows.covered(connection, {feed for field in fields for feed in field.feeds}, period)
    query = sql.SQL(
        """SELECT m.person_id, {} FROM starting m LEFT JOIN last_known l USING (person_id)
             LEFT JOIN counted k USING (person_id)"""
    ).format(sql.SQL(return_values.content(fields, there)))
    return {str(who): values for who, values in connection.execute(query, return_rows.bounds(period))}
