"""A council restored: after its disk was lost, with all that happened since; and while another council goes on."""

import json
from dataclasses import replace
from datetime import date
from io import BytesIO

import psycopg
import pytest
from typer.testing import CliRunner

from family_exchange.adapters import audit, backup_place, database, profiles, settings
from family_exchange.adapters.doors import prepare
from family_exchange.cli import application
from family_exchange.demo import drill
from family_exchange.domain.errors import Halted, NeedsDecision
from family_exchange.stages import restore
from support.archiving import hub, kept
from support.council import COUNCIL, doors_of, recipient_server, rings
from support.register import Register

__all__ = ["hub", "kept", "recipient_server", "rings"]

TODAY = date(2026, 11, 22)


# --- the disk is lost --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    return drill.run(people=300, seed=1, today=TODAY, say=lambda _: None)


def test_everything_agrees_before_anybody_opens_the_council(report):
    assert [one for one in (*report.verified, *report.rehearsed, *report.agreement) if not one.good] == []
    assert {"audit", "vault", "destroyed", "returns", "register", "copy"} <= {one.what for one in report.agreement}


def test_nothing_runs_until_two_different_people_have_opened_it(report):
    assert "two people open it with `backup open`" in report.closed
    assert report.opened == (False, False, True)


@pytest.mark.requirement("R-111")
def test_who_was_destroyed_after_the_moment_does_not_come_back(report):
    assert report.destroyed
    assert report.told["destroyed_again"]["source_record"] == len(report.destroyed)
    assert report.back == ()


def test_files_that_came_after_the_moment_are_taken_up_again_and_the_register_is_as_if_nothing_had_happened(report):
    assert report.told["files_taken_up"]
    assert report.told["files_without_bytes"] == []
    assert report.after == report.before


def test_what_was_sent_after_the_moment_is_never_sent_with_other_bytes(report):
    assert report.told["returns_void"] == ["nis-2026-H1-v1"]  # assembled, signed and sent, and all of it lost
    assert report.returns == {
        "fpd-2026-H1-v1": "ACKNOWLEDGED",  # was sealed before: the recipient's receipt is found
        "nis-2026-H1-v1": "VOID",
        "nis-2026-H1-v2": "ACKNOWLEDGED",
    }
    assert set(report.sent.values()) == {1}
    assert len(report.sent) == 3


@pytest.mark.requirement("R-079")
def test_the_audit_is_whole_again_and_says_how_much_was_lost(report):
    assert report.whole
    assert report.told["known_events"] > report.told["last_event"] > 0


def test_the_drill_finds_everything_as_it_must_be(report):
    assert [name for name, good in report.found().items() if not good] == []


# --- one council of two ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def story(kept, hub, rings, recipient_server, tmp_path_factory):
    """A council with people, a backup, one more person, then somebody's mistake; beside it a council that works on."""
    state = tmp_path_factory.mktemp("fx") / "state"
    url = hub.server.create_database("one", "one")
    doors = doors_of(profiles.profile(COUNCIL), url, rings, recipient_server.endpoint, state)
    prepare(doors)
    other = psycopg.connect(hub.server.create_database("other", "other"), autocommit=True)
    other.execute("CREATE TABLE day (n int)")
    told = Story(doors, Register(url), hub, kept, other)
    told.person("before")
    told("prepare", "--to", str(kept.place), "--key", str(kept.place / "recovery.asc"))
    told("take", "--server-url", hub.copier)
    told.person("since")
    moment = told.now()
    told.person("too late")
    told.register.run("DELETE FROM memory.person_record")
    told.register.run("SELECT setval('exchange.file_number', 70000)")  # a flood of files that were never taken
    hub.hand_out(kept)
    other.execute("BEGIN; INSERT INTO day VALUES (1)")
    told.dies(moment)
    told.restored = json.loads(told.restore(moment).stdout)
    other.execute("INSERT INTO day VALUES (2); COMMIT")
    yield told
    other.close()


