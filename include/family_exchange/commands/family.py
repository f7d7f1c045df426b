"""How families stand to the programme: what a named person decides, who supports a family, and what is missing."""

from datetime import date
from typing import Annotated

import typer

from family_exchange.commands import person_show
from family_exchange.commands.common import By, Council, Json, counted, day, doors, say, table, today
from family_exchange.domain.programme import Gap, Status
from family_exchange.stages import enquire, programme

families = typer.Typer(help="Families on the programme, and those that may join it.", no_args_is_help=True)

FamilyId = Annotated[str, typer.Argument(metavar="FAMILY", help="The family's id.")]
On = Annotated[str | None, typer.Option(help="From which day it holds, YYYY-MM-DD; today if not given.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept beside it.")]
Name = Annotated[str, typer.Option(help="The worker's name.")]
Organisation = Annotated[str, typer.Option(help="Whom the worker works for.")]


_MISSING = {
    Gap.NO_LEAD_WORKER: "say who leads with `family lead`",
    Gap.OUTSIDE_WITHOUT_REASON: "say why the member is not in the plan with `family plan --out`",
    Gap.NOBODY_SAID: "say whether the member is in the plan with `family plan`",
    Gap.NO_DEPENDENT_CHILD: "no child of the framework belongs to the family any more; look at `family show`",
    Gap.NO_MEMBER: "nobody belongs to the family now; its support may have ended: `family status`",
}


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    families.command("show")(person_show.show_family)
    app.add_typer(families, name="family")


@families.command("status")
def status(
    family: FamilyId,
    council: Council,
    to: Annotated[Status, typer.Option(help="How the family stands to the programme from that day.")],
    by: By,
    reason: Reason,
    on: On = None,
    instead_of: Annotated[
        str | None, typer.Option(help="First day of an entry that was wrong, YYYY-MM-DD; the memory keeps it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Record what a named person decided: invited, accepted, declined, not_invited, closed; open proposals follow."""
    from_day = _day(on)
    changed = programme.status(
        doors(council),
        family,
        to,
        by=by,
        reason=reason,
        on=from_day,
        today=today(),
        instead_of=day(instead_of) if instead_of else None,
    )
    data = {"family": family, "status": to, "before": changed.before, "on": from_day}
    say(data, as_json=as_json, words=lambda: f"family {family} is {to} from {from_day}, by {by}")


@families.command("lead")
def lead(
    family: FamilyId,
    council: Council,
    by: By,
    name: Annotated[str | None, typer.Option(help="The lead worker's name.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Whom the lead worker works for.")] = None,
    on: On = None,
    ends: Annotated[bool, typer.Option("--ends", help="Nobody leads the support from that day.")] = False,
    as_json: Json = False,
) -> None:
    """Record who leads the support of a family, in place of whoever did before; there is one lead worker at a time."""
    from_day, opened = _day(on), doors(council)
    if ends:
        programme.lead_ends(opened, family, on=from_day, by=by, today=today())
    else:
        programme.lead(
            opened, family, name=name or "", organisation=organisation or "", on=from_day, by=by, today=today()
        )
    words = "nobody leads the support" if ends else "the lead worker is recorded"
    say({"family": family, "on": from_day, "ends": ends}, as_json=as_json, words=lambda: f"{words} from {from_day}")


@families.command("team")
def team(
    family: FamilyId,
    council: Council,
    by: By,
    name: Name,
    organisation: Organisation,
    on: On = None,
    leaves: Annotated[bool, typer.Option("--leaves", help="The worker leaves the team on that day.")] = False,
    as_json: Json = False,
) -> None:
    """Record who belongs to the team around a family, or leaves it."""
    from_day, opened = _day(on), doors(council)
    change = programme.leaves_team if leaves else programme.joins_team
    change(opened, family, name=name, organisation=organisation, on=from_day, by=by, today=today())
    words = "leaves the team" if leaves else "belongs to the team"
    data = {"family": family, "on": from_day, "leaves": leaves}
    say(data, as_json=as_json, words=lambda: f"the worker {words} from {from_day}")


@families.command("plan")
def plan(
    family: FamilyId,
    council: Council,
    by: By,
    inside: Annotated[
        list[str] | None, typer.Option("--in", help="A member who is in the plan; may be repeated.")
    ] = None,
    outside: Annotated[list[str] | None, typer.Option("--out", help="A member who is not; may be repeated.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why those are not in the plan.")] = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Record which members of a family are in its plan, and why others are not."""
    from_day = _day(on)
    programme.plan(
        doors(council),
        family,
        inside=inside or (),
        outside=outside or (),
        reason=reason,
        on=from_day,
        by=by,
        today=today(),
    )
    data = {"family": family, "on": from_day, "in": inside or [], "out": outside or []}
    words = f"{len(inside or ())} in the plan, {len(outside or ())} outside it, from {from_day}"
    say(data, as_json=as_json, words=lambda: words)


@families.command("suggest")
def suggest(
    family: FamilyId,
    council: Council,
    by: By,
    service: Annotated[str, typer.Option(help="The service, in a few words.")],
    reason: Annotated[str | None, typer.Option(help="Why; it is kept beside it.")] = None,
    on: On = None,
    ends: Annotated[bool, typer.Option("--ends", help="It is suggested no more from that day.")] = False,
    as_json: Json = False,
) -> None:
    """Suggest a service for a family's future; a person does that, never a machine."""
    from_day, opened = _day(on), doors(council)
    if ends:
        programme.suggestion_ends(opened, family, service=service, on=from_day, by=by, today=today())
    else:
        programme.suggest(opened, family, service=service, reason=reason or "", on=from_day, by=by, today=today())
    words = "is suggested no more" if ends else "is suggested"
    data = {"family": family, "on": from_day, "ends": ends}
    say(data, as_json=as_json, words=lambda: f"the service {words} from {from_day}")


@families.command("exceptions")
def exceptions(council: Council, as_json: Json = False) -> None:
    """What is missing in the support of families: lead workers, places in the plan, a child; 1 when anything is."""
    found = enquire.exceptions(doors(council), today=today())
    columns = ("family", "what is missing", "member", "supported since")
    rows: list[tuple[object, ...]] = [
        (one.family, f"{one.gap}: {_MISSING[one.gap]}", one.person, one.supported_since) for one in found
    ]
    data = [
        {"family": one.family, "gap": one.gap, "person": one.person, "supported_since": one.supported_since}
        for one in found
    ]
    say(data, as_json=as_json, words=lambda: table(counted(len(rows), "exception"), columns, rows))
    if found:
        raise typer.Exit(1)


def _day(stated: str | None) -> date:
    return today(stated)
