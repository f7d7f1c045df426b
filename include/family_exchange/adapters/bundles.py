"""The tables of a bundle joined to the rows that staging takes: one for each person, and one for each earlier episode.

A person's own row tells the latest episode of each table, as a file with one table would; its `event_ref` is empty. An
earlier episode has a row of its own, whose `event_ref` names table and key. Whatever order rows come in, the result is
the same. ADR 0020.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from family_exchange.adapters import identifiers
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain.container import Role
from family_exchange.domain.contract import PERSON, Contract, Table
from family_exchange.domain.identifiers import Kind

if TYPE_CHECKING:
    import polars as pl

TAKEN_IN = {"NHS Number": Kind.NHS_NUMBER, "Unique Pupil Number": Kind.UPN, "National Insurance Number": Kind.NINO}
"""Type of an identifier → the column that it goes to; no other type is taken in."""

_LINES = {
    "address_line_1": ("HOUSE", "STREET"),
    "address_line_2": ("ROOM", "FLOOR", "FLAT", "BUILDING"),
    "town": ("TOWN",),
}
"""Column → the parts of an address as the SSD writes it."""
_JSON, _DAY, _NEWEST = "addr_address_json", "event_on", "newest"


@dataclass(frozen=True, slots=True)
class Left:
    """The rows of one table that do not come in, though they broke no rule of their own; row numbers of the table."""

    of_nobody: tuple[int, ...]
    """The person is not in the table of persons, or not in order there."""
    merged: tuple[int, ...]
    """The person was merged into another record."""
    unused: tuple[int, ...]
    """An identifier of a type that is not taken in, or one that cannot be right; an address that cannot be read."""


def left_out(
    frames: Mapping[str, "pl.DataFrame"], contract: Contract, *, taken: Collection[str], as_of: date | None
) -> dict[str, Left]:
    """`table → its rows that are left out`, of the accepted rows of every table.

    `taken` are the canonical columns that the council takes in.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    persons = frames[_persons_table(contract).name]
    marked = "pers_duplicated_dttm" in persons.columns
    gone = persons.filter(pl.col("pers_duplicated_dttm").is_not_null() if marked else pl.lit(value=False))
    found: dict[str, Left] = {}
    for table in contract.tables:
        rows = frames[table.name]
        known = rows.join(persons, on=PERSON, how="semi")
        merged = rows.join(gone, on=PERSON, how="semi")
        tells_nothing = known.join(gone, on=PERSON, how="anti").filter(_tells_nothing(known, table, taken, as_of))
        found[table.name] = Left(
            of_nobody=_numbers(rows.join(persons, on=PERSON, how="anti")),
            merged=_numbers(merged),
            unused=_numbers(tells_nothing),
        )
    return found


def joined(
    frames: Mapping[str, "pl.DataFrame"], contract: Contract, *, as_of: date | None, first_rows: Mapping[str, int]
) -> "pl.DataFrame":
    """`row_no` and the canonical columns of the contract of which the tables tell.

    `frames` are the accepted rows of each table that are not left out. `first_rows` says how many rows of the bundle
    stand before a table's first: the number of a joined row is counted through all tables, to the row it stands for.
    """
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    persons = _persons(frames, contract, as_of)
    own = persons.with_columns(pl.col(ROW_NO).cast(pl.Int64) + first_rows[_persons_table(contract).name])
    days: list[pl.DataFrame] = []
    earlier: list[pl.DataFrame] = []
    for table in contract.tables:
        if table.role is Role.EPISODES:
            rows = _episodes(frames[table.name], table, as_of, first_rows[table.name])
            latest, others = rows.filter(_NEWEST), rows.filter(~pl.col(_NEWEST)).drop(_NEWEST)
            own = own.join(latest.drop(_NEWEST, ROW_NO, "event_ref", _DAY), on=PERSON, how="left")
            earlier.append(persons.drop(ROW_NO).join(others, on=PERSON))
            days.append(rows.select(PERSON, _DAY))
    last = pl.concat(days).group_by(PERSON).agg(pl.col(_DAY).max())
    together = pl.concat([own.join(last, on=PERSON, how="left"), *earlier], how="diagonal")
    return together.select(ROW_NO, *(name for name in contract.canonicals if name in together.columns)).sort(ROW_NO)


def _persons_table(contract: Contract) -> Table:
    return next(table for table in contract.tables if table.role is Role.PERSONS)


def _numbers(rows: "pl.DataFrame") -> tuple[int, ...]:
    return tuple(sorted(rows[ROW_NO].to_list()))


def _tells_nothing(rows: "pl.DataFrame", table: Table, taken: Collection[str], as_of: date | None) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    if table.role is Role.IDENTIFIERS:
        numbered = _with_numbers(rows, as_of)
        there = [pl.col(name).is_not_null() for name in TAKEN_IN.values() if name in taken]
        telling = numbered.filter(pl.any_horizontal(pl.lit(value=False), *there))
        return ~pl.col(ROW_NO).is_in(_numbers(telling))
    if table.role is Role.ADDRESSES and _JSON in rows.columns:
        return pl.col(_JSON).is_not_null() & pl.col(_JSON).str.json_path_match("$").is_null()
    return pl.lit(value=False)