class Story:
    """The council, and its commands as a person types them."""

    def __init__(self, doors, register, hub, kept, other):
        self.doors, self.register, self.hub, self.kept, self.other = doors, register, hub, kept, other
        self.environment = settings.as_environment(doors.settings)

    def __call__(self, *words, ends=0):
        typed = ["backup", *words, "--council", COUNCIL]
        answer = CliRunner().invoke(application("backup"), typed, env=self.environment)
        if answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        assert answer.exit_code == ends, answer.output
        return answer

    def share_files(self, number):
        files = []
        for at, share in enumerate(self.kept.shares[:number]):
            file = self.doors.settings.state / f"share-{at}"
            file.write_text(share)
            files += ["--share", str(file)]
        return files

    def restore(self, moment, *, shares=2):
        said = ["--from", str(self.kept.place), "--key", str(self.kept.key), *self.share_files(shares)]
        said += ["--by", "it.security", "--superuser-url", self.hub.server.url("postgres"), "--json"]
        return self("restore", *said, *(["--to", moment.isoformat()] if moment else []))

    def dies(self, moment):
        """A restore whose process ends when the restored database has just got the council's name."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(restore, "prepare", killed)
            with pytest.raises(Killed):
                self.restore(moment)

    def person(self, note):
        self.register.record(self.register.person(), record_ref=note)
        with database.transaction(self.doors.settings.database) as connection:
            audit.append(connection, "test.happened", "a test", {"note": note})
            audit.checkpoint(connection, self.doors.checkpoints, self.doors.signing_key)

    def now(self):
        with database.transaction(self.doors.settings.database) as connection:
            return database.clock(connection)

    def people(self):
        found = self.register.run(
            "SELECT record_ref FROM register.source_record s JOIN register.person_record USING (source_record_id)"
        )
        return sorted(ref for (ref,) in found)


class Killed(BaseException):
    """What nobody catches."""


def killed(_doors):
    raise Killed


def test_the_council_is_as_it_was_at_the_moment(story):
    assert story.people() == ["before", "since"]


def test_the_other_council_never_noticed(story):
    assert story.other.execute("SELECT n FROM day ORDER BY 1").fetchall() == [(1,), (2,)]


def test_what_was_there_is_set_aside_out_of_the_councils_reach(story):
    aside, of_the_restore_that_died = story.restored["set_aside"]
    assert aside < of_the_restore_that_died
    with psycopg.connect(story.hub.server.url(aside)) as connection:
        assert connection.execute("SELECT count(*) FROM memory.person_record").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(story.doors.settings.database.rsplit("/", 1)[0] + f"/{aside}")


def test_no_file_gets_a_number_that_a_receipt_bears_already(story):
    assert story.register.value("SELECT nextval('exchange.file_number')") > 70000


def test_the_events_that_were_lost_are_listed_one_by_one(story):
    assert story.restored["lost"] == {"test.happened": 1}
    (listed,) = (story.doors.settings.state / "backups").glob("lost-*.jsonl")
    assert [json.loads(line)["body"] for line in listed.read_text().splitlines()] == [{"note": "too late"}]


def test_the_council_opens_when_two_people_say_so_and_the_audit_tells_of_it(story):
    with pytest.raises(Halted):
        _ = story.doors.database
    checked = json.loads(story("check", "--json").stdout)
    assert [one["what"] for one in checked if not one["good"]] == []
    story("open", "--by", "it.security", ends=1)
    story("open", "--by", " IT.Security ", ends=1)
    story("open", "--by", "programme.lead")
    with database.transaction(story.doors.database) as connection:
        assert audit.verify(connection, story.doors.checkpoints, story.doors.signing_key.public_key()).whole
    (opened,) = story.register.audited("council.opened")
    assert opened["by"] == ["it.security", "programme.lead"]
    (restored,) = story.register.audited("backup.restored")
    assert restored["known_events"] - restored["last_event"] == 1


def test_a_person_closes_it_at_once_and_what_does_not_agree_keeps_it_closed(story):
    story("close", "--by", "it.security", "--reason", "leak")
    with pytest.raises(Halted, match=r"\(leak\)"):
        _ = story.doors.database
    story.register.run("UPDATE exchange.file SET registered_at = NULL")
    answer = story("check", "--json", ends=1)
    assert [one["what"] for one in json.loads(answer.stdout) if not one["good"]] == ["register"]
    with pytest.raises(NeedsDecision, match="these do not agree: register"):
        story("open", "--by", "it.security")
    story("open", "--by", "it.security", "--although", ends=1)
    story("open", "--by", "programme.lead", "--although")
    assert story.doors.database


def test_a_moment_beyond_the_log_is_refused_and_the_council_stays_closed(story):
    with pytest.raises(NeedsDecision, match="the log of the database server ends before that moment"):
        story.restore(story.now().replace(year=2099))
    with pytest.raises(NeedsDecision, match="the restore did not come to its end"):
        story("check")


def test_what_broke_off_is_no_newer_backup(story):
    with pytest.raises(NeedsDecision, match="a restore is at work or broke off"):
        story("take", "--only-files")


def test_one_share_alone_restores_nothing(story):
    with pytest.raises(NeedsDecision, match="2 different shares are needed, and 1 came"):
        story.restore(None, shares=1)


def test_a_backup_is_listed_with_the_moment_from_which_it_restores(story):
    listed, *_ = json.loads(story("list", "--json").stdout)
    place, _ = backup_place.said(story.doors.settings.state, COUNCIL)
    assert listed["restores from"] == str(place.bases()[0].ended_at)
    assert json.loads((story.doors.settings.state / "backups" / "last.json").read_text())["backup"] == listed["backup"]


def test_a_log_with_a_hole_is_never_restored_as_if_it_ended_there(story):
    place, _ = backup_place.said(story.doors.settings.state, COUNCIL)
    piece = place.log / f"{place.manifests()[-1].base.first_piece}.pgp"
    piece.rename(place.root / piece.name)
    with pytest.raises(NeedsDecision, match=f"1 pieces of the server's log are missing or damaged, {piece.stem} first"):
        story.restore(None)
    (place.root / piece.name).rename(piece)
    assert story.restore(None)


def test_two_people_try_their_shares_without_restoring_anything(story):
    story.doors.vault.put(BytesIO(story.doors.openpgp.seal(b"a row", recipient=story.doors.settings.own_key)))
    story("take", "--only-files")
    answer = story("verify", "--json", "--key", str(story.kept.key), *story.share_files(2))
    assert {"keys", "sample"} <= {one["what"] for one in json.loads(answer.stdout) if one["good"]}
    with pytest.raises(NeedsDecision, match="2 different shares are needed, and 1 came"):
        story("verify", "--key", str(story.kept.key), *story.share_files(1))


def test_a_damaged_backup_is_noticed_without_restoring_it(story):
    assert story("verify").exit_code == 0
    place, _ = backup_place.said(story.doors.settings.state, COUNCIL)
    piece = place.log / f"{place.pieces()[-1]}.pgp"
    sealed = bytearray(piece.read_bytes())
    sealed[100] ^= 1  # another byte than was there, whatever was
    piece.write_bytes(sealed)
    answer = story("verify", "--json", ends=1)
    assert [one["what"] for one in json.loads(answer.stdout) if not one["good"]] == ["log"]
    keys = place.part(place.manifests()[-1].backup, "keys.pgp")
    keys.write_bytes(keys.read_bytes()[:-1])
    answer = story("verify", "--json", ends=1)
    assert {one["what"] for one in json.loads(answer.stdout) if not one["good"]} == {"log", "parts"}


def test_a_page_that_was_changed_is_not_ours(story):
    place, _ = backup_place.said(story.doors.settings.state, COUNCIL)
    page = place.manifests()[-1]
    forged = replace(page, events=page.events + 1)
    place.part(page.backup, "manifest.json").write_bytes(backup_place.backup.text(forged))
    answer = story("verify", "--json", ends=1)
    assert "signature" in {one["what"] for one in json.loads(answer.stdout) if not one["good"]}
