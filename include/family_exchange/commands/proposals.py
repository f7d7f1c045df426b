"""Proposals: what the rules propose and why, what professionals nominate, and what a named person decides."""

from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import explanation_page, profiles
from family_exchange.adapters.worklist import Order
from family_exchange.commands.common import By, Council, Json, counted, day, doors, moment, now, say, table, today
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.indicator import Route
from family_exchange.stages import nominate, propose

proposals = typer.Typer(help="What the rules propose; a named person decides.", no_args_is_help=True)
nominations = typer.Typer(help="What professionals nominate families for.", no_args_is_help=True)

SUPPORT = "decision support, never a decision"
AsOf = Annotated[str | None, typer.Option("--as-of", help="Only say what is proposed for this day; nothing is kept.")]
AsKnown = Annotated[str | None, typer.Option(help="With --as-of: as it was known at this moment, in ISO form.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(proposals, name="proposal")
    app.add_typer(nominations, name="nomination")
    app.command("propose")(propose_families)
    app.command("nominate")(nominate_somebody)


def propose_families(council: Council, as_of: AsOf = None, as_known: AsKnown = None, as_json: Json = False) -> None:
    """Assess the families and keep what is proposed today; with --as-of, only compute it for that day.

    The same day, as known at the same moment, gives the same SHA-256, today and in years.
    """
    opened = doors(council)
    if as_of is None:
        if as_known is not None:
            raise NeedsDecision("--as-known goes with --as-of")
        counts = propose.families(opened, today=today())
        rows: list[tuple[object, ...]] = list(counts.items())
        say(counts, as_json=as_json, words=lambda: table(f"Proposals of {council}", ("what", "count"), rows))
        return
    known = moment(as_known) if as_known else now()
    found = propose.as_of(opened, on=day(as_of), known_at=known, today=today())
    data = {
        "as_of": found.as_of.isoformat(),
        "as_known": known.isoformat(),
        "framework": found.framework,
        "rules": found.rules,
        "proposals": list(found.proposals),
        "sha256": found.sha256,
    }
    families = counted(len(found.proposals), "family", "families")
    words = (
        f"{families} would be proposed on {found.as_of} by {found.framework}; {SUPPORT}\n"
        f"as known at {known.isoformat()}\nsha256 {found.sha256}"
    )
    say(data, as_json=as_json, words=lambda: words)


@proposals.command("list")
def list_open(
    council: Council,
    sort: Annotated[Order, typer.Option(help="What stands first.")] = Order.PROBLEMS,
    problem: Annotated[list[str] | None, typer.Option(help="Only with this problem; may be given again.")] = None,
    at_least: Annotated[int, typer.Option(help="Only with so many problems.", min=1)] = 1,
    route: Annotated[list[Route] | None, typer.Option(help="Only by this route; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """The families that nobody has decided about, the most pressing first; decision support, never a decision."""
    known = [one.code for code in profiles.framework_codes() for one in profiles.framework(code).problems]
    if not {*(problem or ())} <= {*known}:
        raise NeedsDecision(f"--problem is one of {', '.join(known)}")
    waiting = propose.work_list(doors(council), sort, problems=problem or (), at_least=at_least, routes=route or ())
    columns = ("proposal", "family", "problems", "newest event", "since", "route", "unknown")
    rows: list[tuple[object, ...]] = [
        (one.proposal, one.family, " ".join(one.problems), one.newest, one.proposed_on, " ".join(one.routes),
         " ".join(one.unknown))
        for one in waiting
    ]  # fmt: skip
    families = counted(len(rows), "family waits", "families wait")
    title = f"{families} for a decision; this order is {SUPPORT}"
    say([dict(one.as_plain()) for one in waiting], as_json=as_json, words=lambda: table(title, columns, rows))


@proposals.command("show")
def show(
    proposal: str,
    council: Council,
    by: Annotated[str, typer.Option("--by", help="Who reads this: your own name or user name; it is recorded.")],
    html: Annotated[Path | None, typer.Option(help="Write it to this file, as a page for people.")] = None,
    as_json: Json = False,
) -> None:
    """Why a family is proposed: rules in words, records by where they stand, what is unknown; nobody's name."""
    found = propose.explained(doors(council), proposal, by=by)
    if html is not None:
        _write(html, explanation_page.page(found))
    lines = explanation_page.lines(found)
    say(lines, as_json=as_json, words=lambda: "\n".join(lines))


def _write(path: Path, page: str) -> None:
    """The page, for nobody else's eyes than those of whoever asked for it."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise NeedsDecision(f"the page cannot be written there ({error.strerror}); name another file") from None


@proposals.command("decide")
def decide(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The proposals.")],
    council: Council,
    outcome: Annotated[str, typer.Option(help=f"One of {', '.join(propose.OUTCOMES)}.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the decision.")],
    since: Annotated[str | None, typer.Option(help="First day of support, YYYY-MM-DD, if before today.")] = None,
    as_json: Json = False,
) -> None:
    """Record what a named person decided; deciding twice changes nothing."""
    if outcome not in propose.OUTCOMES:
        raise NeedsDecision(f"an outcome is one of {', '.join(propose.OUTCOMES)}")
    given = len(dict.fromkeys(ids))
    number = propose.decide(
        doors(council),
        ids,
        outcome=outcome,
        decided_by=by,
        reason=reason,
        on=today(),
        supported_since=day(since) if since else None,
    )
    words = f"{counted(number, 'proposal')} decided: {outcome}, by {by}"
    if number < given:
        words += (
            f"\n{given - number} had been decided before and stay so; `family status` records what has changed since"
        )
    say({"decided": number, "decided_before": given - number}, as_json=as_json, words=lambda: words)


def nominate_somebody(
    subject: Annotated[str, typer.Argument(metavar="FAMILY|PERSON", help="The id of a family or of a person.")],
    council: Council,
    indicator: Annotated[str, typer.Option(help="What is said to hold; an unknown one is answered by a list.")],
    by: Annotated[str, typer.Option("--by", help="Who nominates: a name or user name.")],
    role: Annotated[str, typer.Option(help="In which profession, e.g. health_visitor.")],
    reason: Annotated[str, typer.Option(help="Why; it stays in the council's database.")],
    on: Annotated[str | None, typer.Option(help="When it was said, YYYY-MM-DD; today if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Record that a professional nominates a family or a person, and assess the family again."""
    opened = doors(council)
    number = nominate.nominate(
        opened, subject, indicator=indicator, by=by, profession=role, reason=reason, on=today(on), today=today()
    )
    counts = propose.families(opened, today=today())
    say({"nomination": number} | counts, as_json=as_json, words=lambda: f"nomination {number} is recorded")


@nominations.command("list")
def list_nominations(council: Council, as_json: Json = False) -> None:
    """Every nomination; why somebody nominated stays in the database."""
    found = nominate.listed(doors(council))
    columns = ("nomination", "of", "indicator", "framework", "profession", "on", "withdrawn")
    rows: list[tuple[object, ...]] = [
        (one.number, one.subject, one.indicator, one.framework, one.profession, one.nominated_on,
         "yes" if one.withdrawn else None)
        for one in found
    ]  # fmt: skip
    plain = [dict(zip(columns, row, strict=True)) for row in rows]
    say(plain, as_json=as_json, words=lambda: table(counted(len(rows), "nomination"), columns, rows))


@nominations.command("withdraw")
def withdraw(number: int, council: Council, by: By, as_json: Json = False) -> None:
    """Take a nomination back, and assess the family again."""
    opened = doors(council)
    taken_back = nominate.withdraw(opened, number, by=by)
    counts = propose.families(opened, today=today())
    said = "is withdrawn" if taken_back else "was withdrawn before"
    say({"withdrawn": taken_back} | counts, as_json=as_json, words=lambda: f"nomination {number} {said}")
