from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from family_exchange.adapters import database, letters, outbox
from family_exchange.domain.message import Message, Topic

AT = datetime(2026, 12, 7, 12, tzinfo=UTC)


def a_message(key="halton/police/incidents/2026-12-07/overdue", recipient="data@halton.example.org", **changes):
    said = {"topic": Topic.OVERDUE, "subject": f"about {key}", "lines": ("It is late.", "Ask for it.")}
    return Message(key=key, recipient=recipient, **said | changes)


@pytest.fixture
def connection(council_database):
    with database.transaction(council_database) as connection:
        yield connection


def test_the_same_key_is_written_once(connection):
    assert outbox.write(connection, [a_message(), a_message()], at=AT) == [a_message().key]
    assert outbox.write(connection, [a_message(subject="in other words")], at=AT + timedelta(hours=1)) == []
    (batch,) = outbox.unsent(connection)
    assert batch.messages == (a_message(),)


def test_what_one_recipient_is_told_at_one_moment_is_one_batch(connection):
    outbox.write(connection, [a_message("c/1"), a_message("c/2"), a_message("c/3", "other@example.org")], at=AT)
    outbox.write(connection, [a_message("c/4")], at=AT + timedelta(minutes=15))
    batches = outbox.unsent(connection)
    assert [[each.key for each in batch.messages] for batch in batches] == [["c/1", "c/2"], ["c/3"], ["c/4"]]


def test_what_is_sent_does_not_come_again(connection):
    outbox.write(connection, [a_message("c/1"), a_message("c/2", "other@example.org")], at=AT)
    first, second = outbox.unsent(connection)
    outbox.mark_sent(connection, first.numbers)
    assert outbox.unsent(connection) == [second]


def test_of_what_is_sent_only_what_it_was_about_is_kept(connection):
    outbox.write(connection, [a_message("c/1")], at=AT)
    (batch,) = outbox.unsent(connection)
    outbox.mark_sent(connection, batch.numbers)
    assert connection.execute("SELECT key, topic, body::text FROM exchange.outbox").fetchall() == [
        ("c/1", "overdue", "{}")
    ]
    assert outbox.write(connection, [a_message("c/1")], at=AT) == []


def test_a_message_that_is_rolled_back_was_never_written(council_database):
    with pytest.raises(ZeroDivisionError), database.transaction(council_database) as connection:
        _ = len(outbox.write(connection, [a_message()], at=AT)) // 0
    with database.transaction(council_database) as connection:
        assert outbox.unsent(connection) == []


def test_a_letter_says_everything_of_its_batch_and_has_one_identity(connection):
    outbox.write(connection, [a_message("halton/a/b"), a_message("halton/c")], at=AT)
    (batch,) = outbox.unsent(connection)
    mail = letters.letter(batch, council="halton", name="Halton Borough Council")
    assert mail["Message-ID"] == "<halton/a/b+1@halton.family-exchange.invalid>"
    assert mail["Message-ID"] == letters.letter(batch, council="halton", name="another")["Message-ID"]
    assert mail["Subject"] == "Halton Borough Council: about halton/a/b, and 1 more"
    assert mail["To"] == "data@halton.example.org"
    assert mail.get_content().count("Ask for it.") == 2


def test_letters_for_a_folder_are_whole_files_and_a_copy_takes_the_place_of_the_first(connection, tmp_path):
    outbox.write(connection, [a_message("c/1"), a_message("c/2", "other@example.org")], at=AT)
    carry = letters.into_folder(tmp_path / "outbox")
    for _ in range(2):
        for batch in outbox.unsent(connection):
            carry(batch.numbers[0], letters.letter(batch, council="c", name="C"))
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == ["1.eml", "2.eml"]
    read = message_from_bytes((tmp_path / "outbox" / "2.eml").read_bytes(), policy=policy.default)
    assert read["To"] == "other@example.org"
    assert "Ask for it." in read.get_content()
