"""Each thing that the doctor looks at is found good where it is, and bad where somebody broke it."""

import json
import os
import socket
import stat
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from threading import enumerate as enumerate_threads
from time import monotonic, sleep

import psycopg
import pytest

from family_exchange.adapters import closing, database, doctor_backup, doctor_keys
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.demo import keys, postgres
from family_exchange.domain.doctor import Grade, Room, ending, good
from family_exchange.stages import doctor, restore
from family_exchange.stages.doctor import Check
from support.doctoring import COUNCIL, sound
from support.keys import Ring, a_ring
from support.sftp import need_sshd, openssh_site

__all__ = ["sound"]

WELL = {Grade.GOOD, Grade.NOTE}


def changed(sound, **settings):
    return replace(sound.doors, settings=replace(sound.doors.settings, **settings))


@contextmanager
def mode(path, wanted):
    before = stat.S_IMODE(path.stat().st_mode)
    path.chmod(wanted)
    try:
        yield
    finally:
        path.chmod(before)


def test_a_sound_installation_has_nothing_to_be_done(sound):
    found = sound.every()
    assert [one for one in found if one.grade not in WELL] == []
    assert {one.room for one in found} == set(Room) - {Room.SETTINGS, Room.AIRFLOW}
    assert {one.council for one in found} == {COUNCIL}
    assert ending(found) == 0


def test_a_closed_council_is_looked_at_like_any_other(sound):
    restore.close(sound.doors, by="Sam Security", why="leak", at=datetime.now(UTC))
    try:
        worst = [one for one in sound.every() if one.grade not in WELL]
    finally:
        (sound.doors.settings.state / closing.FILE).unlink()
    assert [(one.subject, one.grade) for one in worst] == [("the council", Grade.WARNING)]
    assert "backup open" in worst[0].advice
    assert sound.one(Room.FILES)["the council"].grade is Grade.GOOD


def test_looking_changes_nothing(sound):
    def everything():
        with database.transaction(sound.doors.database) as connection:
            events = connection.execute("SELECT count(*) FROM audit.event").fetchone()
        files = {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode)
            for top in (sound.doors.settings.state, sound.zone)
            for path in top.rglob("*")
            if "gnupg" not in path.parts or path.suffix in {".kbx", ".key"}
        }
        return events, files

    sound.every()
    before = everything()
    sound.every()
    assert everything() == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("log_statement", "all"),
        ("log_error_verbosity", "default"),
        ("log_min_error_statement", "error"),
        ("log_parameter_max_length", "-1"),
        ("log_min_duration_statement", "0"),
        ("synchronous_commit", "off"),
    ],
)
def test_a_setting_that_writes_values_into_the_log_or_loses_commits_is_found(sound, setting, value):
    assert sound.one(Room.DATABASE)[setting].grade is Grade.GOOD
    with sound.made(f"ALTER DATABASE sound SET {setting} = '{value}'", f"ALTER DATABASE sound RESET {setting}"):
        found = sound.one(Room.DATABASE)
    assert [name for name, one in found.items() if one.grade is Grade.BAD] == [setting]
    assert found[setting].found == value
    assert setting in found[setting].advice


def test_a_server_without_fsync_is_found(council_database, sound):
    found = sound.one(Room.DATABASE, changed(sound, database=council_database))
    assert found["fsync"].grade is Grade.BAD
    assert "power cut" in found["fsync"].advice


def test_a_database_that_everybody_may_enter_is_found(council_database, sound):
    found = sound.one(Room.DATABASE, changed(sound, database=council_database))
    assert found["who may connect"].found == "also every log-in of the server"


def test_another_log_in_that_gets_in_is_found(sound):
    sound.superuser("CREATE ROLE stranger LOGIN")
    with sound.made("GRANT CONNECT ON DATABASE sound TO stranger", "REVOKE ALL ON DATABASE sound FROM stranger"):
        assert sound.one(Room.DATABASE)["who may connect"].found == "also 1 other log-ins"
    sound.superuser("DROP ROLE stranger")


