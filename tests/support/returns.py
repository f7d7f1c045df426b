"""What a return tells, asked as a test wants to know it."""

from family_exchange.stages import assemble
from support.register import PERIOD


def rows(council, code="nis", period=PERIOD):
    return_id = assemble.draft(council.doors, code, period)
    return dict(
        council.register.run(
            "SELECT person_id, content FROM returns.return_row WHERE return_id = %s ORDER BY row_no", return_id
        )
    )


def someone(council, **changes):
    """A person with one record."""
    person_id = council.register.person()
    council.register.record(person_id, **changes)
    return person_id
