"""Backups of a council: made, looked at, and brought back; a restored council opens when two people say so."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import backup_place, closing, recovery_key
from family_exchange.adapters.workplace import workplace
from family_exchange.commands.common import By, Council, Json, doors, moment, now, say, table, today
from family_exchange.domain import backup as pages
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import backup as stage
from family_exchange.stages import restore as restoring
from family_exchange.stages.backup import Looked

group = typer.Typer(help="Backups, and the way back; docs/backup.md has the whole of it.", no_args_is_help=True)

Secret = Annotated[Path, typer.Option("--key", help="The recovery key's secret file.", exists=True, dir_okay=False)]
Shares = Annotated[
    list[Path], typer.Option("--share", help="A file with one share; again for each.", exists=True, dir_okay=False)
]
Work = Annotated[
    Path,
    typer.Option(help="A folder on an encrypted disk with room for the whole server.", exists=True, file_okay=False),
]
WORK = Path(tempfile.gettempdir())


class Why(StrEnum):
    """Why somebody closes a council; a closed list, because free text would carry names into the audit."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"
    LEAK = "leak"


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(group, name="backup")


@group.command("key")
def make_key(
    out: Annotated[Path, typer.Option(help="A folder for the key and its shares; made if it is not there.")],
    shares: Annotated[int, typer.Option(help="How many people get a share.")] = 3,
    needed: Annotated[int, typer.Option(help="How many of them must come together.")] = 2,
    as_json: Json = False,
) -> None:
    """Make the recovery key, best on a machine without a network: its secret half opens with shares alone."""
    fingerprint, cut = recovery_key.make(out, needed=needed, total=shares)
    for share in cut:
        file = out / f"share-{share.number}.txt"
        file.touch(mode=0o600)
        file.write_text(f"{share.text}\n")
    data = {"recovery_key": fingerprint, "folder": str(out), "shares": shares, "needed": needed}
    say(data, as_json=as_json, words=lambda: (
        f"recovery key {fingerprint} is in {out}. Give each share-N.txt to one person, on paper, and destroy the file; "
        f"keep {recovery_key.SECRET_FILE} away from the backups; give {recovery_key.PUBLIC_FILE} to `backup prepare`"
    ))  # fmt: skip


