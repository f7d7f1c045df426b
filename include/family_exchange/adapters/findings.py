"""Findings by columns, ready for one COPY: a file that is wrong throughout has millions of them."""

from io import BytesIO
from typing import TYPE_CHECKING

from family_exchange.domain.findings import Findings

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("file_id", "finding_no", "row_no", "column_name", "rule", "severity")
"""Of `exchange.finding`, in the order in which `csv` writes them."""


def frame(findings: Findings) -> "pl.DataFrame":
    """One row for each finding, in the order of iterating `findings`; key `finding_no`, from 1."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    schema = {"row_no": pl.Int64, "column_name": pl.String, "rule": pl.String, "severity": pl.String}
    whole_file: list[int | None] = [None]
    parts = [
        pl.DataFrame({"row_no": found.rows or whole_file}, schema={"row_no": pl.Int64}).with_columns(
            pl.lit(found.column, pl.String).alias("column_name"),
            pl.lit(found.rule).alias("rule"),
            pl.lit(str(found.severity)).alias("severity"),
        )
        for found in findings.broken
    ]
    together = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
    ordered = together.sort("row_no", nulls_last=False, maintain_order=True)
    return ordered.with_row_index("finding_no", offset=1)


def csv(file_id: str, findings: Findings) -> memoryview:
    """The rows of `exchange.finding` for this file, as `COPY … (FORMAT csv)` reads them; empty without findings."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    buffer = BytesIO()
    rows = frame(findings).select(pl.lit(file_id).alias("file_id"), *COLUMNS[1:])
    rows.write_csv(buffer, include_header=False)
    return buffer.getbuffer()