def test_a_log_in_with_powers_is_found(sound):
    with sound.made("ALTER ROLE sound CREATEROLE BYPASSRLS", "ALTER ROLE sound NOCREATEROLE NOBYPASSRLS"):
        assert sound.one(Room.DATABASE)["the log-in sound"].found == "has BYPASSRLS, CREATEROLE"
    with sound.made("GRANT pg_read_all_data TO sound", "REVOKE pg_read_all_data FROM sound"):
        assert sound.one(Room.DATABASE)["the log-in sound"].found == "has pg_read_all_data"
    superuser = changed(sound, database=sound.server.url("sound"))
    assert "SUPERUSER" in sound.one(Room.DATABASE, superuser)["the log-in postgres"].found


def test_a_role_of_a_purpose_that_is_not_ours_can_log_in_or_write_is_found(sound):
    subjects = ("that our log-in may take on", "without powers of their own", "that only read")
    breaks = (
        ("REVOKE fx_support FROM sound", "GRANT fx_support TO sound"),
        ("ALTER ROLE fx_support LOGIN", "ALTER ROLE fx_support NOLOGIN"),
        (
            "GRANT INSERT ON register.purpose_class TO fx_support",
            "REVOKE INSERT ON register.purpose_class FROM fx_support",
        ),
    )
    for subject, (statement, undo) in zip(subjects, breaks, strict=True):
        with sound.made(statement, undo):
            finding = sound.one(Room.DATABASE)[f"roles of purposes {subject}"]
        assert (finding.grade, finding.found) == (Grade.BAD, "not fx_support")


def test_a_table_or_a_view_that_goes_around_row_level_security_is_found(sound):
    table, view = "ALTER TABLE memory.source_record", "ALTER VIEW register.fact"
    with sound.made(f"{table} NO FORCE ROW LEVEL SECURITY", f"{table} FORCE ROW LEVEL SECURITY"):
        found = sound.one(Room.DATABASE)
    assert found["tables under forced row-level security"].found == "not memory.source_record"
    with sound.made(f"{view} SET (security_invoker = false)", f"{view} SET (security_invoker = true)"):
        found = sound.one(Room.DATABASE)
    assert found["views that ask by the reader's rights"].found == "not register.fact"


def test_a_database_behind_its_migrations_is_found(sound, empty_database):
    (newest,) = query(sound, "SELECT version_num FROM public.alembic_version")
    behind = "UPDATE public.alembic_version SET version_num = '0001'"
    with sound.made(behind, f"UPDATE public.alembic_version SET version_num = '{newest}'"):
        assert sound.one(Room.DATABASE)["migrations"].found == f"0001, the newest is {newest}"
    empty = sound.one(Room.DATABASE, changed(sound, database=empty_database))
    assert empty["migrations"].found == f"none, the newest is {newest}"
    assert empty["tables about people"].grade is Grade.BAD


def query(sound, text):
    with database.transaction(sound.doors.database) as connection:
        return connection.execute(text).fetchone()


def test_a_database_whose_clock_is_an_hour_off_is_found(sound):
    """The server asks another clock first."""
    sound.superuser("CREATE SCHEMA off")
    sound.superuser(
        "CREATE FUNCTION off.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
        "$$SELECT pg_catalog.clock_timestamp() + interval '1 hour'$$"
    )
    sound.superuser("GRANT USAGE ON SCHEMA off TO sound")
    with sound.made("ALTER DATABASE sound SET search_path = off, pg_catalog", "ALTER DATABASE sound RESET search_path"):
        finding = sound.one(Room.CLOCKS)["the database's clock"]
    sound.superuser("DROP SCHEMA off CASCADE")
    assert finding.grade is Grade.BAD
    assert float(finding.found.split(" ")[0]) == pytest.approx(3600, abs=120)


