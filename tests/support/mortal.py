"""Intake in a process of its own that dies, as in a power cut, at the point that it is told."""

import multiprocessing

import great_expectations  # noqa: F401 - loaded once, in the process from which the mortal ones are forked
import polars as pl  # noqa: F401 - as above

from family_exchange.adapters import faultpoint
from family_exchange.adapters.doors import opened
from family_exchange.adapters.settings import from_environment
from family_exchange.stages import acknowledge, intake, receive  # noqa: F401 - as above
from support import faults


class Tenant:
    """What `faults.run` needs of one."""

    def __init__(self, doors):
        self.doors = doors


def live(council, environment, feed, point):
    """One run of intake, which ends at `point` if it comes there."""
    faultpoint._ARMED = point
    faults.run(Tenant(opened(council, from_environment(council, environment))), feed)


def die_at(tenant, environment, feed, point):
    """The exit code of a process that ran intake and was killed at `point`; 0 when it never came there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=live, args=(tenant.doors.profile.council, environment, feed, point))
    process.start()
    process.join()
    return process.exitcode
