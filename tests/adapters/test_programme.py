from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import memory, programme
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.programme import Decision, Status
from support.register import TODAY, Register

DAYS = st.integers(0, 8).map(lambda number: date(2026, 5, 1) + timedelta(number))
SAID = st.lists(st.tuples(st.sampled_from(Status), DAYS, st.booleans()), min_size=1, max_size=8)


def shown(connection, family):
    return connection.execute(
        "SELECT status, lower(valid), upper(valid) FROM register.family_status WHERE family_id = %s ORDER BY valid",
        (family,),
    ).fetchall()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SAID)
def test_whatever_people_say_the_memory_shows_what_was_held_at_each_moment(council_database, said):
    register = Register(council_database)
    family = register.family(register.person())
    register.proposal(family)
    held = []
    for number, (status, on, corrects) in enumerate(said):
        with register.open() as connection:
            before = shown(connection, family)
        instead_of = before[-1][1] if corrects and before else None
        decision = Decision(f"Worker {number}", on, "agreed", today=TODAY)
        try:
            with register.open() as connection:
                programme.change(connection, family, status, decision, instead_of=instead_of)
        except NeedsDecision:
            with register.open() as connection:
                assert shown(connection, family) == before
            continue
        with register.open() as connection:
            (now,) = connection.execute("SELECT clock_timestamp()").fetchone()
            after = shown(connection, family)
        assert (str(status), on) in {(was, since) for was, since, _ in after}
        held.append((now, after))
    for moment, then in held:
        with register.open() as connection:
            memory.as_known(connection, moment)
            assert shown(connection, family) == then


def test_saying_the_same_of_many_families_at_once_costs_a_few_statements_and_not_some_for_each(council_database):
    register = Register(council_database)
    proposals = [register.proposal(register.family(register.person())) for _ in range(30)]
    with register.open() as connection:
        asked = []
        execute = connection.execute
        connection.execute = lambda query, *rest, **more: (asked.append(query), execute(query, *rest, **more))[1]
        said = {"by": "Lead Worker A", "reason": "agreed", "on": TODAY, "begins": TODAY}
        assert programme.follow(connection, proposals, "accepted", **said) == 30
    assert len(asked) < 15
