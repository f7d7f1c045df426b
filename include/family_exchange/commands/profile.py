"""A council's promises as data: are the files sound, and what in them does only we assume?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

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
    app.command("check")(check_file)


@profile.command("check")
def check(council: Council = None, as_json: Json = False) -> None:
    """Read profiles, contracts, suites, frameworks and returns; every mistake has its file, line and key."""
    _known(council)
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
            console.print(f"[bold red]mistake[/] {problem}")
        for note in advice:
            console.print(f"[yellow]look at[/] {note}")
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
    _known(council)
    model = profiles.profile(council)
    rows: list[tuple[object, ...]] = [(key, leaf.status, leaf.source) for key, leaf in leaves(model)]
    say(
        model.model_dump(mode="json"),
        as_json=as_json,
        words=lambda: table(f"{model.name}: {model.programme}", ("promise", "status", "published in"), rows),
    )


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
    _known(council)
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


def _known(council: str | None) -> None:
    if council is not None and council not in profiles.councils():
        raise NeedsDecision(f"there is no such profile; there are: {', '.join(profiles.councils())}")


def _shared(problems: list[Problem]) -> bool:
    return any(not problem.file.startswith("councils/") for problem in problems)


def _assumed(council: str) -> list[tuple[object, ...]]:
    return [(key, leaf.note) for key, leaf in leaves(profiles.profile(council)) if leaf.status is Status.ASSUMED]
