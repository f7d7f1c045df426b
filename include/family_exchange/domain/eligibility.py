"""From evidence to a proposal: which problems count, what stays unknown, and when a family is proposed.

Distinct problems count, never indicators. Nothing here is a decision: a proposal is decision support for a named
person, who decides. Source: Financial framework for the expanded programme (dependent child, adult elsewhere).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from family_exchange.domain.family import Role
from family_exchange.domain.framework import DependentChild, Framework
from family_exchange.domain.indicator import Route
from family_exchange.domain.person import age_on, derived_id
from family_exchange.domain.problem import Subject


class Standing(StrEnum):
    """How a problem stands in a family."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    """Nothing evidences it, and something that could did not come."""


def dependent_child(subject: Subject, rule: DependentChild, *, on: date) -> bool:
    """True for a child in the home who is young enough, or of whom something shows more; an unborn child is none."""
    if not subject.resident or subject.born is None or subject.born > on:
        return False
    age = age_on(subject.born, on)
    return age < rule.until or (age < rule.kept_until and subject.kept)


def expectant_parent(subject: Subject, *, on: date) -> bool:
    """True for somebody in the home who is shown to expect a child, and for the child."""
    return subject.resident and (subject.expecting or (subject.born is not None and subject.born > on))


def has_a_child(framework: Framework, family: Collection[Subject], *, on: date) -> bool:
    """True when the framework asks for no child, or the family has or expects one as it says."""
    rule = framework.dependent_child
    if rule is None or any(dependent_child(subject, rule, on=on) for subject in family):
        return True
    return framework.expectant_parent is not None and any(expectant_parent(subject, on=on) for subject in family)


def counted(found: Iterable[tuple[str, str | None]], family: Iterable[Subject], cap: int | None = 1) -> frozenset[str]:
    """The distinct problems that count, of `(problem, person)`; nobody's are those of the family as a whole.

    An adult who does not live with the family accounts for at most `cap` problems, and for such that nobody else
    evidences where that is possible: as many problems as the rule allows.
    """
    capped = {one.person for one in family if cap is not None and one.role is Role.ADULT and not one.resident}
    own: set[str] = set()
    offered: dict[str, set[str]] = {}
    for problem, person in found:
        if person is not None and person in capped:
            offered.setdefault(person, set()).add(problem)
        else:
            own.add(problem)
    given: dict[str, tuple[str, int]] = {}

    def give(place: tuple[str, int], tried: set[str]) -> bool:
        for problem in sorted(offered[place[0]] - own - tried):
            tried.add(problem)
            if problem not in given or give(given[problem], tried):
                given[problem] = place
                return True
        return False

    for person in sorted(offered):
        for number in range(cap or 0):
            give((person, number), set())
    return frozenset(own | set(given))


def told(framework: Framework, came: Collection[str]) -> frozenset[str]:
    """The indicators that the feeds that came could show; for a referral or a nomination nobody waits."""
    return frozenset(
        each.code for each in framework.indicators if each.route is not Route.DATA or (each.feed or "") in came
    )


def standings(framework: Framework, met: Collection[str], told: Collection[str], *, on: date) -> dict[str, Standing]:
    """How each problem stands on that day, in the framework's order; `told` holds the indicators that could be shown.

    A problem is absent only when everything that could evidence it came and shows nothing. Of an indicator that is not
    asked for on that day nothing is awaited, and nothing follows. That nobody refers or nominates a family says nothing
    about it.
    """
    without = {each.problem for each in framework.without_feed}
    found: dict[str, Standing] = {}
    for code in framework.problem_codes:
        indicators = [each for each in framework.indicators_of(code) if each.route is Route.DATA and each.holds_on(on)]
        complete = code not in without and all(each.code in told for each in indicators) and bool(indicators)
        found[code] = Standing.MET if code in met else Standing.NOT_MET if complete else Standing.UNKNOWN
    return found


def proposes(framework: Framework, problems: Collection[str], family: Collection[Subject], *, on: date) -> bool:
    """True when a family with these distinct problems is proposed: enough of them, and a child to support."""
    return len(set(problems)) >= framework.min_problems and has_a_child(framework, family, on=on)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the rules say of one family on one day; decision support, never a decision."""

    proposed: bool
    problems: tuple[str, ...]
    """The distinct problems that count, sorted."""
    unknown: tuple[str, ...]
    """Problems that could not be told, sorted."""
    capped: tuple[str, ...]
    """Problems that are evidenced and do not count, because one member accounts for no more; sorted."""


def assess(
    framework: Framework,
    family: Collection[Subject],
    found: Collection[tuple[str, str | None]],
    came: Collection[str],
    *,
    on: date,
) -> Assessment:
    """What the rules say of a family of which `found` is evidenced, as `(problem, person)`."""
    met = {code for code, _ in found}
    problems = counted(found, family, framework.caps.adult_elsewhere)
    standing = standings(framework, met, told(framework, came), on=on)
    return Assessment(
        proposes(framework, problems, family, on=on),
        tuple(sorted(problems)),
        tuple(sorted(code for code, how in standing.items() if how is Standing.UNKNOWN)),
        tuple(sorted(met - problems)),
    )


def proposal_id(family: str, rule: str, problems: Iterable[str]) -> str:
    """The id of a proposal: the same family, rule and problems are the same proposal."""
    return derived_id("Q", family, rule, *sorted(problems))


def decision_id(proposal: str, *, mistakes: int = 0) -> str:
    """The id of the one decision on a proposal that counts, after so many that were taken back."""
    return derived_id("D", proposal, str(mistakes)) if mistakes else derived_id("D", proposal)
