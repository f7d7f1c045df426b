"""The rules of alerts, evaluated by Prometheus' own tool; and the page that each of them sends somebody to."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from airflow.sdk._shared.observability.metrics.metrics_registry import MetricsRegistry

from family_exchange.adapters import signals
from family_exchange.adapters.signals import DEPLOY, RULES
from family_exchange.domain import expiry
from family_exchange.domain.alerts import ALERTS, PATIENCE, TOO_LONG
from family_exchange.domain.metrics import METRICS
from family_exchange.domain.profile import OPERATIONS, PROGRAMME
from family_exchange.stages import watch

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PAGE = (ROOT / "docs" / "alerts.md").read_text()
PROMTOOL, AMTOOL = shutil.which("promtool"), shutil.which("amtool")
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
with_amtool = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed")

BEATS = re.search(r'METRIC = "(.+)"', (ROOT / "docker" / "airflow" / "beats.py").read_text())[1]
DAY = 86_400
STEP, STEPS = 5, 60
"""Minutes between two readings, and how many there are of each case: five hours."""

POLICE = 'council="c",partner="police",feed="police_incidents"'
PAUSED = 'council="c",partner="probation",feed="probation_supervision"'

QUIET = {
    f"feed_active{{{POLICE}}}": 1,
    f"feed_active{{{PAUSED}}}": 0,
    f"file_oldest_seconds{{{POLICE}}}": 600,
    f"receipt_owed_seconds{{{POLICE}}}": 0,
    f'feed_expected{{{POLICE},state="late_soon"}}': 0,
    f'feed_expected{{{POLICE},state="overdue"}}': 0,
    f'files_quarantined{{{POLICE},reason="SCHEMA"}}': 3,
    f'files_quarantined{{{POLICE},reason="RESEARCH_WALL"}}': 0,
    **{f'decision_oldest_seconds{{council="c",kind="{kind}"}}': 3600 for kind in PATIENCE},
    'return_due_days{council="c",code="fpd"}': 40,
    'return_unacknowledged_seconds{council="c",code="fpd"}': 600,
    'returns{council="c",code="fpd",state="CONFLICT"}': 0,
    'key_days{council="c",owner="police",use="openpgp"}': 400,
    'audit_chain_whole{council="c"}': 1,
    'audit_unsigned_seconds{council="c"}': 60,
    'audit_verified_seconds{council="c"}': 60,
    'purge_backlog_days{council="c"}': 2,
    'message_oldest_seconds{council="c"}': 60,
    'free_ratio{council="c",place="state"}': 0.5,
    'backup_age_seconds{council="c",store="files"}': 300,
    'backup_age_seconds{council="c",store="database"}': 3600,
    'backup_age_seconds{council="c",store="log"}': 0,
    'backup_whole{council="c"}': 1,
    'closed{council="c"}': 0,
    'airflow_beat_timestamp_seconds{component="scheduler"}': f"0+300x{STEPS}",
    'airflow_beat_timestamp_seconds{component="triggerer"}': f"0+300x{STEPS}",
    'observed_timestamp_seconds{council="c"}': f"0+300x{STEPS}",
}
"""A council in which nothing needs anybody."""


def test_the_files_of_rules_is_made_from_the_list():
    assert (DEPLOY / RULES).read_text() == signals.rules(), "run `make signals`"


@pytest.fixture(scope="module")
def registry():
    """What Airflow itself measures."""
    return MetricsRegistry()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_each_alert_uses_metrics_that_exist(alert, registry):
    for name in re.findall(r"\b(?:family_exchange|airflow)_\w+", alert.expression):
        ours = name in METRICS or name == BEATS
        beat = name.removeprefix("airflow_").removesuffix("_total")
        assert ours or registry.get(beat), name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_each_alert_has_its_section_in_the_runbook_that_names_it(alert):
    sections = dict(re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", RUNBOOK, re.MULTILINE))
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"): text for title, text in sections.items()}
    assert alert.runbook in anchors
    word = re.sub(r"\d+", "…", alert.name)
    assert f"`{word}`" in anchors[alert.runbook]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_the_page_of_alerts_says_from_when_how_urgent_and_whose(alert):
    row = f"[`{alert.name}`](runbook.md#{alert.runbook}) | {alert.threshold} | {alert.severity} | {alert.owner} |"
    assert row in PAGE


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_the_page_of_alerts_says_what_is_measured(metric):
    assert f"| `{metric.name}` | {', '.join(metric.labels[1:]) or 'none'} | {metric.meaning} |" in PAGE


def test_no_alert_has_the_name_of_another():
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


def test_thresholds_are_those_of_the_letters():
    assert watch.TOO_LONG is TOO_LONG
    assert [alert.name for alert in ALERTS if alert.name.startswith("KeyEndsIn")] == [
        f"KeyEndsIn{step}Days" for step in expiry.STEPS
    ]
    assert {str(alert.owner) for alert in ALERTS} >= {OPERATIONS, PROGRAMME}


def firing(tmp_path, expected, series):
    """Nothing when exactly the expected alerts stand in the end, each so many times; else what promtool says."""
    return all_firing(tmp_path, [("it", expected, series)])


def all_firing(tmp_path, cases):
    """The same for several cases (name, expected, series), in one run of promtool."""
    (tmp_path / "rules.yml").write_text(signals.rules())
    tests = [
        {
            "name": name,
            "interval": f"{STEP}m",
            "input_series": [
                {
                    "series": one if one.startswith("airflow_") else f"family_exchange_{one}",
                    "values": value if isinstance(value, str) else f"{value}+0x{STEPS}",
                }
                for one, value in series.items()
            ],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{STEP * STEPS}m",
                    "exp_samples": [
                        {"labels": f'{{alertname="{alert}"}}', "value": number} for alert, number in expected.items()
                    ],
                }
            ],
        }
        for name, expected, series in cases
    ]
    file = tmp_path / "case.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP}m", "tests": tests}))
    ran = subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True, text=True, check=False, timeout=900)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


LOUD = {
    "FileStuck": {f"file_oldest_seconds{{{POLICE}}}": DAY + 1},
    "ReceiptLate": {f"receipt_owed_seconds{{{POLICE}}}": 3601},
    "FeedLateSoon": {f'feed_expected{{{POLICE},state="late_soon"}}': 1},
    "FeedOverdue": {f'feed_expected{{{POLICE},state="overdue"}}': 1},
    "QuarantineIncident": {f'files_quarantined{{{POLICE},reason="RESEARCH_WALL"}}': 1},
    "DecisionPending": {'decision_oldest_seconds{council="c",kind="sign_off"}': 3 * DAY + 1},
    "ReturnDueSoon": {'return_due_days{council="c",code="fpd"}': 10},
    "ReturnOverdue": {'return_due_days{council="c",code="fpd"}': -1},
    "ReturnUnacknowledged": {'return_unacknowledged_seconds{council="c",code="fpd"}': DAY + 1},
    "ReturnHalted": {'returns{council="c",code="fpd",state="CONFLICT"}': 1},
    "KeyEndsIn90Days": {'key_days{council="c",owner="police",use="openpgp"}': 90},
    "KeyEndsIn30Days": {'key_days{council="c",owner="police",use="openpgp"}': 30},
    "KeyEndsIn14Days": {'key_days{council="c",owner="police",use="openpgp"}': 8},
    "KeyEndsIn7Days": {'key_days{council="c",owner="police",use="openpgp"}': 7},
    "KeyEndsIn1Days": {'key_days{council="c",owner="police",use="openpgp"}': 0},
    "KeyEnded": {'key_days{council="c",owner="police",use="openpgp"}': -1},
    "AuditChainBroken": {'audit_chain_whole{council="c"}': 0},
    "AuditUnsigned": {'audit_unsigned_seconds{council="c"}': 3601},
    "AuditUnverified": {'audit_verified_seconds{council="c"}': 3601},
    "PurgeBacklog": {'purge_backlog_days{council="c"}': 15},
    "OutboxStuck": {'message_oldest_seconds{council="c"}': 7201},
    "DiskNearlyFull": {'free_ratio{council="c",place="state"}': 0.09},
    "ExchangeSilent": {'observed_timestamp_seconds{council="c"}': "0+300x24 7200+0x36"},
    "AirflowSilent": {"airflow_scheduler_heartbeat_total": "0+60x24 1440+0x36"},
    "CouncilClosed": {'closed{council="c"}': 1},
    "BackupNotWhole": {'backup_whole{council="c"}': 0},
    "LogNotHandedOut": {'backup_age_seconds{council="c",store="log"}': 901},
    "BackupOld": {'backup_age_seconds{council="c",store="database"}': 26 * 3600 + 1},
}
"""What has to change for each alert to stand; nothing else does then."""


@with_promtool
def test_nobody_is_woken_for_a_council_in_which_nothing_needs_anybody(tmp_path):
    assert firing(tmp_path, {}, QUIET | {"airflow_scheduler_heartbeat_total": f"0+60x{STEPS}"}) == ""


@pytest.mark.requirement("R-049")
@with_promtool
def test_each_alert_stands_for_its_own_reason_and_alone(tmp_path):
    assert all_firing(tmp_path, [(name, {name: 1}, QUIET | change) for name, change in LOUD.items()]) == ""


@with_promtool
def test_a_wrong_expectation_is_noticed(tmp_path):
    """Of promtool itself: without this, the test above could pass for nothing."""
    assert "FileStuck" in firing(tmp_path, {"FileStuck": 1}, QUIET)
    assert "FileStuck" in firing(tmp_path, {}, QUIET | LOUD["FileStuck"])


def test_every_alert_has_an_example_of_when_it_stands():
    assert {*LOUD, "NothingMeasured"} == {alert.name for alert in ALERTS}


@with_promtool
def test_that_nothing_comes_from_anywhere_is_an_alert_and_that_a_backup_was_never_made_too(tmp_path):
    assert firing(tmp_path, {"NothingMeasured": 1}, {}) == ""
    for missing in ('store="database"', "store="):
        without = {name: value for name, value in QUIET.items() if missing not in name}
        assert firing(tmp_path, {"BackupOld": 1}, without) == ""


@with_promtool
def test_that_the_chain_was_never_verified_or_nobody_can_tell_is_an_alert(tmp_path):
    without = {name: value for name, value in QUIET.items() if not name.startswith("audit_verified")}
    assert firing(tmp_path, {"AuditUnverified": 1}, without) == ""


@with_promtool
@pytest.mark.parametrize(("active", "expected"), [(0, {}), (1, {"FileStuck": 1, "FeedOverdue": 1, "ReceiptLate": 1})])
def test_a_partner_that_is_not_active_never_has_an_alert(tmp_path, active, expected):
    late = {
        f"feed_active{{{PAUSED}}}": active,
        f"file_oldest_seconds{{{PAUSED}}}": 90 * DAY,
        f"receipt_owed_seconds{{{PAUSED}}}": 90 * DAY,
        f'feed_expected{{{PAUSED},state="overdue"}}': 1,
        f'files_quarantined{{{PAUSED},reason="UNKNOWN_SIGNER"}}': 4,
    }
    incident = {"QuarantineIncident": 1} if active else {}
    assert firing(tmp_path, expected | incident, QUIET | late) == ""


@with_promtool
def test_a_flood_is_one_alert_for_each_council_and_feed(tmp_path):
    partners = [f'council="c",partner="school-{number}",feed="school_attendance"' for number in range(60)]
    flood = {f"feed_active{{{one}}}": 1 for one in partners} | {
        f"file_oldest_seconds{{{one}}}": 3 * DAY for one in partners
    }
    assert firing(tmp_path, {"FileStuck": 1}, QUIET | flood) == ""
    elsewhere = {name.replace('council="c"', 'council="d"'): value for name, value in flood.items()}
    assert firing(tmp_path, {"FileStuck": 2}, QUIET | flood | elsewhere) == ""


@with_promtool
@pytest.mark.parametrize("component", ["scheduler", "triggerer"])
def test_a_part_of_airflow_that_stopped_is_named(tmp_path, component):
    stopped = {f'airflow_beat_timestamp_seconds{{component="{component}"}}': "0+300x40 12000+0x20"}
    assert firing(tmp_path, {"AirflowSilent": 1}, QUIET | stopped) == ""


@with_promtool
def test_keys_of_several_owners_that_end_together_are_an_alert_each(tmp_path):
    """Not an error of the rule: what the alert itself is labelled with must not make them alike."""
    ends = {f'key_days{{council="c",owner="{owner}",use="openpgp"}}': 5 for owner in ("police", "schools", "council")}
    assert firing(tmp_path, {"KeyEndsIn7Days": 3}, QUIET | ends) == ""
    ended = dict.fromkeys(ends, -1)
    assert firing(tmp_path, {"KeyEnded": 3}, QUIET | ended) == ""


def test_no_alert_gives_a_series_a_label_that_it_has_already():
    for alert in ALERTS:
        named = {label for metric in METRICS.values() if metric.name in alert.expression for label in metric.labels}
        assert not named & {"severity", "owner"} or "key_owner" in alert.expression, alert.name


@with_promtool
def test_a_moment_of_trouble_wakes_nobody(tmp_path):
    moment = {f"file_oldest_seconds{{{POLICE}}}": f"0+0x{STEPS - 2} {2 * DAY}+0x2"}
    assert firing(tmp_path, {}, QUIET | moment) == ""


@with_promtool
def test_prometheus_takes_its_settings_and_the_further_job_for_a_collector(tmp_path):
    shipped = yaml.safe_load((DEPLOY / "alerts" / "prometheus.yml").read_text())
    further = yaml.safe_load((DEPLOY / "alerts" / "otel-scrape.yml").read_text())
    (tmp_path / Path(RULES).name).write_text(signals.rules())
    both = shipped | {"scrape_configs": [*shipped["scrape_configs"], *further]}
    for name, settings in {"alone.yml": shipped, "both.yml": both}.items():
        (tmp_path / name).write_text(yaml.safe_dump(settings))
        ran = subprocess.run(
            [PROMTOOL, "check", "config", tmp_path / name], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    kept = shipped["scrape_configs"][0]["metric_relabel_configs"][0]["regex"]
    assert all(re.fullmatch(kept, name) for name in (*METRICS, BEATS))
    assert not re.fullmatch(kept, "node_uname_info")


MANAGERS = ("alertmanager.yml", "alertmanager-mail.yml")


@with_amtool
@pytest.mark.parametrize("name", MANAGERS)
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"severity": "critical", "owner": "data_protection"}, "data-protection-now"),
        ({"severity": "critical", "owner": "programme"}, "on-call"),
        ({"severity": "warning", "owner": "programme"}, "programme"),
        ({"severity": "warning", "owner": "data_protection"}, "data-protection"),
        ({"severity": "info", "owner": "operations"}, "operations"),
    ],
)
def test_alertmanager_sends_each_alert_to_the_role_that_answers_for_it(name, labels, receiver):
    words = [f"{name}={value}" for name, value in labels.items()]
    file = DEPLOY / "alerts" / name
    ran = subprocess.run(
        [AMTOOL, "config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_alertmanager_folds_by_council_and_feed_alike_with_mail_and_without():
    without, by_mail = (yaml.safe_load((DEPLOY / "alerts" / name).read_text()) for name in MANAGERS)
    assert {"council", "feed"} <= set(without["route"]["group_by"])
    assert without["route"] == by_mail["route"]
    assert without["inhibit_rules"] == by_mail["inhibit_rules"]
    assert without["receivers"] == [{"name": each["name"]} for each in by_mail["receivers"]]
    assert all(each["email_configs"] for each in by_mail["receivers"])
