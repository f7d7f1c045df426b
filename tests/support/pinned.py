"""What is pinned: names, versions, markers and hashes, as `make lock` wrote them."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
RUNS, CHECKS = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
ALL = tuple(sorted(file.with_suffix(".txt") for file in ROOT.glob("requirements*.in")))
"""Every file that `make lock` writes: what only some installations need is pinned too."""


@dataclass(frozen=True)
class Pin:
    """One package of a file."""

    file: str
    name: str
    """As the index compares names: lower case, hyphens."""
    version: str
    applies: bool
    """False where its marker speaks of another machine or another Python."""
    hashes: tuple[str, ...]
    """`sha256:…` of every file that may be installed."""


def plain(name):
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file):
    """Every package of a file; each stands on a line of its own, with its hashes behind it.

    Raises ValueError for a line that pins no version.
    """
    found = []
    for line in file.read_text().replace("\\\n", " ").splitlines():
        text = line.partition(" #")[0].strip()
        if not text or text.startswith(("#", "-c ", "-r ")):
            continue
        words, *hashes = (part.strip() for part in text.split("--hash="))
        stated = Requirement(words)
        exact = [one.version for one in stated.specifier if one.operator == "=="]
        if len(exact) != 1:
            raise ValueError(f"{file.name}: {stated.name} is not pinned to one version")
        applies = stated.marker is None or stated.marker.evaluate()
        found.append(Pin(file.name, plain(stated.name), exact[0], applies, tuple(hashes)))
    return found


def installed(name):
    """The version that is installed here; None: none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
