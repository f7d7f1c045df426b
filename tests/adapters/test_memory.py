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


def test_whoever_looks_for_a_person_is_not_led_through_an_index_that_begins_with_families(register):
    """Of its second column it would have to be read from end to end, for each person."""
    columns = register.run(
        """SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
            WHERE i.indexrelid = 'memory.ex_family_member_one_at_a_time'::regclass ORDER BY a.attnum"""
    )
    assert [name for (name,) in columns] == ["family_id", "expr", "daterange", "recorded"]


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


CLOSED_ONLY = (
    "decision", "evidence", "fact", "family_member", "family_status", "family_worker", "person_pointer",
    "person_record", "plan_scope", "proposal_standing", "suggestion",
)  # fmt: skip


@pytest.mark.parametrize("table", CLOSED_ONLY)
def test_every_column_of_what_was_held_to_be_true_is_kept_from_changing(register, table):
    guarded = {
        trigger: set(columns)
        for trigger, columns in register.run(
            """SELECT t.tgname, array_agg(a.attname::text) FROM pg_trigger t
                 JOIN pg_attribute a ON a.attrelid = t.tgrelid
                  AND a.attnum = ANY (string_to_array(t.tgattr::text, ' ')::int2[])
                WHERE t.tgrelid = format('memory.%%I', %s::text)::regclass AND t.tgenabled = 'O' GROUP BY 1""",
            table,
        )
    }
    columns = {
        name
        for (name,) in register.run(
            """SELECT column_name::text FROM information_schema.columns
                WHERE (table_schema, table_name) = ('memory', %s)""",
            table,
        )
    }
    assert guarded["only_closes"] == columns - {"recorded", "ended"}
    assert guarded["only_closes_once"] == columns & {"recorded", "ended"}


def test_what_has_a_column_recorded_is_closed_only(register):
    tables = register.run(
        """SELECT table_name::text FROM information_schema.columns
            WHERE (table_schema, column_name) = ('memory', 'recorded')"""
    )
    assert sorted(table for (table,) in tables) == sorted(CLOSED_ONLY)


def test_a_fact_is_closed_and_nothing_else_of_it_is_ever_set(register):
    person = register.person()
    register.run(
        """INSERT INTO memory.fact (person_id, attribute, value, data_class, valid, source_record_id)
           VALUES (%s, 'sex', '{"sex": "F"}', 'sex', '[2020-01-01,)', %s)""",
        person,
        register.record(person),
    )
    columns = register.run("SELECT column_name::text FROM information_schema.columns WHERE table_name = 'fact'")
    changed = {name for (name,) in columns} - {"recorded", "fact_no"}
    assert len(changed) == 8
    for column in sorted(changed):
        with pytest.raises(DatabaseRefused, match="FX003"):
            register.run(f"UPDATE memory.fact SET {column} = {column}")
    for recorded in ("tstzrange(lower(recorded), NULL)", "tstzrange(now(), clock_timestamp())", "'empty'", "'(,)'"):
        with pytest.raises(DatabaseRefused, match="FX003"):
            register.run(f"UPDATE memory.fact SET recorded = {recorded}")
    assert register.run("UPDATE memory.fact SET recorded = tstzrange(lower(recorded), clock_timestamp())") == 1
    with pytest.raises(DatabaseRefused, match="FX003"):
        register.run("UPDATE memory.fact SET recorded = tstzrange(lower(recorded), clock_timestamp())")


@pytest.mark.parametrize(
    ("seconds", "known"), [(-1, False), (0, True), (5, True), (9, True), (10, False), (11, False), (None, False)]
)
def test_what_was_held_is_known_from_its_first_moment_to_before_its_last(register, seconds, known):
    person = register.person()
    family = register.family()
    for held in ("tstzrange('2026-01-01 00:00:00+00', '2026-01-01 00:00:10+00')", "tstzrange('2026-01-01+00', NULL)"):
        register.run(
            f"""INSERT INTO memory.family_member (family_id, person_id, from_on, to_on, role, recorded)
                VALUES (%s, %s, %s, %s, 'adult', {held})""",
            family,
            person,
            *(("2020-01-01", "2021-01-01") if "NULL" not in held else ("2022-01-01", None)),
        )
    at = None if seconds is None else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    with register.open() as connection:
        memory.as_known(connection, at)
        shown = connection.execute("SELECT to_on IS NOT NULL FROM register.family_member ORDER BY 1").fetchall()
    assert shown == [(False,)] * (seconds is None or seconds >= 0) + [(True,)] * known
