"""Intake in a process of its own that dies, as in a power cut, at the point that it is told."""

import multiprocessing
import os
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

import great_expectations  # noqa: F401 - loaded once, in the process from which the mortal ones are forked
import polars as pl  # noqa: F401 - as above
import psycopg

from family_exchange.adapters import faultpoint
from family_exchange.adapters.doors import Doors, opened
from family_exchange.adapters.settings import from_environment
from family_exchange.stages import acknowledge, intake, receive  # noqa: F401 - as above
from family_exchange.stages.office import CouncilOffice
from support import faults, hostile
from support.meanwhile import until_nobody_holds


@dataclass(frozen=True)
class Tenant:
    """What `faults.run` needs of one."""

    doors: Doors


def live(council, environment, feed, point):
    """One run of intake, which ends at `point` if it comes there."""
    faultpoint._ARMED = point
    faults.run(Tenant(opened(council, from_environment(council, environment))), feed)


def live_until_told(council, environment, feed, where):
    """One run of intake, in the middle of which the process is told to end, as a deployment does."""
    doors = opened(council, from_environment(council, environment))

    def end():
        os.kill(os.getpid(), signal.SIGTERM)

    if where == "while it reads":
        doors = hostile.DoorsThrough(doors.profile, doors.settings, hostile.acting(at="read", act=end))
    else:
        intake.CouncilOffice = Ending
        Ending.end = staticmethod(end)
    faults.run(Tenant(doors), feed)


class Ending(CouncilOffice):
    """Told to end when the seal is open, and before anything of it is in the ledger."""

    def examine(self, desk, file, *, at):
        examined = super().examine(desk, file, at=at)
        self.end()
        return examined


def live_poorly(council, environment, feed, spare):
    """One run of intake with so many bytes of memory beyond what the process has.

    Polars may wait for ever for a thread that never got its memory, and its allocator then says so without end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    doors = opened(council, from_environment(council, environment))
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + spare, has + spare))
    faults.run(Tenant(doors), feed)


def die_at(tenant, environment, feed, point):
    """The exit code of a process that ran intake and was killed at `point`; 0 when it never came there."""
    return _exit_code(live, tenant, environment, feed, point)


def told_to_end(tenant, environment, feed, where):
    """The exit code of a process that was told to end in the middle."""
    return _exit_code(live_until_told, tenant, environment, feed, where)


def short_of_memory(tenant, environment, feed, spare):
    """The exit code of a process that had `spare` bytes to work with; whoever supervises it ends it when it hangs."""
    return _exit_code(live_poorly, tenant, environment, feed, spare, patience=20)


def _exit_code(life, tenant, environment, feed, how, *, patience=300):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=life, args=(tenant.doors.profile.council, environment, feed, how))
    process.start()
    process.join(patience)
    process.kill()
    process.join()
    with psycopg.connect(tenant.doors.database, autocommit=True) as connection:
        until_nobody_holds(connection)
    return process.exitcode
