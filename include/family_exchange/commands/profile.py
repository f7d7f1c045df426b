"""A council's promises as data: are the files sound, and what in them does only we assume?"""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from family_exchange.adapters import expectations, profiles
from family_exchange.adapters.documents import Problem
from family_exchange.commands.common import Json, console, say, table
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.profile import leaves
from family_exchange.domain.provenance import Status

profile = typer.Typer(help="Councils' promises as data.", no_args_is_help=True)

Council = Annotated[str | None, typer.Argument(help="A profile's name; every council when it is left out.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(profile, name="profile")


@profile.command("check")
def check(council: Council = None, as_json: Json = False) -> None:
    """Read profiles, contracts, suites, frameworks and returns; every mistake has its file, line and key."""
    known(council)
    problems = sorted({*profiles.check(council), *expectations.check()})
    broken = {problem.file for problem in problems}
    wanted = [council] if council else list(profiles.councils())
    sound = [one for one in wanted if f"councils/{one}.yaml" not in broken] if not _shared(problems) else []
    advice = [note for one in sound for note in profiles.advice(one)]
    assumed = {one: _assumed(one) for one in sound}
    data = {
        "problems": [asdict(problem) for problem in problems],
        "advice": [asdict(note) for note in advice],
        "assumed": {one: [key for key, _ in leaf] for one, leaf in assumed.items()},
    }
    if as_json:
        say(data, as_json=True, words=str)
    else:
        for problem in problems:
            console.print(f"[bold red]mistake[/] {escape(str(problem))}", markup=True)
        for note in advice:
            console.print(f"[yellow]look at[/] {escape(str(note))}", markup=True)
        rows: list[tuple[object, ...]] = [
            (one, len(leaf), "not sound" if one not in sound else "sound") for one, leaf in assumed.items()
        ]
        console.print(table("Profiles", ("council", "promises only assumed", ""), rows))
        if council and council in sound:
            console.print(table("Only assumed; the council must confirm", ("key", "why"), list(assumed[council])))
    if problems:
        raise typer.Exit(1)


@profile.command("show")
def show(council: Annotated[str, typer.Argument(help="A profile's name.")], as_json: Json = False) -> None:
    """Every promise of one council, with its status and where it is published."""
    known(council)
    model = profiles.profile(council)
    rows: list[tuple[object, ...]] = [(key, leaf.status, leaf.source) for key, leaf in leaves(model)]
    say(
        model.model_dump(mode="json"),
        as_json=as_json,
        words=lambda: table(f"{model.name}: {model.programme}", ("promise", "status", "published in"), rows),
    )


def known(council: str | None) -> None:
    """Go on only when there is such a profile, or when none is named."""
    if council is not None and council not in profiles.councils():
        raise NeedsDecision(f"there is no such profile; there are: {', '.join(profiles.councils())}")


def _shared(problems: list[Problem]) -> bool:
    return any(not problem.file.startswith("councils/") for problem in problems)


def _assumed(council: str) -> list[tuple[object, ...]]:
    return [(key, leaf.note) for key, leaf in leaves(profiles.profile(council)) if leaf.status is Status.ASSUMED]
