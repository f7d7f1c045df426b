"""Is the installation sound: settings, connections, keys, clocks, disks, files, Airflow, versions."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from family_exchange.adapters import profiles, settings
from family_exchange.adapters.doctor_files import settings_file
from family_exchange.adapters.settings import CouncilSettings
from family_exchange.commands.common import Json, environment, now, say
from family_exchange.domain.doctor import Ending, Finding, Grade, Room, bad, ending, good, note
from family_exchange.domain.errors import ExchangeError, MissingSetting, NeedsDecision
from family_exchange.stages import doctor as look
from family_exchange.stages.doctor import SECONDS, Check

STYLES = {
    Grade.GOOD: "green",
    Grade.NOTE: "cyan",
    Grade.WARNING: "yellow",
    Grade.BAD: "bold red",
    Grade.UNSEEN: "magenta",
}
NEEDED = ("DATABASE", "STATE", "OPENPGP_KEY", "RECIPIENT_KEY", "DROP_ZONE", "RECIPIENT")
"""The settings without which a council cannot run."""
COMPOSED = "FAMILY_EXCHANGE__COMPOSED"
"""Set in containers of docker-compose.yml: `desk` where councils' settings are and no key of Airflow,
`airflow` where it is the other way round. Unset: both must be here."""
SERVED = "AIRFLOW__FAMILY_EXCHANGE__COUNCILS"
ENDINGS = {
    Ending.GOOD: "Nothing is to be done.",
    Ending.FINDINGS: "Somebody should act; what to do stands beside each finding.",
    Ending.COULD_NOT_LOOK: "Nothing that was looked at is wrong, but not everything could be looked at.",
}


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("doctor")(doctor)


def doctor(
    council: Annotated[
        str | None, typer.Option("--council", "-c", help="One council; unset: every council with settings here.")
    ] = None,
    from_airflow: Annotated[
        bool, typer.Option("--from-airflow", help="Take the councils' settings from Airflow's connections.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show also what is good.")] = False,
    seconds: Annotated[float, typer.Option(help="How long a check may take before it is cut.")] = SECONDS,
    as_json: Json = False,
) -> None:
    """Look at everything that the installation stands on; 0 all good, 1 findings, 2 something could not be looked at.

    Nothing is changed, and nothing secret is shown.
    """
    stated = environment()
    found: list[Finding] = [*settings_file(Path(".env"))]
    checks: list[Check] = look.of_machine()
    composed = stated.get(COMPOSED, "")
    served = [each.strip() for each in stated.get(SERVED, "").split(",") if each.strip()]
    councils = _councils(council, stated, from_airflow=from_airflow)
    if not councils and composed == "airflow":
        advice = "look where they are: docker compose run --rm desk family-exchange doctor"
        found.append(note(Room.SETTINGS, "councils", "no council has settings here, on purpose", advice))
    elif not councils:
        advice = "write a council's settings into .env or the environment, or give --from-airflow"
        found.append(bad(Room.SETTINGS, "councils", "no council has settings here", advice))
    for each in councils:
        try:
            given = _from_airflow(each) if from_airflow else settings.from_environment(each, stated)
            checks += _of(each, given, composed=bool(composed))
            found.append(good(Room.SETTINGS, each, "every setting is there"))
        except ExchangeError as error:
            found += _lacking(each, stated, error, from_airflow=from_airflow)
    checks.append(Check(Room.AIRFLOW, "Airflow", partial(_airflow, councils or served, composed=composed)))
    found += look.examine(checks, seconds=seconds)
    end = ending(found)
    data = {
        "at": now().isoformat(timespec="seconds"),
        "ends_with": int(end),
        "counts": Counter(finding.grade for finding in found),
        "findings": [_plain(finding) for finding in found],
    }
    say(data, as_json=as_json, words=lambda: Group(*_shown(found, end, everything=everything)))
    if end:
        raise typer.Exit(int(end))


def _councils(council: str | None, stated: Mapping[str, str], *, from_airflow: bool) -> list[str]:
    """The councils to look at.

    Raises:
        NeedsDecision: there is no profile of that name.
    """
    known = profiles.councils()
    if council is not None:
        if council not in known:
            raise NeedsDecision(f"there is no profile of that name in include/councils; there are: {', '.join(known)}")
        return [council]
    if from_airflow:
        return [each for each in known if _known_to_airflow(each)]
    return [each for each in known if any(settings.variable(each, name) in stated for name in NEEDED)]


def _of(council: str, given: CouncilSettings, *, composed: bool) -> list[Check]:
    from family_exchange.adapters.doors import opened  # noqa: PLC0415 - database, SFTP and gpg: after the settings

    return look.of_council(opened(council, given), composed=composed)


def _lacking(council: str, stated: Mapping[str, str], error: ExchangeError, *, from_airflow: bool) -> Iterator[Finding]:
    """Every setting that is missing at once, or what else is wrong with the settings or the profile."""
    names = [] if from_airflow else [settings.variable(council, name) for name in NEEDED]
    missing = [name for name in names if not stated.get(name, "").strip()]
    for name in missing:
        yield bad(Room.SETTINGS, council, f"{name} is not set", ".env.example says what it holds")
    if not missing:
        advice = "mend it; `family-exchange profile check` looks at profiles"
        named = error.setting if isinstance(error, MissingSetting) else council
        yield bad(Room.SETTINGS, named, str(error), advice)


def _from_airflow(council: str) -> CouncilSettings:
    from family_exchange.orchestration import connections, doctor  # noqa: PLC0415 - Airflow: only when it is asked for

    os.environ.update(doctor.looking_only())
    return connections.settings(council, connections.in_airflow)


def _known_to_airflow(council: str) -> bool:
    from family_exchange.orchestration import connections, doctor  # noqa: PLC0415 - as above

    os.environ.update(doctor.looking_only())
    return any(connections.in_airflow(connections.connection_id(council, kind)) for kind in connections.HINTS)


def _airflow(councils: Sequence[str], *, composed: str) -> Iterator[Finding]:
    from family_exchange.orchestration import doctor as airflow  # noqa: PLC0415 - not for partners' machines

    yield from airflow.airflow(councils, composed=composed)


def _plain(finding: Finding) -> dict[str, str | None]:
    return {
        "council": finding.council,
        "room": finding.room,
        "subject": finding.subject,
        "grade": finding.grade,
        "found": finding.found,
        "advice": finding.advice or None,
    }


def _shown(found: Sequence[Finding], end: Ending, *, everything: bool) -> Iterator[Table | Text]:
    """A table for each room of the machine and of each council; what is good is counted, unless all is asked for."""
    for council in dict.fromkeys(finding.council for finding in found):
        for room in Room:
            here = [finding for finding in found if (finding.council, finding.room) == (council, room)]
            shown = [finding for finding in here if everything or finding.grade is not Grade.GOOD]
            quiet = len(here) - len(shown)
            name = f"{room} of {council}" if council else str(room)
            if shown:
                yield _table(f"{name}, and {quiet} good" if quiet else name, shown)
            elif here:
                yield Text.from_markup(f"[green]good[/]  {escape(name)}: {quiet}")
    counts = Counter(finding.grade for finding in found)
    yield Text("")
    yield Text(", ".join(f"{counts[grade]} {grade}" for grade in Grade if counts[grade]))
    yield Text(ENDINGS[end])


def _table(title: str, shown: Sequence[Finding]) -> Table:
    drawn = Table(title=title, title_justify="left", title_style="bold", expand=False)
    drawn.add_column("", no_wrap=True)
    drawn.add_column("looked at", overflow="fold", ratio=2)
    drawn.add_column("found", overflow="fold", ratio=3)
    drawn.add_column("what to do", overflow="fold", ratio=4)
    for finding in shown:
        grade = Text(str(finding.grade), style=STYLES[finding.grade])
        drawn.add_row(grade, *(Text(words) for words in (finding.subject, finding.found, finding.advice)))
    return drawn
