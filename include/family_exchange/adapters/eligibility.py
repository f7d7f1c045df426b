"""What one person may be told of their family's eligibility: the answer, and of its reasons only their own.

Nothing of abuse is told, neither to those who were harmed nor to those who harmed: an answer may be read over
somebody's shoulder, and whoever harmed must not learn that it was reported.
Everything is asked in the transaction in which `evidence.assess` looked at the families.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from family_exchange.adapters import gaps
from family_exchange.adapters.database import Connection
from family_exchange.adapters.sound import SOUND_OF_FAMILIES
from family_exchange.domain import eligibility
from family_exchange.domain.column import DataClass
from family_exchange.domain.contract import Contract
from family_exchange.domain.framework import Framework
from family_exchange.domain.programme import Status


class Answer(StrEnum):
    """Whether a family is eligible."""

    YES = "yes"
    NO = "no"
    NOT_YET_TOLD = "not_yet_told"
    """Too little is evidenced, and something that could tell more did not come."""


@dataclass(frozen=True, slots=True)
class OfFamily:
    """The answer for one family."""

    family: str
    answer: Answer
    since: date | None
    """When it was first proposed; None while it is not."""
    own_problems: tuple[str, ...]
    """The problems that the person's own records evidence, sorted; nobody else's, and none that tell of abuse."""
    status: Status | None
    """How the family stands to the programme; None: nobody has decided, and nothing proposes it."""
    status_since: date | None


def families_of(connection: Connection, person: str, *, on: date) -> list[str]:
    """The families that the person belongs to on that day."""
    rows = connection.execute(
        """SELECT DISTINCT family_id FROM register.family_member
            WHERE person_id = %(person)s AND from_on <= %(on)s AND (to_on IS NULL OR to_on > %(on)s) ORDER BY 1""",
        {"person": person, "on": on},
    )
    return [str(family) for (family,) in rows]


def of_abuse(framework: Framework, layout: Callable[[str], Contract]) -> list[str]:
    """The indicators that tell of abuse by themselves, or by a column that they read."""
    return [
        each.code
        for each in framework.indicators
        if each.tells is DataClass.DOMESTIC_ABUSE
        or (
            each.feed
            and any(layout(each.feed).column(name).data_class is DataClass.DOMESTIC_ABUSE for name in each.columns)
        )
    ]


def of_family(
    connection: Connection,
    framework: Framework,
    family: str,
    person: str,
    *,
    came: Collection[str],
    untold: Collection[str],
    seen: Collection[str],
    on: date,
) -> OfFamily:
    """The answer of one of the families that were assessed.

    `untold` are indicators of which nothing is said; `seen` the person's source records that may be told of.
    """
    subjects = gaps.subjects(connection).get(family, [])
    found = {
        (str(problem), who)
        for problem, who in connection.execute("SELECT problem, person_id FROM met WHERE family_id = %s", (family,))
    }
    said = eligibility.assess(framework, subjects, found, came, on=on)
    first = connection.execute(
        f"WITH {SOUND_OF_FAMILIES} SELECT min(proposed_on) FROM sound".encode(),  # noqa: S608 - our own words
        {"families": [family]},
    ).fetchone()
    row = connection.execute(
        "SELECT status, lower(valid) FROM register.family_status WHERE family_id = %s AND valid @> %s::date",
        (family, on),
    ).fetchone()
    proposed_on = first[0] if first else None
    status, since = (Status(row[0]), row[1]) if row else (Status.IDENTIFIED if said.proposed else None, None)
    could = eligibility.proposes(framework, {*said.problems, *said.unknown}, subjects, on=on)
    answer = Answer.YES if said.proposed else Answer.NOT_YET_TOLD if could else Answer.NO
    return OfFamily(
        family,
        answer,
        (proposed_on or on) if said.proposed else None,
        _own(connection, family, person, untold, seen),
        status,
        since,
    )


def _own(
    connection: Connection, family: str, person: str, untold: Collection[str], seen: Collection[str]
) -> tuple[str, ...]:
    rows = connection.execute(
        """SELECT DISTINCT problem FROM met m
            WHERE family_id = %s AND person_id = %s AND source_record_id = ANY(%s) AND indicator <> ALL(%s)
              AND NOT EXISTS (
                  SELECT FROM register.party_to_abuse own JOIN register.party_to_abuse said USING (partner, event_ref)
                   WHERE own.source_record_id = m.source_record_id AND said.abuse)
            ORDER BY 1""",
        (family, person, list(seen), list(untold)),
    )
    return tuple(str(problem) for (problem,) in rows)
