"""What may be asked of the programme: what is missing, how many families there are, and one person's own question.

Nothing here changes the register; the read of a person's record is an audit event.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from family_exchange.adapters import (
    database,
    eligibility,
    evidence,
    gaps,
    linkage_model,
    linked,
    memory,
    monthly,
    profiles,
    programme,
    reading,
)
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.eligibility import OfFamily
from family_exchange.adapters.gaps import Missing
from family_exchange.adapters.indicators import Moment
from family_exchange.adapters.monthly import Counts
from family_exchange.domain import eligibility as rules
from family_exchange.domain.calendar import LONDON
from family_exchange.domain.column import Purpose
from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.indicator import Route
from family_exchange.domain.programme import Gap
from family_exchange.domain.register_rules import Attribute


@dataclass(frozen=True, slots=True)
class Month:
    """The count report of one month."""

    first_day: date
    known_at: datetime
    """Whose knowledge is counted: the month's end, or now while the month goes on."""
    over: bool
    """False: the month goes on, and the numbers are those so far."""
    by_route: dict[Route, Counts]

    @property
    def total(self) -> Counts:
        """All routes together."""
        return Counts(
            *(sum(numbers) for numbers in zip(*(_numbers(one) for one in self.by_route.values()), strict=True))
        )


@dataclass(frozen=True, slots=True)
class Eligible:
    """The answer to somebody who asks whether they or their family are eligible."""

    person: str
    families: tuple[OfFamily, ...]
    """Of each family that they belong to; empty: no family is known, so nothing can be told yet."""


def exceptions(doors: Doors, *, today: date) -> list[Missing]:
    """Everything that is missing in the support of families today, by family.

    Of a family of which somebody's data is restricted nobody can tell whether it has a dependent child.
    """
    with database.one_moment(doors.database) as connection:
        since = gaps.supported(connection, on=today)
        found = gaps.in_support(connection, on=today)
        if since:
            framework = profiles.framework_in_force(doors.profile, today)
            placeholders = linkage_model.of(doors.profile.matching).placeholder_births
            trusted = doors.profile.choosing.sources(Attribute.BIRTH)
            evidence.assess(
                connection, framework, doors.contract, placeholders, Moment(today), trusted=trusted, only=since
            )
            untold = evidence.families_of(connection, evidence.restricted(connection))
            childless = (
                family
                for family, subjects in gaps.subjects(connection).items()
                if family not in untold and not rules.has_a_child(framework, subjects, on=today)
            )
            found += [Missing(family, Gap.NO_DEPENDENT_CHILD, None, since[family]) for family in childless]
    return sorted(found, key=lambda one: (one.family, one.gap, one.person or ""))


def month(doors: Doors, first_day: date, *, at: datetime) -> Month:
    """The counts of the month that begins on that day, as they were known at its end, or are at `at` before it.

    Asked again, a month that is over gives the same numbers.

    Raises:
        NeedsDecision: the month has not begun.
        TryLater: the register is being brought up to date for long.
    """
    ends = last_moment(first_day)
    if at < datetime(first_day.year, first_day.month, 1, tzinfo=LONDON):
        raise NeedsDecision("this month has not begun")
    known_at = min(ends, at)
    last_day = (known_at.astimezone(LONDON) - timedelta(microseconds=1)).date()
    return Month(first_day, known_at, at >= ends, counted(doors, last_day=last_day, known_at=known_at))


def last_moment(first_day: date) -> datetime:
    """The midnight in London in which the month of that day ends."""
    return datetime(first_day.year + first_day.month // 12, first_day.month % 12 + 1, 1, tzinfo=LONDON)


def counted(doors: Doors, *, last_day: date, known_at: datetime) -> dict[Route, Counts]:
    """Families on that day, as they were known at that moment.

    Raises:
        TryLater: the register is being brought up to date for long.
    """
    with database.transaction(doors.database) as connection:
        programme.turn(connection)  # what somebody began to write before that moment belongs to it
        memory.as_known(connection, known_at)
        return monthly.counts(connection, on=last_day)


def eligible(doors: Doors, person: str, *, by: str, today: date) -> Eligible:
    """What the register answers somebody who asks whether they or their family are eligible.

    It tells of the family whether it is proposed, since when, and how it stands to the programme; of problems only
    those that the person's own records evidence, as far as the purpose may see them, and nothing of abuse. The read is
    an audit event in the same transaction.

    Raises:
        NeedsDecision: nobody is named, the council's notice does not give the purpose, or there is no such person.
        TryLater: others have been writing to the audit for long.
    """
    framework = profiles.framework_in_force(doors.profile, today)
    with reading.noted(doors, purpose=Purpose.IDENTIFY, by=by) as notes:
        connection = notes.connection
        survivor = linked.survivor(connection, person)
        notes.read([survivor], subject=survivor)
        seen = notes.records()
        families = eligibility.families_of(connection, survivor, on=today)
        placeholders = linkage_model.of(doors.profile.matching).placeholder_births
        trusted = doors.profile.choosing.sources(Attribute.BIRTH)
        evidence.assess(
            connection, framework, doors.contract, placeholders, Moment(today), trusted=trusted, only=families
        )
        came = evidence.feeds_that_came(connection, today=today)
        untold = eligibility.of_abuse(framework, doors.contract)
        found = tuple(
            eligibility.of_family(
                connection, framework, family, survivor, came=came, untold=untold, seen=seen, on=today
            )
            for family in families
        )
    return Eligible(survivor, found)


def _numbers(counts: Counts) -> tuple[int, ...]:
    return tuple(asdict(counts).values())
