"""Arrow tables into PostgreSQL and out of it, by COPY."""

from collections.abc import Collection
from io import BytesIO

from family_exchange.adapters.database import Connection
from family_exchange.adapters.statements import Table


def copy_in(connection: Connection, target: str, table: Table) -> None:
    """The rows of `table` are in `target`, `table (column, …)`; an array is text in braces."""
    from pyarrow import csv  # noqa: PLC0415 - costs half a second

    buffer = BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv)".encode()) as copy:
        copy.write(buffer.getbuffer())


def copied(connection: Connection, query: str, *, days: Collection[str] = (), booleans: Collection[str] = ()) -> Table:
    """The rows of a COPY; what is empty in a text stays empty. Columns are text, but for `days` and `booleans`."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    from pyarrow import csv  # noqa: PLC0415 - as above

    buffer = BytesIO()
    with connection.cursor() as cursor, cursor.copy(query.encode()) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    names = buffer.readline().decode().strip().split(",")
    kinds = dict.fromkeys(names, pa.string()) | dict.fromkeys(days, pa.date32()) | dict.fromkeys(booleans, pa.bool_())
    buffer.seek(0)
    return csv.read_csv(
        buffer,
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=kinds, true_values=["t"], false_values=["f"]),
    )