def test_a_database_that_does_not_answer_is_found_and_everything_else_is_looked_at(sound):
    with postgres.kept_port() as nobodys:
        found = sound.every(changed(sound, database=f"postgresql://u:p@127.0.0.1:{nobodys}/d"))
    silent = [one for one in found if one.found == "the database does not answer, or does not let us in"]
    assert {one.grade for one in silent} == {Grade.BAD}
    assert {one.room for one in silent} == {Room.DATABASE, Room.CLOCKS, Room.DISKS, Room.KEYS, Room.BACKUPS}
    assert {"own key", "drop zone: log-in", "the council's folder"} <= {
        one.subject for one in found if one.grade is Grade.GOOD
    }
    assert ending(found) == 1


def test_a_server_that_shows_another_host_key_is_found(sound, tmp_path):
    other = keys.ssh(tmp_path, "other").public_key
    found = sound.one(Room.SFTP, changed(sound, drop_zone=replace(sound.doors.settings.drop_zone, host_key=other)))
    assert found["drop zone: log-in"].grade is Grade.BAD
    assert "does not show the pinned host key" in found["drop zone: log-in"].found
    assert found["recipient: log-in"].grade is Grade.GOOD


def test_a_server_that_does_not_let_us_in_or_is_away_is_found(sound, tmp_path):
    end = sound.doors.settings.drop_zone
    stranger = replace(end, private_key=keys.ssh(tmp_path, "stranger").private_key)
    assert "does not let us in" in sound.one(Room.SFTP, changed(sound, drop_zone=stranger))["drop zone: log-in"].found
    with postgres.kept_port() as nobodys:
        away = replace(end, port=nobodys)
        found = sound.one(Room.SFTP, changed(sound, drop_zone=away))["drop zone: log-in"]
    assert "look whether the server is up" in found.advice


def test_a_log_in_that_sees_the_whole_server_is_found(sound, tmp_path):
    need_sshd()
    with openssh_site(tmp_path) as site:
        found = sound.one(Room.SFTP, changed(sound, recipient=site.endpoint))
    assert "our log-in sees /etc/passwd" in found["recipient: shut into its folder"].found
    assert found["recipient: folders"].found == "/inbox, /receipts missing"
    assert found["drop zone: shut into its folder"].grade is Grade.GOOD


def test_a_folder_that_the_profile_expects_is_missed(sound):
    folder = sound.zone / "police" / "police_incidents"
    folder.rename(folder.with_name("other"))
    try:
        assert sound.one(Room.SFTP)["drop zone: folders"].found == "/police/police_incidents missing"
    finally:
        folder.with_name("other").rename(folder)


def test_an_entry_of_the_future_says_that_a_clock_is_wrong(sound):
    entry = sound.zone / "police" / "police_incidents" / "one"
    entry.touch()
    assert sound.one(Room.SFTP)["drop zone: clock"].found == "no entry is of the future"
    later = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    os.utime(entry, (later, later))
    assert sound.one(Room.SFTP)["drop zone: clock"].grade is Grade.WARNING
    entry.unlink()


def test_a_host_key_of_an_old_kind_is_found(sound):
    old = changed(sound, recipient=replace(sound.doors.settings.recipient, host_key="ssh-dss AAAA"))
    assert sound.one(Room.SFTP, old)["recipient: pinned host key"].grade is Grade.BAD


def test_an_own_key_without_its_secret_half_is_found(sound):
    other = changed(sound, own_key=sound.rings["police"].own_key)
    found = sound.one(Room.KEYS, other)["own key"]
    assert (found.grade, "secret half is not in the ring" in found.found) == (Grade.BAD, True)


def test_a_ring_without_room_for_many_files_at_once_is_found(sound):
    options = sound.doors.openpgp.home / "gpg-agent.conf"
    before = options.read_text()
    options.write_text("# nothing\n")
    try:
        found = sound.one(Room.KEYS)["gpg-agent.conf"]
    finally:
        options.write_text(before)
    assert (found.grade, found.found) == (Grade.BAD, "does not say auto-expand-secmem")


