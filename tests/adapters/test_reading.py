"""Who reads about people: by a purpose, with an audit event first, and only what the purpose may see."""

from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from family_exchange.adapters import audit, database, roles
from family_exchange.adapters.reading import reading
from family_exchange.demo import postgres
from family_exchange.domain.errors import ExchangeError, NeedsDecision, TryLater
from support.reading import READER, address, doors, fact, name
from support.register import Register

ASKABLE = """
    SELECT n.nspname || '.' || c.relname, has_any_column_privilege(%s, c.oid, 'SELECT')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('memory', 'register') AND c.relkind IN ('r', 'v')
"""
"""Every table and view about people, and whether a role may ask of any column of it."""


@pytest.fixture
def register(council_database):
    return Register(council_database)


@pytest.fixture
def council(council_database):
    return doors(council_database)


def surnames(reader):
    rows = reader.connection.execute("SELECT value ->> 'surname' FROM register.fact WHERE attribute = 'name'")
    return sorted(surname for (surname,) in rows)


@pytest.mark.requirement("R-003")
def test_a_read_says_who_reads_whom_for_which_purpose_and_no_value(register, council):
    person = register.person()
    name(register, person, "Testperson")
    with reading(council, purpose="support", by=READER) as reader:
        assert reader.person(person) == person
        assert surnames(reader) == ["Testperson"]
    assert register.audited("register.read") == [{"person": person, "purpose": "support"}]
    actor = register.value("SELECT actor FROM audit.event WHERE kind = 'register.read'")
    assert actor == READER


def test_nobody_else_is_seen_than_who_is_read(register, council):
    person, other = register.person(), register.person()
    name(register, person, "Testperson")
    name(register, other, "Otherperson")
    with reading(council, purpose="support", by=READER) as reader:
        assert surnames(reader) == []
        reader.person(person)
        assert surnames(reader) == ["Testperson"]
        reader.person(other)
        assert surnames(reader) == ["Otherperson", "Testperson"]


def test_the_same_person_read_twice_in_one_transaction_is_one_event(register, council):
    person = register.person()
    with reading(council, purpose="support", by=READER) as reader:
        reader.person(person)
        reader.person(person)
    assert len(register.audited("register.read")) == 1


def test_what_one_transaction_may_read_another_may_not(register, council):
    person = register.person()
    name(register, person, "Testperson")
    with reading(council, purpose="support", by=READER) as reader:
        reader.person(person)
    with reading(council, purpose="support", by=READER) as reader:
        assert surnames(reader) == []


def test_an_old_event_with_this_transactions_number_opens_nothing(register, council):
    # a restored server counts its transactions anew
    person = register.person()
    name(register, person, "Testperson")
    with reading(council, purpose="support", by=READER) as reader:
        reader.connection.execute("RESET ROLE")
        seq = audit.append(reader.connection, "register.read", READER, {"person": person})
        for at, seen in (("now() - interval '1 hour'", []), ("clock_timestamp()", ["Testperson"])):
            reader.connection.execute("RESET ROLE")
            seq = audit.append(reader.connection, "register.read", READER, {"person": person})
            reader.connection.execute(
                f"""INSERT INTO audit.person_read (seq, xact, person_id, purpose, actor, at)
                    VALUES (%s, pg_current_xact_id()::text::bigint, %s, 'support', %s, {at})""",
                (seq, person, READER),
            )
            reader.connection.execute("SET LOCAL ROLE fx_support")
            assert surnames(reader) == seen


def test_a_read_of_which_no_event_can_be_written_fails(register, council):
    person = register.person()
    name(register, person, "Testperson")
    register.run("ALTER TABLE audit.event ADD CONSTRAINT full_up CHECK (kind <> 'register.read') NOT VALID")
    with pytest.raises(ExchangeError, match="23514"), reading(council, purpose="support", by=READER) as reader:
        reader.person(person)
    register.run("ALTER TABLE audit.event DROP CONSTRAINT full_up")
    with reading(council, purpose="support", by=READER) as reader:
        assert reader.person(person) == person


def test_a_read_that_ends_in_an_error_shows_nothing_and_says_nothing(register, council):
    person = register.person()
    with (
        pytest.raises(NeedsDecision, match="P0123456789abcdef"),
        reading(council, purpose="support", by=READER) as reader,
    ):
        assert [reader.person(one) for one in (person, "P0123456789abcdef")]
    assert register.audited("register.read") == []


