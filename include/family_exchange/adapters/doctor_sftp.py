"""How a council's SFTP servers stand: the pinned key, our log-in, the folders, and what else our log-in could see."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from family_exchange.adapters import doctor_versions
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.adapters.sftp import DropZone
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged, note
from family_exchange.domain.errors import NeedsDecision, TryLater

OUTSIDE = ("/etc/passwd", "/etc/ssh", "/proc/self", "/root", "/../etc/passwd")
"""Where a log-in that is shut into its folder finds nothing."""
STRONG = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
)
AHEAD = timedelta(minutes=5)
"""How far in the future an entry's time may be before the server's clock is in doubt."""
CONNECT_SECONDS = 25.0


def drop_zone(doors: Doors) -> Iterator[Finding]:
    """The server where partners leave files."""
    folders = [
        f"/{partner.slug}/{part}"
        for partner in doors.profile.active_partners
        for part in (*partner.active_feeds, "receipts")
    ]
    yield from _server("drop zone", doors.settings.drop_zone, folders)


def recipient(doors: Doors) -> Iterator[Finding]:
    """The trusted third party's server."""
    yield from _server("recipient", doors.settings.recipient, ["/inbox", "/receipts"])


def _server(name: str, endpoint: SftpEndpoint, folders: list[str]) -> Iterator[Finding]:
    kind = endpoint.host_key.split(" ", 1)[0]
    yield judged(
        Room.SFTP,
        f"{name}: pinned host key",
        kind if kind in (*STRONG, "ssh-rsa") else "no kind of key that we know",
        well=kind in STRONG,
        advice="pin the server's Ed25519 key, as its owner told it to you by another way",
        otherwise=Grade.WARNING if kind == "ssh-rsa" else Grade.BAD,
    )
    try:
        with DropZone(endpoint, connect_seconds=CONNECT_SECONDS, silence_seconds=CONNECT_SECONDS) as zone:
            yield good(Room.SFTP, f"{name}: log-in", "it shows the pinned host key and lets us in")
            yield from _version(name, zone.banner)
            yield _folders(name, zone, folders)
            yield _shut_in(name, zone)
            yield _clock(name, zone, folders)
    except TryLater as error:
        yield bad(Room.SFTP, f"{name}: log-in", str(error), "look whether the server is up and reachable from here")
    except NeedsDecision as error:
        advice = "ask the server's owner; never pin another host key because the server shows it"
        yield bad(Room.SFTP, f"{name}: log-in", str(error), advice)


def _version(name: str, banner: str) -> Iterator[Finding]:
    """By what the server says of itself: `SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10`."""
    software, _, comment = banner.removeprefix("SSH-2.0-").partition(" ")
    product, _, version = software.partition("_")
    if product != "OpenSSH" or not version[:1].isdigit():
        yield note(Room.VERSIONS, f"{name}: server", "it is not OpenSSH", "ask its owner how it is kept up to date")
        return
    debian = f"{version}-{comment.removeprefix('Debian-')}" if comment.startswith("Debian-") else None
    for finding in doctor_versions.holes("openssh", version, debian):
        yield Finding(finding.room, f"{name}: {finding.subject}", finding.grade, finding.found, finding.advice)


def _folders(name: str, zone: DropZone, folders: list[str]) -> Finding:
    missing = [folder for folder in folders if not zone.exists(folder)]
    return judged(
        Room.SFTP,
        f"{name}: folders",
        f"{', '.join(missing)} missing" if missing else f"all {len(folders)} are there",
        well=not missing,
        advice="the server's owner makes them; partners write into the folders of their feeds, we into receipts/",
    )


def _shut_in(name: str, zone: DropZone) -> Finding:
    seen = []
    for place in OUTSIDE:
        try:
            if zone.exists(place):
                seen.append(place)
        except NeedsDecision:
            seen.append(place)  # it is there, and only its mode keeps us out
    return judged(
        Room.SFTP,
        f"{name}: shut into its folder",
        f"our log-in sees {', '.join(seen)}" if seen else "our log-in sees nothing else",
        well=not seen,
        advice="the server's owner shuts each log-in into its folder: ChrootDirectory and internal-sftp in OpenSSH",
    )


def _clock(name: str, zone: DropZone, folders: list[str]) -> Finding:
    """By the newest entry: SFTP cannot be asked for the time without leaving a file."""
    subject, newest = f"{name}: clock", 0
    for folder in folders:
        try:
            newest = max([newest, *(entry.modified_at for entry in zone.list(folder))])
        except (FileNotFoundError, NeedsDecision):
            continue
    if not newest:
        return note(Room.CLOCKS, subject, "nothing lies there by which to tell", "look again when files have come")
    ahead = datetime.fromtimestamp(newest, UTC) - datetime.now(UTC)
    return judged(
        Room.CLOCKS,
        subject,
        f"its newest entry is {ahead.total_seconds():.0f} s in the future"
        if ahead > AHEAD
        else "no entry is of the future",
        well=ahead <= AHEAD,
        advice="the server's owner sets its clock by a time server, or a client sets times: both hide what is new",
        otherwise=Grade.WARNING,
    )
