"""The files by which Prometheus and Grafana know what this product measures: rules of alerts, and the dashboard.

`python -m family_exchange.adapters.signals` writes them anew from `domain.alerts` and `domain.dashboard`; a test says
when they are out of date.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from family_exchange.adapters.profiles import ROOT
from family_exchange.domain.alerts import ALERTS, Alert
from family_exchange.domain.dashboard import SECTIONS, Look, Panel

DEPLOY = ROOT.parent / "deploy"
RULES = Path("alerts/family-exchange.rules.yml")
BOARD = Path("grafana/dashboards/family-exchange.json")

SOURCE = "family-exchange"
"""The uid of the data source, as `grafana/provisioning/datasources` sets it."""
OWN = 'council=~"$council"'
"""What stands for `$own` in a query."""

_WIDTH, _HEIGHT = 24, 8


def rules() -> str:
    """The file of rules, as Prometheus reads it."""
    group = {"name": "family-exchange", "rules": [_rule(one) for one in ALERTS]}
    head = "# Made by `make signals` from domain/alerts.py; a test compares them. docs/alerts.md says how to use it.\n"
    return head + yaml.safe_dump({"groups": [group]}, sort_keys=False, width=1000, allow_unicode=True)


def board() -> str:
    """The dashboard, as Grafana reads it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, section in SECTIONS:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": []}
            | {"gridPos": {"x": 0, "y": top, "w": _WIDTH, "h": 1}}
        )
        top, left = top + 1, 0
        for one in section:
            if left + one.width > _WIDTH:
                top, left = top + _HEIGHT, 0
            place = {"x": left, "y": top, "w": one.width, "h": _HEIGHT}
            panels.append(_panel(one, len(panels) + 1) | {"gridPos": place})
            left += one.width
        top += _HEIGHT
    made = {
        "uid": "family-exchange",
        "title": "Family Exchange",
        "description": "What stands, what is late and what waits for a person, in each council. No names, no values.",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "1m",
        "timezone": "Europe/London",
        "time": {"from": "now-7d", "to": "now"},
        "tags": ["family-exchange"],
        "templating": {"list": [_councils()]},
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path = DEPLOY) -> None:
    """Write both; a second run writes the same bytes."""
    for file, text in ((RULES, rules()), (BOARD, board())):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")


def _rule(alert: Alert) -> dict[str, object]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasts,
        "labels": {"severity": str(alert.severity), "owner": str(alert.owner)},
        "annotations": {
            "summary": alert.summary,
            "threshold": alert.threshold,
            "runbook": f"docs/runbook.md#{alert.runbook}",
        },
    }


def _panel(one: Panel, number: int) -> dict[str, Any]:
    """One panel without its place."""
    instant = one.look is not Look.LINES
    made: dict[str, Any] = {
        "id": number,
        "type": str(one.look),
        "title": one.title,
        "description": one.description,
        "datasource": {"type": "prometheus", "uid": SOURCE},
        "fieldConfig": {"defaults": _defaults(one), "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": {"type": "prometheus", "uid": SOURCE},
                "expr": query.replace("$own", OWN),
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
            }
            | ({"format": "table"} if one.look is Look.TABLE else {})
            for place, (query, legend) in enumerate(one.queries)
        ],
    }
    if one.look in {Look.NUMBER, Look.BARS}:
        reduce = {"values": False, "calcs": ["lastNotNull"], "fields": ""}
        made["options"] = {"reduceOptions": reduce, "orientation": "horizontal"}
    if one.look is Look.TABLE:  # else it shows the first query alone, behind a choice
        moments = {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": _columns(one)}
        made["transformations"] = [{"id": "merge", "options": {}}, {"id": "organize", "options": moments}]
    return made


def _defaults(one: Panel) -> dict[str, object]:
    """How every value of the panel is shown."""
    made: dict[str, object] = {"unit": one.unit, "thresholds": _thresholds(one)}
    if one.unit == "percentunit":  # bars are as long as the part is, not as the largest of them
        made |= {"min": 0, "max": 1}
    if one.words:
        options = {str(value): {"text": text, "index": place} for place, (value, text) in enumerate(one.words)}
        made["mappings"] = [{"type": "value", "options": options}]
    return made


def _columns(one: Panel) -> dict[str, str]:
    """What the columns of values are called: by the last word of each query's legend."""
    if len(one.queries) == 1:
        return {"Value": "number"}
    return {f"Value #{chr(ord('A') + place)}": legend.split()[-1] for place, (_, legend) in enumerate(one.queries)}


def _thresholds(one: Panel) -> dict[str, object]:
    good, bad = "green", "red"
    if one.bad_below is not None:
        steps = [{"color": bad, "value": None}, {"color": good, "value": one.bad_below}]
    elif one.bad_from is not None:
        steps = [{"color": good, "value": None}, {"color": bad, "value": one.bad_from}]
    else:
        steps = [{"color": good, "value": None}]
    return {"mode": "absolute", "steps": steps}


def _councils() -> dict[str, object]:
    """The choice of councils at the top of the page."""
    return {
        "name": "council",
        "label": "Council",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": SOURCE},
        "query": "label_values(family_exchange_observed_timestamp_seconds, council)",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


if __name__ == "__main__":
    write()