@pytest.fixture
def police(sound):
    """The ledger's key of the police is replaced for the length of a test."""

    def holds(fingerprint, *, until="now() + interval '600 days'", revoked="NULL"):
        sound.superuser(
            f"UPDATE exchange.partner_key SET fingerprint = '{fingerprint}', valid_to = {until}, "
            f"revoked_at = {revoked} WHERE partner = 'police'"
        )

    yield holds
    holds(sound.rings["police"].own_key, until="now() + interval '700 days'")


def test_a_key_that_ran_out_is_found(sound, police):
    gone = a_ring(sound.folder / "keys" / "gone", "gone", expires="30d")
    own = sound.rings["own"]
    own.import_key(gone.gpg("--armor", "--export", gone.fingerprint))
    try:
        assert gone.fingerprint in sound.one(Room.KEYS)["keys in the ring"].found, "nobody registered it"
        police(gone.fingerprint)
        found = sound.one(Room.KEYS)
    finally:
        Ring(own.home).gpg("--yes", "--delete-keys", gone.fingerprint)
        keys.stop_agent(gone.home)
    assert found["key of police"].grade is Grade.BAD
    assert found["key of police"].found == f"{gone.fingerprint} cannot sign or be encrypted to: it is over"
    assert found["a key of police"].found == "there is none in force"
    assert "ended" in found["end of the key of police"].found


@pytest.mark.parametrize(("days", "grade"), [(600, Grade.GOOD), (60, Grade.NOTE), (12, Grade.WARNING), (-3, Grade.BAD)])
def test_the_end_of_a_key_is_spoken_of_the_louder_the_nearer_it_is(sound, police, days, grade):
    police(sound.rings["police"].own_key, until=f"now() + interval '{days} days 1 hour'")
    assert sound.one(Room.KEYS)["end of the key of police"].grade is grade


def test_a_partner_whose_only_key_was_taken_back_is_found(sound, police):
    police(sound.rings["police"].own_key, revoked="now()")
    found = sound.one(Room.KEYS)["a key of police"]
    assert (found.grade, found.found) == (Grade.WARNING, "there is none in force")


def test_a_registered_key_that_the_ring_lacks_is_found(sound, police):
    police("A" * 40)
    assert sound.one(Room.KEYS)["key of police"].found == f"{'A' * 40} is not in the ring"


def test_a_key_that_is_approved_while_the_doctor_looks_is_not_called_missing(sound, police, monkeypatch):
    own, listed, left = sound.rings["police"].own_key, OpenPGP.held, [True]
    police("A" * 40)

    def meanwhile(ring):
        found = listed(ring)
        if left and left.pop():  # the key comes into the ring with its approval
            police(own)
            return {fingerprint: key for fingerprint, key in found.items() if fingerprint != own}
        return found

    monkeypatch.setattr(OpenPGP, "held", meanwhile)
    told = [one.found for one in doctor_keys.in_force(sound.doors)]
    assert f"{own} is not in the ring" not in told


def test_a_folder_that_others_may_read_is_found(sound):
    state = sound.doors.settings.state
    for path, wanted, subject in (
        (state, 0o755, "the council's folder"),
        (sound.doors.settings.drop_zone.private_key, 0o644, "private key for the drop zone"),
    ):
        with mode(path, wanted):
            found = sound.one(Room.FILES)[subject]
        assert (found.grade, found.found) == (Grade.BAD, f"mode {wanted:04o}")
        assert f"chmod {'0700' if path == state else '0600'} {path}" in found.advice


def test_a_secret_that_others_may_read_is_found_and_named(sound):
    with mode(sound.doors.settings.state / "secrets" / "dedupe_key", 0o644):
        found = sound.one(Room.FILES)["what is private in it"]
    assert (found.grade, found.found) == (Grade.WARNING, "1 open to others or another's: secrets/dedupe_key")


def test_a_folder_above_that_others_may_write_is_found(sound):
    with mode(sound.folder, 0o777):
        found = sound.one(Room.FILES)["the folders above it"]
    assert (found.grade, str(sound.folder) in found.found) == (Grade.WARNING, True)


