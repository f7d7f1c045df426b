"""The tamper-evident log, and the way of one record through the exchange."""

from typing import Annotated

import typer
from rich.text import Text

from family_exchange.adapters import audit, database, trace
from family_exchange.commands.common import Council, Json, counted, doors, say, table

auditing = typer.Typer(help="The tamper-evident log.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(auditing, name="audit")
    app.command("trace")(trace_record)


@auditing.command("verify")
def verify(council: Council, as_json: Json = False) -> None:
    """Recompute the whole chain and hold the signed checkpoints against it."""
    opened = doors(council)
    with database.transaction(opened.database) as connection:
        found = audit.verify(connection, opened.checkpoints, opened.signing_key.public_key())
    data = {
        "whole": found.whole,
        "events": found.events,
        "head": found.head,
        "checkpoints": found.checkpoints,
        "broken_at": found.broken_at,
        "why": found.why,
    }
    agree = f"{counted(found.events, 'event')} and {counted(found.checkpoints, 'checkpoint')} agree"
    good = f"[green]whole:[/] {agree}, head {found.head[:16]}"
    bad = (
        f"[bold red]broken[/] at event {found.broken_at}: {found.why}. Stop sending, keep everything, see the runbook."
    )
    say(data, as_json=as_json, words=lambda: Text.from_markup(good if found.whole else bad))
    if not found.whole:
        raise typer.Exit(1)


@auditing.command("show")
def show(
    council: Council,
    about: Annotated[str | None, typer.Option(help="Only events that name this id.")] = None,
    last: Annotated[int, typer.Option(help="How many, newest last.")] = 50,
    as_json: Json = False,
) -> None:
    """The newest events: kinds, actors, ids and counts."""
    with database.transaction(doors(council).database) as connection:
        events = audit.newest(connection, about=about, last=last)
    rows = [(event["seq"], event["at"], event["kind"], event["actor"], event["body"]) for event in events]
    say(events, as_json=as_json, words=lambda: table("Events", ("seq", "at", "kind", "actor", "body"), list(rows)))


def trace_record(record: Annotated[str, typer.Argument(metavar="ID")], council: Council, as_json: Json = False) -> None:
    """The way of a file, source record, person, family or return row through the exchange, both ways; ids only."""
    with database.one_moment(doors(council).database) as connection:
        steps = trace.of(connection, record)
    rows = [(step.kind, step.item, step.because) for step in steps]
    data = [{"kind": step.kind, "id": step.item, "because": step.because} for step in steps]
    say(
        data,
        as_json=as_json,
        words=lambda: table(f"Lineage of {record}" if steps else "Lineage", ("what", "id", "because"), list(rows)),
    )
    if not steps:
        typer.echo(
            "nothing has this id: it is a file's, source record's, person's, family's, proposal's or `return#row`",
            err=True,
        )
        raise typer.Exit(1)
