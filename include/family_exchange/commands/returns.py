"""Returns: assemble, check, sign off, seal, deliver."""

from typing import Annotated

import typer
from rich.table import Table

from family_exchange.adapters import database
from family_exchange.adapters import returns as store
from family_exchange.commands.common import By, Council, Json, counted, doors, say, table
from family_exchange.domain.progress import Progress
from family_exchange.domain.return_definition import Nulls
from family_exchange.stages import assemble, deliver, rebuild
from family_exchange.stages import progress as following

returns = typer.Typer(help="Family Progress Data and National Impact Study returns.", no_args_is_help=True)

Return = Annotated[str, typer.Option("--return", help="`fpd` or `nis`.")]
Period = Annotated[str, typer.Option(help="Such as 2026-H1: 1 April to 30 September.")]
ReturnId = Annotated[str, typer.Argument(metavar="RETURN", help="Such as fpd-2026-H1-v1; `return list` shows them.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(returns, name="return")


@returns.command("assemble")
def assemble_return(council: Council, code: Return, period: Period, as_json: Json = False) -> None:
    """Freeze the rows of one return; a second run gives the same return."""
    return_id = assemble.draft(doors(council), code, period)
    say({"return": return_id}, as_json=as_json, words=lambda: f"{return_id} is assembled; `return check` comes next")


@returns.command("list")
def list_returns(council: Council, as_json: Json = False) -> None:
    """Every return: where it is, how many rows, under which digest it was delivered."""
    with database.transaction(doors(council).database) as connection:
        found = store.every(connection)
    rows = [
        (one.return_id, one.state, one.rows, one.ct_sha256.hex() if one.ct_sha256 else None, one.final_name)
        for one in found
    ]
    columns = ("return", "state", "rows", "sealed sha256", "final name")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"Returns of {council}", columns, list(rows)))


@returns.command("check")
def check(return_id: ReturnId, council: Council, as_json: Json = False) -> None:
    """Hold the rows against the return's checks; an error keeps it from being signed off."""
    counts = assemble.check(doors(council), return_id)
    say(counts, as_json=as_json, words=lambda: table(return_id, ("what", "count"), list(counts.items())))
    if counts.get("errors"):
        raise typer.Exit(1)


@returns.command("sign-off")
def sign_off(return_id: ReturnId, council: Council, by: By, as_json: Json = False) -> None:
    """Sign the return's content off; a return needs two different people."""
    number = assemble.sign_off(doors(council), return_id, by=by)
    say(
        {"signed": number},
        as_json=as_json,
        words=lambda: f"{return_id}: signed off by {number} so far; it takes different people, then `return seal`",
    )


@returns.command("void")
def void(
    return_id: ReturnId,
    council: Council,
    by: By,
    reason: Annotated[assemble.Why, typer.Option(help="Why it is given up.")],
    as_json: Json = False,
) -> None:
    """Give a return up before it is sent, or after a conflict; `return assemble` then makes the next version."""
    assemble.void(doors(council), return_id, by=by, reason=reason)
    say({"void": return_id}, as_json=as_json, words=lambda: f"{return_id} is void; assemble the next version")


@returns.command("correct")
def correct(
    return_id: ReturnId,
    council: Council,
    by: By,
    reason: Annotated[assemble.Why, typer.Option(help="Why it is corrected.")] = assemble.Why.ROWS_WRONG,
    as_json: Json = False,
) -> None:
    """Make the next version of a return that has arrived, as known now; it is signed off and sent like any other."""
    made = assemble.correct(doors(council), return_id, by=by, reason=reason)
    say({"return": made}, as_json=as_json, words=lambda: f"{made} is assembled; `return diff` tells what it corrects")


@returns.command("seal")
def seal(return_id: ReturnId, council: Council, as_json: Json = False) -> None:
    """Encrypt and sign the return, once; the same bytes are sent for ever."""
    assemble.seal(doors(council), return_id)
    say({"sealed": return_id}, as_json=as_json, words=lambda: f"{return_id} is sealed; `return deliver` comes next")


@returns.command("deliver")
def deliver_return(return_id: ReturnId, council: Council, as_json: Json = False) -> None:
    """Send the sealed bytes, read them back, and look for the recipient's receipt."""
    opened = doors(council)
    deliver.send(opened, return_id)
    state = deliver.receipt(opened, return_id)
    say({"return": return_id, "state": state}, as_json=as_json, words=lambda: f"{return_id}: {state}")


@returns.command("rebuild")
def rebuild_return(
    council: Council,
    code: Return,
    period: Period,
    version: Annotated[int | None, typer.Option(help="Which version; without it the latest.")] = None,
    as_json: Json = False,
) -> None:
    """Make a return's rows again as they were known on their day; 1 when they are not byte for byte what was sent."""
    made = rebuild.again(doors(council), code, period, version=version)
    title = f"{made.return_id} is {'the same, byte for byte' if made.same else 'not the same'}"
    rows = [(what, str(count)) for what, count in made.counts.items()]
    say(made.counts, as_json=as_json, words=lambda: table(title, ("what", "count"), list(rows)))
    if not made.same:
        raise typer.Exit(1)


@returns.command("diff")
def diff(
    council: Council,
    code: Return,
    period: Period,
    older: Annotated[int | None, typer.Option("--from", help="A version; without it the latest.")] = None,
    newer: Annotated[int | None, typer.Option("--to", help="Another; without it what would be assembled now.")] = None,
    as_json: Json = False,
) -> None:
    """Who differs between two versions of a return, and in which fields: ids and names of fields, never a value."""
    old, new, found = rebuild.diff(doors(council), code, period, older=older, newer=newer)
    rows = [(one.what, one.person, one.family, ", ".join(one.fields)) for one in found]
    columns = ("what", "person", "family", "fields")
    data = {"from": old, "to": new, "changes": [dict(zip(columns, row, strict=True)) for row in rows]}
    say(
        data,
        as_json=as_json,
        words=lambda: table(f"{old} to {new}: {counted(len(rows), 'person', 'people')}", columns, list(rows)),
    )


@returns.command("progress")
def progress(council: Council, period: Period, as_json: Json = False) -> None:
    """Each measure before a family's support began and in the period; what is missing is counted apart, never zero."""
    found = [_line(one) for one in following.of(doors(council), period)]
    say(found, as_json=as_json, words=lambda: _drawn(f"Progress of {council} in {period}", found))


def _drawn(title: str, lines: list[dict[str, object]]) -> Table:
    """One row a measure; for whom nothing can be compared is told in one cell for each time, by reason."""
    always = ("measure", "people", "compared", "at start", "in period", "fell", "same", "rose")

    def missing(line: dict[str, object], when: str) -> str:
        return ", ".join(f"{line[f'{why} {when}']} {why.replace('_', ' ')}" for why in Nulls if line[f"{why} {when}"])

    rows: list[tuple[object, ...]] = [
        (*(line[name] for name in always), missing(line, "at start") or None, missing(line, "in period") or None)
        for line in lines
    ]
    return table(title, (*always, "unknown at start", "unknown in period"), rows)


def _line(one: Progress) -> dict[str, object]:
    return {
        "measure": one.measure,
        "people": one.people,
        "compared": one.compared,
        "at start": str(one.at_start),
        "in period": str(one.in_period),
        "fell": one.fell,
        "same": one.same,
        "rose": one.rose,
        **{f"{why} at start": one.missing_at_start[why] for why in Nulls},
        **{f"{why} in period": one.missing_in_period[why] for why in Nulls},
    }
