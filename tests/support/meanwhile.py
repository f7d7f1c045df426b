"""What another worker does between two statements of one question: always at the same place, without a clock."""

from time import monotonic, sleep

import psycopg
from psycopg import sql

SOON = 60
"""Seconds, for a machine that has much else to do."""


def happens(monkeypatch, event, *, before):
    """`event` is called once, right before the first statement that has these words in it is sent."""
    send, left = psycopg.Cursor.execute, [event]

    def sent(cursor, query, *arguments, **named):
        if left and before in _text(cursor, query):
            left.pop()()
        return send(cursor, query, *arguments, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", sent)


def until_somebody_waits(connection, *, sessions=1):
    """So many other sessions of the same database wait for a lock that somebody holds."""
    _until(connection, "NOT l.granted", lambda found: found >= sessions, "nobody waits for a lock")


def until_nobody_holds(connection):
    """The server has noticed the end of every worker that was killed: no advisory lock of this database is held."""
    _until(connection, "l.locktype = 'advisory'", lambda found: found == 0, "somebody still has a lock")


def _until(connection, which, enough, otherwise):
    asked = f"""SELECT count(DISTINCT pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE {which} AND a.datname = current_database()"""
    deadline = monotonic() + SOON
    while monotonic() < deadline:
        connection.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction the list stays what it was first
        (found,) = connection.execute(asked).fetchone()
        if enough(found):
            return
        sleep(0.01)
    raise AssertionError(otherwise)


def _text(cursor, query):
    if isinstance(query, sql.Composable):
        return query.as_string(cursor)
    return query if isinstance(query, str) else query.decode()
