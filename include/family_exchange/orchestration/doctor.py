"""How Airflow stands: its settings as Airflow itself would use them, and the pools that our Dags need.

Airflow is asked in a process of its own: it may hang at its database without holding up anything else, and reading its
configuration must not write any. Secrets do not leave that process; what is told of them is `set`, `short` or the like.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from family_exchange.domain import airflow_settings
from family_exchange.domain.airflow_settings import SECRETS, WANTED, Option
from family_exchange.domain.doctor import Finding, Room, bad, good, judged, note, unseen
from family_exchange.orchestration.connections import connection_id

DESK = "desk"
"""A container where people give commands, of docker-compose.yml."""
_HOST: Option = ("api", "host")
DATABASE: Option = ("database", "sql_alchemy_conn")
ENDPOINTS = ("drop_zone", "recipient")
SECONDS = 50.0
_CONNECT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Told:
    """What Airflow says of itself."""

    values: Mapping[Option, str]
    """Secrets as `secret_standing` and `database_standing` tell them."""
    pools: Mapping[str, int] | None
    """Slots of each pool; None: its database does not say."""


def airflow(councils: Sequence[str], *, composed: str = "", seconds: float = SECONDS) -> Iterator[Finding]:
    """A finding for each setting that matters, and one for the pools of these councils.

    In a container of docker-compose.yml `composed` says which: a `desk` has none of Airflow's keys nor its database, on
    purpose, and is told where they are; and nowhere there can Airflow's own address be reached from outside.
    """
    if not is_here():
        found, advice = "it is not installed here", "look where its scheduler runs, with the settings that it has there"
        yield note(Room.AIRFLOW, "Airflow", found, advice)
        return
    configured = _configuration().is_file() or any(name.startswith("AIRFLOW__") for name in os.environ)
    if not configured:
        found = f"nothing is configured here: {_configuration()} is not there"
        yield note(Room.AIRFLOW, "Airflow", found, "set AIRFLOW_HOME, or look where its scheduler runs")
        return
    told = ask(seconds=seconds)
    if told is None:
        advice = "run `airflow config list` here, and mend what it says"
        yield unseen(Room.AIRFLOW, "Airflow", "it does not tell its configuration", advice)
        return
    left_out = {_HOST} if composed else set()
    left_out |= {*SECRETS, DATABASE} if composed == DESK else set()
    subjects = {f"[{section}] {name}" for section, name in left_out}
    every = airflow_settings.judge(told.values, executor=told.values.get(("core", "executor"), ""))
    yield from (one for one in every if one.subject not in subjects)
    yield _modes()
    if composed == DESK:
        found = "they are not given to this container, on purpose"
        advice = "look where they are: docker compose exec api-server family-exchange doctor"
        yield note(Room.AIRFLOW, "its keys, its database and its pools", found, advice)
    else:
        yield _pools(told, councils)


def is_here() -> bool:
    """True where Airflow is installed."""
    try:
        metadata.version("apache-airflow-core")
    except metadata.PackageNotFoundError:
        return False
    return True


def ask(*, seconds: float = SECONDS) -> Told | None:
    """What Airflow says of itself, in a process of its own; None: it said nothing in time."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "family_exchange.orchestration.doctor"],
            env=dict(os.environ) | looking_only() | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds,
        )
        said = json.loads(done.stdout.strip().rpartition("\n")[2])
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError):
        return None
    return Told({(section, name): value for section, name, value in said["values"]}, said["pools"])


def looking_only() -> dict[str, str]:
    """What the environment must say so that importing Airflow makes neither folders nor a configuration of its own."""
    nothing = {} if _configuration().is_file() else {"AIRFLOW_CONFIG": os.devnull}
    return {"_AIRFLOW__AS_LIBRARY": "1", **nothing}


def _configuration() -> Path:
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return Path(os.environ.get("AIRFLOW_CONFIG") or home / "airflow.cfg").expanduser()


def _modes() -> Finding:
    """Airflow's own file holds its secrets."""
    file = _configuration()
    subject = "airflow.cfg"
    if not file.is_file():
        return good(Room.AIRFLOW, subject, "there is none: the environment says everything")
    mode = file.stat().st_mode & 0o777
    return judged(
        Room.AIRFLOW,
        subject,
        f"mode {mode:04o}",
        well=not mode & 0o077,
        advice=f"chmod 0600 {file}: it holds the keys to everything",
    )


def _pools(told: Told, councils: Sequence[str]) -> Finding:
    subject = "pools"
    if told.pools is None:
        found = "Airflow's database is not to be seen from here"
        return note(Room.AIRFLOW, subject, found, "look where its scheduler runs; workers need not see that database")
    wanted = [connection_id(council, end) for council in councils for end in ENDPOINTS]
    missing = [name for name in wanted if name not in told.pools]
    empty = [name for name in wanted if told.pools.get(name) == 0]
    if missing or empty:
        found = f"missing or without a slot: {', '.join(missing + empty)}"
        advice = "`airflow pools set <name> 4 <what for>`: a task whose pool is missing waits for ever"
        return bad(Room.AIRFLOW, subject, found, advice)
    return good(Room.AIRFLOW, subject, f"the {len(wanted)} that {len(councils)} councils need are there")


def _tell() -> None:
    """One line of JSON on standard output, by Airflow's own reading of its configuration."""
    from airflow.configuration import conf  # noqa: PLC0415 - costs seconds, and only this process may pay them

    values = []
    for one in WANTED:
        value = conf.get(one.section, one.name, fallback=None)
        if value is None:
            continue
        if one.option in SECRETS:
            value = airflow_settings.secret_standing(value)
        elif one.option == DATABASE:
            value = airflow_settings.database_standing(value)
        values.append((one.section, one.name, str(value)))
    sys.stdout.write(f"\n{json.dumps({'values': values, 'pools': _slots(conf.get(*DATABASE, fallback=''))})}\n")


def _slots(url: str) -> dict[str, int] | None:
    """Slots of each pool in Airflow's database, read only."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - as above
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

    if airflow_settings.database_standing(url) == "sqlite":
        return None
    try:
        engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_SECONDS})
        with engine.connect().execution_options(postgresql_readonly=True) as connection:
            return {
                str(pool): int(slots) for pool, slots in connection.execute(text("SELECT pool, slots FROM slot_pool"))
            }
    except (SQLAlchemyError, ImportError):
        return None


if __name__ == "__main__":
    _tell()
