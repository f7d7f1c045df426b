"""What a framework asks of one feed's records, as SQL over the temporary tables `subject`, the members, and `told`.

`told` holds the members' records that stand on the day asked for: read once, asked by every indicator.
Agrees with `domain.problem` row by row; a property test holds the two against each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from family_exchange.adapters.conditions import registered, stated
from family_exchange.domain import problem
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.domain.condition import Operator
from family_exchange.domain.contract import Contract
from family_exchange.domain.framework import Framework
from family_exchange.domain.indicator import Indicator, Rate, Rows, Sign
from family_exchange.domain.indicator import Role as Whose

_OPERATORS = {
    Operator.GE: sql.SQL(">="),
    Operator.GT: sql.SQL(">"),
    Operator.LE: sql.SQL("<="),
    Operator.LT: sql.SQL("<"),
}
_NEWEST = sql.SQL('event_on DESC NULLS LAST, as_of DESC, source_record_id COLLATE "C" DESC')


@dataclass(frozen=True, slots=True)
class Moment:
    """The day asked for."""

    on: date
    past: bool = False
    """True: of what a partner said by then, even if it has said something newer since; False: its newest word."""


def told_table(framework: Framework) -> sql.Composed:
    """The statement that makes `told`, with the columns that the framework reads."""
    return sql.SQL("CREATE TEMP TABLE told ON COMMIT DROP AS SELECT p.person_id, {} {} WHERE false").format(
        _columns(_names(framework)), _FROM
    )


def told_by(framework: Framework, contract: Contract, moment: Moment) -> sql.Composed:
    """The statement that puts the members' records of one feed into `told`."""
    names = _names(framework)
    where = sql.SQL(
        "WHERE r.feed = {} AND r.first_as_of <= {} AND p.person_id IN (SELECT person_id FROM subject)"
    ).format(sql.Literal(contract.feed), sql.Literal(moment.on))
    if not moment.past:
        return sql.SQL("INSERT INTO told SELECT p.person_id, {} {} {} AND r.current").format(
            _columns(names), _FROM, where
        )
    key = sorted({"record_ref", "event_ref", *contract.key} & IDENTITY_COLUMNS)
    place = sql.SQL(
        "row_number() OVER (PARTITION BY r.partner, {} ORDER BY a.as_of DESC, a.file_id DESC, a.row_no DESC)"
    ).format(sql.SQL(", ").join(sql.Identifier("r", name) for name in key))
    return sql.SQL(
        """INSERT INTO told SELECT {names} FROM (SELECT p.person_id, {chosen}, {place} AS place {source} {where}) said
            WHERE place = 1"""
    ).format(
        names=sql.SQL("person_id, {}").format(sql.SQL(", ").join(map(sql.Identifier, names))),
        chosen=sql.SQL(", ").join(sql.Identifier("a" if name == "as_of" else "r", name) for name in names),
        place=place,
        source=sql.SQL("{} {}").format(_FROM, sql.SQL(_SAID_BY_THEN).format(on=sql.Literal(moment.on))),
        where=where,
    )


_SAID_BY_THEN = """CROSS JOIN LATERAL (
    SELECT a.as_of, a.file_id, a.row_no FROM register.source_sighting a
     WHERE a.source_record_id = r.source_record_id AND a.as_of <= {on}
     ORDER BY a.as_of DESC, a.file_id DESC, a.row_no DESC LIMIT 1) a"""
"""The last row of a record that speaks of that day or an earlier one."""

_FROM = sql.SQL("FROM register.person_record p JOIN register.source_record r USING (source_record_id)")


def _names(framework: Framework) -> list[str]:
    """The columns that an indicator or a sign may read; all others of a record are in its facts."""
    asked = {column for each in (*framework.indicators, *framework.signs) for column in each.columns}
    return sorted({"source_record_id", "feed", "as_of", "event_ref", "event_on", "facts"} | (asked & IDENTITY_COLUMNS))


def _columns(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier("r", name) for name in names)


def met_by(indicator: Indicator, contract: Contract, moment: Moment) -> sql.Composed:
    """The statement that puts into `met` what one indicator on a feed finds."""
    shown = _rows(indicator, contract, moment, indicator.rate)
    if indicator.rate is not None:
        shown = _together(shown, _passes(indicator.rate), last=indicator.rate.last)
    elif indicator.at_least is not None:
        enough = sql.SQL("count(*) OVER hers >= {}").format(sql.Literal(indicator.at_least))
        shown = _together(shown, enough, last=None)
    return sql.SQL(
        """WITH shown AS ({shown})
           INSERT INTO met (family_id, person_id, source_record_id, problem, indicator, as_of)
           SELECT s.family_id, s.person_id, shown.source_record_id, {problem}, {indicator}, shown.as_of
             FROM subject s JOIN shown USING (person_id) WHERE {concerns}"""
    ).format(
        shown=shown,
        problem=sql.Literal(indicator.problem),
        indicator=sql.Literal(indicator.code),
        concerns=concerns(indicator),
    )


def signed_by(sign: Sign, contract: Contract, moment: Moment, column: str) -> sql.Composed:
    """The statement that marks in a column of `subject` of whom a record is such a sign."""
    return sql.SQL("UPDATE subject SET {} = true WHERE person_id IN (SELECT person_id FROM ({}) shown)").format(
        sql.Identifier(column), _rows(sign, contract, moment)
    )


