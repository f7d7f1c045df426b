"""The conditions of contracts and frameworks as SQL, agreeing with `domain.problem.fulfils` on every row.

A comparison with a missing value is false, never unknown; only `absent` is true of it.
"""

from collections.abc import Callable, Iterable

from psycopg import sql

from family_exchange.adapters.staging import SQL_TYPES
from family_exchange.domain.condition import Condition, Operator
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


def registered(conditions: Iterable[Condition], contract: Contract) -> sql.Composable:
    """True of a source record `r` of the contract's feed that fulfils all conditions."""
    return _all(conditions, contract, lambda column: stated(contract, column))


def stated(contract: Contract, column: str) -> sql.Composable:
    """The value of a canonical column of a source record `r`: a column of its own, or one of `facts`."""
    described = contract.column(column)
    if described.identity:
        return sql.Identifier("r", column)
    return sql.SQL("(r.facts ->> {})::{}").format(sql.Literal(column), sql.SQL(SQL_TYPES[described.type]))


def _all(conditions: Iterable[Condition], contract: Contract, value: Value) -> sql.Composable:
    parts = [_one(condition, contract, value(condition.column)) for condition in conditions]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(parts)) if parts else sql.SQL("true")


def _one(condition: Condition, contract: Contract, value: sql.Composable) -> sql.Composable:
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
