"""The soak: thousands of small files from several partners, and all the while workers die and lines break.

`python -m support.soak [--files N] [--seed S]` (`make soak`) ends with one line. One worker lives through it all: its
memory and its open files are watched. Others are killed at a fault point or at any moment, or work over a line that
breaks; the database's backends are ended. At the end nothing is lost, nothing is there twice.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

import psycopg

from family_exchange.adapters import database, decisions, faultpoint, ledger
from family_exchange.adapters.doors import opened
from family_exchange.adapters.settings import from_environment
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import world
from family_exchange.demo.keys import encrypt_only
from family_exchange.domain.errors import TryLater
from family_exchange.domain.file import Reason, State
from family_exchange.domain.release import Action, Ground
from family_exchange.stages import rounds
from family_exchange.stages.intake import OURS
from family_exchange.stages.office import CouncilOffice
from support import faults, hostile, mortal, openssh
from support.proxy import bad_line

SENDERS = (("police", "police_incidents"), ("schools", "school_attendance"), ("housing", "housing_tenancies"))
KINDS = {"good": 75, "again": 10, "unsigned": 4, "spoilt": 4, "too_few_columns": 4, "odd_name": 3}
"""Of a hundred files."""
DAYS = 20
"""Files speak of so many days in turn, none before the rows of the samples; which is the last of its day is a race."""
POINTS = ("receive.read", "intake.stored", "intake.vaulted", "intake.examined", "intake.admitted", "receive.set_aside",
          "acknowledge.uploaded", "acknowledge.placed", "acknowledge.answered", "acknowledge.closed")  # fmt: skip
FLAT = 0.10
"""How much memory and open files may grow over the second half."""
SUITES = Path(__file__).parents[2] / "expectations"


@dataclass
class Sent:
    """What was uploaded: what each file is, and which content it has."""

    kinds: dict[str, str] = field(default_factory=dict)
    contents: dict[str, list[str]] = field(default_factory=dict)
    """A good content's own number → names of the files that hold it."""


@dataclass
class Result:
    """What the soak came to."""

    files: int
    seconds: float
    faults: Counter
    rss: list[float]
    fds: list[int]

    def __str__(self):
        told = f"SOAK files={self.files} seconds={self.seconds:.0f} files_per_s={self.files / self.seconds:.1f}"
        told += f" faults={self.faults.total()} rss_mb={self.rss[0]:.0f}→{self.rss[-1]:.0f}"
        return f"{told} fds={self.fds[0]}→{self.fds[-1]}"


class Later(str):
    """The name of a fault point that strikes when it has been met often enough."""

    __slots__ = ("left",)

    def __eq__(self, other):
        if str.__eq__(self, other):
            self.left -= 1
            return self.left < 0
        return False

    __hash__ = str.__hash__


def content(feed, number):
    lines = [line for line in (SUITES / feed / "v1.good.csv").read_text().splitlines() if not line.startswith("#")]
    day = date(2026, 10, 31) + timedelta(days=number % DAYS)
    said = f"feed={feed} contract=v1 as_of={day} sequence={number + 1} rows={len(lines) - 1}"
    return "\n".join([f"#family-exchange {said}", *lines, ""]).encode()


def sealed(tenant, partner, feed, number, kind):
    """The bytes of one file; `again` is made by the caller."""
    end, own = tenant.partners[partner].openpgp, tenant.doors.settings.own_key
    plain = content(feed, number)
    if kind == "unsigned":
        return encrypt_only(end, plain, recipient=own)
    if kind == "too_few_columns":
        plain = plain.replace(b",", b";")
    data = end.seal(plain, recipient=own)
    if kind == "spoilt":
        data = data[:-40] + bytes([data[-40] ^ 0x55]) + data[-39:]
    return data


def upload(tenant, partner, feed, numbers, random, sent):
    """One partner's files, over one connection, each renamed when it is whole."""
    good = []
    with DropZone(tenant.partners[partner].endpoint) as zone:
        for number in numbers:
            kind = random.choices(list(KINDS), list(KINDS.values()))[0]
            if kind == "again" and not good:
                kind = "good"
            name = f"{feed}-{number:06d}.csv.pgp" if kind != "odd_name" else f"{feed}-{number:06d} .csv.pgp "
            key, data = random.choice(good) if kind == "again" else (name, sealed(tenant, partner, feed, number, kind))
            if kind == "good":
                good = [*good[-20:], (name, data)]
            if kind in {"good", "again"}:
                sent.contents.setdefault(key, []).append(name)
            sent.kinds[name] = kind
            zone.upload_new(f"/{feed}", ".up.part", data)
            zone.rename(f"/{feed}", ".up.part", name)


