"""Whether programs and packages are behind the releases that closed known holes, by `include/known_holes.yaml`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from family_exchange.adapters import documents, places
from family_exchange.domain.doctor import Finding, Grade, Room, good, judged, unseen
from family_exchange.domain.holes import Hole, Holes, is_open, numbers

FILE = "known_holes.yaml"
OLDEST_GPG = (2, 2, 36)
"""Source: ADR 4; what the status lines of older ones mean was not tried."""
NO_PACKAGES = frozenset({"postgresql", "openssh", "gnupg"})
"""Products that are no Python packages."""
_SECONDS = 30


@cache
def known(root: Path = places.DATA) -> tuple[Hole, ...]:
    """The list of known holes.

    Raises:
        BadFile: the file has a mistake.
    """
    return documents.parsed(documents.read(root / FILE, FILE), Holes).holes


def open_ones(product: str, version: str, packaged: str | None = None) -> list[Hole]:
    """The known holes that this version of the product still has."""
    return [hole for hole in known() if hole.product == product and is_open(hole, version, packaged)]


def holes(product: str, version: str, packaged: str | None = None) -> Iterator[Finding]:
    """One finding: the known holes of a product as it was met, `packaged` by a distribution or not."""
    met = packaged or version
    behind = open_ones(product, version, packaged)
    named = sorted({name for hole in behind for name in hole.names})
    closed = sorted({release for hole in behind for release in hole.closed_in}, key=numbers)
    remembered = " (from memory: look it up)" if any(hole.status == "assumed" for hole in behind) else ""
    yield judged(
        Room.VERSIONS,
        product,
        f"{met}: {', '.join(named)}" if behind else f"{met}, no known hole",
        well=not behind,
        advice=f"move to {' or '.join(closed)}, or to your distribution's repaired package{remembered}: "
        + "; ".join(dict.fromkeys(hole.means for hole in behind)),
    )


def installed() -> Iterator[Finding]:
    """gpg, and every Python package with an entry in the list that is installed here."""
    yield from gpg()
    packages = sorted({hole.product for hole in known()} - NO_PACKAGES)
    met = {name: _package(name) for name in packages}
    behind = [
        finding
        for name, version in met.items()
        if version and open_ones(name, version)
        for finding in holes(name, version)
    ]
    yield from behind
    if not behind:
        there = sum(version is not None for version in met.values())
        yield good(Room.VERSIONS, "Python packages", f"none of {there} with past holes is behind its repair")


def gpg() -> Iterator[Finding]:
    """The gpg that we run."""
    version = gpg_version()
    if version is None:
        yield unseen(Room.VERSIONS, "gnupg", "gpg does not say its version", "install the package gnupg")
        return
    yield from holes("gnupg", version, _debian("gpg"))
    yield judged(
        Room.VERSIONS,
        "gnupg for us",
        version,
        well=numbers(version) >= OLDEST_GPG,
        advice="move to 2.2.40 or later: what an older one's words mean was not tried",
        otherwise=Grade.WARNING,
    )


def gpg_version() -> str | None:
    """What `gpg --version` says; None: it is not there, or says nothing."""
    said = _said(["gpg", "--version"])
    found = re.search(r"^gpg \(GnuPG\S*\) (\d\S*)", said)
    return found[1] if found else None


def _debian(package: str) -> str | None:
    """Debian's own version of the package; None elsewhere."""
    if shutil.which("dpkg-query") is None:
        return None
    return _said(["dpkg-query", "--show", "--showformat=${Version}", package]).strip() or None


def _said(command: Iterable[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own argument lists
            list(command),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _package(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
