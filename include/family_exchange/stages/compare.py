"""Stage 3, what no file can say by itself: beside the earlier files of its partner, and beside the other feeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from family_exchange.adapters import known, profiles, shapes
from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import File
from family_exchange.adapters.tabular import ROW_NO
from family_exchange.domain import across, drift
from family_exchange.domain.contract import Contract
from family_exchange.domain.drift import Shape, Sign
from family_exchange.stages.validate import Validated


def with_others(
    connection: Connection, file: File, contract: Contract, checked: Validated, *, history: bool
) -> Validated:
    """The file with what is found in it because of other files that count; a second run gives the same.

    Only news is held against earlier files: `history` adds to the past, and the past was otherwise.
    """
    unknown = known.unknown(connection, contract, file.partner, checked.accepted)
    more = across.broken(contract, unknown)
    if not history:
        new = Shape(checked.shape, checked.coverage_from, checked.coverage_to)
        more += drift.broken(_signs(connection, file, new, version=checked.contract, area=checked.said.area))
    if not more:
        return checked
    return replace(
        checked, findings=checked.findings.and_more(more), references=_references(checked, contract, unknown)
    )


def signs(connection: Connection, file: File) -> tuple[Sign, ...]:
    """In what a counted file is unlike those before it, with what was usual: what two people look at."""
    shape = shapes.of(connection, file)
    if shape is None or file.contract is None:
        return ()
    return _signs(connection, file, shape, version=file.contract, area=file.area)


def _signs(connection: Connection, file: File, new: Shape, *, version: str, area: str | None) -> tuple[Sign, ...]:
    limits = profiles.drift().limits(file.feed)
    earlier = shapes.earlier(connection, file, contract=version, area=area, most=limits.history)
    return drift.signs(new, earlier, limits)


def _references(
    checked: Validated, contract: Contract, rows: Sequence[int]
) -> Mapping[int, tuple[str, ...]] | Mapping[tuple[str, int], tuple[str, ...]]:
    """The partner's own references of these rows too; only a file with one table has such rows."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    if not rows:
        return checked.references
    wanted = pl.Series(rows, dtype=pl.Int64)
    found = {row: texts for row, texts in checked.references.items() if isinstance(row, int)}
    for frame in checked.accepted:
        some = frame.filter(pl.col(ROW_NO).cast(pl.Int64).is_in(wanted.implode()))
        keys = some.select(ROW_NO, *(pl.col(key).cast(pl.String).fill_null("") for key in contract.key))
        found |= {row_no: tuple(texts) for row_no, *texts in keys.iter_rows()}
    return found
