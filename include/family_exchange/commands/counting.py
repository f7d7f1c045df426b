"""The monthly count report, with which the council shows that it gathers information about families."""

from datetime import date
from typing import Annotated

import typer

from family_exchange.commands.common import Council, Json, doors, now, say, table
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import enquire


def monthly(
    council: Council,
    month: Annotated[str, typer.Option(help="The month, YYYY-MM.")],
    as_json: Json = False,
) -> None:
    """Count the families assessed, eligible, enrolled, declined and for comparison, as was known at the month's end."""
    report = enquire.month(doors(council), _first_day(month), at=now())
    rows = [*((str(route), one) for route, one in report.by_route.items()), ("all", report.total)]
    data = {
        "council": council,
        "month": month,
        "known_at": report.known_at,
        "over": report.over,
        "families": {route: one.as_plain() for route, one in rows},
    }
    columns = tuple(report.total.as_plain())
    lines: list[tuple[object, ...]] = [(route, *one.as_plain().values()) for route, one in rows]
    title = f"Families of {council} in {month}" + ("" if report.over else ", so far")
    drawn = table(title, ("by", *columns), lines)
    drawn.caption, drawn.caption_justify = _EXPLAINED, "left"
    say(data, as_json=as_json, words=lambda: drawn)


_EXPLAINED = """assessed: in the register, so that the rules look at the family
eligible: proposed by the rules at any time up to then, and not by mistake; most of those assessed are not
comparison: eligible, and never on the programme"""


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise NeedsDecision("a month is given as YYYY-MM, e.g. 2026-10") from None
