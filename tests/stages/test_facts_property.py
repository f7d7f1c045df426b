"""The facts of a synthetic council: the same at once as file by file, and the same as returns tell."""

import random
from types import SimpleNamespace

import pytest

from family_exchange.adapters import database, memory, profiles, return_rows, said
from family_exchange.demo import synthetic
from family_exchange.domain.period import calendar
from family_exchange.stages import facts, match
from support.registry import COUNCIL, TODAY, doors_to, load, query, with_staging

PROFILE = profiles.profile(COUNCIL)
PEOPLE = 200
SHOWN = "SELECT * FROM register.fact ORDER BY person_id, attribute, slot, valid"


def bring_up(url):
    with database.transaction(url) as connection:
        return facts.bring_up(connection, PROFILE, today=TODAY)


@pytest.fixture(params=[2, 5])
def council(council_database, request):
    """Every file of a small council, taken one by one in some order; facts are brought up to date after each."""
    url = with_staging(council_database)
    made = synthetic.council(PROFILE, people=PEOPLE, seed=request.param)
    files = [file for file in made.files if file.misbehaviour is None]
    random.Random(request.param).shuffle(files)
    for file in files:
        load(url, SimpleNamespace(files=[file]), PROFILE)
        match.people(doors_to(url))
        bring_up(url)
    return url


def test_a_whole_run_gives_what_the_incremental_runs_gave_and_returns_tell_the_same(council):
    before = query(council, SHOWN)
    assert {row[1] for row in before} > {"name", "birth", "sex", "address", "identifier", "involvement"}
    with database.transaction(council) as connection:
        memory.make_due(connection, facts.STAGE, [memory.EVERYTHING])
    assert bring_up(council) == {"facts": 0, "facts_closed": 0}
    assert query(council, SHOWN) == before
    agree(council)


def agree(url):
    """The last known values of a return are the facts that hold on the last day of which anybody speaks."""
    period = calendar(PROFILE.returns["nis"].periods).last_closed(TODAY)
    with database.transaction(url) as connection:
        connection.execute(
            "CREATE TEMP TABLE everybody AS SELECT person_id FROM register.person WHERE merged_into IS NULL"
        )
        return_rows.know(connection, said.rules(PROFILE), period, "everybody")
        for attribute, slot, column in (
            ("name", "", "name"),
            ("sex", "", "sex"),
            ("identifier", "upn", "upn"),
            ("identifier", "nino", "nino"),
        ):
            differing = connection.execute(
                f"""SELECT count(*) FROM last_known l FULL JOIN (
                      SELECT person_id, value FROM register.fact
                       WHERE attribute = %s AND slot = %s AND upper_inf(valid)) f USING (person_id)
                     WHERE l.{column} IS DISTINCT FROM f.value""".encode(),
                (attribute, slot),
            ).fetchone()
            assert differing == (0,), attribute
        differing = connection.execute(
            """SELECT count(*) FROM last_known l WHERE l.birth <> 'unknown' AND NOT EXISTS (
                 SELECT FROM register.fact f WHERE f.person_id = l.person_id AND f.attribute = 'birth'
                    AND f.slot = l.birth AND (f.value ->> 'day')::date = l.born)"""
        ).fetchone()
        assert differing == (0,)
        differing = connection.execute(
            """SELECT count(*) FROM last_known l WHERE l.address IS NOT NULL AND NOT EXISTS (
                 SELECT FROM register.fact f WHERE f.person_id = l.person_id AND f.attribute = 'address'
                    AND f.value = l.address)"""
        ).fetchone()
        assert differing == (0,)
