"""What another worker does between two statements of one question: always at the same place, without a clock."""

from time import sleep

import psycopg
from psycopg import sql

SOON = 500
"""Looks, a hundredth of a second apart."""


def happens(monkeypatch, event, *, before):
    """`event` is called once, right before the first statement that has these words in it is sent."""
    send, left = psycopg.Cursor.execute, [event]

    def sent(cursor, query, *arguments, **named):
        if left and before in _text(cursor, query):
            left.pop()()
        return send(cursor, query, *arguments, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", sent)


def until_somebody_waits(connection):
    """Another session of the same database waits for a lock that somebody holds."""
    for _ in range(SOON):
        (waits,) = connection.execute(
            """SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                               WHERE NOT l.granted AND a.datname = current_database())"""
        ).fetchone()
        if waits:
            return
        sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def _text(cursor, query):
    if isinstance(query, sql.Composable):
        return query.as_string(cursor)
    return query if isinstance(query, str) else query.decode()
