"""Evidence: a framework's indicators as set-based SQL over the current source records.

Agrees with `domain.problem` row by row; a property test holds the two against each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from family_exchange.adapters import memory
from family_exchange.adapters.conditions import registered, stated
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linked import linked
from family_exchange.domain import problem
from family_exchange.domain.condition import Operator
from family_exchange.domain.contract import Contract
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Rate
from family_exchange.domain.indicator import Role as Whose
from family_exchange.domain.problem import Subject

ATTENDING = "sessions_possible"
"""The canonical column that only a pupil's row has."""
SCHOOL_YEAR_MONTHS = 12
FRESH_MONTHS = 6
"""A feed whose newest file tells of an earlier day did not come."""

Layouts = Callable[[str], Contract]

_SIGNS = {
    Operator.GE: sql.SQL(">="),
    Operator.GT: sql.SQL(">"),
    Operator.LE: sql.SQL("<="),
    Operator.LT: sql.SQL("<"),
}


@dataclass(frozen=True, slots=True)
class Assessed:
    """One family with evidence, on the day asked for."""

    family: str
    subjects: tuple[Subject, ...]
    found: frozenset[tuple[str, str]]
    """`(problem, person)`."""


def feeds_that_came(connection: Connection, *, today: date) -> frozenset[str]:
    """The feeds of which a registered file says that it covers the last months; silence is never a no."""
    rows = connection.execute(
        """SELECT feed FROM exchange.file WHERE registered_at IS NOT NULL AND as_of <= %s
            GROUP BY feed HAVING max(coverage_to) > %s""",
        (today, problem.window_start(today, FRESH_MONTHS)),
    )
    return frozenset(str(feed) for (feed,) in rows)


def assess(connection: Connection, framework: Framework, layout: Layouts, *, today: date) -> int:
    """The number of evidence rows added; `met`, for this transaction, holds everything that is evidenced today.

    Needs `families.note_births`. What is not met any more is held no more; the memory keeps that it was.
    """
    connection.execute("DROP TABLE IF EXISTS subject, met")
    connection.execute(
        _SUBJECTS, {"today": today, "school": problem.window_start(today, SCHOOL_YEAR_MONTHS), "pupil": ATTENDING}
    )
    connection.execute("CREATE INDEX ON subject (person_id)")
    connection.execute("ANALYZE subject")
    connection.execute(
        """CREATE TEMP TABLE met (family_id text, person_id text, source_record_id text, problem text, indicator text,
                                  as_of date) ON COMMIT DROP"""
    )
    for indicator in framework.indicators:
        if indicator.feed is None or indicator.at_least or indicator.ahead_months:
            continue
        connection.execute(_query(indicator, layout(indicator.feed), today=today))
    connection.execute(
        """CREATE TEMP TABLE believed_evidence ON COMMIT DROP AS
           SELECT DISTINCT 'E' || left(encode(sha256(convert_to(concat_ws(chr(31), family_id, person_id,
                    source_record_id, indicator, %(rule)s::text), 'UTF8')), 'hex'), 16) AS evidence_id,
                  family_id, person_id, source_record_id, NULL::bigint AS nomination_no, problem, indicator,
                  %(rule)s::text AS framework, as_of FROM met""",
        {"rule": framework.rule},
    )
    return memory.reconcile(connection, memory.EVIDENCE, "believed_evidence").added


_RESTRICTED = "SELECT person_id FROM rights.flag WHERE status IN ('received', 'upheld') AND kind = 'restriction'"
"""People kept in the register and out of identification; objections to research are not for this room to read."""

_SUBJECTS = f"""
    CREATE TEMP TABLE subject ON COMMIT DROP AS
    WITH RECURSIVE {linked(_RESTRICTED)}
    SELECT m.family_id, m.person_id, m.role, bool_or(m.resident) AS resident, b.born,
           CASE WHEN b.born > %(today)s THEN 0 ELSE extract(year FROM age(%(today)s::date, b.born))::int END AS age,
           EXISTS (SELECT FROM register.person_record p JOIN register.source_record r USING (source_record_id)
                    WHERE p.person_id = m.person_id AND r.current AND jsonb_exists(r.facts, %(pupil)s)
                      AND r.event_on > %(school)s) AS in_education
      FROM register.family_member m LEFT JOIN person_born b USING (person_id)
     WHERE m.from_on <= %(today)s AND (m.to_on IS NULL OR m.to_on > %(today)s)
       AND m.person_id NOT IN (SELECT person_id FROM linked)
     GROUP BY m.family_id, m.person_id, m.role, b.born
"""  # noqa: S608 - our own words


def _query(indicator: Indicator, contract: Contract, *, today: date) -> sql.Composed:
    """The rows of `met` that one indicator brings."""
    rows = _rows(indicator, contract, today=today)
    shown = rows if indicator.rate is None else _rated(indicator.rate, rows)
    return sql.SQL(
        """WITH shown AS ({shown})
           INSERT INTO met
           SELECT s.family_id, s.person_id, shown.source_record_id, {problem}, {indicator}, shown.as_of
             FROM subject s JOIN shown USING (person_id) WHERE {concerns}"""
    ).format(
        shown=shown,
        problem=sql.Literal(indicator.problem),
        indicator=sql.Literal(indicator.code),
        concerns=_concerns(indicator),
    )


