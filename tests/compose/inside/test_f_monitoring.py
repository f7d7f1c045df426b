"""The profile `monitoring`: what the council's workers measure comes to Prometheus, and an alert to Alertmanager.

Grafana is brought up too where its image is at hand; without a registry it is not, and its queries are asked by us.
"""

import json
import re
import tempfile
from functools import cache
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg
import pytest

from compose import cast, stack, work, world
from family_exchange.adapters import signals
from family_exchange.domain.alerts import ALERTS
from family_exchange.domain.metrics import METRICS

ROOT = Path(__file__).parents[3]
SERVICES = ["airflow-beats", "node-exporter", "prometheus", "alertmanager"]
WATCH, RECEIVE = f"watch_{world.COUNCIL}", f"receive_{world.COUNCIL}_police_incidents"
PORTS = {"prometheus": 9090, "alertmanager": 9093, "node-exporter": 9100}
ONLY_AFTERWARDS = {"family_exchange_backup_age_seconds", "family_exchange_backup_whole"}
"""What is not told before it has happened once."""


@cache
def address(service):
    return f"http://{stack.container(service).address}:{PORTS[service]}"


def ask(service, path, **query):
    """What the service's API says."""
    with urlopen(f"{address(service)}{path}?{urlencode(query)}", timeout=60) as answer:
        return json.load(answer)


def asked(expression):
    """The series that Prometheus has for the expression."""
    answer = ask("prometheus", "/api/v1/query", query=expression)
    assert answer["status"] == "success"
    return answer["data"]["result"]


@pytest.fixture(scope="module")
def watching():
    """The profile is up as it is shipped, but it looks every five seconds."""
    found = stack.run("docker", "images", "--quiet", "--filter", "reference=grafana/grafana")
    services = [*SERVICES, *(["grafana"] if found else [])]
    shipped = (ROOT / "deploy/alerts/prometheus.yml").read_text()
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as quick, pytest.MonkeyPatch.context() as patch:
        quick.write(re.sub(r"_interval: 1m", "_interval: 5s", shipped))
        quick.flush()
        Path(quick.name).chmod(0o644)
        patch.setenv("PROMETHEUS_CONFIG", quick.name)
        profile = ("--profile", "monitoring")
        stack.compose(
            *profile, "up", "--detach", "--wait", "--wait-timeout", "600", "--no-build", "--no-deps", *services
        )
        yield services
        stack.compose(*profile, "rm", "--stop", "--force", *services)


@pytest.fixture(scope="module")
def impostors(ends, watching):
    """Two files that the schools signed lie in the police's folder, in quarantine, and the watch has measured that."""
    schools, police = ends.partners["schools"], ends.partners["police"]
    partners = ends.partners | {"police": cast.End(schools.openpgp, police.account)}
    files = [work.drop(cast.Ends(partners, ends.council_key)) for _ in range(2)]
    with psycopg.connect(world.metadata(), autocommit=True) as database:
        for dag in (WATCH, RECEIVE):  # awake already, after the journey
            if database.execute("SELECT is_paused FROM dag WHERE dag_id = %s", (dag,)).fetchone() == (True,):
                airflow("dags", "unpause", dag)
        stack.until("both in quarantine", lambda: all(map(quarantined, files)), within=120)
        airflow("dags", "trigger", WATCH)
    with work.ledger() as connection:
        every = connection.execute(
            "SELECT count(*) FROM exchange.file WHERE state = 'QUARANTINED' AND reason = 'SIGNER_NOT_PARTNER'"
        ).fetchone()[0]
    stack.until("Prometheus has it", lambda: asked(f"{IMPOSTORS} == {every}"), within=120)
    return files


def airflow(*command):
    stack.compose("exec", "-T", "scheduler", "airflow", *command)


IMPOSTORS = 'family_exchange_files_quarantined{partner="police",feed="police_incidents",reason="SIGNER_NOT_PARTNER"}'


def quarantined(file):
    with work.ledger() as connection:
        found = connection.execute(
            "SELECT state, reason FROM exchange.file WHERE name_bytes = %s AND state <> 'GONE'", (file.name.encode(),)
        ).fetchall()
    return found == [("QUARANTINED", "SIGNER_NOT_PARTNER")]


