"""Cells read by type: beside each text stands what it means, and whether it means anything.

Dates, numbers and flags have one strict form each; identifiers have a normal form. What does not fit means nothing:
it is never guessed, and which row stays out is for the suite to say.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from family_exchange.adapters import identifiers
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain.column import Column, ColumnType
from family_exchange.domain.contract import Contract
from family_exchange.domain.identifiers import Kind
from family_exchange.domain.suite import (
    AS_OF,
    GIVEN,
    LATEST_BIRTH,
    PERMANENT,
    VALID,
    VALUE,
    Suite,
    has_value,
    kind,
    made_from,
)

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

INTEGER_FORM = r"^[0-9]{1,9}$"
DECIMAL_FORM = r"^[0-9]{1,9}(?:\.[0-9]{1,2})?$"
YES, NO = "Y", "N"

EXPECTED_WITHIN = timedelta(days=300)
"""A pregnancy that is known on the file's day ends within it."""


def with_values(rows: "pl.DataFrame", contract: Contract, suite: Suite, *, as_of: date | None) -> "pl.DataFrame":
    """`rows` with every column that a rule of the suite reads.

    Columns that `rows` does not have are passed over, and so is all that would be made from them.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    there = [column for column in contract.columns if column.name in rows.columns and has_value(column)]
    made, wanted = {*rows.columns, *(column.name + VALUE for column in there)}, suite.reads
    sums = [
        pl.sum_horizontal(*parts, ignore_nulls=False).alias(name)
        for name, parts in suite.meta.derived.items()
        if made.issuperset(parts)
    ]
    return (
        typed(rows, contract, as_of)
        .with_columns(
            pl.lit(as_of, pl.Date).alias(AS_OF),
            pl.lit(as_of + EXPECTED_WITHIN if as_of else None, pl.Date).alias(LATEST_BIRTH),
            *(flag for column in there for flag in _flags(column)),
            *(each for column in contract.columns if column.name in rows.columns for each in _read(column, wanted)),
            *sums,
        )
        .collect()
    )


def counts(rows: "pl.DataFrame", contract: Contract) -> dict[tuple[str, str], int]:
    """`("", "")` → rows; `(column, "")` → its cells that are not empty; `(column, code)` → cells with that code."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    there = [column for column in contract.columns if column.name in rows.columns]
    names = [(column.name, code) for column in there for code in ("", *column.codes)]
    numbers = (
        ((pl.col(name) == code).sum() if code else pl.col(name).count()).alias(str(place))
        for place, (name, code) in enumerate(names)
    )
    found = rows.select(*numbers).row(0)
    return {("", ""): rows.height, **{name: int(number) for name, number in zip(names, found, strict=True)}}


def sources(names: Collection[str], contract: Contract, derived: Mapping[str, Sequence[str]]) -> list[str]:
    """The headers of the columns from which these are made, or which they are."""
    read = {*names, *(part for name in names for part in derived.get(name, ()))}
    return [column.name for column in contract.columns if read & {column.name, *made_from(column)}]


def outside_ages(columns: Collection[str], contract: Contract) -> "pl.Expr | None":
    """True for each row whose person is too young or too old for the feed, in whole years on the file's own day.

    A file that does not say its day is measured on the day of each row's event. Nobody is outside whose age cannot be
    told. Who was born on 29 February is a year older on 1 March of other years. None: these columns tell no ages, or
    the feed takes any.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    gate = contract.age_gate
    names = {column.canonical: column.name + VALUE for column in contract.columns}
    birth, event = names.get("date_of_birth", ""), names.get("event_on", "")
    if (gate.min is None and gate.max is None) or birth not in columns:
        return None
    day = pl.coalesce(AS_OF, event) if event in columns else pl.col(AS_OF)
    age = _years(pl.col(birth), day)
    young = pl.lit(value=False) if gate.min is None else age < gate.min
    old = pl.lit(value=False) if gate.max is None else age > gate.max
    return (young | old).fill_null(value=False)


def sent_though_withheld(columns: Collection[str], contract: Contract) -> "pl.Expr | None":
    """True for each row that says that cells must stay secret, and sends one of them. None: no column is withheld."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    flag = contract.withholding
    sent = [column.name for column in contract.columns if column.withheld_by and column.name in columns]
    if flag is None or not sent or flag.name not in columns:
        return None
    there = pl.any_horizontal(pl.col(name).is_not_null() for name in sent)
    return (pl.col(flag.name + VALUE) & there).fill_null(value=False)


