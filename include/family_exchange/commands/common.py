"""What every command shares: settings from the environment, one way to print, the clock at the edge."""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from family_exchange.adapters import profiles, settings
from family_exchange.domain.errors import NeedsDecision

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

Council = Annotated[str, typer.Option("--council", "-c", help="The council, by the name of its profile file.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
By = Annotated[str, typer.Option("--by", help="Who decides: your own name or user name.")]

console = Console(highlight=False, soft_wrap=True, markup=False)
"""What is printed may hold square brackets that somebody typed, or that mean a route: they are no markup."""

_ID = re.compile("[A-Z][0-9a-f]{16}")


def environment(file: Path = Path(".env")) -> Mapping[str, str]:
    """The environment, over what `.env` in this folder says."""
    stated: dict[str, str] = {}
    if file.exists():
        for raw in file.read_text().splitlines():
            line = raw.strip()
            if line and not line.startswith("#") and "=" in line:
                name, _, value = line.partition("=")
                stated[name.strip()] = value.strip().strip("'\"")
    return stated | dict(os.environ)


def doors(council: str) -> "Doors":
    """The doors of `council`.

    Raises:
        NeedsDecision: there is no such profile, or a setting is missing; the message names it.
    """
    from family_exchange.adapters.doors import opened  # noqa: PLC0415 - database, SFTP and gpg: not for every command

    if council not in profiles.councils():
        known = ", ".join(profiles.councils())
        raise NeedsDecision(f"there is no profile of that name in include/councils; there are: {known}")
    return opened(council, settings.from_environment(council, environment()))


def now() -> datetime:
    """This moment, in UTC; commands are an edge, so they may read the clock."""
    return datetime.now(UTC)


def today(given: str | None = None) -> date:
    """The day that the command works for: the one given as ISO date, or today.

    Raises:
        NeedsDecision: what was given is no such date.
    """
    return day(given) if given else now().date()


def day(given: str) -> date:
    """The day that a person typed as ISO date.

    Raises:
        NeedsDecision: it is none.
    """
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise NeedsDecision("a day is given as YYYY-MM-DD, e.g. 2026-11-22") from None


def moment(given: str) -> datetime:
    """The moment that a person typed in ISO form; without a time zone it is UTC.

    Raises:
        NeedsDecision: it is none.
    """
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        raise NeedsDecision("a moment is given as 2026-11-22T09:30:00+00:00, or shorter") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def counted(number: int, one: str, more: str | None = None) -> str:
    """`1 family`, `2 families`: the number with its word; without `more` the word for many is `one` with an s."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def say(data: object, *, as_json: bool, words: Callable[[], object]) -> None:
    """Print `data` as JSON, or what `words` returns for a person."""
    if as_json:
        typer.echo(json.dumps(data, indent=1, default=str))
    else:
        console.print(words())


def table(title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> Table:
    """A table for a person; what is absent shows as a dash, and an id is never broken: it can be copied."""
    drawn = Table(title=title, title_justify="left")
    for at, column in enumerate(columns):
        ids = [cell for cell in (column, *(str(row[at]) for row in rows)) if _ID.fullmatch(cell)]
        drawn.add_column(column, overflow="fold", min_width=max(map(len, ids), default=None))
    for row in rows:
        drawn.add_row(*("-" if cell is None else str(cell) for cell in row))
    return drawn
