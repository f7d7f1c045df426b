"""A real Airflow asks two people about a file that is unlike its partner's earlier ones, and takes it up again."""

from datetime import date
from time import monotonic, sleep

import pytest

from family_exchange.adapters import profiles
from family_exchange.demo import airflow, by_airflow, world
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD
from family_exchange.domain.file import State
from family_exchange.orchestration import connections
from family_exchange.orchestration.answers import LEAVE, RELEASE
from support import periods
from support.periods import FEED

pytestmark = pytest.mark.airflow

PATIENCE = 900
AREA = "area-of-airflow"
ENDS = {"success", "skipped", "failed", "upstream_failed", "removed"}
"""States of tasks that are done; the drop zone may begin another run at any moment."""


def table(number, first):
    return periods.content(FEED, periods.table(FEED, number, first=first), area=AREA)


@pytest.fixture(scope="module")
def stage():
    with world.standing((profiles.demo_council(),), people=100, seed=13, today=date(2026, 11, 22)) as standing:
        yield standing


@pytest.fixture(scope="module")
def tenant(stage):
    tenant = stage.tenants[0]
    for place in range(3):
        plaintext = table(100, 1 + 200 * place)
        assert periods.sent(tenant, tenant.partners["police"], FEED, f"usual-{place}.pgp", plaintext).rows_loaded == 100
    return tenant


@pytest.fixture(scope="module")
def up(stage, tenant):
    council = tenant.doors.profile.council
    environment = {"AIRFLOW__FAMILY_EXCHANGE__COUNCILS": council, **connections.as_variables(tenant.doors.settings)}
    with airflow.running(stage.folder / "airflow", stage.metadata, environment, dags=by_airflow.DAGS) as running:
        running.await_dags(lambda ids: f"release_{council}_files" in ids)
        with running.log_in("visitor") as api:
            api.unpause([f"receive_{council}_{FEED}", f"release_{council}_files"])
        yield running


def eventually(look):
    deadline = monotonic() + PATIENCE
    while not (found := look()):
        assert monotonic() < deadline, "in time"
        sleep(0.5)
    return found


def test_two_people_are_asked_one_after_the_other_and_the_file_is_taken_up(tenant, up):
    police = tenant.partners["police"]
    periods.put(police, FEED, "short.pgp", periods.sealed(tenant, police, table(5, 1000)))
    with up.log_in(PROGRAMME_LEAD) as lead, up.log_in(OFFICER) as officer, up.log_in("visitor") as visitor:

        def asked(task_id):
            return eventually(lambda: next((one for one in visitor.questions() if one.task_id.endswith(task_id)), None))

        first = asked("first_voice")
        body = visitor.get(first.path)["body"]
        assert "SHAPE-001: 5 rows, usually 100 rows" in body
        assert "Testperson" not in body
        lead.answer(first, RELEASE, ground="partner_confirmed")
        second = asked("second_voice")
        assert f"{PROGRAMME_LEAD} said: release" in visitor.get(second.path)["body"]
        lead.answer(second, RELEASE, ground="partner_confirmed")  # the same person again
        eventually(lambda: not any(one.task_id == second.task_id for one in visitor.questions()))
        again = asked("second_voice")
        officer.answer(again, RELEASE, ground="expected_change")

        def files():
            return {file.name_bytes: file for file in periods.files(tenant.doors)}

        eventually(lambda: files()[b"short.pgp"].state is State.CLOSED)
        assert LEAVE in again.options
        told = periods.receipt(tenant, police, files()[b"short.pgp"], answer=2)
        assert (told["state"], told["rows"]["loaded"]) == ("CLOSED", 5)

        def ends():
            states = {task["state"] for task in visitor.tasks()}
            return states if states <= ENDS else None

        assert eventually(ends) <= {"success", "skipped"}