def accepted(
    typed: "pl.LazyFrame",
    contract: Contract,
    *,
    taken: Collection[str],
    refused: "NDArray[np.bool_]",
    emptied: Mapping[str, "NDArray[np.bool_]"],
) -> "pl.DataFrame":
    """`row_no` and the canonical columns of the headers `taken`, typed, without the refused rows.

    `refused` says for each row whether it stays out; `emptied` says it of the cells of a header. What a flag withholds
    is emptied wherever the flag does not say N, whatever the rules made of the row.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    may_be_known = _may_be_known(taken, contract)
    columns = [pl.col(ROW_NO)]
    for column in contract.columns:
        if column.name in taken:
            cell = pl.col(column.name + VALUE if has_value(column) else column.name)
            if (emptying := emptied.get(column.name)) is not None:
                cell = pl.when(pl.Series(~emptying)).then(cell)
            if column.withheld_by:
                cell = pl.when(may_be_known).then(cell)
            columns.append(cell.alias(column.canonical))
    frame = typed.select(columns).collect()
    return frame.filter(pl.Series(~refused)) if refused.any() else frame


def typed(rows: "pl.DataFrame", contract: Contract, as_of: date | None) -> "pl.LazyFrame":
    """`rows` with what each cell means beside it."""
    there = [column for column in contract.columns if column.name in rows.columns and has_value(column)]
    year = as_of.year if as_of else None
    normal = [
        identifiers.normal(rows[column.name], which, this_year=year).alias(column.name + VALUE)
        for column in there
        if (which := kind(column))
    ]
    values = (_value(column, contract.file.date_format) for column in there if not kind(column))
    return rows.lazy().with_columns(*normal, *values)


def _years(birth: "pl.Expr", day: "pl.Expr") -> "pl.Expr":
    """Whole years from birth to `day`."""
    return (_as_number(day) - _as_number(birth)) // 10_000


def _as_number(day: "pl.Expr") -> "pl.Expr":
    """2026-04-30 as 20260430: differences of such numbers, without their last four digits, are whole years."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    month, in_month = day.dt.month().cast(pl.Int32), day.dt.day().cast(pl.Int32)
    return day.dt.year() * 10_000 + month * 100 + in_month


def _value(column: Column, date_format: str) -> "pl.Expr":
    """What the cells of a date, a number or a flag mean; null where they are empty or mean nothing."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text = pl.col(column.name)
    value: pl.Expr
    match column.type:
        case ColumnType.DATE:
            value = pl.when(text.str.contains(_form(date_format))).then(text).str.to_date(date_format, strict=False)
        case ColumnType.INTEGER:
            value = pl.when(text.str.contains(INTEGER_FORM)).then(text).cast(pl.Int32, strict=False)
        case ColumnType.DECIMAL:
            value = pl.when(text.str.contains(DECIMAL_FORM)).then(text).cast(pl.Decimal(12, 2), strict=False)
        case _:
            value = pl.when(text.is_in([YES, NO])).then(text == YES)
    return value.alias(column.name + VALUE)


def _form(date_format: str) -> str:
    """What a date of this format looks like: each of its parts has all its digits."""
    directives = {"%Y": "[0-9]{4}", "%m": "[0-9]{2}", "%d": "[0-9]{2}", "%y": "[0-9]{2}"}
    parts = re.findall("%.|[^%]+", date_format)
    return f"^{''.join(directives.get(part) or re.escape(part) for part in parts)}$"


def _may_be_known(columns: Collection[str], contract: Contract) -> "pl.Expr":
    """True where the contract's flag says N; where it may be empty, also where it says nothing."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    flag = contract.withholding
    if flag is None or flag.name not in columns:
        return pl.lit(value=flag is None)
    says_no = ~pl.col(flag.name + VALUE)
    return says_no | pl.col(flag.name).is_null() if flag.nullable else says_no


def _read(column: Column, reads: Collection[str]) -> Iterator["pl.Expr"]:
    """What is made only where a rule reads it: whether anything stands there, and a code that is agreed."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text = pl.col(column.name)
    if column.name + GIVEN in reads:
        yield text.is_not_null().alias(column.name + GIVEN)
    if column.codes and column.name + VALUE in reads:
        yield pl.when(text.is_in(column.codes)).then(text).alias(column.name + VALUE)


def _flags(column: Column) -> Iterator["pl.Expr"]:
    """Whether each cell is empty or means something; for a UPN, also whether it is not a temporary one."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text, value = pl.col(column.name), pl.col(column.name + VALUE)
    yield (text.is_null() | value.is_not_null()).alias(column.name + VALID)
    if kind(column) is Kind.UPN:
        yield (~identifiers.temporary_upn(value)).fill_null(value=True).alias(column.name + PERMANENT)
