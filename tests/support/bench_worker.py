"""A worker of its own: it takes files in and says how long that took, and what memory the process has needed so far.

`python -m support.bench_worker COUNCIL [FOLDER]` reads lines of file ids; `FOLDER` is what the server calls the drop
zone. Imports are done before the first line is read.
"""

import json
import os
import sys
from datetime import UTC, datetime
from time import perf_counter

import polars as pl

from family_exchange.adapters import doors, expectations, settings
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.file import State
from family_exchange.stages import intake
from family_exchange.stages.office import CouncilOffice


class Beneath(DropZone):
    """A drop zone on a server that shows its whole machine."""

    prefix = ""

    def list(self, folder):
        return super().list(self.prefix + folder)

    def entry(self, folder, name):
        return super().entry(self.prefix + folder, name)

    def fetch(self, folder, name, target):
        return super().fetch(self.prefix + folder, name, target)


class Doors(doors.Doors):
    """A council's doors to that drop zone."""

    def drop_zone(self):
        return Beneath(self.settings.drop_zone)


def most_memory():
    """The most memory that this process has had, in megabytes."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - not a file
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def main(council, prefix=""):
    Beneath.prefix = prefix
    opened = doors.opened(council, settings.from_environment(council, os.environ))
    own = Doors(opened.profile, opened.settings)
    pl.DataFrame({"a": [1]}).lazy().collect()
    expectations.great_expectations()
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201 - the answer
    with CouncilOffice(own).kept_open() as office:
        for line in sys.stdin:
            began = perf_counter()
            states = [intake.take_in_at(office, file_id, at=datetime.now(UTC)) for file_id in line.split()]
            told = {"seconds": perf_counter() - began, "applied": states.count(State.APPLIED), "states": states}
            print(json.dumps(told | {"mb": most_memory()}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
