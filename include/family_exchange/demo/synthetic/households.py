"""Homes and who lives in them: alone, in couples, with children or grandparents, in step-families, with strangers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from random import Random

from family_exchange.demo.synthetic import names, places, span
from family_exchange.demo.synthetic.nursery import Nursery, Parentage
from family_exchange.demo.synthetic.people import Household, Likeness, Person, Role
from family_exchange.demo.synthetic.places import Address, Homes
from family_exchange.demo.synthetic.span import Span

LARGEST = 14
"""No kind of household needs more people than this; the last few people live alone."""
_MOVED_SHARE = 0.08
_TWINS_SHARE = 0.035
_NAMESAKE_SHARE = 0.03
_SAME_SURNAME_SHARE = 0.65
_HYPHEN_SHARE = 0.3
_LEFT_ALONE_SHARE = 0.5
_NEW_PARTNER_SHARE = 0.6
_STEP_PARENT_SHARE = 0.7
_SAME_ORIGIN_SHARE = 0.85


class Town:
    """Builds one household after another until everybody has a home."""

    def __init__(self, rng: Random, during: Span, nursery: Nursery, homes: Homes) -> None:
        self._rng = rng
        self._during = during
        self._nursery = nursery
        self._homes = homes
        self._number = 0

    def households(self, people: int) -> Iterator[Household]:
        """Households of exactly `people` people; the first few are one of each kind."""
        kinds: list[tuple[Callable[[], Iterator[Household]], float]] = [
            (lambda: self._parents(twins=True), 0),
            (lambda: self._parents(namesake=True), 0),
            (self._step_family, 7),
            (self._three_generations, 4),
            (self._shared_house, 3),
            (self._foster_home, 1.5),
            (self._gone, 2),
            (self._single_parent, 13),
            (self._parents, 25),
            (self._couple, 20),
            (self._alone, 25),
        ]
        builders = [builder for builder, _ in kinds]
        weights = [weight for _, weight in kinds]
        one_of_each = iter(builders)
        while self._nursery.made < people:
            if people - self._nursery.made < LARGEST:
                builder = self._alone
            else:
                builder = next(one_of_each, None) or self._rng.choices(builders, weights)[0]
            yield from builder()

    def family(self, surname: str) -> Household:
        """Two parents called `surname` who never moved, and their two children of school age."""
        number, first = self._next(), self._nursery.birthday(32, 40)
        adults = self._pair(number, first, mother=Role.MOTHER, father=Role.FATHER, surname=surname)
        parents = Parentage(number, surname, _origin_of(adults[1]), school=0)
        births = [self._nursery.birthday(age, age) for age in (11, 8)]
        taken = {adult.forename for adult in adults}
        return self._settle([*adults, *self._nursery.children(parents, births, taken=taken)], may_move=False)

    def _alone(self) -> Iterator[Household]:
        yield self._settle([self._single(self._next(), self._nursery.birthday(18, 92))])

    def _couple(self) -> Iterator[Household]:
        number, first = self._next(), self._nursery.birthday(20, 88)
        yield self._settle(list(self._pair(number, first, mother=Role.ADULT, father=Role.ADULT)))

    def _parents(self, *, twins: bool = False, namesake: bool = False) -> Iterator[Household]:
        yield self._two_parents(
            children=self._rng.choices((1, 2, 3, 4), (40, 42, 14, 4))[0] + twins,
            oldest=12 if twins else 20,
            twins=twins or (self._rng.random() < _TWINS_SHARE and not namesake),
            namesake=namesake or self._rng.random() < _NAMESAKE_SHARE,
        )

    def _single_parent(self) -> Iterator[Household]:
        number, origin = self._next(), names.origin(self._rng)
        mother = self._nursery.adult(
            number, role=Role.MOTHER, sex="F", born=self._nursery.birthday(19, 50), origin=origin
        )
        parents = Parentage(number, mother.surname, origin, self._nursery.a_school())
        count = self._rng.choices((1, 2, 3, 4), (50, 34, 12, 4))[0]
        yield self._settle([mother, *self._brood(mother, parents, count, oldest=17)])

    def _step_family(self) -> Iterator[Household]:
        """Children of parents who live apart: with their mother, and for part of the week with their father."""
        hers, his = self._next(), self._next()
        origin = names.origin(self._rng)
        father = self._nursery.adult(his, role=Role.FATHER, sex="M", born=self._nursery.birthday(24, 55), origin=origin)
        mother = self._nursery.adult(
            hers, role=Role.MOTHER, sex="F", born=self._nursery.birthday(22, 50), origin=origin
        )
        parents = Parentage(hers, father.surname, origin, self._nursery.a_school())
        count = self._rng.choices((1, 2, 3), (45, 40, 15))[0]
        children = [
            replace(child, likeness=child.likeness or Likeness.TWO_HOMES)
            for child in self._brood(mother, parents, count, oldest=15)
        ]
        around_her, around_him = [mother, *children], [father]
        if self._rng.random() < _STEP_PARENT_SHARE:
            step_father = self._single(hers, self._nursery.birthday(24, 55), sex="M", role=Role.STEP_PARENT)
            around_her.append(step_father)
            if self._rng.random() < _NEW_PARTNER_SHARE:
                shared = replace(parents, surname=step_father.surname)
                taken = {person.forename for person in around_her}
                born = span.between(self._rng, span.years_before(self._during.as_of, 3), self._during.as_of)
                around_her += self._nursery.children(shared, [born], taken=taken)
        if self._rng.random() < _NEW_PARTNER_SHARE:
            around_him.append(self._single(his, self._nursery.birthday(24, 50), sex="F", role=Role.ADULT))
        yield self._settle(around_her)
        yield self._settle(around_him, guests=children)

    def _three_generations(self) -> Iterator[Household]:
        household = next(self._rng.choice((self._parents, self._single_parent))())
        eldest = min(person.born for person in household.members)
        first = span.years_before(eldest, self._rng.uniform(20, 34))
        surname = household.members[0].surname
        grandmother = self._single(household.number, first, sex="F", role=Role.GRANDPARENT, surname=surname)
        yield replace(household, members=(*household.members, grandmother))

    def _foster_home(self) -> Iterator[Household]:
        number, first = self._next(), self._nursery.birthday(35, 62)
        carers = self._pair(number, first, mother=Role.CARER, father=Role.CARER)
        looked_after = []
        for _ in range(self._rng.choices((1, 2), (70, 30))[0]):
            origin = names.origin(self._rng)
            parents = Parentage(number, names.surname(self._rng, origin), origin, self._nursery.a_school())
            (child,) = self._nursery.children(parents, [self._nursery.birthday(1, 15)], taken=set())
            looked_after.append(replace(child, likeness=Likeness.LOOKED_AFTER))
        yield self._settle([*carers, *looked_after])

    def _shared_house(self) -> Iterator[Household]:
        house = self._homes.next()
        for number in range(1, self._rng.choice((3, 4, 5)) + 1):
            lodger = self._single(self._next(), self._nursery.birthday(18, 45), likeness=Likeness.SHARED_HOUSE)
            yield self._settle([lodger], home=places.room(house, number), may_move=False)

    def _gone(self) -> Iterator[Household]:
        """People who left more than six years ago, and of whom only old records tell."""
        number, first = self._next(), self._nursery.birthday(30, 80)
        if self._rng.random() < _LEFT_ALONE_SHARE:
            members = [self._single(number, first)]
        else:
            members = list(self._pair(number, first, mother=Role.ADULT, father=Role.ADULT))
        household = self._settle(members, may_move=False)
        left = span.between(
            self._rng, span.years_before(self._during.today, 9), span.years_before(self._during.today, 6.1)
        )
        yield replace(household, since=span.years_before(left, self._rng.uniform(1, 6)), left_on=left)

    def _two_parents(self, *, children: int, oldest: int, twins: bool, namesake: bool) -> Household:
        number, first = self._next(), self._nursery.birthday(21, 48)
        mother, father = self._pair(number, first, mother=Role.MOTHER, father=Role.FATHER)
        child_surname = father.surname
        if mother.surname != father.surname and self._rng.random() < _HYPHEN_SHARE:
            child_surname = f"{mother.surname}-{father.surname}"
        parents = Parentage(number, child_surname, _origin_of(father), self._nursery.a_school())
        days = self._nursery.births(mother.born, children, oldest=oldest, twins=twins)
        brood = self._nursery.children(parents, days, taken={mother.forename, father.forename})
        if namesake and brood[0].likeness is not Likeness.TWIN:
            brood[0], father = self._nursery.namesake(brood[0], father)
        return self._settle([mother, father, *brood])

    def _pair(
        self, number: int, first: date, *, mother: Role, father: Role, surname: str | None = None
    ) -> tuple[Person, Person]:
        origin = names.origin(self._rng)
        shared = surname or (names.surname(self._rng, origin) if self._rng.random() < _SAME_SURNAME_SHARE else None)
        his_origin = origin if self._rng.random() < _SAME_ORIGIN_SHARE else names.origin(self._rng)
        oldest = span.years_before(self._during.as_of, 18.1)
        second = min(span.years_before(first, self._rng.gauss(1.5, 3)), oldest)
        return (
            self._nursery.adult(number, role=mother, sex="F", born=first, origin=origin, surname=shared),
            self._nursery.adult(number, role=father, sex="M", born=second, origin=his_origin, surname=shared),
        )

    def _single(
        self,
        number: int,
        born: date,
        *,
        sex: str | None = None,
        role: Role = Role.ADULT,
        surname: str | None = None,
        likeness: Likeness = Likeness.NONE,
    ) -> Person:
        origin = names.origin(self._rng)
        sex = sex or self._rng.choice("FM")
        return self._nursery.adult(
            number, role=role, sex=sex, born=born, origin=origin, surname=surname, likeness=likeness
        )

    def _brood(self, mother: Person, parents: Parentage, count: int, *, oldest: int) -> list[Person]:
        twins = self._rng.random() < _TWINS_SHARE
        days = self._nursery.births(mother.born, count + twins, oldest=oldest, twins=twins)
        return self._nursery.children(parents, days, taken={mother.forename})

    def _settle(
        self,
        members: list[Person],
        *,
        guests: list[Person] | None = None,
        home: Address | None = None,
        may_move: bool = True,
    ) -> Household:
        """The members in a home of their own; some moved into it during the year."""
        moved = may_move and self._rng.random() < _MOVED_SHARE
        coverage = (self._during.coverage_from, self._during.as_of)
        since = span.years_before(self._during.as_of, self._rng.uniform(0.8, 14))
        moved_on = span.between(self._rng, *coverage) if moved else None
        return Household(
            number=members[0].family,
            members=tuple(members),
            guests=tuple(guests or ()),
            home=home or self._homes.next(),
            former_home=self._homes.next() if moved else None,
            since=since,
            moved_on=moved_on,
            left_on=None,
        )

    def _next(self) -> int:
        self._number += 1
        return self._number


def _origin_of(man: Person) -> names.Origin:
    """The first origin whose forenames include his, so that a child's names go with the father's."""
    return next(each for each in names.ORIGINS if man.forename in each.boys)
