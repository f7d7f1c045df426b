"""The demo's journey inside the containers: from what partners drop to acknowledged returns and a certificate."""

import pytest

from compose import cast, stack, work, world
from family_exchange.adapters import profiles
from family_exchange.demo import by_airflow
from family_exchange.demo.cast import VISITOR
from support import invariants

PATIENCE = 1800.0


@pytest.fixture(scope="module")
def people():
    return cast.people()


@pytest.fixture(scope="module")
def dags(people):
    """Every Dag of the council, as soon as Airflow knows them all."""
    known, every = set(), by_airflow.dags_of(world.COUNCIL)
    with people.log_in(VISITOR) as api:
        stack.until("every Dag", lambda: known.update(api.dags()) or every <= known, within=180)
        assert api.import_errors() == []
    return sorted(known)


def test_files_become_decisions_signed_returns_and_a_certificate(people, dags):
    stack.until("the partners' files", cast.dropped, within=180)
    doors = world.doors()
    by_airflow.travel(
        (doors,),
        people,
        lambda: {world.COUNCIL: cast.dropped()["files"]},
        dags=dags,
        say=lambda words: print(f"  {words}", flush=True),  # noqa: T201 - whoever waits wants to see how far it is
        patience=PATIENCE,
    )
    with work.ledger() as connection:
        states = dict(connection.execute("SELECT return_id, state FROM returns.return").fetchall())
        certificates = connection.execute("SELECT count(*) FROM rights.certificate").fetchone()[0]
    assert len(states) == sum(promise.enabled for promise in profiles.profile(world.COUNCIL).returns.values())
    assert set(states.values()) == {"ACKNOWLEDGED"}
    assert certificates >= 1


def test_two_different_people_signed_each_return_under_their_own_log_in():
    with work.ledger() as connection:
        signed = connection.execute(
            "SELECT return_id, array_agg(signed_by ORDER BY signed_by) FROM returns.sign_off GROUP BY 1"
        ).fetchall()
    assert {tuple(names) for _, names in signed} == {("data.protection", "programme.lead")}


def test_every_invariant_holds_at_its_end():
    assert invariants.broken(invariants.Scene(world.doors(), cast.recipient())) == []
