"""Retention: what is due, who approved its destruction, and the certificate."""

from typing import Annotated

import typer

from family_exchange.adapters import database, purge_plans
from family_exchange.adapters import retention as store
from family_exchange.commands.common import By, Council, Json, day, doors, say, table, today
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import certificate, purge

retention = typer.Typer(help="Destroy what may no longer be kept, with proof.", no_args_is_help=True)

Today = Annotated[str | None, typer.Option("--today", help="The day to count from, as YYYY-MM-DD.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(retention, name="retention")


@retention.command("plan")
def plan(council: Council, on: Today = None, as_json: Json = False) -> None:
    """List what is due; nothing is destroyed. An unknown trigger date is never due."""
    opened = doors(council)
    plan_id = purge.plan(opened, today=today(on))
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
    with database.transaction(opened.database) as connection:
        planned_on = purge_plans.read(connection, plan_id).planned_on
    if planned_on > today():
        raise NeedsDecision(f"the day of plan {plan_id} has not come yet: it shows what will be due; plan for today")
    purge.approve(opened, plan_id, by=by)
    destroyed = purge.destroy(opened, plan_id)
    purge.follow(opened, today=today())
    certificate_id = certificate.issue(opened, plan_id)
    data = {"certificate": certificate_id} | destroyed
    rows = sorted(destroyed.items())
    say(data, as_json=as_json, words=lambda: table(f"certificate {certificate_id}", ("what", "destroyed"), list(rows)))


@retention.command("hold")
def hold(
    scope: Annotated[str, typer.Argument(help=f"What kind of thing: {', '.join(store.SCOPES)}.")],
    scope_id: Annotated[str, typer.Argument(metavar="ID", help="Which one.")],
    council: Council,
    by: By,
    reason: Annotated[str, typer.Option(help="Why it must not be destroyed; kept with the hold.")],
    as_json: Json = False,
) -> None:
    """Nothing in the scope is destroyed until the hold is released, whatever is due."""
    opened = doors(council)
    categories = [rule.category for rule in opened.profile.retention]
    if scope == "category" and scope_id not in categories:
        raise NeedsDecision(f"{council} has no retention rule for that category; there are: {_listed(categories)}")
    with database.transaction(opened.database) as connection:
        number = store.place_hold(connection, scope, scope_id, by=by, reason=reason)
    say({"hold": number}, as_json=as_json, words=lambda: f"hold {number} is in force")


@retention.command("release")
def release(
    number: Annotated[int, typer.Argument(metavar="HOLD", help="As `retention hold` printed it.")],
    council: Council,
    by: By,
    as_json: Json = False,
) -> None:
    """Release a hold; what is due then goes with the next plan."""
    with database.transaction(doors(council).database) as connection:
        was = store.release_hold(connection, number, by=by)
    say(
        {"released": was},
        as_json=as_json,
        words=lambda: f"hold {number} " + ("is released" if was else "was not in force"),
    )
    if not was:
        raise typer.Exit(1)


@retention.command("event")
def event(
    name: Annotated[str, typer.Argument(help="As the profile's rule names it, e.g. programme_end.")],
    council: Council,
    by: By,
    happened_on: Annotated[str, typer.Option("--on", help="The day it happened, as YYYY-MM-DD.")],
    as_json: Json = False,
) -> None:
    """State the day of an event that starts a retention period; until it is stated, nothing of its rule is due."""
    on, opened = day(happened_on), doors(council)
    events = [rule.event for rule in opened.profile.retention if rule.event]
    if name not in events:
        raise NeedsDecision(f"no retention rule of {council} waits for that event; its events are: {_listed(events)}")
    with database.transaction(opened.database) as connection:
        store.record_event(connection, name, happened_on=on, by=by)
    say({"event": name, "on": happened_on}, as_json=as_json, words=lambda: f"{name}: {happened_on}")


def _listed(known: list[str]) -> str:
    return ", ".join(sorted({*known})) or "none"
