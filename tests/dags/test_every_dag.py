"""The habits of every Dag, held on what Airflow parses from the folder."""

import ast
import shutil
from collections import defaultdict, deque
from itertools import chain
from pathlib import Path

import pytest

from family_exchange.adapters import profiles
from family_exchange.demo import by_airflow
from support import parsed_dags

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
MOST_LINES = 60
XCOMS = {"<class 'str'>", "list[str]", "dict[str, int]", "<class 'NoneType'>"}
SENSORS = {"@task.sensor"}
PEOPLE = {"SignOff", "Decide", "Voice"}
ENDS = {"delivered_return", "destruction_certificate"}


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("parse")
    (home / "airflow.cfg").touch()
    return home


@pytest.fixture(scope="session")
def parsed(airflow_home):
    return parsed_dags.parse(ROOT / "dags", ROOT / "include", airflow_home)


@pytest.fixture(scope="session")
def dags(parsed):
    return parsed["dags"]


def every_task(dags):
    return [(f"{dag_id}.{task_id}", task) for dag_id, dag in dags.items() for task_id, task in dag["tasks"].items()]


def test_every_file_is_parsed_without_an_error(parsed):
    assert parsed["errors"] == {}


def test_parsing_loads_no_slow_library(parsed):
    assert parsed["heavy"] == []


def test_five_councils_are_parsed_in_less_time_than_it_takes_to_load_airflow(parsed, airflow_home):
    """Both in one process: a slow machine is slow at both. If it was held up in the middle, another process tells."""
    others = (parsed_dags.parse(ROOT / "dags", ROOT / "include", airflow_home) for _ in range(4))
    assert any(each["seconds"] < each["loading"] for each in chain([parsed], others))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_file_is_wiring_only(file):
    text = file.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))
    assert not any(council in text for council in profiles.councils())


def test_every_council_has_its_dags(dags):
    for council in profiles.councils():
        assert by_airflow.dags_of(council) == {dag for dag, of in dags.items() if council in of["tags"]}


def test_every_dag_has_doc_and_tags_and_one_writer_where_it_writes_the_register(dags):
    for dag_id, dag in dags.items():
        assert len(dag["doc"]) > 80, dag_id
        assert any(council in dag["tags"] for council in profiles.councils()), dag_id
        assert dag["max_active_runs"] == (8 if dag_id.startswith(("deliver_", "release_")) else 1), dag_id
        assert not dag["catchup"], dag_id


def test_every_task_has_an_owner_and_retries_by_our_error_tree(dags):
    for name, task in every_task(dags):
        assert task["owner"] == "family-exchange", name
        assert task["retries"] > 0, name
        assert task["policy"] == "ExceptionRetryPolicy", name
        assert {"DataRefused:fail", "NeedsDecision:fail", "TryLater:retry"} <= set(task["rules"]), name


def test_every_task_of_ours_is_guarded_and_returns_ids_or_counts(dags):
    for name, task in every_task(dags):
        if task["operator"] in PEOPLE | {"EmptyOperator"}:
            continue
        assert task["guarded"], name
        if task["operator"] not in SENSORS:
            assert task["returns"] in XCOMS, name


def test_every_decision_that_the_notices_reserve_is_asked_of_a_person(dags):
    for dag_id, dag in dags.items():
        asked = [task_id for task_id, task in dag["tasks"].items() if task["operator"] in PEOPLE]
        if dag_id.startswith("prepare_"):
            assert asked == ["first_sign_off", "second_sign_off"], dag_id
            assert dag["tasks"]["seal"]["upstream"] == ["assemble_return", "record_sign_offs"]
            assert set(asked) <= set(dag["tasks"]["record_sign_offs"]["upstream"])
        elif dag_id.startswith("decide_"):
            assert asked == ["decide"]
        elif dag_id.startswith("purge_"):
            assert asked == ["approve"]
            assert "approve" in dag["tasks"]["destroy"]["upstream"]
        elif dag_id.startswith("release_"):
            assert [task_id.partition(".")[2] for task_id in asked] == ["first_voice", "second_voice", "third_voice"]
            for task_id in asked:
                recorded = dag["tasks"][task_id.replace("voice", "record")]
                assert task_id in recorded["upstream"]
                assert [asset.rpartition("/")[2] for asset in recorded["outlets"]] == ["released_files"]
        else:
            assert asked == []


@pytest.mark.requirement("R-017")
@pytest.mark.parametrize("council", profiles.councils())
def test_families_are_identified_after_every_accepted_feed_and_not_only_when_somebody_refers_one(dags, council):
    update = dags[f"update_{council}_register"]
    assert sorted(update["schedule"]) == sorted(f"{council}/{feed}" for feed in profiles.profile(council).active_feeds)
    assert update["rung_by"] == "AssetAny"
    assert {name: task["upstream"] for name, task in update["tasks"].items()} == {
        "match_people": [],
        "register_families": ["match_people"],
        "propose_families": ["register_families"],
    }
    for feed in update["schedule"]:
        (receive,) = [dag for dag_id, dag in dags.items() if dag_id == f"receive_{feed.replace('/', '_')}"]
        assert feed in {asset for task in receive["tasks"].values() for asset in task["outlets"]}


@pytest.mark.requirement("R-016")
@pytest.mark.requirement("R-022")
@pytest.mark.parametrize("council", profiles.councils())
def test_what_is_proposed_rings_for_a_person_and_for_nothing_else(dags, council):
    woken = [dag_id for dag_id, dag in dags.items() if f"{council}/proposals" in dag["schedule"]]
    assert woken == [f"decide_{council}_proposals"]
    tasks = dags[woken[0]]["tasks"]
    (asked,) = [name for name, task in tasks.items() if task["operator"] in PEOPLE]
    for name, task in tasks.items():
        if f"{council}/decisions" in task["outlets"]:
            assert asked in task["upstream"], name


