"""Letters by Airflow's SMTP connection to a real server, and into a folder where there is none."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from family_exchange.adapters import database, outbox
from family_exchange.adapters.doors import make_secrets
from family_exchange.domain.errors import Busy, MissingSetting, NeedsDecision, TryLater
from family_exchange.domain.message import Message, Topic
from family_exchange.orchestration import mail
from support import mailserver
from support.council import council, recipient_server, rings
from support.meanwhile import until_nobody_holds

__all__ = ["council", "recipient_server", "rings"]

AT = datetime(2026, 12, 7, 12, tzinfo=UTC)
PROGRAMME, OPERATIONS = "programme@example.org", "operations@example.org"


@pytest.fixture
def mailbox():
    with mailserver.running() as mailbox:
        yield mailbox


@pytest.fixture
def connected(monkeypatch, mailbox):
    """Airflow knows the server."""

    def connect(**extra):
        plain = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, "from_email": "exchange@example.org"}
        plain["timeout"] = 300
        described = {"conn_type": "smtp", "host": "127.0.0.1", "port": mailbox.port, "extra": plain | extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_{mail.CONNECTION.upper()}", json.dumps(described))

    connect()
    return connect


@pytest.fixture(autouse=True)
def messages(council):
    """Two messages for one mailbox and one for another."""
    told = [(1, PROGRAMME), (2, PROGRAMME), (3, OPERATIONS)]
    said = [Message(f"c/{n}", Topic.OVERDUE, to, f"subject {n}", (f"<{n}> & more", "Ask.")) for n, to in told]
    with database.transaction(council.doors.database) as connection:
        outbox.write(connection, said, at=AT)


def unsent(council):
    with database.transaction(council.doors.database) as connection:
        return [batch.recipient for batch in outbox.unsent(connection)]


@pytest.mark.usefixtures("connected")
def test_each_mailbox_gets_one_letter_from_the_exchange(council, mailbox):
    assert mail.send(council.doors) == {"letters": 2, "messages": 3}
    first, second = mailbox.letters
    assert (first["To"], second["To"]) == (PROGRAMME, OPERATIONS)
    assert first["From"] == "exchange@example.org"
    assert first["Subject"].startswith(council.doors.profile.name)
    assert first["Auto-Submitted"] == "auto-generated"
    text = first.get_body().get_content()
    assert "&lt;1&gt; &amp; more" in text
    assert "&lt;2&gt;" in text
    assert unsent(council) == []
    assert mail.send(council.doors) == {"letters": 0, "messages": 0}


@pytest.mark.usefixtures("connected")
def test_a_letter_whose_sending_nobody_confirmed_comes_again_under_the_same_id(council, mailbox):
    mailbox.hang_up = True
    with pytest.raises(TryLater, match="mail server"):
        mail.send(council.doors)
    assert PROGRAMME in unsent(council)
    mailbox.hang_up = False
    mail.send(council.doors)
    ids = [letter["Message-ID"] for letter in mailbox.letters if letter["To"] == PROGRAMME]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert re.fullmatch(r"<c/1\+1@[a-z-]+\.family-exchange\.invalid>", ids[0])


@pytest.mark.usefixtures("connected")
def test_an_address_that_is_refused_is_for_a_person_and_keeps_no_other_letter_back(council, mailbox):
    mailbox.refused = {PROGRAMME}
    with pytest.raises(NeedsDecision, match="`mailboxes`") as error:
        mail.send(council.doors)
    assert PROGRAMME not in str(error.value)
    assert [letter["To"] for letter in mailbox.letters] == [OPERATIONS]
    assert unsent(council) == [PROGRAMME]


@pytest.mark.usefixtures("connected")
def test_a_sender_that_is_refused_is_for_a_person(council, mailbox):
    mailbox.unknown_sender = True
    with pytest.raises(NeedsDecision, match="from_email"):
        mail.send(council.doors)
    assert len(unsent(council)) == 2


@pytest.mark.usefixtures("connected")
def test_two_relays_do_not_send_at_once(council, mailbox, monkeypatch):
    with database.session(council.doors.database) as other, monkeypatch.context() as impatient:
        impatient.setattr(database, "MOMENT_SECONDS", 0.1)
        assert database.hold(other, outbox.LOCK, council.doors.profile.council)
        with pytest.raises(Busy, match="another worker"):
            mail.send(council.doors)
    assert mailbox.letters == []
    with council.register.open() as watching:
        until_nobody_holds(watching)
    assert mail.send(council.doors)["letters"] == 2


def test_a_server_that_is_away_is_asked_again_later(council, connected, mailbox):
    mailbox.port = 1
    connected()
    with pytest.raises(TryLater, match="mail server"):
        mail.send(council.doors)
    assert len(unsent(council)) == 2


def test_a_connection_without_a_sender_is_named(council, connected):
    connected(from_email="")
    with pytest.raises(MissingSetting, match=f"{mail.CONNECTION}.extra.from_email"):
        mail.send(council.doors)


def test_without_a_connection_letters_lie_in_the_councils_folder(council, tmp_path):
    doors = replace(council.doors, settings=replace(council.doors.settings, state=tmp_path / "state"))
    make_secrets(doors.settings.state)
    assert mail.send(doors) == {"letters": 2, "messages": 3}
    assert sorted(path.name for path in doors.outbox.iterdir()) == ["1.eml", "3.eml"]
    assert unsent(council) == []
