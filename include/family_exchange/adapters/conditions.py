"""The conditions of contracts and frameworks as SQL, agreeing with `domain.problem.fulfils` on every row.

A comparison with a missing value is false, never unknown; only `absent` and `open` are true of it.
"""

from collections.abc import Callable, Iterable
from datetime import date

from psycopg import sql

from family_exchange.adapters.staging import SQL_TYPES
from family_exchange.domain.condition import OF_A_DAY, Condition, Operator
from family_exchange.domain.contract import Contract

_SIGNS = {
    Operator.EQ: sql.SQL("="),
    Operator.GE: sql.SQL(">="),
    Operator.GT: sql.SQL(">"),
    Operator.LE: sql.SQL("<="),
    Operator.LT: sql.SQL("<"),
}

Value = Callable[[str], sql.Composable]
"""Canonical column → the SQL of its value."""


def staged(conditions: Iterable[Condition], contract: Contract) -> sql.Composable:
    """True of a staged row `s` that fulfils all conditions."""
    return _all(conditions, contract, lambda column: sql.Identifier("s", column))


def registered(conditions: Iterable[Condition], contract: Contract, *, on: date) -> sql.Composable:
    """True of a source record `r` of the contract's feed that fulfils all conditions on that day."""
    return _all(conditions, contract, lambda column: stated(contract, column), on)


def stated(contract: Contract, column: str) -> sql.Composable:
    """The value of a canonical column of a source record `r`: a column of its own, or one of `facts`."""
    described = contract.column(column)
    if described.identity:
        return sql.Identifier("r", column)
    return sql.SQL("(r.facts ->> {})::{}").format(sql.Literal(column), sql.SQL(SQL_TYPES[described.type]))


def _all(conditions: Iterable[Condition], contract: Contract, value: Value, on: date | None = None) -> sql.Composable:
    parts = [_one(condition, contract, value(condition.column), on) for condition in conditions]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(parts)) if parts else sql.SQL("true")


def _one(condition: Condition, contract: Contract, value: sql.Composable, on: date | None) -> sql.Composable:
    if condition.op in OF_A_DAY:
        return _lies(condition.op, value, on)
    if condition.op is Operator.PRESENT:
        return sql.SQL("{} IS NOT NULL").format(value)
    if condition.op is Operator.ABSENT:
        return sql.SQL("{} IS NULL").format(value)
    kind = sql.SQL(SQL_TYPES[contract.column(condition.column).type])
    if condition.op is Operator.IN and isinstance(condition.value, tuple):
        wanted = sql.SQL(", ").join(sql.SQL("{}::{}").format(sql.Literal(each), kind) for each in condition.value)
        test = sql.SQL("{} IN ({})").format(value, wanted)
    else:
        literal = sql.SQL("{}::{}").format(sql.Literal(condition.value), kind)
        test = sql.SQL("{} {} {}").format(value, _SIGNS[condition.op], literal)
    return sql.SQL("coalesce({}, false)").format(test)


def _lies(op: Operator, value: sql.Composable, on: date | None) -> sql.Composable:
    if on is None:
        raise ValueError(f"`{op}` needs a day to compare with")
    ahead = sql.SQL("coalesce({} > {}, false)").format(value, sql.Literal(on))
    if op is Operator.OPEN:
        return sql.SQL("({} IS NULL OR {})").format(value, ahead)
    return ahead if op is Operator.AHEAD else sql.SQL("coalesce({} <= {}, false)").format(value, sql.Literal(on))
