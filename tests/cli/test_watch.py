"""`family-exchange watch`, as a person types it."""

import json

import pytest

from family_exchange.adapters import database, outbox
from support.council import council, recipient_server, rings
from support.watched import asking, every_partner_can_send

__all__ = ["council", "recipient_server", "rings"]


@pytest.fixture
def asked(council):
    """Ask with these words about the council."""
    return asking(council, "watch")


@pytest.fixture
def connected(council):
    """Every partner can send since 20 November 2026."""
    every_partner_can_send(council)


def unsent(council):
    with database.transaction(council.doors.database) as connection:
        return outbox.unsent(connection)


@pytest.mark.usefixtures("connected")
def test_an_overdue_file_ends_with_1_and_says_what_to_do_and_nobody_is_told(asked, council):
    answer = asked("--at", "2026-12-09T12:00", "--json")
    assert answer.returncode == 1, answer.stderr
    said = json.loads(answer.stdout)
    assert said["at"] == "2026-12-09T12:00:00+00:00"
    overdue = {(file["partner"], file["feed"]) for file in said["files"] if file["state"] == "overdue"}
    assert ("police", "police_incidents") in overdue
    assert all(message["lines"][-1].startswith("Ask the partner") for message in said["messages"])
    assert unsent(council) == []


@pytest.mark.usefixtures("connected")
def test_an_hour_before_nothing_is_overdue(asked):
    answer = asked("--at", "2026-12-05T11:00")
    assert answer.returncode == 0, answer.stderr
    assert "late soon" in answer.stdout
    assert "has not come yet" in answer.stdout


def test_people_are_told_once_in_the_councils_folder(asked, council):
    for _ in range(2):
        assert asked("--tell").returncode == 1, "agreed since April, and no partner has a key"
    (letter,) = council.doors.outbox.iterdir()
    assert letter.suffix == ".eml"
    assert unsent(council) == []


@pytest.mark.parametrize("words", [("--at", "yesterday"), ("--at", "2026-12-09", "--tell")])
def test_what_cannot_be_done_is_one_clear_line(asked, words):
    answer = asked(*words)
    assert answer.returncode == 2
    assert "--at" in answer.stderr
    assert "Traceback" not in answer.stderr
