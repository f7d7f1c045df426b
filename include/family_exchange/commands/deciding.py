"""Files in quarantine: look at those that wait for people, release one or reject it; two different people each time."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from family_exchange.adapters import database, decisions
from family_exchange.adapters.doors import Doors
from family_exchange.commands.common import By, Council, Json, doors, say, table
from family_exchange.domain.drift import GREW, SHRANK, Sign
from family_exchange.domain.release import GROUNDS, Action, Ground, case_parts

Case = Annotated[
    str,
    typer.Argument(
        help="The file as `files list --held` shows it, with the quarantine that you looked at: F00000012/3."
    ),
]
Note = Annotated[str | None, typer.Option(help="Your own words; they stay in the council's database, in one place.")]


def _grounds(action: Action) -> str:
    return f"On what ground: {', '.join(GROUNDS[action])}."


def add_to(files: typer.Typer) -> None:
    """Add `release` and `reject` to the commands about files."""
    files.command("release")(release_file)
    files.command("reject")(reject_file)


def release_file(
    case: Case,
    council: Council,
    by: By,
    reason: Annotated[Ground, typer.Option(help=_grounds(Action.RELEASE))],
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Let a file in quarantine be worked on again; it takes a second, different person by the same command.

    Only what the two looked at is set aside; its seal and its rows are judged anew.
    """
    _decide(doors(council), case, Action.RELEASE, by, reason, note, as_json=as_json)


def reject_file(
    case: Case,
    council: Council,
    by: By,
    reason: Annotated[Ground, typer.Option(help=_grounds(Action.REJECT))],
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Refuse a file in quarantine for good, and tell its partner; it takes a second, different person."""
    _decide(doors(council), case, Action.REJECT, by, reason, note, as_json=as_json)


def list_held(opened: Doors, *, as_json: bool) -> None:
    """Print every file that waits for people: why, what a release would do, and who spoke."""
    with database.one_moment(opened.database) as connection:
        waiting = decisions.in_quarantine(connection)
    columns = ("case", "partner", "feed", "reason", "rules", "a release", "said so far")
    rows: list[tuple[object, ...]] = [
        (
            one.case,
            one.file.partner,
            one.file.feed,
            one.file.reason,
            ", ".join(one.rules) or None,
            _release(one),
            ", ".join(f"{vote.action} by {vote.by} ({vote.ground})" for vote in one.votes) or None,
        )
        for one in waiting
    ]
    data = [
        {"file": one.file.file_id} | dict(zip(columns, row, strict=True))
        for one, row in zip(waiting, rows, strict=True)
    ]
    say(data, as_json=as_json, words=lambda: table("Files that wait for two people", columns, rows))


def beside_earlier_files(odd: Sequence[Sign]) -> Table:
    """In what a file is unlike its earlier ones: now, and what was usual."""
    rows: list[tuple[object, ...]] = [
        (sign.rule, sign.column, sign.code, _number(sign, sign.now), _number(sign, sign.usual)) for sign in odd
    ]
    return table("Beside the earlier files of its partner", ("rule", "column", "code", "now", "usual"), rows)


def _decide(
    opened: Doors, case: str, action: Action, by: str, ground: Ground, note: str | None, *, as_json: bool
) -> None:
    file_id, epoch = case_parts(case) if "/" in case else (case, None)
    with database.transaction(opened.database) as connection:
        agreed = decisions.decide(connection, file_id, action, by=by, ground=ground, note=note, epoch=epoch)
    words = {
        None: f"recorded; file {file_id} waits until a second, different person decides the same",
        Action.RELEASE: f"file {file_id} is released: the next `receive` works on it, and its partner gets a receipt",
        Action.REJECT: f"file {file_id} is rejected: the next `receive` tells its partner",
    }[agreed]
    say({"file": file_id, "said": action, "done": agreed}, as_json=as_json, words=lambda: words)


def _release(waiting: decisions.Waiting) -> str:
    if not waiting.releasable:
        return "may not be"
    return f"sets {waiting.waives} aside" if waiting.waives else "looks again"


def _number(sign: Sign, value: float) -> str:
    return f"{value:,.0f}" if sign.rule in {SHRANK, GREW} else f"{value:.0%}"
