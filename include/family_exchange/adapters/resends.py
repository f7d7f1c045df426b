"""Which earlier file a new one mends, and what had been found in it."""

from datetime import timedelta

from psycopg.rows import class_row

from family_exchange.adapters.database import Connection
from family_exchange.domain.answer import About
from family_exchange.domain.file import Reason, Verdict
from family_exchange.domain.resend import Earlier, Mark

MOST = 200_000
"""Findings of one file up to which two files are compared one by one."""

_FOR = timedelta(days=60)
"""How long a file that was not wholly accepted waits for the one that mends it."""


def earlier(connection: Connection, about: About) -> Earlier | None:
    """The file that `about` mends; None when there is none.

    It is the newest earlier file of the partner's feed that covers the same: day, period and area. Without one, it is
    the newest earlier one within 60 days that was not wholly accepted.
    """
    row = connection.execute(
        """SELECT file_id, name_bytes, seen_at, verdict, reason,
                  coalesce(as_of = %(as_of)s, false)
                    AND (coverage_from, coverage_to, area) IS NOT DISTINCT FROM
                        (%(coverage_from)s::date, %(coverage_to)s::date, %(area)s::text) AS same
             FROM exchange.file
            WHERE partner = %(partner)s AND feed = %(feed)s AND file_id < %(file_id)s AND verdict IS NOT NULL
              AND (as_of = %(as_of)s AND (coverage_from, coverage_to, area) IS NOT DISTINCT FROM
                        (%(coverage_from)s::date, %(coverage_to)s::date, %(area)s::text)
                   OR verdict <> 'accepted' AND seen_at >= %(since)s
                        AND (area IS NULL OR area IS NOT DISTINCT FROM %(area)s::text))
            ORDER BY same DESC, file_id DESC LIMIT 1""",
        {
            "partner": about.partner,
            "feed": about.feed,
            "file_id": about.file_id,
            "as_of": about.as_of,
            "coverage_from": about.coverage_from,
            "coverage_to": about.coverage_to,
            "area": about.area,
            "since": about.received_at - _FOR if about.received_at else None,
        },
    ).fetchone()
    if row is None:
        return None
    file_id, name, seen_at, verdict, reason, _ = row
    return Earlier(
        file_id=str(file_id),
        name=bytes(name).decode(errors="backslashreplace"),
        received_at=seen_at,
        verdict=Verdict(verdict),
        reason=Reason(reason) if reason else None,
    )


def marks(connection: Connection, file_id: str) -> list[Mark] | None:
    """What its partner was told of the file, in order; None when that is more than two files are compared by.

    None, too, once it is destroyed: what was found went with it.
    """
    with connection.cursor(row_factory=class_row(Mark)) as cursor:
        found = cursor.execute(
            """SELECT rule, column_name AS "column", table_name AS "table", row_no, ref_hmac AS reference
                 FROM exchange.finding WHERE file_id = %s AND severity <> 'note' ORDER BY finding_no LIMIT %s""",
            (file_id, MOST + 1),
        ).fetchall()
    gone = connection.execute(  # asked last: what is destroyed meanwhile is not taken for a file in which all was well
        "SELECT 1 FROM exchange.file WHERE file_id = %s AND vault_destroyed_at IS NOT NULL", (file_id,)
    ).fetchone()
    return found if len(found) <= MOST and not gone else None