def nominated_by(indicator: Indicator, framework: str, moment: Moment) -> sql.Composed:
    """The statement that puts into `met` what professionals nominated by one indicator of the framework of that code.

    A nomination of somebody who turned out to be another person is of that person.
    """
    started: sql.Composable = sql.SQL("true")
    if indicator.window_months is not None:
        since = problem.window_start(moment.on, indicator.window_months)
        started = sql.SQL("n.nominated_on > {}").format(sql.Literal(since))
    who: sql.Composable = sql.SQL("true")
    if indicator.nominators:
        who = sql.SQL("n.role = ANY({})").format(sql.Literal(list(indicator.nominators)))
    return sql.SQL(
        """WITH said AS (
             SELECT n.nomination_no, n.family_id, coalesce(p.merged_into, p.person_id) AS person_id, n.nominated_on
               FROM register.nomination n LEFT JOIN register.person p USING (person_id)
              WHERE n.indicator = {indicator} AND n.framework = {framework} AND n.nominated_on <= {on}
                AND n.recorded_at <= register.as_known()
                AND (n.withdrawn_at IS NULL OR n.withdrawn_at > register.as_known()) AND {started} AND {who})
           INSERT INTO met (family_id, person_id, nomination_no, problem, indicator, as_of)
           SELECT s.family_id, s.person_id, said.nomination_no, {problem}, {indicator}, said.nominated_on
             FROM subject s JOIN said USING (person_id) WHERE {concerns}
           UNION ALL
           SELECT said.family_id, NULL, said.nomination_no, {problem}, {indicator}, said.nominated_on
             FROM said WHERE said.family_id IN (SELECT family_id FROM subject)"""
    ).format(
        indicator=sql.Literal(indicator.code),
        framework=sql.Literal(framework),
        problem=sql.Literal(indicator.problem),
        on=sql.Literal(moment.on),
        started=started,
        who=who,
        concerns=concerns(indicator),
    )


def concerns(indicator: Indicator) -> sql.Composable:
    """True of a member `s` of whom the indicator asks."""
    parts: list[sql.Composable] = [sql.SQL("true")]
    if indicator.role is not Whose.ANY:
        parts.append(sql.SQL("s.role = {}").format(sql.Literal(indicator.role)))
    if indicator.age.min is not None:
        parts.append(sql.SQL("s.age >= {}").format(sql.Literal(indicator.age.min)))
    if indicator.age.max is not None:
        parts.append(sql.SQL("s.age <= {}").format(sql.Literal(indicator.age.max)))
    return sql.SQL(" AND ").join(parts)


def _rows(asked: Indicator | Sign, contract: Contract, moment: Moment, rate: Rate | None = None) -> sql.Composed:
    """The members' records of the feed that count, with `over` and `under` when a figure is asked for."""
    return sql.SQL(
        """SELECT r.person_id, r.source_record_id, r.as_of, r.event_ref, r.event_on, {figures}
             FROM told r WHERE r.feed = {feed} AND {where} AND {window} AND {says}"""
    ).format(
        figures=_figures(rate, contract),
        feed=sql.Literal(contract.feed),
        where=registered(asked.where, contract, on=moment.on),
        window=_window(asked, contract, moment.on),
        says=_says_something(rate, contract),
    )


def _window(asked: Rows, contract: Contract, on: date) -> sql.Composable:
    spans: list[tuple[date, date]] = []
    if asked.window_months is not None:
        spans.append((problem.window_start(on, asked.window_months), on))
    if asked.ahead_months is not None:
        spans.append((on, problem.window_start(on, -asked.ahead_months)))
    if not spans:
        return sql.SQL("true")
    day = stated(contract, asked.window_column)
    parts = [
        sql.SQL("{day} > {after} AND {day} <= {until}").format(
            day=day, after=sql.Literal(after), until=sql.Literal(until)
        )
        for after, until in spans
    ]
    return sql.SQL("coalesce({}, false)").format(sql.SQL(" OR ").join(parts))


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


def _passes(rate: Rate) -> sql.Composed:
    return {
        "each": sql.SQL("bool_and(over {sign} {threshold} * under) OVER hers"),
        "mean": sql.SQL("sum(over) OVER hers {sign} {threshold} * sum(under) OVER hers"),
        "sum": sql.SQL("sum(over) OVER hers {sign} {threshold}"),
    }[rate.aggregate].format(sign=_OPERATORS[rate.op], threshold=sql.Literal(rate.threshold))


def _together(rows: sql.Composable, passes: sql.Composable, *, last: int | None) -> sql.Composed:
    """The newest rows of each person, one an event, of those whose rows together pass."""
    return sql.SQL(
        """WITH counted AS ({rows}),
             events AS (SELECT *, row_number() OVER (PARTITION BY person_id, event_ref ORDER BY {newest}) AS nth_said
                          FROM counted),
             ordered AS (SELECT *, row_number() OVER (PARTITION BY person_id ORDER BY {newest}) AS nth
                           FROM events WHERE nth_said = 1),
             used AS (SELECT *, {passes} AS passes FROM ordered WHERE {last} WINDOW hers AS (PARTITION BY person_id))
           SELECT * FROM used WHERE passes"""
    ).format(
        rows=rows,
        newest=_NEWEST,
        last=sql.SQL("true") if last is None else sql.SQL("nth <= {}").format(sql.Literal(last)),
        passes=passes,
    )
