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
    _until(connection, "EXISTS", "NOT l.granted", "nobody waits for a lock")


def until_nobody_holds(connection):
    """The server has noticed the end of every worker that was killed: no advisory lock of this database is held."""
    _until(connection, "NOT EXISTS", "l.locktype = 'advisory'", "somebody still has a lock")


def _until(connection, how, which, otherwise):
    asked = f"""SELECT {how} (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                               WHERE {which} AND a.datname = current_database())"""
    for _ in range(SOON):
        (found,) = connection.execute(asked).fetchone()
        if found:
            return
        sleep(0.01)
    raise AssertionError(otherwise)


def _text(cursor, query):
    if isinstance(query, sql.Composable):
        return query.as_string(cursor)
    return query if isinstance(query, str) else query.decode()