def test_an_id_that_points_to_another_leads_there(register, council):
    person = register.person()
    former = register.person(merged_into=person)
    name(register, person, "Testperson")
    with reading(council, purpose="support", by=READER) as reader:
        assert reader.person(former) == person
        assert surnames(reader) == ["Testperson"]


def test_nobody_is_read_who_is_not_there(council):
    with reading(council, purpose="support", by=READER) as reader:
        with pytest.raises(NeedsDecision, match="person of that id"):
            reader.person("P0123")
        with pytest.raises(NeedsDecision, match="of that id"):
            reader.person("Ashley Testperson")


@pytest.mark.requirement("R-003")
@pytest.mark.parametrize("purpose", ["", "curiosity", "marketing"])
def test_a_purpose_that_the_profile_does_not_name_is_refused(register, council, purpose):
    with pytest.raises(NeedsDecision, match="its purposes are: identify"), reading(council, purpose=purpose, by=READER):
        pass


@pytest.mark.parametrize("nobody", ["", "  ", "airflow", "System"])
def test_a_machine_reads_nobody(council, nobody):
    with pytest.raises(NeedsDecision, match="named person"), reading(council, purpose="support", by=nobody):
        pass


@pytest.mark.requirement("R-004")
@pytest.mark.parametrize("purpose", ["statistics", "plan_services"])
def test_planning_and_statistics_read_nobody_and_the_attempt_is_in_the_audit(register, council, purpose):
    with pytest.raises(NeedsDecision, match="attempt"), reading(council, purpose=purpose, by=READER):
        pass
    assert register.audited("register.read_refused") == [{"purpose": purpose}]


@pytest.mark.requirement("R-004")
@pytest.mark.parametrize("purpose", ["statistics", "plan_services"])
def test_the_roles_of_planning_and_statistics_may_ask_of_no_table_about_people(register, purpose):
    may = register.run(ASKABLE, f"fx_{purpose}")
    assert {table for table, _ in may} >= {"memory.person", "memory.fact", "register.fact", "register.nomination"}
    assert [table for table, asks in may if asks] == []
    assert ("memory.fact", True) in register.run(ASKABLE, "fx_support")
    with pytest.raises(ExchangeError, match="42501"):
        register.run(f"SET LOCAL ROLE fx_{purpose}; SELECT count(*) FROM register.person")


@pytest.mark.requirement("R-004")
def test_what_a_purpose_may_not_ask_is_refused_and_in_the_audit(register, council):
    register.person()
    with pytest.raises(NeedsDecision, match="attempt"), reading(council, purpose="monitor", by=READER) as reader:
        reader.connection.execute("SELECT forename FROM memory.source_record")
    assert register.audited("register.read_refused") == [{"purpose": "monitor"}]


@pytest.mark.requirement("R-060")
@pytest.mark.parametrize("room", ["returns", "staging", "exchange", "rights", "audit"])
def test_no_role_of_a_purpose_gets_into_another_room(register, room):
    may = register.run("SELECT rolname, has_schema_privilege(oid, %s, 'USAGE') FROM pg_roles", room)
    assert {role for role, _ in may} >= set(roles.ROLES)
    assert [role for role, enters in may if enters and role in roles.ROLES] == []


@pytest.mark.requirement("R-028")
def test_a_purpose_sees_the_classes_of_data_that_contracts_and_notice_give_it(register, council):
    person = register.person()
    record = register.record(person, feed="school_attendance")
    fact(register, person, "identifier", "A823456789012", data_class="upn", slot="upn", record=record)
    name(register, person, "Testperson", record=record)
    seen = {}
    for purpose in ("identify", "support"):
        with reading(council, purpose=purpose, by=READER) as reader:
            reader.person(person)
            rows = reader.connection.execute("SELECT attribute FROM register.fact ORDER BY 1").fetchall()
            seen[purpose] = [attribute for (attribute,) in rows]
    assert seen == {"identify": ["identifier", "name"], "support": ["name"]}


