"""Partner files: take them in, look at the ledger, check one before it is sent; and partners' keys."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import database, ledger
from family_exchange.adapters.doors import make_secrets, prepare
from family_exchange.adapters.openpgp import make_ring
from family_exchange.commands.common import Council, Json, doors, now, say, table
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.seal import RegisteredKey
from family_exchange.stages import acknowledge, intake, receive

files = typer.Typer(help="The ledger of partner files.", no_args_is_help=True)
keys = typer.Typer(help="OpenPGP keys of partners; two people register one.", no_args_is_help=True)

KEY_LIFE = timedelta(days=730)
"""How long a newly registered key is accepted when nobody says otherwise."""


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(files, name="files")
    app.add_typer(keys, name="keys")
    app.command("receive")(receive_files)
    app.command("set-up")(set_up)


def set_up(council: Council, as_json: Json = False) -> None:
    """Bring the council's database to the newest shape, and make what its state folder lacks but for OpenPGP keys.

    A second run changes nothing.
    """
    opened = doors(council)
    prepare(opened)
    make_secrets(opened.settings.state)
    make_ring(opened.settings.state / "gnupg")
    words = f"the database and the state folder of {council} are ready"
    say({"council": council, "ready": True}, as_json=as_json, words=lambda: words)


def receive_files(
    council: Council,
    feed: Annotated[str | None, typer.Option(help="Only this feed; otherwise every feed of the profile.")] = None,
    as_json: Json = False,
) -> None:
    """Take in what partners left, outside Airflow, by the same stages."""
    opened = doors(council)
    counts: dict[str, dict[str, int]] = {}
    for one in [feed] if feed else opened.profile.active_feeds:
        waiting = receive.find(opened, one)
        for file_id in waiting:
            intake.take_in(opened, file_id, at=now())
            acknowledge.partner(opened, file_id)
        counts[one] = intake.summary(opened, waiting)
    rows = [(one, *count.values()) for one, count in counts.items()]
    columns = ("feed", "files", "applied", "rows loaded", "with finding", "refused")
    say(counts, as_json=as_json, words=lambda: table(f"Taken in for {council}", columns, rows))


@files.command("list")
def list_files(council: Council, as_json: Json = False) -> None:
    """Every file, oldest first: where it is, and why."""
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
    with database.transaction(doors(council).database) as connection:
        try:
            file = ledger.read(connection, file_id)
        except KeyError:
            raise NeedsDecision(f"there is no file {file_id}; `files list` shows them") from None
        found = ledger.findings(connection, file_id)
    facts = {key: value for key, value in asdict(file).items() if key not in {"name_bytes", "ct_sha256"}}
    facts["sha256"] = file.ct_sha256.hex() if file.ct_sha256 else None
    rows = [(one.row_no, one.column_name, one.rule, one.severity) for one in found]
    title = f"{file_id}: {file.state} {file.reason or ''} {len(rows)} findings".strip()
    say(
        facts | {"findings": [asdict(one) for one in found]},
        as_json=as_json,
        words=lambda: table(title, ("row", "column", "rule", "severity"), list(rows)),
    )


@keys.command("list")
def list_keys(council: Council, as_json: Json = False) -> None:
    """Every registered key, its partner and its window."""
    with database.transaction(doors(council).database) as connection:
        registered = ledger.keys(connection)
    rows = [
        (
            partner,
            key.fingerprint,
            key.valid_from.date(),
            key.valid_to and key.valid_to.date(),
            "revoked" if key.revoked_at else "",
        )
        for partner, its in sorted(registered.items())
        for key in its
    ]
    columns = ("partner", "fingerprint", "from", "to", "")
    say(rows, as_json=as_json, words=lambda: table(f"Keys of {council}'s partners", columns, list(rows)))


@keys.command("add")
def add_key(
    file: Annotated[Path, typer.Argument(help="The partner's public key, as a file.", exists=True, dir_okay=False)],
    council: Council,
    partner: Annotated[str, typer.Option(help="Whose key it is, as the profile calls the partner.")],
    added_by: Annotated[str, typer.Option(help="Who adds it.")],
    approved_by: Annotated[str, typer.Option(help="Who compared the fingerprint with the partner; another person.")],
    as_json: Json = False,
) -> None:
    """Register a partner's key; two different people do it, and one of them compared the fingerprint by voice."""
    if not added_by.strip() or added_by.strip().casefold() == approved_by.strip().casefold():
        raise NeedsDecision("a key takes two different people: give --added-by and --approved-by")
    opened = doors(council)
    if partner not in {one.slug for one in opened.profile.partners}:
        raise NeedsDecision("the profile has no such partner; `profile show` lists them")
    fingerprint = opened.openpgp.import_key(file.read_bytes())
    moment = now()
    key = RegisteredKey(fingerprint, moment, moment + KEY_LIFE, None)
    with database.transaction(opened.database) as connection:
        ledger.register_key(connection, partner, key, added_by=added_by, approved_by=approved_by)
    data = {"partner": partner, "fingerprint": fingerprint}
    say(data, as_json=as_json, words=lambda: f"{partner} may sign with {fingerprint} from now on")
