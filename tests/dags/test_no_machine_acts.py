"""Nothing goes out because a machine proposed a family, unless a named person decided something in between.

The Dags are those that Airflow parses: a task is downstream of another within its Dag, and of the tasks whose asset
starts its Dag. A person stands between where a task runs only after the answer to a question.
"""

import ast
from pathlib import Path

import pytest

from family_exchange.adapters import profiles
from support import parsed_dags

ROOT = Path(__file__).parents[2]
OURS = ROOT / "include" / "family_exchange"
ACTS = {"upload_new", "send_email_smtp"}
"""How anything leaves the house: a file on somebody's server, a letter."""
WHO_ACTS = {"acknowledge", "deliver", "mail"}
"""The modules that do so: a partner's receipt, a return, a letter to the council."""
PEOPLE = {"SignOff", "Decide", "Voice"}


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    home = tmp_path_factory.mktemp("parse")
    (home / "airflow.cfg").touch()
    return parsed_dags.parse(ROOT / "dags", ROOT / "include", home)["dags"]


def called(file):
    """The names of all methods that a module calls."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}


def acts(task):
    return not WHO_ACTS.isdisjoint(task["names"])


def asks_first(tasks, task_id):
    """True when the task runs only after a person has answered."""
    task = tasks[task_id]
    if task["trigger_rule"] != "all_success":
        return False
    return any(tasks[each]["operator"] in PEOPLE or asks_first(tasks, each) for each in task["upstream"])


def downstream(dags, asset, *, stopped_by_people=True):
    """`dag.task` of everything that runs because something was written to the asset."""
    assets, found = {asset}, {}
    while True:
        before = len(found)
        for dag_id, dag in dags.items():
            if assets.isdisjoint(dag["schedule"]):
                continue
            for task_id, task in dag["tasks"].items():
                if not (stopped_by_people and asks_first(dag["tasks"], task_id)):
                    found[f"{dag_id}.{task_id}"] = task
                    assets |= set(task["outlets"])
        if len(found) == before:
            return found


def outward(found):
    return {name for name, task in found.items() if acts(task)}


def test_these_modules_and_no_others_let_anything_out():
    files = [file for part in ("stages", "orchestration") for file in (OURS / part).glob("*.py")]
    assert {file.stem for file in files if called(file) & ACTS} == WHO_ACTS


@pytest.mark.requirement("R-022")
@pytest.mark.parametrize("council", profiles.councils())
def test_nothing_goes_out_because_of_a_proposal_before_a_person_has_decided(dags, council):
    assert outward(downstream(dags, f"{council}/proposals")) == set()
    assert f"decide_{council}_proposals.decide" in downstream(dags, f"{council}/proposals")


@pytest.mark.requirement("R-022")
@pytest.mark.parametrize("council", profiles.councils())
def test_without_the_people_a_return_would_go_out(dags, council):
    """What the test above looks along does lead outside."""
    found = downstream(dags, f"{council}/proposals", stopped_by_people=False)
    assert outward(found) == {f"deliver_{council}_returns.each_return.send"}


@pytest.mark.requirement("R-022")
@pytest.mark.parametrize("council", profiles.councils())
def test_what_proposes_writes_to_nobody_in_the_same_run(dags, council):
    proposing = [
        dag for dag in dags.values() for task in dag["tasks"].values() if f"{council}/proposals" in task["outlets"]
    ]
    assert len(proposing) == 1
    assert not any(acts(task) for task in proposing[0]["tasks"].values())


def a_task(operator="@task", *, after=(), rule="all_success", names=(), outlets=()):
    return {
        "operator": operator,
        "upstream": list(after),
        "trigger_rule": rule,
        "names": list(names),
        "outlets": list(outlets),
    }


def a_dag(schedule, **tasks):
    return {"schedule": [schedule], "tasks": tasks}


@pytest.mark.parametrize(
    ("dags_of", "goes_out"),
    [
        ({"a": a_dag("proposals", write=a_task(names=["mail", "send"]))}, {"a.write"}),
        ({"a": a_dag("proposals", ask=a_task("Decide"), write=a_task(after=["ask"], names=["mail"]))}, set()),
        ({"a": a_dag("proposals", ask=a_task("Decide"), write=a_task(names=["mail"]))}, {"a.write"}),
        (
            {
                "a": a_dag(
                    "proposals", ask=a_task("Decide"), write=a_task(after=["ask"], rule="all_done", names=["mail"])
                )
            },
            {"a.write"},
        ),
        (
            {
                "a": a_dag("proposals", ask=a_task("Decide"), list=a_task(outlets=["listed"])),
                "b": a_dag("listed", write=a_task(names=["deliver"])),
            },
            {"b.write"},
        ),
        (
            {
                "a": a_dag("proposals", ask=a_task("Decide"), list=a_task(after=["ask"], outlets=["listed"])),
                "b": a_dag("listed", write=a_task(names=["deliver"])),
            },
            set(),
        ),
    ],
    ids=[
        "at once",
        "after a person",
        "beside a person",
        "whatever the person says",
        "by an asset",
        "by a person's asset",
    ],
)
def test_a_way_out_past_the_people_is_found(dags_of, goes_out):
    assert outward(downstream(dags_of, "proposals")) == goes_out
