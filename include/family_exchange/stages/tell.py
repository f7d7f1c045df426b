"""Send what lies in the outbox: one letter for what was written to one recipient at one moment.

At least once: a crash between sending and noting it sends the same letter again, under the same `Message-ID`.
"""

import logging

from family_exchange.adapters import database, letters, outbox
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.letters import Carry
from family_exchange.domain.errors import Busy, ExchangeError

log = logging.getLogger(__name__)


def people(doors: Doors, carry: Carry) -> dict[str, int]:
    """How many letters and messages were sent; a second run sends only what is new.

    A letter that cannot be sent keeps no other back: the rest is sent first, then the first error is raised.

    Raises:
        Busy: another worker is sending.
    """
    profile, sent, failed = doors.profile, 0, list[ExchangeError]()
    with database.session(doors.database) as connection:
        if not database.hold_soon(connection, outbox.LOCK, profile.council):
            raise Busy(f"another worker sends the messages of {profile.council}")
        waiting = outbox.unsent(connection)
        for batch in waiting:
            try:
                carry(batch.numbers[0], letters.letter(batch, council=profile.council, name=profile.name))
            except ExchangeError as error:
                failed.append(error)
                continue
            outbox.mark_sent(connection, batch.numbers)
            sent += len(batch.numbers)
    log.info("%d letters with %d messages sent, %d not", len(waiting) - len(failed), sent, len(failed))
    if failed:
        raise failed[0]
    return {"letters": len(waiting), "messages": sent}
