"""How one partner's staff write people down: nicknames, slips of the finger, old addresses, days and months changed."""

from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

from family_exchange.demo.synthetic import names, places
from family_exchange.demo.synthetic.people import Household, Person

_LAST_MONTH = 12
_SHORTEST_TO_MISTYPE = 3
_ABBREVIATIONS = {"Road": "Rd", "Street": "St", "Avenue": "Ave", "Close": "Cl", "Lane": "Ln", "Drive": "Dr"}


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of the people that one kind of partner writes down in each wrong or different way."""

    typing: float
    """A letter is missing, doubled, or changed places with its neighbour."""
    nickname: float
    swapped_day: float
    """Day and month of birth change places."""
    wrong_digit: float
    """The day or the year of birth is off by a little."""
    no_birth_date: float
    no_postcode: float
    no_fixed_abode: float
    """The health service's postcode for nobody's home stands where none should."""
    former_surname: float
    """A married woman is still known by her earlier name."""
    half_surname: float
    """One half of a double surname is lost."""
    abbreviated: float
    """Words of the address are cut short."""
    unstated_sex: float
    capitals: bool = False
    """Surnames are written in capital letters."""
    plain_letters: bool = False
    """The system knows no accents."""


PERFECT = Habits(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Written:
    """A person as one partner's record shows them; every field is text for a file."""

    forename: str = field(repr=False)
    surname: str = field(repr=False)
    born: str = field(repr=False)
    sex: str
    line_1: str = field(repr=False)
    line_2: str = field(repr=False)
    town: str = field(repr=False)
    postcode: str = field(repr=False)

    @property
    def address(self) -> tuple[str, str, str, str]:
        """The four address columns, as every feed orders them."""
        return self.line_1, self.line_2, self.town, self.postcode


class Clerk:
    """Writes people down with the habits of one partner."""

    def __init__(self, rng: Random, habits: Habits) -> None:
        self._rng = rng
        self._habits = habits

    def write(self, person: Person, home: Household, on: date) -> Written:
        """The person, living where the household lived on that day, with what goes wrong on the way."""
        habits, chance = (PERFECT if home.verbatim else self._habits), self._rng.random
        surname = person.surname
        if person.former_surname and chance() < habits.former_surname:
            surname = person.former_surname
        if "-" in surname and chance() < habits.half_surname:
            surname = self._rng.choice((surname.replace("-", " "), surname.rpartition("-")[2]))
        forename = person.forename
        if chance() < habits.nickname:
            forename = self._rng.choice(names.NICKNAMES.get(forename, (forename,)))
        if chance() < habits.typing:
            forename = self._mistyped(forename)
        if chance() < habits.typing:
            surname = self._mistyped(surname)
        if habits.plain_letters:
            forename, surname = names.plain(forename), names.plain(surname)
        line_1, line_2, town, postcode = self._address(home.home_on(on), habits)
        return Written(
            forename=forename,
            surname=surname.upper() if habits.capitals else surname,
            born=self._birthday(person.born, habits, on),
            sex="U" if chance() < habits.unstated_sex else person.sex,
            line_1=line_1,
            line_2=line_2,
            town=town,
            postcode=postcode,
        )

    def move(self, written: Written, home: Household, on: date) -> Written:
        """The same record after a change of address: the rest stands as it was written."""
        habits = PERFECT if home.verbatim else self._habits
        line_1, line_2, town, postcode = self._address(home.home_on(on), habits)
        return replace(written, line_1=line_1, line_2=line_2, town=town, postcode=postcode)

    def _address(self, home: places.Address, habits: Habits) -> tuple[str, str, str, str]:
        line_1, line_2, postcode = home.line_1, home.line_2, home.postcode
        luck = self._rng.random()
        if luck < habits.abbreviated:
            line_1, line_2 = self._cut_short(line_1), self._cut_short(line_2)
            if line_2:
                line_1, line_2 = f"{line_1}, {line_2}", ""
        elif luck > 1 - habits.no_postcode:
            postcode = ""
        elif luck > 1 - habits.no_postcode - habits.no_fixed_abode:
            line_1, line_2, postcode = "No fixed abode", "", places.NO_FIXED_ABODE
        elif luck > 1 - habits.no_postcode - habits.no_fixed_abode - habits.typing:
            line_1 = self._mistyped(line_1)
        return line_1, line_2, home.town, postcode

    def _birthday(self, born: date, habits: Habits, on: date) -> str:
        """The birthday as it is written, never in a future that the clerk would notice."""
        luck = self._rng.random()
        for share, slip in (
            (habits.swapped_day, _swapped),
            (habits.wrong_digit / 2, _day_off),
            (habits.wrong_digit / 2, _year_off),
        ):
            if luck < share:
                written = slip(born)
                return (born if written > on else written).isoformat()
            luck -= share
        return "" if luck < habits.no_birth_date else born.isoformat()

    def _mistyped(self, word: str) -> str:
        """`word` with one slip after its first letter; words too short for one stay."""
        if len(word) < _SHORTEST_TO_MISTYPE:
            return word
        place = self._rng.randrange(1, len(word) - 1)
        kind = self._rng.randrange(3)
        if kind == 0:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        if kind == 1:
            return word[:place] + word[place + 1 :]
        return word[:place] + word[place] + word[place:]

    def _cut_short(self, line: str) -> str:
        start, _, last = line.rpartition(" ")
        return f"{start} {_ABBREVIATIONS.get(last, last)}".strip()


def _swapped(born: date) -> date:
    return born if born.day > _LAST_MONTH else born.replace(month=born.day, day=born.month)


def _day_off(born: date) -> date:
    return born.replace(day=born.day - 1 if born.day > 1 else 2)


def _year_off(born: date) -> date:
    return born.replace(year=born.year - 1, day=min(born.day, 28))
