"""Housing tenancies: who lives where by contract, who owes rent, and who left long ago."""

from dataclasses import dataclass
from datetime import date
from random import Random

from family_exchange.demo.synthetic.clerk import Clerk, Habits
from family_exchange.demo.synthetic.people import Household, Likeness, Person, Population, Problem
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span

FEED = "housing_tenancies"
HEADER = (
    "tenancy_ref", "tenant_ref", "relationship", "surname", "forename", "date_of_birth", "sex", "nino",
    "address_line_1", "address_line_2", "town", "postcode", "uprn", "tenancy_start", "tenancy_end", "arrears_amount",
    "notice_seeking_possession", "eviction", "asb_case",
)  # fmt: skip
HABITS = Habits(
    typing=0.012, nickname=0.07, swapped_day=0.006, wrong_digit=0.006, no_birth_date=0.015, no_postcode=0.004,
    no_fixed_abode=0, former_surname=0.12, half_surname=0.15, abbreviated=0.06, unstated_sex=0.004,
)  # fmt: skip
_TENANT_SHARE = 0.34
_SHARED_HOUSE_SHARE = 0.6
_GUEST_NAMED_SHARE = 0.5
_KNOWN_NINO_SHARE = 0.6
_KNOWN_UPRN_SHARE = 0.93
_WORKING_AGE = 16


@dataclass(frozen=True, slots=True)
class _Tenancy:
    """One contract of one household."""

    ref: str
    start: date
    end: date | None
    money: tuple[str, str, str, str]
    """Arrears, notice, eviction, anti-social behaviour: the last four columns."""


class Office:
    """The tenancy system."""

    def __init__(self, rng: Random, population: Population, during: Span) -> None:
        self._rng = rng
        self._during = during
        self._population = population
        self._clerk = Clerk(rng, HABITS)

    def sheet(self) -> Sheet:
        """One row per member of a tenancy, tenancies that have ended among them."""
        result = Sheet(FEED, HEADER)
        for home in self._population.households:
            problems = self._population.problems.get(home.number, frozenset())
            if Problem.DEBT in problems or home.verbatim or self._is_tenant(home):
                self._tenancies(result, home, problems)
        return result

    def _is_tenant(self, home: Household) -> bool:
        if home.left_on is not None:
            return True
        shared = home.members[0].likeness is Likeness.SHARED_HOUSE
        return self._rng.random() < (_SHARED_HOUSE_SHARE if shared else _TENANT_SHARE)

    def _tenancies(self, sheet: Sheet, home: Household, problems: frozenset[Problem]) -> None:
        """The running tenancy and, for those who moved, the one they left."""
        money = self._money(home, problems)
        if home.moved_on is None:
            self._members(sheet, home, _Tenancy(f"T{home.number:06d}", home.since, home.left_on, money))
            return
        before = _Tenancy(f"T{home.number:06d}-1", home.since, home.moved_on, ("0.00", "N", "N", "none"))
        after = _Tenancy(f"T{home.number:06d}-2", home.moved_on, None, money)
        self._members(sheet, home, before)
        self._members(sheet, home, after)

    def _members(self, sheet: Sheet, home: Household, tenancy: _Tenancy) -> None:
        day = tenancy.start if tenancy.end else self._during.as_of
        people = [person for person in home.members if person.born <= (tenancy.end or self._during.as_of)]
        guests = [guest for guest in home.guests if self._rng.random() < _GUEST_NAMED_SHARE]
        adults = home.adults(self._during.as_of)
        for place, person in enumerate((*people, *guests), start=1):
            relationship = "child"
            if person in adults:
                relationship = ("tenant", "joint_tenant", "other")[min(adults.index(person), 2)]
            ref = f"{tenancy.ref}/{place}"
            sheet.meant[ref] = person
            sheet.rows.append(self._row(person, home, tenancy, ref=ref, relationship=relationship, day=day))

    def _row(
        self, person: Person, home: Household, tenancy: _Tenancy, *, ref: str, relationship: str, day: date
    ) -> tuple[str, ...]:
        written, rng = self._clerk.write(person, home, day), self._rng
        of_age = person.age(self._during.as_of) >= _WORKING_AGE
        nino_known = of_age and (home.verbatim or rng.random() < _KNOWN_NINO_SHARE)
        uprn_known = home.verbatim or rng.random() < _KNOWN_UPRN_SHARE
        return (
            tenancy.ref, ref, relationship, written.surname, written.forename, written.born, written.sex,
            person.nino if nino_known else "", *written.address, home.home_on(day).uprn if uprn_known else "",
            tenancy.start.isoformat(), tenancy.end.isoformat() if tenancy.end else "", *tenancy.money,
        )  # fmt: skip

    def _money(self, home: Household, problems: frozenset[Problem]) -> tuple[str, str, str, str]:
        rng = self._rng
        asb = "open" if Problem.CRIME in problems and rng.random() < 0.3 else "none"  # noqa: PLR2004 - some of them
        if Problem.DEBT in problems:
            evicted = rng.random() < 0.1  # noqa: PLR2004 - one in ten
            notice = evicted or rng.random() < 0.5  # noqa: PLR2004 - every other one
            return f"{rng.uniform(520, 4800):.2f}", "NY"[notice], "NY"[evicted], asb
        small = not home.has_dependent_child(self._during.as_of) and rng.random() < 0.2  # noqa: PLR2004 - some owe a little
        return f"{rng.uniform(5, 90) if small else 0:.2f}", "N", "N", asb
