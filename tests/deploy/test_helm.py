"""What deploy/helm says is what the chart knows, what the image holds and what the Dags ask for."""

import configparser
import importlib.util
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
SECRET_WORDS = re.compile(r"(?i)(password|secret_key|fernet_key|jwt_secret)\s*:(?! false)|://[^/\s]+:[^/\s]+@")
COMPONENTS = ("apiServer", "scheduler", "dagProcessor", "triggerer")


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


@pytest.fixture(scope="module", params=VARIANTS)
def rendered(request):
    """What the chart makes of the values, by Helm's program or by its library in a wheel (helm-python-sdk)."""
    chart, names = os.environ.get("AIRFLOW_CHART"), VARIANTS[request.param]
    library = importlib.util.find_spec("helm_python")
    if not chart or not (library or shutil.which("helm")):
        pytest.skip("no helm, or AIRFLOW_CHART does not name the folder of a chart")
    if library:
        with importlib.import_module("helm_python").Chart.load(chart) as loaded:
            loaded.validate_schema(merged(names))
            made = loaded.render(merged(names), name="family-exchange", namespace="exchange")
        text = "\n---\n".join(each for name, each in made.items() if name.endswith(".yaml"))
    else:
        files = [option for name in names for option in ("-f", str(HELM / name))]
        done = subprocess.run(["helm", "template", "family-exchange", chart, *files], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        text = done.stdout.decode()
    return [each for each in yaml.safe_load_all(text) if each]


def pods_of(rendered):
    """Each component's pod, as the chart makes it."""
    return {
        each["metadata"]["name"].removeprefix("family-exchange-"): each["spec"]["template"]["spec"]
        for each in rendered
        if each["kind"] in {"Deployment", "StatefulSet", "Job"}
    }


def test_where_helm_is_at_hand_the_chart_makes_of_the_values_what_they_mean(rendered):
    pods = pods_of(rendered)
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "run-airflow-migrations"} <= pods.keys()
    assert not [name for name in pods if "create-user" in name]
    for name, pod in pods.items():
        assert "/entrypoint" not in str(pod), name
        assert "/clean-logs" not in str(pod), name
        for container in [*(pod.get("initContainers") or []), *pod["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            told = {each["name"] for each in container["env"]}
            if name == "worker":
                assert not [each for each in told if "SQL_ALCHEMY" in each or "FERNET" in each or "SECRET_KEY" in each]
            else:
                assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in told
    (policy,) = [each for each in rendered if each["metadata"]["name"].endswith("api-server-policy")]
    assert policy["spec"]["ingress"][0]["from"]


def test_the_image_that_the_page_has_people_build_is_airflows_with_what_it_needs_on_top():
    """Without a target Docker builds what stands last; what no stage asks for it passes over with a warning."""
    (command,) = re.findall(r"docker build ([^`]+)", (HELM / "README.md").read_text())
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    named = {re.search(r" AS (\S+)", stage)[1]: stage for stage in stages}
    assert re.search(r"--target (\S+)", command)[1] == "runtime"
    assert "ENTRYPOINT" in named["runtime"]
    for name, value in re.findall(r"--build-arg (\w+)=(\S+)", command):
        assert re.search(rf"^ARG {name}=$", named["builder"], flags=re.MULTILINE)
        assert f"requirements-${name}.txt" in named["builder"]
        assert (ROOT / f"requirements-{value}.txt").exists()
        assert f"!requirements-{value}.txt" in (ROOT / ".dockerignore").read_text()


def test_nothing_calls_a_program_that_only_the_charts_own_image_has():
    """The chart's default probes call /entrypoint, its groomers of logs /clean-logs."""
    both = merged(VARIANTS["celery"])
    for part in (both["scheduler"], both["dagProcessor"], both["triggerer"], both["workers"]["celery"]):
        assert part["livenessProbe"]["command"]
        assert part["logGroomerSidecar"] == {"enabled": False}
    assert both["scheduler"]["startupProbe"]["command"]
    assert both["apiServer"]["args"][0] == "airflow"


def test_a_celery_worker_gets_nothing_that_opens_airflows_database_and_everybody_else_does():
    both = merged(VARIANTS["celery"])
    assert set(both["enableBuiltInSecretEnvVars"].values()) == {False}
    assert both["workers"]["celery"]["waitForMigrations"] == {"enabled": False}
    for name in (*COMPONENTS, "migrateDatabaseJob"):
        given = {each["name"] for each in both[name]["env"] if "valueFrom" in each}
        assert given >= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY"}, name
    assert not [each for each in both["workers"]["celery"]["env"] if "valueFrom" in each]


def test_tasks_and_people_are_let_in_to_the_api_server():
    """The chart's policy has no opening of its own."""
    allowed = read("values.yaml")["apiServer"]["networkPolicy"]["ingress"]["from"]
    assert {"podSelector": {"matchExpressions": [{"key": "family-exchange/queue", "operator": "Exists"}]}} in allowed
    assert {"podSelector": {"matchLabels": {"tier": "airflow"}}} in allowed
    assert [peer for peer in allowed if "namespaceSelector" in peer]


@pytest.mark.parametrize("variant", VARIANTS)
def test_nobody_can_log_in_before_somebody_makes_the_first_account(variant):
    values = merged(VARIANTS[variant])
    assert values["createUserJob"]["enabled"] is False
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
    args = read("values-celery.yaml")["workers"]["celery"]["args"]
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
