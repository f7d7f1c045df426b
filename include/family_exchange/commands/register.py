"""The family register: bring it up to date, and say by one number what is in it."""

import typer

from family_exchange.adapters import database
from family_exchange.adapters import register as registry
from family_exchange.commands.common import Council, Json, doors, say, table, today
from family_exchange.commands.counting import monthly
from family_exchange.stages import match, propose, register

registers = typer.Typer(help="The family register.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(registers, name="register")
    registers.command("counts")(monthly)


@registers.command("update")
def update(council: Council, as_json: Json = False) -> None:
    """Match the people of accepted files, bring families up to date, propose."""
    opened = doors(council)
    counts = match.people(opened) | register.families(opened, today=today()) | propose.families(opened, today=today())
    rows = sorted(counts.items())
    say(
        counts,
        as_json=as_json,
        words=lambda: table(f"What changed in the register of {council}", ("what", "count"), list(rows)),
    )


@registers.command("digest")
def digest(council: Council, as_json: Json = False) -> None:
    """One SHA-256 over the whole register: equal digests, equal registers."""
    with database.one_moment(doors(council).database) as connection:
        value = registry.digest(connection)
    say({"sha256": value}, as_json=as_json, words=lambda: value)
