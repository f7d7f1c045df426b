"""A partner's own check of a file before it is sealed and sent; offline, from an install of one wheel."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from family_exchange.adapters import profiles
from family_exchange.commands.common import Json, console, say, table, today
from family_exchange.commands.profile import known
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.file import Verdict
from family_exchange.domain.profile import Profile
from family_exchange.domain.versions import AgreedVersion

if TYPE_CHECKING:
    from family_exchange.stages.check import Checked

FIRST_ROWS = 10
"""How many row numbers a line of the table shows; `--json` and the workbook have all of them."""


def add_to(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("check")(check_file)


def check_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="The file as it would be sealed: CSV, XLSX or ZIP; - reads it from the standard input."
        ),
    ],
    feed: Annotated[str, typer.Option("--feed", "-f", help="Which feed it is.")],
    council: Annotated[str | None, typer.Option("--council", "-c", help="Whose profile applies.")] = None,
    partner: Annotated[
        str | None, typer.Option(help="Which partner of the council you are, where several send this feed.")
    ] = None,
    contract: Annotated[
        str | None, typer.Option(help="Version of the contract, as v1; otherwise the one that the file is read by.")
    ] = None,
    workbook: Annotated[
        Path | None, typer.Option(help="Write what was found, row by row, to this XLSX file.", dir_okay=False)
    ] = None,
    signed_on: Annotated[
        datetime | None, typer.Option(help="The day on which it will be signed; otherwise today.", formats=["%Y-%m-%d"])
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A partner's own check before sending: the same verdict, findings and workbook as the platform's."""
    from family_exchange.stages import check  # noqa: PLC0415 - loads the validation libraries

    piped = str(file) == "-"
    if not piped and not file.is_file():
        raise NeedsDecision("there is no such file; give the path of a CSV, XLSX or ZIP file, or -")
    if feed not in profiles.feeds():
        raise NeedsDecision(f"there is no such feed; there are: {', '.join(profiles.feeds())}")
    if contract and contract not in profiles.versions(feed):
        raise NeedsDecision(f"the feed has no such contract; there are: {', '.join(profiles.versions(feed))}")
    if workbook and not piped and workbook.exists() and workbook.samefile(file):
        raise NeedsDecision("--workbook names the file that is checked; give it another name")
    known(council)
    whose = profiles.profile(council) if council else None
    checked = check.file(
        sys.stdin.buffer.read() if piped else _read(file),
        feed,
        profile=whose,
        name=file.name,
        signed_on=signed_on.date() if signed_on else today(),
        version=contract,
        agreed=_agreed(whose, partner, feed),
    )
    written = _written(checked, workbook)
    if as_json:
        data = checked.receipt | {
            "lines": _lines(checked),
            "workbook": written,
            "only_the_platform_checks": check.ONLY_THE_PLATFORM,
        }
        say(data, as_json=True, words=str)
    else:
        _show(checked, council, written)
    if checked.about.verdict is not Verdict.ACCEPTED:
        raise typer.Exit(1)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise NeedsDecision(f"the file cannot be read ({error.strerror})") from None


def _agreed(profile: Profile | None, partner: str | None, feed: str) -> tuple[AgreedVersion, ...]:
    """The versions that the partner has agreed with the council; the only partner of a feed need not be named."""
    if profile is None:
        if partner:
            raise NeedsDecision("--partner needs --council: partners have their names in its profile")
        return ()
    sending = profile.partners_for(feed)
    named = [each for each in sending if partner in {None, each.slug}]
    if partner and not named:
        names = ", ".join(each.slug for each in sending) or "nobody"
        raise NeedsDecision(f"the council has no such partner for this feed; there is: {names}")
    return named[0].versions.get(feed, ()) if len(named) == 1 else ()


def _written(checked: "Checked", path: Path | None) -> str | None:
    """The name of the workbook, when one was asked for and there is something to write."""
    content = checked.workbook if path else None
    if path is None or content is None:
        return None
    try:
        path.write_bytes(content)
    except OSError as error:
        raise NeedsDecision(
            f"the workbook cannot be written there ({error.strerror}); give another --workbook"
        ) from None
    return str(path)


def _lines(checked: "Checked") -> list[dict[str, object]]:
    """Each broken rule, and what to do."""
    from family_exchange.adapters import expectations  # noqa: PLC0415 - loads the validation libraries

    if checked.validated is None or checked.contract is None:
        return []
    said = expectations.messages(checked.contract.feed, checked.contract.version)
    return [
        {
            "rule": each.rule,
            "severity": each.severity,
            "table": each.table,
            "column": each.column,
            "count": len(each.rows) or 1,
            "first_rows": list(each.rows[:FIRST_ROWS]),
            "message": said[each.rule],
        }
        for each in checked.validated.findings.broken
    ]


def _show(checked: "Checked", council: str | None, written: str | None) -> None:
    """The check as a person reads it."""
    from family_exchange.stages import check  # noqa: PLC0415 - loads the validation libraries

    about, counts = checked.about, checked.about.counts
    console.print(
        f"[bold]{str(about.verdict).replace('_', ' ')}[/] as {about.feed} {about.contract or ''}", markup=True
    )
    if about.detail:
        console.print(f"{about.reason}: {about.detail}", markup=False)
    if counts:
        rows = f"{counts.read:,} rows read: {counts.loaded:,} loaded, {counts.with_finding:,} loaded with a finding, "
        console.print(f"{rows}{counts.refused:,} refused; {counts.columns_dropped:,} columns not taken")
    if lines := _lines(checked):
        console.print(_table(lines))
    console.print(f"[bold]Next:[/] {escape(about.what_to_do)}", markup=True)
    if written:
        console.print(f"The rows are in {written}.", markup=False)
    elif lines:
        console.print("Add --workbook OUT.xlsx to have every row with your own reference.")
    beyond: tuple[str, ...] = check.ONLY_THE_PLATFORM
    if council is None:
        beyond = (*beyond, "what the council's notice does not take in; add --council to check with its profile")
    console.print("\nOnly the platform can tell:", *(f"- {each}" for each in beyond), sep="\n", style="dim")


def _table(lines: list[dict[str, object]]) -> object:
    headings = {
        "rule": "rule",
        "severity": "severity",
        "table": "table",
        "column": "column",
        "count": "rows",
        "first_rows": "first rows",
        "message": "what to do",
    }
    if not any(line["table"] for line in lines):
        del headings["table"]
    rows = [tuple(_cell(line[key]) for key in headings) for line in lines]
    return table("", tuple(headings.values()), rows)


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
