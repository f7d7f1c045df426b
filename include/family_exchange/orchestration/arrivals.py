"""Watching a drop zone without a worker: the triggerer looks at the listing and rings the bell when it changes.

An event says how many files lie there and a digest of the listing: no names, because partners choose them.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.domain.errors import ExchangeError
from family_exchange.orchestration import connections, defaults

log = logging.getLogger(__name__)

RING_AGAIN = 120.0
"""Seconds after which files that still lie there are told of again; each time twice as long, up to an hour."""
LONGEST = 3600.0


class Arrivals(BaseEventTrigger):
    """Fires when the landing folders hold other files than when it last fired.

    While files stay, it fires again, less and less often: a run that failed, or left a growing file alone, is not the
    last one. An endpoint that does not answer is asked again at the next look.
    """

    def __init__(self, *, council: str, folders: list[str], seconds: float | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's base class is not typed
        self.council, self.folders = council, folders
        self.seconds = float(defaults.poll_seconds()) if seconds is None else seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow's triggerer needs to make this trigger anew."""
        kwargs = {"council": self.council, "folders": self.folders, "seconds": self.seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """An event whenever the bell should ring; it never ends by itself."""
        bell, trouble = Bell(), ""
        while True:
            try:
                files, digest = await self._look()
            except Exception as error:  # noqa: BLE001 - a watcher that dies rings no bell
                before, trouble = trouble, _words(error)
                if trouble != before:
                    log.warning("the drop zone of %s was not listed: %s", self.council, trouble)
            else:
                trouble = ""
                if bell.should_ring(files, digest, asyncio.get_running_loop().time()):
                    yield TriggerEvent({"files": files, "sha256": digest})  # type: ignore[no-untyped-call]  # as above
            await asyncio.sleep(self.seconds)

    async def _look(self) -> tuple[int, str]:
        from family_exchange.adapters import sftp_watch  # noqa: PLC0415 - Dags are parsed without any SFTP library

        return await sftp_watch.listing_digest(await _endpoint(self.council), self.folders)


class Bell:
    """Whether the bell should ring, from what was heard so far."""

    def __init__(self) -> None:
        self._digest: str | None = None
        self._files = 0
        self._next = 0.0
        self._wait = RING_AGAIN

    def should_ring(self, files: int, digest: str, moment: float) -> bool:
        """True when files lie there that were not told of yet, or not for long enough; `moment` in seconds.

        When there are fewer than before, a run is taking them away: what is left is told of if it stays.
        """
        fewer, changed = files < self._files, digest != self._digest
        self._files, self._digest = files, digest
        if not files or (not changed and moment < self._next):
            return False
        self._wait = RING_AGAIN if changed else min(self._wait * 2, LONGEST)
        self._next = moment + self._wait
        return not fewer


def _words(error: Exception) -> str:
    """Our own words, or the type of what a library raised: its words may quote names that partners chose."""
    return str(error) if isinstance(error, ExchangeError) else type(error).__name__


async def _endpoint(council: str) -> SftpEndpoint:
    from airflow.sdk import Connection  # noqa: PLC0415 - only the triggerer needs it
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415 - as above

    try:
        stored = await Connection.async_get(connections.connection_id(council, "drop_zone"))
    except AirflowNotFoundException:
        return connections.drop_zone(council, lambda _: None)
    # Of a backend that reads files Airflow gives another class of connection, which has no asynchronous reader of this.
    extra = json.loads(stored.extra) if stored.extra else {}
    found = SimpleNamespace(host=stored.host, port=stored.port, login=stored.login, extra_dejson=extra)
    return connections.drop_zone(council, lambda _: found)
