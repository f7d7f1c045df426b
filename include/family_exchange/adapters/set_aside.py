"""Databases that a restore set aside: whole copies of the council, beyond any destruction until somebody drops them."""

from datetime import UTC, datetime

from family_exchange.adapters.database import Connection

_LONGEST = 47
"""Characters of the database's own name that its name set aside begins with (`council_database.put_in_place`)."""
_STAMP = "%Y%m%d%H%M%S"


def there(connection: Connection) -> list[tuple[str, datetime]]:
    """Names of the databases that were set aside from this one, each with the moment of that, the first one first.

    Any login may see which databases there are, and the council's may look into none of these.
    """
    rows = connection.execute(
        """SELECT datname, right(datname, 14) FROM pg_database
            WHERE right(datname, 15) ~ '^_[0-9]{14}$' AND left(datname, -15) = left(current_database(), %s)
            ORDER BY 2""",
        (_LONGEST,),
    )
    return [(str(name), datetime.strptime(str(stamp), _STAMP).replace(tzinfo=UTC)) for name, stamp in rows]
