"""Which return a run prepares, when, and who is asked."""

from datetime import date
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain import period
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.profile import Profile
from family_exchange.orchestration.sign_off import SignOff

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

OPEN = frozenset({State.DRAFT, State.ASSEMBLED, State.SIGNED_OFF})
"""States in which a return may still be checked, signed off and sealed."""

ORDINALS = ("first", "second", "third", "fourth", "fifth")

SIGN_OFF = """Return **{{ ti.xcom_pull(task_ids="assemble_return") }}** is assembled. \
{% for what, count in (ti.xcom_pull(task_ids="check") or {}).items() %}
- {{ what | replace("_", " ") }}: {{ count }}{% endfor %}

Different people must sign it off. After that it is sealed once, and sent.
"""


def cron(profile: Profile, code: str) -> str:
    """Six in the morning of every day after a period's last, as the profile writes the periods."""
    months = sorted(int(rule.start[:2]) for rule in profile.returns[code].periods)
    return f"0 6 1 {','.join(map(str, months))} *"


def open_return(doors: "Doors", code: str, *, today: date) -> str:
    """The id of the return of the newest period closed before `today`, its rows frozen.

    A second run gives the same return.

    Raises:
        AirflowSkipException: it is sealed, so nobody needs to do anything.
    """
    from family_exchange.adapters import database, returns  # noqa: PLC0415 - Dags are parsed without them
    from family_exchange.stages import assemble  # noqa: PLC0415 - as above

    closed = period.calendar(doors.profile.returns[code].periods).last_closed(today)
    return_id = assemble.draft(doors, code, closed.name)
    with database.transaction(doors.database) as connection:
        state = returns.read(connection, return_id).state
    if state not in OPEN:
        raise AirflowSkipException(f"return {return_id} is {state}; there is nothing left to prepare")
    return return_id


def checked(doors: "Doors", return_id: str) -> dict[str, int]:
    """What the return's checks counted.

    Raises:
        NeedsDecision: a check found an error; nobody is asked to sign such a return off.
    """
    from family_exchange.stages import assemble  # noqa: PLC0415 - Dags are parsed without it

    counts = assemble.check(doors, return_id)
    if errors := counts.get("errors"):
        raise NeedsDecision(f"return {return_id} has {errors} errors; `family-exchange return check` lists them")
    return counts


def sign_offs(profile: Profile, code: str) -> list[SignOff]:
    """One question after the other, as many as the profile asks for, each to somebody who has not answered yet."""
    asked: list[SignOff] = []
    for ordinal in ORDINALS[: profile.returns[code].sign_offs]:
        subject = f"{ordinal.capitalize()} sign-off of the {code.upper()} return of {profile.name}"
        question = SignOff(
            task_id=f"{ordinal}_sign_off", subject=subject, body=SIGN_OFF, others=[each.output for each in asked]
        )
        asked.append(question)
    return asked
