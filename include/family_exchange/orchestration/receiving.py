"""What a run of intake tells the others: the files that count now, and those about which people have to decide."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.orchestration import events

if TYPE_CHECKING:
    from family_exchange.adapters.doors import Doors


def applied(doors: "Doors", file_ids: Sequence[str]) -> events.Extra:
    """The event of the files taken in.

    Raises:
        AirflowSkipException: none was accepted.
    """
    if not (told := events.of_files(doors, file_ids))["counts"]["applied"]:
        raise AirflowSkipException("no file was accepted: the register has nothing new to read")
    return told


def held(doors: "Doors", file_ids: Sequence[str]) -> events.Extra:
    """The event of those of the files that two people may let in; its ids are cases.

    Raises:
        AirflowSkipException: there is none.
    """
    from family_exchange.stages import decide  # noqa: PLC0415 - Dags are parsed without it

    if not (cases := decide.cases(doors, file_ids)):
        raise AirflowSkipException("no file waits for people")
    return events.of_counts(doors, {"held": len(cases)}, cases)
