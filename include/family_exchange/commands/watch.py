"""What needs a person now: files that did not come, ends that come near, servers, the audit chain."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from family_exchange.adapters import letters
from family_exchange.commands.common import Council, Json, doors, now, say, table
from family_exchange.domain.calendar import LONDON, State
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.message import moment
from family_exchange.stages import tell
from family_exchange.stages import watch as look


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("watch")(watch)


def watch(
    council: Council,
    at: Annotated[
        str | None, typer.Option(help="An ISO date or instant to look from, London time; now, if unset.")
    ] = None,
    send: Annotated[
        bool, typer.Option("--tell", help="Also write what is new into the outbox, and the letters into its folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What is late, ending, held or broken; ends with 1 when a file is overdue or the audit chain does not hold."""
    if at and send:
        raise NeedsDecision("--at only looks; leave it out to tell people")
    opened, instant = doors(council), _instant(at)
    found = look.survey(opened, at=instant)
    said = list(look.messages(opened, found, at=instant))
    if send:
        look.look(opened, at=instant)
        tell.people(opened, letters.into_folder(opened.outbox))
    columns = ("partner", "feed", "due", "usually by", "state", "refused")
    rows = [
        (
            each.partner.slug,
            each.feed,
            moment(each.standing.expected.due_at),
            moment(each.standing.usual_at),
            each.standing.state,
            ", ".join(each.standing.refused_for) or None,
        )
        for each in found.feeds
    ]
    data = {
        "at": instant.isoformat(),
        "files": [dict(zip(columns, row, strict=True)) for row in rows],
        "messages": [{"topic": each.topic, "subject": each.subject, "lines": each.lines} for each in said],
    }
    say(
        data,
        as_json=as_json,
        words=lambda: Group(
            table(f"Files that {council} expects, {moment(instant)}", columns, list(rows)),
            *(Text("\n".join(("", each.subject, *(f"  {line}" for line in each.lines)))) for each in said),
        ),
    )
    if found.in_state(State.OVERDUE) or not found.chain.whole:
        raise typer.Exit(1)


def _instant(given: str | None) -> datetime:
    """The instant that a person named; without an offset it is London's time."""
    if given is None:
        return now()
    try:
        named = datetime.fromisoformat(given)
    except ValueError:
        raise NeedsDecision("--at takes an ISO date or instant, 2026-12-07 or 2026-12-07T12:00") from None
    return (named if named.tzinfo else named.replace(tzinfo=LONDON)).astimezone(UTC)
