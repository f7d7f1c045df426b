"""What deploy/helm says is what the chart knows, what the image holds and what the Dags ask for."""

import configparser
import inspect
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from family_exchange.orchestration import queues

ROOT = Path(__file__).parents[2]
HELM = ROOT / "deploy" / "helm"
KEYS = yaml.safe_load((ROOT / "tests" / "data" / "helm-keys.yaml").read_text())
PODS = sorted((HELM / "pods").glob("*.yaml"))
QUEUES = {value for name, value in inspect.getmembers(queues) if name.isupper()}
VARIANTS = {"pods": ["values.yaml"], "celery": ["values.yaml", "values-celery.yaml"]}
SECRET_WORDS = re.compile(r"(?i)(password|secret_key|fernet_key|jwt_secret)\s*:|://[^/\s]+:[^/\s]+@")


def read(name):
    return yaml.safe_load((HELM / name).read_text())


def keys(values, before=""):
    """Every value with its path, down to what the chart looks into."""
    for name, value in values.items():
        path = f"{before}{name}"
        if isinstance(value, dict) and path not in KEYS:
            yield from keys(value, f"{path}.")
        else:
            yield path, value


def merged(names):
    def over(old, new):
        both = {name: over(old[name], new[name]) for name in old.keys() & new.keys() if isinstance(new[name], dict)}
        return old | new | both

    values = {}
    for name in names:
        values = over(values, read(name))
    return values


@pytest.mark.parametrize("name", ["values.yaml", "values-celery.yaml"])
def test_every_value_is_one_that_the_chart_knows(name):
    found = dict(keys(read(name)))
    assert {path: type(value).__name__ for path, value in found.items()} == {path: KEYS[path] for path in found}


def test_a_misspelt_key_would_be_found():
    (found,) = keys({"scheduler": {"replica": 2}})
    assert found[0] not in KEYS


@pytest.mark.parametrize("variant", VARIANTS)
def test_where_helm_is_at_hand_the_chart_takes_the_values(variant):
    chart = os.environ.get("AIRFLOW_CHART")
    if not chart or not shutil.which("helm"):
        pytest.skip("no helm, or AIRFLOW_CHART does not name the folder of a chart")
    files = [option for name in VARIANTS[variant] for option in ("-f", str(HELM / name))]
    done = subprocess.run(["helm", "template", "family-exchange", chart, *files], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("variant", VARIANTS)
def test_nobody_can_log_in_before_somebody_makes_the_first_account(variant):
    values = merged(VARIANTS[variant])
    assert values["webserver"]["defaultUser"] == values["apiServer"]["defaultUser"] == {"enabled": False}
    assert values["config"]["core"]["auth_manager"].endswith("FabAuthManager")


def test_no_file_holds_a_secret():
    for file in HELM.rglob("*.yaml"):
        assert not SECRET_WORDS.search(file.read_text()), file.name
    assert SECRET_WORDS.search("url: postgresql://airflow:word@host/db")


def test_there_is_a_pod_for_every_queue_and_they_differ_in_size_only():
    assert {file.stem for file in PODS} == QUEUES | {"default"}
    alike, sizes = set(), set()
    for file in PODS:
        pod = yaml.safe_load(file.read_text())
        assert pod["metadata"]["labels"] == {"family-exchange/queue": file.stem}
        (base,) = pod["spec"]["containers"]
        sizes.add(str(base.pop("resources")))
        for volume in pod["spec"]["volumes"]:
            if volume["name"] == "plaintext":
                assert volume["emptyDir"].pop("sizeLimit")
        del pod["metadata"]["labels"]
        alike.add(str(pod))
    assert len(alike) == 1
    assert len(sizes) == len(PODS)


@pytest.mark.parametrize("file", PODS, ids=lambda file: file.stem)
def test_a_task_has_no_power_and_no_way_into_airflows_database(file):
    spec = yaml.safe_load(file.read_text())["spec"]
    (base,) = spec["containers"]
    assert base["name"] == "base"  # Airflow's executor looks for it
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert base["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(base["resources"]["limits"]) == {"memory"}
    assert not [variable for variable in base["env"] if "DATABASE" in variable["name"] or "valueFrom" in variable]
    mounted = {mount["name"] for mount in base["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}
    in_memory = {volume["name"] for volume in spec["volumes"] if volume.get("emptyDir", {}).get("medium") == "Memory"}
    assert {"plaintext", "sockets", "home"} == in_memory


def test_the_executor_finds_the_pods_where_the_scheduler_has_them():
    values = merged(VARIANTS["pods"])
    (volume,), (mount,) = values["scheduler"]["extraVolumes"], values["scheduler"]["extraVolumeMounts"]
    assert volume["configMap"]["name"] == "family-exchange-pods"
    assert values["config"]["family_exchange"]["pod_templates"] == mount["mountPath"]
    assert values["config"]["kubernetes_executor"]["pod_template_file"] == f"{mount['mountPath']}/default.yaml"


def test_a_celery_worker_listens_to_every_queue():
    args = read("values-celery.yaml")["workers"]["args"]
    assert set(args[args.index("--queues") + 1].split(",")) == QUEUES | {"default"}


def test_only_who_needs_them_sees_the_councils_connections():
    for variant, names in VARIANTS.items():
        values = merged(names)
        knowing = {name for name, part in values.items() if "family-exchange-connections" in str(part)}
        assert knowing == ({"triggerer", "workers"} if variant == "celery" else {"triggerer"})


def test_airflow_is_set_as_it_is_set_for_compose():
    """What both say of a section and a key they say alike, but for numbers: these follow from how large it is."""
    compose = configparser.ConfigParser(interpolation=None)
    compose.read(ROOT / "docker" / "airflow" / "airflow.cfg")
    both = 0
    for section, options in merged(VARIANTS["celery"])["config"].items():
        for name, value in options.items():
            if compose.has_option(section, name) and not value.isdigit():
                both += 1
                assert value == compose[section][name], f"[{section}] {name}"
    assert both >= 10


def policies():
    return {
        each["metadata"]["name"]: each["spec"]
        for each in yaml.safe_load_all((HELM / "network-policies.yaml").read_text())
    }


def reaches(spec):
    return {
        (str(peer), port["port"]) for rule in spec.get("egress", []) for peer in rule["to"] for port in rule["ports"]
    }


def test_the_scheduler_never_reaches_a_drop_zone_and_no_task_reaches_airflows_database():
    found = policies()
    of_scheduler = {*reaches(found["airflow-reaches-its-database"]), *reaches(found["scheduler-reaches-the-cluster"])}
    assert not [port for _, port in of_scheduler if port == 22]
    of_tasks = reaches(found["tasks-reach-councils-and-partners"])
    (database,) = [peer for peer, port in reaches(found["airflow-reaches-its-database"]) if port == 5432]
    assert database not in {peer for peer, _ in of_tasks}
    assert {port for _, port in of_tasks} == {8080, 5432, 22}
    assert found["tasks-reach-councils-and-partners"]["ingress"] == []
    assert found["nobody-reaches-out"]["podSelector"] == {}
