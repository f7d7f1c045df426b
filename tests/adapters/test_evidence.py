"""The set-based evaluation agrees with the rules of `domain.problem`, row by row, whatever the rows and the rule."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from family_exchange.adapters import database, evidence, profiles
from family_exchange.domain import problem
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.person import ADULT_FROM, age_on
from family_exchange.domain.problem import Row, Subject
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


@st.composite
def indicators(draw, code):
    rate = draw(st.one_of(st.none(), rates))
    where = draw(st.lists(conditions, min_size=0 if rate else 1, max_size=2))
    low, high = draw(st.sampled_from([(None, None), (4, 17), (16, 18), (None, 17), (18, None)]))
    return {
        "code": code,
        "problem": draw(st.sampled_from(["P1", "P2"])),
        "label": code,
        "feed": FEED,
        "kind": "rate" if rate else "any_row",
        "where": where,
        "rate": rate,
        "window_months": draw(st.sampled_from([None, 6, 12])),
        "role": draw(st.sampled_from(["any", "adult", "child"])),
        "age": {"min": low, "max": high},
        "status": "assumed",
        "note": "for a test",
    }


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


def put(connection, family, stated):
    connection.execute("INSERT INTO exchange.file (file_id, partner, feed, name_bytes, size, modified_at) "
                       "VALUES ('F1', 'schools', %s, 'x', 1, 1)", (FEED,))  # fmt: skip
    connection.execute("INSERT INTO memory.family VALUES ('H1', 'uprn')")
    connection.execute("CREATE TEMP TABLE person_born (person_id text, born date) ON COMMIT DROP")
    for one in family:
        connection.execute("INSERT INTO memory.person (person_id) VALUES (%s)", (one.person,))
        connection.execute("INSERT INTO person_born VALUES (%s, %s)", (one.person, one.born))
        connection.execute(
            """INSERT INTO memory.family_member (family_id, person_id, from_on, role, resident)
               VALUES ('H1', %s, '2020-01-01', %s, %s)""",
            (one.person, one.role, one.resident),
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
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(framework=frameworks(), stated=rows(), born=st.tuples(births, births, births))
def test_the_database_finds_what_the_rule_finds(register, framework, stated, born):
    family = a_family(born)
    ruled = problem.evidence(framework, family, stated, on=ON)
    with database.transaction(register) as connection:
        put(connection, family, stated)
        added = evidence.assess(connection, framework, profiles.contract, today=ON)
        found = connection.execute(
            "SELECT problem, indicator, person_id, source_record_id, as_of FROM register.evidence"
        ).fetchall()
        assessed = evidence.assessed(connection, least=1)
        connection.rollback()
    assert sorted(found) == sorted(
        (one.problem, one.indicator, one.person, one.source_record, one.as_of) for one in ruled
    )
    assert added == len(ruled)
    assert {pair for one in assessed for pair in one.found} == {(one.problem, one.person) for one in ruled}
