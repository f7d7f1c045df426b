"""What tests may ask for inside a stack that is up: both ends of the exchange, and a way to break something."""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import pytest

from compose import cast, stack, work, world
from support import invariants

SEED = int(os.environ.get("SEED") or time.time())
WITHIN = 240.0
"""Seconds that a file may take to its end, whatever was broken meanwhile."""
GOAL = 60.0
"""Seconds after which work goes on unaided when any one process was killed."""
BUSY = 120.0
"""Seconds that a machine with much else to do may add to that; with Airflow's own settings it would be five minutes."""
TABLE = pytest.StashKey[list]()


@dataclass
class Struck:
    """One thing that was broken, while files were on their way."""

    files: list
    random: Random
    at: float = field(default_factory=time.time)
    went_on: float = 0.0
    """Seconds from then until the next step of the file that waited longest for one."""
    done: float = 0.0
    """Seconds from then until the last of the files had its end, its own work included."""

    def wrong(self, ends):
        """What is not as it should be of the files, when all of them have had their end."""
        last = {file.feed: file for file in self.files}
        return [
            wrong for file in self.files for wrong in work.not_once(ends, file, followed=file is not last[file.feed])
        ]

    def now(self):
        """It is now that time is counted from."""
        self.at = time.time()


def pytest_report_header():
    return f"SEED={SEED} (whatever happens at a random moment happens at the same one again with it)"


@pytest.fixture(scope="session")
def ends():
    """The partners' own ends of the exchange."""
    with cast.partners() as found:
        yield found


@pytest.fixture
def broken(request, ends):
    """A context: files are dropped, the block breaks something; afterwards the files' ends and every invariant hold."""
    lines = request.config.stash.setdefault(TABLE, [])
    terminal, capture = map(request.config.pluginmanager.get_plugin, ("terminalreporter", "capturemanager"))

    @contextmanager
    def breaking(what, kinds=work.FEEDS[:1], *, goal=GOAL):
        before = stack.restarts()
        random = Random(f"{SEED} {what}")
        struck = Struck([work.drop(ends, kind) for kind in kinds], random)
        line = [what, "", "", "", "FAILED"]
        lines.append(line)
        try:
            yield struck
            wait_for_ends(struck)
            struck.went_on = answered(lambda: max(work.went_on(file, struck.at) for file in struck.files))
            struck.done = answered(lambda: max(0.0, *(work.finished(file) - struck.at for file in struck.files)))
            again = {name: count - before.get(name, 0) for name, count in stack.restarts().items()}
            line[1:4] = [f"{struck.went_on:.0f}", f"{struck.done:.0f}", told(again)]
            assert answered(lambda: struck.wrong(ends)) == []
            assert answered(lambda: invariants.broken(invariants.Scene(world.doors(), cast.recipient()))) == []
            assert struck.went_on <= goal + BUSY, f"work went on after {struck.went_on:.0f} s; the goal is {goal:.0f}"
            line[4] = "nothing lost, nothing twice"
            if struck.went_on > goal:
                line[4] += f"; beyond the goal of {goal:.0f} s"
        finally:
            with capture.global_and_fixture_disabled():
                terminal.write_line(f"\n  {' | '.join(line)}")

    return breaking


def wait_for_ends(struck):
    """Return when every file has its end."""
    for file in struck.files:
        stack.until(f"the end of {file.name}", lambda file=file: work.ended(file), within=WITHIN)


def answered(question):
    """What is answered, as soon as everything asked is up: a file may have its end before what was killed is back."""
    answers = []
    stack.until("an answer", lambda: answers.append(question()) is None, within=WITHIN)
    return answers[0]


def told(again):
    return ", ".join(f"{name} {count}" for name, count in again.items() if count > 0) or "none"


def pytest_terminal_summary(terminalreporter, config):
    heads = ["what was broken", "work went on after (s)", "the file was done after (s)", "restarted", "outcome"]
    lines = config.stash.get(TABLE, [])
    if lines:
        terminalreporter.section("faults")
        for line in (heads, ["---"] * len(heads), *lines):
            terminalreporter.write_line(f"| {' | '.join(line)} |")
