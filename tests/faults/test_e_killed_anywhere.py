"""Group E: intake is killed at each of its named points, run again twice, and has the file's effect exactly once."""

import ast
import signal
from datetime import date
from pathlib import Path

import pytest

import family_exchange
from family_exchange.adapters import profiles
from family_exchange.demo import world
from family_exchange.domain.file import State
from support import faults, mortal

STAGES = Path(family_exchange.__file__).parent / "stages"
INTAKE = ("receive", "intake", "acknowledge")


def points():
    """Every fault point in the stages of intake, as the source has it."""
    return sorted(
        node.args[0].value
        for stage in INTAKE
        for node in ast.walk(ast.parse((STAGES / f"{stage}.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "faultpoint"
    )


@pytest.fixture(scope="module")
def tenant():
    with world.standing((profiles.demo_council(),), people=200, seed=3, today=date(2026, 11, 22)) as stage:
        yield stage.tenants[0]


def test_there_are_points_all_along_the_way():
    assert len(points()) >= 14
    assert {point.split(".")[0] for point in points()} == set(INTAKE)


@pytest.mark.parametrize("point", points())
def test_a_death_costs_nothing_and_repeats_nothing(tenant, point):
    good = faults.content()
    wrong = faults.content().replace(b",crime,", b",burglary,", 1)
    faults.put(tenant, f"{point}.good.pgp", faults.sealed(tenant, good))
    faults.put(tenant, f"{point}.wrong.pgp", faults.sealed(tenant, wrong))
    assert mortal.die_at(tenant, world.environment(tenant), faults.FEED, point) == -signal.SIGKILL
    faults.assert_invariants(tenant)
    first, second = faults.run(tenant), faults.run(tenant)
    assert second == []
    ends = {file.state for file in first}
    assert ends <= {State.CLOSED}
    faults.assert_at_rest(tenant)


def test_the_twin_that_lives_does_the_same(tenant):
    faults.put(tenant, "alive.pgp", faults.sealed(tenant, faults.content()))
    assert mortal.die_at(tenant, world.environment(tenant), faults.FEED, "no such point") == 0
    faults.assert_at_rest(tenant)
