"""An installation in which nothing is wrong: a durable PostgreSQL, keys of everybody, servers, folders, a backup."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from family_exchange.adapters import audit, database, profiles, settings
from family_exchange.adapters import keys as ledger_of_keys
from family_exchange.adapters.doors import Doors, make_secrets, prepare
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.demo import keys, postgres, recovery, sftpserver
from family_exchange.domain.seal import RegisteredKey
from family_exchange.stages import backup, doctor

COUNCIL = "cheshire-west-and-chester"
KNOWN = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"}


@dataclass(frozen=True)
class Sound:
    """Everything as it should be, and how to break it for a moment."""

    folder: Path
    server: postgres.Server
    doors: Doors
    place: Path
    """Of backups."""
    zone: Path
    """What the council sees as `/` of its drop zone."""
    rings: dict[str, OpenPGP]

    def found(self, doors=None, *, seconds=60.0):
        """`{(room, subject): finding}` of the council."""
        return {(str(one.room), one.subject): one for one in self.every(doors, seconds=seconds)}

    def every(self, doors=None, *, seconds=60.0):
        return doctor.examine(doctor.of_council(doors or self.doors), seconds=seconds)

    def one(self, room, doors=None):
        """What the checks of one room found, by subject."""
        checks = [check for check in doctor.of_council(doors or self.doors) if check.room == room]
        return {finding.subject: finding for finding in doctor.examine(checks)}

    @contextmanager
    def made(self, statement, undo):
        """A statement of the server's superuser in the council's database, undone afterwards."""
        self.superuser(statement)
        try:
            yield
        finally:
            self.superuser(undo)

    def superuser(self, statement):
        name = self.doors.database.rsplit("/", 1)[1]
        with psycopg.connect(self.server.url(name), autocommit=True) as connection:
            connection.execute(statement)

    def ask(self, *words, without=(), **more):
        """The command, as a person types it."""
        environment = {name: os.environ[name] for name in KNOWN if name in os.environ}
        environment |= settings.as_environment(self.doors.settings) | {"COLUMNS": "200", "AIRFLOW_HOME": "/nonexistent"}
        environment |= {name: str(value) for name, value in more.items()}
        for name in without:
            del environment[settings.variable(COUNCIL, name)]
        program = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
        program += "from family_exchange.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, "doctor", *words],
            env=environment, capture_output=True, text=True, check=False, timeout=600, cwd=self.folder,
        )  # fmt: skip


@contextmanager
def standing():
    """As `sound`."""
    folder = Path(tempfile.mkdtemp(prefix="fx-d"))
    folder.chmod(0o755)
    homes = []
    try:
        with recovery.safe() as kept, postgres.running(folder / "postgres", more=kept.settings) as server:
            login = keys.ssh(folder / "ssh", "council")
            roots = {name: folder / "sftp" / name for name in ("zone", "third")}
            for root in roots.values():
                root.mkdir(parents=True)
            users = {name: sftpserver.User(login.public_key, root) for name, root in roots.items()}
            with sftpserver.running(folder / "server", users) as sftp:
                ends = {
                    name: SftpEndpoint("127.0.0.1", sftp.port, name, login.private_key, sftp.host_key) for name in roots
                }
                yield _furnished(folder, server, kept, roots, ends, homes)
    finally:
        for home in homes:
            keys.stop_agent(home)
        shutil.rmtree(folder, ignore_errors=True)


def _furnished(folder, server, kept, roots, ends, homes):
    profile, state = profiles.profile(COUNCIL), folder / "state"
    state.mkdir(mode=0o700)
    rings = {}
    for name in ("own", "recipient", *(partner.slug for partner in profile.active_partners)):
        home = state / "gnupg" if name == "own" else folder / "keys" / name[:8]
        homes.append(home)
        rings[name] = OpenPGP(home, keys.openpgp(home, name))
        if name != "own":
            rings["own"].import_key(rings[name].export_public(rings[name].own_key))
    make_secrets(state)
    doors = Doors(
        profile,
        CouncilSettings(
            council=COUNCIL,
            database=server.create_database("sound", "sound"),
            state=state,
            own_key=rings["own"].own_key,
            recipient_key=rings["recipient"].own_key,
            drop_zone=ends["zone"],
            recipient=ends["third"],
        ),
    )
    prepare(doors)
    now = datetime.now(UTC)
    with database.transaction(doors.database) as connection:
        for partner in profile.active_partners:
            key = RegisteredKey(rings[partner.slug].own_key, now, now + timedelta(days=700), None)
            ledger_of_keys.register(connection, partner.slug, key, added_by="one", approved_by="another")
        audit.checkpoint(connection, doors.checkpoints, doors.signing_key)
    for partner in profile.active_partners:
        for part in (*partner.active_feeds, "receipts"):
            (roots["zone"] / partner.slug / part).mkdir(parents=True)
    for part in ("inbox", "receipts"):
        (roots["third"] / part).mkdir()
    backup.prepare(doors, kept.place, (kept.place / "recovery.asc").read_bytes())
    taken = {"taken_at": now.isoformat(), "database_at": now.isoformat()}
    (state / "backups" / "last.json").write_text(json.dumps(taken))
    recovery.hand_out(server, kept)
    return Sound(folder, server, doors, kept.place, roots["zone"], rings)


@pytest.fixture(scope="module")
def sound():
    """One such installation for a module; whoever breaks something mends it."""
    with standing() as installation:
        yield installation
