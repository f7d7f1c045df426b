"""The log of a database server, handed out and sealed; what must be so before a copy is taken."""

import stat
import subprocess
import time
from datetime import timedelta

import psycopg
import pytest

from family_exchange.adapters import database, metrics, postgres_programs, recovery_key, server_copy
from family_exchange.demo.recovery import SCRIPT
from family_exchange.domain.errors import NeedsDecision, TryLater
from support.archiving import hub, kept
from support.council import rings

__all__ = ["hub", "kept", "rings"]


PIECE = "000000010000000000000001"
PATIENT = "until-a-key-comes"


def handed_out(tmp_path, kept, content, *words, name=PIECE, key=None):
    """What the script says of one piece of the log."""
    (tmp_path / "wal").mkdir(exist_ok=True)
    piece = tmp_path / "piece"
    piece.write_bytes(content)
    key = key or kept.place / "recovery.asc"
    command = ["sh", str(SCRIPT), str(piece), name, str(tmp_path / "wal"), str(key), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)


def of_server(number):
    """A piece as the server of that number begins it."""
    return bytes(24) + number.to_bytes(8, "little") + bytes(100)


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_piece_is_sealed_to_the_recovery_key_and_to_nobody_else(tmp_path, kept, rings):
    assert handed_out(tmp_path, kept, b"a person's row" * 1000).returncode == 0
    sealed = tmp_path / "wal" / "000000010000000000000001.pgp"
    assert b"person" not in sealed.read_bytes()
    assert names(tmp_path / "wal") == {sealed.name, f"{sealed.stem}.sha256", "server"}
    with recovery_key.ring(tmp_path / "r", kept.key, kept.shares) as ring, recovery_key.opened(ring, sealed) as process:
        assert process.stdout.read() == b"a person's row" * 1000
    with pytest.raises(NeedsDecision, match="does not open"), recovery_key.opened(rings.council, sealed) as process:
        process.stdout.read()


def test_the_same_piece_again_is_done_already_and_another_is_never_put_in_its_place(tmp_path, kept):
    assert handed_out(tmp_path, kept, b"one").returncode == 0
    before = (tmp_path / "wal" / "000000010000000000000001.pgp").read_bytes()
    assert handed_out(tmp_path, kept, b"one").returncode == 0
    refused = handed_out(tmp_path, kept, b"other")
    assert refused.returncode == 1
    assert "a new server needs a folder of its own" in refused.stderr
    assert (tmp_path / "wal" / "000000010000000000000001.pgp").read_bytes() == before


def test_a_piece_that_cannot_be_kept_is_asked_for_again(tmp_path, kept):
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / ".000000010000000000000001.part").mkdir()  # gpg cannot write there
    assert handed_out(tmp_path, kept, b"one").returncode != 0
    assert not (tmp_path / "wal" / "000000010000000000000001.pgp").exists()


def test_what_is_sealed_may_be_read_by_the_group_that_keeps_backups_and_by_nobody_else(tmp_path, kept):
    assert handed_out(tmp_path, kept, b"one").returncode == 0
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "wal").iterdir()} == {0o640}


def test_before_there_ever_was_a_key_nothing_is_kept_and_nothing_fails(tmp_path, kept):
    assert handed_out(tmp_path, kept, b"one", PATIENT, key=tmp_path / "none.asc").returncode == 0
    assert names(tmp_path / "wal") == set()
    refused = handed_out(tmp_path, kept, b"one", key=tmp_path / "none.asc")  # where nobody said that it may wait
    assert refused.returncode == 1


def test_a_key_that_was_there_and_is_gone_stops_the_server_from_letting_go_of_its_log(tmp_path, kept):
    assert handed_out(tmp_path, kept, b"one", PATIENT).returncode == 0
    gone = handed_out(tmp_path, kept, b"two", PATIENT, name=f"{PIECE[:-1]}2", key=tmp_path / "none.asc")
    assert gone.returncode == 1
    assert "is the disk of backups mounted?" in gone.stderr


def test_the_log_of_another_server_is_never_mixed_in(tmp_path, kept):
    assert handed_out(tmp_path, kept, of_server(7621234567890123456)).returncode == 0
    assert handed_out(tmp_path, kept, of_server(7621234567890123456), name=f"{PIECE[:-1]}2").returncode == 0
    refused = handed_out(tmp_path, kept, of_server(7629999999999999999), name=f"{PIECE[:-1]}3")
    assert refused.returncode == 1
    assert "has the log of another server" in refused.stderr
    assert f"{PIECE[:-1]}3.pgp" not in names(tmp_path / "wal")


