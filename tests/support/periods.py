"""Files of a partner over time, through the real intake: what a partner sends, what became of it, what it is told.

Import the fixtures that a test file asks for: `tenant`, `police`, `area`, `send`.
"""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from zlib import crc32

import pytest

from family_exchange.adapters import database, ledger, profiles
from family_exchange.adapters.sftp import DropZone
from family_exchange.demo import world
from family_exchange.domain.file import State
from family_exchange.stages import acknowledge, intake, receive

FEED = "police_incidents"
SAMPLES = Path(__file__).parents[2] / "expectations"


def table(feed, number, *, first=1, **cells):
    """`number` good rows of a feed, numbered in their keys from `first`; `cells` stand in every row."""
    sample = [line for line in (SAMPLES / feed / "v1.good.csv").read_text().splitlines() if not line.startswith("#")]
    good = list(csv.DictReader(sample))
    keys = [name for name in good[0] if name.endswith("_ref")]
    made = [
        {**good[place % len(good)], **{key: f"{key[:3].upper()}-{place:05}" for key in keys}, **cells}
        for place in range(first, first + number)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(good[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()


def content(feed, rows, **said):
    """A file's plaintext, whose first line says what is given beside the feed."""
    words = " ".join(f"{key}={value}" for key, value in said.items())
    return f"#family-exchange feed={feed} contract=v1 {words}\n{rows}".encode()


def put(partner, feed, name, sealed):
    """The sealed bytes lie in the partner's folder of that feed under a final name."""
    with DropZone(partner.endpoint) as zone:
        zone.upload_new(f"/{feed}", f".{len(name)}.part", sealed)
        zone.rename(f"/{feed}", f".{len(name)}.part", name)


def sealed(tenant, partner, plaintext):
    """As the partner seals it for the council."""
    return partner.openpgp.seal(plaintext, recipient=tenant.doors.settings.own_key)


def run(doors, feed, *, at=None):
    """The files that one run of intake worked on, as the ledger knows them afterwards."""
    found = receive.find(doors, feed, settle=0)
    for file_id in found:
        intake.take_in(doors, file_id, at=at or datetime.now(UTC))
        acknowledge.partner(doors, file_id)
    with database.transaction(doors.database) as connection:
        return [ledger.read(connection, file_id) for file_id in found]


def left(tenant, partner, feed, name, bytes_, *, doors=None, at=None):
    """The file that the partner left as these bytes, after one run of intake."""
    put(partner, feed, name, bytes_)
    return next(file for file in run(doors or tenant.doors, feed, at=at) if file.name_bytes == name.encode())


def sent(tenant, partner, feed, name, plaintext, *, doors=None):
    """The file that the partner sealed and left, after one run of intake."""
    return left(tenant, partner, feed, name, sealed(tenant, partner, plaintext), doors=doors)


def again(tenant, file, *, doors=None, at=None):
    """The file after another run of intake, which worked on it."""
    return next(one for one in run(doors or tenant.doors, file.feed, at=at) if one.file_id == file.file_id)


def receipt(tenant, partner, file, *, answer=1):
    """What the partner reads in the file's first, second … receipt."""
    again = f"-{answer}" if answer > 1 else ""
    with DropZone(partner.endpoint) as zone:
        read = zone.read(f"/receipts/{file.file_id}{again}.json.pgp")
    return json.loads(partner.openpgp.open_signed(read, tenant.doors.settings.own_key))


def files(doors):
    """Every file of the council's ledger."""
    with database.transaction(doors.database) as connection:
        return ledger.files(connection)


def findings(doors, file):
    """Everything that the ledger holds about the file's rows."""
    with database.transaction(doors.database) as connection:
        return ledger.findings(connection, file.file_id)


def staged(doors, file):
    """The number of its rows that wait for the register."""
    with database.transaction(doors.database) as connection:
        row = connection.execute(
            f"SELECT count(*) FROM staging.{file.feed} WHERE file_id = %s",
            (file.file_id,),
        ).fetchone()
    return row[0]


def events(doors, file, kind):
    """(actor, body) of the audit events of that kind about the file, in order."""
    with database.transaction(doors.database) as connection:
        rows = connection.execute(
            "SELECT convert_from(event, 'UTF8')::jsonb FROM audit.event WHERE kind = %s ORDER BY seq", (kind,)
        ).fetchall()
    return [(event["actor"], event["body"]) for (event,) in rows if event["body"].get("file") == file.file_id]


@pytest.fixture(scope="module")
def tenant():
    """A council whose partners have sent nothing yet."""
    with world.standing((profiles.demo_council(),), people=100, seed=11, today=date(2026, 11, 22)) as stage:
        yield stage.tenants[0]


@pytest.fixture
def police(tenant):
    """The partner that sends."""
    return tenant.partners["police"]


@pytest.fixture
def area(request):
    """Each test sends the files of an area of its own, so that no other test's files are their measure."""
    return f"area-{crc32(request.node.name.encode()):x}"


@pytest.fixture
def send(tenant, police, area):
    """Send rows as the test's next file; what the ledger says of it after one run of intake."""
    numbers = iter(range(1, 100))

    def send(rows, *, name=None, **said):
        number = next(numbers)
        plaintext = content(FEED, rows, **({"area": area} | said))
        return sent(tenant, police, FEED, name or f"{area}-{number}.pgp", plaintext)

    return send


def usual(send, number=3):
    """Some files of a hundred rows each; the ids differ, so that none repeats another."""
    for place in range(number):
        file = send(table(FEED, 100, first=1 + 200 * place))
        assert (file.state, file.reason) == (State.CLOSED, None)


def rules(tenant, file):
    """The rules that hold the file."""
    return {found.rule for found in findings(tenant.doors, file) if found.severity == "hold"}
