"""New people: each gets names, a birthday and the numbers that a life in Britain brings."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from family_exchange.demo.synthetic import names, numbers, span
from family_exchange.demo.synthetic.names import Origin
from family_exchange.demo.synthetic.people import Likeness, Person, Role
from family_exchange.demo.synthetic.span import Span

_SCHOOL_STARTS = 4
_WORK_STARTS = 16
_YOUNGEST_WITH_UPN = date(1998, 9, 1)
"""Pupil numbers came in 1999; older people have none."""
_LAST_SCHOOL_YEAR = 11
_SIXTH_FORM_LAST_YEAR = 13
_SIXTH_FORM_SHARE = 0.35
_FORMER_SURNAME_SHARE = 0.12
_SIBLING_GAP_DAYS = (300, 1900)
_CLOSE_GAP_DAYS = 450
_TRIES = 60


@dataclass(frozen=True, slots=True)
class Parentage:
    """What the children of one couple have in common."""

    family: int
    surname: str
    origin: Origin
    school: int


class Nursery:
    """Makes people, each with numbers that nobody else has."""

    def __init__(self, rng: Random, during: Span, la_code: str, *, people: int, schools: int) -> None:
        self._rng = rng
        self._during = during
        self._schools = schools
        self._pupils = numbers.PupilNumbers(la_code)
        self._nhs = numbers.nhs_numbers(rng, people)
        self._ninos = numbers.ninos(rng, people)
        self.made = 0

    def birthday(self, youngest: int, oldest: int) -> date:
        """A day of birth of somebody aged `youngest` to `oldest` now."""
        first = self._during.as_of - timedelta(days=round((oldest + 1) * 365.25) - 1)
        last = self._during.as_of - timedelta(days=round(youngest * 365.25) + 1)
        return span.between(self._rng, first, last)

    def adult(
        self,
        family: int,
        *,
        role: Role,
        sex: str,
        born: date,
        origin: Origin,
        surname: str | None = None,
        likeness: Likeness = Likeness.NONE,
    ) -> Person:
        """A grown-up; a woman may have had another surname before."""
        own = names.surname(self._rng, origin)
        married = sex == "F" and surname is not None and self._rng.random() < _FORMER_SURNAME_SHARE
        return self._person(
            family,
            role=role,
            sex=sex,
            born=born,
            origin=origin,
            surname=surname or own,
            former_surname=own if married else "",
            likeness=likeness,
        )

    def children(self, parents: Parentage, births: list[date], *, taken: set[str]) -> list[Person]:
        """A child for each birth, in that order; a day that stands twice makes twins.

        No child bears a forename of `taken` or of a brother or sister.
        """
        siblings: list[Person] = []
        for born in births:
            sex = self._rng.choice("FM")
            forename = self._other_forename(parents.origin, sex, taken)
            taken.add(forename)
            siblings.append(
                self._person(
                    parents.family,
                    role=Role.CHILD,
                    sex=sex,
                    born=born,
                    origin=parents.origin,
                    surname=parents.surname,
                    forename=forename,
                    likeness=_likeness(born, births),
                    school=parents.school,
                )
            )
        return siblings

    def births(self, mother_born: date, count: int, *, oldest: int, twins: bool) -> list[date]:
        """`count` birthdays of one mother's children, the eldest at most `oldest` now, none in the future."""
        earliest = max(span.years_before(self._during.as_of, oldest + 0.9), _birthday(mother_born, 17))
        day = span.between(self._rng, min(earliest, self._during.as_of), self._during.as_of)
        days = [day]
        while len(days) < count:
            gap = 0 if twins and len(days) == 1 else self._rng.randrange(*_SIBLING_GAP_DAYS)
            day = day + timedelta(days=gap)
            if day > self._during.as_of:
                break
            days.append(day)
        return days

    def namesake(self, child: Person, parent: Person) -> tuple[Person, Person]:
        """The child bearing the parent's whole name, and the parent, each told apart by their likeness."""
        junior = replace(
            child, forename=parent.forename, surname=parent.surname, sex=parent.sex, likeness=Likeness.JUNIOR
        )
        return junior, replace(parent, likeness=Likeness.SENIOR)

    def a_school(self) -> int:
        """One of the council's schools."""
        return self._rng.randrange(self._schools)

    def _other_forename(self, origin: Origin, sex: str, taken: set[str]) -> str:
        for _ in range(_TRIES):
            forename = names.forename(self._rng, origin, sex)
            if forename not in taken:
                return forename
        return f"{names.forename(self._rng, origin, sex)}-{names.forename(self._rng, names.ORIGINS[0], sex)}"

    def _person(
        self,
        family: int,
        *,
        role: Role,
        sex: str,
        born: date,
        origin: Origin,
        surname: str,
        former_surname: str = "",
        forename: str | None = None,
        likeness: Likeness = Likeness.NONE,
        school: int | None = None,
    ) -> Person:
        place = self.made
        self.made += 1
        years = span.age(born, self._during.as_of)
        first_school = self.a_school() if school is None else school
        has_upn = born >= _YOUNGEST_WITH_UPN and years > _SCHOOL_STARTS
        return Person(
            number=place + 1,
            family=family,
            role=role,
            likeness=likeness,
            forename=forename or names.forename(self._rng, origin, sex),
            surname=surname,
            former_surname=former_surname,
            born=born,
            sex=sex,
            nhs_number=self._nhs[place],
            nino=self._ninos[place] if years >= _WORK_STARTS else "",
            upn=self._pupils.next(first_school, born.year + _SCHOOL_STARTS) if has_upn else "",
            school=first_school if has_upn and self._is_pupil(born) else None,
            ethnicity=self._rng.choice(origin.ethnicities),
        )

    def _is_pupil(self, born: date) -> bool:
        year = span.school_year_of(born, self._during.school_year)
        if year <= _LAST_SCHOOL_YEAR:
            return year >= 0
        return year <= _SIXTH_FORM_LAST_YEAR and self._rng.random() < _SIXTH_FORM_SHARE


def _likeness(born: date, births: list[date]) -> Likeness:
    gaps = [abs((born - other).days) for other in births]
    if gaps.count(0) > 1:
        return Likeness.TWIN
    return Likeness.CLOSE_SIBLING if any(0 < gap < _CLOSE_GAP_DAYS for gap in gaps) else Likeness.NONE


def _birthday(born: date, years: int) -> date:
    return born + timedelta(days=round(years * 365.25))
