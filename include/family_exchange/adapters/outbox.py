"""The outbox: messages written in the transaction of what they tell of, and sent later, at least once."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from family_exchange.adapters.database import Connection
from family_exchange.domain.message import Message, Topic

LOCK = 47
"""Namespace of the advisory lock that lets one relay at a time send a council's messages."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages for one recipient that were written at one moment; they are sent as one."""

    recipient: str
    written_at: datetime
    numbers: tuple[int, ...]
    messages: tuple[Message, ...]


def write(connection: Connection, messages: Iterable[Message], *, at: datetime) -> list[str]:
    """The keys that are new; what was written before under the same key stays as it is.

    The messages of one call that go to one recipient become one e-mail.
    """
    written = []
    for message in messages:
        body = json.dumps({"subject": message.subject, "lines": list(message.lines)})
        done = connection.execute(
            """INSERT INTO exchange.outbox (key, topic, recipient, body, written_at)
               VALUES (%s, %s, %s, %s::jsonb, %s) ON CONFLICT (key) DO NOTHING""",
            (message.key, message.topic, message.recipient, body, at),
        )
        if done.rowcount:
            written.append(message.key)
    return written


def unsent(connection: Connection) -> list[Batch]:
    """What was not sent yet, oldest first; a batch that was sent in vain before comes again just the same."""
    rows = connection.execute(
        """SELECT recipient, written_at, array_agg(message_no ORDER BY message_no),
                  jsonb_agg(jsonb_build_object('key', key, 'topic', topic) || body ORDER BY message_no)
             FROM exchange.outbox WHERE sent_at IS NULL
            GROUP BY recipient, written_at ORDER BY min(message_no)"""
    )
    return [
        Batch(
            recipient,
            written_at,
            tuple(numbers),
            tuple(
                Message(each["key"], Topic(each["topic"]), recipient, each["subject"], tuple(each["lines"]))
                for each in bodies
            ),
        )
        for recipient, written_at, numbers, bodies in rows
    ]


def mark_sent(connection: Connection, numbers: Sequence[int]) -> None:
    """The messages are sent, and their words are gone; what they were about stays, so that nothing is said twice.

    A second run keeps the first moment.
    """
    connection.execute(
        """UPDATE exchange.outbox SET sent_at = clock_timestamp(), body = '{}'
            WHERE message_no = ANY(%s) AND sent_at IS NULL""",
        (list(numbers),),
    )
