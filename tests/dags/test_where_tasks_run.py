"""Each kind of work has its queue, and whatever talks to an endpoint does so from the endpoint's pool."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from family_exchange.adapters import profiles
from family_exchange.orchestration import pools
from support import parsed_dags

ROOT = Path(__file__).parents[2]
OURS = ROOT / "include" / "family_exchange"
ENDPOINTS = {"drop_zone": pools.drop_zone, "recipient": pools.recipient}
CALLS = {
    "drop_zone": {
        ("acknowledge", "partner"),
        ("intake", "take_in"),
        ("certificate", "issue"),
        ("purge", "destroy"),
        ("receive", "find"),
    },
    "recipient": {("deliver", "send"), ("delivering", "acknowledged")},
}
"""What a task calls that opens a session with an endpoint."""
LOOKS_AT_BOTH = ("watch", "look")
"""It must see an endpoint even when its pool is full, or was never made; it runs once at a time."""
QUEUES = {
    "crypto": {"take_in", "answer_partner", "seal"},
    "matching": {"match_people", "register_families", "propose_families"},
    "returns": {"assemble_return", "check"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("parse")
    (home / "airflow.cfg").touch()
    return home


@pytest.fixture(scope="module")
def dags(home):
    return parsed_dags.parse(ROOT / "dags", ROOT / "include", home)["dags"]


def tasks_of(dags, council):
    return [
        (f"{dag_id}.{name}", task)
        for dag_id, dag in dags.items()
        if council in dag["tags"]
        for name, task in dag["tasks"].items()
    ]


def opens(file):
    """The endpoints whose doors a module opens."""
    return {
        node.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and (node.attr == "drop_zone" or (node.attr, ast.unparse(node.value)) == ("recipient", "doors"))
    }


def test_tasks_open_an_endpoint_by_these_stages_and_no_others(dags):
    """Intake does so through `receive` and `acknowledge`."""
    named = {name for dag in dags.values() for task in dag["tasks"].values() for name in task["names"]}
    found = {file.stem: opens(file) for file in (OURS / "stages").glob("*.py") if file.stem in named}
    by_drop_zone = {stage for stage, endpoints in found.items() if "drop_zone" in endpoints}
    assert by_drop_zone == {"acknowledge", "certificate", "purge", "receive", "watch"}
    assert {stage for stage, endpoints in found.items() if "recipient" in endpoints} == {"deliver", "watch"}


@pytest.mark.parametrize("council", profiles.councils())
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_whatever_talks_to_an_endpoint_is_in_its_pool_and_nothing_else_is(dags, council, endpoint):
    pool, calls = ENDPOINTS[endpoint](council), CALLS[endpoint]
    talking = {name for name, task in tasks_of(dags, council) if any(set(call) <= set(task["names"]) for call in calls)}
    assert talking
    assert {name for name, task in tasks_of(dags, council) if task["pool"] == pool} == talking


def test_the_watch_waits_for_no_endpoint(dags):
    looking = [
        task for dag in dags.values() for task in dag["tasks"].values() if set(LOOKS_AT_BOTH) <= set(task["names"])
    ]
    assert len(looking) == len(profiles.councils())
    assert {task["pool"] for task in looking} == {"default_pool"}


def test_every_pool_that_a_task_waits_for_is_one_that_is_made(dags):
    made = {pool.name for pool in pools.wanted(profiles.councils())}
    assert {task["pool"] for dag in dags.values() for task in dag["tasks"].values()} == made | {"default_pool"}


def test_pools_are_made_for_the_councils_that_an_installation_serves():
    found = pools.wanted(["north-town"])
    assert [(pool.name, pool.slots) for pool in found] == [("north_town_drop_zone", 4), ("north_town_recipient", 2)]
    assert all("north-town" in pool.description for pool in found)


def test_work_that_needs_other_machines_has_a_queue_of_its_own(dags):
    found = defaultdict(set)
    for dag in dags.values():
        for name, task in dag["tasks"].items():
            found[task["queue"]].add(name.rpartition(".")[2])
    assert found.pop("default")
    assert found == QUEUES


def test_on_kubernetes_a_queue_is_a_template_of_a_pod(home, dags):
    assert {task["pod"] for dag in dags.values() for task in dag["tasks"].values()} == {None}
    where = {"AIRFLOW__FAMILY_EXCHANGE__POD_TEMPLATES": "/opt/pods"}
    ordered = parsed_dags.parse(ROOT / "dags", ROOT / "include", home, **where)["dags"]
    found = {(task["queue"], task["pod"]) for dag in ordered.values() for task in dag["tasks"].values()}
    assert found == {("default", None), *((queue, f"/opt/pods/{queue}.yaml") for queue in QUEUES)}
