"""The settings of Airflow 3.3 that decide what a killed process costs and who sees what: what we want, and why.

Source: Airflow 3.3.2's own configuration reference for names and defaults; the project's reliability report, part 2.8,
for the values, which were measured by killing processes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from family_exchange.domain.doctor import Finding, Grade, Room, judged

Option = tuple[str, str]
"""Section and name."""

TRUE = frozenset({"true", "t", "1", "yes", "y", "on"})
SECRET_LENGTH = 32
"""Characters of a secret that nobody guesses."""
WELL_KNOWN = frozenset(
    {"airflow", "temporary_key", "secret", "changeme", "change-me", "password", "airflow_jwt_secret"}
)
"""Secrets that stand in examples and tutorials."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One setting."""

    section: str
    name: str
    wanted: str
    why: str
    holds: Callable[[str], bool]
    otherwise: Grade = Grade.WARNING
    executor: str = ""
    """Only where the executor's name has this in it; empty: with every executor."""

    @property
    def option(self) -> Option:
        """Where it stands."""
        return self.section, self.name

    @property
    def advice(self) -> str:
        """What to do."""
        return f"set [{self.section}] {self.name} to {self.wanted}: {self.why}"


def at_most(limit: float) -> Callable[[str], bool]:
    """True for a number from 0 to the limit."""

    def holds(value: str) -> bool:
        try:
            return 0 <= float(value) <= limit
        except ValueError:
            return False

    return holds


def is_true(value: str) -> bool:
    """True for what Airflow takes as true."""
    return value.strip().lower() in TRUE


def is_false(value: str) -> bool:
    """True for anything else."""
    return not is_true(value)


def no_stranger(value: str) -> bool:
    """True when no module but ours may be made from what is stored."""
    return all(word.startswith("family_exchange") for word in value.replace(",", " ").split())


SECRETS: tuple[Option, ...] = (("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret"))
"""Whose values leave the process that reads them only as `secret_standing`."""


def secret_standing(value: str) -> str:
    """What may be told of a secret: `unset`, `well known`, `short` or `set`."""
    plain = value.strip()
    if not plain:
        return "unset"
    if plain.lower() in WELL_KNOWN:
        return "well known"
    return "short" if len(plain) < SECRET_LENGTH else "set"


