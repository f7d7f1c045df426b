"""What earlier files of a partner were made of, as the ledger keeps it: counts only."""

from family_exchange.adapters import profiles
from family_exchange.adapters.database import Connection
from family_exchange.adapters.ledger import File
from family_exchange.domain.drift import Shape

NOT_NEEDED = """
    SELECT file_id FROM (
        SELECT f.file_id, f.partner, f.feed, f.vault_destroyed_at, s."rows", c.counted,
               row_number() OVER (PARTITION BY f.partner, f.feed, f.contract, f.area, c.counted
                                  ORDER BY f.signed_at DESC NULLS LAST, f.file_id DESC) AS place
          FROM exchange.file f
          JOIN exchange.file_shape s ON s.file_id = f.file_id AND s.column_name = '' AND s.code = ''
         CROSS JOIN LATERAL (SELECT f.state IN ('APPLIED','CLOSED') AND NOT f.history) c(counted)) n
     WHERE vault_destroyed_at IS NOT NULL AND (NOT counted OR "rows" < %(fewest_rows)s OR place > %(most_files)s)"""
"""Destroyed files whose counts no new file is held against; `needed` gives the parameters."""


def needed() -> dict[str, object]:
    """How many files of a feed a new one is held against at most, and from how many rows on."""
    agreed = profiles.drift()
    limits = [agreed.every_feed, *map(agreed.limits, agreed.feeds)]
    return {
        "most_files": max(each.history for each in limits),
        "fewest_rows": min(each.min_rows for each in limits),
    }


def forget(connection: Connection, file_id: str) -> int:
    """How many files of the same partner and feed lost their counts just now: those that nothing is held against.

    The newest files' counts outlive their bytes, so that a file of each term can be held against those before it; a
    file of so few rows that its counts might tell of somebody is not among them.
    """
    return connection.execute(
        f"""WITH gone AS (DELETE FROM exchange.file_shape
                           WHERE file_id IN ({NOT_NEEDED} AND (partner, feed) =
                                 (SELECT partner, feed FROM exchange.file WHERE file_id = %(file)s))
                       RETURNING file_id)
            SELECT DISTINCT file_id FROM gone""".encode(),  # noqa: S608 - our own words
        needed() | {"file": file_id},
    ).rowcount


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