@group.command("prepare")
def prepare(
    council: Council,
    to: Annotated[Path, typer.Option(help="The place of backups: a folder on other disks.", exists=True)],
    key: Annotated[Path, typer.Option(help="recovery.asc, as `backup key` made it.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Say where the council's backups go, and to which recovery key they are sealed; the journal goes there too."""
    fingerprint = stage.prepare(doors(council), to.resolve(), key.read_bytes())
    data = {"council": council, "place": str(to.resolve()), "recovery_key": fingerprint}
    say(data, as_json=as_json, words=lambda: f"backups of {council} go to {to.resolve()}, sealed to {fingerprint}")


@group.command("take")
def take(
    council: Council,
    server_url: Annotated[
        str | None,
        typer.Option(envvar="FAMILY_EXCHANGE__REPLICATION_URL", help="Of a login with REPLICATION on the server."),
    ] = None,
    only_files: Annotated[
        bool, typer.Option("--only-files", help="Vault, keys and journal; the newest copy of the server serves.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take a backup: the whole database server, the vault, the keys, the journal and the audit's checkpoints."""
    if server_url is None and not only_files:
        raise NeedsDecision("give --server-url (or FAMILY_EXCHANGE__REPLICATION_URL), or --only-files")
    page = stage.take(doors(council), server=None if only_files else server_url, at=now())
    data = {"backup": page.backup, "taken_at": page.taken_at, "objects": page.objects, "events": page.events}
    data |= {"base": page.base.base if page.base else None}
    say(data, as_json=as_json, words=lambda: table(f"Backup of {council}", ("what", "value"), list(data.items())))


@group.command("list")
def list_backups(council: Council, as_json: Json = False) -> None:
    """What there is, and from when to when a moment can be restored."""
    place, _ = backup_place.said(doors(council).settings.state, council)
    rows = [
        (page.backup, page.base.base if page.base else None, page.base.ended_at if page.base else None,
         page.objects, page.events, page.taken_at + pages.KEPT)
        for page in place.manifests()
    ]  # fmt: skip
    columns = ("backup", "copy of the server", "restores from", "objects", "events", "kept until")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"Backups of {council}", columns, list(rows)))


@group.command("verify")
def verify(
    council: Council,
    key: Annotated[
        Path | None, typer.Option(help="The recovery key's secret file, to try it too.", exists=True, dir_okay=False)
    ] = None,
    share: Annotated[list[Path] | None, typer.Option(help="A file with one share; again for each.")] = None,
    work: Work = WORK,
    as_json: Json = False,
) -> None:
    """Is the newest backup whole? With the key and its shares: do they open it, down to a file of the vault?"""
    opened = doors(council)
    found = stage.verify(opened)
    if key is not None:
        with workplace(work) as place:
            found += stage.rehearse(opened, key, _texts(share or []), place)
    _tell(f"Newest backup of {council}", found, as_json=as_json)


@group.command("restore")
def restore(
    council: Council,
    by: By,
    source: Annotated[Path, typer.Option("--from", help="The place of backups.", exists=True, file_okay=False)],
    key: Secret,
    share: Shares,
    superuser_url: Annotated[
        str, typer.Option(envvar="FAMILY_EXCHANGE__SUPERUSER_URL", help="Of whoever may make databases on the server.")
    ],
    to: Annotated[
        str | None, typer.Option(help="The last moment that counts, 2026-11-22T09:29:00+00:00; unset: the newest.")
    ] = None,
    work: Work = WORK,
    as_json: Json = False,
) -> None:
    """Bring the council back as it was at a moment; it stays closed until two people open it. Others go on."""
    wanted: datetime | None = moment(to) if to else None
    with workplace(work) as place:
        from_there = restoring.Source(source.resolve(), wanted, superuser_url, key, _texts(share), place)
        opened = doors(council)
        told = restoring.restore(opened, from_there, by=by, at=now(), today=today())
    rows: list[tuple[object, ...]] = [(name, value) for name, value in told.items() if name != "last_hash"]
    say(told, as_json=as_json, words=lambda: table(f"{council} is restored, and closed", ("what", "value"), rows))
    typer.echo("now `backup check`, then two people: `backup open`", err=True)


@group.command("check")
def check(council: Council, as_json: Json = False) -> None:
    """Do ledger, register, vault, audit and journal agree? 1 when anything does not."""
    opened = doors(council)
    found = restoring.agreement(opened)
    mark = closing.of(opened.settings.state)
    title = f"{council} is closed ({mark.why}); opened by {', '.join(mark.opened_by) or 'nobody'}" if mark else council
    _tell(title, found, as_json=as_json)


@group.command("open")
def open_council(
    council: Council,
    by: By,
    although: Annotated[
        bool, typer.Option("--although", help="Although something does not agree; both people say so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open a closed council; the second, different person opens it for everybody. 1 while one is missing."""
    is_open = restoring.reopen(doors(council), by=by, although=although)
    words = f"{council} is open" if is_open else "noted; a second, different person opens it by the same command"
    say({"council": council, "open": is_open}, as_json=as_json, words=lambda: words)
    if not is_open:
        raise typer.Exit(1)


@group.command("close")
def close_council(
    council: Council, by: By, reason: Annotated[Why, typer.Option(help="Why.")], as_json: Json = False
) -> None:
    """Close a council at once: no task or command reads or writes its database until two people open it."""
    restoring.close(doors(council), by=by, why=reason, at=now())
    say({"council": council, "open": False}, as_json=as_json, words=lambda: f"{council} is closed")


def _tell(title: str, found: Sequence[Looked], *, as_json: bool) -> None:
    rows = [(one.what, "good" if one.good else "BAD", one.told) for one in found]
    say([asdict(one) for one in found], as_json=as_json, words=lambda: table(title, ("what", "is", "told"), list(rows)))
    if not all(one.good for one in found):
        raise typer.Exit(1)


def _texts(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(file.read_text() for file in files)