def test_what_a_purpose_may_see_follows_the_profile_and_the_change_is_in_the_audit(register, council):
    seen = {}
    for number, name_of in enumerate((council.profile.council, council.profile.council, "bolton"), start=1):
        with reading(doors(register.url, name_of), purpose="support", by=READER):
            pass
        seen[number] = register.run("SELECT * FROM register.purpose_class ORDER BY 1, 2, 3")
    assert seen[1] == seen[2] != seen[3]
    assert [event["classes"] for event in register.audited("register.purposes")] == [len(seen[1]), len(seen[3])]
    feeds = {feed for _, feed, _ in seen[3]}
    assert feeds <= set(doors(register.url, "bolton").profile.feeds)


def test_a_reader_waits_for_the_audit_and_not_for_ever(register, council, monkeypatch):
    monkeypatch.setattr("family_exchange.adapters.reading.PATIENCE_SECONDS", 0.1)
    person = register.person()
    with reading(council, purpose="support", by=READER):
        pass
    with register.open() as busy:
        busy.execute("SELECT FROM audit.head FOR UPDATE")
        with pytest.raises(TryLater, match="55P03"), reading(council, purpose="support", by=READER) as reader:
            reader.person(person)
    with reading(council, purpose="support", by=READER) as reader:
        assert reader.person(person) == person


def test_a_feed_that_is_for_fewer_purposes_is_seen_by_fewer(register, council):
    person = register.person()
    name(register, person, "Toldbyhealth", record=register.record(person, feed="mental_health_contacts"))
    for purpose, seen in (("monitor", ["Toldbyhealth"]), ("evaluate_local", [])):
        with reading(council, purpose=purpose, by=READER) as reader:
            reader.person(person)
            assert surnames(reader) == seen


def test_every_table_about_people_is_guarded_even_from_its_owner(register):
    unguarded = register.run(
        """SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('memory', 'register') AND c.relkind IN ('r', 'p')
              AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'pipeline'))"""
    )
    assert unguarded == []
    by_owner = register.run(
        """SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'register' AND c.relkind = 'v' AND c.relname <> 'stated'
              AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)"""
    )
    assert by_owner == []
    assert register.value("SELECT reloptions FROM pg_class WHERE relname = 'stated'") == ["security_barrier=true"]


def test_without_its_policy_not_even_the_councils_own_login_sees_a_row(register):
    register.person()
    assert register.value("SELECT count(*) FROM memory.person") == 1
    register.run("DROP POLICY pipeline ON memory.person")
    assert register.value("SELECT count(*) FROM memory.person") == 0


def test_no_role_of_a_purpose_writes_anything(register):
    granted = register.run(
        """SELECT table_schema || '.' || table_name, privilege_type FROM information_schema.role_table_grants
            WHERE starts_with(grantee, 'fx_') AND privilege_type <> 'SELECT'"""
    )
    assert granted == []
    assert register.value("SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'fx_support'")


@pytest.mark.requirement("R-001")
def test_a_councils_login_does_not_get_into_another_councils_database(server, empty_database):
    other = f"c{uuid4().hex[:12]}"
    theirs = server.create_database(other, other)
    own = urlsplit(empty_database)
    try:
        for url in (empty_database, theirs):
            with database.transaction(url) as connection:
                connection.execute("SET LOCAL ROLE fx_support")
                assert connection.execute("SELECT current_user").fetchone() == ("fx_support",)
        with (
            pytest.raises(ExchangeError),
            database.transaction(server.url(other, own.username, own.password)) as connection,
        ):
            connection.execute("SELECT 1")
    finally:
        server.drop_database(other, other)


def test_roles_that_are_made_later_are_told_by_name_until_they_are_there(open_folder, caplog):
    with postgres.running(open_folder / uuid4().hex[:8], durable=False) as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as superuser:
            superuser.execute("CREATE ROLE early LOGIN PASSWORD 'early'")
            superuser.execute("CREATE DATABASE early OWNER early")
        url = server.url("early", "early", "early")
        database.migrate(url)
        assert "fx_identify, fx_support" in caplog.text
        assert "family-exchange database prepare" in caplog.text
        council, person = doors(url), Register(url).person()
        with pytest.raises(NeedsDecision, match="database prepare"), reading(council, purpose="support", by=READER):
            pass
        roles.provision(server.url("postgres"), roles.login(url))
        with database.transaction(url) as connection:
            assert roles.is_guarded(connection)
            assert roles.grant(connection) == ()
        with reading(council, purpose="support", by=READER) as reader:
            assert reader.person(person) == person