def database_standing(url: str) -> str:
    """What may be told of the metadata database's URL: `sqlite`, `well-known password`, `no password` or `set`."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite") or not rest:
        return "sqlite"
    login, at, _ = rest.rpartition("@")
    password = login.partition(":")[2] if at else ""
    if not password:
        return "no password"
    return "well-known password" if password.lower() in WELL_KNOWN else "set"


WANTED: tuple[Wanted, ...] = (
    Wanted(
        "scheduler",
        "task_instance_heartbeat_timeout",
        "60 or less",
        "the default of 300 s lets a dead worker's task rest for five minutes",
        at_most(60),
    ),
    Wanted(
        "scheduler",
        "task_instance_heartbeat_timeout_detection_interval",
        "10 or less",
        "how often dead tasks are looked for",
        at_most(10),
    ),
    Wanted(
        "scheduler",
        "orphaned_tasks_check_interval",
        "30 or less",
        "the default of 300 s leaves a killed scheduler's tasks lying for five minutes",
        at_most(30),
    ),
    Wanted("scheduler", "task_queued_timeout", "600 or less", "a task that no worker takes is told of", at_most(600)),
    Wanted(
        "core", "killed_task_cleanup_time", "60 or less", "how long a killed task may still be at work", at_most(60)
    ),
    Wanted(
        "workers",
        "max_failed_heartbeats",
        "3 or less",
        "a worker that the server no longer knows must stop before another does its work",
        at_most(3),
    ),
    Wanted(
        "core",
        "auth_manager",
        "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "SimpleAuthManager is for trying out: it prints the administrator's password into its log",
        lambda value: "SimpleAuthManager" not in value,
        Grade.BAD,
    ),
    Wanted(
        "core",
        "simple_auth_manager_all_admins",
        "False",
        "everybody who reaches the page would be administrator",
        is_false,
        Grade.BAD,
    ),
    Wanted(
        "api",
        "expose_config",
        "False",
        "the page would show where everything is",
        lambda value: value.strip().lower() in {"", "false", "0"},
    ),
    Wanted(
        "api",
        "access_control_allow_origins",
        "nothing, or the addresses of your own pages",
        "any page in a person's browser could act for them",
        lambda value: "*" not in value,
        Grade.BAD,
    ),
    Wanted(
        "api",
        "host",
        "127.0.0.1 behind a TLS proxy, or an address of a private network",
        "passwords and tokens must not travel in the clear",
        lambda value: value not in {"", "0.0.0.0", "::"},  # noqa: S104 - that is what is looked for
        Grade.NOTE,
    ),
    Wanted(
        "core",
        "allowed_deserialization_classes",
        "nothing, or family_exchange's own",
        "the default lets stored text become any object of Airflow's; try it first, for something else may need it",
        no_stranger,
        Grade.NOTE,
    ),
    Wanted("core", "hide_sensitive_var_conn_fields", "True", "pages and logs would show passwords", is_true, Grade.BAD),
    Wanted("core", "load_examples", "False", "the examples are Dags like any other, and run", is_false),
    Wanted("core", "unit_test_mode", "False", "it is for Airflow's own tests", is_false, Grade.BAD),
    Wanted(
        "logging",
        "logging_level",
        "INFO",
        "libraries write what they handle when they are asked for every detail",
        lambda value: value.upper() != "DEBUG",
        Grade.BAD,
    ),
    Wanted(
        "core",
        "executor",
        "our OneMachineExecutor or SteadyCeleryExecutor, or Airflow's Local-, Celery- or KubernetesExecutor",
        "these were tried with this product",
        lambda value: any(
            one in value for one in ("LocalExecutor", "CeleryExecutor", "KubernetesExecutor", "OneMachineExecutor")
        ),
    ),
    Wanted(
        "core",
        "fernet_key",
        "a key of your own, the same for every component",
        "connections lie in the database in the clear",
        lambda value: value == "set",
        Grade.BAD,
    ),
    Wanted(
        "api",
        "secret_key",
        "32 random characters or more, the same for every API server",
        "whoever guesses it signs in as anybody",
        lambda value: value == "set",
        Grade.BAD,
    ),
    Wanted(
        "api_auth",
        "jwt_secret",
        "32 random characters or more, the same for every component",
        "whoever guesses it speaks for any task",
        lambda value: value == "set",
        Grade.BAD,
    ),
    Wanted(
        "database",
        "sql_alchemy_conn",
        "a PostgreSQL of Airflow's own, with a password of your own",
        "SQLite stands one process only, and a password of the tutorials is everybody's",
        lambda value: value == "set",
        Grade.BAD,
    ),
    Wanted(
        "celery_broker_transport_options",
        "visibility_timeout",
        "60 or less",
        "a worker that dies between receiving a task and beginning it keeps the task for so long",
        at_most(60),
        executor="Celery",
    ),
    Wanted(
        "celery",
        "task_acks_late",
        "True",
        "a message is gone only when its task has ended, so a killed worker loses none",
        is_true,
        executor="Celery",
    ),
    Wanted(
        "celery",
        "worker_prefetch_multiplier",
        "1",
        "a worker must not keep tasks that another could do now",
        at_most(1),
        executor="Celery",
    ),
)


def judge(values: Mapping[Option, str], *, executor: str) -> Iterator[Finding]:
    """A finding for each setting that matters with this executor; `values` are what Airflow itself would use."""
    for one in WANTED:
        if one.executor and one.executor not in executor:
            continue
        found = values.get(one.option)
        yield judged(
            Room.AIRFLOW,
            f"[{one.section}] {one.name}",
            "not set" if found is None else found or "nothing",
            well=found is not None and one.holds(found),
            advice=one.advice,
            otherwise=one.otherwise,
        )
