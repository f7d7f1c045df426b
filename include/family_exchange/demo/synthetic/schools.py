"""School attendance: every pupil's half days, present and missed, over the last three terms."""

from dataclasses import dataclass
from random import Random

from family_exchange.demo.synthetic import numbers, span
from family_exchange.demo.synthetic.clerk import Clerk, Habits, Written
from family_exchange.demo.synthetic.people import Household, Person, Population, Problem
from family_exchange.demo.synthetic.sheet import Sheet
from family_exchange.demo.synthetic.span import Span, Term

FEED = "school_attendance"
HEADER = (
    "pupil_ref", "term", "term_end", "upn", "surname", "forename", "date_of_birth", "sex", "address_line_1",
    "address_line_2", "town", "postcode", "school_urn", "sessions_possible", "sessions_authorised",
    "sessions_unauthorised", "fixed_term_exclusions", "nc_year",
)  # fmt: skip
HABITS = Habits(
    typing=0.006, nickname=0.05, swapped_day=0.003, wrong_digit=0.003, no_birth_date=0, no_postcode=0.006,
    no_fixed_abode=0.0008, former_surname=0, half_surname=0.12, abbreviated=0.08, unstated_sex=0.001,
)  # fmt: skip
_POSSIBLE = {"autumn": 140, "spring": 116, "summer": 124}
_TRUANCY = (0.12, 0.34)
"""Share of the possible half days that a pupil with the problem misses without leave, on average over the terms."""
_NEWCOMER_SHARE = 0.015
"""Pupils who changed school during the year, and so have a reference at each."""
_OLD_ADDRESS_SHARE = 0.45
_NO_UPN_SHARE = 0.006
_TEMPORARY_UPN_SHARE = 0.004
_MISREAD_UPN_SHARE = 0.002
_MISREAD_AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class _Enrolment:
    pupil_ref: str
    school: int
    terms: tuple[Term, ...]


class Registers:
    """The attendance registers of all schools."""

    def __init__(self, rng: Random, population: Population, during: Span) -> None:
        self._rng = rng
        self._during = during
        self._population = population
        self._clerk = Clerk(rng, HABITS)

    def sheet(self, schools: range | None = None) -> Sheet:
        """One row per pupil and term of those `schools` (all of them when None)."""
        result = Sheet(FEED, HEADER)
        for home in self._population.households:
            if home.left_on is None:
                truant = self._truant(home)
                for pupil in home.members:
                    if pupil.school is not None and (schools is None or pupil.school in schools):
                        self._pupil(result, pupil, home, truant=pupil is truant)
        return _with_misread(result)

    def _truant(self, home: Household) -> Person | None:
        if Problem.SCHOOL not in self._population.problems.get(home.number, frozenset()):
            return None
        pupils = [person for person in home.members if person.school is not None]
        of_age = [person for person in pupils if person.age(self._during.as_of) >= 6]  # noqa: PLR2004 - all three terms
        return self._rng.choice(of_age or pupils)

    def _pupil(self, sheet: Sheet, pupil: Person, home: Household, *, truant: bool) -> None:
        knows_move = self._rng.random() >= _OLD_ADDRESS_SHARE
        on = self._during.as_of if knows_move else self._during.coverage_from
        upn = pupil.upn if home.verbatim else self._upn(pupil)
        for enrolment in self._enrolments(pupil, certain=home.verbatim):
            written = self._clerk.write(pupil, home, on)
            sheet.meant[enrolment.pupil_ref] = pupil
            for term in enrolment.terms:
                sheet.rows.append(self._row(pupil, enrolment, term, written, upn, truant=truant))

    def _row(
        self, pupil: Person, enrolment: _Enrolment, term: Term, written: Written, upn: str, *, truant: bool
    ) -> tuple[str, ...]:
        possible = _POSSIBLE[term.code.partition("-")[2]]
        missed = self._rng.uniform(*_TRUANCY) if truant else self._rng.uniform(0, 0.02)
        unauthorised = -int(-possible * missed // 1) if truant else int(possible * missed)
        authorised = int(possible * self._rng.uniform(0, 0.06))
        suspensions = self._rng.choice((0, 0, 1, 2)) if truant else 0
        year = span.school_year_of(pupil.born, self._during.school_year)
        return (
            enrolment.pupil_ref, term.code, term.ends.isoformat(), upn, written.surname, written.forename,
            written.born, written.sex, *written.address, numbers.school_urn(enrolment.school), str(possible),
            str(authorised), str(unauthorised), str(suspensions), str(year) if year else "R",
        )  # fmt: skip

    def _enrolments(self, pupil: Person, *, certain: bool) -> list[_Enrolment]:
        school, terms = pupil.school or 0, self._during.terms
        ref = f"P{school:03d}-{pupil.number:06d}"
        others = self._population.schools - 1
        if certain or not others or self._rng.random() >= _NEWCOMER_SHARE:
            return [_Enrolment(ref, school, terms)]
        other = (school + 1 + self._rng.randrange(others)) % self._population.schools
        changed = self._rng.choice((1, 2))
        return [
            _Enrolment(f"P{other:03d}-{pupil.number:06d}", other, terms[:changed]),
            _Enrolment(ref, school, terms[changed:]),
        ]

    def _upn(self, pupil: Person) -> str:
        luck = self._rng.random()
        if luck < _NO_UPN_SHARE:
            return ""
        if luck < _NO_UPN_SHARE + _TEMPORARY_UPN_SHARE:
            return numbers.temporary_upn(pupil.upn[1:12], self._rng.choice("ABCDEFGH"))
        return pupil.upn


def _with_misread(sheet: Sheet) -> Sheet:
    """The sheet with a few pupil numbers whose check letter does not fit; evenly spread, never at the start."""
    count = max(_MISREAD_AT_LEAST, round(len(sheet.rows) * _MISREAD_UPN_SHARE))
    column = HEADER.index("upn")
    for number in range(1, count + 1):
        place = number * len(sheet.rows) // (count + 1)
        row = sheet.rows[place]
        if row[column]:
            sheet.rows[place] = (*row[:column], numbers.misread(row[column]), *row[column + 1 :])
    return sheet
