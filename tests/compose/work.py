"""Work under way: a file that a partner drops just before something breaks, and what became of it."""

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import sleep, time

import psycopg

from compose import stack, world
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.file import ENDS

FEEDS = (
    ("police", "police_incidents"),
    ("schools", "school_attendance"),
    ("childrens-services", "childrens_social_care"),
)
"""Partners that drop files, and of what kind: one each, for a later file of one day takes the place of an earlier."""
QUICK = 0.03
"""Seconds between two looks for something that passes in a second."""
SUITES = Path(__file__).parents[2] / "expectations"
FIRST = int(time()) % 100_000_000
"""The first of the sequence numbers that no run before this one has used."""
_numbers = count(FIRST)

ENDED = """
SELECT f.file_id, f.state, f.receipt_at IS NOT NULL AND f.landing_removed_at IS NOT NULL, f.answers, f.applied_at
  FROM exchange.file f WHERE f.name_bytes = %s AND f.partner = %s AND f.feed = %s AND f.state <> 'GONE'
"""


@dataclass(frozen=True)
class Dropped:
    """One file in the drop zone."""

    partner: str
    feed: str
    name: str
    rows: int
    at: float = field(default_factory=time)


def content(feed):
    """A good file that nobody sent before, and the number of its rows."""
    lines = [line for line in (SUITES / feed / "v1.good.csv").read_text().splitlines() if not line.startswith("#")]
    said = f"feed={feed} contract=v1 as_of=2026-10-31 coverage_from=2026-04-01 coverage_to=2026-10-31"
    first = f"#family-exchange {said} sequence={next(_numbers)} rows={len(lines) - 1}"
    return "\n".join([first, *lines, ""]).encode(), len(lines) - 1


def drop(ends, kind=FEEDS[0]):
    """The file that the partner has just uploaded, as a well-behaved client does: one that fails tries again."""
    made = []
    stack.until("an upload", lambda: made.append(_uploaded(ends, *kind)) is None, within=60)
    return made[0]


def _uploaded(ends, partner, feed):
    plain, rows = content(feed)
    dropped = Dropped(partner, feed, f"{feed}-{FIRST}-{next(_numbers)}.csv.pgp", rows)
    end = ends.partners[partner]
    sealed = end.openpgp.seal(plain, recipient=ends.council_key)
    with DropZone(end.endpoint()) as zone:
        zone.upload_new(f"/{feed}", f".{dropped.name}.part", sealed)
        zone.rename(f"/{feed}", f".{dropped.name}.part", dropped.name)
    return dropped


def ledger():
    """The council's database."""
    return psycopg.connect(world.settings().database, connect_timeout=world.PATIENCE)


def ended(dropped):
    """True when the file has its end, and its partner the receipt."""
    with ledger() as connection:
        return _ends(connection, dropped)


def _ends(connection, dropped):
    found = connection.execute(ENDED, (dropped.name.encode(), dropped.partner, dropped.feed)).fetchall()
    return bool(found) and all(state in ENDS and done for _, state, done, *_ in found)


def not_once(ends, dropped, *, followed=False):
    """What is not as it should be of a file that is done: one line in the ledger, one receipt, its rows once.

    One that is `followed` by a later one of the same day may have come to its turn after that: then it has no rows.
    """
    with ledger() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # the register goes on meanwhile
        found = connection.execute(ENDED, (dropped.name.encode(), dropped.partner, dropped.feed)).fetchall()
        states = [state for _, state, *_ in found]
        if states != ["CLOSED"] and not (followed and states == ["SUPERSEDED"]):
            return [f"{dropped.name} has the ends {states}"]
        file_id, _, _, answers, _ = found[0]
        rows = connection.execute(
            f"SELECT count(*), count(DISTINCT row_no) FROM staging.{dropped.feed} WHERE file_id = %s", (file_id,)
        ).fetchone()
        registered = connection.execute(
            "SELECT count(*), count(DISTINCT row_no) FROM memory.source_record WHERE file_id = %s", (file_id,)
        ).fetchone()
    wrong, kept = [], {rows[0], registered[0]}
    if (
        not (dropped.rows in kept if states == ["CLOSED"] else kept == {0})
        or rows[0] != rows[1]
        or registered[0] != registered[1]
    ):
        wrong.append(
            f"{file_id}, {states[0]}, has {rows} of {dropped.rows} rows staged and {registered} in the register"
        )
    end = ends.partners[dropped.partner]
    with DropZone(end.endpoint()) as zone:
        names = [entry.name.decode() for entry in zone.list("/receipts")]
        left = [entry.name.decode() for entry in zone.list(f"/{dropped.feed}")]
        receipts = [name for name in names if name.startswith(file_id) and name.endswith(".json.pgp")]
        if answers != 1 or len(receipts) != 1:
            wrong.append(f"{file_id} was answered {answers} times, and {len(receipts)} receipts are there")
        else:
            told = json.loads(end.openpgp.open_signed(zone.read(f"/receipts/{receipts[0]}"), ends.council_key))
            if told["file"] != file_id:
                wrong.append(f"the receipt of {file_id} tells of another file")
    if dropped.name in left:
        wrong.append(f"{dropped.name} lies in its landing folder still")
    return wrong


