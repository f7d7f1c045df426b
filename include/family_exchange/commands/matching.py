"""Who is who: possible matches, two persons side by side, and what named people decide about them."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Group

from family_exchange.adapters.resemblance import Waiting
from family_exchange.commands.common import By, Council, Json, doors, say, table, today
from family_exchange.domain.column import Purpose
from family_exchange.domain.resemblance import Kind, Standing
from family_exchange.stages import match, review
from family_exchange.stages.match import Outcome
from family_exchange.stages.review import Sides, Told

matches = typer.Typer(help="Who is who: look at possible matches; join, split, undo.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="A person's id, as `match list` shows it.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other person's id.")]


class Sort(StrEnum):
    """By what possible matches are sorted."""

    PROBABILITY = "probability"
    SINCE = "since"


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(matches, name="match")


@matches.command("list")
def list_waiting(
    council: Council,
    sort: Annotated[Sort, typer.Option(help="Likeliest first, or longest waiting first.")] = Sort.PROBABILITY,
    decided: Annotated[bool, typer.Option("--decisions", help="What people decided, instead.")] = False,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="With what was undone.")] = False,
    as_json: Json = False,
) -> None:
    """The pairs that wait for a person: how likely, since when, and which kinds agree; nobody's name."""
    opened = doors(council)
    if decided or withdrawn:
        _say_decisions(council, review.decisions(opened, withdrawn=withdrawn), as_json=as_json)
        return
    found = review.waiting(opened)
    if sort is Sort.SINCE:
        found.sort(key=lambda one: (one.since, one.a, one.b))
    columns = ("person", "other", "probability", "since", "agree", "agrees", "differs", "unknown")
    rows: list[tuple[object, ...]] = [
        (
            one.a,
            one.b,
            one.probability,
            one.since.date(),
            f"{len(_kinds(one, Standing.AGREES))} of {len(Kind)}",
            *(", ".join(_kinds(one, standing)) or None for standing in Standing),
        )
        for one in found
    ]
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"{len(rows)} possible matches of {council}", columns, rows))


@matches.command("show")
def show(
    person: PersonId,
    other: Other,
    council: Council,
    by: Annotated[str, typer.Option("--by", help="Who reads: your own name or user name; it is in the audit.")],
    purpose: Annotated[Purpose, typer.Option(help="Why; what it does not allow to see is told as agreeing or not.")] = (
        Purpose.IDENTIFY
    ),
    as_json: Json = False,
) -> None:
    """Two persons side by side: what agrees, what does not, what is unknown, and the weight of each in bits."""
    found = review.side_by_side(doors(council), person, other, by=by, purpose=purpose)
    say(_as_data(found), as_json=as_json, words=lambda: _drawn(found))


@matches.command("join")
def join(person: PersonId, other: Other, council: Council, by: By, reason: Reason, as_json: Json = False) -> None:
    """The two are one person, whatever the scores say, until it is undone; the older id stays."""
    _say(match.join(doors(council), person, other, by=by, reason=reason, today=today()), "joined", as_json=as_json)


@matches.command("split")
def split(
    person: PersonId,
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help="Source records, as `trace` shows them.")],
    council: Council,
    by: By,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """The records are not that person's, whatever the scores say, until it is undone."""
    _say(match.split(doors(council), person, records, by=by, reason=reason, today=today()), "split", as_json=as_json)


@matches.command("undo")
def undo(
    decision: Annotated[int, typer.Argument(metavar="DECISION", help="Its number, as `match list --decisions` shows.")],
    council: Council,
    by: By,
    reason: Reason,
    as_json: Json = False,
) -> None:
    """The decision is in force no more, and everything is as if it had never been made."""
    _say(match.undo(doors(council), decision, by=by, reason=reason, today=today()), "undone", as_json=as_json)


def _kinds(one: Waiting, standing: Standing) -> list[str]:
    return [str(kind) for kind, found in one.standings.items() if found is standing]


def _say_decisions(council: str, found: list[Told], *, as_json: bool) -> None:
    columns = ("decision", "what", "one side", "other side", "by", "on", "reason", "undone by", "undone on", "why")
    rows: list[tuple[object, ...]] = [
        (
            one.decision.link.number,
            one.decision.link.kind,
            _side(one.persons_a, len(one.decision.link.side_a)),
            _side(one.persons_b, len(one.decision.link.side_b)),
            one.decision.decided_by,
            one.decision.decided_at.date(),
            one.decision.reason,
            one.decision.withdrawn_by,
            one.decision.withdrawn_at.date() if one.decision.withdrawn_at else None,
            one.decision.withdrawal,
        )
        for one in found
    ]
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"Who is who in {council}, by decision", columns, rows))


def _side(people: tuple[str, ...], references: int) -> str:
    return f"{', '.join(people)} ({references} references)"


def _as_data(found: Sides) -> dict[str, object]:
    return {
        "person": found.a,
        "other": found.b,
        "probability": found.weighed.probability,
        "weight": found.weighed.weight,
        "prior": found.weighed.prior,
        "comparisons": [
            {
                "name": each.name,
                "standing": each.standing,
                "how": each.how,
                "bits": each.bits,
                "person": list(shown[0]) if (shown := found.values[each.name]) else None,
                "other": list(shown[1]) if shown else None,
            }
            for each in found.weighed.comparisons
        ],
        "forbids": list(found.weighed.forbids),
        "decisions": list(found.decisions),
    }


def _drawn(found: Sides) -> Group:
    rows: list[tuple[object, ...]] = [("before comparing", None, None, None, None, f"{found.weighed.prior:+.1f}")]
    for each in found.weighed.comparisons:
        shown = found.values[each.name]
        one, other = ("\n".join(side) or None for side in shown) if shown else ("may not be shown",) * 2
        rows.append((each.name, each.standing, each.how, one, other, f"{each.bits:+.1f}"))
    rows.append(("together", None, None, None, None, f"{found.weighed.weight:+.1f}"))
    lines = [f"one person with a probability of {found.weighed.probability:.4f}, by these weights alone"]
    if found.weighed.forbids:
        lines.append(f"no machine joins them: {', '.join(found.weighed.forbids)}")
    if found.decisions:
        lines.append(f"two people by decision {', '.join(map(str, found.decisions))}")
    columns = ("compared", "", "how", found.a, found.b, "bits")
    return Group(table("Decision support, never a decision", columns, rows), *lines)


def _say(outcome: Outcome, what: str, *, as_json: bool) -> None:
    data = {"decision": outcome.decision, "followed": outcome.followed} | dict(outcome.counts)
    lines = [
        f"decision {outcome.decision} {what}: {outcome.counts['joined']} ids joined, {outcome.counts['parted']} parted"
    ]
    if what == "undone" and not outcome.counts["joined"] + outcome.counts["parted"]:
        lines.append("nothing changed: certain matches, or other decisions, say the same; `match split` parts people")
    if not outcome.followed:
        lines.append("families and proposals do not show it yet: `register update` brings them up to date")
    if outcome.counts["carried"]:
        lines.append(f"{outcome.counts['carried']} flags or holds are on each part now: look whom they mean")
    say(data, as_json=as_json, words=lambda: "\n".join(lines))
