"""A whole synthetic council from a seed: its people, the files its partners send, and whom those files truly mean."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain
from random import Random

from family_exchange.demo.synthetic import housing, mishaps, others, places, police, schools, social_care, span
from family_exchange.demo.synthetic.households import Town
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.demo.synthetic.nursery import Nursery
from family_exchange.demo.synthetic.people import Household, Person, Population, Problem
from family_exchange.demo.synthetic.places import Homes
from family_exchange.demo.synthetic.sheet import CONTRACT, Sheet, Truth
from family_exchange.demo.synthetic.span import Span
from family_exchange.demo.synthetic.troubles import share_out
from family_exchange.domain.profile import Profile

TODAY = date(2026, 11, 22)
"""The day on which the demo and the tests take place."""
FEWEST = 100
"""Below this there is no room for one household of each kind."""
_PEOPLE_PER_SCHOOL = 700
_LATE_SHARE = 0.08
_LATE_AT_LEAST = 12
_BAD_POLICE_INCIDENTS = 45
_STRAY_INCIDENTS = 25
_STRAY_PUPILS_EVERY = 6
"""One row in so many stands in the file with the wrong columns."""


@dataclass(frozen=True, slots=True)
class PartnerFile:
    """One file in the clear, as the partner would seal and sign it."""

    partner: str
    feed: str
    name: str
    content: bytes = field(repr=False)
    misbehaviour: Misbehaviour | None = None
    contract: str = CONTRACT


@dataclass(frozen=True, slots=True)
class TrueFamily:
    """One family as it truly is."""

    number: int
    people: int
    dependent_child: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Council:
    """Everything about one synthetic council; the same arguments give the same bytes."""

    council: str
    files: tuple[PartnerFile, ...]
    truth: tuple[Truth, ...] = field(repr=False)
    """Whom each reference in the good files and in the file with bad rows means."""
    families: tuple[TrueFamily, ...] = field(repr=False)
    canaries: tuple[str, ...] = field(repr=False)
    """Strings that must never be seen outside the register; empty unless a canary was asked for."""


def council(
    profile: Profile, *, people: int = 2000, seed: int = 1, today: date = TODAY, canary: str | None = None
) -> Council:
    """The synthetic council of `profile` with exactly `people` people, and a canary family more if one is named.

    Every feed of the profile has one good file for each of its partners. `canary` is a
    token of letters that stands in the names and the address of one family; nobody ever mistypes that family.

    Raises:
        ValueError: there are too few people, or the canary is not made of letters.
    """
    if people < FEWEST:
        raise ValueError(f"a synthetic council needs at least {FEWEST} people")
    if canary is not None and not (canary.isascii() and canary.isalpha()):
        raise ValueError("a canary is made of plain letters, as a name is")
    during = span.span(today)
    streams = _Streams(seed, profile.council)
    everybody = _population(profile, people, streams, during, canary)
    delivery = _Delivery(profile, everybody, streams, during, canary)
    files = tuple(delivery.files())
    return Council(
        council=profile.council,
        files=files,
        truth=tuple(delivery.truth),
        families=tuple(_families(everybody, during)),
        canaries=_canaries(everybody, files, canary),
    )


def population(profile: Profile, *, people: int = 2000, seed: int = 1, today: date = TODAY) -> Population:
    """The people behind the files that `council` makes of the same arguments."""
    return _population(profile, people, _Streams(seed, profile.council), span.span(today), None)


class _Streams:
    """A stream of chance for each part, so that a change in one part leaves the others as they are."""

    def __init__(self, seed: int, council: str) -> None:
        self._start = f"{seed}/{council}"

    def __call__(self, part: str) -> Random:
        return Random(f"{self._start}/{part}")  # noqa: S311 - synthetic people, not secrets


def _population(profile: Profile, people: int, streams: _Streams, during: Span, canary: str | None) -> Population:
    rng = streams("people")
    schools_here = max(4, people // _PEOPLE_PER_SCHOOL)
    area = places.AREAS[int(profile.la_code) % len(places.AREAS)]
    homes = Homes(streams("homes"), area, int(profile.la_code) * 10_000_000)
    nursery = Nursery(rng, during, profile.la_code, people=people + 20, schools=schools_here)
    town = Town(rng, during, nursery, homes)
    households = list(town.households(people))
    if canary:
        households.append(_canary_family(town, canary))
    problems = share_out(households, profile.active_feeds, streams("problems"), during)
    return Population(tuple(households), problems, schools_here)


def _canary_family(town: Town, canary: str) -> Household:
    family = town.family(canary)
    members = tuple(replace(person, forename=f"{canary}{person.forename}") for person in family.members)
    home = replace(family.home, line_1=f"1 {canary} Street", line_2="")
    return replace(family, members=members, home=home, verbatim=True)


def _canaries(population: Population, files: Collection[PartnerFile], canary: str | None) -> tuple[str, ...]:
    """The token as any system might write it, and each number of the family that stands in some file."""
    if canary is None:
        return ()
    family = next(home for home in population.households if home.verbatim)
    tokens = dict.fromkeys((canary, canary.upper(), canary.lower(), canary.capitalize()))
    numbers = chain.from_iterable(_numbers(person) for person in family.members)
    sent = b"".join(file.content for file in files)
    return (*tokens, *(number for number in (*numbers, family.home.uprn) if number.encode() in sent))


def _numbers(person: Person) -> Iterator[str]:
    yield from (number for number in (person.nhs_number, person.nino, person.upn) if number)


def _families(population: Population, during: Span) -> Iterator[TrueFamily]:
    for home in population.households:
        problems = tuple(sorted(population.problems.get(home.number, ())))
        yield TrueFamily(home.number, len(home.members), home.has_dependent_child(during.as_of), problems)


class _Delivery:
    """The files of one day, good ones first."""

    def __init__(
        self, profile: Profile, population: Population, streams: _Streams, during: Span, canary: str | None
    ) -> None:
        self._profile = profile
        self._canary = canary
        self._watched_homes = [home for home in population.households if home.verbatim]
        self._population = population
        self._streams = streams
        self._during = during
        self.truth: list[Truth] = []

    def files(self) -> Iterator[PartnerFile]:
        """Each feed's good file or files, and those that misbehave."""
        feeds = self._profile.active_feeds
        if police.FEED in feeds:
            yield from self._police(with_bad_rows=housing.FEED not in feeds)
        if schools.FEED in feeds:
            yield from self._schools()
        if social_care.FEED in feeds:
            yield from self._social_care()
        if housing.FEED in feeds:
            yield from self._housing()
        told = {police.FEED, schools.FEED, social_care.FEED, housing.FEED}
        by_contract = [feed for feed in feeds if feed not in told]
        for partner, sheet in others.sheets(self._profile, by_contract, self._population, self._streams, self._during):
            yield self._good(partner, sheet)

    def _police(self, *, with_bad_rows: bool) -> Iterator[PartnerFile]:
        partner = self._partner(police.FEED)
        desk = police.Desk(self._streams("police"), self._population, self._during)
        good = police.sheet()
        desk.year(good)
        yield self._good(partner, good)
        if with_bad_rows:
            late = police.sheet()
            desk.planted(late, self._watched_homes)
            desk.bystanders(late, _BAD_POLICE_INCIDENTS)
            yield self._bad_rows(partner, late, mishaps.BAD_POLICE_ROWS, self._watched(late))
        for misbehaviour in (Misbehaviour.UNSIGNED, Misbehaviour.CUT_SHORT):
            stray = police.sheet()
            desk.planted(stray, self._watched_homes)
            desk.bystanders(stray, _STRAY_INCIDENTS)
            yield self._file(partner, stray.feed, stray.content(self._during), misbehaviour)

    def _schools(self) -> Iterator[PartnerFile]:
        partners = [partner.slug for partner in self._profile.partners_for(schools.FEED)]
        registers = schools.Registers(self._streams("schools"), self._population, self._during)
        every = range(self._population.schools)
        for place, partner in enumerate(partners):
            sheet = registers.sheet(every[place :: len(partners)])
            yield self._good(partner, sheet)
            if place == 0:
                some = Sheet(sheet.feed, sheet.header, sheet.rows[::-_STRAY_PUPILS_EVERY])
                content = mishaps.with_wrong_columns(some, self._during, extra=self._canary or "remarks")
                yield self._file(partner, schools.FEED, content, Misbehaviour.WRONG_COLUMNS)

    def _social_care(self) -> Iterator[PartnerFile]:
        partner = self._partner(social_care.FEED)
        service = social_care.Service(self._streams("social care"), self._population, self._during)
        good = self._good(partner, service.sheet())
        yield good
        yield self._file(partner, good.feed, good.content, Misbehaviour.SENT_TWICE)

    def _housing(self) -> Iterator[PartnerFile]:
        partner = self._partner(housing.FEED)
        office = housing.Office(self._streams("housing"), self._population, self._during)
        sheet = office.sheet()
        watched = self._watched(sheet)
        good, late = _parted(sheet, never_late={row[0] for row in watched})
        yield self._good(partner, good)
        yield self._bad_rows(partner, late, mishaps.BAD_HOUSING_ROWS, watched)

    def _good(self, partner: str, sheet: Sheet) -> PartnerFile:
        self.truth += sheet.truth(partner)
        return self._file(partner, sheet.feed, sheet.content(self._during), None)

    def _bad_rows(
        self, partner: str, sheet: Sheet, slips: tuple[mishaps.Slip, ...], favourites: list[tuple[str, ...]]
    ) -> PartnerFile:
        known = {(row.feed, row.partner, row.record_ref) for row in self.truth}
        self.truth += (row for row in sheet.truth(partner) if (row.feed, row.partner, row.record_ref) not in known)
        content = mishaps.with_bad_rows(sheet, slips, favourites=favourites).content(self._during)
        return self._file(partner, sheet.feed, content, Misbehaviour.BAD_ROWS)

    def _watched(self, sheet: Sheet) -> list[tuple[str, ...]]:
        """The rows that tell of people who are looked for afterwards."""
        families = {home.number for home in self._watched_homes}
        return [row for row in sheet.rows if sheet.meant[row[1]].family in families]

    def _file(self, partner: str, feed: str, content: bytes, misbehaviour: Misbehaviour | None) -> PartnerFile:
        ending = f"_{misbehaviour}" if misbehaviour else ""
        return PartnerFile(partner, feed, f"{feed}_{self._during.as_of}{ending}.csv", content, misbehaviour)

    def _partner(self, feed: str) -> str:
        return self._profile.partners_for(feed)[0].slug


def _parted(sheet: Sheet, *, never_late: Collection[str]) -> tuple[Sheet, Sheet]:
    """Two sheets of whole tenancies: most of them, and the last few, which one office sends late."""
    refs = [ref for ref in dict.fromkeys(row[0] for row in sheet.rows) if ref not in never_late]
    late_refs = set(refs[-max(_LATE_AT_LEAST, round(len(refs) * _LATE_SHARE)) :])
    parts = (sheet.empty(), sheet.empty())
    for row in sheet.rows:
        part = parts[row[0] in late_refs]
        part.rows.append(row)
        part.meant[row[1]] = sheet.meant[row[1]]
    return parts
