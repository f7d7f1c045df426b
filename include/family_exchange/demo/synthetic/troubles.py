"""Which families have which problems: by quota, so that a small council has its share too."""

from collections.abc import Collection, Mapping
from random import Random

from family_exchange.demo.synthetic.people import Household, Problem, Role
from family_exchange.demo.synthetic.span import Span

SEVERAL_SHARE = 0.15
"""Share of the families with a dependent child that have two or more distinct problems."""
ONE_SHARE = 0.22
"""Share of those that have exactly one."""
SHOWN_BY: Mapping[str, tuple[Problem, ...]] = {
    "police_incidents": (Problem.CRIME, Problem.ABUSE),
    "school_attendance": (Problem.SCHOOL,),
    "childrens_social_care": (Problem.HELP,),
    "housing_tenancies": (Problem.DEBT,),
}
"""The problems that each feed would show."""
_WEIGHTS = {
    Problem.HELP: 5.0,
    Problem.SCHOOL: 5.5,
    Problem.CRIME: 3.0,
    Problem.ABUSE: 3.0,
    Problem.DEBT: 3.5,
}
_HOW_MANY = ((2, 3, 4, 5), (52, 31, 13, 4))
_YOUNGEST_PUPIL = 6
_OLDEST_PUPIL = 14


def share_out(
    households: Collection[Household], feeds: Collection[str], rng: Random, during: Span
) -> dict[int, frozenset[Problem]]:
    """The problems of each household, by number; those without any are left out.

    Only problems that one of `feeds` would show are shared out, so what the files can tell is what is true.
    """
    shown = [problem for feed, problems in SHOWN_BY.items() if feed in feeds for problem in problems]
    families = [each for each in households if each.has_dependent_child(during.as_of)]
    rng.shuffle(families)
    families.sort(key=lambda family: not family.verbatim)
    several = round(len(families) * SEVERAL_SHARE)
    one = round(len(families) * ONE_SHARE)
    problems = {}
    for place, family in enumerate(families):
        possible = [problem for problem in shown if _can_have(family, problem, during)]
        given = _given(family) & set(possible)
        count = _how_many(rng, place, several, one)
        problems[family.number] = _pick(rng, possible, len(possible) if family.verbatim else count, given=given)
    return {number: found for number, found in problems.items() if found}


def _how_many(rng: Random, place: int, several: int, one: int) -> int:
    if place < several:
        return int(rng.choices(*_HOW_MANY)[0])
    return int(place < several + one)


def _given(family: Household) -> frozenset[Problem]:
    """What a home is known for by what it is: children's services have placed somebody there."""
    fostering = any(person.role is Role.CARER for person in family.members)
    return frozenset({Problem.HELP} if fostering else ())


def _can_have(family: Household, problem: Problem, during: Span) -> bool:
    if problem is Problem.SCHOOL:
        return any(
            person.school is not None and _YOUNGEST_PUPIL <= person.age(during.as_of) <= _OLDEST_PUPIL
            for person in family.members
        )
    return True


def _pick(rng: Random, possible: list[Problem], count: int, *, given: frozenset[Problem]) -> frozenset[Problem]:
    """`given` and others up to `count` different problems, the frequent ones more often; fewer if there are no more."""
    left = [problem for problem in possible if problem not in given]
    picked = set(given)
    while left and len(picked) < count:
        problem = rng.choices(left, [_WEIGHTS[each] for each in left])[0]
        picked.add(problem)
        left.remove(problem)
    return frozenset(picked)