def test_a_database_that_knows_no_purposes_yet_says_so(empty_database):
    with database.transaction(empty_database) as connection:
        assert not roles.is_guarded(connection)


def test_a_database_url_that_names_no_login_is_refused():
    assert roles.login("postgresql://council:secret@host/database") == "council"
    with pytest.raises(NeedsDecision, match="names no login"):
        roles.login("postgresql://host/database")


def test_a_family_is_read_member_by_member(register, council):
    adult, child, stranger = register.person(), register.person(), register.person()
    family = register.family(adult, child)
    address(register, stranger, "1 Other Street")
    with reading(council, purpose="support", by=READER) as reader:
        assert reader.family(family) == tuple(sorted((adult, child)))
        members = reader.connection.execute("SELECT person_id FROM register.family_member ORDER BY 1").fetchall()
        assert [person for (person,) in members] == sorted((adult, child))
        assert reader.connection.execute("SELECT count(*) FROM register.fact").fetchone() == (0,)
    assert [event["person"] for event in register.audited("register.read")] == sorted((adult, child))


def test_a_record_is_known_by_its_origin_alone(register, council):
    person = register.person()
    record = register.record(person, facts={"role": "victim"})
    with reading(council, purpose="support", by=READER) as reader:
        reader.person(person)
        rows = reader.connection.execute("SELECT source_record_id, feed FROM memory.source_record").fetchall()
        assert rows == [(record, "police_incidents")]


def test_a_rectified_value_is_seen_by_its_class(register, council):
    person = register.person()
    number = register.value(
        """INSERT INTO register.rectification (person_id, attribute, value, valid_from, decided_by, reason)
           VALUES (%s, 'name', %s, '2026-01-01', 'rights.officer', 'proof was shown') RETURNING rectification_no""",
        person,
        Jsonb({"surname": "Rectified"}),
    )
    register.run(
        """INSERT INTO memory.fact (person_id, attribute, value, data_class, valid, rectification_no)
           VALUES (%s, 'name', %s, 'name', '[2026-01-01,)', %s)""",
        person,
        Jsonb({"surname": "Rectified"}),
        number,
    )
    with reading(council, purpose="support", by=READER) as reader:
        reader.person(person)
        assert surnames(reader) == ["Rectified"]


def test_what_records_state_is_shown_to_those_who_decide_who_is_who(register, council):
    person, other = register.person(), register.person()
    record = register.record(person, forename="Ashley", surname="Testperson", nino="QQ123456C")
    register.record(other, surname="Otherperson")
    with reading(council, purpose="identify", by=READER) as reader:
        reader.person(person)
        rows = reader.connection.execute("SELECT DISTINCT source_record_id, stated FROM register.stated ORDER BY 2")
        stated = [("date_of_birth"), ("forename"), ("postcode"), ("sex"), ("surname")]
        assert rows.fetchall() == [(record, each) for each in stated]  # police incidents have no NI number
    with pytest.raises(NeedsDecision, match="attempt"), reading(council, purpose="evaluate_local", by=READER) as reader:
        reader.connection.execute("SELECT * FROM register.stated")


BULK = (
    """INSERT INTO memory.person_record (source_record_id, person_id, how)
       SELECT source_record_id, 'P1', 'new' FROM register.source_record""",
    """UPDATE memory.fact t SET recorded = tstzrange(lower(t.recorded), clock_timestamp())
        WHERE upper_inf(t.recorded) AND NOT EXISTS (SELECT FROM memory.person p WHERE p.person_id = t.person_id)""",
    """SELECT p.person_id, max(r.as_of) FROM register.source_record r JOIN register.person_record p
         USING (source_record_id) JOIN register.family_member m USING (person_id) WHERE r.current GROUP BY 1""",
    """INSERT INTO memory.person (person_id) VALUES ('P1') ON CONFLICT (person_id) DO NOTHING RETURNING person_id""",
    "DELETE FROM memory.source_record WHERE source_record_id = 'S1'",
)


@pytest.mark.parametrize("statement", BULK)
def test_the_pipelines_own_work_is_planned_as_if_nothing_were_guarded(register, statement):
    def plan():
        with register.open() as connection:
            return connection.execute(f"EXPLAIN (VERBOSE) {statement}").fetchall()

    guarded = plan()
    for (table,) in register.run("SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity"):
        register.run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    assert plan() == guarded
