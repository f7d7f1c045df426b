"""What people may ask of the data that is held about them: to put it right."""

import sys
from typing import Annotated

import typer

from family_exchange.commands.common import By, Council, Json, day, doors, say, today
from family_exchange.domain.facts import RECTIFIABLE
from family_exchange.stages import facts

subjects = typer.Typer(help="Rights of the people in the register.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(subjects, name="subject")


@subjects.command("rectify")
def rectify(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    council: Council,
    attribute: Annotated[str, typer.Option(help=f"One of {', '.join(RECTIFIABLE)}.")],
    value: Annotated[
        str, typer.Option(help="What is right; `-` reads it from standard input, out of the shell's log.")
    ],
    valid_from: Annotated[str, typer.Option(help="Since when it is so, YYYY-MM-DD.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the rectification.")],
    slot: Annotated[str, typer.Option(help="Which of several: a kind of birth or identifier, or one home.")] = "",
    as_json: Json = False,
) -> None:
    """Put right what is held of somebody: no later file undoes it, and the next return tells it.

    A name is `{"forename": "…", "surname": "…"}`, an address `{"address_line_1": "…", "postcode": "…"}`; a birth is a
    day; a sex F or M. A rectified address is the only home from its day on, unless `--slot` names one of several.
    """
    number = facts.rectify(
        doors(council),
        person,
        attribute=attribute,
        slot=slot,
        value=sys.stdin.read().strip() if value == "-" else value,
        valid_from=day(valid_from),
        by=by,
        reason=reason,
        today=today(),
    )
    data = {"rectification": number, "person": person}
    say(data, as_json=as_json, words=lambda: f"rectification {number} of {person}; `register update` brings the rest")


@subjects.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The rectification, as `subject rectify` said it.")],
    council: Council,
    by: By,
    as_json: Json = False,
) -> None:
    """Withdraw a rectification: what partners tell stands again."""
    person = facts.withdraw(doors(council), number, by=by, today=today())
    data = {"withdrawn": number, "person": person}
    say(
        data,
        as_json=as_json,
        words=lambda: f"rectification {number} of {person} stands no more; `register update` brings the rest",
    )
