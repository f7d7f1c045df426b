"""The dashboard as Grafana will read it: whole, without overlap, and with every metric on it that there is."""

import json
import re
import shutil
import subprocess
from itertools import combinations

import pytest
import yaml

from family_exchange.adapters import signals
from family_exchange.adapters.signals import BOARD, DEPLOY, SOURCE
from family_exchange.domain.alerts import ALERTS
from family_exchange.domain.metrics import METRICS, Kind

BOARD_TEXT = (DEPLOY / BOARD).read_text()
DRAWN = json.loads(BOARD_TEXT)
PANELS = [panel for panel in DRAWN["panels"] if panel["type"] != "row"]
UNITS = {"short", "s", "suffix: days", "percentunit", "bytes"}
COLUMNS = 24

PROMTOOL = shutil.which("promtool")
PROVISIONING = DEPLOY / "grafana" / "provisioning"


def metrics_in(expression):
    """The metrics of ours that an expression names; a histogram by any of its parts."""
    found = set()
    for name in re.findall(r"family_exchange_\w+", expression):
        whole = re.sub(r"_(bucket|sum|count)$", "", name)
        is_histogram = whole in METRICS and METRICS[whole].kind is Kind.HISTOGRAM
        found.add(whole if is_histogram else name)
    return found


def test_the_file_is_made_from_the_list_of_panels():
    assert signals.board() == BOARD_TEXT, "run `make signals`"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_says_what_it_shows_and_asks_only_for_what_exists(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == SOURCE
        assert metrics_in(target["expr"]) <= set(METRICS)
        if "airflow_beat" in target["expr"]:  # of the installation, not of a council
            assert target["legendFormat"] == "{{component}}"
            continue
        assert metrics_in(target["expr"])
        assert 'council=~"$council"' in target["expr"]
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= {
            label for name in metrics_in(target["expr"]) for label in METRICS[name].labels
        }


def test_every_metric_is_on_the_page():
    shown = {name for panel in PANELS for target in panel["targets"] for name in metrics_in(target["expr"])}
    assert shown == set(METRICS)


def test_every_metric_that_wakes_somebody_exists():
    assert {name for alert in ALERTS for name in metrics_in(alert.expression)} < set(METRICS)


def test_ids_are_unique_and_no_panel_lies_on_another():
    every = DRAWN["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    for one, other in combinations([panel["gridPos"] for panel in every], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= COLUMNS for panel in every)


def test_each_query_of_a_panel_has_a_letter_of_its_own():
    for panel in PANELS:
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))


def test_a_section_leaves_no_hole():
    """But for its last line, every line of panels is full."""
    for row in [panel for panel in DRAWN["panels"] if panel["type"] == "row"]:
        below = [each["gridPos"]["y"] for each in DRAWN["panels"] if each["type"] == "row"]
        until = min([y for y in below if y > row["gridPos"]["y"]], default=1000)
        lines = {}
        for panel in PANELS:
            if row["gridPos"]["y"] < panel["gridPos"]["y"] < until:
                lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"]["w"])
        assert [sum(widths) for _, widths in sorted(lines.items())][:-1] == [COLUMNS] * (len(lines) - 1), row["title"]


def test_a_table_of_two_questions_shows_both():
    (letters,) = [panel for panel in PANELS if panel["title"] == "Letters that wait"]
    merge, organize = letters["transformations"]
    assert merge["id"] == "merge"
    assert organize["options"]["renameByName"] == {"Value #A": "messages", "Value #B": "seconds"}


def test_a_part_of_a_disk_is_shown_as_a_part_of_the_whole_and_a_yes_or_no_as_a_word():
    shown = {panel["title"]: panel["fieldConfig"]["defaults"] for panel in PANELS}
    assert (shown["Free disk"]["min"], shown["Free disk"]["max"]) == (0, 1)
    (words,) = shown["Audit chain"]["mappings"]
    assert words["options"]["0"]["text"] == "broken"


def test_grafana_finds_the_source_and_the_page_where_they_are():
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "family-exchange.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "family-exchange.yml").read_text())["providers"]
    assert (source["uid"], source["type"]) == (SOURCE, "prometheus")
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert not source["editable"]
    assert DRAWN["editable"] is provider["allowUiUpdates"] is False


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_understands_every_query(tmp_path):
    queries = [target["expr"].replace("$council", ".*") for panel in PANELS for target in panel["targets"]]
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    ran = subprocess.run([PROMTOOL, "check", "rules", file], capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
