"""What the drill of a restore stands on: a place of backups, a server that hands out its log there, and its loss."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

import psycopg
from psycopg import conninfo, sql

from family_exchange.adapters import database, recovery_key
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.openpgp import stop_agent
from family_exchange.demo import postgres
from family_exchange.demo.world import Tenant, World

SCRIPT = Path(__file__).parents[3] / "deploy" / "archive-wal"
PATIENCE = 300.0
"""Seconds in which the server must have handed a piece of its log out."""


@dataclass(frozen=True, slots=True)
class Safe:
    """The place of backups, the recovery key and the server's settings by which its log goes there."""

    place: Path
    key: Path
    shares: tuple[str, ...] = field(repr=False)

    @property
    def settings(self) -> dict[str, str]:
        """Of PostgreSQL."""
        script, log, key = self.place / SCRIPT.name, self.place / "server" / "wal", self.place / "recovery.asc"
        return {
            "archive_mode": "on",
            "archive_timeout": "60",
            "archive_command": f'sh "{script}" "%p" "%f" "{log}" "{key}"',
        }


@contextmanager
def safe() -> Iterator[Safe]:
    """A place of backups and a recovery key of three shares, of which two are used; gone with the block."""
    with tempfile.TemporaryDirectory(prefix="fx-b-") as folder:
        place, key = Path(folder) / "place", Path(folder) / "key"
        Path(folder).chmod(0o755)
        (place / "server" / "wal").mkdir(parents=True)
        shutil.copy(SCRIPT, place)
        if os.geteuid() == 0:
            shutil.chown(place / "server" / "wal", postgres.SYSTEM_USER)
        _, cut = recovery_key.make(key, needed=2, total=3)
        shutil.copy(key / recovery_key.PUBLIC_FILE, place / "recovery.asc")
        yield Safe(place, key / recovery_key.SECRET_FILE, tuple(share.text for share in (cut[0], cut[2])))


def lose(stage: World, tenant: Tenant) -> None:
    """The database server dies and its disk is gone; so is the council's own folder."""
    data = stage.folder / "postgres" / "pgdata"
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    shutil.rmtree(data, ignore_errors=True)
    stop_agent(tenant.doors.settings.state / "gnupg")
    while tenant.doors.settings.state.exists():
        with suppress(FileNotFoundError):  # the agent, which ends in a moment, takes its own sockets away
            shutil.rmtree(tenant.doors.settings.state)


def copier(stage: World) -> str:
    """The URL of a login that may copy the server and no more."""
    url = stage.server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS copier")
        connection.execute(
            sql.SQL("CREATE ROLE copier LOGIN REPLICATION PASSWORD {}").format(sql.Literal(stage.server.password))
        )
    return stage.server.url("postgres", "copier", stage.server.password)


def hand_out(server: postgres.Server, kept: Safe) -> None:
    """The server has handed out what it has written so far, as it does every minute by itself."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    piece = kept.place / "server" / "wal" / f"{row[0] if row else ''}.pgp"
    deadline = monotonic() + PATIENCE
    while not piece.exists():
        if monotonic() > deadline:
            raise RuntimeError("the server did not hand out its log; see postgres.log in its folder")
        sleep(0.1)


def moved(tenant: Tenant, server: postgres.Server, old: postgres.Server) -> Tenant:
    """The same council, whose database is to be on another server: its login is there, and nothing else."""
    settings = tenant.doors.settings
    parts = conninfo.conninfo_to_dict(settings.database)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(str(parts["user"])), sql.Literal(str(parts["password"]))
            )
        )
    url = settings.database.replace(f":{old.port}/", f":{server.port}/")
    return replace(tenant, doors=replace(tenant.doors, settings=replace(settings, database=url)))


def content(doors: Doors) -> str:
    """SHA-256 over what the register says, whatever it calls people and families.

    A person's id comes from a first record: when that one was destroyed before the others came, it is another id. So a
    person is named by its records here, and a family by its people.
    """
    with database.transaction(doors.database) as connection:
        people: dict[str, str] = {}
        for person, record in connection.execute(
            "SELECT person_id, min(source_record_id) FROM register.person_record GROUP BY 1"
        ):
            people[str(person)] = str(record)
        families_: dict[str, str] = {}
        for family, members in connection.execute(
            "SELECT family_id, array_agg(DISTINCT person_id) FROM register.family_member GROUP BY 1"
        ):
            families_[str(family)] = min(people[person] for person in members)
        lines = []
        for table in _COMPARED:
            for (row,) in connection.execute(
                sql.SQL("SELECT to_jsonb(t) FROM register.{} t").format(sql.Identifier(table))
            ):
                said = {key: value for key, value in row.items() if key not in _NAMES_ALONE}
                said |= {"person_id": people.get(str(row.get("person_id")))}
                said |= {"family_id": families_.get(str(row.get("family_id")))}
                lines.append(f"{table} {json.dumps(said, sort_keys=True)}")
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()


_COMPARED = (
    "source_record", "person_record", "fact", "family_member", "evidence", "proposal", "decision", "family_status",
    "family_worker", "plan_scope", "suggestion",
)  # fmt: skip
_NAMES_ALONE = {"evidence_id", "proposal_id", "decision_id", "how", "weight", "recorded_at"}
"""Ids that come from other ids, and how a record was first found to be somebody's."""