def test_a_council_without_its_folder_is_told_what_to_do(sound, tmp_path):
    bare = tmp_path / "bare"
    found = sound.one(Room.FILES, changed(sound, state=bare))["the council's folder"]
    assert "mode 0700" in found.advice
    bare.mkdir(mode=0o700)
    found = sound.one(Room.FILES, changed(sound, state=bare))
    assert found["what belongs into it"].grade is Grade.BAD


def ago(hours):
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("said", "files", "database"),
    [
        ({"taken_at": ago(20), "database_at": ago(20)}, Grade.GOOD, Grade.GOOD),
        ({"taken_at": ago(1), "database_at": ago(30)}, Grade.GOOD, Grade.WARNING),
        ({"taken_at": ago(30), "database_at": None}, Grade.WARNING, Grade.WARNING),
        ({"when": "yesterday"}, Grade.UNSEEN, Grade.UNSEEN),
    ],
)
def test_how_old_the_last_backup_is_counts_for_files_and_for_the_database(sound, said, files, database):
    with instead(sound.doors.settings.state / "backups" / "last.json", json.dumps(said)):
        found = sound.one(Room.BACKUPS)
    assert found["last backup"].grade is files
    assert found["last copy of the database"].grade is database


@contextmanager
def instead(file, text):
    """The file says this; None: it is not there."""
    before = file.read_bytes() if file.exists() else None
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        if before is not None:
            file.write_bytes(before)


def test_a_council_without_a_place_of_backups_is_told_what_to_do_by_hand_and_in_containers(sound):
    with instead(sound.doors.settings.state / "backups" / "place.json", None):
        by_hand, composed = (
            {one.subject: one for one in doctor_backup.backup(sound.doors, composed=each)} for each in (False, True)
        )
    assert (by_hand["place of backups"].grade, composed["place of backups"].grade) == (Grade.WARNING, Grade.WARNING)
    assert "backup prepare" in by_hand["place of backups"].advice
    assert "hand it in" in composed["place of backups"].advice


def test_a_place_of_backups_whose_disk_is_not_mounted_is_found(sound):
    sound.place.rename(sound.place.with_name("elsewhere"))
    try:
        found = sound.one(Room.BACKUPS)["place of backups"]
    finally:
        sound.place.with_name("elsewhere").rename(sound.place)
    assert (found.grade, "mount its disk" in found.advice) == (Grade.BAD, True)


def test_another_recovery_key_at_the_place_is_found(sound):
    assert sound.one(Room.BACKUPS)["recovery key"].grade is Grade.GOOD
    key = sound.place / "recovery.asc"
    with instead(key, sound.rings["police"].export_public(sound.rings["police"].own_key).decode()):
        assert sound.one(Room.BACKUPS)["recovery key"].grade is Grade.BAD
    with instead(key, None):
        assert "cannot be read at the place" in sound.one(Room.BACKUPS)["recovery key"].found


def test_a_log_that_is_not_handed_out_any_more_is_found(sound):
    assert sound.one(Room.BACKUPS)["the server's log"].found.endswith("was the last to come")
    key = sound.place / "recovery.asc"
    failures = "SELECT last_failed_time > last_archived_time FROM pg_stat_archiver"
    with instead(key, None):
        sound.superuser("CREATE TABLE public.anything (n int); DROP TABLE public.anything; SELECT pg_switch_wal()")
        await_row(sound, failures)
        found = sound.one(Room.BACKUPS)["the server's log"]
    assert (found.grade, "could not be handed out" in found.found) == (Grade.BAD, True)
    await_row(sound, f"SELECT NOT ({failures})")


def test_a_piece_of_the_log_that_never_arrived_is_found(sound):
    pieces = sorted((sound.place / "server" / "wal").glob("*.pgp"))
    aside = [piece.rename(piece.with_suffix(".aside")) for piece in pieces]
    try:
        found = sound.one(Room.BACKUPS)["the server's log"]
    finally:
        for piece in aside:
            piece.rename(piece.with_suffix(".pgp"))
    assert (found.grade, "is not at the place" in found.found) == (Grade.BAD, True)


