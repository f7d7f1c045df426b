"""The file that did not come, and whatever else needs a person, on a real database, a real server and a real chain."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Event

import psycopg
import pytest

from family_exchange.adapters import audit, database, letters, outbox
from family_exchange.domain.backup import KEPT
from family_exchange.domain.calendar import State
from family_exchange.domain.errors import Halted, TryLater
from family_exchange.domain.message import Topic
from family_exchange.stages import programme, tell, watch
from support.calendars import london
from support.watched import every_partner_can_send

BEFORE = london(2026, 12, 6, 13)
"""The police file of November is due on Monday 7 December at noon, and nothing has come: late soon."""
AFTER = london(2026, 12, 9, 13)
"""Its days of grace are over."""


@pytest.fixture(autouse=True)
def keys(council):
    """Every partner has been able to send since 20 November, and for a long while."""
    every_partner_can_send(council)


def a_file(council, *, partner="police", feed="police_incidents", seen_at=None, **columns):
    """A file in the ledger, as intake leaves it; its id."""
    usual = {"state": "CLOSED", "verdict": "accepted", "as_of": date(2026, 11, 30), "name_bytes": b"a", "size": 1}
    place = {"partner": partner, "feed": feed, "modified_at": 1, "seen_at": seen_at or london(2026, 12, 3)}
    said = usual | place | columns
    marks = ", ".join(["%s"] * len(said))
    with database.transaction(council.doors.database) as connection:
        row = connection.execute(
            f"INSERT INTO exchange.file ({', '.join(said)}) VALUES ({marks}) RETURNING file_id", list(said.values())
        ).fetchone()
    return row[0]


def written(council):
    """Every message in the outbox."""
    with database.transaction(council.doors.database) as connection:
        return [each for batch in outbox.unsent(connection) for each in batch.messages]


def about(council, topic):
    return [each for each in written(council) if each.topic is topic]


def police(council, topic):
    return [each for each in about(council, topic) if each.key.split("/")[1] == "police"]


def test_a_file_that_has_not_come_is_told_before_its_deadline_once_and_after_it_once(council):
    for minutes in (0, 15, 30):
        watch.look(council.doors, at=BEFORE + timedelta(minutes=minutes))
    (early,) = police(council, Topic.LATE_SOON)
    assert police(council, Topic.OVERDUE) == []
    for minutes in (0, 15, 30):
        watch.look(council.doors, at=AFTER + timedelta(minutes=minutes))
    (late,) = police(council, Topic.OVERDUE)
    assert police(council, Topic.LATE_SOON) == [early]
    assert early.key.endswith("/police/police_incidents/2026-12-07/late_soon")
    assert late.recipient == council.doors.profile.mailboxes["programme"].email


def test_a_warning_says_since_when_what_will_be_missing_and_what_to_do(council):
    watch.look(council.doors, at=AFTER)
    (late,) = police(council, Topic.OVERDUE)
    said = " ".join(late.lines)
    assert "was expected by Monday 7 December 2026, 12:00 and is overdue since Wednesday 9 December 2026, 12:00" in said
    assert "It usually comes by Sunday 6 December 2026, 12:00 (assumed" in said
    assert "fpd incidents; fpd da_incidents" in said
    assert "P1 " in said
    assert "arrears" not in said
    assert "Ask the partner for it." in late.lines[-1]


def test_without_a_framework_for_the_day_only_fields_of_returns_are_named(council):
    profile = council.doors.profile
    later = tuple(each.model_copy(update={"valid_from": date(2030, 1, 1)}) for each in profile.frameworks)
    watch.look(replace(council.doors, profile=profile.model_copy(update={"frameworks": later})), at=AFTER)
    (late,) = police(council, Topic.OVERDUE)
    assert "Not received without it: fpd incidents; fpd da_incidents." in late.lines


def test_a_file_that_came_is_not_missed(council):
    a_file(council)
    watch.look(council.doors, at=AFTER)
    assert police(council, Topic.OVERDUE) == []
    assert {each.key.split("/")[1] for each in about(council, Topic.OVERDUE)} == {"childrens-services"}


@pytest.mark.parametrize(
    "columns",
    [{"state": "QUARANTINED", "reason": "UNSIGNED", "verdict": None}, {"state": "REJECTED", "reason": "NAME"}],
)
def test_a_file_that_was_refused_as_a_whole_has_not_come_and_the_warning_says_why(council, columns):
    a_file(council, **columns)
    watch.look(council.doors, at=AFTER)
    (late,) = police(council, Topic.OVERDUE)
    assert f"A file came, but was refused: {columns['reason']}." in " ".join(late.lines)


@pytest.mark.parametrize("state", ["DUPLICATE", "SUPERSEDED", "GONE"])
def test_a_file_that_brought_nothing_new_has_not_come(council, state):
    a_file(council, state=state, verdict=None)
    watch.look(council.doors, at=AFTER)
    assert len(police(council, Topic.OVERDUE)) == 1


def test_a_file_on_its_way_has_come_unless_it_is_stuck(council):
    lying = a_file(council, state="SEEN", verdict=None, as_of=None, seen_at=AFTER - timedelta(hours=3))
    watch.look(council.doors, at=AFTER)
    assert police(council, Topic.OVERDUE) == []
    assert about(council, Topic.WAITING) == []
    watch.look(council.doors, at=AFTER + timedelta(hours=22))
    assert len(police(council, Topic.OVERDUE)) == 1
    (waiting,) = about(council, Topic.WAITING)
    assert lying in waiting.lines[0]
    assert waiting.recipient == council.doors.profile.mailboxes["operations"].email


def test_many_stuck_files_of_a_feed_are_one_message(council):
    for _ in range(30):
        a_file(council, state="AUTHENTIC", verdict=None, seen_at=london(2026, 12, 1))
    watch.look(council.doors, at=AFTER)
    (waiting,) = about(council, Topic.WAITING)
    assert "30 files" in waiting.lines[0]


UNLIKE = (
    "INSERT INTO exchange.finding (file_id, finding_no, row_no, column_name, rule, severity) "
    "VALUES (%s, 1, NULL, '', 'SHAPE-001', 'error')"
)
ONE_VOICE = (
    "INSERT INTO exchange.file_decision (file_id, epoch, action, decided_by, reason) "
    "VALUES (%s, 0, 'release', 'one', 'partner_confirmed')"
)


@pytest.mark.parametrize(
    ("reason", "because"),
    [("CONFLICT", None), ("CONTENT", UNLIKE), ("STALE", ONE_VOICE)],
    ids=["contradicts another", "unlike the others", "one person has spoken"],
)
def test_a_file_that_waits_for_two_people_is_told_once_to_who_chases_it(council, reason, because):
    held = a_file(council, state="QUARANTINED", reason=reason, verdict=None)
    if because:
        with database.transaction(council.doors.database) as connection:
            connection.execute(because, (held,))
    for days in (0, 2):
        watch.look(council.doors, at=AFTER + timedelta(days=days))
    (said,) = about(council, Topic.HELD)
    assert held in said.lines[0]
    assert said.recipient == council.doors.profile.mailboxes["programme"].email


def test_a_refused_file_waits_for_its_partner_and_for_nobody_here(council):
    for reason in ("UNSIGNED", "CONTENT", "STALE"):
        a_file(council, state="QUARANTINED", reason=reason, verdict=None)
    watch.look(council.doors, at=AFTER)
    assert about(council, Topic.HELD) == []


def test_before_a_partner_had_a_key_nothing_was_expected_of_it(council):
    watch.look(council.doors, at=london(2026, 11, 21))
    assert about(council, Topic.OVERDUE) == []
    with database.transaction(council.doors.database) as connection:
        connection.execute("UPDATE exchange.partner_key SET approved_by = NULL WHERE partner = 'police'")
    watch.look(council.doors, at=london(2026, 11, 21))
    (said,) = about(council, Topic.OVERDUE)
    assert said.key.endswith("/police/police_incidents/2026-11-06/overdue"), "agreed since April, and never connected"


def paused(council, partner):
    """The same council, where nothing of that partner is connected."""
    profile = council.doors.profile
    partners = tuple(
        each.model_copy(
            update={"calendars": {f: c.model_copy(update={"active": False}) for f, c in each.calendars.items()}}
        )
        if each.slug == partner
        else each
        for each in profile.partners
    )
    return replace(council.doors, profile=profile.model_copy(update={"partners": partners}))


def test_an_inactive_feed_stays_silent(council):
    watch.look(paused(council, "police"), at=AFTER)
    assert not [each for each in written(council) if "/police/" in each.key]
    assert about(council, Topic.OVERDUE)


def test_the_usual_hour_is_learned_and_moves_the_warning(council):
    for month in range(5, 12):
        seen = london(2026, month, 3, 9)
        a_file(council, seen_at=seen, as_of=date(2026, month, 1) - timedelta(days=1))
    found = watch.survey(council.doors, at=london(2026, 12, 3, 8))
    standing = next(
        e.standing for e in found.feeds if e.partner.slug == "police" and e.standing.expected.due_on > date(2026, 12, 1)
    )
    assert standing.learned_from == 7
    assert standing.usual_at < london(2026, 12, 7, 12)
    assert standing.state is State.EXPECTED


def test_one_run_tells_each_contact_in_one_letter(council, tmp_path):
    a_file(council, state="AUTHENTIC", verdict=None, seen_at=london(2026, 12, 1))
    watch.look(council.doors, at=AFTER)
    said, folder = written(council), tmp_path / "outbox"
    assert len(said) > len({each.recipient for each in said}) == 2
    assert tell.people(council.doors, letters.into_folder(folder)) == {"letters": 2, "messages": len(said)}
    assert len(list(folder.iterdir())) == 2
    assert tell.people(council.doors, letters.into_folder(folder)) == {"letters": 0, "messages": 0}


def test_no_file_name_and_no_value_is_in_a_message(council):
    a_file(council, state="SEEN", verdict=None, seen_at=london(2026, 12, 1), name_bytes=b"Canary_Smith_1999.csv.pgp")
    watch.look(council.doors, at=AFTER)
    assert "Canary" not in str(written(council))


def test_a_letter_that_cannot_be_sent_keeps_no_other_back_and_comes_again(council):
    a_file(council, state="AUTHENTIC", verdict=None, seen_at=london(2026, 12, 1))
    watch.look(council.doors, at=AFTER)
    first = written(council)[0].recipient
    taken, again = [], []

    def carry(_, mail):
        if mail["To"] == first:
            raise TryLater("the server is away")
        taken.append(mail["To"])

    with pytest.raises(TryLater, match="away"):
        tell.people(council.doors, carry)
    assert taken == [council.doors.profile.mailboxes["operations"].email]
    assert {each.recipient for each in written(council)} == {first}
    tell.people(council.doors, lambda _, mail: again.append(mail["To"]))
    assert again == [first]


def test_a_database_that_a_restore_set_aside_is_told_of_when_it_lies_there_for_too_long(council, server):
    own = council.register.value("SELECT current_database()")
    since = AFTER - KEPT - timedelta(hours=1)
    old, new = f"{own}_{since:%Y%m%d%H%M%S}", f"{own}_{AFTER - timedelta(days=1):%Y%m%d%H%M%S}"
    anothers = f"{own}x_{since:%Y%m%d%H%M%S}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for name in (old, new, anothers):
            connection.execute(f"CREATE DATABASE {name}")
        try:
            watch.look(council.doors, at=AFTER)
            watch.look(council.doors, at=AFTER + timedelta(hours=1))
        finally:
            for name in (old, new, anothers):
                connection.execute(f"DROP DATABASE {name}")
    (said,) = about(council, Topic.SET_ASIDE)
    assert f"`dropdb {old}`" in said.lines[-1]
    assert new not in " ".join(said.lines)


@pytest.mark.requirement("R-023")
def test_what_is_missing_in_the_support_of_families_is_told_in_numbers_once_a_week(council):
    register = council.register
    person = register.person()
    family = register.supported(person)
    for days in range(3):
        watch.look(council.doors, at=AFTER + timedelta(days))
    (said,) = about(council, Topic.SUPPORT)
    assert said.recipient == council.doors.profile.mailboxes["programme"].email
    assert said.lines[0].endswith("no lead worker: 1, nobody said whether a member is in the plan: 1.")
    assert "family exceptions" in said.lines[-1]
    assert not {family, person} & set(" ".join(said.lines).split())
    watch.look(council.doors, at=AFTER + timedelta(days=7))
    assert len(about(council, Topic.SUPPORT)) == 2
    on, who = AFTER.date(), {"by": "Manager B", "today": AFTER.date()}
    programme.lead(council.doors, family, name="Worker W", organisation="Early Help", on=on, **who)
    programme.plan(council.doors, family, inside=[person], on=on, **who)
    watch.look(council.doors, at=AFTER + timedelta(days=14))
    assert len(about(council, Topic.SUPPORT)) == 2


def test_a_return_without_a_receipt_is_told_after_a_day(council):
    with database.transaction(council.doors.database) as connection:
        connection.execute(
            """INSERT INTO returns.return (return_id, code, period, version, fields, as_known_at, rights_epoch, state,
                                           sent_at)
               VALUES ('fpd-2026-H1-v1', 'fpd', '2026-H1', 1, '{la_code}', now(), 0, 'DELIVERED', %s)""",
            (AFTER - timedelta(hours=23),),
        )
    watch.look(council.doors, at=AFTER)
    assert about(council, Topic.NO_RECEIPT) == []
    watch.look(council.doors, at=AFTER + timedelta(hours=1))
    (said,) = about(council, Topic.NO_RECEIPT)
    assert "fpd-2026-H1-v1" in said.subject


@pytest.mark.parametrize(
    ("day", "steps"),
    [
        (date(2027, 12, 31), []),
        (date(2028, 1, 1), ["90"]),
        (date(2028, 3, 10), ["30"]),
        (date(2028, 3, 30), ["1"]),
        (date(2028, 4, 1), ["0"]),
    ],
)
def test_the_end_of_an_agreement_is_counted_down(council, day, steps):
    watch.look(council.doors, at=london(day.year, day.month, day.day, 12))
    assert [each.key.rpartition("/")[2] for each in police(council, Topic.AGREEMENT_ENDS)] == steps


@pytest.mark.parametrize(
    ("days", "steps"),
    [
        ([91], []),
        ([90, 60], ["90"]),
        ([89, 30, 29], ["90", "30"]),
        ([14, 7, 2, 1, 0], ["14", "7", "1"]),
        ([-1, -2], ["0"]),
    ],
)
def test_the_end_of_a_key_is_counted_down_and_each_step_said_once(council, days, steps):
    ends = date(2036, 11, 20)
    for left in days:
        day = ends - timedelta(days=left)
        watch.look(council.doors, at=london(day.year, day.month, day.day, 12))
    said = [each for each in about(council, Topic.KEY_ENDS) if "KEYpolice" in each.key]
    assert [each.key.rpartition("/")[2] for each in said] == steps
    assert all(each.recipient == council.doors.profile.mailboxes["programme"].email for each in said)


def test_a_revoked_key_is_not_counted_down_and_neither_is_one_of_a_partner_that_sends_nothing(council):
    with database.transaction(council.doors.database) as connection:
        connection.execute("UPDATE exchange.partner_key SET revoked_at = now() WHERE partner = 'schools'")
    watch.look(paused(council, "police"), at=london(2036, 11, 10))
    told = " ".join(each.key for each in about(council, Topic.KEY_ENDS))
    assert "KEYhousing" in told
    assert "KEYschools" not in told
    assert "KEYpolice" not in told


def test_after_its_agreement_has_ended_nothing_is_expected_of_a_partner(council):
    found = watch.survey(council.doors, at=london(2028, 5, 20))
    assert all(each.standing.expected.due_on <= date(2028, 3, 31) for each in found.feeds)


def test_school_terms_that_run_out_are_asked_for_in_time(council):
    last = council.doors.profile.school_terms.value[-1].ends
    early, near = (datetime.combine(last, datetime.min.time()) - timedelta(days=days) for days in (61, 59))
    watch.look(council.doors, at=london(early.year, early.month, early.day, 12))
    assert about(council, Topic.TERMS_END) == []
    watch.look(council.doors, at=london(near.year, near.month, near.day, 12))
    assert len(about(council, Topic.TERMS_END)) == 1


def test_a_server_that_does_not_answer_is_told_once_a_day_and_one_that_does_is_not(council):
    watch.look(council.doors, at=BEFORE)
    assert about(council, Topic.ENDPOINT) == []
    closed = replace(council.doors.settings.drop_zone, port=1)
    doors = replace(council.doors, settings=replace(council.doors.settings, drop_zone=closed))
    for minutes in (0, 15):
        watch.look(doors, at=BEFORE + timedelta(minutes=minutes))
    (said,) = about(council, Topic.ENDPOINT)
    assert said.subject == "the drop zone does not serve us"


def test_a_server_with_another_host_key_is_told_and_never_logged_in_to(council):
    stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5cm0iSTGLW9yEzmVqGVpSZ0LnUqEUbQtnBZ4wWRjV8"
    other = replace(council.doors.settings.recipient, host_key=stranger)
    doors = replace(council.doors, settings=replace(council.doors.settings, recipient=other))
    watch.look(doors, at=BEFORE)
    (said,) = about(council, Topic.ENDPOINT)
    assert said.subject == "the recipient does not serve us"
    assert "pinned" in said.lines[0]


def test_a_look_signs_a_checkpoint_and_the_chain_holds(council):
    watch.look(council.doors, at=BEFORE)
    assert watch.guard(council.doors) == {"events": 1, "checkpoints": 1}
    watch.look(council.doors, at=BEFORE)
    assert watch.guard(council.doors) == {"events": 1, "checkpoints": 1}


def test_a_broken_chain_stops_with_a_red_task_is_told_once_and_gets_no_checkpoint(council, server):
    watch.look(council.doors, at=BEFORE)
    name = council.doors.database.rsplit("/", 1)[1]
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit.event SET actor = 'nobody' WHERE seq = 1")
    with pytest.raises(Halted, match=r"event 1.*runbook"):
        watch.guard(council.doors)
    for minutes in (15, 30):
        watch.look(council.doors, at=BEFORE + timedelta(minutes=minutes))
    (said,) = about(council, Topic.AUDIT)
    assert "event 1" in said.lines[0]
    assert len((council.doors.checkpoints / audit.CHECKPOINTS).read_text().splitlines()) == 1


def test_ten_lookers_at_once_say_each_thing_once(council):
    with ThreadPoolExecutor(10) as pool:
        counts = list(pool.map(lambda _: watch.look(council.doors, at=AFTER)["new_messages"], range(10)))
    assert sum(counts) == len(written(council)) == len({each.key for each in written(council)}) > 0
    assert watch.guard(council.doors)["events"] == sum(1 for count in counts if count)


def test_a_chain_that_grows_while_it_is_verified_is_whole(council):
    growing = Event()

    def grow():
        while not growing.is_set():
            with database.transaction(council.doors.database) as connection:
                audit.append(connection, "test.happened", "a test", {})
            with database.transaction(council.doors.database) as connection:
                audit.checkpoint(connection, council.doors.checkpoints, council.doors.signing_key)

    with ThreadPoolExecutor(1) as pool:
        grown = pool.submit(grow)
        try:
            seen = []
            while len(seen) < 25 or len(set(seen)) < 3:  # the chain must have grown meanwhile
                seen.append(watch.guard(council.doors)["events"])
                assert not grown.done(), grown.result()
        finally:
            growing.set()
        grown.result()
    assert seen == sorted(seen)


def test_a_survey_writes_nothing(council):
    found = watch.survey(council.doors, at=AFTER)
    assert found.in_state(State.OVERDUE)
    assert list(watch.messages(council.doors, found, at=AFTER))
    assert written(council) == []
    assert watch.guard(council.doors)["events"] == 0


def test_a_looking_that_is_rolled_back_told_nobody_and_says_it_the_next_time(council):
    url = council.doors.database
    with database.transaction(url) as connection:
        connection.execute("ALTER TABLE audit.head RENAME TO hidden")
    with pytest.raises(database.DatabaseRefused):
        watch.look(council.doors, at=AFTER)
    with database.transaction(url) as connection:
        connection.execute("ALTER TABLE audit.hidden RENAME TO head")
    assert written(council) == []
    watch.look(council.doors, at=AFTER)
    assert police(council, Topic.OVERDUE)
