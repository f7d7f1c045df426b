"""Keys of partners and of the council: two people add one, in two acts; one person takes one back."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from family_exchange.adapters import database, keys, own_keys
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.journal import What
from family_exchange.adapters.openpgp import make_key
from family_exchange.commands.common import By, Council, Json, doors, now, say, table
from family_exchange.domain import expiry
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.expiry import KeyEnd
from family_exchange.domain.key import OWN_OVERLAP, HeldKey, KeyState, Revocation, require_person, same_person, state

group = typer.Typer(help="Keys of partners and our own; two people add one.", no_args_is_help=True)

PARTNER_OVERLAP = 30
"""Days for which a partner's old key stays valid beside its new one, when nobody says otherwise."""

File = Annotated[Path, typer.Argument(help="The public key, as a file.", exists=True, dir_okay=False)]
Partner = Annotated[str, typer.Option(help="Whose key it is, as the profile calls the partner.")]


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(group, name="keys")


@group.command("list")
def list_keys(council: Council, as_json: Json = False) -> None:
    """Every key: partners', our own and the recipient's; its window, its state, who said so, and the days left."""
    opened = doors(council)
    with database.one_moment(opened.database) as connection:
        ends = own_keys.ends(connection, opened.openpgp, recipient=opened.settings.recipient_key)
        partners, own = keys.held(connection), own_keys.held(connection)
    moment = now()
    by_fingerprint = {end.fingerprint: end for end in ends}
    rows = [
        _row(key, state(key, group_, moment), by_fingerprint.get(key.fingerprint), moment)
        for group_ in (partners, own)
        for key in group_
    ]
    listed = {key.fingerprint for key in (*partners, *own)}
    rows += [
        (end.kind, end.owner, end.fingerprint, None, _day(end.ends_at), KeyState.VALID, "settings", _left(end, moment))
        for end in ends
        if end.fingerprint not in listed
    ]
    columns = ("kind", "partner", "fingerprint", "from", "to", "state", "who", "days left")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    say(data, as_json=as_json, words=lambda: table(f"Keys of {council}", columns, list(rows)))


@group.command("add")
def add_key(file: File, council: Council, partner: Partner, by: By, as_json: Json = False) -> None:
    """Register a partner's OpenPGP or SSH key; a second person does the same, or approves it, before it counts.

    One of the two compares the fingerprint with the partner by voice.
    """
    _register(doors(council), file, partner, by, overlap_days=None, as_json=as_json)


@group.command("approve")
def approve_key(
    fingerprint: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    council: Council,
    by: By,
    as_json: Json = False,
) -> None:
    """Be the second person for a key that another one added."""
    opened = doors(council)
    with database.transaction(opened.database) as connection:
        own = own_keys.waiting(connection)
        if own is not None and own.fingerprint == fingerprint:
            key = own_keys.approve(connection, opened.settings.own_key, fingerprint, by=by, moment=now())
        else:
            key = keys.approve(connection, opened.openpgp, fingerprint, by=by, at=now())
    _tell(key, as_json=as_json)


@group.command("export")
def export_key(fingerprint: Annotated[str, typer.Argument(help="As `keys list` shows it.")], council: Council) -> None:
    """Print the armoured public key, e.g. our own new one, to give to partners."""
    typer.echo(doors(council).openpgp.export_public(fingerprint).decode(), nl=False)


@group.command("revoke")
def revoke_key(
    fingerprint: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    council: Council,
    by: By,
    reason: Annotated[Revocation, typer.Option(help="Why.")],
    as_json: Json = False,
) -> None:
    """Take a partner's key back, at once and for good; a second person confirms it by the same command."""
    opened = doors(council)
    with database.transaction(opened.database) as connection:
        key = keys.revoke(connection, fingerprint, by=by, reason=reason, at=now())
        opened.journal.add(What.REVOKED, {"fingerprint": fingerprint, "by": by.strip(), "reason": reason})
    confirmed = key.revoke_confirmed_by is not None
    words = "confirmed by a second person" if confirmed else "a second person confirms it by the same command"
    data = {"fingerprint": key.fingerprint, "partner": key.partner, "state": KeyState.REVOKED, "confirmed": confirmed}
    say(data, as_json=as_json, words=lambda: f"{key.fingerprint} of {key.partner} accepts nothing any more; {words}")


