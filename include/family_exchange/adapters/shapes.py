"""What earlier files of a partner were made of, as the ledger keeps it: counts only."""

from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import File
from family_exchange.domain.drift import Shape


def of(connection: Connection, file: File) -> Shape | None:
    """The shape of this file; None when it was never counted."""
    return next(iter(_read(connection, [file.file_id])), None)


def earlier(connection: Connection, file: File, *, contract: str, area: str | None, most: int) -> list[Shape]:
    """The shapes of at most `most` files that were taken before this one, newest first.

    They are of the same partner, feed, version and area, and no history. What two people released although it was
    unlike the others begins a new measure: nothing older counts.
    """
    rows = connection.execute(
        """SELECT file_id, 'CONTENT' = ANY(string_to_array(coalesce(waived, ''), ' ')) FROM exchange.file f
            WHERE partner = %(partner)s AND feed = %(feed)s AND contract = %(contract)s
              AND area IS NOT DISTINCT FROM %(area)s AND file_id <> %(file)s AND NOT history
              AND state IN ('APPLIED','CLOSED')
              AND EXISTS (SELECT FROM exchange.file_shape s WHERE s.file_id = f.file_id)
            ORDER BY signed_at DESC, file_id DESC LIMIT %(most)s""",
        {
            "partner": file.partner,
            "feed": file.feed,
            "contract": contract,
            "area": area,
            "file": file.file_id,
            "most": most,
        },
    ).fetchall()
    ids: list[str] = []
    for file_id, released in rows:
        ids.append(str(file_id))
        if released:
            break
    return _read(connection, ids)


def _read(connection: Connection, ids: list[str]) -> list[Shape]:
    rows = connection.execute(
        """SELECT coverage_from, coverage_to, array_agg(column_name), array_agg(code), array_agg("rows")
             FROM exchange.file JOIN exchange.file_shape USING (file_id) WHERE file_id = ANY(%s)
            GROUP BY file_id ORDER BY array_position(%s::text[], file_id)""",
        (ids, ids),
    ).fetchall()
    return [
        Shape(tuple(zip(columns, codes, numbers, strict=True)), first, last)
        for first, last, columns, codes, numbers in rows
    ]
