from datetime import UTC, datetime, timedelta

import pytest
from psycopg import sql

from family_exchange.adapters import memory
from family_exchange.adapters.database import DatabaseRefused
from family_exchange.domain.errors import Busy
from support.register import TODAY, Register


@pytest.fixture
def register(council_database):
    return Register(council_database)


def believed(connection, *members):
    connection.execute("DROP TABLE IF EXISTS believed")
    connection.execute(
        """CREATE TEMP TABLE believed (family_id text, person_id text, from_on date, to_on date, role text,
                                       resident boolean) ON COMMIT DROP"""
    )
    for member in members:
        connection.execute("INSERT INTO believed VALUES (%s, %s, %s, NULL, %s, true)", member)


def reconciled(register, *members, **scope):
    with register.open() as connection:
        believed(connection, *members)
        done = memory.reconcile(connection, memory.FAMILY_MEMBER, "believed", **scope)
    return done.added, done.closed


def members(register, at=None):
    with register.open() as connection:
        memory.as_known(connection, at)
        return connection.execute("SELECT person_id, role FROM register.family_member ORDER BY 1").fetchall()


def test_what_is_believed_again_stays_what_is_not_is_closed_and_what_is_new_is_added(register):
    a, b = register.person(), register.person()
    family = register.family()
    assert reconciled(register, (family, a, TODAY, "adult")) == (1, 0)
    assert reconciled(register, (family, a, TODAY, "adult")) == (0, 0)
    before = datetime.now(UTC)
    assert reconciled(register, (family, a, TODAY, "child"), (family, b, TODAY, "adult")) == (2, 1)
    assert members(register) == [(a, "child"), (b, "adult")]
    assert members(register, before) == [(a, "adult")]
    assert members(register, before - timedelta(days=1)) == []


def test_what_lies_outside_the_scope_is_left_alone(register):
    a, b = register.person(), register.person()
    register.family(a, b)
    others = sql.SQL("t.person_id <> {}").format(sql.Literal(a))
    assert reconciled(register, within=others) == (0, 1)
    assert members(register) == [(a, "adult")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE memory.family_member SET role = 'child'",
        "UPDATE memory.family_member SET recorded = tstzrange(lower(recorded) - interval '1 day', now())",
        "UPDATE memory.source_record SET surname = 'Other'",
    ],
)
def test_nothing_that_is_remembered_can_be_changed(register, change):
    person = register.person()
    register.record(person)
    register.family(person)
    with pytest.raises(DatabaseRefused, match="FX003"):
        register.run(change)


def test_what_was_closed_stays_closed(register):
    register.family(register.person())
    close = "UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())"
    assert register.run(close) == 1
    with pytest.raises(DatabaseRefused, match="FX003"):
        register.run(close)


def test_two_versions_of_one_membership_are_never_true_at_once(register):
    person = register.person()
    family = register.family(person)
    with pytest.raises(DatabaseRefused, match="ex_family_member_one_at_a_time"):
        register.member(family, person, from_on=TODAY)
    register.run("UPDATE memory.family_member SET recorded = tstzrange(lower(recorded), clock_timestamp())")
    register.member(family, person, from_on=TODAY)


def test_a_record_has_one_person_at_a_time(register):
    a, b = register.person(), register.person()
    record = register.record(a)
    insert = "INSERT INTO memory.person_record (source_record_id, person_id, how) VALUES (%s, %s, 'new')"
    with pytest.raises(Busy):
        register.run(insert, record, b)


def test_what_is_due_is_taken_once_and_only_if_the_work_is_kept(register):
    with register.open() as connection:
        assert memory.take_due(connection, "families") == {memory.EVERYTHING}, "a new register has everything to do"
        memory.touch(connection, ["P1", "P2"])
        memory.touch(connection, ["P2"])

    def killed():
        with register.open() as connection:
            memory.take_due(connection, "families")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed()
    with register.open() as connection:
        assert memory.take_due(connection, "families") == {"P1", "P2"}
        assert memory.take_due(connection, "families") == frozenset()


def test_the_first_run_of_a_day_or_by_a_new_rule_is_whole(register):
    with register.open() as connection:
        assert memory.whole(connection, "propose", (), today=TODAY, rule="a")
        memory.note_whole(connection, "propose", today=TODAY, rule="a")
        assert not memory.whole(connection, "propose", (), today=TODAY, rule="a")
        assert memory.whole(connection, "propose", (), today=TODAY, rule="b")
        assert memory.whole(connection, "propose", (), today=TODAY + timedelta(days=1), rule="a")
        assert memory.whole(connection, "propose", [memory.EVERYTHING], today=TODAY, rule="a")


def test_every_column_of_what_a_partner_sent_is_kept_from_editing(register):
    unguarded = register.run(
        """SELECT attname FROM pg_attribute WHERE attrelid = 'memory.source_record'::regclass AND attnum > 0
              AND NOT attisdropped AND attnum NOT IN (
                  SELECT unnest(string_to_array(tgattr::text, ' ')::int2[])
                    FROM pg_trigger WHERE tgname = 'only_supersedes')"""
    )
    assert unguarded == [("superseded_at",)]