def _dag(dropped):
    return f"receive_{world.COUNCIL}_{dropped.feed}"


TAKES_IN = """
SELECT hostname FROM task_instance
 WHERE dag_id = %s AND task_id = 'each_file.take_in' AND state = 'running' AND hostname <> ''
"""


def taken_in_by(dropped):
    """Short id of the container in which a file of this feed is being taken in; None when that was missed."""
    dag = _dag(dropped)
    with psycopg.connect(world.metadata(), autocommit=True) as airflow, ledger() as council:
        council.autocommit = True
        for look in range(4000):
            if found := airflow.execute(TAKES_IN, (dag,)).fetchone():
                return found[0]
            if look % 10 == 0 and _ends(council, dropped):
                return None
            sleep(QUICK)
    return None


QUEUED = "SELECT external_executor_id FROM task_instance WHERE dag_id = %s AND state = 'queued'"
ASKED = 'REDISCLI_AUTH="$(cat /run/secrets/valkey_password)" valkey-cli --raw '


def received(dropped):
    """True while a worker has noted that it was handed a task of this feed, which has not begun."""
    return any(each in asked("hvals unacked") for each in queued(dropped))


def in_queue(dropped):
    """True while a task of this feed waits for a worker."""
    return any(each in asked("lrange default 0 -1") for each in queued(dropped))


def queued(dropped):
    """Celery's numbers of this feed's tasks that have not begun."""
    with psycopg.connect(world.metadata()) as connection:
        return [each for (each,) in connection.execute(QUEUED, (_dag(dropped),)) if each]


def asked(question):
    """The broker's answer."""
    return stack.compose("exec", "-T", "valkey", "sh", "-c", ASKED + question)


def went_on(dropped, since):
    """Seconds from `since` until the file's next step: a task of its Dag that began, or an event in the ledger.

    0 when none was left for it to take.
    """
    with ledger() as connection:
        event = connection.execute(
            """SELECT min(extract(epoch FROM e.at))
                 FROM audit.event e JOIN exchange.file f
                   ON convert_from(e.event, 'UTF8')::jsonb -> 'body' ->> 'file' = f.file_id
                WHERE f.name_bytes = %s AND extract(epoch FROM e.at) > %s""",
            (dropped.name.encode(), since),
        ).fetchone()[0]
    with psycopg.connect(world.metadata()) as connection:
        task = connection.execute(
            """SELECT min(extract(epoch FROM start_date)) FROM (
                 SELECT dag_id, start_date FROM task_instance UNION ALL
                 SELECT dag_id, start_date FROM task_instance_history) every
                WHERE dag_id = %s AND extract(epoch FROM start_date) > %s""",
            (_dag(dropped), since),
        ).fetchone()[0]
    return min((float(each) - since for each in (event, task) if each is not None), default=0.0)


def finished(dropped):
    """The moment at which the file came to its end."""
    with ledger() as connection:
        row = connection.execute(
            """SELECT extract(epoch FROM greatest(receipt_at, landing_removed_at)) FROM exchange.file
                WHERE name_bytes = %s AND state <> 'GONE'""",
            (dropped.name.encode(),),
        ).fetchone()
    return float(row[0])
