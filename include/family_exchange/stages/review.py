"""Possible matches before the people who decide: which wait, and two persons side by side.

Looking changes nothing but the audit: whoever sees what a person's records state is in it, with the purpose.
"""

from collections.abc import Collection
from dataclasses import dataclass

from family_exchange.adapters import database, linkage_model, links, persons, profiles, reading, resemblance
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.links import Decision
from family_exchange.adapters.resemblance import SHOWN, Waiting, Weighed
from family_exchange.domain import need_to_know
from family_exchange.domain.column import DataClass, Purpose
from family_exchange.domain.errors import NeedsDecision, TryLater


@dataclass(frozen=True, slots=True)
class Sides:
    """Two persons side by side."""

    a: str
    """Whom the first id means now."""
    b: str
    weighed: Weighed
    values: dict[str, tuple[tuple[str, ...], tuple[str, ...]] | None]
    """Comparison → what the records of each state, newest first; None: it may not be shown."""
    decisions: tuple[int, ...]
    """Decisions in force by which the two are not one person."""


def waiting(doors: Doors) -> list[Waiting]:
    """The possible matches that nobody has decided, likeliest first: ids and kinds, nobody's name."""
    with database.one_moment(doors.database) as connection:
        return resemblance.waiting(connection, linkage_model.of(doors.profile.matching))


@dataclass(frozen=True, slots=True)
class Told:
    """A decision, and whom its sides are now."""

    decision: Decision
    persons_a: tuple[str, ...]
    persons_b: tuple[str, ...]


def decisions(doors: Doors, *, withdrawn: bool = False) -> list[Told]:
    """The decisions on who is who that are in force; with `withdrawn` also those that were taken back."""
    with database.one_moment(doors.database) as connection:
        found = links.decisions(connection, withdrawn=withdrawn)
        now = persons.holders(connection, {key for each in found for key in each.link.keys})

    def people(side: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted({now[key] for key in side if key in now}))

    return [Told(each, people(each.link.side_a), people(each.link.side_b)) for each in found]


def side_by_side(doors: Doors, a: str, b: str, *, by: str, purpose: str) -> Sides:
    """Both persons, comparison by comparison; that `by` has read each of them is in the audit.

    When a home of either is kept back, homes are neither shown nor weighed.

    Raises:
        NeedsDecision: nobody is named; the notice gives no such purpose; an id is unknown; or both are one person.
        TryLater: while one looks, another joins or parts them.
    """
    with reading.reading(doors, purpose=purpose, by=by) as reader:
        with database.one_moment(doors.database) as connection:
            one, other = persons.now(connection, a), persons.now(connection, b)
            if one == other:
                raise NeedsDecision(f"both ids mean one person, {one}")
            weighed = resemblance.weighed(connection, linkage_model.of(doors.profile.matching), one, other)
            homes = [resemblance.homes(connection, person) for person in (one, other)]
            keys = persons.keys(connection, one) | persons.keys(connection, other)
            against = links.in_force(connection).against_joining(keys)
        if [reader.person(person) for person in (one, other)] != [one, other]:
            raise TryLater("who is one person was decided anew just now; look again")
        stated = [resemblance.values(reader.connection, person) for person in (one, other)]
    seen = _seen(doors, reader.purpose)
    values = {
        comparison.name: (stated[0][comparison.name], stated[1][comparison.name])
        if comparison.name in SHOWN and SHOWN[comparison.name][0] in seen
        else None
        for comparison in weighed.comparisons
    }
    shown = values["address"]
    if shown and any(stated - {*seen} for stated, seen in zip(homes, shown, strict=True)):
        # the one's home, and that the other has the same, is the home that is kept back
        weighed, values["address"] = resemblance.without(weighed, "address"), None
    return Sides(one, other, weighed, values, against)


def _seen(doors: Doors, purpose: Purpose) -> frozenset[DataClass]:
    """The classes of data that the purpose allows to see."""
    contracts = (doors.contract(feed, each) for feed in profiles.feeds() for each in profiles.versions(feed))
    return frozenset(of for each, _, of in need_to_know.allowed(doors.profile, contracts) if each is purpose)
