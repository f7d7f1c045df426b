"""The family register: bring it up to date, see what it proposes, and let a named person decide."""

from typing import Annotated

import typer

from family_exchange.adapters import database
from family_exchange.adapters import register as registry
from family_exchange.commands.common import By, Council, Json, day, doors, say, table, today
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import match, propose, register

registers = typer.Typer(help="The family register.", no_args_is_help=True)
proposals = typer.Typer(help="What the rules propose; a named person decides.", no_args_is_help=True)

OUTCOMES = ("accepted", "declined", "not_invited")


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(registers, name="register")
    app.add_typer(proposals, name="proposal")


@registers.command("update")
def update(council: Council, as_json: Json = False) -> None:
    """Match the people of accepted files, bring families up to date, propose."""
    opened = doors(council)
    counts = match.people(opened) | register.families(opened, today=today()) | propose.families(opened, today=today())
    rows = sorted(counts.items())
    say(counts, as_json=as_json, words=lambda: table(f"Register of {council}", ("what", "count"), list(rows)))


@registers.command("digest")
def digest(council: Council, as_json: Json = False) -> None:
    """One SHA-256 over the whole register: equal digests, equal registers."""
    with database.transaction(doors(council).database) as connection:
        value = registry.digest(connection)
    say({"sha256": value}, as_json=as_json, words=lambda: value)


@proposals.command("list")
def list_open(council: Council, as_json: Json = False) -> None:
    """The proposals that nobody has decided yet; decision support, never a decision."""
    opened = propose.open_proposals(doors(council))
    rows: list[tuple[object, ...]] = [(one,) for one in opened]
    say(opened, as_json=as_json, words=lambda: table(f"{len(rows)} open proposals", ("proposal",), rows))


@proposals.command("show")
def show(proposal: str, council: Council, as_json: Json = False) -> None:
    """Why a family is proposed: problems, indicators, source records; ids and dates only."""
    with database.transaction(doors(council).database) as connection:
        lines = registry.explain(connection, proposal)
    say(lines, as_json=as_json, words=lambda: "\n".join(lines))


@proposals.command("decide")
def decide(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The proposals.")],
    council: Council,
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(OUTCOMES)}.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the decision.")],
    since: Annotated[str | None, typer.Option(help="First day of support, YYYY-MM-DD, if before today.")] = None,
    as_json: Json = False,
) -> None:
    """Record what a named person decided; deciding twice changes nothing."""
    if outcome not in OUTCOMES:
        raise NeedsDecision(f"an outcome is one of {', '.join(OUTCOMES)}")
    number = propose.decide(
        doors(council),
        ids,
        outcome=outcome,
        decided_by=by,
        reason=reason,
        on=today(),
        supported_since=day(since) if since else None,
    )
    say({"decided": number}, as_json=as_json, words=lambda: f"{number} proposals decided: {outcome}, by {by}")
