"""What one council's installation needs to know, read once at the edge and passed down as values.

The command line and the demo read the environment (`.env.example` lists every variable); inside Airflow,
`orchestration.connections` makes the same objects from Airflow connections.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from family_exchange.adapters.room import LEAST, MIB
from family_exchange.domain.errors import MissingSetting

DEFAULT_SFTP_PORT = 22
SETTLE = timedelta(seconds=60)
PATIENCE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class SftpEndpoint:
    """One SFTP server as one user sees it; its host key is pinned."""

    host: str
    port: int
    username: str
    private_key: Path
    """OpenSSH private key file."""
    host_key: str = field(repr=False)
    """The server's public key line without the host, e.g. `ssh-ed25519 AAAA…`."""


@dataclass(frozen=True, slots=True)
class CouncilSettings:
    """Where one council's database, files, keys and endpoints are."""

    council: str
    database: str = field(repr=False)
    """libpq connection string or URL of the council's own database."""
    state: Path
    """The council's folder on this machine: `vault/`, `gnupg/`, `checkpoints/`, `secrets/`."""
    own_key: str
    """Fingerprint of the council's OpenPGP key (40 upper-case hexadecimal digits)."""
    recipient_key: str
    """Fingerprint of the OpenPGP key that returns are sealed to."""
    drop_zone: SftpEndpoint
    recipient: SftpEndpoint
    settle: timedelta = SETTLE
    """How long a partner's file must have kept its size and time before it is taken."""
    patience: timedelta = PATIENCE
    """How long an upload that is not whole is waited for before its partner is told."""
    least_room: int = LEAST
    """Bytes that must be free on every disk before a file is taken in."""
    disks: tuple[Path, ...] = ()
    """Folders on further disks that must have room: of PostgreSQL's data and log, where this machine has them."""


def variable(council: str, setting: str) -> str:
    """The environment variable of one council's setting, `FAMILY_EXCHANGE__<COUNCIL>__DATABASE` for example."""
    return f"FAMILY_EXCHANGE__{council.upper().replace('-', '_')}__{setting}"


def from_environment(council: str, environment: Mapping[str, str]) -> CouncilSettings:
    """The settings of `council` as the environment states them.

    Raises:
        MissingSetting: a variable is absent or empty; the message names it.
    """

    def need(setting: str, hint: str) -> str:
        name = variable(council, setting)
        value = environment.get(name, "").strip()
        if not value:
            raise MissingSetting(council, name, hint)
        return value

    def stated(setting: str) -> str:
        return environment.get(variable(council, setting), "").strip()

    def seconds(setting: str, default: timedelta) -> timedelta:
        return duration(council, variable(council, setting), stated(setting), default)

    return CouncilSettings(
        council=council,
        database=need("DATABASE", "the URL of the council's own PostgreSQL database"),
        state=Path(need("STATE", "the folder that holds the council's vault, keys and checkpoints")),
        own_key=need("OPENPGP_KEY", "the fingerprint of the council's OpenPGP key"),
        recipient_key=need("RECIPIENT_KEY", "the fingerprint of the recipient's OpenPGP key"),
        drop_zone=endpoint(council, variable(council, "DROP_ZONE"), need("DROP_ZONE", _SFTP_HINT)),
        recipient=endpoint(council, variable(council, "RECIPIENT"), need("RECIPIENT", _SFTP_HINT)),
        settle=seconds("SETTLE_SECONDS", SETTLE),
        patience=seconds("PATIENCE_SECONDS", PATIENCE),
        least_room=room(council, variable(council, "LEAST_ROOM_MIB"), stated("LEAST_ROOM_MIB")),
        disks=folders(stated("DISKS")),
    )


def as_environment(settings: CouncilSettings) -> dict[str, str]:
    """The variables from which `from_environment` makes `settings` again."""
    values = {
        "DATABASE": settings.database,
        "STATE": str(settings.state),
        "OPENPGP_KEY": settings.own_key,
        "RECIPIENT_KEY": settings.recipient_key,
        "DROP_ZONE": as_url(settings.drop_zone),
        "RECIPIENT": as_url(settings.recipient),
        "SETTLE_SECONDS": f"{settings.settle.total_seconds():g}",
        "PATIENCE_SECONDS": f"{settings.patience.total_seconds():g}",
        "LEAST_ROOM_MIB": f"{settings.least_room // MIB}",
        "DISKS": as_folders(settings.disks),
    }
    return {variable(settings.council, name): value for name, value in values.items()}


def duration(council: str, setting: str, text: str, default: timedelta) -> timedelta:
    """The seconds that `text` says, or the default when it is empty.

    Raises:
        MissingSetting: it is no number of seconds from 0.
    """
    if not text:
        return default
    try:
        span = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        span = timedelta(seconds=-1)
    if span < timedelta():
        raise MissingSetting(council, setting, "write a number of seconds, 0 or more")
    return span


def room(council: str, setting: str, text: str) -> int:
    """The bytes that `text` says in MiB, or the default when it is empty.

    Raises:
        MissingSetting: it is no whole number from 1.
    """
    if not text:
        return LEAST
    if not (text.isascii() and text.isdigit() and int(text)):
        raise MissingSetting(council, setting, "write a whole number of MiB, 1 or more")
    return int(text) * MIB


def folders(text: str) -> tuple[Path, ...]:
    """The folders that `text` names, by colons."""
    return tuple(Path(each) for each in text.split(":") if each)


def as_folders(disks: tuple[Path, ...]) -> str:
    """The text from which `folders` makes `disks` again."""
    return ":".join(map(str, disks))


def as_url(one: SftpEndpoint) -> str:
    """The URL from which `endpoint` makes `one` again."""
    query = urlencode({"private_key": str(one.private_key), "host_key": one.host_key})
    return f"sftp://{quote(one.username, safe='')}@{one.host}:{one.port}?{query}"


def endpoint(council: str, setting: str, url: str) -> SftpEndpoint:
    """An endpoint from `sftp://user@host:port?private_key=PATH&host_key=TYPE+BASE64`.

    Raises:
        MissingSetting: a part of the URL is absent; the message names the setting and the part.
    """
    parts = urlsplit(url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    for part, value in (
        ("host", parts.hostname),
        ("user", parts.username),
        ("private_key", query.get("private_key")),
        ("host_key", query.get("host_key")),
    ):
        if not value:
            raise MissingSetting(council, setting, f"its {part} is absent; {_SFTP_HINT}")
    return SftpEndpoint(
        host=str(parts.hostname),
        port=parts.port or DEFAULT_SFTP_PORT,
        username=unquote(str(parts.username)),
        private_key=Path(query["private_key"]),
        host_key=query["host_key"],
    )


_SFTP_HINT = "write sftp://user@host:port?private_key=PATH&host_key=TYPE%20BASE64"