def test_the_watch_looks_and_then_sends_and_measures_and_a_broken_chain_is_a_red_task_of_its_own(dags):
    for council in profiles.councils():
        watch = dags[f"watch_{council}"]
        assert {task_id: task["upstream"] for task_id, task in watch["tasks"].items()} == {
            "look": [],
            "send": ["look"],
            "measure": ["look"],
            "verify_audit": [],
        }
        assert watch["timetable"] == "CronTriggerTimetable"
        assert not any(task["outlets"] for task in watch["tasks"].values())


def by_tasks(dags, council):
    """The council's assets as the tasks read and write them: what Airflow draws as task dependencies."""
    edges = defaultdict(set)
    for dag in dags.values():
        for task in dag["tasks"].values():
            if council in dag["tags"]:
                for source in task["inlets"]:
                    edges[source] |= set(task["outlets"])
    return edges


def by_schedules(dags, council):
    """The council's assets as they start Dags: what Airflow draws first."""
    edges = defaultdict(set)
    for dag in dags.values():
        if council in dag["tags"]:
            outlets = {name for task in dag["tasks"].values() for name in task["outlets"]}
            for source in dag["schedule"]:
                edges[source] |= outlets
    return edges


def reached(edges, start):
    seen, waiting = set(), deque([start])
    while waiting:
        asset = waiting.popleft()
        waiting.extend(edges.get(asset, set()) - seen)
        seen |= edges.get(asset, set())
    return seen


@pytest.mark.parametrize("graph", [by_tasks, by_schedules])
@pytest.mark.parametrize("council", profiles.councils())
def test_the_asset_graph_leads_from_every_feed_to_the_delivered_return(dags, council, graph):
    edges = graph(dags, council)
    for feed in profiles.profile(council).active_feeds:
        passed = reached(edges, f"{council}/{feed}/landing")
        way = {
            f"{council}/{feed}",
            f"{council}/family_register",
            f"{council}/fpd_return",
            f"{council}/delivered_return",
        }
        assert way <= passed


@pytest.mark.parametrize("council", profiles.councils())
def test_the_asset_graph_is_one_way_and_has_no_loose_end(dags, council):
    edges = by_tasks(dags, council)
    produced = {asset for targets in edges.values() for asset in targets}
    for asset in produced | set(edges):
        assert asset not in reached(edges, asset), f"{asset} leads back to itself"
        if not asset.endswith("/landing"):
            assert asset in produced, f"nothing makes {asset}"
        if asset.removeprefix(f"{council}/") not in ENDS:
            assert edges.get(asset), f"nothing reads {asset}"
    for dag in dags.values():
        if council in dag["tags"]:
            assert set(dag["schedule"]) <= set(edges), f"nothing shows why {dag['schedule']} starts a Dag"


def test_only_landing_folders_are_watched(dags):
    for dag_id, dag in dags.items():
        assert bool(dag["watched"]) == dag_id.startswith("receive_"), dag_id
        assert all(name.endswith("/landing") for name in dag["watched"])


def copied(folder):
    """A copy of everything that Dags are made from, to break."""
    shutil.copytree(ROOT / "expectations", folder / "expectations")
    return shutil.copytree(
        ROOT / "include", folder / "include", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )


def test_a_broken_profile_is_an_import_error_that_names_the_place_and_hides_nobody_else(tmp_path, airflow_home):
    include = copied(tmp_path)
    broken, sound = profiles.councils()[0], profiles.councils()[1:]
    file = include / "councils" / f"{broken}.yaml"
    file.write_text(file.read_text().replace("sign_offs:", "sing_offs:"))

    parsed = parsed_dags.parse(ROOT / "dags", include, airflow_home)

    assert list(parsed["errors"]) == ["profiles.py"]
    told = parsed["errors"]["profiles.py"]
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "sing_offs" in text)
    assert f"councils/{broken}.yaml:{line} returns." in told
    assert "sing_offs" in told
    assert "expected" in told
    assert not any(broken in dag["tags"] for dag in parsed["dags"].values())
    for council in sound:
        assert f"purge_{council}" in parsed["dags"]


def test_a_broken_suite_stops_the_councils_that_need_it_and_no_other(tmp_path, airflow_home):
    include, feed = copied(tmp_path), "housing_tenancies"
    suite = tmp_path / "expectations" / feed / "v1.json"
    suite.write_text(suite.read_text().replace('"severity": "warning"', '"severity": "worrying"', 1))

    parsed = parsed_dags.parse(ROOT / "dags", include, airflow_home)

    assert list(parsed["errors"]) == ["profiles.py"]
    assert f"expectations/{feed}/v1.json" in parsed["errors"]["profiles.py"]
    served = {council for council in profiles.councils() if f"purge_{council}" in parsed["dags"]}
    assert served == {council for council in profiles.councils() if feed not in profiles.profile(council).active_feeds}
    assert served


def test_an_installation_may_serve_some_councils_only(airflow_home):
    served = profiles.councils()[-1]
    parsed = parsed_dags.parse(ROOT / "dags", ROOT / "include", airflow_home, AIRFLOW__FAMILY_EXCHANGE__COUNCILS=served)
    assert {tag for dag in parsed["dags"].values() for tag in dag["tags"]} & set(profiles.councils()) == {served}
