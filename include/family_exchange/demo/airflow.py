"""A real Airflow for the demo and the tests: API server, scheduler, Dag processor and triggerer on one machine."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import httpx

from family_exchange.demo import airflow_settings
from family_exchange.demo.airflow_api import Api
from family_exchange.demo.airflow_settings import CONNECTIONS
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD, VISITOR
from family_exchange.demo.postgres import kept_port
from family_exchange.demo.processes import Programs, ended_by_signals

ROLES = {PROGRAMME_LEAD: "user", OFFICER: "user", VISITOR: "admin"}
"""Who can log in, and as what."""

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
"""What runs; the API server reads task logs from the disk, so nothing else needs to serve them."""

NEEDS_CONNECTIONS = frozenset({"scheduler", "triggerer"})
"""Tasks run under the scheduler. The others cannot open a council's door, because they do not know it."""

HEALTHY_WITHIN = 600.0
"""Seconds, for a small machine that has much else to do; a component that ends is told of at once."""
MARK = "FAMILY_EXCHANGE_AIRFLOW"


@dataclass(frozen=True, slots=True)
class Airflow:
    """A running Airflow."""

    base_url: str
    home: Path
    passwords: Mapping[str, str] = field(repr=False)
    programs: Programs = field(repr=False)

    def log_in(self, user: str) -> Api:
        """The API, as `user` sees it."""
        return Api(self.base_url, user, self.passwords[user])

    def await_dags(self, wanted: Callable[[set[str]], bool], *, within: float = HEALTHY_WITHIN) -> dict[str, str]:
        """File names by Dag id, as soon as `wanted` holds for the ids that Airflow knows.

        Raises:
            TimeoutError: it does not hold in time; the message has the import errors.
        """
        with self.log_in(VISITOR) as api:
            deadline = monotonic() + within
            while not wanted(set(known := api.dags())):
                self.programs.need_all()
                if monotonic() > deadline:
                    raise TimeoutError(f"Airflow knows {len(known)} Dags only; {api.import_errors()}")
                sleep(0.3)
            return {dag_id: str(dag["relative_fileloc"]) for dag_id, dag in known.items()}


@contextmanager
def running(
    home: Path, metadata_url: str, environment: Mapping[str, str], *, dags: Path, parallelism: int = 6
) -> Iterator[Airflow]:
    """An Airflow whose every process is gone when the block ends, however it ends.

    `environment` is added to that of the processes; variables of Airflow connections go only to those that need them.

    Raises:
        RuntimeError: a component stopped; the message names its log.
        TimeoutError: the components are not healthy in time.
    """
    home.mkdir(parents=True, mode=0o700)
    passwords = {name: secrets.token_urlsafe(12) for name in ROLES}
    programs = Programs((MARK, str(home)))
    with kept_port() as port, ended_by_signals():
        sections = airflow_settings.settings(
            home, metadata_url, dags=dags.resolve(), port=port, users=ROLES, parallelism=parallelism
        )
        airflow_settings.write(home, sections, passwords)
        try:
            _start(programs, home, environment)
            _await_health(programs, f"http://127.0.0.1:{port}")
            yield Airflow(f"http://127.0.0.1:{port}", home, passwords, programs)
        finally:
            programs.stop()


def _start(programs: Programs, home: Path, environment: Mapping[str, str]) -> None:
    """The metadata database is ready, and every component is on its way."""
    everything = {**_inherited(), **environment, "AIRFLOW_HOME": str(home), "PYTHONPATH": _source_root()}
    without = {name: value for name, value in everything.items() if not name.startswith(CONNECTIONS)}
    programs.start("migrate", _airflow("db", "migrate"), environment=without, log=home / "migrate.log")
    programs.finish("migrate", within=HEALTHY_WITHIN)
    for name, options in COMPONENTS.items():
        known = everything if name in NEEDS_CONNECTIONS else without
        programs.start(name, _airflow(name, *options), environment=known, log=home / f"{name}.log")


def _await_health(programs: Programs, base_url: str) -> None:
    """Return when the API server answers and every component's heart beats."""
    deadline = monotonic() + HEALTHY_WITHIN
    with httpx.Client(timeout=HEALTHY_WITHIN) as client:
        ill = ["the API server"]
        while ill and monotonic() < deadline:
            programs.need_all()
            try:
                parts = client.get(f"{base_url}/api/v2/monitor/health").raise_for_status().json()
                # What tasks talk to is made at the first request, for seconds; no task should wait for it.
                client.get(f"{base_url}/execution/health").raise_for_status()
            except httpx.HTTPError:
                sleep(0.1)
                continue
            ill = sorted(name for name, part in parts.items() if part["status"] != "healthy")
            sleep(0.1)
    if ill:
        raise TimeoutError(f"Airflow did not become healthy in time: {', '.join(ill)}")


def _airflow(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _inherited() -> dict[str, str]:
    """Our environment without anybody's Airflow, Python path or council in it."""
    foreign = ("AIRFLOW", "PYTHON", "FAMILY_EXCHANGE")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _source_root() -> str:
    return str(Path(__file__).resolve().parents[2])
