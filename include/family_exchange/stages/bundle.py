"""Stage 3 for a bundle: each table is checked by its own suite, then all against one another, and they are joined."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

from family_exchange.adapters import bundles
from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.bundles import Left
from family_exchange.adapters.containers import Part
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain.contract import PERSON as WHO
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.findings import MERGED, PERSON, UNUSED, Broken, Findings, Severity
from family_exchange.domain.profile import Profile

if TYPE_CHECKING:
    import polars as pl

    from family_exchange.stages.validate import Validated

Check = Callable[..., "Validated"]


def validated(
    parts: tuple[Part, ...], contract: Contract, profile: Profile | None, *, received_on: date | None, each: Check
) -> "Validated":
    """What may be staged of the bundle, and every finding in it, each in its table.

    `each(csv, contract, profile, received_on=…)` checks one table. Rows of the joined table are numbered through all
    tables in the contract's order. A second run gives the same.

    Raises:
        DataRefused: a table cannot be read, or the tables have not as many rows as the manifest promises.
    """
    tables = {
        str(part.table): each(part.csv, contract.of_table(str(part.table)), profile, received_on=received_on)
        for part in parts
    }
    counts = [table.findings.rows_read for table in tables.values()]
    promised = parts[0].rows
    if promised not in {None, sum(counts)}:
        raise DataRefused(Reason.CONTENT, f"the manifest promises {promised} rows; the tables have {sum(counts)}")
    first_rows = dict(zip(tables, accumulate(counts, initial=0), strict=False))
    as_of = next(iter(tables.values())).as_of
    taken = [column for column in contract.columns if profile is None or profile.collects(column.data_class)]
    frames = {name: table.accepted.whole() for name, table in tables.items()}
    left = bundles.left_out(frames, contract, taken={column.canonical for column in taken}, as_of=as_of)
    findings = Findings(sum(counts), tuple(_broken(tables, left, contract)))
    kept = {name: _without(frame, left[name], everything=findings.refuses_all) for name, frame in frames.items()}
    rows = bundles.joined(kept, contract, as_of=as_of, first_rows=first_rows)
    rows = rows.select(ROW_NO, *(column.canonical for column in taken if column.canonical in rows.columns))
    whole = next(iter(tables.values()))
    return replace(
        whole,
        findings=findings,
        accepted=Accepted.of(rows),
        references=_references(tables, frames, left, contract),
        shape=_shape(tables),
        columns_dropped=len(contract.columns) - len(taken),
        said=replace(whole.said, rows=promised),
    )


def _broken(tables: Mapping[str, "Validated"], left: Mapping[str, Left], contract: Contract) -> list[Broken]:
    """Every rule that was broken, table by table; those between tables last."""
    found: list[Broken] = []
    for name, table in tables.items():
        who = contract.of_table(name).column(WHO).name
        found += (replace(broken, table=name) for broken in table.findings.broken)
        between = (
            (PERSON, Severity.ERROR, left[name].of_nobody),
            (MERGED, Severity.WARNING, left[name].merged),
            (UNUSED, Severity.WARNING, left[name].unused),
        )
        found += (
            Broken(rule, who if rule != UNUSED else None, severity, rows, name)
            for rule, severity, rows in between
            if rows
        )
    return found


def _without(frame: "pl.DataFrame", left: Left, *, everything: bool) -> "pl.DataFrame":
    """The rows that come in."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    out = {*left.of_nobody, *left.merged, *left.unused}
    return frame.clear() if everything else frame.filter(~pl.col(ROW_NO).is_in(sorted(out)))


def _references(
    tables: Mapping[str, "Validated"],
    frames: Mapping[str, "pl.DataFrame"],
    left: Mapping[str, Left],
    contract: Contract,
) -> Mapping[tuple[str, int], tuple[str, ...]]:
    """`(table, row number) → the partner's own words for the row`, of every row with a finding."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    found = {
        (name, row_no): words
        for name, table in tables.items()
        for row_no, words in table.references.items()
        if isinstance(row_no, int)
    }
    for name, frame in frames.items():
        out = [*left[name].of_nobody, *left[name].merged, *left[name].unused]
        rows = frame.filter(pl.col(ROW_NO).is_in(out)).select(ROW_NO, *contract.of_table(name).key)
        found |= {(name, row_no): tuple(words) for row_no, *words in rows.iter_rows()}
    return found


def _shape(tables: Mapping[str, "Validated"]) -> tuple[tuple[str, str, int], ...]:
    """The counts of all tables; no header stands in two of them, and the rows are those of all together."""
    counts: dict[tuple[str, str], int] = {}
    for table in tables.values():
        for column, code, rows in table.shape:
            counts[column, code] = counts.get((column, code), 0) + rows
    return tuple((column, code, rows) for (column, code), rows in counts.items())
