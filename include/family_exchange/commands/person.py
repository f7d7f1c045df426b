"""One person's record, for those who need to know, and the answer to a person's own question."""

from dataclasses import asdict
from typing import Annotated

import typer

from family_exchange.commands import person_show
from family_exchange.commands.common import By, Council, Json, doors, say, today
from family_exchange.stages import enquire
from family_exchange.stages.enquire import Eligible

persons = typer.Typer(help="One person's record; every read is in the audit.", no_args_is_help=True)

PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    persons.command("show")(person_show.show_person)
    app.add_typer(persons, name="person")


@persons.command("eligibility")
def eligibility(person: PersonId, council: Council, by: By, as_json: Json = False) -> None:
    """Answer somebody who asks whether they or their family are eligible; of the reasons only their own are told."""
    answer = enquire.eligible(doors(council), person, by=by, today=today())
    data = {"person": answer.person, "families": [asdict(one) for one in answer.families]}
    say(data, as_json=as_json, words=lambda: "\n".join(_lines(answer)))


def _lines(answer: Eligible) -> list[str]:
    if not answer.families:
        return [f"{answer.person}: not yet told; no family of theirs is known"]
    told = {
        "yes": "the rules propose the family",
        "no": "the rules do not propose the family",
        "not_yet_told": "not yet told: something that could tell did not come",
    }
    lines = []
    for one in answer.families:
        lines.append(f"{one.family}: {told[one.answer]}" + (f", since {one.since}" if one.since else ""))
        lines.append(f"  the person's own records evidence: {', '.join(one.own_problems) or 'no problem'}")
        since = f" since {one.status_since}" if one.status_since else ""
        lines.append(f"  on the programme: {one.status or 'nobody has decided anything'}{since}")
    return [*lines, "A proposal is decision support; a named person decides."]
