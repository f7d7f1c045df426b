"""Copies of a whole database server: taken while it works, and started beside it as it was at one moment.

A copy is sealed while it is read: it is on a disk in the open only where it is restored. Source: PostgreSQL's manual,
"Continuous Archiving and Point-in-Time Recovery".
"""

import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from time import sleep

import psycopg

from family_exchange.adapters import database, postgres_programs, recovery_key, unpacking
from family_exchange.adapters.openpgp import OpenPGP, make_ring, stop_agent
from family_exchange.domain.backup import Base
from family_exchange.domain.errors import NeedsDecision, TryLater

SYSTEM_USER = "nobody"
"""PostgreSQL refuses to run as root; as root a copy runs as this user."""

LONGEST_PIECE = 60
"""Seconds of work that the loss of a whole site may cost: the log is handed out at least as often."""

_LOOK = 0.1
_NOT_REACHED = b"recovery ended before configured recovery target was reached"
_TOO_EARLY = b"requested recovery stop point is before consistent recovery point"


@dataclass(frozen=True, slots=True)
class Found:
    """What a server says of itself."""

    now: datetime
    piece: str
    """The piece of the log that it writes now."""
    piece_bytes: int
    version: int
    server: str


def look(url: str) -> Found:
    """The server, ready to be copied: it hands out its log, often enough, and nothing of it failed of late.

    Raises:
        NeedsDecision: it is not; the message says what to set.
        TryLater: it does not answer.
    """
    with database.transaction(url) as connection:
        row = connection.execute(
            """SELECT clock_timestamp(), pg_walfile_name(pg_current_wal_lsn()),
                      pg_size_bytes(current_setting('wal_segment_size')),
                      current_setting('server_version_num')::int / 10000,
                      (SELECT system_identifier FROM pg_control_system())::text,
                      current_setting('archive_mode'),
                      (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout'),
                      (SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver)"""
        ).fetchone()
    assert row is not None  # noqa: S101 - a query without FROM gives a row
    *found, mode, often, failing = row
    if mode not in {"on", "always"} or not 0 < int(often) <= LONGEST_PIECE:
        raise NeedsDecision(
            f"the database server must hand out its log: archive_mode=on, archive_timeout={LONGEST_PIECE} or less, and "
            "archive_command as docs/backup.md has it; then restart it"
        )
    if failing:
        raise NeedsDecision(
            "the database server could not hand out its log the last time; its own log says why (archive_command)"
        )
    return Found(*found)


def number(url: str) -> str:
    """PostgreSQL's own number of the server, by which one server is told from another."""
    with database.transaction(url) as connection:
        row = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    return str(row[0]) if row else ""


def take(url: str, ring: OpenPGP, recipient: str, target: Path) -> Base:
    """The page of a copy of the whole server, which lies sealed in `target`.

    Raises:
        NeedsDecision, TryLater: as with `look`; the login may not copy; or the copy broke off, and nothing is left.
    """
    before = look(url)
    programs = postgres_programs.folder(before.version)
    command = [str(programs / "pg_basebackup"), "--no-password", "--pgdata=-", "--format=tar", "--wal-method=fetch"]
    command += ["--checkpoint=fast"]
    with subprocess.Popen(  # noqa: S603 - our own argument list
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(url)
    ) as copying:
        try:
            recovery_key.seal_file(ring, recipient, copying, target)
        finally:
            assert copying.stdout is not None  # noqa: S101 - a pipe was asked for
            copying.stdout.close()
    if copying.returncode != 0:
        target.unlink(missing_ok=True)
        raise TryLater(
            "the database server could not be copied: its login needs REPLICATION, and a line in pg_hba.conf"
        )
    with target.open("rb") as file:
        os.fsync(file.fileno())
        digest = file_digest(file, "sha256").hexdigest()
    return Base(
        base=identifier(before.now),
        began_at=before.now,
        ended_at=look(url).now,
        version=before.version,
        server=before.server,
        piece_bytes=before.piece_bytes,
        first_piece=before.piece,
        sha256=digest,
        size=target.stat().st_size,
    )


