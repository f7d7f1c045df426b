"""One round of intake in one process, outside Airflow: everything that waits of a feed, taken in and answered.

The command line and the demo by hand go through here; Airflow has a task for each of these steps.
"""

import logging
from datetime import UTC, datetime, timedelta

from family_exchange.adapters import fingerprint
from family_exchange.domain.errors import Busy, ExchangeError, Halted, MissingSetting, NeedsDecision, NoRoom
from family_exchange.stages import acknowledge, intake, receive
from family_exchange.stages.ports import Office

log = logging.getLogger(__name__)


def once(office: Office, feed: str, *, settle: timedelta | None = None) -> list[str]:
    """Ids of the files that were worked on, each of them answered if it came to its end.

    What another worker has is left to it. An unforeseen error over one file, or one that asks for people, does not keep
    back the others: it is raised when they are done. A second round finds only what is still left to do.

    Raises:
        TryLater: an endpoint, gpg or the database cannot serve now; the other files would meet the same.
        NeedsDecision: somebody here must act; the message says what to do. A full disk ends the round at once.
    """
    done: list[str] = []
    kept: Exception | None = None
    for file_id in receive.find_in(office, feed, settle=office.settle if settle is None else settle):
        try:
            intake.take_in_at(office, file_id, at=datetime.now(UTC))
            acknowledge.partner_at(office, file_id)
        except Busy:
            continue
        except (NoRoom, Halted, MissingSetting):
            raise
        except NeedsDecision as error:
            log.error("file %s: %s", file_id, error)  # noqa: TRY400 - our own words
            kept = kept or error
        except ExchangeError:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, when the others are done
            log.error("file %s: %s", file_id, fingerprint.of(error))  # noqa: TRY400 - its own words may quote a value
            kept = kept or error
        else:
            done.append(file_id)
    if kept is not None:
        raise kept
    return done
