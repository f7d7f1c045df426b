"""The people of a synthetic council and the homes they share: the truth that the files tell of, well or badly."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from family_exchange.demo.synthetic import span
from family_exchange.demo.synthetic.places import Address

DEPENDENT_UNTIL = 16
"""A child is dependent until this birthday; a proposal needs one in the home."""
_GROWN_UP = 18


class Role(StrEnum):
    """What somebody is in their home."""

    MOTHER = "mother"
    FATHER = "father"
    STEP_PARENT = "step_parent"
    GRANDPARENT = "grandparent"
    CARER = "carer"
    CHILD = "child"
    ADULT = "adult"


class Likeness(StrEnum):
    """Why somebody is easily taken for another person, or for two."""

    NONE = ""
    TWIN = "twin"
    CLOSE_SIBLING = "close_sibling"
    SENIOR = "senior"
    JUNIOR = "junior"
    TWO_HOMES = "two_homes"
    SHARED_HOUSE = "shared_house"
    LOOKED_AFTER = "looked_after"


@dataclass(frozen=True, slots=True)
class Person:
    """One human being, as they truly are."""

    number: int
    family: int
    role: Role
    likeness: Likeness
    forename: str = field(repr=False)
    surname: str = field(repr=False)
    former_surname: str = field(repr=False)
    """The name before a marriage; empty for most."""
    born: date = field(repr=False)
    sex: str = field(repr=False)
    nhs_number: str = field(repr=False)
    nino: str = field(repr=False)
    """Empty for children."""
    upn: str = field(repr=False)
    """Empty for those who never went to school here."""
    school: int | None
    """The school of the current school year; None: none here."""
    ethnicity: str = field(repr=False)

    def age(self, day: date) -> int:
        """Whole years lived on `day`."""
        return span.age(self.born, day)

    def is_adult(self, day: date) -> bool:
        """True from the eighteenth birthday."""
        return self.age(day) >= _GROWN_UP


@dataclass(frozen=True, slots=True)
class Household:
    """People who live as one family in one home."""

    number: int
    """The true family number."""
    members: tuple[Person, ...]
    guests: tuple[Person, ...]
    """Children of another family who live here for part of the week."""
    home: Address = field(repr=False)
    former_home: Address | None = field(repr=False)
    """Where they lived before `moved_on`; None when they did not move in the year."""
    since: date
    moved_on: date | None
    left_on: date | None
    """When they left the council's area for good; None: they live here."""
    verbatim: bool = False
    """Nobody ever mistypes them: they are looked for afterwards."""

    def home_on(self, day: date) -> Address:
        """Where they lived on `day`."""
        if self.former_home and self.moved_on and day < self.moved_on:
            return self.former_home
        return self.home

    def adults(self, day: date) -> tuple[Person, ...]:
        """The members who were grown up on `day`."""
        return tuple(person for person in self.members if person.is_adult(day))

    def children(self, day: date) -> tuple[Person, ...]:
        """The members who were not grown up on `day`."""
        return tuple(person for person in self.members if not person.is_adult(day))

    def has_dependent_child(self, day: date) -> bool:
        """True when somebody under sixteen lives here, unless the family has left."""
        return self.left_on is None and any(person.age(day) < DEPENDENT_UNTIL for person in self.members)


class Problem(StrEnum):
    """What a family may have too much of, in the words of the feeds that would show it."""

    CRIME = "crime_asb"
    SCHOOL = "attendance"
    HELP = "children_services"
    DEBT = "housing"
    ABUSE = "domestic_abuse"


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody, by home, and what each home struggles with."""

    households: tuple[Household, ...]
    problems: dict[int, frozenset[Problem]]
    """By household number; a household that is not here has none."""
    schools: int