@group.command("rotate")
def rotate_key(
    council: Council,
    by: By,
    file: Annotated[
        Path | None, typer.Argument(help="The partner's new public key, as a file.", exists=True, dir_okay=False)
    ] = None,
    partner: Annotated[str | None, typer.Option(help="Whose new key it is.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Replace the council's own key; a new one is made.")] = False,
    overlap_days: Annotated[int | None, typer.Option(help="How long the old key stays valid beside it.")] = None,
    as_json: Json = False,
) -> None:
    """Replace a key: the new one counts once two people have said so, the old one until the overlap ends."""
    opened = doors(council)
    if own and file is None and partner is None:
        _rotate_own(opened, by, OWN_OVERLAP if overlap_days is None else overlap_days, as_json=as_json)
    elif file is not None and partner is not None and not own:
        days = PARTNER_OVERLAP if overlap_days is None else overlap_days
        _register(opened, file, partner, by, overlap_days=days, as_json=as_json)
    else:
        raise NeedsDecision("give a partner's key file with --partner, or --own")


def _register(opened: Doors, file: Path, partner: str, by: str, *, overlap_days: int | None, as_json: bool) -> None:
    if partner not in {one.slug for one in opened.profile.partners}:
        raise NeedsDecision("the profile has no such partner; `profile show` lists them")
    moment = now()
    public = keys.read(file.read_bytes(), opened.openpgp, at=moment)
    with database.transaction(opened.database) as connection:
        key = keys.add(connection, opened.openpgp, partner, public, by=by, at=moment, overlap_days=overlap_days)
    _tell(key, as_json=as_json)


def _rotate_own(opened: Doors, by: str, overlap_days: int, *, as_json: bool) -> None:
    """The first person makes the new key; a different one, by the same command, puts it into force."""
    with database.transaction(opened.database) as connection:
        require_person(by)
        key = own_keys.waiting(connection)
        if key is None:
            fingerprint = make_key(opened.openpgp.home, f"{opened.profile.council} council")
            key = own_keys.add(connection, opened.openpgp, fingerprint, by=by, moment=now(), overlap_days=overlap_days)
        elif not same_person(key.added_by, by):
            if key.overlap_days != overlap_days:
                raise NeedsDecision("the first person asked for another overlap; both must ask for the same")
            key = own_keys.approve(connection, opened.settings.own_key, key.fingerprint, by=by, moment=now())
    _tell(key, as_json=as_json)


def _tell(key: HeldKey, *, as_json: bool) -> None:
    owner = key.partner or "the council"
    if key.approved_by is None:
        words = f"{key.fingerprint} of {owner} waits for a second person: `keys approve {key.fingerprint} --by …`"
    else:
        words = f"{key.fingerprint} of {owner} is valid from {key.valid_from:%Y-%m-%d %H:%M} UTC"
    pending = key.approved_by is None
    data = asdict(key) | {"state": KeyState.PENDING if pending else KeyState.VALID}
    say(data, as_json=as_json, words=lambda: words)


def _row(key: HeldKey, its_state: KeyState, end: KeyEnd | None, moment: datetime) -> tuple[object, ...]:
    who = ", ".join(one for one in (key.added_by, key.approved_by) if one)
    if key.revoked_by:
        who += f"; revoked by {', '.join(one for one in (key.revoked_by, key.revoke_confirmed_by) if one)}"
    last = end.ends_at if end else key.valid_to
    left = _left(end, moment) if end else None
    return (
        key.kind, key.partner or "own", key.fingerprint, _day(key.valid_from), _day(last), its_state, who, left,
    )  # fmt: skip


def _day(instant: datetime | None) -> str | None:
    return None if instant is None else f"{instant:%Y-%m-%d}"


def _left(end: KeyEnd, moment: datetime) -> int | None:
    return expiry.days_left(end.ends_at, moment.date())
