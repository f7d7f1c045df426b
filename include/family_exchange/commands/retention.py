"""Retention: what is due, who approved its destruction, and the certificate."""

from typing import Annotated

import typer

from family_exchange.commands.common import By, Council, Json, doors, say, table, today
from family_exchange.stages import purge

retention = typer.Typer(help="Destroy what may no longer be kept, with proof.", no_args_is_help=True)

Today = Annotated[str | None, typer.Option("--today", help="The day to count from, as YYYY-MM-DD.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(retention, name="retention")


@retention.command("plan")
def plan(council: Council, day: Today = None, as_json: Json = False) -> None:
    """List what is due; nothing is destroyed. An unknown trigger date is never due."""
    opened = doors(council)
    plan_id = purge.plan(opened, today=today(day))
    counts = purge.counts(opened, plan_id)
    rows = sorted(counts.items())
    say({"plan": plan_id} | counts, as_json=as_json, words=lambda: table(plan_id, ("what", "items"), list(rows)))


@retention.command("purge")
def purge_plan(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="As `retention plan` printed it.")],
    council: Council,
    by: By,
    as_json: Json = False,
) -> None:
    """Approve the plan, destroy what is still due and not held, and issue the certificate."""
    opened = doors(council)
    purge.approve(opened, plan_id, by=by)
    destroyed = purge.destroy(opened, plan_id)
    certificate = purge.certify(opened, plan_id)
    data = {"certificate": certificate} | destroyed
    rows = sorted(destroyed.items())
    say(data, as_json=as_json, words=lambda: table(f"certificate {certificate}", ("what", "destroyed"), list(rows)))
