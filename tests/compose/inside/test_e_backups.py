"""Backups of the composed installation: nothing is wired by hand but the recovery key, and one council comes back."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from compose import cast, stack, work, world
from family_exchange.adapters import closing
from family_exchange.adapters.sftp import DropZone
from support import invariants

OURS, THEIRS = 50000, 999
"""The user of Airflow, and PostgreSQL's."""
BLIND = ("api-server", "scheduler", "dag-processor", "triggerer", "drop-zone")


def place():
    """The place of backups, on the host."""
    return stack.volume("backups")


def pieces():
    """What there is of the log of the councils' server."""
    return {path.name.removesuffix(".pgp") for path in (place() / "server" / "wal").glob("*.pgp")}


def mark(name):
    """What the keeper noted in the council's folder."""
    return json.loads((world.settings().state / "backups" / name).read_text())


def server():
    """The councils' server, as its superuser."""
    return psycopg.connect(
        host=stack.container("councils-db").address, user="postgres", password=world.secret("councils_db_superuser"),
        dbname="postgres", autocommit=True,
    )  # fmt: skip


def at_the_desk(*words, check=True):
    """A command of a person, as docs/backup.md has it."""
    return stack.compose("run", "--rm", "-T", "desk", "family-exchange", *words, check=check)


@pytest.fixture(scope="module")
def recovery(tmp_path_factory):
    """The folder with the recovery key and its shares, made where there is no network."""
    folder = tmp_path_factory.mktemp("recovery")
    os.chown(folder, OURS, 0)
    image = os.environ.get("FAMILY_EXCHANGE_IMAGE", "family-exchange:local")
    stack.run(
        "docker", "run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "-v", f"{folder}:/recovery",
        image, "family-exchange", "backup", "key", "--out", "/recovery",
    )  # fmt: skip
    yield folder
    shutil.rmtree(folder)


def test_nobody_sees_the_place_of_backups_who_has_nothing_to_do_there():
    for service in BLIND:
        with pytest.raises(RuntimeError):
            stack.compose("exec", "-T", service, "ls", "/srv/backups")
    assert "recovery.asc" not in stack.compose("exec", "-T", "keeper", "ls", "/srv/backups")


def test_before_there_is_a_recovery_key_nothing_is_kept_nothing_fails_and_that_is_said():
    with server() as connection:
        connection.execute("SELECT pg_switch_wal()")
        tried = "SELECT archived_count > 0 AND failed_count = 0 FROM pg_stat_archiver"
        stack.until("the log to be due", lambda: connection.execute(tried).fetchone() == (True,), within=60)
    assert pieces() == set()
    waits = "no recovery key lies at /srv/backups"
    stack.until("a word", lambda: waits in stack.compose("logs", "--no-log-prefix", "keeper"), within=60)
    assert stack.container("keeper").healthy


def test_as_soon_as_the_key_is_handed_in_a_backup_is_taken_and_looked_at(recovery):
    accepted = ("exec", "-T", "keeper", "keeper", "accept")
    stack.compose(*accepted, given=(recovery / "recovery.asc").read_text())
    stack.until("the first backup", lambda: mark("looked.json")["wrong"] == [], within=120)
    assert mark("last.json")["database_at"] is not None
    assert pieces()
    owners = {path.stat().st_uid for path in (place() / "server" / "wal").iterdir()}
    assert owners == {THEIRS}
    open_to_others = [path for path in place().rglob("*") if path.is_dir() and path.stat().st_mode & 0o007]
    assert open_to_others == []


def test_one_council_comes_back_as_it_was_a_minute_before_and_takes_the_lost_file_in_again(recovery, ends):
    moment = datetime.now(UTC)
    file = work.drop(ends)
    stack.until(f"the end of {file.name}", lambda: work.ended(file), within=240)
    with server() as connection:  # as the server does by itself within a minute
        (piece,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    stack.until("the log", lambda: piece in pieces(), within=60)

    file_id = known(file)
    assert content(file_id)[:2] == ("CLOSED", file.rows)
    told = json.loads(restored(recovery, moment))
    assert file_id in told["files_taken_up"]
    assert told["same_register"] is True
    assert closing.of(world.settings().state).why == "restore"  # nothing reads or writes it until two people say so

    found = json.loads(at_the_desk("backup", "check", "--json", "--council", world.COUNCIL))
    assert [one for one in found if not one["good"]] == []
    opening = ("backup", "open", "--council", world.COUNCIL, "--by")
    assert "a second, different person" in at_the_desk(*opening, "it.security", check=False)
    assert f"{world.COUNCIL} is open" in at_the_desk(*opening, "programme.lead")

    at_the_desk("receive", "--council", world.COUNCIL, "--feed", file.feed, check=False)  # what it is owed, as ever
    stack.until("the file's end", lambda: content(file_id) == ("CLOSED", file.rows, file.rows), within=120)
    assert receipts(ends, file, file_id) == 1
    assert invariants.broken(invariants.Scene(world.doors(), cast.recipient())) == []


def known(file):
    """The id of a file: its name is nowhere outside the database, so a restore does not bring it back."""
    with work.ledger() as connection:
        (found,) = connection.execute(
            "SELECT file_id FROM exchange.file WHERE name_bytes = %s", (file.name.encode(),)
        ).fetchall()
    return found[0]


def content(file_id):
    """A file's state, its rows by the ledger, and in the register, where a row that was said before is a sighting."""
    with work.ledger() as connection:
        return connection.execute(
            """SELECT f.state, f.rows_loaded, (SELECT count(*) FROM memory.source_record s WHERE s.file_id = f.file_id)
                    + (SELECT count(*) FROM memory.source_sighting s WHERE s.file_id = f.file_id)
                 FROM exchange.file f WHERE file_id = %s""",
            (file_id,),
        ).fetchone()


def receipts(ends, file, file_id):
    """How many answers the partner has to a file."""
    with DropZone(ends.partners[file.partner].endpoint()) as zone:
        names = [entry.name.decode() for entry in zone.list("/receipts")]
    return sum(name.startswith(file_id) and name.endswith(".json.pgp") for name in names)


def restored(recovery, moment):
    shares = [word for number in (1, 3) for word in ("--share", f"/recovery/share-{number}.txt")]
    return stack.compose(
        "run", "--rm", "-T", "-v", f"{recovery}:/recovery:ro", "restore",
        "family-exchange", "backup", "restore", "--council", world.COUNCIL, "--from", "/srv/backups",
        "--key", "/recovery/recovery.secret", *shares, "--to", moment.isoformat(), "--work", "/srv/work",
        "--by", "it.security", "--json",
    )  # fmt: skip


def test_afterwards_the_doctor_has_nothing_to_say_against_backups_at_the_desk():
    told = json.loads(at_the_desk("doctor", "--json", check=False))
    bad = [one for one in told["findings"] if one["grade"] in {"bad", "could not look"}]
    assert bad == []
    backups = {one["subject"]: one["grade"] for one in told["findings"] if one["room"] == "backups"}
    assert backups["the server's log"] == backups["recovery key"] == backups["last backup"] == "good"


def test_no_word_of_anybody_lies_at_the_place_of_backups():
    assert sum(1 for _ in invariants.each_file((place(),))) > 10
    assert invariants.leaks((place(), Path(stack.volume("work"))), cast.canaries()) == []
