"""The demo: a world, its partners' files, the stages (by Airflow or in one process), and what it all came to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shlex import quote
from time import monotonic, sleep
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from family_exchange.demo import by_hand, summary, world
from family_exchange.demo.processes import ended_by_signals
from family_exchange.demo.summary import Report
from family_exchange.demo.world import World

if TYPE_CHECKING:
    from family_exchange.demo.by_airflow import Up


@dataclass(frozen=True, slots=True)
class Plan:
    """What the person asked for."""

    councils: tuple[str, ...]
    people: int = 2000
    seed: int = 1
    stay: bool = False
    """Keep everything up at the end, with one required action left."""
    without_airflow: bool = False
    canary: str | None = None
    """A word that the leak test plants in the synthetic people's names."""


def run(plan: Plan, *, console: Console, today: date) -> Report:
    """The report of the whole journey; afterwards every process that it started is gone.

    With `plan.stay` everything stays up until Ctrl-C.
    """
    with ended_by_signals(), travelled(plan, console=console, today=today) as (stage, report, _):
        console.print(summary.drawn(report))
        if plan.stay:
            yours = "" if plan.without_airflow else " One required action is yours: see Required Actions."
            try:
                console.print(f"\nCommands: set -a; . {settings_for_a_shell(stage)}; set +a")
                console.print(f"Everything stays up until Ctrl-C.{yours}")
                while True:
                    sleep(3600)  # not on a lock: an interrupt there may come out as another error
            except (KeyboardInterrupt, SystemExit):
                console.print("stopping …")
    return report


@contextmanager
def travelled(plan: Plan, *, console: Console, today: date) -> Iterator[tuple[World, Report, "Up | None"]]:
    """The world, the report and Airflow (if it was asked for) at the journey's end, everything still up."""
    began = monotonic()
    step = Progress(console, began)
    step("starting PostgreSQL and the SFTP server, making keys and people")
    with world.standing(plan.councils, people=plan.people, seed=plan.seed, today=today, canary=plan.canary) as stage:
        if plan.without_airflow:
            for tenant in stage.tenants:
                step(f"{tenant.doors.profile.council}: partners drop {world.drop(tenant)} files")
                by_hand.run(tenant, today=today, say=step)
            yield stage, _report(stage, began, today=today, stays=plan.stay), None
        else:
            from family_exchange.demo import by_airflow  # noqa: PLC0415 - Airflow's client side only when it is used

            with by_airflow.running(stage, leave_one=plan.stay, say=step) as up:
                yield (
                    stage,
                    _report(stage, began, today=today, address=up.address, users=up.log_ins, stays=plan.stay),
                    up,
                )
    step("everything is stopped")


def settings_for_a_shell(stage: World) -> Path:
    """The file by which a person's commands reach the councils of this world: for whoever started it, and nobody else.

    It goes with the world.
    """
    settings = {name: value for tenant in stage.tenants for name, value in world.environment(tenant).items()}
    file = stage.folder / "settings.env"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={quote(value)}\n" for name, value in settings.items()), encoding="utf-8")
    return file


class Progress:
    """One line for each step, with the seconds since the start."""

    def __init__(self, console: Console, began: float) -> None:
        self._console, self._began = console, began

    def __call__(self, words: str) -> None:
        """Tell what happens now."""
        self._console.print(f"[dim]{monotonic() - self._began:6.1f} s[/]  {escape(words)}", markup=True)


def _report(
    stage: World,
    began: float,
    *,
    today: date,
    address: str | None = None,
    users: tuple[tuple[str, str], ...] = (),
    stays: bool = False,
) -> Report:
    councils = tuple(summary.of(tenant.doors, today=today) for tenant in stage.tenants)
    return Report(councils, monotonic() - began, address, stays, users)
