"""Findings by columns, ready for one COPY: a file that is wrong throughout has millions of them."""

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from family_exchange.domain.findings import Findings

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("file_id", "finding_no", "row_no", "column_name", "rule", "severity", "table_name", "ref_hmac")
"""Of `exchange.finding`, in the order in which `csv` writes them."""

Digests = Mapping[int | tuple[str, int] | None, bytes]
"""`row number → keyed digest of what the partner calls the row`; in a bundle, `(table, row number) → …`."""


def frame(findings: Findings) -> "pl.DataFrame":
    """One row for each finding, in the order of iterating `findings`; key `finding_no`, from 1."""
    import numpy as np  # noqa: PLC0415 - costs a tenth of a second
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    schema = {
        "row_no": pl.Int64, "column_name": pl.String, "rule": pl.String, "severity": pl.String,
        "table_name": pl.String, "place": pl.Int64,
    }  # fmt: skip
    places = {table: place for place, table in enumerate(dict.fromkeys(found.table for found in findings.broken))}
    parts = [
        pl.DataFrame({"row_no": np.asarray(found.rows, np.int64) if found.rows else [None]}).select(
            pl.col("row_no").cast(pl.Int64),
            pl.lit(found.column, pl.String).alias("column_name"),
            pl.lit(found.rule).alias("rule"),
            pl.lit(str(found.severity)).alias("severity"),
            pl.lit(found.table, pl.String).alias("table_name"),
            pl.lit(places[found.table] if found.rows else -1, pl.Int64).alias("place"),
        )
        for found in findings.broken
    ]
    together = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
    ordered = together.sort("place", "row_no", nulls_last=False, maintain_order=True).drop("place")
    return ordered.with_row_index("finding_no", offset=1)


def csv(file_id: str, findings: Findings, references: Digests | None = None) -> memoryview:
    """The rows of `exchange.finding` for this file, as `COPY … (FORMAT csv)` reads them; empty without findings."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    if not findings.broken:
        return memoryview(b"")
    rows = frame(findings)
    keys = rows.select("table_name", "row_no").iter_rows() if references else ()
    found = [(references or {}).get(row_no if table is None else (table, row_no)) for table, row_no in keys]
    written = [None if digest is None else f"\\x{digest.hex()}" for digest in found] or [None] * rows.height
    buffer = BytesIO()
    rows.select(pl.lit(file_id).alias("file_id"), *COLUMNS[1:-1], pl.Series(COLUMNS[-1], written, pl.String)).write_csv(
        buffer, include_header=False
    )
    return buffer.getbuffer()