def test_every_metric_that_rules_and_dashboard_name_comes_from_the_worker_to_prometheus(impostors):
    there = set(ask("prometheus", "/api/v1/label/__name__/values")["data"])
    whole = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in METRICS else name for name in there}
    assert METRICS.keys() - whole <= ONLY_AFTERWARDS
    assert {each["metric"]["council"] for each in asked("family_exchange_observed_timestamp_seconds")} == {
        world.COUNCIL
    }
    assert float(asked("time() - family_exchange_observed_timestamp_seconds")[0]["value"][1]) < 600


def test_every_part_of_airflow_is_heard_beating(watching):
    stack.until("beats", lambda: len(asked("time() - airflow_beat_timestamp_seconds < 90")) == 4, within=60)
    named = {each["metric"]["component"] for each in asked("airflow_beat_timestamp_seconds")}
    assert named == {"scheduler", "dag_processor", "triggerer", "api_server"}


def test_prometheus_evaluates_every_rule_and_tells_alertmanager(impostors):
    (group,) = ask("prometheus", "/api/v1/rules")["data"]["groups"]
    assert [rule["name"] for rule in group["rules"]] == [alert.name for alert in ALERTS]
    evaluated = lambda: {  # noqa: E731 - asked again until all were
        rule["health"] for rule in ask("prometheus", "/api/v1/rules")["data"]["groups"][0]["rules"]
    }
    stack.until("every rule", lambda: evaluated() == {"ok"}, within=30)
    found = lambda: ask("prometheus", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]  # noqa: E731 - as above
    stack.until("its Alertmanager", lambda: len(found()) == 1, within=30)


def test_two_impostors_wake_the_officer_once(impostors):
    every = int(float(asked(f"sum({IMPOSTORS})")[0]["value"][1]))
    told = f"{every} files in quarantine as SIGNER_NOT_PARTNER"

    def groups():
        found = ask("alertmanager", "/api/v2/alerts/groups")
        ours = [each for each in found if each["labels"].get("alertname") == "QuarantineIncident"]
        return [each for each in ours if told in str(each)]

    # What stood before is said again after a minute only.
    stack.until("Alertmanager", groups, within=90)
    (group,) = groups()
    assert group["labels"]["feed"] == "police_incidents"
    assert group["receiver"]["name"] == "data-protection-now"
    (alert,) = [each for each in group["alerts"] if each["labels"]["reason"] == "SIGNER_NOT_PARTNER"]
    assert alert["annotations"]["runbook"] == "docs/runbook.md#a-quarantine-is-an-incident"


def test_prometheus_answers_every_question_of_the_dashboard_and_of_the_rules(impostors):
    panels = [panel for panel in json.loads(signals.board())["panels"] if panel["type"] != "row"]
    queries = {
        f"{panel['title']}: {target['refId']}": target["expr"].replace("$council", ".*")
        for panel in panels
        for target in panel["targets"]
    }
    answers = {title: asked(query) for title, query in queries.items()}
    silent = {title.split(":")[0] for title, found in answers.items() if not found}
    assert silent <= MAY_BE_SILENT
    for alert in ALERTS:
        asked(alert.expression)


MAY_BE_SILENT = {
    "Backup",
    "Newest backup",
    "In quarantine",
    "Expected files",
    "Returns by state",
    "Due for destruction",
    "Next deadlines",
    "Refused rows",
    "From drop to receipt",
}
"""Panels that show nothing where there is nothing: they leave zeros out, or divide by what has not come yet."""


def test_what_watches_is_looked_after_in_less_than_a_second(watching):
    for service in watching:
        stack.until(f"a quick look at {service}", lambda service=service: quickest(service) < 1, within=60)


def quickest(service):
    """Seconds that the quickest of its last looks took, beyond what it takes the engine to run nothing in it."""
    container = stack.container(service)
    looks = container.told()["State"]["Health"]["Log"]
    took = [(moment(look["End"]) - moment(look["Start"])) for look in looks if look["ExitCode"] == 0]
    began = monotonic()
    stack.run("docker", "exec", container.id, "true")
    return min(took) - (monotonic() - began)


def moment(text):
    """Seconds of the day."""
    hours, minutes, seconds = text[11:26].split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def test_node_exporter_tells_of_nothing_but_the_folder_of_metrics(watching):
    with urlopen(f"{address('node-exporter')}/metrics", timeout=60) as answer:
        names = {line.split("{")[0].split(" ")[0] for line in answer.read().decode().splitlines() if line[0] != "#"}
    assert {re.match(r"[a-z]+_[a-z]+", name)[0] for name in names} <= {
        "family_exchange",
        "airflow_beat",
        "node_scrape",
        "node_textfile",
        "node_exporter",
    }