def _persons(frames: Mapping[str, "pl.DataFrame"], contract: Contract, as_of: date | None) -> "pl.DataFrame":
    """One row for each person, with birth, family, address and numbers."""
    persons = _with_birth(frames[_persons_table(contract).name])
    for table in contract.tables:
        rows = frames[table.name]
        match table.role:
            case Role.FAMILIES:
                told = _last(_with(rows, "household_ref"), table.key)
            case Role.ADDRESSES:
                told = _last(_with_lines(_holding(rows, table, as_of), as_of), (str(table.since), *table.key))
            case Role.IDENTIFIERS:
                told = _identified(rows, table, as_of)
            case _:
                continue
        persons = persons.join(told.drop(ROW_NO), on=PERSON, how="left")
    return persons


def _with_birth(persons: "pl.DataFrame") -> "pl.DataFrame":
    """With the expected or estimated day where the day of birth is not known, and whether it is one."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    if "date_of_birth" not in persons.columns or "pers_expected_dob" not in persons.columns:
        return persons
    known, expected = pl.col("date_of_birth"), pl.col("pers_expected_dob")
    estimated = pl.when(known.is_not_null() | expected.is_not_null()).then(known.is_null())
    return persons.with_columns(known.fill_null(expected), estimated.alias("pers_dob_estimated"))


def _with(rows: "pl.DataFrame", column: str) -> "pl.DataFrame":
    """The rows that have a value there; all of them when the council does not take the column in."""
    return rows.drop_nulls(column) if column in rows.columns else rows


def _last(rows: "pl.DataFrame", order: Sequence[str]) -> "pl.DataFrame":
    """Each person's last row in that order."""
    return rows.sort(order).unique(PERSON, keep="last", maintain_order=True)


def _holding(rows: "pl.DataFrame", table: Table, as_of: date | None) -> "pl.DataFrame":
    """The rows that hold on the file's day; without one, those that have begun and not ended."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    since, until = pl.col(str(table.since)), pl.col(str(table.until))
    if as_of is None:
        return rows.filter(since.is_not_null() & until.is_null())
    return rows.filter((since <= as_of) & (until.is_null() | (until >= as_of)))


def _with_lines(addresses: "pl.DataFrame", as_of: date | None) -> "pl.DataFrame":
    """With the lines, the town and the UPRN that stand in the address as the SSD writes it."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    if _JSON not in addresses.columns:
        return addresses

    def part(name: str) -> "pl.Expr":
        text = pl.col(_JSON).str.json_path_match(f"$.{name}").str.strip_chars()
        return pl.when(~text.is_in(["", "-1"])).then(text)

    uprn = identifiers.normal(
        addresses.select(part("UPRN").alias("uprn")).to_series(), Kind.UPRN, this_year=as_of.year if as_of else None
    )
    lines = (pl.concat_str(*map(part, names), separator=" ", ignore_nulls=True) for names in _LINES.values())
    return addresses.with_columns(
        *(pl.when(line != "").then(line).alias(name) for name, line in zip(_LINES, lines, strict=True)),
        uprn.alias("uprn"),
    )


def _with_numbers(rows: "pl.DataFrame", as_of: date | None) -> "pl.DataFrame":
    """With a column for each type that is taken in: the identifier's normal form, where it is of that type."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    year = as_of.year if as_of else None
    of = pl.col("link_identifier_type")
    texts = rows.select(
        pl.when(of == kind).then("link_identifier_value").alias(which) for kind, which in TAKEN_IN.items()
    )
    numbered = rows.with_columns(
        identifiers.normal(texts[which], which, this_year=year).alias(which) for which in TAKEN_IN.values()
    )
    temporary = identifiers.temporary_upn(pl.col(Kind.UPN))
    return numbered.with_columns(pl.when(~temporary).then(Kind.UPN).alias(Kind.UPN))


def _identified(rows: "pl.DataFrame", table: Table, as_of: date | None) -> "pl.DataFrame":
    """One row for each person with a number: of each type the one that has held since the latest day."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    until = pl.col("link_valid_to_date")
    holding = rows.filter(until.is_null() | (until >= as_of if as_of else pl.lit(value=False)))
    ordered = _with_numbers(holding, as_of).sort("link_valid_from_date", *table.key, nulls_last=False)
    return ordered.group_by(PERSON).agg(
        pl.col(ROW_NO).max(), *(pl.col(n).drop_nulls().last() for n in TAKEN_IN.values())
    )


def _episodes(rows: "pl.DataFrame", table: Table, as_of: date | None, before: int) -> "pl.DataFrame":
    """Each episode with its first and last day, the last day on which it tells of contact, and whether it is newest."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    since, until = str(table.since), str(table.until)
    there = [name for name in (since, until) if name in rows.columns]
    ordered = rows.sort(*(there[:1]), *table.key)
    ended = pl.col(until) if until in there else pl.lit(None, pl.Date)
    day = pl.min_horizontal(ended, pl.lit(as_of, pl.Date)) if as_of else ended
    return ordered.select(
        pl.col(ROW_NO).cast(pl.Int64) + before,
        PERSON,
        *there,
        day.alias(_DAY),
        pl.concat_str(pl.lit(f"{table.name}:"), *table.key).alias("event_ref"),
        pl.col(PERSON).is_last_distinct().alias(_NEWEST),
    )
