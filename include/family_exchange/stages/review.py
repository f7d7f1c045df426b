"""Possible matches before the people who decide: which wait, and two persons side by side.

Looking changes nothing but the audit: whoever sees what a person's records state is in it, with the purpose.
"""

from dataclasses import dataclass

from family_exchange.adapters import audit, database, linkage_model, links, persons, profiles, resemblance
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.links import Decision
from family_exchange.adapters.resemblance import SHOWN, Waiting, Weighed
from family_exchange.domain import key
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import propose

READ = "register.read"
"""The audit event of one person's record that a person has read."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Two persons side by side."""

    a: str
    """Whom the first id means now."""
    b: str
    weighed: Weighed
    values: dict[str, tuple[tuple[str, ...], tuple[str, ...]] | None]
    """Comparison → what the records of each state, newest first; None: the purpose does not allow to see it."""
    decisions: tuple[int, ...]
    """Decisions in force by which the two are not one person."""


def waiting(doors: Doors) -> list[Waiting]:
    """The possible matches that nobody has decided, likeliest first: ids and kinds, nobody's name."""
    with database.transaction(doors.database) as connection:
        return resemblance.waiting(connection, linkage_model.of(doors.profile.matching))


def decisions(doors: Doors, *, withdrawn: bool = False) -> list[Decision]:
    """The decisions on who is who that are in force; with `withdrawn` also those that were taken back."""
    with database.transaction(doors.database) as connection:
        return links.decisions(connection, withdrawn=withdrawn)


def side_by_side(doors: Doors, a: str, b: str, *, by: str, purpose: str) -> Sides:
    """Both persons, comparison by comparison; that `by` has read each of them is in the audit.

    Raises:
        NeedsDecision: nobody is named; the notice gives no such purpose; an id is unknown; or both are one person.
    """
    key.require_person(by)
    if by.strip().casefold() in propose.NOT_A_PERSON:
        raise NeedsDecision("a person's record is read by a named person, never by a machine")
    seen = _seen(doors, purpose)
    with database.transaction(doors.database) as connection:
        one, other = persons.now(connection, a), persons.now(connection, b)
        if one == other:
            raise NeedsDecision(f"both ids mean one person, {one}")
        keys = persons.keys(connection, one) | persons.keys(connection, other)
        for person in (one, other):
            audit.append(connection, READ, by.strip(), {"person": person, "purpose": purpose, "beside": "match"})
        weighed = resemblance.weighed(connection, linkage_model.of(doors.profile.matching), one, other)
        values: dict[str, tuple[tuple[str, ...], tuple[str, ...]] | None] = {}
        for comparison in weighed.comparisons:
            columns = [column for column in SHOWN.get(comparison.name, ()) if column in {each for _, each in seen}]
            if not columns:
                values[comparison.name] = None
                continue
            of_one, of_other = (tuple(resemblance.values(connection, who, columns, seen)) for who in (one, other))
            values[comparison.name] = (of_one, of_other)
        against = links.in_force(connection).against_joining(keys)
    return Sides(one, other, weighed, values, against)


def _seen(doors: Doors, purpose: str) -> frozenset[tuple[str, str]]:
    """Feed and column of what the purpose allows to see: its notice collects the class, its contract gives the purpose.

    Raises:
        NeedsDecision: the notice gives no such purpose, or only anonymised data serve it.
    """
    profile = doors.profile
    if not any(promise.purpose == purpose and promise.identifiable for promise in profile.purposes):
        known = ", ".join(str(promise.purpose) for promise in profile.purposes if promise.identifiable)
        raise NeedsDecision(f"nobody may be read for such a purpose here; the purposes are: {known}")
    return frozenset(
        (feed, column.canonical)
        for feed in profiles.feeds()
        for version in profiles.versions(feed)
        for column in doors.contract(feed, version).columns
        if profile.collects(column.data_class) and purpose in column.purposes
    )
