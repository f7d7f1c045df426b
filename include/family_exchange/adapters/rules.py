"""Each kind of expectation as one polars expression: true where a row breaks the rule, exactly as GX would count it.

An empty cell breaks no rule but `not_be_null`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from family_exchange.domain.suite import Arguments, Expectation, ExpectationType

if TYPE_CHECKING:
    import polars as pl


def broken(expectation: Expectation) -> "pl.Expr":
    """True in each row that breaks this row rule; never null. Named by the rule's code."""
    rule = _RULES[expectation.type]
    return rule(expectation.kwargs).fill_null(value=False).alias(expectation.meta.rule)


def key(expectation: Expectation) -> "pl.Expr":
    """A number for what this rule wants to be unique, null where it says nothing of the row. Named by the rule's code.

    Equal keys have equal numbers, in whatever frame they stand; unequal ones nearly always have unequal numbers.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    parts = [pl.col(name) for name in expectation.kwargs.columns]
    numbers = [part.hash(seed=place) for place, part in enumerate(parts)]
    number = numbers[0]
    for other in numbers[1:]:
        number ^= other
    whole = pl.all_horizontal(part.is_not_null() for part in parts)
    return pl.when(whole).then(number).alias(expectation.meta.rule)


def _missing(asked: Arguments) -> "pl.Expr":
    return _cell(asked).is_null()


def _not_in_set(asked: Arguments) -> "pl.Expr":
    return ~_cell(asked).is_in(list(asked.value_set or ()))


def _no_match(asked: Arguments) -> "pl.Expr":
    return ~_cell(asked).str.contains(asked.regex or "")


def _match(asked: Arguments) -> "pl.Expr":
    return _cell(asked).str.contains(asked.regex or "")


def _length(asked: Arguments) -> "pl.Expr":
    return _outside(_cell(asked).str.len_chars(), asked)


def _range(asked: Arguments) -> "pl.Expr":
    return _outside(_cell(asked), asked)


def _before(asked: Arguments) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    return pl.col(asked.column_a or "") < pl.col(asked.column_b or "")


def _not_paired(asked: Arguments) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    first, second = pl.col(asked.column_a or ""), pl.col(asked.column_b or "")
    beside: dict[bool | str, list[bool | str]] = {}
    for one, other in asked.value_pairs_set or ():
        beside.setdefault(other, []).append(one)
    agreed = pl.any_horizontal((second == other) & first.is_in(ones) for other, ones in beside.items())
    return first.is_not_null() & second.is_not_null() & ~agreed


def _repeated(asked: Arguments) -> "pl.Expr":
    return _cell(asked).is_duplicated() & _cell(asked).is_not_null()


def _repeated_together(asked: Arguments) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    key = [pl.col(name) for name in asked.column_list or ()]
    return pl.struct(key).is_duplicated() & pl.all_horizontal(part.is_not_null() for part in key)


def _cell(asked: Arguments) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    return pl.col(asked.column or "")


def _outside(measure: "pl.Expr", asked: Arguments) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    below = pl.lit(value=False) if asked.min_value is None else measure < asked.min_value
    above = pl.lit(value=False) if asked.max_value is None else measure > asked.max_value
    return below | above


_RULES: Mapping[ExpectationType, Callable[[Arguments], "pl.Expr"]] = {
    ExpectationType.NOT_NULL: _missing,
    ExpectationType.IN_SET: _not_in_set,
    ExpectationType.MATCH: _no_match,
    ExpectationType.NOT_MATCH: _match,
    ExpectationType.LENGTH: _length,
    ExpectationType.BETWEEN: _range,
    ExpectationType.NOT_BEFORE: _before,
    ExpectationType.PAIR: _not_paired,
    ExpectationType.UNIQUE: _repeated,
    ExpectationType.UNIQUE_TOGETHER: _repeated_together,
}
"""Every type that names rows."""

ACROSS_ROWS = frozenset({ExpectationType.UNIQUE, ExpectationType.UNIQUE_TOGETHER})
"""The types that compare rows with each other, however far apart they are."""
