"""Nominations: what professionals say of families and of their members, beside the data."""

from dataclasses import dataclass
from datetime import date

from family_exchange.adapters import audit
from family_exchange.adapters.database import Connection
from family_exchange.domain.errors import NeedsDecision


@dataclass(frozen=True, slots=True)
class Nominated:
    """One nomination, as it stands; why somebody nominated stays in the database."""

    number: int
    subject: str
    """The family's or the person's id."""
    indicator: str
    framework: str
    profession: str
    nominated_on: date
    withdrawn: bool


def family_in_use(connection: Connection, family: str) -> None:
    """Nothing, when the register has a family of that id.

    Raises:
        NeedsDecision: it has none.
    """
    if not connection.execute("SELECT 1 FROM register.family WHERE family_id = %s", (family,)).fetchone():
        raise NeedsDecision("there is no family of that id in the register; `trace` leads from a person to the family")


def person_in_use(connection: Connection, person: str) -> None:
    """Nothing, when the register has a person of that id.

    Raises:
        NeedsDecision: it has none, or the id turned out to be another person's.
    """
    row = connection.execute("SELECT merged_into FROM register.person WHERE person_id = %s", (person,)).fetchone()
    if row is None:
        raise NeedsDecision("there is no person of that id in the register")
    if row[0] is not None:
        raise NeedsDecision(f"that id turned out to be another person's; nominate {row[0]}")


def put(
    connection: Connection,
    *,
    family: str | None,
    person: str | None,
    indicator: str,
    framework: str,
    by: str,
    profession: str,
    reason: str,
    on: date,
) -> int:
    """The number of the nomination; the same one, by the same person on the same day, is not put twice."""
    row = connection.execute(
        """SELECT nomination_no FROM register.nomination
            WHERE (family_id, person_id, indicator, framework, nominated_by, nominated_on)
                  IS NOT DISTINCT FROM (%s::text, %s::text, %s::text, %s::text, %s::text, %s::date)
              AND withdrawn_at IS NULL""",
        (family, person, indicator, framework, by, on),
    ).fetchone()
    if row is not None:
        return int(row[0])
    row = connection.execute(
        """INSERT INTO register.nomination (family_id, person_id, indicator, framework, nominated_by, role, reason,
                                            nominated_on)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING nomination_no""",
        (family, person, indicator, framework, by, profession, reason, on),
    ).fetchone()
    assert row is not None  # noqa: S101 - an insert that returns gives a row
    body: dict[str, audit.Plain] = {"nomination": int(row[0]), "subject": family or person, "indicator": indicator}
    audit.append(connection, "register.nominated", by, body)
    return int(row[0])


def withdraw(connection: Connection, number: int, *, by: str) -> bool:
    """True when the nomination counts from now on no more; False when it did not before either.

    Raises:
        NeedsDecision: there is no such nomination.
    """
    row = connection.execute(
        "SELECT withdrawn_at IS NULL FROM register.nomination WHERE nomination_no = %s FOR UPDATE", (number,)
    ).fetchone()
    if row is None:
        raise NeedsDecision(f"there is no nomination {number}; `nomination list` names them")
    if not row[0]:
        return False
    connection.execute(
        """UPDATE register.nomination SET withdrawn_by = %s, withdrawn_at = clock_timestamp()
            WHERE nomination_no = %s""",
        (by, number),
    )
    audit.append(connection, "register.nomination_withdrawn", by, {"nomination": number})
    return True


def listed(connection: Connection) -> list[Nominated]:
    """Every nomination, the newest first."""
    return [
        Nominated(int(number), str(subject), str(indicator), str(framework), str(profession), on, bool(withdrawn))
        for number, subject, indicator, framework, profession, on, withdrawn in connection.execute(
            """SELECT nomination_no, coalesce(family_id, person_id), indicator, framework, role, nominated_on,
                      withdrawn_at IS NOT NULL
                 FROM register.nomination ORDER BY nominated_on DESC, nomination_no DESC"""
        )
    ]