# The workers, each in a process of its own


def work(doors, told, watched=None):
    """Rounds over every feed until the file `told` is there."""
    with CouncilOffice(doors).kept_open() as office:
        while not told.exists():
            for _, feed in SENDERS:
                with suppress(TryLater):
                    rounds.once(office, feed, settle=timedelta(0))
                if watched is not None:
                    with watched.open("a") as file:
                        file.write(json.dumps([time.monotonic(), memory(), hostile.open_files()]) + "\n")
            time.sleep(0.05)


def memory():
    """Megabytes that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def live(council, environment, told, watched):
    """The worker that lives through it all."""
    work(opened(council, from_environment(council, environment)), Path(told), Path(watched))


def live_briefly(council, environment, told, point, hits):
    """A worker that is killed when it has come to `point` so often."""
    faultpoint._ARMED = Later(point)
    faultpoint._ARMED.left = hits
    work(opened(council, from_environment(council, environment)), Path(told))


def live_over_a_bad_line(council, environment, told, after, failure):
    """One pass over a line that fails after so many bytes."""
    doors = opened(council, from_environment(council, environment))
    with bad_line(doors.settings.drop_zone.port, after=after, failure=failure) as line:
        tenant = hostile.by_port(mortal.Tenant(doors), line.port, connect_seconds=5, silence_seconds=0.5)
        with CouncilOffice(tenant.doors).kept_open() as office, suppress(TryLater):
            for _, feed in SENDERS:
                if not Path(told).exists():
                    rounds.once(office, feed, settle=timedelta(0))


class Trouble:
    """What strikes while the files are taken in; each kind is counted."""

    def __init__(self, tenant, told, seed):
        self.tenant, self.told, self.random = tenant, told, Random(seed)
        self.environment = world.environment(tenant)
        self.counted, self.over = Counter(), threading.Event()
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["support.soak"])

    def process(self, life, *arguments):
        return self.context.Process(
            target=life, args=(self.tenant.doors.profile.council, self.environment, str(self.told), *arguments)
        )

    def short_lives(self):
        """One worker after the other that dies."""
        while not self.over.is_set():
            kind = self.random.choice(("point", "moment", "line"))
            if kind == "line":
                failure = self.random.choice(("cut", "reset", "silence"))
                worker = self.process(live_over_a_bad_line, int(self.random.expovariate(1 / 60_000)) + 2000, failure)
            else:
                worker = self.process(live_briefly, self.random.choice(POINTS), self.random.randrange(25))
            worker.start()
            worker.join(self.random.uniform(1, 12) if kind == "moment" else 30)
            if worker.is_alive():
                worker.kill()
                worker.join()
            self.counted[kind] += 1

    def ended_backends(self):
        """Now and then one of the workers' sessions ends."""
        with psycopg.connect(self.tenant.doors.database, autocommit=True) as connection:
            while not self.over.wait(self.random.uniform(0.5, 4)):
                pids = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'family-exchange' AND pid <> %s",
                    (connection.info.backend_pid,),
                ).fetchall()
                if pids:
                    connection.execute("SELECT pg_terminate_backend(%s)", self.random.choice(pids))
                    self.counted["backend"] += 1


