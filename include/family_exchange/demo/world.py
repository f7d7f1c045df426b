"""The stage of the demo: one PostgreSQL, one SFTP server, throw-away keys, and every council as a tenant on it.

Nothing here is a pretence: partners seal with gpg and upload over SFTP with their own keys, into folders that only they
and their council see.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from family_exchange.adapters import audit, database, profiles
from family_exchange.adapters.doors import Doors, make_secrets, prepare
from family_exchange.adapters.keys import register
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.demo import keys, postgres, sftpserver, synthetic
from family_exchange.demo.partners import PartnerEnd, leave
from family_exchange.demo.recipient import Recipient
from family_exchange.domain.seal import RegisteredKey

Serve = Callable[[Path, Mapping[str, sftpserver.User]], AbstractContextManager[sftpserver.Server]]

METADATA = "airflow"
"""Airflow's own database, on the same server, for its own user."""

REGISTRARS = ("it.security", "programme.lead")
"""The two scripted people who register the partners' keys."""

SETTLE = timedelta(seconds=0.5)
"""The demo's partners upload under temporary names and rename: nothing of theirs grows, and nobody waits for long."""

LASTS = timedelta(days=730)
ENDS_SOON = timedelta(days=12)
"""For so long the key of the last partner of each council is good: somebody has to be told."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One council, its partners, and the third party that takes its returns."""

    doors: Doors
    partners: Mapping[str, PartnerEnd]
    third_party: Recipient
    made: synthetic.Council


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is up."""

    folder: Path
    server: postgres.Server
    metadata: str
    """URL of Airflow's database."""
    tenants: tuple[Tenant, ...]


@contextmanager
def standing(
    councils: tuple[str, ...],
    *,
    people: int,
    seed: int,
    today: date,
    canary: str | None = None,
    serve: Serve = sftpserver.running,
    database_settings: Mapping[str, str] | None = None,
) -> Iterator[World]:
    """A world that stands while the block runs; afterwards its processes, keys and files are gone.

    `serve` runs the SFTP server: the demo's own, unless a test brings another. `database_settings` are PostgreSQL's,
    beside those that it always has.
    """
    folder = Path(tempfile.mkdtemp(prefix="fx-"))
    folder.chmod(0o755)  # the database server runs as another user when we are root
    homes: list[Path] = []
    try:
        with postgres.running(folder / "postgres", durable=False, more=database_settings) as server:
            logins = {name: keys.ssh(folder / "ssh", name) for name in _log_ins(councils)}
            users = {name: sftpserver.User(login.public_key, _root(folder, name)) for name, login in logins.items()}
            for user in users.values():
                user.root.mkdir(parents=True, exist_ok=True)
            with serve(folder / "sftp", users) as sftp:

                def endpoint(name: str) -> SftpEndpoint:
                    return SftpEndpoint("127.0.0.1", sftp.port, name, logins[name].private_key, sftp.host_key)

                tenants = []
                for number, council in enumerate(councils):
                    tenants.append(
                        _tenant(
                            folder,
                            server,
                            council,
                            endpoint,
                            homes,
                            people=people,
                            seed=seed + number,
                            today=today,
                            canary=canary,
                        )
                    )
                metadata = server.create_database(METADATA, METADATA)
                yield World(folder, server, metadata, tuple(tenants))
    finally:
        for home in homes:
            keys.stop_agent(home)
        shutil.rmtree(folder, ignore_errors=True)


def drop(tenant: Tenant) -> int:
    """The number of files that the council's partners uploaded, sealed as each of them should, or should not, be."""
    return leave(tenant.partners, tenant.made.files, council_key=tenant.doors.settings.own_key)


def environment(tenant: Tenant) -> dict[str, str]:
    """The tenant's settings as the command line reads them."""
    from family_exchange.adapters.settings import as_environment  # noqa: PLC0415 - kept beside its reader

    return as_environment(tenant.doors.settings)


def _tenant(
    folder: Path,
    server: postgres.Server,
    council: str,
    endpoint: Callable[[str], SftpEndpoint],
    homes: list[Path],
    *,
    people: int,
    seed: int,
    today: date,
    canary: str | None,
) -> Tenant:
    profile = profiles.profile(council)
    state = folder / "state" / council
    state.mkdir(parents=True, mode=0o700)
    own_home = state / "gnupg"
    own = keys.openpgp(own_home, f"{council} council")
    recipient_home = folder / "keys" / f"{council}.r"
    recipient_key = keys.openpgp(recipient_home, f"third party for {council}")
    homes += [own_home, recipient_home]
    council_ring, recipient_ring = OpenPGP(own_home, own), OpenPGP(recipient_home, recipient_key)
    council_public = council_ring.export_public(own)
    council_ring.import_key(recipient_ring.export_public(recipient_key))
    recipient_ring.import_key(council_public)
    make_secrets(state)
    settings = CouncilSettings(
        council=council,
        database=server.create_database(
            f"council_{council.replace('-', '_')}", f"exchange_{council.replace('-', '_')}"
        ),
        state=state,
        own_key=own,
        recipient_key=recipient_key,
        drop_zone=endpoint(council),
        recipient=endpoint(f"{council}.recipient"),
        settle=SETTLE,
        patience=SETTLE,
    )
    doors = Doors(profile, settings)
    prepare(doors)
    partners = {}
    for number, partner in enumerate(profile.active_partners):
        home = folder / "keys" / f"{council}.{number}"
        fingerprint = keys.openpgp(home, f"{partner.slug} of {council}")
        homes.append(home)
        ring = OpenPGP(home, fingerprint)
        ring.import_key(council_public)
        council_ring.import_key(ring.export_public(fingerprint))
        partners[partner.slug] = PartnerEnd(partner.slug, ring, endpoint(f"{council}.{partner.slug}"))
        for part in (*partner.feeds, "receipts"):
            (_root(folder, council) / partner.slug / part).mkdir(parents=True, exist_ok=True)
        last = partner is profile.active_partners[-1]
        _register(doors, partner.slug, fingerprint, lasts=ENDS_SOON if last else LASTS)
    recipient_root = _root(folder, f"{council}.recipient")
    for part in ("inbox", "receipts"):
        (recipient_root / part).mkdir(parents=True, exist_ok=True)
    made = synthetic.council(profile, people=people, seed=seed, today=today, canary=canary)
    return Tenant(doors, partners, Recipient(recipient_root, recipient_ring, own), made)


def _register(doors: Doors, partner: str, fingerprint: str, *, lasts: timedelta) -> None:
    now = datetime.now(UTC)
    key = RegisteredKey(fingerprint, now - timedelta(days=1), now + lasts, None)
    with database.transaction(doors.database) as connection:
        register(connection, partner, key, added_by=REGISTRARS[0], approved_by=REGISTRARS[1])
        audit.checkpoint(connection, doors.checkpoints, doors.signing_key)


def _log_ins(councils: tuple[str, ...]) -> Iterator[str]:
    """Each council, each of its partners, and its view of the third party."""
    for council in councils:
        yield council
        yield f"{council}.recipient"
        for partner in profiles.profile(council).active_partners:
            yield f"{council}.{partner.slug}"


def _root(folder: Path, login: str) -> Path:
    """What a log-in sees as `/`: a council its whole drop zone, a partner its own folder in it."""
    council, _, part = login.partition(".")
    if part == "recipient":
        return folder / "sftp" / "third-party" / council
    return folder / "sftp" / "drop-zone" / council / part