@contextmanager
def standing(
    base: Base, sealed: Path, log: Path, ring: OpenPGP, work: Path, *, to: datetime | None, superuser: str
) -> Iterator[str]:
    """The connection string of a server's copy as it was at `to`, or at the end of its log; gone with the block.

    Nobody else reaches it: it listens in a folder of its own only. The string names its superuser and no database.

    Raises:
        NeedsDecision: the copy or the log is damaged, or the log does not reach that far.
    """
    programs = postgres_programs.folder(base.version, serves=True)
    user = SYSTEM_USER if os.geteuid() == 0 else None
    folder = work / "copy"
    folder.mkdir(mode=0o700)
    try:
        programs = _reachable(programs, folder) if user else programs
        with recovery_key.opened(ring, sealed) as process, tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            unpacking.unpack(archive, folder / "data")
        pieces_ring = folder / "ring"
        make_ring(pieces_ring)
        (folder / "hba").write_text("local all all trust\n")
        (folder / "settings").write_text(_settings(folder, log, pieces_ring, to))
        (folder / "data" / "recovery.signal").touch()
        (folder / "data" / "postgresql.auto.conf").write_text("")
        shutil.copytree(ring.home / "private-keys-v1.d", pieces_ring / "private-keys-v1.d")
        shutil.copy(ring.home / "pubring.kbx", pieces_ring / "pubring.kbx")
        (folder / "data").chmod(0o700)
        if user:
            _hand_over(folder, user)
        url = psycopg.conninfo.make_conninfo(host=str(folder), user=superuser)
        with _running(programs, folder, user, url):
            yield url
    finally:
        stop_agent(folder / "ring")
        shutil.rmtree(folder, ignore_errors=True)


def environment(url: str, **more: str) -> Mapping[str, str]:
    """What PostgreSQL's programs read of a connection: no password stands on a command line."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
             "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}  # fmt: skip
    stated = {names[part]: str(value) for part, value in parts.items() if part in names}
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **stated, **more}


def identifier(moment: datetime) -> str:
    """The id of what was begun at that moment: it sorts by time and is a plain name for a folder."""
    return f"{moment:%Y%m%dT%H%M%S.%f}Z"


def _settings(folder: Path, log: Path, ring: Path, to: datetime | None) -> str:
    """What the copy is started with: nothing of the server's own settings, which may send its log elsewhere."""
    if {"'", '"', "%", "\\", "\n"} & {*str(log), *str(ring)}:
        raise NeedsDecision("the folders of backups and of the work must have plain names")
    fetch = (
        f'gpg --homedir "{ring}" --no-options --batch --no-tty --quiet --disable-dirmngr --pinentry-mode=error '
        f'--yes --output "%p" --decrypt "{log}/%f.pgp"'
    )
    lines = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "hba_file": str(folder / "hba"),
        "restore_command": fetch,
        "recovery_target_action": "promote",
        "archive_mode": "off",
        "hot_standby": "off",
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "20",
        "shared_buffers": "256MB",
        "maintenance_work_mem": "256MB",
        "autovacuum": "off",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
    }
    if to is not None:
        lines["recovery_target_time"] = to.isoformat(sep=" ")
    return "".join(f"{name} = '{value}'\n" for name, value in lines.items())


@contextmanager
def _running(programs: Path, folder: Path, user: str | None, url: str) -> Iterator[None]:
    settings = folder / "settings"
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-c", f"config_file={settings}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own argument list
            command, stdout=log, stderr=log, user=user, start_new_session=True, cwd=folder / "data",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )  # fmt: skip
        try:
            _await(folder, process, url)
            yield
        finally:
            process.send_signal(2)  # SIGINT: it ends its sessions and stops
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(folder: Path, process: "subprocess.Popen[bytes]", url: str) -> None:
    """Return when the copy has read its log to the wanted moment and answers."""
    while True:
        try:
            psycopg.connect(url, dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            if process.poll() is not None:
                raise NeedsDecision(_why((folder / "log").read_bytes())) from None
            sleep(_LOOK)
        else:
            return


def _why(log: bytes) -> str:
    """The copy's own reason, as far as we know it; the rest of its log may quote values."""
    if _NOT_REACHED in log:
        return "the log of the database server ends before that moment; restore without --to, or to an earlier moment"
    if _TOO_EARLY in log:
        return "that moment lies before the end of the copy that was taken; choose a later one"
    return "the copy of the database server did not start: its log has gaps or is damaged; `backup verify` looks"


def _reachable(programs: Path, folder: Path) -> Path:
    """The programs, where another user can start them."""
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in programs.parents):
        return programs
    package = programs.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / "programs" / part.name)
    return folder / "programs" / package.name / programs.relative_to(package)


def _hand_over(folder: Path, user: str) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, user)
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents):
        raise NeedsDecision(
            f"{folder} cannot be entered by the user {user}, as whom the copy runs: give another --work"
        )
