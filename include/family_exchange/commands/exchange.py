"""Partner files: take them in, look at the ledger, check one before it is sent."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group

from family_exchange.adapters import database, ledger, mounted
from family_exchange.adapters.doors import make_secrets, prepare
from family_exchange.adapters.openpgp import make_ring
from family_exchange.commands import deciding
from family_exchange.commands.common import Council, Json, doors, say, table
from family_exchange.domain import ids
from family_exchange.domain.errors import Halted, MissingSetting, NeedsDecision, NoRoom
from family_exchange.domain.file import State
from family_exchange.stages import compare, intake, rounds
from family_exchange.stages.office import CouncilOffice

files = typer.Typer(help="The ledger of partner files.", no_args_is_help=True)
deciding.add_to(files)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(files, name="files")
    app.command("receive")(receive_files)
    app.command("set-up")(set_up)


def set_up(council: Council, as_json: Json = False) -> None:
    """Bring the council's database to the newest shape, and make what its state folder lacks but for OpenPGP keys.

    A second run changes nothing.
    """
    opened = doors(council)
    prepare(opened)
    with database.transaction(opened.settings.database) as connection:
        mounted.may_be_made(connection, opened.settings.state, council)
    make_secrets(opened.settings.state)
    make_ring(opened.settings.state / "gnupg")
    words = f"the database and the state folder of {council} are ready"
    say({"council": council, "ready": True}, as_json=as_json, words=lambda: words)


def receive_files(
    council: Council,
    feed: Annotated[str | None, typer.Option(help="Only this feed; otherwise every feed of the profile.")] = None,
    as_json: Json = False,
) -> None:
    """Take in what partners left, outside Airflow, by the same stages; one feed that stops keeps no other back."""
    opened = doors(council)
    if feed and feed not in opened.profile.active_feeds:
        raise NeedsDecision(f"{council} takes no such feed; it takes: {', '.join(opened.profile.active_feeds)}")
    counts: dict[str, dict[str, int]] = {}
    stopped: list[Exception] = []
    for one in [feed] if feed else opened.profile.active_feeds:
        try:
            with CouncilOffice(opened).kept_open() as office:
                counts[one] = intake.summary(opened, rounds.once(office, one))
        except (NoRoom, Halted, MissingSetting):
            raise
        except Exception as error:  # noqa: BLE001 - it is raised when the other feeds are done
            stopped.append(error)
    rows = [(one, *count.values()) for one, count in counts.items()]
    columns = ("feed", "files", "applied", "rows loaded", "with finding", "refused")
    say(counts, as_json=as_json, words=lambda: table(f"Taken in for {council}", columns, rows))
    if stopped:
        raise stopped[0]


@files.command("list")
def list_files(
    council: Council,
    held: Annotated[bool, typer.Option("--held", help="Only those that wait for two people.")] = False,
    as_json: Json = False,
) -> None:
    """Every file, oldest first: where it is, and why."""
    if held:
        deciding.list_held(doors(council), as_json=as_json)
        return
    with database.transaction(doors(council).database) as connection:
        found = ledger.files(connection)
    rows = [
        (file.file_id, file.partner, file.feed, file.state, file.reason, file.rows_loaded, file.rows_refused)
        for file in found
    ]
    columns = ("file", "partner", "feed", "state", "reason", "rows loaded", "refused")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"Files of {council}", columns, list(rows)))


@files.command("show")
def show_file(file_id: str, council: Council, as_json: Json = False) -> None:
    """One file, and everything that was found in it; rows, columns and rules, never a value."""
    with database.one_moment(doors(council).database) as connection:
        try:
            file = ledger.read(connection, file_id)
        except KeyError:
            raise NeedsDecision(f"there is no file {ids.said(file_id)}; `files list` shows them") from None
        found = ledger.findings(connection, file_id)
        odd = compare.signs(connection, file) if file.state is State.QUARANTINED else ()
    facts = {key: value for key, value in asdict(file).items() if key != "name_bytes" and not key.endswith("sha256")}
    facts |= {"sha256": file.ct_sha256.hex() if file.ct_sha256 else None, "waived": sorted(file.waived)}
    told = [{key: value for key, value in asdict(one).items() if key != "ref_hmac"} for one in found]
    rows = [tuple(one.values()) for one in told]
    title = f"{file_id}: {file.state} {file.reason or ''} {len(rows)} findings".strip()
    say(
        facts | {"findings": told, "unlike_earlier_files": [asdict(one) for one in odd]},
        as_json=as_json,
        words=lambda: Group(
            table(title, ("row", "column", "rule", "severity", "table"), list(rows)),
            *([deciding.beside_earlier_files(odd)] if odd else []),
        ),
    )
