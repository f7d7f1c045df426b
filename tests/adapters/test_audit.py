import json

import psycopg
import pytest

from family_exchange.adapters import audit, database


@pytest.fixture
def key(tmp_path):
    return audit.make_signing_key(tmp_path)


@pytest.fixture
def chained(council_database):
    with database.transaction(council_database) as connection:
        for number in range(1, 6):
            audit.append(connection, "test.happened", "a test", {"number": number})
    return council_database


def verdict(url, folder, key):
    with database.transaction(url) as connection:
        return audit.verify(connection, folder, key.public_key())


def mark(url, folder, key):
    with database.transaction(url) as connection:
        return audit.checkpoint(connection, folder, key)


def as_superuser(server, url, *statements):
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


@pytest.mark.requirement("R-079")
def test_an_untouched_chain_is_whole(chained, tmp_path, key):
    mark(chained, tmp_path, key)
    found = verdict(chained, tmp_path, key)
    assert (found.whole, found.events, found.checkpoints) == (True, 5, 1)


@pytest.mark.requirement("R-079")
def test_events_that_are_written_while_the_chain_is_read_break_nothing(chained, tmp_path, key, monkeypatch):
    read = json.loads

    def meanwhile(text):
        with database.transaction(chained) as connection:
            audit.append(connection, "test.happened", "somebody else", {})
        return read(text)

    monkeypatch.setattr(audit.json, "loads", meanwhile)
    found = verdict(chained, tmp_path, key)
    assert (found.whole, found.events) == (True, 5)


@pytest.mark.requirement("R-079")
@pytest.mark.parametrize(
    ("sin", "broken_at"),
    [
        ("UPDATE audit.event SET actor = 'nobody' WHERE seq = 3", 3),
        ("UPDATE audit.event SET event = replace(event::text, '3', '3')::bytea || '\\x20' WHERE seq = 3", 3),
        ("DELETE FROM audit.event WHERE seq = 2", 2),
        ("DELETE FROM audit.event WHERE seq = 5", 4),
    ],
)
def test_a_changed_or_removed_event_is_named(server, chained, tmp_path, key, sin, broken_at):
    as_superuser(server, chained, sin)
    assert verdict(chained, tmp_path, key).broken_at == broken_at


@pytest.mark.requirement("R-079")
def test_a_tail_removed_with_its_head_is_seen_by_the_checkpoint(server, chained, tmp_path, key):
    mark(chained, tmp_path, key)
    as_superuser(
        server,
        chained,
        "DELETE FROM audit.event WHERE seq > 3",
        "UPDATE audit.head SET seq = 3, hash = (SELECT hash FROM audit.event WHERE seq = 3)",
    )
    found = verdict(chained, tmp_path, key)
    assert not found.whole
    assert "checkpoint" in found.why


def test_the_owner_cannot_change_an_event(chained):
    with (
        pytest.raises(database.DatabaseRefused, match="FX003"),
        database.transaction(chained) as connection,
    ):
        connection.execute("DELETE FROM audit.event WHERE seq = 1")


def test_a_rolled_back_effect_leaves_no_event(chained, tmp_path, key):
    with pytest.raises(ZeroDivisionError), database.transaction(chained) as connection:
        _ = audit.append(connection, "test.undone", "a test", {}) // 0
    assert verdict(chained, tmp_path, key).events == 5


def test_two_checkpoints_at_one_head_are_one(chained, tmp_path, key):
    assert mark(chained, tmp_path, key) == mark(chained, tmp_path, key)
    assert len((tmp_path / audit.CHECKPOINTS).read_text().splitlines()) == 1


def test_a_checkpoint_that_was_cut_off_raises_no_alarm(chained, tmp_path, key):
    mark(chained, tmp_path, key)
    with (tmp_path / audit.CHECKPOINTS).open("a") as log:
        log.write('{"seq": 5, "hash": "ab')  # the writer died here
    with database.transaction(chained) as connection:
        audit.append(connection, "test.more", "a test", {})
    mark(chained, tmp_path, key)
    assert verdict(chained, tmp_path, key).whole


# --- after a restore ---------------------------------------------------------------------------------------------


def restored_to(server, url, last):
    """The chain as it was at event `last`, as a restore would have it."""
    hash_of_last = f"(SELECT hash FROM audit.event WHERE seq = {last})"
    as_superuser(
        server,
        url,
        f"UPDATE audit.head SET seq = {last}, hash = {hash_of_last}",
        f"DELETE FROM audit.event WHERE seq > {last}",
    )


def head_of(url):
    with database.transaction(url) as connection:
        return connection.execute("SELECT encode(hash, 'hex') FROM audit.head").fetchone()[0]


@pytest.mark.requirement("R-079")
def test_a_restored_chain_is_broken_until_people_gave_the_lost_events_up(server, chained, tmp_path, key):
    mark(chained, tmp_path, key)
    restored_to(server, chained, 3)
    assert verdict(chained, tmp_path, key).broken_at == 5
    with database.transaction(chained) as connection:
        foreseen = audit.verify(connection, tmp_path, key.public_key(), given_up_after=3)
    assert foreseen.whole
    audit.give_up(tmp_path, key, 3, head_of(chained))
    audit.give_up(tmp_path, key, 3, head_of(chained))
    assert verdict(chained, tmp_path, key).whole
    assert audit.reached(tmp_path) == 3


def test_what_goes_missing_after_the_restore_is_noticed_as_ever(server, chained, tmp_path, key):
    mark(chained, tmp_path, key)
    restored_to(server, chained, 3)
    audit.give_up(tmp_path, key, 3, head_of(chained))
    with database.transaction(chained) as connection:
        audit.append(connection, "test.happened", "a test", {"number": 4})
    mark(chained, tmp_path, key)
    assert verdict(chained, tmp_path, key).whole
    restored_to(server, chained, 3)
    assert verdict(chained, tmp_path, key).broken_at == 4


def test_events_before_the_restored_moment_cannot_be_given_up(server, chained, tmp_path, key):
    mark(chained, tmp_path, key)
    restored_to(server, chained, 3)
    head = head_of(chained)
    restored_to(server, chained, 2)
    audit.give_up(tmp_path, key, 3, head)
    assert verdict(chained, tmp_path, key).broken_at == 5


def test_nobody_else_gives_events_up(server, chained, tmp_path, key):
    mark(chained, tmp_path, key)
    restored_to(server, chained, 3)
    audit.give_up(tmp_path, audit.make_signing_key(tmp_path / "another"), 3, head_of(chained))
    found = verdict(chained, tmp_path, key)
    assert (found.broken_at, found.why) == (3, "a checkpoint's signature is not ours")