@pytest.mark.parametrize(
    ("said", "grade"),
    [('{"wrong": []}', Grade.GOOD), ('{"wrong": ["log"]}', Grade.BAD), ("nothing", Grade.UNSEEN)],
)
def test_what_the_last_look_at_a_backup_found_counts(sound, said, grade):
    with instead(sound.doors.settings.state / "backups" / "looked.json", said):
        assert sound.one(Room.BACKUPS)["last look at it"].grade is grade
    assert "last look at it" not in sound.one(Room.BACKUPS)


def test_a_recovery_key_in_the_ring_is_nobody_s_stray(sound):
    said = json.loads((sound.doors.settings.state / "backups" / "place.json").read_text())
    assert said["recovery_key"] in sound.doors.openpgp.held()
    assert sound.one(Room.KEYS)["keys in the ring"].grade is Grade.GOOD


def test_in_containers_of_one_machine_the_line_to_the_database_and_its_disk_are_judged_as_they_are_there(sound):
    composed = doctor.examine(doctor.of_council(sound.doors, composed=True))
    assert [one for one in composed if one.grade not in WELL] == []
    found = {one.subject: one for one in composed}
    assert "does not leave this machine" in found["the line to it"].found


def await_row(sound, question):
    deadline = monotonic() + 240  # a server that failed three times in a row tries again after a minute
    with psycopg.connect(sound.server.url("postgres"), autocommit=True) as connection:
        while connection.execute(question).fetchone() != (True,):
            assert monotonic() < deadline, question
            sleep(0.1)


def test_a_disk_of_the_database_that_is_named_is_looked_at(sound, tmp_path):
    found = sound.one(Room.DISKS, changed(sound, disks=(tmp_path,), least_room=1 << 20))
    assert found[f"the database's disk at {tmp_path}"].grade is Grade.GOOD
    found = sound.one(Room.DISKS, changed(sound, disks=(tmp_path,), least_room=1 << 60))
    assert found[f"the database's disk at {tmp_path}"].grade is Grade.BAD
    assert "nothing is taken in" in found["the disk of the council's folder"].advice


def test_a_check_that_hangs_is_cut_and_tells_what_it_had_found(monkeypatch):
    """A server that takes the call and never speaks; time goes on once all the others have had theirs."""
    begun, calls = Event(), []

    def clock():
        calls.append("asked")
        if len(calls) > 1:
            assert begun.wait(120)
            for each in enumerate_threads():
                if each.name == "look at other":
                    each.join(120)
        return 0.0

    monkeypatch.setattr(doctor, "monotonic", clock)
    with socket.create_server(("127.0.0.1", 0)) as deaf:

        def look():
            yield good(Room.SFTP, "first", "fine")
            with socket.create_connection(deaf.getsockname()) as line:
                begun.set()
                line.recv(1)

        checks = [
            Check(Room.SFTP, "deaf", look, "c"),
            Check(Room.FILES, "other", lambda: [good(Room.FILES, "other", "fine")]),
        ]
        first, cut, other = doctor.examine(checks, seconds=0.2)
    assert (first.subject, other.grade) == ("first", Grade.GOOD)
    assert (cut.subject, cut.grade, cut.found) == ("deaf", Grade.UNSEEN, "it did not end within 0.2 seconds")
    assert ending([first, cut, other]) == 2


def test_a_check_that_breaks_off_tells_where_and_not_what():
    def look():
        yield good(Room.FILES, "first", "fine")
        raise ValueError("Testperson")

    first, broke = doctor.examine([Check(Room.FILES, "it", look)])
    assert first.grade is Grade.GOOD
    assert broke.grade is Grade.UNSEEN
    assert "ValueError" in broke.found
    assert "Testperson" not in broke.found
