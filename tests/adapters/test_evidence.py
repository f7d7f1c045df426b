"""The set-based evaluation agrees with the rules of `domain.problem`, row by row, whatever the rows and the rule."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import database, evidence, profiles
from family_exchange.adapters.indicators import Moment
from family_exchange.domain import problem
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.person import ADULT_FROM, age_on
from family_exchange.domain.problem import Nomination, Row, Subject
from support.registry import with_staging

ON = date(2026, 11, 22)
FEED = "school_attendance"
PEOPLE = ("P1", "P2", "P3")
FACTS = ("sessions_possible", "sessions_authorised", "sessions_unauthorised", "fixed_term_exclusions", "school_urn")

days = st.sampled_from([None, *(ON - timedelta(days=gap) for gap in (-1, 0, 1, 180, 364, 365, 366, 800))])
births = st.sampled_from(
    [None, *(date(ON.year - age, month, 22) for age in (0, 4, 15, 16, 18, 40) for month in (10, 11, 12))]
)
numbers = st.sampled_from([None, 0, 1, 3, 10, 15, 100])
columns = st.sampled_from(["sessions_unauthorised", "fixed_term_exclusions"])


def a_condition(column, op, value=None):
    return {"column": column, "op": op} | ({} if value is None else {"value": value})


conditions = st.one_of(
    st.builds(a_condition, st.sampled_from([*FACTS, "event_on"]), st.sampled_from(["present", "absent"])),
    st.builds(a_condition, st.just("event_on"), st.sampled_from(["begun", "open", "ahead"])),
    st.builds(
        a_condition,
        columns,
        st.sampled_from(["eq", "ge", "gt", "le", "lt"]),
        st.sampled_from([0, 1, 3, Decimal("1.5")]),
    ),
    st.builds(a_condition, st.just("event_on"), st.sampled_from(["ge", "lt"]), days.filter(bool)),
    st.builds(
        a_condition,
        st.just("school_urn"),
        st.just("in"),
        st.lists(st.sampled_from(["100001", "100002"]), min_size=1),
    ),
)
rates = st.builds(
    lambda numerator, denominator, op, threshold, each, last, least: {
        "numerator": numerator,
        "denominator": denominator,
        "op": op,
        "threshold": threshold,
        "aggregate": "sum" if denominator is None else each,
        "last": last,
        "least_denominator": least,
    },
    st.lists(columns, min_size=1, max_size=2, unique=True),
    st.sampled_from([None, "sessions_possible"]),
    st.sampled_from(["ge", "gt", "le", "lt"]),
    st.sampled_from(["0.1", "0.15", "1", "3"]),
    st.sampled_from(["mean", "each"]),
    st.integers(1, 3),
    st.sampled_from([1, 10, 50]),
)


windows = st.fixed_dictionaries(
    {"window_months": st.sampled_from([None, 6, 12]), "ahead_months": st.sampled_from([None, None, 6])}
)
signs = st.lists(
    st.builds(lambda where, window: {"feed": FEED, "where": [where], **window}, conditions, windows), max_size=2
)
PROFESSIONS = ("teacher", "midwife")


@st.composite
def indicators(draw, code):
    kind = draw(st.sampled_from(["any_row", "any_row", "rate", "count", "nomination"]))
    low, high = draw(st.sampled_from([(None, None), (4, 17), (16, 18), (None, 17), (18, None)]))
    made = {
        "code": code,
        "problem": draw(st.sampled_from(["P1", "P2"])),
        "label": code,
        "kind": kind,
        "role": draw(st.sampled_from(["any", "adult", "child"])),
        "age": {"min": low, "max": high},
        "valid_from": draw(st.sampled_from([None, None, ON, ON + timedelta(days=1)])),
        "valid_to": draw(st.sampled_from([None, None, ON, ON + timedelta(days=1)])),
        "status": "assumed",
        "note": "for a test",
    }
    if kind == "nomination":
        nominators = draw(st.lists(st.sampled_from(PROFESSIONS), unique=True))
        return made | {"nominators": nominators, "window_months": draw(st.sampled_from([None, 6, 12]))}
    where = draw(st.lists(conditions, min_size=0 if kind == "rate" else 1, max_size=2))
    more = {"rate": draw(rates)} if kind == "rate" else {"at_least": draw(st.integers(2, 3))} if kind == "count" else {}
    return made | {"feed": FEED, "where": where} | draw(windows) | more


@st.composite
def nominations(draw):
    return [
        Nomination(
            number,
            draw(st.sampled_from(["first", "second", "third"])),
            draw(days.filter(bool)),
            draw(st.sampled_from(PROFESSIONS)),
            draw(st.sampled_from([None, *PEOPLE])),
        )
        for number in range(1, draw(st.integers(0, 4)) + 1)
    ]


@st.composite
def frameworks(draw):
    problems = [{"code": code, "label": code, "status": "assumed", "note": "for a test"} for code in ("P1", "P2")]
    return Framework.model_validate(
        {
            "code": "TEST",
            "version": 1,
            "title": "a framework",
            "valid_from": date(2015, 4, 1),
            "min_problems": 1,
            "dependent_child": {"kept_by": draw(signs), "status": "assumed", "note": "x"},
            "expectant_parent": {"shown_by": draw(signs), "status": "assumed", "note": "x"},
            "problems": problems,
            "indicators": [draw(indicators(code)) for code in ("first", "second", "third")],
            "without_feed": [
                {
                    "code": f"none_{each['code'].lower()}",
                    "problem": each["code"],
                    "label": "none",
                    "status": "assumed",
                    "note": "x",
                }
                for each in problems
            ],
        }
    )


@st.composite
def rows(draw):
    found = []
    for number in range(draw(st.integers(0, 7))):
        facts = {column: value for column in FACTS[:4] if (value := draw(numbers)) is not None}
        if draw(st.booleans()):
            facts["school_urn"] = draw(st.sampled_from(["100001", "100002", "100003"]))
        event_on = draw(days)
        values = facts | ({"event_on": event_on} if event_on else {})
        as_of = draw(st.sampled_from([date(2026, 9, 30), date(2026, 10, 31)]))
        found.append(
            Row(
                f"S1.{number}",
                draw(st.sampled_from(PEOPLE)),
                FEED,
                draw(st.sampled_from(["a", "b", "c"])),
                as_of,
                values,
            )
        )
    return found


def put(connection, family, stated, said):
    connection.execute("INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at) "
                       "VALUES ('F1', 'schools', %s, 'x', 1, 1)", (FEED,))  # fmt: skip
    connection.execute("INSERT INTO memory.family VALUES ('H1', 'uprn')")
    for one in family:
        connection.execute("INSERT INTO memory.person (person_id) VALUES (%s)", (one.person,))
        connection.execute(
            """INSERT INTO memory.family_member (family_id, person_id, from_on, role, resident)
               VALUES ('H1', %s, '2020-01-01', %s, %s)""",
            (one.person, one.role, one.resident),
        )
    for number, one in enumerate(one for one in family if one.born):
        record = f"S2.{number}"
        connection.execute(
            """INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref, as_of,
                                                 date_of_birth, category)
               VALUES (%s, 'F1', %s, 'housing', 'housing_tenancies', %s, '2020-01-01', %s, 'housing')""",
            (record, 100 + number, record, one.born),
        )
        connection.execute("INSERT INTO memory.person_record VALUES (%s, %s, 'new')", (record, one.person))
    for one in said:
        connection.execute(
            """INSERT INTO register.nomination (nomination_no, family_id, person_id, indicator, framework, nominated_by,
                                                role, reason, nominated_on) OVERRIDING SYSTEM VALUE
               VALUES (%s, %s, %s, %s, 'TEST', 'A. Teacher', %s, 'worried', %s)""",
            (one.number, None if one.person else "H1", one.person, one.indicator, one.profession, one.nominated_on),
        )
    for number, row in enumerate(stated):
        facts = {name: value for name, value in row.values.items() if name != "event_on"}
        connection.execute(
            """INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref,
                                                   event_ref, facts, as_of, event_on, category)
               VALUES (%s, 'F1', %s, 'schools', %s, %s, %s, %s, %s, %s, 'education')""",
            (row.source_record, number, FEED, str(number), row.event_ref, json.dumps(facts), row.as_of,
             row.values.get("event_on")),
        )  # fmt: skip
        connection.execute("INSERT INTO memory.person_record VALUES (%s, %s, 'new')", (row.source_record, row.person))


def a_family(born):
    return [
        Subject(person, Role.CHILD if day and age_on(day, ON) < ADULT_FROM else Role.ADULT, True, day)
        for person, day in zip(PEOPLE, born, strict=True)
    ]


@pytest.fixture(scope="module")
def register(server):
    url = server.create_database("evidence", "evidence")
    database.migrate(url)
    yield with_staging(url)
    server.drop_database("evidence", "evidence")


@pytest.mark.requirement("R-009")
@pytest.mark.requirement("R-015")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    framework=frameworks(),
    stated=rows(),
    said=nominations(),
    born=st.tuples(births, births, births),
    past=st.booleans(),
)
def test_the_database_finds_what_the_rule_finds(register, framework, stated, said, born, past):
    family = a_family(born)
    ruled = problem.evidence(framework, family, stated, said, on=ON)
    with database.transaction(register) as connection:
        put(connection, family, stated, said)
        evidence.assess(connection, framework, profiles.contract, (), Moment(ON, past), trusted=())
        added = evidence.hold(connection, framework).added
        found = connection.execute(
            """SELECT problem, indicator, coalesce(person_id, ''), coalesce(source_record_id, ''),
                      coalesce(nomination_no, 0), as_of FROM register.evidence"""
        ).fetchall()
        assessed = evidence.assessed(connection, least=1)
        connection.rollback()
    assert sorted(found) == sorted((*one.key, one.as_of) for one in ruled)
    assert added == len(ruled)
    assert {pair for one in assessed for pair in one.found} == {(one.problem, one.person) for one in ruled}
    for subject in (subject for one in assessed for subject in one.subjects):
        hers = [row for row in stated if row.person == subject.person]
        assert subject.kept == any(problem.shows(sign, hers, on=ON) for sign in framework.dependent_child.kept_by)
        assert subject.expecting == any(problem.shows(s, hers, on=ON) for s in framework.expectant_parent.shown_by)
        assert (subject.role, subject.born) == next((o.role, o.born) for o in family if o.person == subject.person)
