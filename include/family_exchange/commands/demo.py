"""`demo` and `synth`: the whole journey on one machine, and the synthetic council alone."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from family_exchange.adapters import profiles
from family_exchange.commands.common import Json, console, say, today
from family_exchange.domain.errors import NeedsDecision

ALL = "all"


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("demo")(demo)
    app.command("synth")(synth)


def demo(
    council: Annotated[
        str | None, typer.Option("--council", "-c", help="A profile's name, or `all` for every council side by side.")
    ] = None,
    people: Annotated[int, typer.Option(help="How many people the synthetic council has.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and files.")] = 1,
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything up, with one required action for you.")] = False,
    without_airflow: Annotated[bool, typer.Option("--without-airflow", help="The same stages in one process.")] = False,
    as_json: Json = False,
) -> None:
    """From a partner's sealed file to a delivered return: a real SFTP server, OpenPGP, PostgreSQL and Airflow."""
    from family_exchange.demo import journey  # noqa: PLC0415 - servers and Airflow only when asked for

    wanted = profiles.councils() if council == ALL else (council or profiles.demo_council(),)
    for one in wanted:
        _known(one)
    plan = journey.Plan(tuple(wanted), people=people, seed=seed, stay=stay, without_airflow=without_airflow)
    shown = Console(stderr=True, highlight=False) if as_json else console
    report = journey.run(plan, console=shown, today=today())
    if as_json:
        say(report.as_data(), as_json=True, words=str)
    if not report.whole:
        raise typer.Exit(1)


def synth(
    council: Annotated[str, typer.Option("--council", "-c", help="Whose partners send the files.")],
    out: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")],
    people: Annotated[int, typer.Option(help="How many people the synthetic council has.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and files.")] = 1,
    all_feeds: Annotated[
        bool, typer.Option("--all-feeds", help="Every version of every feed, not only what the council takes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a synthetic council: good and misbehaving partner files, what to expect of each, and who is who."""
    from family_exchange.demo import synthetic  # noqa: PLC0415 - a slow start for every other command

    _known(council)
    profile = profiles.profile(council)
    made = synthetic.everything(profile, people=people, seed=seed, today=today(), all_feeds=all_feeds)
    synthetic.write(made, out)
    good = sum(file.misbehaviour is None for file in made.files)
    data = {"files": len(made.files), "good": good, "truth": len(made.truth)}
    words = f"{good} good and {len(made.files) - good} misbehaving partner files are in {out}; README.txt says more"
    say(data, as_json=as_json, words=lambda: words)


def _known(council: str) -> None:
    if council not in profiles.councils():
        raise NeedsDecision(f"there is no such profile; there are: {', '.join(profiles.councils())}")
