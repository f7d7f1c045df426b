"""Databases that a restore set aside: whole copies of the council, beyond any destruction until somebody drops them."""

from datetime import UTC, datetime

from family_exchange.adapters.database import Connection

LONGEST_NAME = 63
"""Bytes of an identifier that PostgreSQL keeps: NAMEDATALEN - 1, as PostgreSQL is compiled by default."""
_STAMP = "%Y%m%d%H%M%S"
_KEPT = 47
"""Characters of the database's own name that its name set aside begins with: with the stamp it fits."""


def name_of(own: str, moment: datetime) -> str:
    """The name under which the council's database `own` is set aside at that moment (UTC)."""
    return f"{own[:_KEPT]}_{moment:{_STAMP}}"


def there(connection: Connection, own: str | None = None) -> list[tuple[str, datetime]]:
    """Names of the databases that were set aside from `own`, each with the moment of that, the first one first.

    `own` is the database that the connection leads to unless another of its server is named. Any login may see which
    databases there are, and the council's may look into none of these.
    """
    rows = connection.execute(
        """SELECT datname, right(datname, 14) FROM pg_database
            WHERE right(datname, 15) ~ '^_[0-9]{14}$'
              AND left(datname, -15) = left(coalesce(%s::text, current_database()::text), %s)
            ORDER BY 2""",
        (own, _KEPT),
    )
    return [(str(name), datetime.strptime(str(stamp), _STAMP).replace(tzinfo=UTC)) for name, stamp in rows]