def test_a_server_that_keeps_its_log_to_itself_is_not_copied(server):
    with pytest.raises(NeedsDecision, match="must hand out its log: archive_mode=on, archive_timeout=60"):
        server_copy.look(server.url("postgres"))


FAILING = "SELECT last_failed_time > last_archived_time, clock_timestamp() FROM pg_stat_archiver"


def log_waits(url, *, at=None):
    with database.transaction(url) as connection:
        return [one.value for one in metrics.of_log(connection, "halton", at=at or database.clock(connection))]


def test_since_when_the_log_waits_is_measured_while_the_server_cannot_hand_it_out(hub, kept, server):
    assert log_waits(server.url("postgres")) == []  # it keeps its log: nothing waits
    hub.hand_out(kept)
    assert log_waits(hub.copier) == [0]
    key = kept.place / "recovery.asc"
    key.rename(away := key.with_suffix(".away"))  # the disk of backups is not mounted
    with psycopg.connect(hub.server.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_logical_emit_message(false, 'test', 'work'), pg_switch_wal()")
        for _ in range(1200):
            row = connection.execute(FAILING).fetchone()
            if row[0]:
                break
            time.sleep(0.1)
        assert log_waits(hub.copier, at=row[1] + timedelta(hours=1))[0] >= 3600
        away.rename(key)
        connection.execute("SELECT pg_logical_emit_message(false, 'test', 'more')")
    hub.hand_out(kept)
    assert log_waits(hub.copier) == [0]


def test_a_server_that_hands_its_log_out_says_what_it_is(hub):
    found = server_copy.look(hub.copier)
    assert (found.version, found.piece_bytes, len(found.piece)) == (18, 16 << 20, 24)


def test_a_login_that_may_not_copy_is_told_what_it_lacks(hub, kept, rings, tmp_path):
    url = hub.server.create_database("no_copier", "no_copier")
    with pytest.raises(TryLater, match="its login needs REPLICATION"):
        server_copy.take(url, rings.council, rings.recipient_key, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_programs_of_another_version_do_not_serve():
    with pytest.raises(NeedsDecision, match="apt-get install postgresql-99"):
        postgres_programs.folder(99, serves=True)
    assert (postgres_programs.folder(18, serves=True) / "postgres").exists()


def test_the_programs_that_are_named_come_first(tmp_path, monkeypatch):
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 99.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv(postgres_programs.VARIABLE, str(tmp_path))
    assert postgres_programs.folder(15) == tmp_path


def test_shares_of_another_key_open_nothing(tmp_path, kept):
    _, other = recovery_key.make(tmp_path / "other", needed=2, total=2)
    with (
        pytest.raises(NeedsDecision, match="they are of another one"),
        recovery_key.ring(tmp_path / "r", kept.key, [share.text for share in other]),
    ):
        pass
    assert not (tmp_path / "r" / "private-keys-v1.d").exists()


def test_a_recovery_key_is_never_made_over_another(tmp_path):
    recovery_key.make(tmp_path, needed=2, total=2)
    assert stat.S_IMODE((tmp_path / recovery_key.SECRET_FILE).stat().st_mode) == 0o600
    with pytest.raises(NeedsDecision, match=r"lies in .* already"):
        recovery_key.make(tmp_path, needed=2, total=2)


def test_keys_are_not_mixed_with_what_is_left_of_others(tmp_path):
    (tmp_path / "from" / "gnupg").mkdir(parents=True)
    (tmp_path / "from" / "secrets").mkdir()
    (tmp_path / "from" / "secrets" / "one").write_text("1")
    (tmp_path / "from" / "gnupg" / "openpgp-revocs.d").mkdir()
    archive = recovery_key.packed(tmp_path / "from")
    recovery_key.unpack(archive, tmp_path / "to")
    assert (tmp_path / "to" / "secrets" / "one").read_text() == "1"
    folders = [tmp_path / "to" / part for part in ("gnupg", "gnupg/openpgp-revocs.d", "secrets")]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    (tmp_path / "half" / "secrets").mkdir(parents=True)
    with pytest.raises(NeedsDecision, match="has only secrets/"):
        recovery_key.unpack(archive, tmp_path / "half")
