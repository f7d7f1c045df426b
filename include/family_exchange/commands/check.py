"""A partner's own check of a file before it is sent."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import profiles
from family_exchange.commands.common import Json, say, table
from family_exchange.commands.profile import known
from family_exchange.domain.errors import NeedsDecision


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("check")(check_file)


def check_file(
    file: Annotated[Path, typer.Argument(help="A CSV file as it would be sealed.", exists=True, dir_okay=False)],
    feed: Annotated[str, typer.Option("--feed", "-f", help="Which feed it is.")],
    council: Annotated[str | None, typer.Option("--council", "-c", help="Whose profile applies.")] = None,
    as_json: Json = False,
) -> None:
    """A partner's own check before sending: the same verdict and the same findings as the platform's."""
    from family_exchange.stages import validate  # noqa: PLC0415 - loads the validation libraries

    if feed not in profiles.feeds():
        raise NeedsDecision(f"there is no such feed; there are: {', '.join(profiles.feeds())}")
    known(council)
    contract = profiles.contract(feed)
    whose = profiles.profile(council) if council else None
    report = validate.report(file.read_bytes(), contract, whose)
    rows: list[tuple[object, ...]] = [
        (line.rule, line.severity, line.column, line.count, ", ".join(map(str, line.first_rows)), line.message)
        for line in report.lines
    ]
    title = f"{report.verdict}: {report.rows_read} rows read, {report.rows_refused} refused"
    title += f"\n{report.message}" if report.message else ""
    columns = ("rule", "severity", "column", "rows", "first rows", "what to do")
    data = asdict(report) | {"verdict": report.verdict}
    say(data, as_json=as_json, words=lambda: table(title, columns, rows))
    if report.lines or report.reason:
        raise typer.Exit(1)
