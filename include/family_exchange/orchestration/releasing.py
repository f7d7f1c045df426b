"""Which files in quarantine a run asks people about, and what becomes of an answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.release import Ground, case_parts
from family_exchange.orchestration import events
from family_exchange.orchestration.answers import VOICES

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors

ORDINALS = ("first", "second", "third")
"""Of three people two agree."""

MOST_AT_ONCE = 200
"""Files that one run asks about: Airflow maps no task over more than 1,024."""


def cases(doors: "Doors", rung_by: Mapping[Any, Iterable[Any]]) -> list[str]:
    """The cases for which the bell rang; those that wait where it named none, or could not name all.

    Never more than `MOST_AT_ONCE`, those that the bell named first; `files list --held` shows every one.

    Raises:
        AirflowSkipException: none of them waits any more.
    """
    from family_exchange.stages import decide  # noqa: PLC0415 - Dags are parsed without it

    rang, waiting = events.ids_of(rung_by), decide.cases(doors)
    chosen = [case for case in waiting if case in rang]
    if not rang or events.cut_short(rung_by):
        chosen += [case for case in waiting if case not in rang]
    if not chosen:
        raise AirflowSkipException("no file waits for people")
    return chosen[:MOST_AT_ONCE]


def words(doors: "Doors", case: str) -> str:
    """What the next person is told.

    Raises:
        AirflowSkipException: people have decided, or the file was worked on since.
    """
    from family_exchange.stages import decide  # noqa: PLC0415 - as above

    told = decide.words(doors, case)
    if told is None:
        raise AirflowSkipException("nobody has to say anything more about this file")
    return told


def recorded(doors: "Doors", case: str, answer: Sequence[str]) -> str:
    """The file's state after this answer.

    Raises:
        AirflowSkipException: the person leaves the file where it is.
    """
    from family_exchange.stages import decide  # noqa: PLC0415 - as above

    chosen, ground, person = answer
    if chosen not in VOICES:
        raise AirflowSkipException("the file stays in quarantine; clear the question to have it asked again")
    return str(decide.record(doors, case, VOICES[chosen], by=person, ground=Ground(ground)))


def told(doors: "Doors", case: str, state: str) -> events.Extra:
    """The event of one answer: intake looks whether there is something to do."""
    return events.of_counts(doors, {state.lower(): 1}, [case_parts(case)[0]])
