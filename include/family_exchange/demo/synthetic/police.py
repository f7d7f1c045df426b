"""Police incidents: who offended, who suffered, who was abused at home, and what was long ago."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from random import Random

from family_exchange.demo.synthetic import numbers, span
from family_exchange.demo.synthetic.clerk import Clerk, Habits, Written
from family_exchange.demo.synthetic.people import Household, Likeness, Person, Population, Problem
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span

FEED = "police_incidents"
HEADER = (
    "incident_ref", "person_ref", "role", "incident_type", "incident_date", "outcome", "da_flag", "risk_grade",
    "surname", "forename", "date_of_birth", "sex", "address_line_1", "address_line_2", "town", "postcode", "pnc_id",
)  # fmt: skip
HABITS = Habits(
    typing=0.025, nickname=0.08, swapped_day=0.012, wrong_digit=0.012, no_birth_date=0.03, no_postcode=0.02,
    no_fixed_abode=0.003, former_surname=0.15, half_surname=0.2, abbreviated=0.15, unstated_sex=0.01,
    capitals=True, plain_letters=True,
)  # fmt: skip
YOUNGEST = 10
"""The age of criminal responsibility; the contract takes nobody younger."""
_PROVEN = ("charged", "cautioned", "community_resolution")
_SECOND_REF_SHARE = 0.06
_BYSTANDERS_SHARE = 0.04
_LONG_AGO_SHARE = 0.012
_WITH_PNC_ID_SHARE = 0.8
_TEENAGER_SHARE = 0.3
_VICTIM_KNOWN_SHARE = 0.5
_WITNESSED_SHARE = 0.35
_MISSING_SHARE = 0.3
_ADULT = 18


@dataclass(frozen=True, slots=True)
class _Party:
    person: Person
    home: Household = field(repr=False)
    role: str
    outcome: str


class Desk:
    """Takes incidents down, one after another; the same person keeps a reference, or by mistake gets a second one."""

    def __init__(self, rng: Random, population: Population, during: Span) -> None:
        self._rng = rng
        self._during = during
        self._clerk = Clerk(rng, HABITS)
        self._incidents = 0
        self._nominals: dict[int, tuple[str, Written, str]] = {}
        self._problems = population.problems
        self._here = [each for each in population.households if each.left_on is None]
        self._gone = [each for each in population.households if each.left_on is not None]
        self._without_children = [
            (home.members[0], home) for home in self._here if not home.has_dependent_child(during.as_of)
        ]
        self._everybody = [
            (person, home)
            for home in self._here
            for person in home.members
            if person.age(span.years_before(during.as_of, 1)) >= YOUNGEST
        ]

    def year(self, sheet: Sheet) -> None:
        """What the problems of the families brought, what others suffered, and records of long ago."""
        for home in self._here:
            problems = self._problems.get(home.number, frozenset())
            if Problem.CRIME in problems:
                self._offences(sheet, home)
            if Problem.ABUSE in problems:
                self._abuse(sheet, home)
            self._missing(sheet, home)
        self.bystanders(sheet, max(20, round(len(self._everybody) * _BYSTANDERS_SHARE)))
        self._long_ago(sheet)

    def bystanders(self, sheet: Sheet, incidents: int) -> None:
        """`incidents` with victims and witnesses only: no problem of anybody's family."""
        for _ in range(incidents):
            parties = [self._party("victim")]
            if self._rng.random() < _WITNESSED_SHARE:
                parties.append(self._party("witness", other_than=parties[0].home))
            self._take_down(sheet, self._recent_day(), self._rng.choice(("crime", "crime", "asb")), parties)

    def planted(self, sheet: Sheet, homes: Iterable[Household]) -> None:
        """One incident with every grown-up of `homes`."""
        for home in homes:
            parties = [_Party(person, home, "witness", "none") for person in home.adults(self._during.as_of)]
            self._take_down(sheet, self._recent_day(), "asb", parties)

    def _offences(self, sheet: Sheet, home: Household) -> None:
        for number in range(self._rng.choice((1, 1, 2, 3))):
            day = self._recent_day() if number == 0 else self._day_in_last_year()
            offender = self._offender(home, day)
            parties = [_Party(offender, home, "offender", self._rng.choice(_PROVEN))]
            if self._rng.random() < _VICTIM_KNOWN_SHARE:
                parties.append(self._party("victim", other_than=home))
            self._take_down(sheet, day, self._rng.choice(("crime", "crime", "asb")), parties)

    def _abuse(self, sheet: Sheet, home: Household) -> None:
        adults = home.adults(span.years_before(self._during.as_of, 1)) or home.adults(self._during.as_of)
        victim = next((person for person in adults if person.sex == "F"), adults[0])
        partner = next(((person, home) for person in adults if person is not victim), None)
        for number in range(self._rng.choice((1, 1, 2, 4))):
            day = self._recent_day() if number == 0 else self._day_in_last_year()
            suspect, lives = partner or self._rng.choice(self._without_children)
            outcome = self._rng.choice(("no_further_action", "charged", "none"))
            parties = [_Party(victim, home, "victim", "none"), _Party(suspect, lives, "suspect", outcome)]
            self._take_down(sheet, day, "domestic_abuse", parties)

    def _missing(self, sheet: Sheet, home: Household) -> None:
        """Looked-after teenagers who were reported missing; no problem by itself."""
        for person in home.members:
            looked_after = (
                person.likeness is Likeness.LOOKED_AFTER and person.age(self._during.coverage_from) > YOUNGEST
            )
            if looked_after and self._rng.random() < _MISSING_SHARE:
                self._take_down(sheet, self._recent_day(), "missing", [_Party(person, home, "victim", "none")])

    def _long_ago(self, sheet: Sheet) -> None:
        """Incidents of more than six years ago, most of them of people who have left, and some of the years since."""
        today, rng = self._during.today, self._rng
        old = (span.years_before(today, 11), span.years_before(today, 6.1))
        since = (span.years_before(today, 5.8), span.years_before(today, 1.5))
        for home in self._gone:
            self._take_down(sheet, span.between(rng, *old), "crime", [_Party(home.members[0], home, "victim", "none")])
        for period in (old, since):
            grown_up = [(person, home) for person, home in self._everybody if person.age(period[0]) >= _ADULT]
            for person, home in rng.sample(grown_up, min(len(grown_up), 3 + round(len(grown_up) * _LONG_AGO_SHARE))):
                party = _Party(person, home, rng.choice(("victim", "offender")), "none")
                self._take_down(sheet, span.between(rng, *period), "crime", [party])

    def _take_down(self, sheet: Sheet, day: date, kind: str, parties: Iterable[_Party]) -> None:
        self._incidents += 1
        incident_ref = f"I{day:%y%m}-{self._incidents:06d}"
        abuse = kind == "domestic_abuse"
        risk = self._rng.choice(("standard", "standard", "medium", "high")) if abuse else ""
        for party in parties:
            person_ref, written, pnc_id = self._nominal(sheet, party, day)
            sheet.rows.append(
                (incident_ref, person_ref, party.role, kind, day.isoformat(), party.outcome, "NY"[abuse], risk,
                 written.surname, written.forename, written.born, written.sex, *written.address, pnc_id)
            )  # fmt: skip

    def _nominal(self, sheet: Sheet, party: _Party, day: date) -> tuple[str, Written, str]:
        """The person's reference, as they are written down on that day, and their PNC id."""
        person, rng = party.person, self._rng
        known = self._nominals.get(person.number)
        if known is None or rng.random() < _SECOND_REF_SHARE:
            person_ref = f"N{person.number:06d}" if known is None else f"N{person.number:06d}-{self._incidents}"
            offended = party.role == "offender" and rng.random() < _WITH_PNC_ID_SHARE
            pnc_id = numbers.pnc_id(day.year, 1_000_000 + person.number % 9_000_000) if offended else ""
            known = (person_ref, self._clerk.write(person, party.home, day), pnc_id)
            self._nominals[person.number] = known
        elif party.home.moved_on is not None:
            known = (known[0], self._clerk.move(known[1], party.home, day), known[2])
        sheet.meant[known[0]] = person
        return known

    def _party(self, role: str, other_than: Household | None = None) -> _Party:
        person, home = self._somebody(other_than=other_than)
        return _Party(person, home, role, "none")

    def _somebody(self, other_than: Household | None) -> tuple[Person, Household]:
        while True:
            person, home = self._rng.choice(self._everybody)
            if home is not other_than:
                return person, home

    def _offender(self, home: Household, day: date) -> Person:
        teenagers = [person for person in home.members if YOUNGEST + 2 <= person.age(day) < _ADULT]
        if teenagers and self._rng.random() < _TEENAGER_SHARE:
            return self._rng.choice(teenagers)
        adults = [person for person in home.members if person.age(day) >= _ADULT]
        grown_up = [person for person in adults if person.likeness is not Likeness.SENIOR]
        return self._rng.choice(grown_up or adults or home.members)

    def _recent_day(self) -> date:
        return span.between(self._rng, self._during.coverage_from, self._during.as_of)

    def _day_in_last_year(self) -> date:
        return span.between(self._rng, span.years_before(self._during.today, 0.95), self._during.as_of)


def sheet() -> Sheet:
    """An empty police sheet."""
    return Sheet(FEED, HEADER)