def soak(tenant, folder, *, files, seed=1, within=7200.0):
    """Everything; fails where an invariant does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    told, watched, sent = folder / "stop", folder / "watched", Sent()
    trouble = Trouble(tenant, told, seed)
    steady = trouble.process(live, str(watched))
    began = time.monotonic()
    steady.start()
    share = [range(number, files, len(SENDERS)) for number in range(len(SENDERS))]
    threads = [
        threading.Thread(target=upload, args=(tenant, *sender, numbers, Random(f"{seed} {sender}"), sent))
        for sender, numbers in zip(SENDERS, share, strict=True)
    ]
    troubles = [threading.Thread(target=each) for each in (trouble.short_lives, trouble.ended_backends)]
    try:
        for thread in (*threads, *troubles):
            thread.start()
        for thread in threads:
            thread.join(within)
        deadline = began + within
        while left(tenant, files) and time.monotonic() < deadline:
            assert steady.is_alive(), "the worker that should live has died"
            time.sleep(0.2)
        seconds = time.monotonic() - began
    finally:
        trouble.over.set()
        told.touch()
        for thread in (*threads, *troubles):
            thread.join(300)
        steady.join(300)
        steady.kill()
    assert steady.exitcode == 0, "the worker that should live has not ended well"
    release_what_was_set_aside(tenant)
    assert_everything_came_to_its_end(tenant, sent, files)
    samples = [json.loads(line) for line in watched.read_text().splitlines()]
    return Result(files, seconds, trouble.counted, [one[1] for one in samples], [one[2] for one in samples]), samples


def release_what_was_set_aside(tenant):
    """Two people let in what three workers in a row happened to die over, and it is taken up again."""
    with database.transaction(tenant.doors.database) as connection:
        for file in ledger.files(connection):
            if (file.reason, file.detail) == (Reason.CONTENT, OURS):
                for person in ("it.operations", "programme.lead"):
                    decisions.decide(connection, file.file_id, Action.RELEASE, by=person, ground=Ground.CAUSE_MENDED)
    for _, feed in SENDERS:
        faults.run(tenant, feed)


def left(tenant, files):
    """How many files have not come to their end yet; all, as far as we know, when our own backend was ended."""
    try:
        with database.transaction(tenant.doors.database) as connection:
            row = connection.execute(
                """SELECT count(*) FROM exchange.file
                    WHERE state IN ('CLOSED','QUARANTINED','DUPLICATE','SUPERSEDED') AND receipt_at IS NOT NULL
                      AND (landing_removed_at IS NOT NULL OR ct_sha256 IS NULL)"""
            ).fetchone()
    except TryLater:
        return files
    return files - int(row[0])


def assert_everything_came_to_its_end(tenant, sent, files):
    """Each file once, with the end that its kind has; rows of what was accepted, once, and no others."""
    for _, feed in SENDERS:
        faults.assert_at_rest(tenant, feed)
    with database.transaction(tenant.doors.database) as connection:
        every = [file for file in ledger.files(connection) if file.state is not State.GONE]
        ends = {file.name_bytes.decode(): file for file in every}
        for _, feed in SENDERS:
            rows = connection.execute(
                f"SELECT count(*), count(DISTINCT (file_id, row_no)) FROM staging.{feed}"
            ).fetchone()
            loaded = sum(file.rows_loaded for file in every if file.feed == feed and file.state is State.CLOSED)
            assert rows == (loaded, loaded), feed
    assert len(every) == len(ends) == files == len(sent.kinds)
    expected = {
        "unsigned": {Reason.UNSIGNED},
        "spoilt": {Reason.CORRUPT, Reason.BAD_SIGNATURE, Reason.NO_INTEGRITY},
        "too_few_columns": {Reason.SCHEMA},
        "odd_name": {Reason.NAME},
    }
    for name, kind in sent.kinds.items():
        if kind in expected:
            assert ends[name].state is State.QUARANTINED
            assert ends[name].reason in expected[kind], (name, kind, ends[name].reason)
    for names in sent.contents.values():
        states = Counter(ends[name].state for name in names)
        reasons = [(ends[name].file_id, ends[name].reason, ends[name].detail) for name in names]
        assert states[State.CLOSED] + states[State.SUPERSEDED] == 1, (states, reasons)
        assert states[State.DUPLICATE] == len(names) - 1, states


def growth(samples, column):
    """By how much a sampled value grows over the second half, as a part of its mean: the slope of the best line."""
    half = samples[len(samples) // 2 :]
    if len(half) < 3:
        return 0.0
    times, values = [one[0] for one in half], [one[column] for one in half]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (value - mean) for at, value in zip(times, values, strict=True)) / spread
    return slope * (times[-1] - times[0]) / mean


def assert_flat(samples):
    assert abs(growth(samples, 1)) <= FLAT, f"memory grows by {growth(samples, 1):.0%} over the second half"
    assert abs(growth(samples, 2)) <= FLAT, f"open files grow by {growth(samples, 2):.0%} over the second half"


def main():
    arguments = argparse.ArgumentParser(prog="make soak")
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    print(f"SOAK seed={asked.seed}", flush=True)  # noqa: T201 - what it was, should it fail
    with openssh.standing() as stage:
        result, samples = soak(stage.tenants[0], stage.folder / "soak", files=asked.files, seed=asked.seed)
    print(result)  # noqa: T201 - the line is the point
    assert_flat(samples)


if __name__ == "__main__":
    os.environ.setdefault("AIRFLOW_HOME", "/nonexistent")
    sys.exit(main())
