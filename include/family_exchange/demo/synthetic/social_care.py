"""Children's services: children with an episode, the grown-ups around them, and adults known from long ago."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from family_exchange.demo.synthetic import numbers, span
from family_exchange.demo.synthetic.clerk import Clerk, Habits
from family_exchange.demo.synthetic.people import Household, Likeness, Person, Population, Problem, Role
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span

FEED = "childrens_social_care"
HEADER = (
    "pers_person_id", "pers_forename", "pers_surname", "pers_dob", "pers_dob_estimated", "pers_sex", "pers_ethnicity",
    "pers_upn", "pers_nhs_number", "pers_nino", "fami_family_id", "fami_relationship", "addr_line_1", "addr_line_2",
    "addr_town", "addr_postcode", "addr_uprn", "earl_start_date", "earl_end_date", "cine_start_date", "cine_end_date",
    "cppl_start_date", "cppl_end_date", "clea_start_date", "clea_end_date", "sen_flag", "last_contact_date",
)  # fmt: skip
HABITS = Habits(
    typing=0.01, nickname=0.05, swapped_day=0.006, wrong_digit=0.005, no_birth_date=0.006, no_postcode=0.012,
    no_fixed_abode=0.002, former_surname=0.1, half_surname=0.15, abbreviated=0.1, unstated_sex=0.003,
)  # fmt: skip
_RELATIONSHIPS = {Role.ADULT: "carer"}
"""What the service calls a role where its word is another one."""
_EPISODES = ("earl", "cine", "cppl", "clea")
_KIND_WEIGHTS = (50, 34, 16)
_STILL_OPEN_SHARE = 0.65
_ENDED_WITHIN_DAYS = 110
_SIBLING_SHARE = 0.6
_CLOSED_CASE_SHARE = 0.06
_ADULT_CARE_SHARE = 0.015
_ADULTS_AT_LEAST = 3
_CHILD_RECORDS_KEPT = 26
"""Beyond this age even what is kept for 25 years from birth is due."""
_KNOWS_MOVE_SHARE = 0.7
_ESTIMATED_SHARE = 0.012
_SEN_SHARE = 0.12
_KNOWN_NUMBER = {"nhs": 0.7, "upn": 0.85, "nino": 0.3}
_MISREAD_EVERY = 150
_MISREAD_AT_LEAST = 2
_MIDDLE_OF_THE_MONTH = 15


@dataclass(frozen=True, slots=True)
class _Case:
    """What the service did for one person, and when it last saw them."""

    episodes: tuple[tuple[str, str], ...] = (("", ""),) * len(_EPISODES)
    last_contact: str = ""


class Service:
    """The case system of children's services."""

    def __init__(self, rng: Random, population: Population, during: Span) -> None:
        self._rng = rng
        self._during = during
        self._population = population
        self._clerk = Clerk(rng, HABITS)

    def sheet(self) -> Sheet:
        """One row per person known; nobody stands in it twice."""
        result = Sheet(FEED, HEADER)
        here = [home for home in self._population.households if home.left_on is None]
        for home in here:
            if Problem.HELP in self._population.problems.get(home.number, frozenset()):
                self._open_case(result, home)
            elif home.has_dependent_child(self._during.as_of) and self._rng.random() < _CLOSED_CASE_SHARE:
                self._closed_case(result, home)
        for home in self._population.households:
            if home.left_on is not None:
                self._row(result, home.members[0], home, self._long_ago())
        self._adult_care(result, [home for home in here if not home.has_dependent_child(self._during.as_of)])
        return _with_misread(result)

    def _open_case(self, sheet: Sheet, home: Household) -> None:
        kind = self._rng.choices(_EPISODES[:3], _KIND_WEIGHTS)[0]
        children = home.children(self._during.as_of)
        worst = next((child for child in children if child.likeness is Likeness.LOOKED_AFTER), children[0])
        for child in children:
            if child.likeness is Likeness.LOOKED_AFTER:
                self._row(sheet, child, home, self._case("cine", "clea", open_share=1))
            elif child is worst or home.verbatim or self._rng.random() < _SIBLING_SHARE:
                self._row(sheet, child, home, self._case(kind, open_share=_STILL_OPEN_SHARE))
        for adult in home.adults(self._during.as_of):
            if adult.role is not Role.CHILD:
                self._row(sheet, adult, home, _Case(last_contact=self._recent_day().isoformat()))

    def _closed_case(self, sheet: Sheet, home: Household) -> None:
        """Early help that ended years ago: known, but no problem of today."""
        children = home.children(self._during.as_of)
        oldest = min(children, key=lambda child: child.born)
        start = span.between(self._rng, oldest.born, max(oldest.born, span.years_before(self._during.as_of, 2.5)))
        end = start + timedelta(days=self._rng.randrange(40, 300))
        case = _Case(((start.isoformat(), end.isoformat()), *(("", ""),) * 3), end.isoformat())
        if end < span.years_before(self._during.as_of, 1.5):
            self._row(sheet, oldest, home, case)

    def _adult_care(self, sheet: Sheet, homes: list[Household]) -> None:
        """Grown-ups known from long ago or of late; of a few nobody knows when they were last seen."""
        share = max(_ADULTS_AT_LEAST, round(len(homes) * _ADULT_CARE_SHARE))
        for place, home in enumerate(self._rng.sample(homes, min(len(homes), 3 * share))):
            person = home.members[0]
            if place < share:
                grown_up_child = person.age(self._during.today) > _CHILD_RECORDS_KEPT
                self._row(sheet, person, home, self._long_ago(), as_child=grown_up_child and place % 3 == 0)
            elif place < 2 * share:
                self._row(sheet, person, home, _Case(last_contact=self._recent_day().isoformat()))
            elif place < 2 * share + max(2, share // 4):
                self._row(sheet, person, home, _Case())

    def _row(self, sheet: Sheet, person: Person, home: Household, case: _Case, *, as_child: bool = False) -> None:
        knows_move = self._rng.random() < _KNOWS_MOVE_SHARE
        on = self._during.as_of if knows_move else self._during.coverage_from
        written = self._clerk.write(person, home, on)
        estimated = not home.verbatim and self._rng.random() < _ESTIMATED_SHARE
        born = person.born.replace(day=_MIDDLE_OF_THE_MONTH).isoformat() if estimated else written.born
        ref = f"C{person.number:06d}"
        child = person.role is Role.CHILD
        sheet.meant[ref] = person
        sheet.rows.append(
            (
                ref, written.forename, written.surname, born, "NY"[estimated], written.sex, person.ethnicity,
                self._known("upn", person.upn, home), self._known("nhs", person.nhs_number, home),
                self._known("nino", person.nino, home), f"FAM{home.number:06d}",
                "child" if as_child else _RELATIONSHIPS.get(person.role, person.role.value), *written.address,
                home.home_on(on).uprn if written.postcode == home.home_on(on).postcode else "",
                *(day for episode in case.episodes for day in episode),
                "NY"[child and self._rng.random() < _SEN_SHARE], case.last_contact,
            )
        )  # fmt: skip

    def _case(self, *kinds: str, open_share: float) -> _Case:
        """Episodes of those kinds that are open, or ended in the last months that the file covers."""
        start = span.between(self._rng, span.years_before(self._during.as_of, 1.4), self._during.coverage_from)
        ended = self._rng.random() >= open_share
        recently = self._during.as_of - timedelta(days=self._rng.randrange(_ENDED_WITHIN_DAYS))
        end = recently.isoformat() if ended else ""
        dates = tuple((start.isoformat(), end) if each in kinds else ("", "") for each in _EPISODES)
        return _Case(dates, end or self._recent_day().isoformat())

    def _long_ago(self) -> _Case:
        first, last = span.years_before(self._during.today, 11), span.years_before(self._during.today, 6.1)
        return _Case(last_contact=span.between(self._rng, first, last).isoformat())

    def _known(self, kind: str, number: str, home: Household) -> str:
        return number if home.verbatim or self._rng.random() < _KNOWN_NUMBER[kind] else ""

    def _recent_day(self) -> date:
        return span.between(self._rng, self._during.coverage_from, self._during.as_of)


def _with_misread(sheet: Sheet) -> Sheet:
    """The sheet with a few NHS numbers whose check digit does not fit."""
    column = HEADER.index("pers_nhs_number")
    known = [place for place, row in enumerate(sheet.rows) if row[column]]
    for place in _spread(known, max(_MISREAD_AT_LEAST, len(known) // _MISREAD_EVERY)):
        row = sheet.rows[place]
        sheet.rows[place] = (*row[:column], numbers.misread(row[column]), *row[column + 1 :])
    return sheet


def _spread(places: list[int], count: int) -> Iterable[int]:
    return [places[number * len(places) // (count + 1)] for number in range(1, count + 1)] if places else []
