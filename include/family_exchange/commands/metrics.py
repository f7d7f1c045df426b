"""What the exchange measures of a council, for whoever watches it: Prometheus, node_exporter, or a person."""

from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import marks
from family_exchange.commands.common import Council, Json, doors, now
from family_exchange.commands.common import say as tell
from family_exchange.domain.metrics import METRICS, exposition
from family_exchange.stages import measure


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("metrics")(metrics)


def metrics(
    council: Council,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write into this file instead, whole or not at all, as node_exporter's textfile collector asks."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Every metric of the council as it stands now, in Prometheus' text format; only reads, from the ledger."""
    readings = measure.council(doors(council), at=now())
    if out is not None:
        marks.replace(out, exposition(readings), mode=0o644)
        data: object = {"council": council, "written": str(out), "series": len(readings)}
        tell(data, as_json=as_json, words=lambda: f"{len(readings)} series written to {out}")
    elif as_json:
        listed = [
            {"metric": one.series, "kind": METRICS[one.metric].kind, "labels": dict(one.labels), "value": one.value}
            for one in readings
        ]
        tell(listed, as_json=True, words=lambda: "")
    else:
        typer.echo(exposition(readings), nl=False)
