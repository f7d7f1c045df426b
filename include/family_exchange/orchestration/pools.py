"""Pools: so many tasks at most are at one endpoint at a time, and a slow one keeps nobody else's work back.

A pool is called what the connection to its endpoint is called. Airflow lets a task whose pool does not exist wait for
ever, so what is missing is made whenever Airflow's scheduler, triggerer or Dag processor starts (`plugins/`). How large
a pool is may be changed in Airflow; nothing here changes it back.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from airflow.listeners import hookimpl

from family_exchange.orchestration import connections, councils

DROP_ZONE_SLOTS = 4
"""One task, one SFTP session: fewer than OpenSSH lets in at once (`MaxStartups 10`), and triggers watch there too."""

RECIPIENT_SLOTS = 2
"""One return on its way, and a look for the receipt of another."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pool:
    """How many tasks may be at one endpoint at a time."""

    name: str
    slots: int
    description: str


def drop_zone(council: str) -> str:
    """The pool of whatever talks to the server where the council's partners leave their files."""
    return connections.connection_id(council, "drop_zone")


def recipient(council: str) -> str:
    """The pool of whatever talks to the server that takes the council's returns."""
    return connections.connection_id(council, "recipient")


def wanted(served: Iterable[str]) -> list[Pool]:
    """The pools without which tasks of these councils wait for ever."""
    return [
        pool
        for council in served
        for pool in (
            Pool(drop_zone(council), DROP_ZONE_SLOTS, f"Sessions with the drop zone of {council}"),
            Pool(recipient(council), RECIPIENT_SLOTS, f"Sessions with the recipient of {council}'s returns"),
        )
    ]


@hookimpl
def on_starting(component: object) -> None:
    """A component of Airflow that has its database starts: every pool that is wanted is there.

    Of components that start at the same moment one makes them; what is there already stays as it is.
    """
    if type(component).__module__ != "airflow.jobs.job":  # a task, which has no such database
        return
    if made := make_missing():
        log.info("made %d pools: %s", len(made), ", ".join(made))


def make_missing() -> list[str]:
    """The names of the pools that were missing and are there now, in Airflow's database; sorted."""
    from airflow.models.pool import Pool as Stored  # noqa: PLC0415 - tasks load this module without Airflow's database
    from airflow.utils.session import create_session  # noqa: PLC0415 - as above
    from sqlalchemy import select  # noqa: PLC0415 - as above
    from sqlalchemy.exc import IntegrityError  # noqa: PLC0415 - as above

    try:
        with create_session() as session:
            there = set(session.scalars(select(Stored.pool)))
            missing = {pool.name: pool for pool in wanted(councils.served()) if pool.name not in there}
            session.add_all(
                Stored(pool=pool.name, slots=pool.slots, description=pool.description, include_deferred=False)
                for pool in missing.values()
            )
    except IntegrityError:  # another component made the same ones meanwhile
        return []
    return sorted(missing)