def _rows(indicator: Indicator, contract: Contract, *, today: date) -> sql.Composed:
    """Current rows of the feed that count, with `over` and `under` when a figure is asked for."""
    window: sql.Composable = sql.SQL("true")
    if indicator.window_months is not None:
        day = stated(contract, indicator.window_column)
        window = sql.SQL("coalesce({day} > {start} AND {day} <= {today}, false)").format(
            day=day, start=sql.Literal(problem.window_start(today, indicator.window_months)), today=sql.Literal(today)
        )
    return sql.SQL(
        """SELECT p.person_id, r.source_record_id, r.as_of, r.event_ref, r.event_on, {figures}
             FROM register.source_record r JOIN register.person_record p USING (source_record_id)
            WHERE r.feed = {feed} AND r.current AND r.as_of <= {today} AND {where} AND {window} AND {says}"""
    ).format(
        figures=_figures(indicator.rate, contract),
        feed=sql.Literal(indicator.feed),
        today=sql.Literal(today),
        where=registered(indicator.where, contract, on=today),
        window=window,
        says=_says_something(indicator.rate, contract),
    )


def _figures(rate: Rate | None, contract: Contract) -> sql.Composable:
    if rate is None:
        return sql.SQL("NULL::numeric AS over, NULL::numeric AS under")
    parts = [sql.SQL("coalesce({}, 0)::numeric").format(stated(contract, name)) for name in rate.numerator]
    under: sql.Composable = sql.SQL("1")
    if rate.denominator is not None:
        under = sql.SQL("{}::numeric").format(stated(contract, rate.denominator))
    return sql.SQL("{} AS over, {} AS under").format(sql.SQL(" + ").join(parts), under)


def _says_something(rate: Rate | None, contract: Contract) -> sql.Composable:
    if rate is None or rate.denominator is None:
        return sql.SQL("true")
    return sql.SQL("coalesce({} >= {}, false)").format(
        stated(contract, rate.denominator), sql.Literal(rate.least_denominator)
    )


def _rated(rate: Rate, rows: sql.Composable) -> sql.Composed:
    """The newest rows of each person, one an event, of those whose figure passes the threshold."""
    passes = {
        "each": sql.SQL("bool_and(over {sign} {threshold} * under)"),
        "mean": sql.SQL("sum(over) {sign} {threshold} * sum(under)"),
        "sum": sql.SQL("sum(over) {sign} {threshold}"),
    }[rate.aggregate].format(sign=_SIGNS[rate.op], threshold=sql.Literal(rate.threshold))
    return sql.SQL(
        """WITH counted AS ({rows}),
             events AS (SELECT *, row_number() OVER (PARTITION BY person_id, event_ref ORDER BY {newest}) AS nth_said
                          FROM counted),
             ordered AS (SELECT *, row_number() OVER (PARTITION BY person_id ORDER BY {newest}) AS nth
                           FROM events WHERE nth_said = 1),
             used AS (SELECT * FROM ordered WHERE nth <= {last})
           SELECT used.* FROM used JOIN (SELECT person_id FROM used GROUP BY 1 HAVING {passes}) p USING (person_id)"""
    ).format(
        rows=rows,
        newest=sql.SQL('event_on DESC NULLS LAST, as_of DESC, source_record_id COLLATE "C" DESC'),
        last=sql.Literal(rate.last),
        passes=passes,
    )


def _concerns(indicator: Indicator) -> sql.Composable:
    parts: list[sql.Composable] = [sql.SQL("true")]
    if indicator.role is not Whose.ANY:
        parts.append(sql.SQL("s.role = {}").format(sql.Literal(indicator.role)))
    if indicator.age.min is not None:
        parts.append(sql.SQL("s.age >= {}").format(sql.Literal(indicator.age.min)))
    if indicator.age.max is not None:
        parts.append(sql.SQL("s.age <= {}").format(sql.Literal(indicator.age.max)))
    return sql.SQL(" AND ").join(parts)


def assessed(connection: Connection, *, least: int) -> list[Assessed]:
    """The families with evidence of at least so many problems, by id; needs `assess`."""
    rows = connection.execute(
        """WITH enough AS (SELECT family_id FROM met GROUP BY 1 HAVING count(DISTINCT problem) >= %s)
           SELECT s.family_id, s.person_id, s.role, s.resident, s.born, s.in_education,
                  array_agg(DISTINCT m.problem) FILTER (WHERE m.problem IS NOT NULL)
             FROM subject s JOIN enough USING (family_id) LEFT JOIN met m USING (family_id, person_id)
            GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2""",
        (least,),
    )
    subjects: dict[str, list[Subject]] = {}
    found: dict[str, set[tuple[str, str]]] = {}
    for family, person, role, resident, born, in_education, problems in rows:
        subjects.setdefault(family, []).append(Subject(person, Role(role), resident, born, in_education))
        found.setdefault(family, set()).update((problem, person) for problem in problems or ())
    return [Assessed(family, tuple(subjects[family]), frozenset(found[family])) for family in subjects]
